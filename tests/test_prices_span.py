"""Spans of days: what is left of one, edge by edge, and where a day lies outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest

from auditor.prices.span import Days, covers, outside, overlaps, remainder


@dataclass(frozen=True)
class Span:
    effective_from: date | None
    effective_to: date | None


def on(day: int) -> date:
    return date(2023, 8, day)


def edges(start: int | None, end: int | None) -> Days:
    return on(start) if start else None, on(end) if end else None


def span(start: int | None, end: int | None) -> Span:
    return Span(*edges(start, end))


@pytest.mark.parametrize(
    ("whole", "taken", "left"),
    [
        ((2, 9), (4, 6), ((2, 4), (6, 9))),
        ((2, 9), (2, 6), ((6, 9),)),
        ((2, 9), (4, 9), ((2, 4),)),
        ((2, 9), (2, 9), ()),
        ((2, 9), (1, 10), ()),
        ((2, 9), (None, None), ()),
        ((2, 9), (9, 12), ((2, 9),)),
        ((2, 9), (1, 2), ((2, 9),)),
        ((2, None), (4, 6), ((2, 4), (6, None))),
        ((None, 9), (4, None), ((None, 4),)),
        ((None, None), (4, 6), ((None, 4), (6, None))),
        ((2, None), (None, 6), ((6, None),)),
        ((2, None), (4, None), ((2, 4),)),
    ],
)
def test_what_is_left_of_a_span(
    whole: tuple[int | None, int | None],
    taken: tuple[int | None, int | None],
    left: tuple[tuple[int | None, int | None], ...],
) -> None:
    one, other = span(*whole), span(*taken)
    assert remainder(one, other) == tuple(edges(*pair) for pair in left)
    pieces = [Span(*piece) for piece in remainder(one, other)]
    for day in (on(n) for n in range(1, 15)):
        expected = covers(one, day) and not covers(other, day)
        assert any(covers(piece, day) for piece in pieces) == expected
        assert not (covers(one, day) and covers(other, day)) or overlaps(one, other)


def test_a_day_of_none_is_held_by_what_never_ends() -> None:
    spans = (span(None, None), span(2, None), span(None, 9), span(2, 9))
    assert [covers(one, None) for one in spans] == [True, False, False, False]


def test_a_day_outside_lies_before_between_or_behind() -> None:
    spans = [span(12, 15), span(2, 9)]
    assert outside(spans, on(1)) == "before 2023-08-02"
    assert outside(spans, on(9)) == "from 2023-08-09 to 2023-08-12"
    assert outside([*spans, span(20, 21)], on(10)) == "from 2023-08-09 to 2023-08-12"
    assert outside(spans, on(15)) == "from 2023-08-15 on"
    assert outside([span(None, 9)], on(9)) == "from 2023-08-09 on"
    assert outside([span(2, 9), span(3, 5)], on(20)) == "from 2023-08-09 on"
