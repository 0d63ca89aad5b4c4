"""Half-open spans of days: ``effective_from`` counts, ``effective_to`` does not, None is open."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Protocol, TypeAlias

Days: TypeAlias = tuple[date | None, date | None]


class Dated(Protocol):
    """Anything that is valid for a span of days."""

    @property
    def effective_from(self) -> date | None: ...

    @property
    def effective_to(self) -> date | None: ...


def first_day(dated: Dated) -> date:
    """The first valid day; the earliest day there is when the start is unknown."""
    return dated.effective_from or date.min


def covers(dated: Dated, on: date | None) -> bool:
    """Whether the span holds that day. An unknown day (None) is held only by an endless span."""
    if on is None:
        return dated.effective_from is None and dated.effective_to is None
    return first_day(dated) <= on and (dated.effective_to is None or on < dated.effective_to)


def overlaps(one: Dated, other: Dated) -> bool:
    """Whether some day belongs to both."""
    return _starts_before_end(one, other) and _starts_before_end(other, one)


def remainder(whole: Dated, taken: Dated) -> tuple[Days, ...]:
    """What is left of ``whole`` without ``taken``: none, one or two (from, to) pairs."""
    if not overlaps(whole, taken):
        return ((whole.effective_from, whole.effective_to),)
    left: list[Days] = []
    if taken.effective_from is not None and first_day(whole) < taken.effective_from:
        left.append((whole.effective_from, taken.effective_from))
    if taken.effective_to is not None and (
        whole.effective_to is None or taken.effective_to < whole.effective_to
    ):
        left.append((taken.effective_to, whole.effective_to))
    return tuple(left)


def outside(spans: Iterable[Dated], on: date) -> str:
    """Where a day lies that none of the spans holds: ``before D``, ``from D on``, ``from D to E``.

    The words name the edges of the spans and not the day, so that they group many calls.
    """
    ordered = sorted(spans, key=first_day)
    earlier = [span.effective_to for span in ordered if first_day(span) <= on]
    later = [first_day(span) for span in ordered if first_day(span) > on]
    ended = max((end for end in earlier if end is not None), default=None)
    if ended is None:
        return f"before {later[0]}"
    return f"from {ended} to {later[0]}" if later else f"from {ended} on"


def _starts_before_end(one: Dated, other: Dated) -> bool:
    return other.effective_to is None or first_day(one) < other.effective_to
