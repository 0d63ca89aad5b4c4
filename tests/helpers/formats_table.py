"""The README's table of formats, made from the formats themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable

from auditor.formats.base import Format

COLUMNS = ("format", "what it is", "in", "a record is", "id", "time", "tokens")
BEGIN = "<!-- formats: written by tests/test_readme.py from the modules in auditor/formats -->\n"
END = "<!-- end of formats -->\n"
BLOCK = re.compile(f"(?<={re.escape(BEGIN)}).*?(?={re.escape(END)})", re.DOTALL)


def formats_table(known: Iterable[Format]) -> str:
    """A row a format, in Markdown."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(_row, known)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _row(one: Format) -> tuple[str, ...]:
    title = f"{one.title}; {one.note}" if one.note else one.title
    article = "an" if one.unit[0] in "aeiou" else "a"
    record = f"{article} {one.unit}: {one.holds}"
    cells = (f"`{one.name}`", title, one.container, record, one.ids, one.times, one.counts)
    return tuple(cell.replace("|", "\\|") for cell in cells)
