"""Reads one source into batches: in this process, or in another (see ``readers``)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import polars as pl

from auditor.formats import TOO_DEEP, Block, Format, Frame
from auditor.pipeline.counting import Counted
from auditor.pipeline.frames import staged
from auditor.pipeline.naming import unnamed_block, unnamed_frame
from auditor.pipeline.placing import Placed, Placer
from auditor.pipeline.rows import (
    BUCKET_COLUMNS,
    REJECT_COLUMNS,
    block_frame,
    bucket_row,
    call_frame,
    call_row,
    frame_of,
    reject_row,
)
from auditor.privacy import Pseudonyms, Shown
from auditor.records import Call, Context, Reading, Reject
from auditor.sources import LogFile
from auditor.workload import HashKey

BATCH_RECORDS = 20_000

Gauge = Callable[[Call], Counted]
"""Says how many tokens a call has, and who counted them."""


@dataclass(slots=True)
class Tally:
    """Where the lines of a source, or of several, went."""

    lines: int = 0
    records: int = 0
    rejects: int = 0
    context: int = 0

    def add(self, other: Tally) -> None:
        """Take the lines of another source in."""
        self.lines += other.lines
        self.records += other.records
        self.rejects += other.rejects
        self.context += other.context

    def count(self, reading: Reading) -> None:
        """Book every physical line of a reading once."""
        self.lines += reading.lines
        if isinstance(reading, Call):
            self.records += 1
            self.context += reading.lines - 1
        elif isinstance(reading, Context):
            self.context += reading.lines
        else:
            self.rejects += reading.lines


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is to be read, the digest of its bytes, and the format that it has.

    ``is_settled`` where the file has that digest as long as it is as it was seen (``Digests``).
    """

    file: LogFile
    sha256: str
    format: Format
    is_settled: bool = False

    @property
    def is_table(self) -> bool:
        """Whether it is read as columns, which takes all cores itself."""
        return self.format.blocks is not None and not self.format.by_line

    @contextmanager
    def open(self, told: Callable[[int], None]) -> Iterator[BinaryIO]:
        """The lines of the file. Raises SourceError at the end if it is not what it was."""
        digest = None if self.is_settled else self.sha256
        with self.file.open(told, sha256=digest) as stream:
            yield stream
        if self.is_settled and not self.file.is_as_seen:
            raise self.file.changed()


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines of a source whose format reads each line by itself; ``size`` is for progress."""

    source: Source
    data: bytes
    lines_before: int
    size: int


Work = Source | Part


@dataclass(frozen=True)
class Manner:
    """How sources are read: who counts, under which key prompts are hashed, what is kept.

    ``secret_of_names`` is the key for names, ``secret_of_ids`` that for ids of calls, where they
    are others.
    """

    gauge: Gauge
    secret: bytes
    workload_tags: tuple[str, ...]
    sampling: bool
    keep_text: bool
    keep_identities: bool = False
    secret_of_names: bytes | None = None
    secret_of_ids: bytes | None = None

    @property
    def shown(self) -> Shown:
        """What of the log may be stored as it is."""
        return Shown(identities=self.keep_identities, text=self.keep_text)


@dataclass(frozen=True, slots=True)
class Batch:
    """A run of records as frames (see ``rows``), where their lines went, and the bytes read.

    ``placed`` is there where so many prompts were sampled that they could not be held any longer.
    """

    calls: pl.DataFrame
    rejects: pl.DataFrame
    buckets: pl.DataFrame
    tally: Tally
    size: int
    placed: Placed | None = None


@dataclass
class _Rows:
    """Rows of the batch that is being filled."""

    lines_before: int
    calls: list[dict[str, Any]] = field(default_factory=list)
    tags: list[Mapping[str, str]] = field(default_factory=list)
    blocks: list[pl.DataFrame] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    buckets: list[dict[str, Any]] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    @property
    def is_full(self) -> bool:
        held = sum(block.height for block in self.blocks)
        return len(self.calls) + len(self.rejects) + held >= BATCH_RECORDS

    def add(self, block: pl.DataFrame) -> None:
        """Calls that came as a block, a line each."""
        self.blocks.append(block)
        self.tally.add(Tally(lines=block.height, records=block.height))

    def batch(self, size: int, placed: Placed | None) -> Batch:
        frames = [*self.blocks]
        if self.calls or not frames:
            frames.append(call_frame(self.calls, self.tags))
        return Batch(
            self._numbered(pl.concat(frames)),
            self._numbered(frame_of(self.rejects, REJECT_COLUMNS)),
            self._numbered(frame_of(self.buckets, BUCKET_COLUMNS)),
            self.tally,
            size,
            placed,
        )

    def _numbered(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col("line") + self.lines_before)


class Reader:
    """Reads sources one after another; what it learnt of one (counts of texts) serves the next.

    Their prompts are sampled together: ``placer`` begins a sample, and gives it out.
    """

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self.placer = Placer(manner.secret, manner.workload_tags, sampling=manner.sampling)
        self._key = HashKey(manner.secret_of_names or manner.secret)
        self._key_of_ids = HashKey(manner.secret_of_ids or manner.secret)
        self._names = Pseudonyms(self._key, manner.shown, self._key_of_ids)
        self._size = 0

    def batches(self, work: Work) -> Iterator[Batch]:
        """A source, or a part of one, in batches, one at least.

        Raises SourceError when the file cannot be read, or is not what its digest says.
        """
        if isinstance(work, Part):
            self._told(work.size)
            yield from self._batches(work.source, io.BytesIO(work.data), work.lines_before)
            return
        with work.open(self._told) as stream:
            yield from self._batches(work, stream, 0)

    def _batches(self, source: Source, stream: BinaryIO, lines_before: int) -> Iterator[Batch]:
        placer = self.placer
        rows = _Rows(lines_before)
        for reading in self._readings(source, stream):
            if isinstance(reading, Block):
                reading = unnamed_block(reading, self._names)
                rows.add(block_frame(reading, placer.place_block(reading)))
            elif isinstance(reading, Frame):
                rows.add(staged(unnamed_frame(reading, self._names), placer))
            else:
                self._take(rows, reading)
            if rows.is_full or placer.is_loaded:
                yield rows.batch(self._told_size(), placer.take() if placer.is_loaded else None)
                rows = _Rows(lines_before)
        yield rows.batch(self._told_size(), None)

    def _readings(self, source: Source, stream: BinaryIO) -> Iterator[Reading | Block | Frame]:
        """In columns where that can be; a Block lacks the answers, so not where text is kept."""
        format = source.format
        if format.blocks is None or self._manner.keep_text:
            return format.read(source.file, stream)
        return format.blocks(source.file, stream)

    def _take(self, rows: _Rows, reading: Reading) -> None:
        manner, placer = self._manner, self.placer
        if isinstance(reading, Call):
            try:
                reading = self._names.call(reading)
                counted = manner.gauge(reading)
                place = placer.place(reading, counted)
                row = call_row(reading, counted, place, self._key_of_ids, manner.keep_text)
                rows.calls.append(row)
                rows.tags.append(reading.tags)
                if reading.bucket is not None:
                    rows.buckets.append(bucket_row(reading.line, reading.bucket))
            except RecursionError:
                reading = Reject(reading.line, TOO_DEEP, b"", reading.lines)
        if isinstance(reading, Reject):
            rows.rejects.append(reject_row(reading, self._key, manner.keep_text))
        rows.tally.count(reading)

    def _told(self, size: int) -> None:
        self._size += size

    def _told_size(self) -> int:
        size, self._size = self._size, 0
        return size
