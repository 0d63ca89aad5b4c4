"""What audit knows before it has read anything, for `audit show`: scenarios, prices, formats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.errors import AuditError, printable
from auditor.reports.figures import NOTHING, named, plain, prices_of
from auditor.reports.layout import indented, plain_table, print_whole
from auditor.scenarios import Move, Scenario

if TYPE_CHECKING:
    from auditor.formats import Format
    from auditor.prices import Book, Row

NARROWEST_NAME = 24


def scenarios(known: Iterable[Scenario], console: Console) -> None:
    """Each scenario with its models, the date of its prices and its notes, by group."""
    group = None
    for one in known:
        if one.group != group:
            group = one.group
            console.print(Text(f"Group {group}", style="bold"))
        tier = f", {one.tier} tier" if one.tier else ", tier of each call"
        console.print(
            Text(f"  {one.name}", style="bold").append(f"  {one.title}", style="not bold")
        )
        for goes in _where_to(one):
            indented(console, f"{goes}; {prices_of(one)}{tier}")
        for note in one.notes:
            indented(console, f"- {note}")


def _where_to(scenario: Scenario) -> list[str]:
    """What goes where: a line, or one a move."""
    if not scenario.moves:
        return [", else ".join(scenario.models)]
    return [f"{_taken(move)} to {', else '.join(move.models)}" for move in scenario.moves]


def _taken(move: Move) -> str:
    """The calls that a move takes."""
    whose = ", ".join(move.workloads) or "all other calls"
    return f"{whose} by {', '.join(move.served)}" if move.served else whose


def prices(
    book: Book,
    models: Iterable[str],
    at: date | None,
    names: Mapping[str, str],
    console: Console,
) -> None:
    """Rows of the book. Raises AuditError when a name leads to none."""
    from auditor.prices.span import covers

    wanted = tuple(models)
    rows: list[Row] = []
    for name in wanted:
        found = _rows_of(book, name, at, names, console)
        rows += [row for row in found if row not in rows]
    if not wanted:
        rows = [row for row in book.every_row if at is None or covers(row, at)]
    layers = _by_standing(book, rows)
    for place, (title, shown) in enumerate(layers):
        if place:
            console.print()
        print_whole(_price_table(shown, title, console.width), console)
    for row in rows if wanted else ():
        console.print()
        console.print(Text(f"{row.model}, {_span(row)}: {row.book}.csv line {row.line}"))
        indented(console, f"source: {row.source}")
        indented(console, f"confidence: {row.confidence}")
        if row.alias_of:
            indented(console, f"stands for: {row.alias_of}")
        if row.note:
            indented(console, f"note: {row.note}")


def _rows_of(
    book: Book, name: str, at: date | None, names: Mapping[str, str], console: Console
) -> list[Row]:
    from auditor.prices import price

    if at is None:
        if rows := [row for layer in book.layers for row in layer.of(name)]:
            return rows
        days = [day for day in book.boundaries() if price(book, name, day, user_map=names).row]
        found = (price(book, name, day, user_map=names).row for day in days)
        if unique := [row for row in dict.fromkeys(found) if row]:
            return unique
        reason = f"the price book has no row for {name}"
    else:
        priced = price(book, name, at, user_map=names)
        for step in priced.resolution.steps:
            console.print(Text(f"{step}."))
        if priced.row:
            return [priced.row]
        reason = f"{name} on {at}: {priced.reason}"
    raise AuditError(
        reason, hint="`audit show prices` lists all rows; add one of your own with --prices FILE."
    )


def _by_standing(book: Book, rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """The rows with the last word under the first title, those of fallbacks under one a source."""
    unit = "USD per 1,000 tokens"
    low = set(book.fallback.rows) if book.fallback else set()
    parts = {unit: [row for row in rows if row not in low]}
    for row in rows:
        if row in low:
            title = f"{unit}, where the book has no price: {row.book} ({row.source})"
            parts.setdefault(title, []).append(row)
    return [(title, part) for title, part in parts.items() if part] or [(unit, [])]


def _price_table(rows: Iterable[Row], title: str, width: int) -> Table:
    """Rates by row; names and spans are folded where figures need the width."""
    table = plain_table("model")
    table.title = Text(printable(title), style="bold")
    for name in ("input", "cached", "output", "training", "window"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        written = _rate(row.cache_write_per_1k_usd)
        writes = "" if row.cache_write_per_1k_usd is None else f", cache writes {written}"
        table.add_row(
            Text(f"{named(row.model)}\n  {_span(row)}{writes}"),
            *map(_rate, (row.input_per_1k_usd, row.cached_input_per_1k_usd)),
            *map(_rate, (row.output_per_1k_usd, row.training_per_1k_usd)),
            f"{row.context_window:,}" if row.context_window else NOTHING,
        )
    texts = ([column.header, *column.cells] for column in table.columns[1:])
    figures = sum(max(map(len, map(str, cells))) + 2 for cells in texts)
    table.columns[0].max_width = max(width - figures, NARROWEST_NAME)
    return table


def formats(known: Iterable[Format], console: Console) -> None:
    """One row a format, and the keys of a mapping."""
    from auditor.formats import mapped

    table = plain_table("format", "what it is")
    for one in known:
        table.add_row(one.name, Text(f"{one.title} ({one.container})"))
    print_whole(table, console)
    console.print()
    console.print(Text("A table of your own: [formats.NAME] in audit.toml", style="bold"))
    keys = plain_table("key", "meaning")
    for key, meaning in mapped.KEYS.items():
        keys.add_row(key, Text(meaning))
    print_whole(keys, console)


def _span(row: Row) -> str:
    begin = row.effective_from.isoformat() if row.effective_from else "unknown"
    end = row.effective_to.isoformat() if row.effective_to else "open"
    tier = "" if row.tier == "standard" else f", {row.tier} tier"
    long = f", prompts above {row.above_input_tokens:,}" if row.above_input_tokens else ""
    return f"{begin} to {end}{tier}{long}"


def _rate(rate: Decimal | None) -> str:
    return plain(rate) or NOTHING
