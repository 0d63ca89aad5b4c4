"""What tasks hand on: rows of a few columns, the last of which is a whole frame.

Spark sees where a row belongs and nothing else: what is in it is as it left the code of this house,
so no type is turned into another on the way.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
import zstandard

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "place int, kind string, turn bigint, data binary"
"""Of a row: the partition it belongs in, what it is, its order, and the bytes of it."""
BATCH_BYTES = 16 << 20

BROKEN = "broken"
"""The kind of a row that holds the error of a source."""

Row = tuple[int, str, int, bytes]


def as_batches(rows: Iterable[Row]) -> Iterator[pa.RecordBatch]:
    """Rows as Spark takes them, some megabytes at a time."""
    waiting: list[Row] = []
    size = 0
    for row in rows:
        waiting.append(row)
        size += len(row[3])
        if size >= BATCH_BYTES:
            yield _batch(waiting)
            waiting, size = [], 0
    if waiting:
        yield _batch(waiting)


def _batch(rows: list[Row]) -> pa.RecordBatch:
    import pyarrow as pa

    place, kind, turn, data = zip(*rows, strict=True)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(place, pa.int32()),
            pa.array(kind, pa.string()),
            pa.array(turn, pa.int64()),
            pa.array(data, pa.binary()),
        ],
        names=["place", "kind", "turn", "data"],
    )


def rows_of(batches: Iterable[pa.RecordBatch]) -> Iterator[Row]:
    """The rows of what Spark hands over."""
    for batch in batches:
        for row in batch.to_pylist():
            yield row["place"], row["kind"], row["turn"], row["data"]


def packed(frame: pl.DataFrame) -> bytes:
    """A frame as bytes.

    It is compressed as a whole, what says how its columns are called with them: where there are
    many buckets, a frame has a handful of rows, and that is most of it.
    """
    target = io.BytesIO()
    _alone(frame).write_ipc_stream(target, compression="uncompressed")
    return zstandard.ZstdCompressor(level=1).compress(target.getbuffer())


def _alone(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame without the texts of others: lists of some rows refer to those of all, and polars
    would write them with each part of a frame.
    """
    lists = [name for name, kind in frame.schema.items() if kind == pl.List(pl.String)]
    return frame.with_columns(pl.col(lists).list.eval(pl.element() + "")) if lists else frame


def parted(frame: pl.DataFrame, column: str, **how: bool) -> Iterator[tuple[int, pl.DataFrame]]:
    """The rows of a frame by a column of whole numbers (``how`` as ``DataFrame.partition_by``)."""
    for (number,), part in frame.partition_by(column, as_dict=True, **how).items():
        assert isinstance(number, int)
        yield number, part


def unpacked(data: bytes) -> pl.DataFrame:
    """The frame of ``packed``."""
    return pl.read_ipc_stream(io.BytesIO(zstandard.ZstdDecompressor().decompress(data)))


def packed_all(*values: Any) -> bytes:
    """Frames and plain values as bytes, between processes that run the same code."""
    parts = [packed(v) if isinstance(v, pl.DataFrame) else v for v in values]
    return pickle.dumps(([isinstance(v, pl.DataFrame) for v in values], parts))


def unpacked_all(data: bytes) -> list[Any]:
    """The values of ``packed_all``."""
    are_frames, parts = pickle.loads(data)
    return [
        unpacked(part) if is_frame else part
        for is_frame, part in zip(are_frames, parts, strict=True)
    ]


def sharing(
    work: Callable[[Any], Iterator[Row]], kind: type, **common: Any
) -> Callable[[bytes], Iterator[Row]]:
    """The work on a task of that kind, of which each is sent only what is its own (``own``).

    All tasks of a job are sent to each worker: what is ``common`` once, and of the others no more
    is looked at than that they are bytes.
    """
    return partial(_shared, work, kind, common)


def own(**values: Any) -> bytes:
    """What a task has to itself, for ``sharing``."""
    return pickle.dumps(values)


def _shared(
    work: Callable[[Any], Iterator[Row]], kind: type, common: dict[str, Any], data: bytes
) -> Iterator[Row]:
    return work(kind(**common, **pickle.loads(data)))
