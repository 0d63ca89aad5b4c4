"""Look-ups by date, tier and prompt length; books over books."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import PriceBookError
from auditor.prices import Book, BookFile, Row, combine, open_book, price
from auditor.prices.span import covers, overlaps

BOOKS = Path(__file__).parent.parent / "fixtures" / "books"
FIRST_DAY = date(2023, 1, 1)
DAYS = 12


def a_row(book: str, line: int, start: date | None, end: date | None, threshold: int = 0) -> Row:
    return Row(
        book=book,
        line=line,
        model="m",
        kind="base",
        tier="standard",
        effective_from=start,
        effective_to=end,
        above_input_tokens=threshold,
        input_per_1k_usd=Decimal("0.001"),
        cached_input_per_1k_usd=None,
        cache_write_per_1k_usd=None,
        output_per_1k_usd=Decimal("0.002"),
        training_per_1k_usd=None,
        context_window=4096,
        source="test",
        confidence="certain",
        note="",
        alias_of=None,
    )


def a_book(name: str, *rows: Row) -> Book:
    return Book((BookFile(name, f"{name}.csv", ""),), rows, ())


def a_day(offset: int) -> date:
    return FIRST_DAY + timedelta(days=offset)


@st.composite
def books(draw: st.DrawFn, name: str) -> Book:
    """A book of one model in which no two rows of a threshold share a day."""
    rows: list[Row] = []
    edges = st.none() | st.integers(0, DAYS - 1).map(a_day)
    for line, (start, end) in enumerate(draw(st.lists(st.tuples(edges, edges), max_size=6)), 2):
        if start is not None and end is not None and start >= end:
            continue
        row = a_row(name, line, start, end, draw(st.sampled_from((0, 100))))
        if not any(row.key == other.key and overlaps(row, other) for other in rows):
            rows.append(row)
    return a_book(name, *rows)


def by_hand(stack: list[Book], on: date, prompt_tokens: int) -> tuple[str, int] | None:
    """The oracle: highest threshold first, then the latest book."""
    for threshold in (100, 0) if prompt_tokens > 100 else (0,):
        for book in reversed(stack):
            for row in book.rows:
                if row.above_input_tokens == threshold and covers(row, on):
                    return (row.book, row.line)
    return None


@given(books("ours"), books("theirs"), books("last"), st.sampled_from((0, 100, 101)))
def test_the_last_book_wins_day_by_day(
    ours: Book, theirs: Book, last: Book, prompt_tokens: int
) -> None:
    combined = combine(ours, theirs, last)
    for offset in range(-1, DAYS + 1):
        on = a_day(offset)
        found = combined.find("m", on, prompt_tokens=prompt_tokens)
        assert (found and (found.book, found.line)) == by_hand(
            [ours, theirs, last], on, prompt_tokens
        )


@given(books("ours"), books("theirs"))
def test_a_combined_book_has_at_most_one_row_a_day(ours: Book, theirs: Book) -> None:
    rows = combine(ours, theirs).rows
    for place, row in enumerate(rows):
        for other in rows[:place]:
            assert row.key != other.key or not overlaps(row, other)


@given(books("ours"), books("theirs"))
def test_overridden_holds_every_pair_that_shared_a_day(ours: Book, theirs: Book) -> None:
    shared = {
        (row.line, by.line)
        for row in ours.rows
        for by in theirs.rows
        if row.key == by.key and overlaps(row, by)
    }
    overridden = combine(ours, theirs).overridden
    assert {(one.row.line, one.by.line) for one in overridden} == shared
    assert all(one.row in ours.rows for one in overridden)


def test_a_users_book_wins_for_its_days_only() -> None:
    book = open_book([BOOKS / "house.csv"])

    def input_rate(on: date) -> str:
        row = book.find("gpt-4-0613", on)
        assert row is not None
        return f"{row.book} {row.input_per_1k_usd}"

    assert input_rate(date(2023, 8, 31)) == "openai 0.03"
    assert input_rate(date(2023, 9, 1)) == "house 0.02"
    assert input_rate(date(2023, 9, 30)) == "house 0.02"
    assert input_rate(date(2023, 10, 1)) == "openai 0.03"
    assert [(one.row.model, one.by.book) for one in book.overridden] == [
        ("gpt-4-0613", "house"),
        ("gpt-4o-2024-08-06", "house"),
    ]


def test_a_users_rate_for_a_snapshot_reaches_its_alias() -> None:
    book = open_book([BOOKS / "house.csv"])
    before = price(book, "gpt-4o", date(2024, 12, 31)).row
    after = price(book, "gpt-4o", date(2025, 1, 1)).row

    assert before is not None and (before.book, before.model) == ("openai", "gpt-4o")
    assert after is not None and (after.book, after.model) == ("house", "gpt-4o-2024-08-06")


def test_a_later_users_book_wins_over_an_earlier_one(tmp_path: Path) -> None:
    text = (BOOKS / "house.csv").read_text(encoding="utf-8")
    second = tmp_path / "second.csv"
    second.write_text(text.replace("0.02,", "0.01,"), encoding="utf-8")

    found = open_book([BOOKS / "house.csv", second]).find("gpt-4-0613", date(2023, 9, 1))
    assert found is not None and found.book == "second"


def test_two_books_of_one_name_are_refused(tmp_path: Path) -> None:
    copy = tmp_path / "openai.csv"
    copy.write_bytes((BOOKS / "house.csv").read_bytes())

    with pytest.raises(PriceBookError, match="another price book is named 'openai'"):
        open_book([copy])


@pytest.mark.parametrize(("prompt_tokens", "line"), [(0, 2), (100, 2), (101, 3)])
def test_a_threshold_rates_the_prompts_that_are_longer(prompt_tokens: int, line: int) -> None:
    book = a_book("b", a_row("b", 2, None, None), a_row("b", 3, None, None, threshold=100))
    found = book.find("m", FIRST_DAY, prompt_tokens=prompt_tokens)

    assert found is not None and found.line == line
    assert book.thresholds() == (100,)


def test_a_row_that_rates_only_long_prompts_leaves_short_ones_unpriced() -> None:
    book = a_book("b", a_row("b", 2, None, None, threshold=100))

    assert price(book, "m", FIRST_DAY).reason == "no rate for m at this prompt length"


def test_boundaries_and_windows_are_distinct_and_sorted() -> None:
    rows = (a_row("b", 2, None, a_day(3)), a_row("b", 3, a_day(3), a_day(5)))
    book = a_book("b", rows[0], replace(rows[1], context_window=None))

    assert book.boundaries() == (a_day(3), a_day(5))
    assert book.windows == (4096,)


def test_a_gap_between_rows_is_named_by_its_edges() -> None:
    book = a_book("b", a_row("b", 2, None, a_day(3)), a_row("b", 3, a_day(5), a_day(7)))

    assert price(book, "m", a_day(3)).reason == "no rate for m from 2023-01-04 to 2023-01-06"
    assert price(book, "m", a_day(7)).reason == "no rate for m from 2023-01-08 on"
