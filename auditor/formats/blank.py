"""A file without a word: the export of a day without calls. Every line of it is Context."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from auditor.formats.base import Format, Sample, refused
from auditor.records import Context, Reading
from auditor.sources import LogFile


def claims(start: Sample) -> bool:
    """True where there is nothing but blank lines."""
    return start.whole and not start.lines


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Blank lines as Context; a line with words (``--as blank``) is refused."""
    for number, line in enumerate(stream, 1):
        yield refused(number, line, "not a blank line") if line.strip() else Context(number)


FORMAT = Format(
    "blank",
    "Nothing but blank lines, as of a day without calls",
    claims,
    read,
    container="text",
    holds="nothing",
    ids="none",
    times="none",
    counts="none",
)
