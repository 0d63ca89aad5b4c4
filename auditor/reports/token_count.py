"""``audit count`` as tables, JSON (schema ``audit.count/1``), CSV, Markdown and Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
from rich.console import Console
from rich.text import Text

from auditor.errors import printable
from auditor.pipeline.token_count import TokenCount
from auditor.records import clean
from auditor.reports.figures import n, named
from auditor.reports.files import csv_text, markdown_text, parquet_bytes
from auditor.reports.layout import plain_table, print_whole

SCHEMA = "audit.count/1"
WORDS = ("format", "model", "meter", "reasons")
COLUMNS: dict[str, Any] = {
    "format": pl.String,
    "model": pl.String,
    "meter": pl.String,
    "calls": pl.Int64,
    "exact": pl.Int64,
    "exact_share": pl.String,
    "our_tokens": pl.Int64,
    "provider_tokens": pl.Int64,
    "mean_difference": pl.String,
    "largest_difference": pl.Int64,
    "reasons": pl.String,
}


def rows_of(count: TokenCount) -> list[dict[str, Any]]:
    """A row a kind: shares with four decimals, means of absolute differences with three."""
    return [
        {
            "format": format,
            "model": clean(model),
            "meter": meter,
            "calls": one.calls,
            "exact": one.exact,
            "exact_share": _quotient(one.exact, one.calls, 4),
            "our_tokens": one.ours,
            "provider_tokens": one.theirs,
            "mean_difference": _quotient(one.absolute, one.calls, 3),
            "largest_difference": one.largest,
            "reasons": "; ".join(f"{why}: {n(many)}" for why, many in sorted(one.reasons.items())),
        }
        for (format, model, meter), one in sorted(count.differences.items())
    ]


def _quotient(whole: int, parts: int, digits: int) -> str:
    """Rounded down, so that a share of 1 is all of them."""
    scaled = whole * 10**digits // parts
    return f"{scaled // 10**digits}.{scaled % 10**digits:0{digits}}"


def show(count: TokenCount, console: Console) -> None:
    """A row a kind, why its calls differ below it; then what was not compared."""
    rows = rows_of(count)
    if rows:
        table = plain_table("model")
        for name in ("", "calls", "exact", "mean off", "most off"):
            table.add_column(name, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(
                Text(named(f"{row['model'] or 'no model'} ({row['format']})")),
                row["meter"],
                n(row["calls"]),
                row["exact_share"],
                row["mean_difference"],
                f"{row['largest_difference']:+,}" if row["largest_difference"] else "0",
            )
            if row["reasons"]:
                table.add_row(Text(f"  {row['reasons']}", style="dim"))
        print_whole(table, console)
        console.print(Text("Ours minus the provider's, in tokens a call; the mean without sign."))
    else:
        console.print(Text("No call has both usage and text: nothing to compare."))
    for why, many in sorted(count.left_out.items()):
        console.print(Text(printable(f"Not compared, {n(many)}: {why}.")))


def as_json(count: TokenCount) -> str:
    """One object, schema ``audit.count/1``."""
    document = {
        "schema": SCHEMA,
        "files": count.files,
        "rejects": count.rejects,
        "rows": rows_of(count),
        "not_compared": dict(sorted(count.left_out.items())),
    }
    return json.dumps(document, indent=2) + "\n"


WRITERS: Mapping[str, Callable[[TokenCount], str | bytes]] = {
    "json": as_json,
    "csv": lambda count: csv_text(COLUMNS, rows_of(count)),
    "md": lambda count: markdown_text(COLUMNS, WORDS, rows_of(count)),
    "parquet": lambda count: parquet_bytes(pl.DataFrame(rows_of(count), schema=COLUMNS)),
}
