"""Two stores of the same logs: one filled by this process, one by an engine of many machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditor.engines.spark.engine import PART_BYTES, SparkEngine, Spreading
from auditor.finding import find
from auditor.pipeline import Ingested, check_stored, ingest, replay
from auditor.pipeline.counting import Gauge
from auditor.pipeline.finetune import tune
from auditor.reports.files import as_csv
from auditor.reports.tuning import as_csv as as_tuning
from auditor.store import Store
from helpers.one_process import OneProcess
from helpers.runs import book, formats, question, tuning

KEY = b"the key of both stores, so that hashes are the same"
TABLES = (
    "sources",
    "calls",
    "rejects",
    "fingerprints",
    "buckets",
    "workloads",
    "heads",
    "parts",
    "day_cells",
    "day_edges",
    "summed",
    "replaced",
    "keeping",
)


@dataclass
class Pair:
    """The two stores, in ``folder``. ``buckets`` and ``part_bytes`` are those of the engine."""

    folder: Path
    buckets: int = 4
    part_bytes: int = PART_BYTES
    cluster: OneProcess = field(default_factory=OneProcess)
    together: Path | None = None
    """A folder that the files have in common with those of others."""

    @property
    def here(self) -> Path:
        return self.folder / "here.duckdb"

    @property
    def spread(self) -> Path:
        return self.folder / "spread.duckdb"

    @property
    def calls(self) -> Path:
        """The folder of the files."""
        return self.folder / "spread.duckdb.calls"

    def take_in(self, names: Iterable[Path]) -> tuple[Ingested, Ingested]:
        """Read logs into both. Returns what either says of it."""
        names = tuple(names)
        return self.take_in_here(names), self.take_in_spread(names)

    def take_in_here(self, names: Iterable[Path]) -> Ingested:
        return self._take_in(self.here, names, None)

    def take_in_spread(self, names: Iterable[Path]) -> Ingested:
        return self._take_in(self.spread, names, self.engine)

    def _take_in(self, db: Path, names: Iterable[Path], engine: SparkEngine | None) -> Ingested:
        files = find([str(name) for name in names])
        with Store.open(db, hash_key=KEY) as store:
            return ingest(
                store, files, formats(), Gauge(book(), {}), book=book(), jobs=1, engine=engine
            )

    @property
    def engine(self) -> SparkEngine:
        named = self.together or self.calls.relative_to(self.folder)
        spreading = Spreading(str(named), self.buckets)
        return SparkEngine(self.cluster, spreading, part_bytes=self.part_bytes)

    @contextmanager
    def opened(self) -> Iterator[tuple[Store, Store]]:
        """Both stores, to be read."""
        with (
            Store.open(self.here, to_read=True) as here,
            Store.open(self.spread, to_read=True) as spread,
        ):
            yield here, spread

    def check(self) -> None:
        """All tables hold the same rows."""
        with self.opened() as (here, spread):
            for table in TABLES:
                assert rows_of(spread, table) == rows_of(here, table), f"{table} is another"

    def check_tuning(self, **asked: Any) -> None:
        """Fine-tuning is judged the same, whoever scans the calls."""
        wanted = tuning(**asked)
        with self.opened() as (here, spread):
            expected = as_tuning(tune(here, wanted))
            assert as_tuning(tune(spread, wanted)) == expected
            spread.scanner = self.engine
            assert as_tuning(tune(spread, wanted)) == expected
            check_stored(spread, closing=True)

    def check_figures(self, *by: str, zone: str = "UTC", **more: Any) -> None:
        """A replay says the same, whoever scans the calls."""
        asked = question(by=by, zone=zone, **more)
        with self.opened() as (here, spread):
            expected = as_csv(replay(here, asked))
            assert as_csv(replay(spread, asked)) == expected
            spread.scanner = self.engine
            assert as_csv(replay(spread, asked)) == expected


def rows_of(store: Store, table: str) -> list[str]:
    """The rows of a table as text, sorted."""
    return sorted(map(repr, store._connection.execute(f"FROM {table}").fetchall()))
