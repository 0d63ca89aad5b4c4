"""``audit prices check`` as tables, JSON (schema ``audit.prices/1``), CSV, Markdown and Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from auditor.errors import printable
from auditor.pipeline.price_check import DOUBTFUL, INFERRED, RETIRING, UNKNOWN, PriceCheck
from auditor.reports.figures import NOTHING, n, named, plain
from auditor.reports.files import csv_text, markdown_text, parquet_bytes, run_of, texts
from auditor.reports.layout import plain_table, print_whole

SCHEMA = "audit.prices/1"
WORDS = ("finding", "name", "tier", "priced_as", "led_by", "book", "confidence", "why")
TITLES: Mapping[str, str] = {
    UNKNOWN: "Not in the book: names in the logs without a price",
    RETIRING: "Near retirement: names whose last price ends",
    DOUBTFUL: "Not certain: rows of the book that money rests on",
    INFERRED: "Led to their price by alias, mapping, router or Azure form",
}
STANDARD = "standard"


def show(check: PriceCheck, console: Console) -> None:
    """A table a finding; what is at stake to the right, why below each name."""
    rows = check.findings.rows(named=True)
    console.print(Text(f"Prices checked on {check.today}, {check.within} days around it."))
    for finding, title in TITLES.items():
        mine = [row for row in rows if row["finding"] == finding]
        console.print()
        if not mine:
            console.print(Text(f"{title}: none.", style="bold"))
            continue
        table = plain_table("name")
        table.title = Text(title, style="bold")
        for name in ("calls", "tokens", "last seen", "cost, USD"):
            table.add_column(name, justify="right", no_wrap=True)
        for row in mine:
            tier = "" if row["tier"] == STANDARD else f" ({row['tier']})"
            table.add_row(
                Text(named(f"{row['name']}{tier}")),
                n(row["calls"]),
                n(row["input_tokens"] + row["output_tokens"]),
                str(row["last_seen"]),
                plain(row["cost_usd"]) or NOTHING,
            )
            table.add_row(Padding(Text(printable(_why(row, check.today))), (0, 0, 0, 2)))
        print_whole(table, console)


def _why(row: Mapping[str, Any], today: date) -> str:
    """What there is to know of a finding."""
    place = f"{row['book']}.csv line {row['line']}"
    other = "" if row["name"] == row["priced_as"] else f" as {row['priced_as']}"
    match row["finding"]:
        case "unknown":
            return str(row["why"])
        case "retiring":
            verb = "ended" if row["ends_on"] <= today else "ends"
            return f"{verb} {row['ends_on']}{other}; {place}"
        case "doubtful":
            return f"{row['confidence']}; {place}"
        case _:
            return f"by {row['led_by']}{other}; {place}"


def as_json(check: PriceCheck) -> str:
    """One object, schema ``audit.prices/1``. Money is a decimal string, unknown money null."""
    question = check.result.question
    total = check.result.total
    document = {
        "schema": SCHEMA,
        "run": run_of(question, (), check.result.sources),
        "today": check.today.isoformat(),
        "within_days": check.within,
        "timezone": question.zone,
        "calls": total["calls"],
        "unpriced": total["unpriced"],
        "cost_usd": plain(total["cost_usd"]),
        "findings": [
            {k: str(v) if isinstance(v, date) else v for k, v in texts(row).items()}
            for row in check.findings.rows(named=True)
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_csv(check: PriceCheck) -> str:
    """The findings as RFC 4180."""
    return csv_text(check.findings.columns, check.findings.rows(named=True))


def as_markdown(check: PriceCheck) -> str:
    """The findings as a Markdown table."""
    return markdown_text(check.findings.columns, WORDS, check.findings.rows(named=True))


WRITERS: Mapping[str, Callable[[PriceCheck], str | bytes]] = {
    "json": as_json,
    "csv": as_csv,
    "md": as_markdown,
    "parquet": lambda check: parquet_bytes(check.findings),
}
