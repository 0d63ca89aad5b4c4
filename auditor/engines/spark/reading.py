"""The reading of sources: calls to the bucket of their id, prompts to that of their workload."""

from __future__ import annotations

import io
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from auditor.bounded import shortened
from auditor.engines.spark.bench import bench
from auditor.engines.spark.looking import checked
from auditor.engines.spark.portable import Arrival, arriving
from auditor.engines.spark.rows import BROKEN, Row, packed, packed_all, parted
from auditor.errors import AuditError
from auditor.pipeline.elsewhere import Split
from auditor.pipeline.placing import Full, Placed
from auditor.pipeline.reading import Batch, Manner, Part, Reader, Source, Work
from auditor.store import Store

CALLS, SUMS, HEADS, REFUSED, TALLY = "calls", "sums", "heads", "refused", "tally"
HELD_BYTES = 64 << 20
"""So much is held before it is handed on: the more, the fewer pieces."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A source with its number, or some lines of it."""

    source_id: int
    source: Source
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What a task reads, and how. ``buckets`` is their number, ``turn`` that of the task."""

    pieces: tuple[Piece, ...]
    manner: Manner
    full: Full
    buckets: int
    turn: int


def read(task: Read) -> Iterator[Row]:
    """Readings by bucket; what is sampled, refused and added up of them; or what is broken."""
    reader = Reader(task.manner)
    reader.placer.begin(task.full)
    held = _Held(task)
    with bench() as store, arriving() as arrive:
        for piece in task.pieces:
            try:
                for batch in reader.batches(_work_of(piece, arrive)):
                    held.add(store, piece, batch)
                    if held.size >= HELD_BYTES:
                        yield from held.take()
            except AuditError as error:
                yield 0, BROKEN, piece.source_id, packed_all(error)
                return
    yield from held.take()
    yield from _heads(task, reader.placer.take())


def _work_of(piece: Piece, arrive: Arrival) -> Work:
    source = replace(piece.source, file=arrive(piece.source.file))
    if piece.split is None:
        return source
    data = checked(source.file, piece.split)
    whole = shortened(io.BytesIO(data), source.file.limits.max_line_bytes).read()
    return Part(source, whole, piece.split.lines_before, piece.split.size)


class _Held:
    """What was read and not handed on yet."""

    def __init__(self, task: Read) -> None:
        self._task = task
        self._begin()

    def _begin(self) -> None:
        self.size = 0
        self._frames: dict[tuple[int, str], list[pl.DataFrame]] = defaultdict(list)
        self._tallies: list[tuple[int, Sequence[int]]] = []
        self._placed: list[Placed] = []

    def add(self, store: Store, piece: Piece, batch: Batch) -> None:
        """Take in one batch of a source."""
        buckets = self._task.buckets
        store.show("batch_calls", batch.calls)
        store.run("ingest/batch_rows")
        calls = store.frame("spread/bucketed", source_id=piece.source_id, buckets=buckets)
        numbered = pl.lit(piece.source_id, pl.Int32).alias("source_id")
        for bucket, frame in parted(calls, "bucket"):
            self._frames[bucket, CALLS].append(frame)
        if batch.buckets.height:
            sums = batch.buckets.join(calls.select("line", "bucket"), on="line")
            for bucket, frame in parted(sums, "bucket"):
                self._frames[bucket, SUMS].append(frame.with_columns(numbered))
        if batch.rejects.height:
            place = piece.source_id % buckets
            self._frames[place, REFUSED].append(batch.rejects.with_columns(numbered))
        tally = batch.tally
        counts = (
            *(tally.lines, tally.records, tally.rejects, tally.context),
            *(batch.size, batch.buckets.height),
        )
        self._tallies.append((piece.source_id, counts))
        if batch.placed is not None:
            self._placed.append(batch.placed)
        self.size += int(calls.estimated_size())

    def take(self) -> Iterator[Row]:
        """What is held, put together by where it belongs."""
        for (place, kind), frames in sorted(self._frames.items(), key=lambda item: item[0]):
            yield place, kind, self._task.turn, packed(pl.concat(frames))
        for placed in self._placed:
            yield from _heads(self._task, placed)
        if self._tallies:
            yield 0, TALLY, self._task.turn, packed_all(self._tallies)
        self._begin()


def _heads(task: Read, placed: Placed) -> Iterator[Row]:
    """What was sampled, by workload: its heads, and the parts that they are made of."""
    by_place: dict[int, list[str]] = defaultdict(list)
    for workload in placed.workloads["workload"]:
        by_place[zlib.crc32(workload.encode()) % task.buckets].append(workload)
    for place, workloads in sorted(by_place.items()):
        heads = placed.heads.filter(pl.col("workload").is_in(workloads))
        used = heads.select("encoding", pl.col("parts").alias("part")).explode("part").unique()
        yield (
            place,
            HEADS,
            task.turn,
            packed_all(
                placed.workloads.filter(pl.col("workload").is_in(workloads)),
                heads,
                placed.parts.join(used, on=["part", "encoding"], how="semi"),
            ),
        )
