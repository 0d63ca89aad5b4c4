"""The rate card of a run: staircases, days of one price, routes, and what it says of a name."""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from helpers.runs import book

from auditor.errors import AuditError
from auditor.prices import Book, BookFile, Row
from auditor.scenarios import Scenario
from auditor.scenarios.card import (
    BEFORE_THE_BOOK,
    OPEN,
    UNDATED,
    Prices,
    RateCard,
    Staircase,
    edges_of,
    epochs_of,
    per_token,
    rates_of,
)
from auditor.scenarios.moves import Levers, Move

DAY = date(2023, 8, 22)
NO_EDGE = 2**63 - 1
PLAIN: dict[str, Any] = {
    "line": 1, "kind": "chat", "cached_input_per_1k_usd": None, "cache_write_per_1k_usd": None,
    "output_per_1k_usd": Decimal(2), "training_per_1k_usd": None, "source": "", "note": "",
    "confidence": "certain", "alias_of": None, "tier": "standard", "book": "b",
    "above_input_tokens": 0, "effective_from": date(2023, 1, 1), "effective_to": None,
    "input_per_1k_usd": Decimal(1), "context_window": 100,
}  # fmt: skip


def row(model: str, **given: Any) -> Row:
    return Row(model=model, **{**PLAIN, **given})


def book_of(*rows: Row) -> Book:
    return Book((BookFile("b", "b.csv", ""),), rows, ())


def scenario(*models: str, **given: Any) -> Scenario:
    words = {"prices_at": DAY, "tier": None, "group": "g", "notes": (), "sha256": "", **given}
    return Scenario("s", "s", models, **words)


def card_of(
    found: Book, *scenarios: Scenario, closed: dict[date, Prices] | None = None
) -> RateCard:
    return RateCard.of(scenarios, Prices(found, {}), closed or {})


def test_staircases_part_amounts_at_their_edges() -> None:
    stairs = Staircase.of((30, 10, 20, 10), "windows")
    assert stairs.edges == (10, 20, 30)
    assert stairs.padded == [10, 20, 30, *[NO_EDGE] * 21]
    for step in range(5):
        amounts = [n for n in range(60) if bisect_left(stairs.edges, n) == step]
        for limit in stairs.edges:
            is_open = step >= len(stairs.edges)
            assert stairs.holds(step, limit) == (not is_open and max(amounts) <= limit)
        if amounts:
            assert stairs.above(step) == min(amounts)


def test_a_staircase_has_24_edges_at_most() -> None:
    assert len(Staircase.of(range(1, 25), "windows").padded) == 24
    with pytest.raises(AuditError, match="have 25 different windows; 24 can be told apart"):
        Staircase.of(range(1, 26), "windows")


def test_a_book_with_more_windows_gives_its_smallest() -> None:
    rows = [row(f"m{n}", context_window=n, above_input_tokens=2 * n) for n in range(1, 31)]
    windows, thresholds = edges_of(book_of(*rows, row("m", context_window=None)))
    assert windows.edges == tuple(range(1, 25))
    assert thresholds.edges == tuple(range(2, 50, 2))


@pytest.mark.parametrize("seed", range(5))
def test_days_of_one_epoch_have_the_same_rows(seed: int) -> None:
    """And the first of them is the epoch; undated calls stay what they are."""
    dice = random.Random(seed)
    days = [DAY + timedelta(n) for n in range(30)]
    books = []
    for _ in range(2):
        cuts = sorted(dice.sample(days, 4))
        rows = (
            row("m", effective_from=cuts[0], effective_to=cuts[1]),
            row("m", effective_from=cuts[2], effective_to=dice.choice((cuts[3], None))),
        )
        books.append(book_of(*rows))
    found = dict(epochs_of((UNDATED, *days), books).iter_rows())
    assert found[UNDATED] == UNDATED

    def there(day: date) -> list[Row | None]:
        return [each.find("m", day) for each in books]

    for day in days:
        epoch = found[day]
        assert UNDATED < epoch <= day
        assert epoch == BEFORE_THE_BOOK or there(epoch - timedelta(1)) != there(epoch)
        held = [epoch if epoch != BEFORE_THE_BOOK else days[0], *days]
        assert all(there(each) == there(day) for each in held if epoch <= each <= day)


def test_rates_are_per_token_and_exact() -> None:
    assert per_token(Decimal("0.0015")) == Decimal("0.0000015")
    assert per_token(None, Decimal(3)) == Decimal("0.003")
    assert per_token(Decimal(0), Decimal(3)) == 0
    assert per_token(None) is None
    full = row("m", cached_input_per_1k_usd=Decimal(3), cache_write_per_1k_usd=Decimal(4))
    assert [str(rate) for rate in rates_of(full).values()] == ["0.001", "0.003", "0.004", "0.002"]
    assert [str(rate) for rate in rates_of(row("m")).values()] == [
        "0.001",
        "0.001",
        "0.001",
        "0.002",
    ]
    assert list(rates_of(None).values()) == [None] * 4


def test_the_longest_rate_of_a_book_arrives_whole() -> None:
    longest = row("m", input_per_1k_usd=Decimal("999999999.999999999"))
    card = card_of(book_of(longest))
    key = {"closing": OPEN, "epoch": DAY, "tier": "standard", "prompt_step": 0}
    (found,) = card.of_logged([key | {"requested_model": "", "served_model": "m"}]).to_dicts()
    assert found["input_usd"] == Decimal("999999.999999999999")


# --- routes

WINDOWS = (100, 200, 400)
LADDER = book_of(
    row("small", context_window=100),
    row("dear", context_window=200, above_input_tokens=150, input_per_1k_usd=Decimal(7)),
    row("dear", context_window=200),
    row("large", context_window=400, tier="batch"),
    row("undated", context_window=400, effective_from=None),
    row("windowless", context_window=None),
    row("unknown", input_per_1k_usd=None),
    row("late", effective_from=DAY + timedelta(5), context_window=100),
)


@pytest.mark.parametrize("need", [1, 100, 101, 150, 151, 200, 201, 400, 401])
def test_a_call_goes_to_the_first_model_that_holds_it(need: int) -> None:
    ladder = scenario("small", "dear", "large")
    card = card_of(LADDER, ladder)
    assert card.windows.edges == WINDOWS
    steps = bisect_left(WINDOWS, need), bisect_left((150,), need)
    for own, tier in product((None, "batch"), ("standard", "batch")):
        route = card.route(replace(ladder, tier=own), None, tier, *steps, ladder.models)
        if (own or tier) == "batch":
            assert (route.outcome, route.target) == ("unpriced", "small")
            assert route.reason == "no batch rate for small"
        elif need > 200:
            assert (route.target, route.outcome) == ("large", "unpriced")
        else:
            assert (route.target, route.outcome) == ("small" if need <= 100 else "dear", "fits")
            assert route.row is not None
            assert route.row.above_input_tokens == (150 if need > 150 else 0)
    batch = scenario("large", tier="batch")
    outcome = card.route(batch, None, "standard", steps[0], 0, batch.models).outcome
    assert outcome == ("fits" if need <= 400 else "overflows")


def test_why_a_model_has_no_route() -> None:
    own_day, fixed = scenario("undated", prices_at=None), scenario("undated")
    card = card_of(LADDER, own_day, fixed, scenario("late", prices_at=None))

    def told(asked: Scenario, model: str, day: date | None = DAY) -> tuple[str, str | None]:
        route = card.route(asked, day, "standard", 0, 0, (model,))
        return route.outcome, route.reason

    assert told(fixed, "undated") == ("fits", None)
    assert told(own_day, "undated") == ("unpriced", "the first day of undated is not known")
    assert told(fixed, "windowless") == ("unpriced", "the window of windowless is not known")
    assert told(fixed, "unknown") == ("unpriced", "the rate of unknown is unknown")
    assert told(fixed, "nobody") == ("unpriced", "nobody: not in the price book")
    late = DAY + timedelta(5)
    assert told(own_day, "late", late)[0] == told(own_day, "late", late + timedelta(9))[0] == "fits"
    assert told(fixed, "late", late) == ("unpriced", f"no rate for late before {late}")
    assert told(own_day, "late") == ("unpriced", f"no rate for late before {late}")


def test_windows_are_those_that_targets_ever_had() -> None:
    rows = (
        row("m", context_window=100, effective_to=DAY),
        row("m", context_window=200, effective_from=DAY),
        row("other", context_window=300),
        row("none", context_window=None),
    )
    found = book_of(*rows)
    assert card_of(found, scenario("m", "none", prices_at=None)).windows.edges == (100, 200)
    assert card_of(found, scenario("other"), scenario("m")).windows.edges == (100, 200, 300)
    month = {date(2023, 7, 1): Prices(book_of(row("m", context_window=50)), {})}
    assert card_of(found, scenario("m"), closed=month).windows.edges == (50, 100, 200)
    layered = replace(found, fallback=book_of(row("far", context_window=900)))
    assert card_of(layered, scenario("far")).windows.edges == (900,)


KEY: dict[str, Any] = {
    "closing": OPEN, "epoch": DAY, "tier": "standard", "window_step": 0, "prompt_step": 0,
    "moved_window_step": 1, "moved_prompt_step": 1, "move": -1,
}  # fmt: skip


def test_scenarios_are_rated_by_the_steps_that_count_for_them() -> None:
    """As logged without moves, as moved with them; a closed month by its own book."""
    month = date(2023, 8, 1)
    plain = scenario("small", "dear")
    levers = Levers(kept=Decimal("0.5"), output=Decimal(2))
    moves = replace(plain, moves=(Move((), ("small",)), Move((), ("dear",), levers)))
    cheap = book_of(row("small", input_per_1k_usd=Decimal("0.5")))
    card = card_of(LADDER, plain, moves, closed={month: Prices(cheap, {})})
    keys = [KEY, KEY | {"closing": month}, KEY | {"move": 0}, KEY | {"move": 1}]
    found = card.of_scenarios(keys, (0, 1)).to_dicts()
    told = [(r["scenario"], r["outcome"], r["target"], r["priced_as"], r["stays"]) for r in found]
    assert told == [
        *[(0, "fits", "small", "small", False)] * 4,
        *[(1, "fits", None, None, True)] * 2,
        (1, "overflows", None, None, False),
        (1, "fits", "dear", "dear", False),
    ]
    rates = [r["input_usd"] for r in found]
    one = Decimal("0.001")
    assert rates == [one, one / 2, one, one, None, None, None, 7 * one]
    assert [(r["kept"], r["cut_calls"], r["output"]) for r in found] == [
        *[(1, 0, 1)] * 6, (1, 1, 1), (Decimal("0.5"), 1, 2),
    ]  # fmt: skip


def test_a_scenario_of_each_day_asks_the_book_of_that_day() -> None:
    changed = book_of(
        row("m", effective_to=DAY), row("m", effective_from=DAY, input_per_1k_usd=Decimal(3))
    )
    card = card_of(changed, scenario("m", prices_at=None))
    keys = [KEY | {"epoch": epoch} for epoch in (date(2023, 1, 1), DAY, UNDATED)]
    found = card.of_scenarios(keys, (0,)).to_dicts()
    assert [one["input_usd"] for one in found] == [Decimal("0.001"), Decimal("0.003"), None]
    assert found[2]["outcome"] == "unpriced"


BASES = {
    "gpt-4-0613": "exact",
    "gpt-4": "alias",
    "openai/gpt-4-0613": "router",
    "azure/gpt-4-0613": "azure",
    "ours": "mapped",
    "gpt-35-turbo-0613": "azure",
    "nobody": "exact",
}


def test_logged_names_say_what_led_to_their_price() -> None:
    prices = Prices(book(), {"ours": "gpt-4-0613"})
    card = RateCard.of((), prices, {})
    key = {"closing": OPEN, "epoch": DAY, "tier": "standard", "prompt_step": 0}
    keys = [key | {"requested_model": "", "served_model": name} for name in BASES]
    found = card.of_logged(keys).to_dicts()
    assert {one["served_model"]: one["basis"] for one in found} == BASES
    assert [one["certain"] for one in found][:1] == [True]
    assert found[-1]["model"] is found[-1]["certain"] is found[-1]["line"] is None
    (asked,) = card.of_logged([key | {"requested_model": "gpt-4", "served_model": ""}]).to_dicts()
    assert (asked["model"], asked["basis"]) == ("gpt-4", "alias")
    (undated,) = card.of_logged([keys[0] | {"epoch": UNDATED}]).to_dicts()
    assert undated["model"] is None
