"""What ingest asks of an engine that reads logs on other machines (``auditor.engines``).

It reads what is new; which files those are, what a store may hold and what is said of it is decided
here, as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from auditor.errors import AuditError, SourceError, StoreError
from auditor.formats import Format
from auditor.pipeline.ingested import Ingested
from auditor.pipeline.reading import Manner, Source
from auditor.prices import Book
from auditor.sources import LogFile, Members
from auditor.store import Scanner, Store

Key = tuple[str, str | None]
"""A file, and the member of it that is meant, if it is an archive."""


def key_of(file: LogFile) -> Key:
    """What tells a file from the others of a run."""
    return str(file.path) if file.origin is None else file.origin.url, file.member


@dataclass(frozen=True, slots=True)
class Split:
    """Some whole lines of a file: where they begin, how many bytes and lines, and their digest."""

    offset: int
    size: int
    lines_before: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Looked:
    """A file as it was looked at: digest and trace (``LogFile.digest_and_trace``) and format.

    ``format`` is None where it was not to be found out, ``error`` says why it is no log. ``splits``
    are the parts that may be read by themselves; none where it is read in one go.
    """

    sha256: str
    trace: str
    format: Format | None
    error: SourceError | None
    splits: tuple[Split, ...] = ()


@dataclass(frozen=True, slots=True)
class Looks:
    """What was looked at elsewhere: files by their key, and what archives hold, by their path."""

    files: Mapping[Key, Looked] = field(default_factory=dict)
    members: Mapping[str, Members | None] = field(default_factory=dict)

    def of(self, file: LogFile) -> Looked | None:
        """How a file was seen; None where nobody looked."""
        return self.files.get(key_of(file))

    def parts(self, file: LogFile) -> tuple[LogFile, ...]:
        """As ``LogFile.parts``: what is known of an archive need not be fetched to see."""
        path, member = key_of(file)
        if member is not None or path not in self.members:
            return file.parts()
        return file.parts_of(self.members[path])


class Engine(Scanner, Protocol):
    """Reads logs, and scans calls, on other machines."""

    def look(
        self, files: Sequence[LogFile], formats: Iterable[Format], chosen: Format | None
    ) -> Looks:
        """Look at each file. Raises SourceError when one cannot be read."""

    def take_in(
        self,
        store: Store,
        sources: Sequence[Source],
        looks: Looks,
        manner: Manner,
        book: Book | None,
        told: Callable[[int], None],
        stored: Callable[[str], None],
    ) -> Ingested:
        """Bring all sources into the store, or none of them.

        ``told`` gets the bytes dealt with, ``stored`` the digest of each source, in the transaction
        that stores it. Raises BrokenSourceError where one of them cannot be read.
        """


class BrokenSourceError(Exception):
    """A source turned out to be broken: how many come before it, and the error to raise."""

    def __init__(self, before: int, error: AuditError) -> None:
        super().__init__(str(error))
        self.before = before
        self.error = error


def check_place(store: Store, engine: Engine | None) -> None:
    """Raise StoreError where calls lie elsewhere than this run would write them."""
    if engine is None and store.spread is not None:
        raise StoreError(
            f"the calls of {store.path} lie in files, in {store.spread.folder}",
            hint="Add logs as they were added before, with --engine spark; reading needs none.",
        )
    if engine is not None and store.spread is None and store.rows("ingest/stored"):
        raise StoreError(
            f"the calls of {store.path} lie in it: it was filled without --engine",
            hint="Go on without --engine, or ingest the logs into a new store with it.",
        )
