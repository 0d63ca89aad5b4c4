"""Two drawn books held together by ``compare``, and anew: on every day, at every length."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from auditor.prices import Book, BookFile, Row, compare

FIRST = date(2023, 6, 20)
DAYS = tuple(FIRST + timedelta(n) for n in range(20))
EDGES = (0, 5, 9)
LENGTHS = range(12)
METERS = ("input", "cached_input", "cache_write", "output")
PLAIN: dict[str, Any] = {
    "book": "b.csv", "line": 1, "kind": "chat", "training_per_1k_usd": None,
    "context_window": None, "source": "", "confidence": "certain", "note": "", "alias_of": None,
}  # fmt: skip


def rows(dice: random.Random, names: str) -> Iterator[Row]:
    """Of each name, tier and threshold at most one row on any day, with gaps and blanks."""
    for name in names:
        for tier in ("standard", "batch"):
            for edge in EDGES:
                cuts = sorted(dice.sample(DAYS, 4))
                for start, end in (cuts[:2], cuts[2:]):
                    if dice.random() < 0.6:
                        yield drawn_row(dice, name, tier, edge, (start, end))


def drawn_row(
    dice: random.Random, name: str, tier: str, edge: int, days: tuple[date, ...] | list[date]
) -> Row:
    blank = (None, None, Decimal(1), Decimal(2))
    rates: dict[str, Any] = {f"{meter}_per_1k_usd": dice.choice(blank) for meter in METERS}
    rates["input_per_1k_usd"] = dice.choice((*blank[1:], Decimal(1)))
    start = None if dice.random() < 0.2 and days[0] == min(DAYS) else days[0]
    return Row(
        **PLAIN, model=name, tier=tier, above_input_tokens=edge, effective_from=start,
        effective_to=days[1], **rates,
    )  # fmt: skip


def book(*own: Row) -> Book:
    return Book((BookFile("b.csv", "b.csv", ""),), own, ())


def row_of(found: Book, name: str, tier: str, day: date, length: int) -> Row | None:
    """The one of the highest threshold below the length that has a row there."""
    there = [
        row
        for row in found.rows
        if (row.model, row.tier) == (name, tier)
        and (row.effective_from or date.min) <= day < (row.effective_to or date.max)
        and (row.above_input_tokens == 0 or length > row.above_input_tokens)
    ]
    return max(there, key=lambda row: row.above_input_tokens, default=None)


def billed(row: Row) -> tuple[Decimal | None, ...]:
    """A blank rate of a cache is that of input; one of answers is none."""
    sent = row.input_per_1k_usd
    caches = (row.cached_input_per_1k_usd, row.cache_write_per_1k_usd)
    return sent, *(sent if rate is None else rate for rate in caches), row.output_per_1k_usd


def differences(ours: Book, theirs: Book, name: str, tier: str) -> list[tuple[Any, ...]] | None:
    """The first of each meter, by day and length; None where no day has a price in both."""
    found: dict[str, tuple[Any, ...]] = {}
    is_shared = False
    for day in (date.min, *DAYS):
        for length in LENGTHS:
            one, two = (row_of(each, name, tier, day, length) for each in (ours, theirs))
            if one is None or two is None or one.input_per_1k_usd is None:
                continue
            is_shared = True
            for meter, mine, other in zip(METERS, billed(one), billed(two), strict=True):
                named = meter.replace("_", " ")
                rates = [getattr(row, f"{meter}_per_1k_usd") for row in (one, two)]
                says_more = meter in ("input", "output") or rates != [None, None]
                if mine != other and says_more:
                    found.setdefault(meter, (named, day, length, mine, other, one, two))
    return list(found.values()) if is_shared else None


@pytest.mark.parametrize("seed", range(15))
def test_books_are_compared_everywhere(seed: int) -> None:
    dice = random.Random(seed)
    ours, theirs = book(*rows(dice, "xyw")), book(*rows(dice, "zyx"))
    expected = []
    for name, tier in sorted({(row.model, row.tier) for row in theirs.rows}):
        found = differences(ours, theirs, name, tier)
        if found is not None:
            expected.append((name, tier, sorted(found, key=str)))
    compared = [
        (one.name, one.tier, sorted((in_full(each) for each in one.differences), key=str))
        for one in compare(ours, theirs)
    ]
    assert compared == expected


def in_full(one: Any) -> tuple[Any, ...]:
    rates = one.our_rate, one.their_rate
    return one.meter, one.on, one.prompt_tokens, *rates, one.ours, one.theirs
