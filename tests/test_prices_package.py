"""What an imported row says of itself, and what a package leaves out: by a small package."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("genai_prices")

from genai_prices.types import (
    ClauseContains,
    ClauseEquals,
    ClauseOr,
    ConditionalPrice,
    ModelPrice,
    PriceVariant,
    StartDateConstraint,
)
from helpers.packages import a_model, a_price, small_package

from auditor.prices.genai import read_package
from auditor.prices.genai_rates import BEFORE

SNAPSHOT, SINCE = date(2026, 11, 25), date(2023, 1, 1)
DAY = timedelta(days=1)
Put = Any


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Put:
    return small_package(monkeypatch)


def from_day(day: date, sent: str) -> ConditionalPrice:
    return ConditionalPrice(StartDateConstraint(day), prices=a_price(sent))


def test_a_tier_that_cannot_be_stated_leaves_the_others(small: Put) -> None:
    """And days on which a tier begins are no days of the standard price."""
    variants = [
        PriceVariant({"processing": "batch"}, ModelPrice(requests_kcount=Decimal(5))),
        PriceVariant(
            {"service_tier": "flex"},
            ModelPrice(input_mtok=Decimal(1)),
            StartDateConstraint(SNAPSHOT - DAY),
        ),
    ]
    small(a_model("m-1", a_price(), price_variants=variants))
    package = read_package(SNAPSHOT)
    assert {row.tier for row in package.rows} == {"standard", "flex"}
    (out,) = package.left_out
    what = "batch tier: rates that our meters do not tell apart: requests_kcount"
    assert (out.seller, out.model, out.reason) == ("acme", "m-1", what)


def test_rates_for_two_words_at_once_are_no_tier(small: Put) -> None:
    words = {"processing": "batch", "route": "eu"}
    small(a_model("m-1", a_price(), price_variants=[PriceVariant(words, ModelPrice())]))
    package = read_package(SNAPSHOT)
    assert [row.tier for row in package.rows] == ["standard"]
    assert [one.reason for one in package.left_out] == ["its rates for processing batch, route eu"]


@pytest.mark.parametrize(
    ("days", "spans", "is_late"),
    [
        ((-10, 10), ((-10, 10), (10, None)), True),
        ((0, 10), ((0, 10), (10, None)), True),
        ((10, 20), ((0, 10), (10, 20), (20, None)), False),
    ],
)
def test_spans_begin_on_the_day_of_the_snapshot_or_that_is_stated(
    small: Put, days: tuple[int, ...], spans: tuple[Any, ...], is_late: bool
) -> None:
    prices = [from_day(SNAPSHOT + n * DAY, str(n % 7 + 1)) for n in days]
    small(a_model("m-1", [ConditionalPrice(prices=a_price("9")), *prices]))
    package = read_package(SNAPSHOT)
    found = [(row.effective_from, row.effective_to) for row in package.rows]
    assert found == [
        (SNAPSHOT + start * DAY, None if end is None else SNAPSHOT + end * DAY)
        for start, end in spans
    ]
    assert [one.reason for one in package.left_out] == [BEFORE] * is_late


AS_ASKED = f"taken to hold from {SINCE} on, as asked; known for the snapshot only"
TODAY = "known for the day of the snapshot, not before"
STATED = "the package states the day"
WINDOW = "window as the package has it"
FEES = "fees for searches and tool calls come on top"
SPOKEN = "rates of spoken tokens left out: calls with any are unpriced"


def test_a_row_says_since_when_it_is_known(small: Put) -> None:
    later = SNAPSHOT - 10 * DAY
    small(a_model("m-1", [ConditionalPrice(prices=a_price("9")), from_day(later, "1")]))
    rows = read_package(SNAPSHOT, since=SINCE).rows
    assert [(row.effective_from, row.note) for row in rows] == [(SINCE, AS_ASKED), (later, STATED)]
    small(a_model("m-1", a_price()))
    assert [row.note for row in read_package(SNAPSHOT).rows] == [TODAY]


@pytest.mark.parametrize(
    ("given", "window", "notes"),
    [
        ({"web_searches_kcount": "10"}, None, (FEES,)),
        ({"input_audio_mtok": "10"}, None, (SPOKEN,)),
        ({"web_searches_kcount": "10", "output_audio_mtok": "3"}, 8_192, (FEES, SPOKEN, WINDOW)),
        ({}, 8_192, (WINDOW,)),
        ({}, 0, ()),
    ],
)
def test_a_row_says_what_comes_on_top_and_what_is_left_out(
    small: Put, given: dict[str, str], window: int | None, notes: tuple[str, ...]
) -> None:
    small(a_model("m-1", a_price(**given), context_window=window))
    (row,) = read_package(SNAPSHOT).rows
    assert row.note == "; ".join((TODAY, *notes))
    assert row.context_window == (window or None)


EXACT = ("999999999000", "999999999999.000001", "0.000001", "0")


@pytest.mark.parametrize("given", EXACT)
def test_rates_keep_nine_digits_on_either_side(small: Put, given: str) -> None:
    small(a_model("m-1", a_price(given)))
    (row,) = read_package(SNAPSHOT).rows
    assert row.input_per_1k_usd == Decimal(given) / 1000


@pytest.mark.parametrize("given", ["1000000000000", "0.0000001", "-1", "-0.5", "Infinity"])
def test_rates_beyond_are_left_out(small: Put, given: str) -> None:
    small(a_model("m-1", a_price(given)))
    package = read_package(SNAPSHOT)
    (out,) = package.left_out
    assert not package.rows
    is_number = given[0] != "-" and given != "Infinity"
    assert out.reason.startswith("more digits" if is_number else "a rate that is no exact amount")


def test_names_that_only_a_rule_takes_are_counted(small: Put) -> None:
    rule = ClauseContains(contains="m-2")
    mixed = ClauseOr(or_=[ClauseEquals(equals="m-3"), ClauseContains(contains="m-3-")])
    written = ClauseOr(or_=[ClauseEquals(equals="m-4"), ClauseEquals(equals="m-4-latest")])
    matches = {"m-1": ClauseEquals(equals="m-1"), "m-4": written, "m-2": rule, "m-3": mixed}
    for names, count in ((("m-1", "m-4"), 0), (("m-1", "m-2", "m-3"), 2), (("m-3",), 1)):
        small(*(a_model(name, a_price(), match=matches[name]) for name in names))
        assert read_package(SNAPSHOT).ruled == count


def test_tuned_models_are_of_another_kind(small: Put) -> None:
    kinds = {"m-1": "base", "ft:m-2": "fine-tuned", "m-3.ft-0a1b": "fine-tuned", "m-ft:4": "base"}
    small(*(a_model(name, a_price()) for name in kinds))
    assert {row.model: row.kind for row in read_package(SNAPSHOT).rows} == kinds
