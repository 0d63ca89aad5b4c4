"""Strict reading of a CSV table that a person may have written by hand.

Every problem is a ``PriceBookError`` with the file and the physical line on which the record
begins, also when a cell holds line breaks. Nothing is trimmed, guessed or rounded.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import PurePath
from typing import Protocol

from auditor.errors import PriceBookError

WHOLE_DIGITS = 9
FRACTION_DIGITS = 9

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DECIMAL = re.compile(r"([0-9]+)(?:\.([0-9]+))?")
_INTEGER = re.compile(r"[0-9]{1,18}")


class Source(Protocol):
    """A file to read: a path, a resource of a package, or one that lies in a store."""

    @property
    def name(self) -> str:
        """Its name with its ending."""
        ...

    def read_bytes(self) -> bytes:
        """What is in it. Raises OSError."""
        ...


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a table: the physical line where it begins and its cells by column.

    The readers below return None for a blank cell and for an optional column that is absent.
    """

    file: str
    line: int
    cells: Mapping[str, str]

    def error(self, problem: str, *, hint: str) -> PriceBookError:
        """The error to raise about this record."""
        return PriceBookError(self.file, self.line, problem, hint=hint)

    def text(self, column: str) -> str:
        """The cell as it is."""
        return self.cells.get(column, "")

    def word(self, column: str) -> str | None:
        """A name. Refuses white space around it, which the eye does not see and a look-up does."""
        cell = self.text(column)
        if cell != cell.strip():
            raise self.error(
                f"{column} has white space around it: {cell!r}", hint="Remove the white space."
            )
        return cell or None

    def required(self, column: str) -> str:
        """A name that must be there."""
        cell = self.word(column)
        if cell is None:
            raise self.error(f"{column} is blank", hint=f"Every row must give its {column}.")
        return cell

    def choice(self, column: str, words: tuple[str, ...]) -> str:
        """One of the words."""
        cell = self.text(column)
        if cell not in words:
            raise self.error(
                f"{column} is {cell!r}", hint=f"Write one of: {', '.join(map(_shown, words))}."
            )
        return cell

    def date(self, column: str) -> date | None:
        """A day, written YYYY-MM-DD."""
        cell = self.text(column)
        if not cell:
            return None
        try:
            if _DATE.fullmatch(cell):
                return date.fromisoformat(cell)
        except ValueError:
            pass
        raise self.error(
            f"{column} is not a date: {cell!r}",
            hint="Write a day of the calendar as YYYY-MM-DD, such as 2023-08-22.",
        )

    def usd(self, column: str) -> Decimal | None:
        """US dollars, exactly as written, when DECIMAL(18,9) can hold them."""
        cell = self.text(column)
        if not cell:
            return None
        if cell.startswith("-"):
            raise self.error(
                f"{column} is negative: {cell!r}",
                hint="A rate is 0 (free) or more; blank = unknown.",
            )
        match = _DECIMAL.fullmatch(cell)
        if match is None:
            raise self.error(
                f"{column} is not a plain decimal number: {cell!r}",
                hint="Write digits with a decimal point and nothing else, such as 0.0015.",
            )
        if len(match[1]) > WHOLE_DIGITS or len(match[2] or "") > FRACTION_DIGITS:
            raise self.error(
                f"{column} has more digits than can be kept exactly: {cell!r}",
                hint=f"At most {WHOLE_DIGITS} digits before and {FRACTION_DIGITS} after the point; "
                "the unit is USD per 1,000 tokens.",
            )
        return Decimal(cell)

    def positive(self, column: str) -> int | None:
        """A whole number of at least 1."""
        cell = self.text(column)
        if not cell:
            return None
        if not _INTEGER.fullmatch(cell) or int(cell) == 0:
            raise self.error(
                f"{column} is not a positive whole number: {cell!r}",
                hint="Write tokens as plain digits, such as 16385.",
            )
        return int(cell)


def _shown(word: str) -> str:
    return word or "nothing"


@dataclass(frozen=True, slots=True)
class Table:
    """The records of one CSV file. ``name`` is the file name without its ending."""

    name: str
    file: str
    sha256: str
    records: tuple[Record, ...]


def read_table(source: Source, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> Table:
    """Read a UTF-8 CSV file with one header line; a byte order mark is accepted.

    Raises ``PriceBookError`` when the file cannot be read, is not UTF-8 or not well-formed CSV,
    when a column is missing, unknown or there twice, when a record has more or fewer cells than
    the header, and when there is no record at all.
    """
    file = str(source)
    try:
        content = source.read_bytes()
    except OSError as error:
        raise PriceBookError(
            file, None, f"cannot be read: {error.strerror}", hint="Check the path and its rights."
        ) from error
    lines = _split(file, _decode(file, content))
    header_line, header = next(lines, (1, []))
    _check_header(Record(file, header_line, {}), header, required, optional)
    records = []
    for line, cells in lines:
        record = Record(file, line, dict(zip(header, cells, strict=False)))
        if len(cells) != len(header):
            raise record.error(
                f"{len(cells)} cells under {len(header)} columns",
                hint="Put a text that holds a comma in double quotes; leave no cell out.",
            )
        records.append(record)
    if not records:
        raise PriceBookError(file, None, "has no rows", hint="Give at least one row, or no file.")
    return Table(
        PurePath(source.name).stem, file, hashlib.sha256(content).hexdigest(), tuple(records)
    )


def _decode(file: str, content: bytes) -> str:
    body = content.removeprefix(codecs.BOM_UTF8)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise PriceBookError(
            file, line, "is not UTF-8", hint="Save the file as CSV UTF-8."
        ) from error


def _split(file: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """The records with the line on which each begins, without blank lines."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise PriceBookError(
                file, line, f"is not well-formed CSV: {error}", hint="Check the double quotes."
            ) from error
        if cells:
            yield line, cells


def _check_header(
    record: Record, header: list[str], required: tuple[str, ...], optional: tuple[str, ...]
) -> None:
    known = required + optional
    every = f"The columns are: {', '.join(known)}."
    for column in header:
        if column not in known:
            raise record.error(f"unknown column {column!r}", hint=every)
        if header.count(column) > 1:
            raise record.error(f"column {column} is there twice", hint="Keep one of them.")
    missing = [column for column in required if column not in header]
    if missing:
        raise record.error(f"missing columns: {', '.join(missing)}", hint=every)
