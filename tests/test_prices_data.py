"""The rates and names that we ship: complete, exact, and free of contradictions."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest

from auditor.prices import Book, Row, load_names, open_book, price, resolve
from auditor.prices.loader import REQUIRED_COLUMNS
from auditor.prices.span import covers, overlaps

HISTORY = Path(__file__).parents[2] / "shared" / "reference" / "price_history.csv"
OURS = files("auditor.prices")

PROMOTION_ENDS = "2026-11-22"
RATES = (
    "input_per_1k_usd",
    "cached_input_per_1k_usd",
    "cache_write_per_1k_usd",
    "output_per_1k_usd",
    "training_per_1k_usd",
)


@pytest.fixture(scope="module")
def book() -> Book:
    return open_book()


def a_day_of(row: Row) -> date:
    if row.effective_from is not None:
        return row.effective_from
    return row.effective_to - timedelta(days=1) if row.effective_to else date(2024, 1, 1)


@pytest.mark.skipif(not HISTORY.exists(), reason="the collected price history is not here")
def test_the_price_history_stands_unchanged_at_the_head_of_the_book() -> None:
    with HISTORY.open(encoding="utf-8", newline="") as collected:
        expected = list(csv.reader(collected))
    ours = (OURS / "openai.csv").read_text(encoding="utf-8")
    shipped = list(csv.reader(io.StringIO(ours, newline="")))
    width = len(REQUIRED_COLUMNS)

    assert expected[0] == list(REQUIRED_COLUMNS)
    for row in expected:
        if row[0] == "gpt-5.6-sol" and not row[3]:
            row[3] = PROMOTION_ENDS  # the history leaves open what its own note calls unknown
    assert [row[:width] for row in shipped[: len(expected)]] == expected
    tiers = shipped[0].index("tier")
    for added in shipped[len(expected) :]:
        unknown = added[0] == "gpt-5.6-sol" and added[2] == PROMOTION_ENDS and not added[4]
        assert unknown or any(added[tiers : tiers + 2]), "a row that the history does not have"


def test_the_price_of_a_promotion_is_unknown_after_its_last_guaranteed_day(book: Book) -> None:
    last = date(2026, 11, 21)
    for prompt_tokens in (1, 300_000):
        assert price(book, "gpt-5.6-sol", last, prompt_tokens=prompt_tokens).row is not None
        after = price(book, "gpt-5.6-sol", last + timedelta(days=1), prompt_tokens=prompt_tokens)
        assert after.row is None
        assert after.reason == "the rate of gpt-5.6-sol is unknown"


def test_every_rate_is_an_exact_decimal(book: Book) -> None:
    for row in book.rows:
        for rate in RATES:
            value = getattr(row, rate)
            assert value is None or isinstance(value, Decimal)


def test_every_row_is_reached_by_a_look_up(book: Book) -> None:
    for row in book.rows:
        found = book.find(row.model, a_day_of(row), row.tier, row.above_input_tokens + 1)
        assert found is row


def test_no_two_rows_answer_for_one_day(book: Book) -> None:
    for place, row in enumerate(book.rows):
        for other in book.rows[:place]:
            assert row.key != other.key or not overlaps(row, other)


def test_every_alias_leads_to_a_row(book: Book) -> None:
    for alias in book.aliases:
        assert alias.model in book, f"{alias.book}:{alias.line}"


def test_a_name_of_the_calendar_has_no_row_of_its_own(book: Book) -> None:
    for alias in load_names(OURS / "names.csv").aliases:
        assert alias.name not in book


def test_an_alias_stands_for_one_snapshot_a_day(book: Book) -> None:
    for on in book.boundaries():
        for name in {alias.name for alias in book.aliases}:
            assert len({a.model for a in book.entries(name) if covers(a, on)}) <= 1


def test_an_alias_costs_what_its_snapshot_costs(book: Book) -> None:
    for row in book.rows:
        if row.alias_of is None:
            continue
        for on in (a_day_of(row), *book.boundaries()):
            behind = book.find(row.alias_of, on, row.tier)
            if covers(row, on) and behind is not None:
                assert [getattr(row, rate) for rate in RATES] == [
                    getattr(behind, rate) for rate in RATES
                ]


def test_every_alias_of_the_calendar_resolves_on_its_first_day(book: Book) -> None:
    for alias in book.aliases:
        found = resolve(alias.name, alias.effective_from, book)
        assert found.how in ("alias", "respelled")
        assert found.snapshot == alias.model


def test_a_row_with_an_unknown_rate_says_so(book: Book) -> None:
    unknown = {row.model for row in book.rows if row.input_per_1k_usd is None}
    assert unknown == {"ft:gpt-4-0613", "gpt-5.5-2026-04-23", "gpt-5.6-sol"}
    assert all(row.confidence == "unknown" for row in book.rows if row.input_per_1k_usd is None)


def test_cache_writes_cost_a_quarter_more_than_input(book: Book) -> None:
    written = [row for row in book.rows if row.cache_write_per_1k_usd is not None]
    assert {row.model for row in written} == {"gpt-5.6-terra", "gpt-5.6-luna", "gpt-5.6-sol"}
    for row in written:
        assert row.input_per_1k_usd is not None
        assert row.cache_write_per_1k_usd == row.input_per_1k_usd * Decimal("1.25")


def test_long_prompts_of_the_5_6_family_cost_twice_in_and_half_more_out(book: Book) -> None:
    for long in book.rows:
        if long.above_input_tokens == 0 or not long.model.startswith("gpt-5.6-"):
            continue
        short = book.find(long.model, a_day_of(long))
        assert short is not None
        assert long.input_per_1k_usd == short.input_per_1k_usd * 2  # type: ignore[operator]
        assert long.output_per_1k_usd == short.output_per_1k_usd * Decimal("1.5")  # type: ignore[operator]


PUBLISHED_BATCH = {
    "gpt-3.5-turbo-0301": ("0.0015", None, "0.002"),
    "gpt-3.5-turbo-0613": ("0.0015", None, "0.002"),
    "gpt-3.5-turbo-1106": ("0.001", None, "0.002"),
    "ft:gpt-4o-2024-08-06": ("0.002225", "0.0009", "0.0125"),
}


def test_certain_batch_rates_are_the_published_ones(book: Book) -> None:
    certain = {
        row.model: tuple(getattr(row, rate) for rate in (RATES[0], RATES[1], RATES[3]))
        for row in book.rows
        if row.tier == "batch" and row.confidence == "certain"
    }
    assert certain == {
        model: tuple(rate and Decimal(rate) for rate in rates)
        for model, rates in PUBLISHED_BATCH.items()
    }


def test_other_batch_rates_are_half_or_say_why_not(book: Book) -> None:
    for row in book.rows:
        if row.tier != "batch" or row.confidence == "certain" or "half would be" in row.note:
            continue
        standard = book.find(row.model, a_day_of(row))
        assert standard is not None and standard.input_per_1k_usd is not None
        assert row.input_per_1k_usd == standard.input_per_1k_usd / 2
        if standard.output_per_1k_usd is not None:
            assert row.output_per_1k_usd == standard.output_per_1k_usd / 2
