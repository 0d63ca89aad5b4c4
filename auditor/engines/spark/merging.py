"""The merging of what was read: each call once, by bucket; what is sampled, by workload."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import polars as pl

from auditor.engines.spark.bench import bench
from auditor.engines.spark.reading import CALLS, HEADS, REFUSED, SUMS
from auditor.engines.spark.rows import Row, packed, packed_all, parted, unpacked, unpacked_all
from auditor.errors import AuditError
from auditor.pipeline.days import WHOLE_DAYS
from auditor.pipeline.ingest import merge
from auditor.pipeline.placing import Placed, merge_placed
from auditor.pipeline.rows import BUCKET_COLUMNS
from auditor.store import Store, spread

CELLS, MERGED, SAMPLED, WRITTEN, FAILED = "cells", "merged", "sampled", "written", "failed"
MOST_FILES = 16
"""A bucket of more files is written anew as one."""
ROWS_AT_ONCE = 50_000
NO_SUMS = pl.DataFrame(schema=BUCKET_COLUMNS)


@dataclass(frozen=True)
class Merge:
    """What tasks merge with: what the store knows of its sources, closed months and sums.

    ``known`` are all sources (source_id, sha256, name), ``new`` the numbers of those being read;
    ``files`` those of each bucket that are there already, ``folder`` where a new one goes, whose
    name has the ``mark`` of the store; ``edges`` by which calls are told apart that are added up.
    """

    known: pl.DataFrame
    new: tuple[int, ...]
    closings: pl.DataFrame
    sums: pl.DataFrame
    files: Mapping[int, Sequence[str]]
    folder: str
    mark: str
    edges: Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Merged:
    """What the merging of one bucket came to.

    ``gave_way`` are sources, read before, of which calls gave way to better readings; ``sums`` are
    all of the bucket, ``replaced`` readings of closed months (as ``spread/replaced``).
    """

    bucket: int
    calls: int
    conflicts: int
    gave_way: list[int]
    sums: pl.DataFrame
    replaced: pl.DataFrame


def merged(rows: Iterable[Row], task: Merge) -> Iterator[Row]:
    """What comes of the rows of a partition, which are sorted by their place."""
    try:
        yield from _merged(rows, task)
    except AuditError as error:  # to be tried again would not help
        yield 0, FAILED, 0, packed_all(error)


def _merged(rows: Iterable[Row], task: Merge) -> Iterator[Row]:
    for place, group in groupby(rows, key=lambda row: row[0]):
        bucket = _Bucket(place, task)
        for row in group:
            if row[1] in (CALLS, SUMS, HEADS, REFUSED):
                bucket.take(row[1], row[3])
            else:
                yield row
        yield from bucket.merged()


class _Bucket:
    """What belongs in one place: calls by their ids, sampled prompts, refused lines."""

    def __init__(self, place: int, task: Merge) -> None:
        self._place = place
        self._task = task
        self._held: dict[str, list[bytes]] = defaultdict(list)

    def take(self, kind: str, data: bytes) -> None:
        self._held[kind].append(data)

    def merged(self) -> Iterator[Row]:
        if self._held[CALLS]:
            yield from self._calls()
        if self._held[HEADS]:
            yield self._place, SAMPLED, 0, _sampled(self._held[HEADS])
        if self._held[REFUSED]:
            yield from self._refused()

    def _calls(self) -> Iterator[Row]:
        task = self._task
        with bench() as store:
            sums = pl.concat([unpacked(data) for data in self._held[SUMS]] or [NO_SUMS])
            summing = sums["source_id"].unique().to_list() if sums.height else []
            self._begin(store, summing)
            calls, conflicts = self._merge(store, sums)
            store.run("spread/take_alone", summing=summing)
            changed = store.rows("spread/changed")
            earlier = task.files.get(self._place, ())
            is_whole = bool(changed) or len(earlier) >= MOST_FILES
            store.run("spread/outgoing", sources=task.new, whole=is_whole)
            yield from self._written(store, spread.CALLS, is_whole)
            store.run("replay/added_calls", **WHOLE_DAYS, **task.edges, sources=task.new)
            cells = store.frame("spread/sent_added")
            for source_id, frame in parted(cells, "source_id"):
                yield source_id, CELLS, self._place, packed(frame)
            gave_way = [row["source_id"] for row in changed if row["gave_way"]]
            yield (
                self._place,
                MERGED,
                0,
                packed_all(
                    self._place,
                    calls,
                    conflicts,
                    gave_way,
                    store.frame("spread/all_sums"),
                    store.frame("spread/replaced"),
                ),
            )

    def _begin(self, store: Store, summing: list[int]) -> None:
        """All readings of the bucket, and of what it holds already those that arrive again."""
        task = self._task
        sums = task.sums.filter(pl.col("bucket") == self._place).drop("bucket")
        store.show("shipped_sources", task.known)
        store.run("spread/shipped_sources")
        store.show("known_closings", task.closings)
        store.show("known_sums", sums)
        store.run("ingest/begin")
        store.run("spread/begin")
        for frame in _together(self._held[CALLS]):
            store.show("batch_incoming", frame)
            store.run("spread/take")
        if files := task.files.get(self._place):
            store.run("spread/earlier", files=files)
        else:
            store.run("spread/no_earlier")
        store.run("spread/recall", summing=summing)

    def _merge(self, store: Store, sums: pl.DataFrame) -> tuple[int, int]:
        """Source by source, as one machine does it. Returns the new calls, and the conflicts."""
        names = {row["source_id"]: row for row in self._task.known.to_dicts()}
        calls = conflicts = 0
        for source in store.rows("spread/arriving_sources"):
            number = source["source_id"]
            mine = NO_SUMS
            if sums.height:
                mine = sums.filter(pl.col("source_id") == number).select(*BUCKET_COLUMNS)
            if not mine.height:
                calls += source["alone"]  # they are taken in at the end
            if not source["shares"] and not mine.height:
                continue
            store.run("ingest/begin")
            store.run("spread/pick", source_id=number)
            merge(store, mine, **names[number])
            arrived = store.rows("ingest/arrived", source_id=number)[0]
            calls += arrived["calls"] - arrived["improved"]
            conflicts += arrived["conflicts"]
        return calls, conflicts

    def _written(self, store: Store, kind: str, is_whole: bool) -> Iterator[Row]:
        """Write what is outgoing. The name is new each time: a task may be done twice."""
        name = f"{kind}-{self._task.mark}-{self._place}-{uuid.uuid4().hex}.parquet"
        rows = store.rows("spread/outgoing_rows")[0]["calls"]
        if not rows:
            return
        folder = Path(self._task.folder)
        if not folder.is_dir():
            raise AuditError(
                f"a worker does not see the folder {folder}, which the calls go into",
                hint="Name one that all machines share, with --calls (a network file system).",
            )
        store.write_file("outgoing", folder / name)
        what = packed_all(kind, self._place, name, rows, is_whole)
        yield self._place, WRITTEN, 0, what

    def _refused(self) -> Iterator[Row]:
        with bench() as store:
            frames = [unpacked(data) for data in self._held[REFUSED]]
            store.show("batch_rejects", pl.concat(frames))
            store.run("spread/outgoing_rejects")
            yield from self._written(store, spread.REJECTS, False)


def _together(pieces: Iterable[bytes]) -> Iterator[pl.DataFrame]:
    """Frames, put together: the more tasks read, the smaller they are, and each costs a query."""
    waiting: list[pl.DataFrame] = []
    rows = 0
    for data in pieces:
        waiting.append(unpacked(data))
        rows += waiting[-1].height
        if rows >= ROWS_AT_ONCE:
            yield pl.concat(waiting)
            waiting, rows = [], 0
    if waiting:
        yield pl.concat(waiting)


def _sampled(pieces: Iterable[bytes]) -> bytes:
    """Of what was sampled of some workloads that which a store would keep."""
    with bench() as store:
        store.run("ingest/begin_heads")
        for data in pieces:
            Placed(*unpacked_all(data)).stage(store)
        merge_placed(store)
        kept = ("workloads", "heads", "parts")
        return packed_all(*(store.frame(f"spread/{name}") for name in kept))


def added_up(rows: Iterable[Row]) -> Iterator[Row]:
    """Cells by source, added up; everything else as it is. Rows are sorted by place and kind."""
    with bench() as store:
        for (place, kind), group in groupby(rows, key=lambda row: (row[0], row[1])):
            if kind != CELLS:
                yield from group
                continue
            store.show("partial", pl.concat([unpacked(row[3]) for row in group]))
            store.run("spread/gather_added")
            yield place, CELLS, 0, packed(store.frame("spread/sent_added"))
