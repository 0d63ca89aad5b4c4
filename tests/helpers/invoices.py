"""Invoices, and what `audit reconcile` makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from auditor import finding, pipeline
from auditor.formats import known_formats
from auditor.formats.invoices import amounts_in, check_sums, period_of
from auditor.pipeline.counting import Gauge
from auditor.pipeline.reconcile import Asked, Reconciled, reconcile
from auditor.pipeline.tolerance import Tolerance
from auditor.store import Store
from helpers.runs import question, stored


def table(path: Path, rows: Iterable[tuple[str, str, str]]) -> Path:
    """A CSV of day, line and amount."""
    lines = (f'{day},"{line}",{amount}\n' for day, line, amount in rows)
    path.write_text("day,line,amount\n" + "".join(lines), encoding="utf-8")
    return path


def costs(path: Path, rows: Iterable[tuple[int, str, str]], currency: str = "usd") -> Path:
    """OpenAI's costs export: the first second of a day, line item and amount."""
    buckets = ", ".join(
        f'{{"object": "bucket", "start_time": {at}, "end_time": {at + 86_400}, "results": [{{'
        '"object": "organization.costs.result", "amount": {"value": '
        f'{amount}, "currency": "{currency}"}}, "line_item": {json.dumps(line)}}}]}}'
        for at, line, amount in rows
    )
    path.write_text(f'{{"object": "page", "data": [{buckets}], "has_more": false}}\n')
    return path


def compare(invoice: Path, *logs: Path, **given: Any) -> Reconciled:
    """``audit reconcile`` of an invoice and these logs. ``given``: lines, tolerance, boundary."""
    (file,) = finding.find([str(invoice)])
    amounts = amounts_in(file)
    asked_of = {name: given.pop(name) for name in ("zone", "names") if name in given}
    if isinstance(given.get("tolerance"), str):
        given["tolerance"] = Tolerance.read(given["tolerance"])
    asked = Asked(question(scenarios=(), **asked_of), amounts, period=period_of(file), **given)
    with stored(*logs) as store:
        if amounts is not None:
            return reconcile(store, asked)
        with Store.open(None) as sums:
            chosen = check_sums(file, known_formats())
            gauge = Gauge(asked.question.book, {})
            pipeline.ingest(sums, [file], [chosen], gauge, chosen=chosen)
            return reconcile(store, asked, sums)
