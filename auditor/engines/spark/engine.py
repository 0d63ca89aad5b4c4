"""The engine: a look at every source, then one job that reads, merges and adds up.

Three stages. Each task of the first reads some sources, or a part of one, with the code of this
process; a shuffle brings all readings of a call together, where those of a bucket are merged and
written as a file; another adds up the cells of each source. What comes home are cells, counts and
the names of files; one transaction of the store makes them count.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import polars as pl

from auditor.engines.spark import merging, reading, scanning
from auditor.engines.spark.cluster import Runner
from auditor.engines.spark.looking import Look, bundled, look
from auditor.engines.spark.merging import Merge, Merged, added_up, merged
from auditor.engines.spark.portable import sent
from auditor.engines.spark.reading import Piece, Read, read
from auditor.engines.spark.rows import BROKEN, Row, own, sharing, unpacked, unpacked_all
from auditor.errors import AuditError
from auditor.formats import Format
from auditor.pipeline.days import WHOLE_DAYS, edges_in
from auditor.pipeline.elsewhere import BrokenSourceError, Key, Looked, Looks, key_of
from auditor.pipeline.ingested import Ingested
from auditor.pipeline.placing import Placed, full_groups, merge_placed
from auditor.pipeline.reading import Manner, Source, Tally
from auditor.prices import Book
from auditor.records import clean
from auditor.sources import LogFile, Members
from auditor.store import Store
from auditor.store.spread import CALLS, REJECTS, Spread

PART_BYTES = 64 << 20
LEAST_SHARE, MOST_SHARE = 8 << 20, 1 << 30
"""Of a task that reads: with less it is begun too often, with more it hands on no larger pieces."""
MOST_FILES_A_TASK = 256
LOOK_SHARE = 256 << 20
BUCKET_BYTES = 256 << 20
LEAST_BUCKETS, MOST_BUCKETS = 16, 4096
TASKS_A_SLOT = 4
MARK_DIGITS = 12
LAST_TASKS = 16


@dataclass(frozen=True)
class Spreading:
    """Where the files of a new store go: ``folder``, as every machine sees it from the store's.

    ``buckets`` None: by the size of what is read first.
    """

    folder: str
    buckets: int | None = None


SOURCE_COLUMNS = {
    "source_id": pl.Int32,
    "format": pl.String,
    **dict.fromkeys(("bytes", "lines", "records", "rejects", "context"), pl.Int64),
}
FILE_COLUMNS = {
    "kind": pl.String,
    "bucket": pl.Int32,
    "file": pl.String,
    "rows": pl.Int64,
    "is_whole": pl.Boolean,
}


@dataclass
class _Home:
    """What came home of a job."""

    cells: list[pl.DataFrame] = field(default_factory=list)
    written: list[tuple[str, int, str, int, bool]] = field(default_factory=list)
    merged: list[Merged] = field(default_factory=list)
    sampled: list[Placed] = field(default_factory=list)
    tallies: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * 6))
    broken: dict[int, AuditError] = field(default_factory=dict)
    failed: list[AuditError] = field(default_factory=list)

    def take(self, row: Row, told: Callable[[int], None]) -> None:
        _, kind, turn, data = row
        if kind == merging.CELLS:
            self.cells.append(unpacked(data))
        elif kind == merging.WRITTEN:
            self.written.append(tuple(unpacked_all(data)))
        elif kind == merging.MERGED:
            self.merged.append(Merged(*unpacked_all(data)))
        elif kind == merging.SAMPLED:
            self.sampled.append(Placed(*unpacked_all(data)))
        elif kind == reading.TALLY:
            for source_id, counts in unpacked_all(data)[0]:
                told(counts[4])
                known = self.tallies[source_id]
                for n, count in enumerate(counts):
                    known[n] += count
        elif kind == BROKEN:
            self.broken.setdefault(turn, unpacked_all(data)[0])
        elif kind == merging.FAILED:
            self.failed.append(unpacked_all(data)[0])


class SparkEngine:
    """Reads logs and scans calls with the tasks of a Spark cluster (``pipeline.elsewhere``)."""

    def __init__(
        self, cluster: Runner, spreading: Spreading, *, part_bytes: int = PART_BYTES
    ) -> None:
        self._cluster = cluster
        self._spreading = spreading
        self._part_bytes = part_bytes

    def look(
        self, files: Sequence[LogFile], formats: Iterable[Format], chosen: Format | None
    ) -> Looks:
        """See ``pipeline.elsewhere.Engine``."""
        if not files:
            return Looks()
        known = tuple(formats)
        tasks = [
            own(files=tuple((n, sent(files[n])) for n in run))
            for run in bundled([file.weight for file in files], LOOK_SHARE, MOST_FILES_A_TASK)
        ]
        found: dict[Key, Looked] = {}
        members: dict[str, Members | None] = {}
        errors: dict[int, AuditError] = {}
        looking = sharing(look, Look, formats=known, chosen=chosen, part_bytes=self._part_bytes)
        for _, kind, number, data in self._cluster.run(looking, tasks, "Looking"):
            if kind == BROKEN:
                errors[number] = unpacked_all(data)[0]
                continue
            held, seen = unpacked_all(data)
            path, member = key_of(files[number])
            if member is None:
                members[path] = held
            for inside, looked in seen:
                found[path, inside or member] = looked
        if errors:
            raise errors[min(errors)]
        return Looks(found, members)

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
        """See ``pipeline.elsewhere.Engine``."""
        spread = self._spread_of(store, sources)
        spread.folder.mkdir(parents=True, exist_ok=True)
        _clear(store)
        first = store.rows("ingest/next_source")[0]["source_id"]
        merge = self._merge(store, sources, spread, first, book)
        home = _Home()
        try:
            buckets, full = spread.buckets, full_groups(store)
            rows = self._cluster.run(
                sharing(read, Read, manner=manner, full=full, buckets=buckets),
                self._reads(sources, looks, first),
                "Reading",
                then=((partial(merged, task=merge), spread.buckets), (added_up, LAST_TASKS)),
            )
            for row in rows:
                home.take(row, told)
            if home.failed:
                raise home.failed[0]
            if home.broken:
                number = min(home.broken)
                raise BrokenSourceError(number - first, home.broken[number])
            done = _book(store, sources, spread.buckets, merge, home, manner, stored)
        finally:
            store.look_up_spread()
            _clear(store)
        return done

    def scan(self, store: Store, views: Sequence[str], name: str, **values: Any) -> bool:
        """See ``store.Scanner``."""
        return scanning.scan(self._cluster, store, views, name, values)

    def _spread_of(self, store: Store, sources: Sequence[Source]) -> Spread:
        """How the calls of the store are spread; begun where it is empty."""
        if store.spread is None:
            wanted = sum(source.file.weight for source in sources) // BUCKET_BYTES
            buckets = self._spreading.buckets or _power(wanted)
            with store.transaction():
                mark, folder = uuid.uuid4().hex[:MARK_DIGITS], self._spreading.folder
                store.run("spread/spread", buckets=buckets, folder=folder, mark=mark)
            store.look_up_spread()
        assert store.spread is not None
        return store.spread

    def _merge(
        self,
        store: Store,
        sources: Sequence[Source],
        spread: Spread,
        first: int,
        book: Book | None,
    ) -> Merge:
        known = store.frame("spread/known_sources")
        own = pl.DataFrame(
            {
                "source_id": range(first, first + len(sources)),
                "sha256": [source.sha256 for source in sources],
                "name": [clean(source.file.name) for source in sources],
            },
            schema=known.schema,
        )
        return Merge(
            known=pl.concat([known, own]),
            new=tuple(own["source_id"]),
            closings=store.frame("spread/closings"),
            sums=store.frame("spread/sums", buckets=spread.buckets),
            files=spread.of_buckets(),
            folder=str(spread.folder),
            mark=spread.mark,
            edges=edges_in(book),
        )

    def _reads(
        self,
        sources: Sequence[Source],
        looks: Looks,
        first: int,
    ) -> list[bytes]:
        """Tasks of some sources each, or of a part of one; as many as keep all busy."""
        pieces: list[Piece] = []
        sizes: list[int] = []
        for number, source in enumerate(sources, first):
            seen = looks.of(source.file)
            away = replace(source, file=sent(source.file))
            for split in (seen.splits if seen else ()) or (None,):
                pieces.append(Piece(number, away, split))
                sizes.append(split.size if split else source.file.weight)
        share = sum(sizes) // (self._cluster.slots * TASKS_A_SLOT)
        share = min(max(share, min(LEAST_SHARE, self._part_bytes)), MOST_SHARE)
        return [
            own(pieces=tuple(pieces[n] for n in run), turn=turn)
            for turn, run in enumerate(bundled(sizes, share, MOST_FILES_A_TASK))
        ]


def _power(wanted: int) -> int:
    """The power of two that is no less, within the bounds of how many buckets there may be."""
    return min(max(1 << max(wanted - 1, 0).bit_length(), LEAST_BUCKETS), MOST_BUCKETS)


def _clear(store: Store) -> None:
    """Delete what no store counts: files of runs that were killed, or that others stand for."""
    spread = store.spread
    if spread is None:
        return
    counted = {file.path.name for file in spread.files}
    for kind in (CALLS, REJECTS):
        for path in spread.folder.glob(f"{kind}-{spread.mark}-*.parquet"):
            if path.name not in counted:
                with suppress(OSError):
                    path.unlink()


def _book(
    store: Store,
    sources: Sequence[Source],
    buckets: int,
    merge: Merge,
    home: _Home,
    manner: Manner,
    stored: Callable[[str], None],
) -> Ingested:
    """Make it count, wholly or not at all."""
    done = Ingested(sources=len(sources))
    rows = []
    for number, source in zip(merge.new, sources, strict=True):
        *counts, _, sums = home.tallies[number]
        tally = Tally(*counts)
        done.tally.add(tally)
        done.buckets += sums
        named = {"format": source.format.name, "bytes": source.file.weight}
        rows.append({"source_id": number, **named, **asdict(tally)})
    done.calls = sum(one.calls for one in home.merged)
    done.conflicts = sum(one.conflicts for one in home.merged)
    new = pl.DataFrame(rows, schema=SOURCE_COLUMNS)
    store.show("new_sources", new.join(merge.known, on="source_id", maintain_order="left"))
    store.show("new_files", pl.DataFrame(home.written, schema=FILE_COLUMNS, orient="row"))
    touched = [one.bucket for one in home.merged]
    store.show("gone_buckets", pl.DataFrame({"bucket": touched}, schema={"bucket": pl.Int32}))
    none = store.frame("spread/all_sums").clear()
    store.show("new_sums", pl.concat([none, *(one.sums for one in home.merged)]))
    none = store.frame("spread/replaced").clear()
    store.show("new_replaced", pl.concat([none, *(one.replaced for one in home.merged)]))
    gave_way = [number for one in home.merged for number in one.gave_way]
    store.show("gave_way", pl.DataFrame({"source_id": gave_way}, schema={"source_id": pl.Int32}))
    with store.transaction():
        store.run("ingest/decide_keeping", identities=manner.keep_identities)
        store.run("ingest/begin_heads")
        for placed in home.sampled:
            placed.stage(store)
        merge_placed(store)
        store.run("spread/take_in", buckets=buckets)
        store.run("ingest/begin_day_cells", **merge.edges)
        if home.cells:
            store.show("partial", pl.concat(home.cells))
            store.run("spread/gather_added")
        else:
            store.run("replay/added_calls", **WHOLE_DAYS, **merge.edges, sources=[])
        store.run("ingest/add_day_cells", sources=merge.new)
        for source in sources:
            stored(source.sha256)
    return done
