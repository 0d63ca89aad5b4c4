"""Bars of cost in a terminal's tables. They are drawn where there is room; figures come first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

ROOMY = 10_000
GAP = 2
NARROWEST = 5
WIDEST = 30
EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")
FULL, MARK = "█", "┃"
ASCII_FULL, ASCII_MARK = "#", "|"


def with_bars(bare: Table, make: Callable[[int], Table], console: Console) -> Table:
    """The table that ``make`` gives for a width of bars: as wide as the terminal has room for.

    ``bare`` is the table without bars, and the result where there is no room.
    """
    room = console.width - _measured(bare, console).maximum - GAP
    return bare if room < NARROWEST else make(min(room, WIDEST))


def needed_by(table: Table, console: Console) -> int:
    """The columns of a terminal that a table needs for no figure to be cut.

    What may not wrap is given its whole width: rich would cut it.
    """
    roomy = console.options.update_width(ROOMY)
    for column in table.columns:
        if column.no_wrap:
            cells = [column.header, *column.cells]
            column.min_width = max(Measurement.get(console, roomy, c).maximum for c in cells)
    return _measured(table, console).minimum


def _measured(table: Table, console: Console) -> Measurement:
    return Measurement.get(console, console.options.update_width(ROOMY), table)


def most_of(amounts: Iterable[Decimal | None]) -> Decimal:
    """What a full bar stands for."""
    return max((amount for amount in amounts if amount is not None), default=Decimal(0))


def heading(what: str, mark: str, width: int, *, ascii_only: bool) -> str:
    """Over a column of bars: what is drawn and what is marked, as far as there is room."""
    words = f"{what}, {ASCII_MARK if ascii_only else MARK} {mark}"
    return words if len(words) <= width else what


def bar(
    amount: Decimal | None,
    mark: Decimal | None,
    most: Decimal,
    width: int,
    *,
    ascii_only: bool,
) -> Text:
    """A bar as long as ``amount``, with a mark where another ends; a full one is ``most``."""
    if amount is None or most <= 0:
        return Text("")
    eighths = int(amount * width * 8 / most)
    if ascii_only:
        cells = ASCII_FULL * ((eighths + 4) // 8)
    else:
        cells = FULL * (eighths // 8) + EIGHTHS[eighths % 8]
    cells = cells.ljust(width)
    style = "cyan"
    if mark is not None and 0 <= mark <= most:
        place = min(int(mark * width / most), width - 1)
        cells = cells[:place] + (ASCII_MARK if ascii_only else MARK) + cells[place + 1 :]
        drawn = Text(cells.rstrip(), style=style)
        drawn.stylize("bold not dim default", place, place + 1)
        return drawn
    return Text(cells.rstrip(), style=style)
