"""Where two books price the same calls: whether they ask the same for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from auditor.prices.book import Book, Row
from auditor.prices.pricing import price
from auditor.prices.span import first_day

METERS = ("input", "cached input", "cache write", "output")


@dataclass(frozen=True, slots=True)
class Difference:
    """One rate of which two books say different things on some day: USD per 1,000 tokens.

    ``prompt_tokens`` is 0, or a length just above a threshold. A rate of None means that the book
    has none there. ``ours`` and ``theirs`` are the rows.
    """

    meter: str
    on: date
    prompt_tokens: int
    our_rate: Decimal | None
    their_rate: Decimal | None
    ours: Row
    theirs: Row


@dataclass(frozen=True, slots=True)
class Agreement:
    """A name and tier that both books price on some day; the first difference of each meter."""

    name: str
    tier: str
    differences: tuple[Difference, ...]


def compare(ours: Book, theirs: Book) -> tuple[Agreement, ...]:
    """Hold two books together, by each name and tier of ``theirs``, at every day and threshold.

    Fallbacks are left aside. Names and tiers that never have a price in both on the same day are
    not in the result.
    """
    ours = replace(ours, fallback=None)
    days = sorted({*ours.boundaries(), *(first_day(row) for row in theirs.rows)})
    lengths = (0, *(edge + 1 for edge in sorted({*ours.thresholds(), *theirs.thresholds()})))
    kinds = sorted({(row.model, row.tier) for row in theirs.rows})
    found = (_compared(ours, theirs, name, tier, days, lengths) for name, tier in kinds)
    return tuple(one for one in found if one is not None)


def _compared(
    ours: Book, theirs: Book, name: str, tier: str, days: list[date], lengths: tuple[int, ...]
) -> Agreement | None:
    both = False
    first: dict[str, Difference] = {}
    for day in days:
        for length in lengths:
            their_row = theirs.find(name, day, tier, length)
            if their_row is None:
                continue
            our_row = price(ours, name, day, tier, length).row
            if our_row is None:
                continue
            both = True
            for meter, our_rate, their_rate in _rates(our_row, their_row):
                if our_rate != their_rate:
                    difference = Difference(
                        meter, day, length, our_rate, their_rate, our_row, their_row
                    )
                    first.setdefault(meter, difference)
    return Agreement(name, tier, tuple(first.values())) if both else None


def _rates(one: Row, other: Row) -> Iterator[tuple[str, Decimal | None, Decimal | None]]:
    """Each meter with what the rows come to on it: blank cached ones are billed as input.

    What is blank in both says nothing that input does not say.
    """
    stated = (
        True,
        (one.cached_input_per_1k_usd, other.cached_input_per_1k_usd) != (None, None),
        (one.cache_write_per_1k_usd, other.cache_write_per_1k_usd) != (None, None),
        True,
    )
    for is_stated, rates in zip(
        stated, zip(METERS, _billed(one), _billed(other), strict=True), strict=True
    ):
        if is_stated:
            yield rates


def _billed(row: Row) -> tuple[Decimal | None, ...]:
    sent, cached, written = (
        row.input_per_1k_usd,
        row.cached_input_per_1k_usd,
        row.cache_write_per_1k_usd,
    )
    return (
        sent,
        sent if cached is None else cached,
        sent if written is None else written,
        row.output_per_1k_usd,
    )
