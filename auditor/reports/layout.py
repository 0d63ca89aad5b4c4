"""Tables on a terminal as every report draws them."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.reports.bars import needed_by


def bare_table(title: str | None = None) -> Table:
    """A table without lines, as every report uses it."""
    return Table(
        title=Text(title, style="bold") if title else None,
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="bold",
        collapse_padding=True,
    )


def print_whole(table: Table, console: Console) -> None:
    """Print a table without cutting a figure, wider than the terminal where it must be."""
    given = console.width
    console.width = max(given, needed_by(table, console))
    console.print(table, crop=False)
    console.width = given


def plain_table(*columns: str) -> Table:
    """A bare table with text columns."""
    table = bare_table()
    for name in columns:
        table.add_column(escape(name), overflow="fold")
    return table


def indented(console: Console, text: str) -> None:
    """Print a text below what it belongs to."""
    console.print(Padding(Text(text), (0, 0, 0, 4)))
