"""Langfuse: the batch export of observations as CSV.

The columns are those of the JSON export (``langfuse``), in the order of the first row, and after
them one for each score. Every cell is in quotes: objects (usageDetails, costDetails) are their JSON
text, dates and, in older exports, all texts are JSON texts too, with a further pair of quotes
inside; null is an empty cell. An observation has its id in every export: the same observation in
JSON and in CSV is one call.

Sure: the writer is read in Langfuse's code. What is inside what, and what wraps what, is told the
same way as in JSON, once over the whole file before it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from auditor.formats import langfuse
from auditor.formats.base import (
    Format,
    Sample,
    csv_records,
    decode_exactly,
    delimiter_of,
    sample,
)
from auditor.records import Context, Reading
from auditor.sources import LogFile

COLUMNS = ("id", "traceId", "type", "startTime", "model")
OBJECTS = ("usageDetails", "costDetails")
KEPT = ("id", "type", "parentObservationId", "usageDetails", *langfuse.OLD_COUNTS.values())


def claims(start: Sample) -> bool:
    """True where the first line has the columns of the export."""
    return delimiter_of(start, COLUMNS) is not None


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every row as a Call, as Context, or as a Reject."""
    delimiter = delimiter_of(sample(file), COLUMNS) or ","
    above = _above(file, delimiter)

    def to_reading(line: int, row: Mapping[str, str], lines: int) -> Reading:
        return langfuse.reading(line, _observation(row), above, lines)

    return csv_records(stream, delimiter, to_reading)


def _above(file: LogFile, delimiter: str) -> frozenset[str]:
    found: list[dict[str, Any]] = []

    def keep(line: int, row: Mapping[str, str], lines: int) -> Reading:
        observation = _observation(row)
        found.append({name: observation.get(name) for name in KEPT})
        return Context(line, lines)

    with file.open() as stream:
        for _ in csv_records(stream, delimiter, keep):
            pass
    return langfuse.wrapping(found)


def _observation(row: Mapping[str, str]) -> dict[str, Any]:
    """A row as its JSON would be. Raises ValueError for an object that is none."""
    entry: dict[str, Any] = {name: _text(cell) for name, cell in row.items()}
    for name in OBJECTS:
        if (cell := entry.get(name)) is not None:
            try:
                entry[name] = decode_exactly(cell.encode("utf-8", "surrogatepass"))
            except ValueError:
                entry[name] = None
            if not isinstance(entry[name], dict):
                raise ValueError(f"its {name} are no JSON object")
    return entry


def _text(cell: str) -> str | None:
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        try:
            value = decode_exactly(cell.encode("utf-8", "surrogatepass"))
        except ValueError:
            return cell
        return value if isinstance(value, str) and value else None
    return cell or None


FORMAT = Format(
    "langfuse-csv",
    "Langfuse batch export of observations",
    claims,
    read,
    container="CSV",
    ids="`id`",
    times="`startTime`",
    counts="`usageDetails`",
    note="as `langfuse`",
)
