"""Lays what is not one record a line out so: arrays, documents, UTF-16, Parquet.

A format reads lines of UTF-8. What comes otherwise is turned into that while it is read, a block
at a time, so that no format has to know. In a container without lines (a JSON array, a document
that is printed over several lines, objects joined together, Parquet) a "line" is a record: the
first is 1. JSON lines and CSV keep their physical lines, in whatever encoding.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from auditor.bounded import Blocks, Lines, Measured, Unpacked, shortened
from auditor.limits import MAX_LINE_BYTES, MAX_RATIO

BOM = b"\xef\xbb\xbf"
PARQUET_MAGIC = b"PAR1"
BLOCK_BYTES = 1 << 20
HEAD_BYTES = 1 << 18
PARQUET_ROWS = 5_000
SQLITE_MAGIC = b"SQLite format 3\x00"
CERTAIN_PAIRS = 8  # so many ASCII characters in 16 bits each are no accident
STRUCTURE = re.compile(rb'["\\{}\[\],]')
IN_STRING = re.compile(rb'["\\]')
SPACE = b" \t\r\n"


class BrokenContainerError(ValueError):
    """A container that cannot be taken apart; ``str()`` says why."""


def as_lines(
    stream: io.BufferedReader, most: int = MAX_LINE_BYTES, size: int | None = None
) -> io.BufferedReader:
    """The stream as lines of UTF-8 without a byte order mark. Raises BrokenContainerError.

    What is longer than ``most`` bytes is replaced (``auditor.limits``). ``size`` is that of the
    stream, where it is known: a short one has no long line.
    """
    if stream.peek(HEAD_BYTES).startswith(SQLITE_MAGIC):
        return stream  # has no lines
    plain, stream = stream, _as_utf8(stream)
    if stream is not plain:
        size = None
    head = stream.peek(HEAD_BYTES)
    if head.startswith(BOM):
        stream.read(len(BOM))
        head = stream.peek(HEAD_BYTES)
    if _in_one_piece(head):
        return Lines(Blocks(_records(stream, most)), most)
    return stream if size is not None and size <= most else shortened(stream, most)


def is_plain(head: bytes) -> bool:
    """Whether what begins so is read as it lies there: lines of UTF-8, with no mark before them."""
    is_other = head.startswith((SQLITE_MAGIC, BOM, PARQUET_MAGIC)) or _utf16_of(head) is not None
    utf32 = head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE))
    return not is_other and not utf32 and not _in_one_piece(head)


def _reader(blocks: Iterable[bytes]) -> io.BufferedReader:
    return io.BufferedReader(Blocks(blocks), HEAD_BYTES)


def _as_utf8(stream: io.BufferedReader) -> io.BufferedReader:
    head = stream.peek(HEAD_BYTES)[: 4 * CERTAIN_PAIRS]
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise BrokenContainerError("is in UTF-32, which no format reads")
    if encoding := _utf16_of(head):
        return _reader(_decoded(stream, encoding))
    return stream


def _utf16_of(head: bytes) -> str | None:
    """The UTF-16 that a file begins in: by its mark, or by characters that leave no doubt."""
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    pairs = head[: 2 * CERTAIN_PAIRS]
    if len(pairs) < 2 * CERTAIN_PAIRS:
        return None
    even, odd = pairs[::2], pairs[1::2]
    if not any(odd) and all(even):
        return "utf-16-le"
    return "utf-16-be" if not any(even) and all(odd) else None


def _decoded(stream: IO[bytes], encoding: str) -> Iterator[bytes]:
    """UTF-8. What is no UTF-16 becomes bytes that are no UTF-8, so that its line is refused."""
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    first = True
    while block := stream.read(BLOCK_BYTES):
        text = decoder.decode(block)
        if first:
            text, first = text.removeprefix("\ufeff"), not text
        yield text.encode("utf-8", "surrogatepass")
    if decoder.getstate()[0]:
        yield b"\xff"


def _in_one_piece(head: bytes) -> bool:
    """Whether JSON begins here that is not laid out as one object a line."""
    text = head.lstrip(SPACE)
    if text[:1] not in (b"{", b"["):
        return False
    line, _, rest = text.partition(b"\n")
    whole, end = _first_value(text)
    if not whole:
        # longer than what is seen of it, or broken: a first line of an object stays a line
        return line.strip() == b"{" or (text[:1] == b"[" and text[1:].lstrip(SPACE)[:1] == b"{")
    value = text[:end]
    if text[:1] == b"[":
        inside = value[1:].lstrip(SPACE)[:1]
        return inside in (b"{", b"]") and (b"\n" in value or not rest.strip())
    return b"\n" in value or text[end:].partition(b"\n")[0].lstrip(SPACE)[:1] == b"{"


def _first_value(text: bytes) -> tuple[bool, int]:
    """Whether the first JSON value ends in ``text``, and where."""
    words = text.decode("utf-8", "surrogateescape")
    try:
        _, end = json.JSONDecoder().raw_decode(words)
    except (ValueError, RecursionError):
        return False, 0
    return True, len(words[:end].encode("utf-8", "surrogateescape"))


def _records(stream: IO[bytes], most: int) -> Iterator[bytes]:
    """Each value of an array, or of several values in a row, on a line of its own.

    What is broken is handed on as it is, to be refused by name and number.
    """
    parts = _Parts(most)
    while block := stream.read(BLOCK_BYTES):
        yield from parts.feed(block)
    yield from parts.end()


class _Parts:
    """Finds where values begin and end by brackets and quotes, a block at a time."""

    def __init__(self, most: int) -> None:
        self._begun = Measured(most)
        self._depth = 0
        self._floor = 0  # the depth at which records lie: 1 inside an array
        self._in_string = False
        self._escaped = False
        self._is_begun = False

    def feed(self, block: bytes) -> Iterator[bytes]:
        """The records that end in this block."""
        if not self._is_begun and (start := block.lstrip(SPACE)):
            self._is_begun = True
            if start[:1] == b"[":
                block = start[1:]
                self._depth = self._floor = 1
        begin = at = 0
        if self._escaped and block:
            self._escaped, at = False, 1
        while found := (IN_STRING if self._in_string else STRUCTURE).search(block, at):
            at = found.end()
            mark = found.group()
            if mark == b"\\":
                if at == len(block):
                    self._escaped = True
                at += 1
            elif mark == b'"':
                self._in_string = not self._in_string
            elif mark in b"{[":
                self._depth += 1
            elif mark == b",":
                if self._depth == self._floor:
                    yield from self._take(block[begin : at - 1])
                    begin = at
            else:
                self._depth -= 1
                if self._depth < self._floor:  # the array ends
                    yield from self._take(block[begin : at - 1])
                    self._depth = self._floor = 0
                    begin = at
                elif self._depth == self._floor:
                    yield from self._take(block[begin:at])
                    begin = at
        self._begun.add(block[begin:])

    def end(self) -> Iterator[bytes]:
        """What is left: nothing, a value without an end, or ``[`` for an array without one."""
        left = list(self._take(b""))
        yield from left
        if self._floor and not left:
            yield b"[\n"  # no line of JSON: it is refused, and so the file is known to be cut off

    def _take(self, last: bytes) -> Iterator[bytes]:
        self._begun.add(last)
        if record := self._begun.take().strip(SPACE):
            yield record.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"


def parquet_lines(
    path: Path, most: int = MAX_LINE_BYTES, ratio: int = MAX_RATIO
) -> io.BufferedReader:
    """The rows of a Parquet file as JSON lines: a row is a line. Raises BrokenContainerError.

    Decimals are texts of all their digits, times ISO 8601, bytes base64. Rows of more than ``most``
    bytes are replaced; raises BeyondLimitError where they come to ``ratio`` times the file.
    """
    size = path.stat().st_size
    rows = Unpacked(_reader(_rows(path)), lambda: size, ratio)
    return shortened(io.BufferedReader(rows), most)


def _rows(path: Path) -> Iterator[bytes]:
    import msgspec
    import polars as pl

    try:
        frame = pl.scan_parquet(path, glob=False)
        for batch in frame.collect_batches(chunk_size=PARQUET_ROWS, maintain_order=True):
            rows = batch.iter_rows(named=True)
            yield from _in_blocks(msgspec.json.encode(row) + b"\n" for row in rows)
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise BrokenContainerError(
            f"is a broken Parquet file: {str(error).splitlines()[0]}"
        ) from error


def _in_blocks(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines, joined as soon as they are a block: a batch of long ones may not fit in memory."""
    waiting: list[bytes] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= BLOCK_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)
