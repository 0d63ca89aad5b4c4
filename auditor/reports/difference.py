"""Two runs side by side: on a terminal, as JSON, CSV and Markdown; and the reading of a run."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.errors import AuditError, printable
from auditor.pipeline.diffing import Difference, Run
from auditor.reports.figures import counted, n, places_for, plain, usd
from auditor.reports.files import csv_text, markdown_text, parquet_bytes, texts
from auditor.reports.folder import MANIFEST
from auditor.reports.layout import bare_table, print_whole
from auditor.reports.manifest import SCHEMA as RUN_SCHEMA

SCHEMA = "audit.diff/1"
CHARGES = "charges.parquet"
COLUMNS = ("name", "part", "calls", "amount_usd", "amount_usd_rounded")
WORDS = {
    "start": "",
    "new_calls": "new calls",
    "late_calls": "late calls, of days that A had",
    "gone_calls": "calls of files that B has not",
    "replaced_calls": "calls that another file holds now",
    "other_period": "days that only one was asked for",
    "new_scenario": "only B replayed it",
    "gone_scenario": "only A replayed it",
    "changed_scenario": "the scenario changed",
    "changed_name": "names lead to other models",
    "changed_price": "prices changed or became known",
    "changed_settings": "other models mapped or assumed",
    "changed_tool": "another version of audit",
    "other_readings": "the same files read otherwise",
    "end": "",
}
SHOWN_CHANGES = 12


def read_run(place: Path) -> Run:
    """A folder of reports, or its manifest. Raises AuditError when it is none, or not whole."""
    folder = place.parent if place.name == MANIFEST and place.is_file() else place
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        schema = manifest["schema"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AuditError(
            f"{place} holds no {MANIFEST} of `audit report`",
            hint="Name a folder that `audit report --db FILE -o DIR` wrote.",
        ) from error
    if schema != RUN_SCHEMA:
        raise AuditError(
            f"{folder / MANIFEST} is of schema {schema}; this audit knows {RUN_SCHEMA}",
            hint="Write the reports again with this version.",
        )
    listed = manifest["files"].get(CHARGES)
    if listed is None:
        raise AuditError(
            f"{folder} has no {CHARGES}, which tells why a total moved",
            hint="Write all reports, or name it: `audit report charges …`.",
        )
    try:
        content = (folder / CHARGES).read_bytes()
    except OSError as error:
        raise AuditError(
            f"{folder / CHARGES} cannot be read: {error.strerror}", hint="Write the reports again."
        ) from error
    if hashlib.sha256(content).hexdigest() != listed["sha256"]:
        raise AuditError(
            f"{folder / CHARGES} is not the file that {MANIFEST} names: its hash differs",
            hint="Write the reports again.",
        )
    return Run(str(place), manifest, pl.read_parquet(io.BytesIO(content)))


def show(result: Difference, console: Console) -> None:
    """Each total of A and B, what leads from the one to the other, and which prices changed."""
    _heading(result, console)
    places = places_for(row["amount_usd"] for row in result.parts)
    table = bare_table("Why the totals differ, USD")
    table.add_column("total", no_wrap=True)
    for name in ("calls", "amount"):
        table.add_column(name, justify="right", no_wrap=True)
    same = []
    for name, parts in _totals(result):
        if len(parts) == 2 and parts[0]["amount_usd"] == parts[1]["amount_usd"]:
            same.append(name)
            continue
        _add_total(table, name, parts, places)
    if table.row_count:
        print_whole(table, console)
    if same:
        console.print(Text(f"The same in both: {', '.join(map(printable, same))}."))
    _show_changes(result, places, console)


def _add_total(table: Table, name: str, parts: list[dict[str, Any]], places: int) -> None:
    for part in parts:
        is_total = part["part"] in ("start", "end")
        letter = {"start": "in A", "end": "in B"}.get(part["part"])
        label = f"{printable(name)} {letter}" if letter else f"  {WORDS[part['part']]}"
        amount = usd(part["amount_usd"], places, sign="-" if is_total else "+")
        table.add_row(
            Text(label, style="bold" if is_total else ""),
            n(part["calls"]),
            Text(amount, style="bold" if is_total else ""),
        )


def _heading(result: Difference, console: Console) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for letter, run in (("A", result.a), ("B", result.b)):
        period, coverage = run.manifest["period"], run.manifest["coverage"]
        span = f"{period['from']} to {period['to']}" if period["from"] else "no dated calls"
        grid.add_row(
            Text(letter, style="bold"),
            Text(
                f"{printable(run.place)}: {span}, {counted(coverage['counted'], 'call')} of "
                f"{counted(coverage['files'], 'file')}, {n(coverage['unpriced'])} unpriced, "
                f"{counted(coverage['rejects'], 'reject')}; {run.manifest['run']['tool']}"
            ),
        )
    console.print(grid)
    console.print()


def _totals(result: Difference) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for name, rows in groupby(result.parts, key=lambda row: row["name"]):
        yield name, list(rows)


def _show_changes(result: Difference, places: int, console: Console) -> None:
    if not result.changes:
        return
    console.print()
    table = bare_table("What changed, rates in USD per 1,000 tokens")
    table.add_column("total", no_wrap=True)
    table.add_column("priced as, and at", overflow="fold")
    table.add_column("calls", justify="right", no_wrap=True)
    table.add_column("amount", justify="right", no_wrap=True)
    for row in result.changes[:SHOWN_CHANGES]:
        lines = [printable(row["model"])] if row["model"] else []
        for side in ("a", "b"):
            priced_as, rates = row[f"priced_as_{side}"] or "unpriced", row[f"rates_{side}"]
            lines.append(f"{side.upper()}: {priced_as}" + (f" at {rates}" if rates else ""))
        table.add_row(
            Text(printable(row["name"])),
            Text("\n".join(lines)),
            n(row["calls"]),
            usd(row["amount_usd"], places, sign="+"),
        )
    print_whole(table, console)
    if len(result.changes) > SHOWN_CHANGES:
        console.print(Text("… and more: --format json lists them all."))


def as_json(result: Difference) -> str:
    """One object, schema ``audit.diff/1``. Money is a decimal string."""
    document = {
        "schema": SCHEMA,
        "a": _summary(result.a),
        "b": _summary(result.b),
        "totals": [
            {"name": name, "parts": [_part(part) for part in parts]}
            for name, parts in _totals(result)
        ],
        "changes": [texts(row) for row in result.changes],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _summary(run: Run) -> Mapping[str, Any]:
    made = run.manifest["run"]
    return {
        "place": run.place,
        "period": run.manifest["period"],
        "coverage": run.manifest["coverage"],
        **{name: made[name] for name in ("tool", "prices", "scenarios")},
    }


def _part(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"part": row["part"], "calls": row["calls"], "amount_usd": plain(row["amount_usd"])}


def as_csv(result: Difference) -> str:
    """The parts as CSV, every digit."""
    return csv_text(COLUMNS, result.parts)


def as_markdown(result: Difference) -> str:
    """The parts as a Markdown table."""
    return markdown_text(COLUMNS, ("name", "part"), result.parts)


def as_parquet(result: Difference) -> bytes:
    """The parts as Parquet."""
    money = {"amount_usd": pl.Decimal(38, 18), "amount_usd_rounded": pl.Decimal(38, 2)}
    schema: dict[str, Any] = {"name": pl.String, "part": pl.String, "calls": pl.Int64, **money}
    return parquet_bytes(pl.DataFrame(list(result.parts), schema=schema))


WRITERS: Mapping[str, Callable[[Difference], str | bytes]] = {
    "json": as_json,
    "csv": as_csv,
    "md": as_markdown,
    "parquet": as_parquet,
}
