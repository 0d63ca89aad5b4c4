"""What every format module builds on: the Format itself, the sample it judges, JSON lines."""

from __future__ import annotations

import csv
import hashlib
import importlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from auditor.bounded import longest_of
from auditor.formats.words import ExactNumber
from auditor.limits import refusal_of, too_long
from auditor.records import Context, Reading, Reject
from auditor.sources import BOM, LogFile

if TYPE_CHECKING:
    import polars as pl

SAMPLE_BYTES = 1 << 18
SAMPLE_OBJECTS = 40
HEAD_BYTES = 120
TOO_DEEP = "it is nested too deep"
MAX_HEADER_BYTES = 100_000  # a longer first line is no CSV header
DELIMITERS = (",", ";", "\t", "|")
MAX_CELL_CHARACTERS = 2**31 - 1  # Python's csv stops at 131,072 until told otherwise
CONFLICT_MARKERS = (b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")

ReadRecord = Callable[[int, dict[str, str], int], Reading]
"""Makes a Reading of the first line of a record, its cells by column and its number of lines."""


@dataclass(frozen=True)
class Sample:
    """The beginning of a source, as a format judges it."""

    head: bytes
    whole: bool

    @cached_property
    def lines(self) -> tuple[bytes, ...]:
        """The lines that are in the sample from end to end."""
        lines = self.head.split(b"\n")
        complete = lines if self.whole else lines[:-1] or lines
        return tuple(line for line in complete if line.strip())

    @cached_property
    def objects(self) -> tuple[dict[str, Any], ...]:
        """The first JSON objects that stand on a line of their own."""
        found = []
        for line in self.lines:
            try:
                value = decode(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                found.append(value)
                if len(found) == SAMPLE_OBJECTS:
                    break
        return tuple(found)

    @cached_property
    def headers(self) -> Mapping[str, tuple[str, ...]]:
        """What the first line says as a CSV header, by delimiter."""
        if not self.lines or len(self.lines[0]) > MAX_HEADER_BYTES:
            return {}
        text = self.lines[0].decode("utf-8", "replace").strip("\r\n")
        rows = ((mark, _cells(text, mark)) for mark in DELIMITERS)
        return {mark: row for mark, row in rows if len(row) > 1}


def _cells(line: str, delimiter: str) -> tuple[str, ...]:
    """The cells of a line; none where it is no CSV at all."""
    try:
        return tuple(cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return ()


def sample(file: LogFile) -> Sample:
    """The beginning of a file: its first line at least, however long that is."""
    with file.open() as stream:
        head = stream.read(SAMPLE_BYTES)
        if len(head) < SAMPLE_BYTES:
            return Sample(head, whole=True)
        while not head.strip() or b"\n" not in head.lstrip():
            more = stream.readline()
            if not more:
                return Sample(head, whole=True)
            head = head.lstrip() + more
        return Sample(head, whole=False)


def delimiter_of(start: Sample, columns: Iterable[str]) -> str | None:
    """The delimiter under which the first line is a CSV header that has all these columns."""
    wanted = set(columns)
    return next((mark for mark, header in start.headers.items() if wanted <= set(header)), None)


@dataclass(frozen=True)
class Block:
    """Calls that were read in columns, each on one line of its own and counted by the provider.

    ``columns`` are called as the fields of Call and of Usage; one that is not there is as these
    have it by default. ``tags`` and ``messages`` (of the prompt, ``role`` and ``content``) are
    those of each call.
    """

    columns: Mapping[str, Sequence[Any]]
    tags: Sequence[dict[str, str]]
    messages: Sequence[list[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Frame:
    """Calls of a table of counts, each on one line of its own and counted by the provider.

    ``calls`` has a column ``line`` and those of ``columns.calls_of``, ``tags`` are the names of its
    tags. There is no text to any of them.
    """

    calls: pl.DataFrame
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Format:
    """One log format: what it is called, how to recognise and to read it, and what is in it.

    ``claims`` sees the sample alone. ``read`` gets the file and its open bytes, and accounts for
    every physical line: as the first or a further line of a Call or Reject, or as Context.
    Where lines mean nothing (documents, databases) ``unit`` says what is numbered and accounted
    for in their place. A ``fallback`` claims only what no other format does.

    The rest is for people, in `audit show formats` and the README: ``holds`` says what a unit is (a
    call, or a sum of many), ``container`` how the units are laid out, ``ids``, ``times`` and
    ``counts`` from which fields these are read, ``note`` what else must be known before reading.
    ``by_line`` means that every line is read by itself, so that a file can be read in parts.
    ``blocks`` is a quicker ``read``: what it can it reads in columns, without the answers.
    ``made`` is the call that makes a format which does not ship, for another process to repeat.
    """

    name: str
    title: str
    claims: Callable[[Sample], bool]
    read: Callable[[LogFile, BinaryIO], Iterator[Reading]]
    unit: str = "line"
    fallback: bool = False
    holds: str = "a call"
    container: str = ""
    ids: str = ""
    times: str = ""
    counts: str = ""
    note: str = ""
    by_line: bool = False
    made: tuple[Callable[..., Format], tuple[Any, ...]] | None = None
    blocks: Callable[[LogFile, BinaryIO], Iterator[Block | Frame | Reading]] | None = None

    def __reduce__(self) -> Any:
        """As its name in another process, or as what it was ``made`` from."""
        return self.made or (_shipped, (self.name,))


def _shipped(name: str) -> Format:
    formats: tuple[Format, ...] = importlib.import_module("auditor.formats").known_formats()
    return next(format for format in formats if format.name == name)


def decode(line: bytes) -> Any:
    """The JSON value of a line, whose numbers keep their digits where a float would lose them.

    Raises ValueError with a short reason.
    """
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, ValueError):
        return _decode_slowly(line)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None


def decode_exactly(line: bytes) -> Any:
    """As ``decode``, with every fraction as the text it was written in (class ``ExactNumber``)."""
    return _decode_slowly(line, parse_float=ExactNumber)


def _decode_slowly(line: bytes, **options: Any) -> Any:
    """Python's own parser accepts what the fast one does not: lone surrogates, huge integers."""
    try:
        text = line.rstrip(b"\r\n").decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not valid UTF-8 at byte {error.start + 1}") from None
    try:
        return json.loads(text, parse_constant=_refuse, **options)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    except json.JSONDecodeError as error:
        if text.strip() == "[":
            raise ValueError("not JSON: the array does not end") from None
        problem = error.msg[:1].lower() + error.msg[1:].removesuffix(" at")
        raise ValueError(f"not JSON: {problem} at character {error.pos + 1}") from None
    except _NotJsonError:
        raise
    except ValueError:
        raise ValueError("it holds a number of thousands of digits") from None


class _NotJsonError(ValueError):
    """A word that Python's parser takes and JSON does not know."""


def _refuse(word: str) -> None:
    raise _NotJsonError(f"not JSON: {word} is no number")


def json_lines(
    stream: BinaryIO,
    read: Callable[[int, dict[str, Any]], Reading],
    *,
    decode: Callable[[bytes], Any] = decode,
) -> Iterator[Reading]:
    """Every line through ``read(line number, object)``; what is no object is a Reject.

    ``decode`` makes the value of a line (``decode_exactly`` where money is in it). A ValueError of
    ``read`` becomes the reason of a Reject; a KeyError names a missing field.
    """
    for number, line in enumerate(stream, 1):
        yield json_line(number, line, read, decode=decode)


def json_line(
    number: int,
    line: bytes,
    read: Callable[[int, dict[str, Any]], Reading],
    *,
    decode: Callable[[bytes], Any] = decode,
) -> Reading:
    """One line of ``json_lines``."""
    if not line.strip():
        return Context(number)
    try:
        value = decode(line)
        if not isinstance(value, dict):
            raise ValueError(f"a JSON object was expected here, not {_kind(value)}")
        return read(number, value)
    except ValueError as error:
        return refused(number, line, _marker(line) or str(error))
    except KeyError as missing:
        return refused(number, line, f"it has no field {missing}")
    except RecursionError:
        return refused(number, line, TOO_DEEP)


def refused(line: int, raw: bytes, reason: str, lines: int = 1) -> Reject:
    """A Reject with the first bytes of what was refused, and the hash of it all.

    A line that was too long has only its own reason.
    """
    if over := refusal_of(raw):
        return Reject(line, over, b"", lines)
    whole = raw.rstrip(b"\r\n")
    return Reject(line, reason, whole[:HEAD_BYTES], lines, hashlib.blake2b(whole).digest())


def _marker(line: bytes) -> str | None:
    if line.startswith(CONFLICT_MARKERS):
        return "a version-control conflict marker"
    if line.startswith(BOM):
        return "a byte order mark in the middle of the file, as where two files were joined"
    return None


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def csv_records(
    stream: Iterable[bytes],
    delimiter: str,
    read: ReadRecord,
    columns: tuple[str, ...] = (),
    before: int = 0,
) -> CsvRecords:
    """Every CSV record through ``read(first line, cells by column, lines)``.

    The header and blank lines are Context; ``columns`` stand for the header of a file without one.
    Quoted cells may span lines. A record that is not valid UTF-8, is cut off inside a quoted cell,
    is longer than a line may be, or has more or fewer cells than the header is a Reject of all its
    lines. ``before`` lines of the file come before the stream, of which no line is taken before it
    is needed.
    """
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    return CsvRecords(stream, delimiter, read, columns, before)


class CsvRecords:
    """One reading of a table after another; ``columns`` are known once the header was read."""

    def __init__(
        self,
        stream: Iterable[bytes],
        delimiter: str,
        read: ReadRecord,
        columns: tuple[str, ...],
        before: int,
    ) -> None:
        self.columns = columns
        self._read = read
        self._before = before
        self._seen: list[bytes] = []
        self._size = 0
        self._most = longest_of(stream)
        self._stream = iter(stream)
        self._delimiter = delimiter
        self._rows = self._reader()

    def _reader(self) -> Any:
        return csv.reader(self._tee(), delimiter=self._delimiter, strict=True)

    def _tee(self) -> Iterator[str]:
        """The lines as text, up to the end of a record that is too long: who reads sees an end."""
        while self._size <= self._most and (raw := next(self._stream, b"")):
            self._seen.append(raw)
            self._size += len(raw)
            yield raw.decode("utf-8", "surrogateescape")

    def __iter__(self) -> CsvRecords:
        return self

    def __next__(self) -> Reading:
        rows = self._rows
        begun = rows.line_num
        first = self._before + begun + 1
        self._seen.clear()
        self._size = 0
        try:
            cells = next(rows)
        except csv.Error as error:
            lines = max(rows.line_num - begun, 1)
            if self._size > self._most and len(self._seen) > 1:
                return self._cut_off(first, lines)
            return refused(first, b"".join(self._seen), _csv_problem(str(error)), lines)
        lines = rows.line_num - begun
        if not any(cell.strip() for cell in cells):
            return Context(first, lines)
        if not self.columns:
            self.columns = tuple(cell.strip() for cell in cells)
            return Context(first, lines)
        return _record(self.columns, cells, first, lines, b"".join(self._seen), self._read)

    def _cut_off(self, first: int, lines: int) -> Reject:
        """A record that is too long, as where a quote has no second. The next line begins anew."""
        reason = f"not CSV: {too_long(self._size, self._most, 'record')}"
        self._before = first - 1 + lines
        self._rows = self._reader()
        return Reject(first, reason, self._seen[0][:HEAD_BYTES].rstrip(b"\r\n"), lines)


def _csv_problem(error: str) -> str:
    """What csv says, in words that say what is wrong with the file."""
    if "unexpected end of data" in error:
        return "not CSV: a quoted cell has no end"
    if "new-line character" in error:
        return "not CSV: a carriage return inside an unquoted cell"
    return f"not CSV: {error}"


def _record(
    columns: tuple[str, ...],
    cells: list[str],
    first: int,
    lines: int,
    raw: bytes,
    read: ReadRecord,
) -> Reading:
    try:
        if len(cells) != len(columns):
            raise ValueError(f"{len(cells)} cells under a header of {len(columns)}")
        _check_utf8(raw)
        return read(first, dict(zip(columns, cells, strict=True)), lines)
    except ValueError as error:
        return refused(first, raw, _marker(raw) or str(error), lines)
    except KeyError as missing:
        return refused(first, raw, f"the header has no column {missing}", lines)


def _check_utf8(raw: bytes) -> None:
    if raw.isascii():
        return
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not valid UTF-8 at byte {error.start + 1}") from None
