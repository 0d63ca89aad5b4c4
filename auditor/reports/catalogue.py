"""What audit knows and what it refused, for `audit show`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.text import Text

from auditor.errors import printable
from auditor.pipeline.reporting import Definition
from auditor.reports.figures import NOTHING, named, plain
from auditor.reports.layout import bare_table, indented, plain_table, print_whole
from auditor.reports.table import unpriced_table
from auditor.store import Store


def reports(listed: Iterable[Definition], console: Console) -> None:
    """Each report with its rows and columns."""
    for place, one in enumerate(listed):
        if place:
            console.print()
        console.print(Text(one.name, style="bold").append(f"  {one.purpose}", style="not bold"))
        indented(console, f"one row: {one.grain}")
        table = bare_table()
        table.show_header = False
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, meaning in one.columns.items():
            table.add_row(f"    {name}", Text(meaning))
        console.print(table)


def models(store: Store, console: Console) -> None:
    """The logged model names and the rows they led to."""
    table = plain_table("model")
    for name in ("calls", "tokens in", "tokens out", "cost, USD"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in store.rows("replay/models"):
        table.add_row(
            _led_to(row),
            *(f"{row[n]:,}" for n in ("calls", "input_tokens", "output_tokens")),
            plain(row["cost_usd"]) or NOTHING,
        )
    print_whole(table, console)


def _led_to(row: dict[str, Any]) -> Text:
    requested, served = row["requested_model"], row["served_model"]
    tier = "" if row["tier"] == "standard" else f" ({row['tier']})"
    lines = [named(requested or served or "(none)") + tier]
    if served and served != lines[0]:
        lines.append(f"  served {named(served)}")
    priced_as = row["priced_as"]
    by = "" if row["basis"] == "exact" else f", by {row['basis']}"
    lines.append(f"  priced as {priced_as}{by}" if priced_as else "  unpriced")
    return Text("\n".join(lines))


def unpriced(store: Store, console: Console) -> None:
    """The calls whose actual cost is not known."""
    rows = store.rows("replay/unpriced")
    if rows:
        print_whole(unpriced_table(rows), console)
    else:
        console.print(Text("Every call has a price."))


def rejects(store: Store, console: Console, most: int | None = None) -> None:
    """The refused lines, all or the first ``most``: where and why.

    Beneath are their first bytes where text is kept, else what tells the line from others.
    """
    rows = store.rows("ingest/rejects", most=most)
    if not rows:
        console.print(Text("No line was rejected."))
    for row in rows:
        lines = f" ({row['lines']:,} lines)" if row["lines"] > 1 else ""
        console.print(
            Text(f"{printable(row['source_name'])}:{row['line']}{lines}: {row['reason']}")
        )
        told = row["head"] or (f"fingerprint {row['fingerprint']}" if row["fingerprint"] else "")
        if told:
            console.print(Text(f"    {told}"), overflow="ellipsis", no_wrap=True)
