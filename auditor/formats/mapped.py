"""Tables that the user describes: ``[formats.NAME]`` in audit.toml says which column is what.

Works for CSV (any of , ; tab |) and for JSON lines, where a dotted name reaches into objects
(``usage.prompt_tokens``) unless a field has that very name. A file belongs to the format when it
has every column that the mapping names.

``KEYS`` says what each key of a mapping means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from auditor.errors import ConfigError
from auditor.formats.base import (
    Format,
    Frame,
    Sample,
    csv_records,
    decode_exactly,
    delimiter_of,
    json_lines,
    sample,
)
from auditor.formats.cells import known, read_count, read_money
from auditor.formats.columnar import csv_blocks
from auditor.formats.columns import METERS, Columns
from auditor.formats.times import check_time_format, read_time_as
from auditor.records import BadUsageError, Call, Reading, Text, Usage
from auditor.sources import LogFile

KEYS: Mapping[str, str] = {
    "time": "moment of the call",
    "time_format": "auto (default), unix, unix_ms or a strptime pattern",
    "zone": "time zone of times without an offset; UTC unless given",
    "model": "the model that answered",
    "requested_model": "the model that was asked for",
    "input": "tokens sent, as the provider reported them",
    "output": "tokens produced, likewise; both 0 means that the log does not know them",
    "cached_input": "tokens of input that were read from a cache",
    "cache_write": "tokens of input that were written to a cache",
    "reasoning": "tokens of output that were hidden reasoning",
    "outside": "list of those three that input and output leave out: Anthropic's cache, Gemini's "
    'thoughts: ["cached_input", "cache_write"]',
    "input_bytes": "size of the request, used with --estimate where there are no counts",
    "output_bytes": "size of the answer, likewise",
    "prompt": "the text sent, counted where there are no counts",
    "answer": "the text received, likewise",
    "max_tokens": "tokens of answer that were asked for",
    "cost": "the cost that the log claims, USD",
    "id": "the provider's own call id",
    "tier": "standard, batch, flex, ...",
    "status": "outcome of the call",
    "failed": 'list of the words of status that mean failure: ["error", "429"]',
    "tags": "list of columns kept as tags, for --by tag:NAME",
    "header": "list of the names of all columns, for a CSV that has no header",
}
LISTS = ("tags", "failed", "outside", "header")
PARTS = tuple(part for part, _, _ in METERS)
NOT_ONE_COLUMN = ("time_format", "zone", *LISTS)
HINT = "See `audit show formats` for the keys of a mapping."


@dataclass(frozen=True, slots=True)
class TableMapping:
    """The columns of one table, as audit.toml names them; None where the table has none."""

    time: str | None = None
    time_format: str = "auto"
    zone: str = "UTC"
    model: str | None = None
    requested_model: str | None = None
    input: str | None = None
    output: str | None = None
    cached_input: str | None = None
    cache_write: str | None = None
    reasoning: str | None = None
    outside: tuple[str, ...] = ()
    input_bytes: str | None = None
    output_bytes: str | None = None
    prompt: str | None = None
    answer: str | None = None
    max_tokens: str | None = None
    cost: str | None = None
    id: str | None = None
    tier: str | None = None
    status: str | None = None
    failed: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    header: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that a file of this format must have."""
        single = (getattr(self, f.name) for f in fields(self) if f.name not in NOT_ONE_COLUMN)
        return (*(column for column in single if column), *self.tags)


def from_mapping(name: str, entries: Mapping[str, Any], file: str) -> Format:
    """The format that ``[formats.NAME]`` of ``file`` describes. Raises ConfigError."""
    mapping = _checked(name, entries, file)
    read_time = read_time_as(mapping.time_format, ZoneInfo(mapping.zone))

    def to_call(line: int, row: Mapping[str, Any], lines: int) -> Call:
        return _call(mapping, read_time, line, row, lines)

    def claims(start: Sample) -> bool:
        if mapping.header:
            return _bare_delimiter(mapping, start) is not None
        in_objects = any(_has(line, mapping.columns) for line in start.objects)
        return in_objects or delimiter_of(start, mapping.columns) is not None

    def delimiter(log: LogFile) -> str | None:
        if mapping.header:
            return _bare_delimiter(mapping, sample(log)) or ","
        return delimiter_of(sample(log), mapping.columns)

    def read(log: LogFile, stream: BinaryIO) -> Iterator[Reading]:
        if (mark := delimiter(log)) is not None:
            return csv_records(stream, mark, to_call, mapping.header)
        return json_lines(
            stream,
            lambda line, fields: to_call(line, _Dotted(fields), 1),
            decode=decode_exactly,
        )

    columns = _counts_alone(mapping, read_time)

    def blocks(log: LogFile, stream: BinaryIO) -> Iterator[Frame | Reading]:
        mark = delimiter(log)
        if columns is None or mark is None:
            return read(log, stream)
        return csv_blocks(stream, mark, to_call, columns, mapping.header)

    return Format(
        name,
        f"described in {file}",
        claims,
        read,
        container="CSV, JSON lines",
        ids=_column(mapping.id),
        times=_column(mapping.time),
        counts=", ".join(map(_column, (mapping.input, mapping.output))),
        made=(from_mapping, (name, entries, file)),
        blocks=blocks,
    )


def _counts_alone(mapping: TableMapping, read_time: Any) -> Columns | None:
    """The columns of a table of counts; None where a table has texts, or only sizes."""
    if not mapping.input or not mapping.output or mapping.prompt or mapping.answer:
        return None
    parts = {part: getattr(mapping, part) for part in PARTS}
    return Columns(
        mapping.input,
        mapping.output,
        read_time=read_time,
        time=mapping.time,
        time_format=mapping.time_format,
        utc=mapping.zone == "UTC",
        id=mapping.id,
        model=mapping.model,
        requested_model=mapping.requested_model,
        parts={part: column for part, column in parts.items() if column},
        outside=mapping.outside,
        max_tokens=mapping.max_tokens,
        cost=mapping.cost,
        tier=mapping.tier,
        status=mapping.status,
        failed=mapping.failed,
        tags={tag: tag for tag in mapping.tags},
        checked=tuple(filter(None, (mapping.input_bytes, mapping.output_bytes))),
    )


def _column(name: str | None) -> str:
    return f"`{name}`" if name else "none"


def _checked(name: str, entries: Mapping[str, Any], file: str) -> TableMapping:
    def refuse(problem: str) -> ConfigError:
        return ConfigError(file, None, f"[formats.{name}] {problem}", hint=HINT)

    if unknown := sorted(entries.keys() - KEYS.keys()):
        raise refuse(f"has a key we do not know: {unknown[0]}")
    values: dict[str, Any] = {}
    for key, value in entries.items():
        if key in LISTS:
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise refuse(f"{key} must be a list of texts")
            values[key] = tuple(value)
        elif isinstance(value, str) and value:
            values[key] = value
        else:
            raise refuse(f"{key} must be the name of a column")
    mapping = TableMapping(**values)
    pairs = (("input", "output"), ("input_bytes", "output_bytes"), ("prompt", "answer"))
    if not any(getattr(mapping, first) and getattr(mapping, second) for first, second in pairs):
        raise refuse("names no counts: input and output, or their bytes, or prompt and answer")
    if strange := [part for part in mapping.outside if part not in PARTS]:
        raise refuse(f"outside may hold {', '.join(PARTS)}, not {strange[0]}")
    if mapping.header and (missing := sorted(set(mapping.columns) - set(mapping.header))):
        raise refuse(f"header lacks the column {missing[0]}")
    try:
        ZoneInfo(mapping.zone)
    except (KeyError, ValueError, OSError):
        raise refuse(f"zone {mapping.zone!r} is no time zone we know") from None
    try:
        check_time_format(mapping.time_format)
    except ValueError as error:
        raise refuse(f"time_format {error}") from None
    return mapping


def _call(
    mapping: TableMapping, read_time: Any, line: int, row: Mapping[str, Any], lines: int
) -> Call:
    def cell(column: str | None) -> Any:
        return row[column] if column else None

    def text(column: str | None) -> str | None:
        value = cell(column)
        return None if value in (None, "") else str(value)

    status = text(mapping.status)
    failed = status is not None and status in mapping.failed
    return Call(
        line,
        id=text(mapping.id),
        called_at=read_time(cell(mapping.time) or ""),
        requested_model=text(mapping.requested_model),
        served_model=text(mapping.model),
        usage=_usage(mapping, cell),
        tier=text(mapping.tier) or "standard",
        failed=failed,
        problem=status if failed else None,
        max_tokens=read_count(cell(mapping.max_tokens)),
        recorded_usd=read_money(cell(mapping.cost)),
        tags={tag: str(row[tag]) for tag in mapping.tags if row[tag] not in (None, "")},
        text=_text(mapping, cell),
        sizes=_sizes(mapping, cell),
        lines=lines,
    )


def _usage(mapping: TableMapping, cell: Any) -> Usage | None:
    sent, produced = read_count(cell(mapping.input)), read_count(cell(mapping.output))
    if sent is None and produced is None:
        return None
    if sent is None or produced is None:
        raise ValueError("one of its two token counts is missing")
    read_, written, thought = (read_count(cell(getattr(mapping, part))) or 0 for part in PARTS)
    if "cached_input" not in mapping.outside:
        sent = _less(sent, read_, "cached", "sent")
    if "cache_write" not in mapping.outside:
        sent = _less(sent, written, "cache write", "sent")
    if "reasoning" not in mapping.outside:
        produced = _less(produced, thought, "reasoning", "produced")
    return known(Usage(sent, produced, read_, written, thought))


def _less(whole: int, part: int, name: str, done: str) -> int:
    if part > whole:
        raise BadUsageError(f"{part} {name} tokens are more than the {whole} {done}")
    return whole - part


def _bare_delimiter(mapping: TableMapping, start: Sample) -> str | None:
    """The delimiter of a table without header: under which its first line has all the columns.

    Its counts must be counts: a header, or another table of as many columns, is none.
    """
    counts = (mapping.input, mapping.output, mapping.input_bytes, mapping.output_bytes)
    for mark, cells in start.headers.items():
        if len(cells) == len(mapping.header):
            row = dict(zip(mapping.header, cells, strict=True))
            try:
                for column in counts:
                    read_count(row[column] if column else None)
            except ValueError:
                continue
            return mark
    return None


def _text(mapping: TableMapping, cell: Any) -> Text | None:
    prompt, answer = cell(mapping.prompt), cell(mapping.answer)
    if not isinstance(prompt, str) or not isinstance(answer, str):
        return None
    return Text(
        messages=({"role": "user", "content": prompt},),
        outputs=({"role": "assistant", "content": answer},),
    )


def _sizes(mapping: TableMapping, cell: Any) -> tuple[int, int] | None:
    sent, received = read_count(cell(mapping.input_bytes)), read_count(cell(mapping.output_bytes))
    return None if sent is None or received is None else (sent, received)


class _Dotted(dict[str, Any]):
    """An object whose missing keys are looked up as paths; what is not there is None."""

    def __missing__(self, key: str) -> Any:
        value: Any = self
        for part in key.split("."):
            value = dict.get(value, part) if isinstance(value, dict) else None
        return value


def _has(line: Mapping[str, Any], columns: tuple[str, ...]) -> bool:
    dotted = _Dotted(line)
    return all(column in line or dotted[column] is not None for column in columns)
