"""Rate cards: the price book resolved for one run, for the logged models and for the scenarios.

Both cards come as polars frames that SQL joins with the token cube. Rates in them are USD per
token (the book's, divided by 1,000 without rounding); None means unknown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from auditor.errors import AuditError
from auditor.prices import Book, Row, price, price_call, resolve
from auditor.scenarios import Scenario

UNDATED = date.min
BEFORE_THE_BOOK = date.min + timedelta(days=1)
MAX_EDGES = 24
NO_EDGE = 2**63 - 1
USD_PER_TOKEN = pl.Decimal(18, 12)

FITS, OVERFLOWS, UNPRICED = "fits", "overflows", "unpriced"


@dataclass(frozen=True, slots=True)
class Staircase:
    """Sorted edges that cut token counts into steps: a count is on the step of the edges below it.

    Step ``k`` holds the counts above ``edges[k - 1]`` and up to ``edges[k]``.
    """

    edges: tuple[int, ...]

    @classmethod
    def of(cls, edges: Iterable[int], what: str) -> Staircase:
        """The staircase of the distinct edges. Raises AuditError when there are too many."""
        distinct = tuple(sorted(set(edges)))
        if len(distinct) > MAX_EDGES:
            raise AuditError(
                f"the scenarios of this run have {len(distinct)} different {what}; "
                f"{MAX_EDGES} can be told apart",
                hint="Replay fewer scenarios at once with --scenario.",
            )
        return cls(distinct)

    @property
    def padded(self) -> list[int]:
        """The edges as the SQL macro ``step`` wants them."""
        return [*self.edges, *[NO_EDGE] * (MAX_EDGES - len(self.edges))]

    def holds(self, step: int, limit: int) -> bool:
        """Whether every count of the step is at most ``limit``, which must be an edge."""
        return step < len(self.edges) and self.edges[step] <= limit

    def above(self, step: int) -> int:
        """A count that stands on the step."""
        return self.edges[step - 1] + 1 if step else 0


def windows_of(scenarios: Iterable[Scenario], book: Book, names: Mapping[str, str]) -> Staircase:
    """The context windows that any target of the scenarios ever had."""
    days = (BEFORE_THE_BOOK, *book.boundaries())
    models = {
        resolve(model, day, book, names).model
        for scenario in scenarios
        for model in scenario.models
        for day in ((scenario.prices_at,) if scenario.prices_at else days)
    }
    rows = (row for model in models if model for row in book.of(model))
    return Staircase.of((row.context_window for row in rows if row.context_window), "windows")


def thresholds_of(book: Book) -> Staircase:
    """The prompt lengths above which some model costs more."""
    return Staircase.of(book.thresholds(), "long-prompt prices")


def epochs_of(days: Iterable[date], book: Book) -> pl.DataFrame:
    """For each day the first day that has the same prices: columns price_date, epoch.

    ``UNDATED`` stands for calls without a time and stays itself.
    """
    starts = (BEFORE_THE_BOOK, *book.boundaries())
    pairs = [
        (day, day if day == UNDATED else starts[bisect_right(starts, day) - 1]) for day in days
    ]
    return pl.DataFrame(pairs, schema={"price_date": pl.Date, "epoch": pl.Date}, orient="row")


def names_card(
    keys: Iterable[Mapping[str, Any]], book: Book, thresholds: Staircase, names: Mapping[str, str]
) -> pl.DataFrame:
    """The rates of the logged calls: one row for each key of ``replay/names``.

    Columns: the key; model (row of the book), basis (``exact``, ``alias``, ``azure``, ``router``,
    ``mapped``: what led from the logged name to it), certain (of the price), reason (why
    unpriced), and the rates.
    """
    rows = []
    for key in keys:
        priced = price_call(
            book,
            key["served_model"] or None,
            key["requested_model"] or None,
            _day(key["epoch"]),
            key["tier"],
            thresholds.above(key["prompt_step"]),
            names,
        )
        found, row = priced.resolution, priced.row
        if found.how == "alias":
            basis = "alias"
        else:
            marks = (("mapped", found.mapped), ("azure", found.azure), ("router", found.router))
            basis = next((name for name, set_ in marks if set_), "exact")
        rows.append(
            {
                **key,
                "model": row.model if row else None,
                "basis": basis,
                "certain": row.confidence == "certain" if row else None,
                "reason": priced.reason,
                **_rates(row),
            }
        )
    return pl.DataFrame(
        rows,
        schema={
            "epoch": pl.Date,
            "requested_model": pl.String,
            "served_model": pl.String,
            "tier": pl.String,
            "prompt_step": pl.Int32,
            "model": pl.String,
            "basis": pl.String,
            "certain": pl.Boolean,
            "reason": pl.String,
            **RATE_COLUMNS,
        },
    )


@dataclass(frozen=True, slots=True)
class Route:
    """Where a scenario sends the calls of one step, and what that rests on."""

    outcome: str
    target: str | None = None
    row: Row | None = None
    reason: str | None = None


def scenario_card(
    keys: Iterable[Mapping[str, Any]],
    scenarios: Iterable[Scenario],
    book: Book,
    windows: Staircase,
    thresholds: Staircase,
    names: Mapping[str, str],
) -> pl.DataFrame:
    """The rates of the moved calls: one row for each scenario and key of ``replay/steps``.

    Columns: scenario (its position), the key, outcome (``fits``, ``overflows``, ``unpriced``),
    target (the model of the ladder), reason (why unpriced), and the rates.
    """
    wanted = tuple(keys)
    rows = []
    for position, scenario in enumerate(scenarios):
        routes: dict[tuple[Any, ...], Route] = {}
        for key in wanted:
            day = scenario.prices_at or _day(key["epoch"])
            tier = scenario.tier or key["tier"]
            place = (day, tier, key["window_step"], key["prompt_step"])
            if place not in routes:
                routes[place] = route(
                    scenario.models,
                    day,
                    tier,
                    key["window_step"],
                    thresholds.above(key["prompt_step"]),
                    book,
                    windows,
                    names,
                )
            taken = routes[place]
            rows.append(
                {
                    "scenario": position,
                    **key,
                    "outcome": taken.outcome,
                    "target": taken.target,
                    "reason": taken.reason,
                    **_rates(taken.row),
                }
            )
    return pl.DataFrame(
        rows,
        schema={
            "scenario": pl.Int32,
            "epoch": pl.Date,
            "tier": pl.String,
            "window_step": pl.Int32,
            "prompt_step": pl.Int32,
            "outcome": pl.String,
            "target": pl.String,
            "reason": pl.String,
            **RATE_COLUMNS,
        },
    )


def route(
    models: Iterable[str],
    day: date | None,
    tier: str,
    window_step: int,
    prompt_tokens: int,
    book: Book,
    windows: Staircase,
    names: Mapping[str, str],
) -> Route:
    """The first model of the ladder whose window holds the step, and its row of that day."""
    for model in models:
        priced = price(book, model, day, tier, prompt_tokens, names)
        if priced.row is None:
            return Route(UNPRICED, model, reason=priced.reason)
        window = priced.row.context_window
        if window is None:
            return Route(UNPRICED, model, reason=f"the window of {model} is unknown")
        if windows.holds(window_step, window):
            return Route(FITS, model, priced.row)
    return Route(OVERFLOWS)


RATE_COLUMNS: Mapping[str, pl.DataType] = {
    "input_usd": USD_PER_TOKEN,
    "cache_read_usd": USD_PER_TOKEN,
    "cache_write_usd": USD_PER_TOKEN,
    "output_usd": USD_PER_TOKEN,
}


def _rates(row: Row | None) -> dict[str, Decimal | None]:
    if row is None:
        return dict.fromkeys(RATE_COLUMNS)
    return {
        "input_usd": per_token(row.input_per_1k_usd),
        "cache_read_usd": per_token(row.cached_input_per_1k_usd, row.input_per_1k_usd),
        "cache_write_usd": per_token(row.cache_write_per_1k_usd, row.input_per_1k_usd),
        "output_usd": per_token(row.output_per_1k_usd),
    }


def per_token(rate: Decimal | None, default: Decimal | None = None) -> Decimal | None:
    """USD per token from USD per 1,000 tokens, exactly; ``default`` where the book is blank."""
    chosen = default if rate is None else rate
    return None if chosen is None else chosen.scaleb(-3)


def _day(epoch: date) -> date | None:
    return None if epoch == UNDATED else epoch
