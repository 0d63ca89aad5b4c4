"""Rate cards: the price book resolved for one run, for the logged models and for the scenarios.

Both cards come as polars frames that SQL joins with the token cube. Rates in them are USD per
token (the book's, divided by 1,000 without rounding); None means unknown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from auditor.errors import AuditError
from auditor.prices import Book, Resolution, Row, price, price_call, resolve
from auditor.scenarios import Levers, Scenario

UNDATED = date.min
BEFORE_THE_BOOK = date.min + timedelta(days=1)
MAX_EDGES = 24
NO_EDGE = 2**63 - 1
USD_PER_TOKEN = pl.Decimal(18, 12)

OPEN = date.min  # the closing of calls that are priced by the book of the run

STEPS = ("window_step", "prompt_step", "moved_window_step", "moved_prompt_step")
STAYS = -1
AS_LOGGED = Levers(cut_calls=Decimal(0))  # whatever a scenario with moves beside it cuts

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


def edges_of(book: Book) -> tuple[Staircase, Staircase]:
    """The context windows and the long-prompt limits of a book: what tells stored calls apart.

    Where there are more than a staircase holds, the smallest; a replay that asks for others looks
    at the calls.
    """
    windows = {row.context_window for row in book.every_row if row.context_window}
    every = sorted(windows), book.thresholds()
    return Staircase(tuple(every[0][:MAX_EDGES])), Staircase(tuple(every[1][:MAX_EDGES]))


@dataclass(frozen=True, slots=True)
class Route:
    """Where a scenario sends the calls of one step, and what that rests on."""

    outcome: str
    target: str | None = None
    row: Row | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Prices:
    """A price book and the user's map of model names: of the run, or of a closed month."""

    book: Book
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RateCard:
    """The price book resolved for a run: for the logged models, and for the scenarios.

    ``windows`` are the context windows that any target ever had, ``thresholds`` the prompt lengths
    above which some model costs more, ``prices`` those of each closing: of ``OPEN`` for what is
    not closed, and of each closed month those that it was closed with.
    """

    scenarios: tuple[Scenario, ...]
    prices: Mapping[date, Prices]
    windows: Staircase
    thresholds: Staircase

    @classmethod
    def of(
        cls, scenarios: tuple[Scenario, ...], prices: Prices, closed: Mapping[date, Prices]
    ) -> RateCard:
        """The card of these scenarios. Raises AuditError when they have too many windows."""
        every = {OPEN: prices, **closed}
        windows = {w for each in every.values() for w in _windows(scenarios, each)}
        thresholds = {edge for each in every.values() for edge in each.book.thresholds()}
        return cls(
            scenarios,
            every,
            Staircase.of(windows, "windows"),
            Staircase.of(thresholds, "long-prompt prices"),
        )

    def of_logged(self, keys: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
        """The rates of the logged calls: one row for each key of ``replay/names``.

        Columns: the key; model (row of the book), basis (``exact``, ``alias``, ``azure``,
        ``router``, ``mapped``: what led from the logged name to it), book and line (of the row),
        certain (of the price), reason (why unpriced), and the rates.
        """
        rows = [{**key, **self._logged(key)} for key in keys]
        return pl.DataFrame(
            rows,
            schema={
                "closing": pl.Date,
                "epoch": pl.Date,
                "requested_model": pl.String,
                "served_model": pl.String,
                "tier": pl.String,
                "prompt_step": pl.Int32,
                "model": pl.String,
                "basis": pl.String,
                "book": pl.String,
                "line": pl.Int64,
                "certain": pl.Boolean,
                "reason": pl.String,
                **RATE_COLUMNS,
            },
        )

    def _logged(self, key: Mapping[str, Any]) -> dict[str, Any]:
        prices = self.prices[key["closing"]]
        priced = price_call(
            prices.book,
            key["served_model"] or None,
            key["requested_model"] or None,
            _day(key["epoch"]),
            key["tier"],
            self.thresholds.above(key["prompt_step"]),
            prices.names,
        )
        row = priced.row
        return {
            "model": row.model if row else None,
            "basis": _basis(priced.resolution),
            "book": row.book if row else None,
            "line": row.line if row else None,
            "certain": row.confidence == "certain" if row else None,
            "reason": priced.reason,
            **rates_of(row),
        }

    def of_scenarios(
        self, keys: Iterable[Mapping[str, Any]], positions: Iterable[int]
    ) -> pl.DataFrame:
        """The rates of the moved calls: one row for each scenario and key of ``replay/steps``.

        ``positions`` are those of the scenarios. Columns: scenario (its position), the key, outcome
        (``fits``, ``overflows``, ``unpriced``), target (the model of the ladder), priced_as (the
        model of its row), stays (the scenario leaves these calls where they are), reason (why
        unpriced), kept, cut_calls and output (the levers of the move), and the rates.
        """
        wanted = tuple(keys)
        rows = [
            {"scenario": position, **key, **moved}
            for position in positions
            for key, moved in self._moved(self.scenarios[position], wanted)
        ]
        return pl.DataFrame(
            rows,
            schema={
                "scenario": pl.Int32,
                "closing": pl.Date,
                "epoch": pl.Date,
                "tier": pl.String,
                **dict.fromkeys((*STEPS, "move"), pl.Int32),
                "outcome": pl.String,
                "target": pl.String,
                "priced_as": pl.String,
                "stays": pl.Boolean,
                "reason": pl.String,
                **dict.fromkeys(("kept", "cut_calls", "output"), pl.Decimal(7, 6)),
                **RATE_COLUMNS,
            },
        )

    def _moved(
        self, scenario: Scenario, keys: Iterable[Mapping[str, Any]]
    ) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
        """Each key with its route; a route is looked up once for all keys that it does not tell."""
        known: dict[tuple[Any, ...], dict[str, Any]] = {}
        window, prompt = STEPS[2:] if scenario.moves else STEPS[:2]
        for key in keys:
            day = None if scenario.prices_at else _day(key["epoch"])
            tier = scenario.tier or key["tier"]
            move = key["move"] if scenario.moves else None
            place = (key["closing"], day, tier, key[window], key[prompt], move)
            if place not in known:
                known[place] = self._placed(scenario, *place)
            yield key, known[place]

    def _placed(
        self,
        scenario: Scenario,
        closing: date,
        day: date | None,
        tier: str,
        window: int,
        prompt: int,
        move: Any,
    ) -> dict[str, Any]:
        if move == STAYS:
            return {"outcome": FITS, "stays": True, **_levers(AS_LOGGED), **rates_of(None)}
        models = scenario.models if move is None else scenario.moves[move].models
        route = self.route(scenario, day, tier, window, prompt, models, closing)
        return {
            "outcome": route.outcome,
            "target": route.target,
            "priced_as": route.row.model if route.row else None,
            "stays": False,
            "reason": route.reason,
            **_levers(AS_LOGGED if move is None else scenario.moves[move].levers),
            **rates_of(route.row),
        }

    def route(
        self,
        scenario: Scenario,
        day: date | None,
        tier: str,
        window_step: int,
        prompt_step: int,
        models: tuple[str, ...],
        closing: date = OPEN,
    ) -> Route:
        """The first of ``models`` whose window holds the step, and its row.

        ``day`` and ``tier`` are the call's own; the scenario's come before them. A price whose
        first day nobody knows holds for calls that were made, and for a scenario that names its
        day: on a call's own day the model may not have been there.
        """
        on = scenario.prices_at or day
        prices = self.prices[closing]
        prompt_tokens = self.thresholds.above(prompt_step)
        for model in models:
            priced = price(
                prices.book, model, on, scenario.tier or tier, prompt_tokens, prices.names
            )
            row = priced.row
            if row is None:
                why = priced.reason or ""
                return Route(UNPRICED, model, reason=why if model in why else f"{model}: {why}")
            if row.effective_from is None and scenario.prices_at is None:
                return Route(UNPRICED, model, reason=f"the first day of {model} is not known")
            if row.context_window is None:
                return Route(UNPRICED, model, reason=f"the window of {model} is not known")
            if self.windows.holds(window_step, row.context_window):
                return Route(FITS, model, row)
        return Route(OVERFLOWS)


def _windows(scenarios: Iterable[Scenario], prices: Prices) -> Iterator[int]:
    """The context windows that any target of the scenarios ever had."""
    days = (BEFORE_THE_BOOK, *prices.book.boundaries())
    for layer in prices.book.layers:
        models = {
            resolve(model, day, layer, prices.names).model
            for scenario in scenarios
            for model in scenario.targets
            for day in ((scenario.prices_at,) if scenario.prices_at else days)
        }
        rows = (row for model in models if model for row in layer.of(model))
        yield from (row.context_window for row in rows if row.context_window)


def _basis(found: Resolution) -> str:
    """What led from a logged name to its price; see ``RateCard.of_logged``."""
    if found.how == "alias":
        return "alias"
    marks = (("mapped", found.mapped), ("azure", found.azure), ("router", found.router))
    return next((name for name, is_so in marks if is_so), "exact")


def epochs_of(days: Iterable[date], books: Iterable[Book]) -> pl.DataFrame:
    """For each day the first day that has the same prices in all books: price_date, epoch.

    ``UNDATED`` stands for calls without a time and stays itself.
    """
    starts = (BEFORE_THE_BOOK, *sorted({edge for book in books for edge in book.boundaries()}))
    pairs = [
        (day, day if day == UNDATED else starts[bisect_right(starts, day) - 1]) for day in days
    ]
    return pl.DataFrame(pairs, schema={"price_date": pl.Date, "epoch": pl.Date}, orient="row")


RATE_COLUMNS: Mapping[str, pl.DataType] = {
    "input_usd": USD_PER_TOKEN,
    "cache_read_usd": USD_PER_TOKEN,
    "cache_write_usd": USD_PER_TOKEN,
    "output_usd": USD_PER_TOKEN,
}


def _levers(levers: Levers) -> dict[str, Decimal]:
    return {"kept": levers.kept, "cut_calls": levers.cut_calls, "output": levers.output}


def rates_of(row: Row | None) -> dict[str, Decimal | None]:
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
