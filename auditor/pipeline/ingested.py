"""What an ingest did."""

from __future__ import annotations

from dataclasses import dataclass, field

from auditor.pipeline.reading import Tally


@dataclass(slots=True)
class Ingested:
    """What an ingest did.

    ``copies`` are pairs: a file, and the source it is identical with. ``conflicts`` are duplicates
    whose token counts differ from the call that they repeat. ``buckets`` are records that are sums.
    ``documents`` are files such as a LICENSE that lie among logs and are none.
    """

    sources: int = 0
    already: int = 0
    calls: int = 0
    buckets: int = 0
    tally: Tally = field(default_factory=Tally)
    conflicts: int = 0
    copies: list[tuple[str, str]] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)

    def add(self, other: Ingested) -> None:
        """Take in what a bundle brought."""
        self.sources += other.sources
        self.calls += other.calls
        self.buckets += other.buckets
        self.conflicts += other.conflicts
        self.tally.add(other.tally)
