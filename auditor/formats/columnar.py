"""Reads a CSV of counts as columns, a block of lines at a time.

A line is read here if it has as many cells as the header, neither a quote nor a carriage return in
it, is UTF-8, and its cells are plain (``formats.columns``). Every other line, and the further lines
of a record that begins in it, goes to the reader of rows (``base.csv_records``), which says what it
is. So both readers find the same calls and refuse the same lines.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from io import BytesIO
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from auditor.bounded import Bounded, longest_of
from auditor.formats.base import Frame, ReadRecord, csv_records
from auditor.formats.columns import Columns, calls_of
from auditor.records import Reading
from auditor.sources import BOM

if TYPE_CHECKING:
    import polars as pl

BLOCK_BYTES = 1 << 23
QUOTE, CR, LF = b'"', b"\r", b"\n"


def csv_blocks(
    stream: BinaryIO,
    delimiter: str,
    read: ReadRecord,
    columns: Columns,
    header: tuple[str, ...] = (),
) -> Iterator[Frame | Reading]:
    """What ``csv_records`` finds, most of the calls in frames; the order of lines is not kept."""
    number = 0
    rows = csv_records(stream, delimiter, read, header)
    while not rows.columns:
        reading = next(rows, None)
        if reading is None:
            return
        number += reading.lines
        yield reading
    if len(rows.columns) < 2 or not columns.used <= set(rows.columns):
        yield from rows
        return
    table = _Table(stream, delimiter, read, columns, rows.columns)
    while block := stream.read(BLOCK_BYTES):
        if not block.endswith(b"\n"):
            block += stream.readline()
        number += yield from table.read(block, number)


class _Table:
    """The lines of one table, after its header."""

    def __init__(
        self,
        stream: BinaryIO,
        delimiter: str,
        read: ReadRecord,
        columns: Columns,
        header: tuple[str, ...],
    ) -> None:
        self._stream = stream
        self._delimiter = delimiter
        self._mark = delimiter.encode()
        self._read = read
        self._columns = columns
        self._header = header
        places = {column: place for place, column in enumerate(header)}  # the last of one name
        self._used = {places[column]: column for column in columns.used}

    def read(self, block: bytes, before: int) -> Generator[Frame | Reading, None, int]:
        """What is in a block of whole lines, ``before`` lines of the file before it.

        Returns how many lines were read: those of the block, and the last of a record that goes on
        behind it.
        """
        if (text := self._plain(block)) is not None:
            cells = self._cells(text)
            if cells is not None and self._has_all_cells(cells, text):
                yield from self._calls(cells, range(before + 1, before + 1 + cells.height), text)
                return cells.height
        return (yield from self._sorted_out(block, before))

    def _plain(self, block: bytes) -> bytes | None:
        """The lines of the block, each with a line feed; None where one may not be plain."""
        if QUOTE in block or block.startswith(BOM) or not _is_utf8(block):
            return None
        if CR in block:
            if block.count(CR) != block.count(CR + LF):
                return None
            block = block.replace(CR + LF, LF)
        return block if block.endswith(LF) else block + LF

    def _cells(self, text: bytes) -> pl.DataFrame | None:
        """The cells of the columns that are used, and of the last; None where there are too many.

        A cell that is missing at the end of a line is an empty one here.
        """
        import polars as pl

        width = len(self._header)
        places = sorted({*self._used, width - 1})
        try:
            frame = pl.read_csv(
                text,
                has_header=False,
                separator=self._delimiter,
                quote_char=None,
                schema={f"column_{place + 1}": pl.String for place in range(width)},
                columns=places,
                empty_string_is_null=False,
            )
        except pl.exceptions.PolarsError:
            return None
        return frame if frame.height == text.count(LF) else None

    def _has_all_cells(self, cells: pl.DataFrame, text: bytes) -> bool:
        """Whether no line is short. None is too long then, for they are as many cells in all."""
        if text.count(self._mark) != cells.height * (len(self._header) - 1):
            return False
        return not (cells[f"column_{len(self._header)}"] == "").any()

    def _sorted_out(self, block: bytes, before: int) -> Generator[Frame | Reading, None, int]:
        """As ``read``, line by line: the plain ones together, each other record as a row."""
        lines = BytesIO(block).readlines()
        plain: list[bytes] = []
        numbers: list[int] = []
        place = 0
        while place < len(lines):
            if (line := self._plain_line(lines[place])) is not None:
                plain.append(line)
                numbers.append(before + place + 1)
                place += 1
            else:
                ahead = (lines[at] for at in range(place, len(lines)))
                rest = Bounded(chain(ahead, self._stream), longest_of(self._stream))
                reading = self._row(rest, before + place)
                place += reading.lines
                yield reading
        if plain:
            text = b"".join(plain)
            cells = self._cells(text)
            if cells is None:  # polars reads plain lines otherwise than csv does
                yield from (
                    self._row([line], number - 1)
                    for line, number in zip(plain, numbers, strict=True)
                )
            else:
                yield from self._calls(cells, numbers, text)
        return place

    def _plain_line(self, line: bytes) -> bytes | None:
        """The line with a line feed, if csv would read it as cells that end at each delimiter."""
        text = line.removesuffix(LF).removesuffix(CR)
        if text.count(self._mark) != len(self._header) - 1 or QUOTE in text or CR in text:
            return None
        return None if text.startswith(BOM) or not _is_utf8(text) else text + LF

    def _calls(
        self, cells: pl.DataFrame, numbers: Sequence[int], text: bytes
    ) -> Iterator[Frame | Reading]:
        """The calls in these cells; a line of ``text`` that is not plainly one as a row."""
        import polars as pl

        named = cells.select(
            pl.col(f"column_{place + 1}").alias(column) for place, column in self._used.items()
        )
        calls = calls_of(named, self._columns)
        calls = calls.with_columns(pl.Series("line", numbers, dtype=pl.Int64))
        ok = calls["ok"]
        if not ok.all():
            lines = text.split(LF)
            for place in (~ok).arg_true():
                yield self._row([lines[place] + LF], numbers[place] - 1)
            calls = calls.filter(ok)
        if calls.height:
            yield Frame(calls.drop("ok"), tuple(self._columns.tags))

    def _row(self, lines: Iterable[bytes], before: int) -> Reading:
        """The record that begins here. No line behind it is taken."""
        return next(csv_records(lines, self._delimiter, self._read, self._header, before))


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
