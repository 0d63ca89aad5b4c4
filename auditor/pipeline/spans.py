"""The periods that one is compared with the other, in days of the zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

MONTH = "%Y-%m"


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open period. ``name`` is a month (2023-08) where it is one, else its first
    day and the first day no longer in it.
    """

    name: str
    begins: date
    ends: date


def spans_of(begins: date | None, ends: date | None) -> tuple[Span, ...]:
    """The period and the one before it; of a period of whole months every month.

    A period of whole months is compared month by month, each with the one before; another one with
    as many days before it. The first span is what comes before the period.
    """
    if begins is None or ends is None:
        return ()
    if begins.day == 1 and ends.day == 1:
        months = [_before(begins)]
        while months[-1].ends < ends:
            months.append(_month(months[-1].ends))
        return tuple(months)
    days = ends - begins
    try:
        return (_span(begins - days, begins), _span(begins, ends))
    except OverflowError:
        return ()


def month_of(text: str) -> Span:
    """The month written as 2023-08. Raises ValueError."""
    if len(text) != len("2023-08"):
        raise ValueError(f"{text!r} is no month such as 2023-08")
    try:
        return _month(date.fromisoformat(f"{text}-01"))
    except ValueError:
        raise ValueError(f"{text!r} is no month such as 2023-08") from None


def widened(begins: date | None, ends: date | None) -> tuple[date | None, date | None]:
    """The whole months in which the days of a period lie."""
    if begins is None or ends is None:
        return begins, ends
    last = ends - timedelta(days=1)
    return begins.replace(day=1), _month(last.replace(day=1)).ends


def frame_of(spans: tuple[Span, ...]) -> pl.DataFrame:
    """Columns: span (its place), span_name, begins, ends (excluded)."""
    rows = [(place, span.name, span.begins, span.ends) for place, span in enumerate(spans)]
    schema = {"span": pl.Int32, "span_name": pl.String, "begins": pl.Date, "ends": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _month(first: date) -> Span:
    if first.month == 12:
        return Span(first.strftime(MONTH), first, date(first.year + 1, 1, 1))
    return Span(first.strftime(MONTH), first, first.replace(month=first.month + 1))


def _before(first: date) -> Span:
    return _month((first - timedelta(days=1)).replace(day=1))


def _span(begins: date, ends: date) -> Span:
    return Span(f"{begins} to {ends}", begins, ends)
