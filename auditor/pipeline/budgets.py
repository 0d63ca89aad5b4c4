"""Budgets: what was spent in their scopes, as the report ``budgets`` reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from auditor.budgets import USD_DIGITS, Budget
from auditor.pipeline.keeping import names_in
from auditor.pipeline.replay import MAX_DIMENSIONS, Question, replay
from auditor.privacy import Pseudonyms
from auditor.store import Store

METHOD = (
    "cost of the measured days × days from the first of them to the end of the period ÷ measured "
    "days; measured are whole days up to the last that has calls, without the day of the run"
)
DAYS = "replay/budget_days"
SEEN = "replay/days_seen"
NOTHING_SPENT: Mapping[str, pl.DataFrame] = {
    "budget_days": pl.DataFrame(
        schema={
            "budget": pl.Int32,
            "day": pl.String,
            "calls": pl.Int64,
            "unpriced": pl.Int64,
            "cost_usd": pl.Decimal(38, USD_DIGITS),
        }
    ),
    "days_seen": pl.DataFrame(schema={"day": pl.Date}),
}


def budget_frames(
    store: Store, question: Question, budgets: Iterable[Budget], today: date
) -> Mapping[str, pl.DataFrame]:
    """What queries/reports/budgets.sql reads: ``budgets``, ``budget_days`` and ``days_seen``.

    A budget is of its whole periods; those are reported that have a day of what ``question`` asks
    for. Budgets over the same dimensions share one scan of the calls. ``today`` is the day of the
    run in the zone.
    """
    wanted = tuple(budgets)
    if not wanted:
        return {"budgets": _budgets(wanted, question, today), **NOTHING_SPENT}
    names = names_in(store)
    asked = replace(question, scenarios=(), from_date=None, to_date=None)
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, budget in enumerate(wanted):
        groups.setdefault(tuple(sorted(budget.where)), []).append(place)
    found = []
    for dimensions, places in groups.items():
        store.show("scopes", _scopes(dimensions, {place: wanted[place] for place in places}, names))
        result = replay(store, replace(asked, by=("day", *dimensions)), once=(DAYS, SEEN))
        found.append(result.gathered)
    return {
        "budgets": _budgets(wanted, question, today),
        "budget_days": pl.concat([frames[DAYS] for frames in found]),
        "days_seen": found[0][SEEN],
    }


def _budgets(budgets: tuple[Budget, ...], question: Question, today: date) -> pl.DataFrame:
    days = (today, question.from_date, question.to_date)
    rows = [
        (place, one.name, one.scope, one.period, one.limit_usd, one.warn_ppm, one.look_back, *days)
        for place, one in enumerate(budgets)
    ]
    schema: dict[str, Any] = {
        "budget": pl.Int32,
        "name": pl.String,
        "scope": pl.String,
        "period": pl.String,
        "limit_usd": pl.Decimal(2 * USD_DIGITS, USD_DIGITS),
        "warn_ppm": pl.Int64,
        "look_back": pl.Int32,
        **dict.fromkeys(("today", "asked_from", "asked_to"), pl.Date),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _scopes(
    dimensions: tuple[str, ...], budgets: Mapping[int, Budget], names: Pseudonyms | None
) -> pl.DataFrame:
    """Columns: budget (its place), values_2 .. values_6 (of by_2 .. by_6 those that count).

    A value that ``names`` calls otherwise counts by both names.
    """
    columns = [f"values_{n}" for n in range(2, MAX_DIMENSIONS + 1)]
    rows = []
    for place, budget in budgets.items():
        values = [_called(name, budget.where[name], names) for name in dimensions]
        rows.append((place, *values, *[None] * (len(columns) - len(values))))
    schema: dict[str, Any] = {"budget": pl.Int32, **dict.fromkeys(columns, pl.List(pl.String))}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _called(name: str, values: Iterable[str], names: Pseudonyms | None) -> list[str]:
    if names is None:
        return list(values)
    tag = name.removeprefix("tag:")
    return [
        called for value in values for called in dict.fromkeys((value, names.tag_value(tag, value)))
    ]
