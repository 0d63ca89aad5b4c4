"""Why the totals of two runs differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from auditor.errors import AuditError
from auditor.pipeline.replay import Row
from auditor.store import Store


@dataclass(frozen=True, slots=True)
class Run:
    """A folder of reports: what its manifest says, and its charges (queries/reports/charges)."""

    place: str
    manifest: Mapping[str, Any]
    charges: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Difference:
    """The answer. ``parts`` are rows of queries/diff/parts.sql, ``changes`` of changes.sql."""

    a: Run
    b: Run
    parts: tuple[Row, ...]
    changes: tuple[Row, ...]


def diff(store: Store, a: Run, b: Run) -> Difference:
    """Compare two runs. Raises AuditError when their days are of different time zones."""
    zones = [run.manifest["period"]["timezone"] for run in (a, b)]
    if zones[0] != zones[1]:
        raise AuditError(
            f"{a.place} is in {zones[0]} and {b.place} in {zones[1]}: their days differ",
            hint="Write both with the same --tz.",
        )
    for letter, run in (("a", a), ("b", b)):
        made = run.manifest["run"]
        store.show(f"charges_{letter}", run.charges)
        store.show(f"sources_{letter}", _column(made["sources"], "sha256"))
        store.show(f"scenarios_{letter}", _column(made["scenarios"], "name", "sha256"))
    made_a, made_b = a.manifest["run"], b.manifest["run"]
    settings = ("models", "assume_model")
    store.run(
        "diff/pairs",
        a_from=a.manifest["period"]["asked_from"],
        a_to=a.manifest["period"]["asked_to"],
        b_from=b.manifest["period"]["asked_from"],
        b_to=b.manifest["period"]["asked_to"],
        a_last=a.charges["day"].max(),
        settings_differ=any(made_a[name] != made_b[name] for name in settings),
        tool_differs=made_a["tool"] != made_b["tool"],
    )
    return Difference(a, b, tuple(store.rows("diff/parts")), tuple(store.rows("diff/changes")))


def _column(rows: list[Mapping[str, str]], *names: str) -> pl.DataFrame:
    return pl.DataFrame(
        [{name: row[name] for name in names} for row in rows],
        schema=dict.fromkeys(names, pl.String),
    )
