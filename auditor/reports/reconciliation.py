"""An invoice against the logs: on a terminal, and as JSON, CSV, Markdown and Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.pipeline.reconcile import CLASSES, MONEY, Reconciled
from auditor.reports.figures import counted, n, named, places_for, plain, usd
from auditor.reports.files import csv_text, markdown_text, parquet_bytes, texts
from auditor.reports.layout import bare_table, print_whole
from auditor.reports.table import bullet

SCHEMA = "audit.reconcile/1"
SHOWN_ROWS = 12
WORDS = {
    "price_usd": "other prices",
    "rounding_usd": "rounding of the invoice",
    "day_boundary_usd": "billed on the day before or after",
    "counted_by_us_usd": "tokens counted by us",
    "failed_usd": "failed calls, billed all the same",
    "no_price_usd": "calls for which we have no price",
    "not_logged_usd": "billed, and no log for it",
    "not_billed_usd": "logged, and not billed",
}
COLUMNS: dict[str, Any] = {
    "begins": pl.Date,
    "ends": pl.Date,
    "item": pl.String,
    "requests": pl.Int64,
    "answered": pl.Int64,
    "failed": pl.Int64,
    "unpriced": pl.Int64,
    "billed_usd": MONEY,
    "logged_usd": MONEY,
    "residual_usd": MONEY,
    "price_usd": MONEY,
    "price_of": pl.String,
    **dict.fromkeys(CLASSES[1:], MONEY),
}


def show(result: Reconciled, console: Console) -> None:
    """What leads from the logs to the invoice, item by item, and where they differ most."""
    total = result.total
    places = max(2, places_for(total[name] for name in ("billed_usd", "logged_usd")))
    _heading(result, places, console)
    console.print()
    bridge = bare_table("From the logs to the invoice, USD")
    bridge.add_column("", no_wrap=True)
    bridge.add_column("amount", justify="right", no_wrap=True)
    bridge.add_row(Text("Logged", style="bold"), Text(usd(total["logged_usd"], places)))
    for name in CLASSES:
        if total[name] or any(item[name] for item in result.items):
            bridge.add_row(f"  {WORDS[name]}", usd(total[name], places, sign="+"))
    bridge.add_row(Text("Billed", style="bold"), Text(usd(total["billed_usd"], places)))
    print_whole(bridge, console)
    console.print()
    print_whole(_items(result, places), console)
    differing = [row for row in result.rows if _is_open(row)]
    if differing:
        console.print()
        print_whole(_worst(differing, places), console)
    console.print()
    for note in _notes(result, differing):
        console.print(bullet(note))


def _heading(result: Reconciled, places: int, console: Console) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    total = result.total
    zone = result.asked.question.zone
    requests = f" for {counted(total['requests'], 'request')}" if total["requests"] else ""
    failed = f", {n(total['failed'])} failed" if total["failed"] else ""
    facts = (
        ("Period", f"{result.begins} to {result.ends}, end excluded ({zone})"),
        ("Billed", f"{usd(total['billed_usd'], places)} USD in {_lines(result)}{requests}"),
        (
            "Logged",
            f"{usd(total['logged_usd'], places)} USD in {counted(total['answered'], 'call')}"
            f"{failed}",
        ),
        ("Matched", f"{usd(total['matched_usd'], places)} USD"),
        ("Unexplained", f"{usd(total['open_usd'], places)} USD, {_tolerance(result)}"),
    )
    for label, text in facts:
        grid.add_row(Text(label, style="bold"), Text(text))
    console.print(grid)


def _lines(result: Reconciled) -> str:
    what = "line" if result.asked.amounts is not None else "sum"
    return counted(result.lines, what)


def _tolerance(result: Reconciled) -> str:
    tolerance = result.asked.tolerance
    limit = (
        f"{tolerance.ppm // 10_000}.{tolerance.ppm % 10_000:04}".rstrip("0").rstrip(".") + " %"
        if tolerance.ppm is not None
        else f"{plain(tolerance.usd)} USD"
    )
    return f"{'above' if result.is_above else 'within'} the tolerance of {limit}"


def _is_open(row: dict[str, Any]) -> bool:
    return any(row[name] for name in CLASSES if name not in ("rounding_usd", "day_boundary_usd"))


def _items(result: Reconciled, places: int) -> Table:
    table = bare_table("By what the invoice bills, USD")
    table.add_column("item", overflow="fold")
    for name in ("requests", "calls", "failed", "billed", "logged", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    for item in result.items:
        table.add_row(
            Text(named(item["item"])),
            n(item["requests"]),
            n(item["answered"]),
            n(item["failed"]),
            usd(item["billed_usd"], places),
            usd(item["logged_usd"], places),
            usd(item["residual_usd"], places, sign="+"),
        )
    return table


def _worst(rows: list[dict[str, Any]], places: int) -> Table:
    """The spans and items that differ most, and mainly why."""
    table = bare_table("Where they differ most, USD")
    table.add_column("from", no_wrap=True)
    table.add_column("item", overflow="fold")
    table.add_column("difference", justify="right", no_wrap=True)
    table.add_column("mainly")
    for row in sorted(rows, key=_size)[:SHOWN_ROWS]:
        name = max(CLASSES, key=lambda name: abs(row[name]))
        why = f"{WORDS[name]}: {row['price_of']}" if row["price_of"] else WORDS[name]
        table.add_row(
            row["begins"].isoformat(),
            Text(named(row["item"])),
            usd(row["residual_usd"], places, sign="+"),
            f"{why} {usd(row[name], places, sign='+')}",
        )
    return table


def _size(row: dict[str, Any]) -> tuple[Any, ...]:
    return (-abs(row["residual_usd"]), row["begins"], row["item"])


def _notes(result: Reconciled, differing: list[dict[str, Any]]) -> Iterable[str]:
    total = result.total
    yield (
        "unexplained: what neither rounding nor the boundary of days explains, each difference "
        "without its sign. --format csv has every day and item, with every digit."
    )
    if len(differing) > SHOWN_ROWS:
        yield f"{n(len(differing) - SHOWN_ROWS)} more days and items differ."
    if total["counted_by_us_usd"] or any(item["counted_by_us_usd"] for item in result.items):
        yield (
            "tokens counted by us: at most a tenth of what they come to is laid to our counts, a "
            "half of what was estimated."
        )
    if any(item["failed_usd"] for item in result.items):
        yield (
            "failed calls: at most the average cost of an answered call each, and no more calls "
            "than the invoice has beyond the answered ones, where it counts requests."
        )
    if any(item["day_boundary_usd"] for item in result.items):
        yield (
            "the boundary of days: at most what the calls cost that were logged within "
            f"{counted(result.asked.boundary, 'minute')} of it."
        )
    unbilled = [item["item"] for item in result.items if not item["is_billed"]]
    if unbilled:
        yield (
            f"no line of the invoice is about {', '.join(map(named, unbilled))}: --line says what "
            "a line is about."
        )
    unlogged = [
        item["item"]
        for item in result.items
        if item["is_billed"] and not (item["answered"] or item["failed"])
    ]
    if unlogged:
        yield (
            f"no call is logged for {', '.join(map(named, unlogged))}: if a line is about models, "
            "--line says which."
        )


def as_json(result: Reconciled) -> str:
    """One object, schema ``audit.reconcile/1``. Money is a decimal string."""
    asked = result.asked
    document = {
        "schema": SCHEMA,
        "period": {
            "from": result.begins.isoformat(),
            "to": result.ends.isoformat(),
            "timezone": asked.question.zone,
        },
        "invoice": "amounts" if asked.amounts is not None else "sums",
        "lines": result.lines,
        "undated": result.undated,
        "tolerance": {"usd": plain(asked.tolerance.usd), "ppm": asked.tolerance.ppm},
        "boundary_minutes": asked.boundary,
        "total": _in_full(result.total, ("is_total", "item", "is_billed")),
        "items": [_in_full(item, ("is_total", "is_above")) for item in result.items],
        "rows": [_in_full(row, ()) for row in result.rows],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _in_full(row: dict[str, Any], without: tuple[str, ...]) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name not in without}
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in texts(shown).items()
    }


def as_csv(result: Reconciled) -> str:
    """Every span and item, columns as ``COLUMNS``."""
    return csv_text(COLUMNS, result.rows)


def as_markdown(result: Reconciled) -> str:
    """Every span and item as a Markdown table."""
    return markdown_text(COLUMNS, ("begins", "ends", "item", "price_of"), result.rows)


def as_parquet(result: Reconciled) -> bytes:
    """Every span and item as Parquet."""
    return parquet_bytes(pl.DataFrame(list(result.rows), schema=COLUMNS))


WRITERS: dict[str, Callable[[Reconciled], str | bytes]] = {
    "json": as_json,
    "csv": as_csv,
    "md": as_markdown,
    "parquet": as_parquet,
}
