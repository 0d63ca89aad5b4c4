"""What a nightly run found: nightly.json for machines, one line for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.errors import printable
from auditor.pipeline.budgets import METHOD
from auditor.pipeline.reporting import Reported
from auditor.reports.figures import counted, plain, usd
from auditor.reports.files import texts
from auditor.reports.manifest import summary_of

SCHEMA = "audit.nightly/1"
FILE = "nightly.json"
FINE, INCOMPLETE, BROKEN = "fine", "incomplete", "broken"
WORDS: Mapping[str, str] = {
    "broken": "broken",
    "warned": "near its limit",
    "forecast_over": "forecast over",
    "unknown": "without a known cost",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``missing``: what is missing beyond the allowances; ``budgets``: rows of budgets.sql."""

    missing: tuple[str, ...]
    budgets: tuple[Mapping[str, Any], ...]

    @property
    def judged(self) -> tuple[Mapping[str, Any], ...]:
        """The rows on which the exit code depends."""
        return tuple(row for row in self.budgets if row["judged"] == "yes")

    @property
    def state(self) -> str:
        """A broken budget comes first: what is missing can only add to it."""
        if any(row["state"] == "broken" for row in self.judged):
            return BROKEN
        return INCOMPLETE if self.missing else FINE

    @property
    def of_nothing(self) -> tuple[tuple[str, str], ...]:
        """Budgets, with their scope, that no call has ever counted for, where others have calls."""
        seen: dict[tuple[str, str], int] = {}
        for row in self.budgets:
            key = (row["budget"], row["scope"])
            seen[key] = seen.get(key, 0) + row["calls"] + row["undated"]
        return tuple(key for key, calls in seen.items() if not calls)


def as_json(reported: Reported, verdict: Verdict) -> bytes:
    """One object, schema ``audit.nightly/1``, without a clock: the same store, the same bytes."""
    summary = summary_of(reported)
    document = {
        "schema": SCHEMA,
        "state": verdict.state,
        "missing": list(verdict.missing),
        "budgets_of_nothing": [name for name, _ in verdict.of_nothing],
        **{name: summary[name] for name in ("period", "coverage", "actual_usd")},
        "forecast": METHOD,
        "budgets": [_dated(row) for row in verdict.judged],
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _dated(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = texts(row)
    return {k: v if v is None or isinstance(v, int | str) else str(v) for k, v in shown.items()}


def in_a_line(reported: Reported, verdict: Verdict, period: str, new_calls: int) -> str:
    """All in one line, the state first."""
    total, coverage = reported.actual, reported.whole.coverage
    cost = usd(total["cost_usd"], 2)
    parts = (
        f"{verdict.state}: {counted(total['calls'], 'call')}, {cost} USD, {period}",
        counted(new_calls, "new call"),
        f"{counted(coverage['rejects'], 'reject')}, {total['unpriced']:,} unpriced",
        *verdict.missing,
        *_budgets(verdict.judged),
    )
    return printable("; ".join(parts))


def _budgets(judged: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    within = 0
    for row in judged:
        if row["state"] not in WORDS:
            within += 1
        else:
            yield f"budget {row['budget']} {WORDS[row['state']]} ({_spent(row)})"
    if within:
        yield f"{counted(within, 'budget period')} within"


def _spent(row: Mapping[str, Any]) -> str:
    said = f"{plain(row['cost_usd']) or 'unknown'} of {plain(row['limit_usd'])} USD"
    said += f" from {row['period_from']} to {row['period_to']}"
    if row["state"] != "broken" and row["forecast_usd"] is not None:
        said += f", forecast {usd(row['forecast_usd'], 2)}"
    if row["unpriced"]:
        said += f", {counted(row['unpriced'], 'call')} unpriced"
    return said
