"""Closed months on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.text import Text

from auditor.reports.figures import counted, n, places_for, plain, usd
from auditor.reports.layout import bare_table, print_whole

MONTH = "%Y-%m"


def closed(row: dict[str, Any], console: Console) -> None:
    """What a month was closed with."""
    unpriced = f", {counted(row['unpriced'], 'call')} unpriced" if row["unpriced"] else ""
    console.print(
        Text(
            f"Closed {row['month'].strftime(MONTH)} ({row['zone']}): "
            f"{counted(row['calls'], 'call')}, {plain(row['actual_usd'])} USD{unpriced}. "
            "What arrives later is a correction."
        )
    )


def show(rows: Iterable[dict[str, Any]], console: Console) -> None:
    """The closed months, and what came later."""
    found = list(rows)
    if not found:
        console.print(Text("No month is closed."))
        return
    places = places_for(row["actual_usd"] for row in found)
    table = bare_table(f"Closed months ({found[0]['zone']}), USD")
    for name in ("month", "closed on", "by"):
        table.add_column(name, no_wrap=True)
    for name in ("calls", "actual", "calls later", "correction"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found:
        table.add_row(
            row["month"].strftime(MONTH),
            row["closed_on"].isoformat(),
            row["tool"],
            n(row["calls"]),
            usd(row["actual_usd"], places),
            n(row["correction_calls"]),
            usd(row["correction_usd"], places, sign="+"),
        )
    print_whole(table, console)
    if later := sum(row["correction_unpriced"] for row in found):
        console.print(Text(f"{counted(later, 'call')} that came later have no price."))
