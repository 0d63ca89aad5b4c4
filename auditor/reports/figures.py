"""How figures are written for people. Rounding here is for reading; files hold every digit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from auditor.errors import printable
from auditor.scenarios import Scenario

if TYPE_CHECKING:
    from auditor.pipeline.replay import Replay

NOTHING = "-"
LONGEST_NAME = 80


def n(count: int | None) -> str:
    """A count with its thousands set apart."""
    return NOTHING if count is None else f"{count:,}"


def named(text: str) -> str:
    """A name from a log, fit for a table: control characters written out, cut where it is long."""
    shown = printable(text)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"


def counted(count: int, what: str) -> str:
    """``1 call``, ``2,000 calls``."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def lines_went(coverage: Mapping[str, Any]) -> tuple[str, ...]:
    """What the lines of a coverage add up of; sums of many requests only where there are some."""
    buckets = ("buckets",) if coverage["buckets"] else ()
    return ("calls", *buckets, "duplicates", "rejects", "context")


def usd(amount: Decimal | None, places: int, sign: str = "-") -> str:
    """An amount rounded to ``places`` decimals; ``sign`` "+" marks gains too."""
    if amount is None:
        return NOTHING
    return f"{amount:{sign if amount else '-'},.{places}f}"


def ratio(value: Decimal | None) -> str:
    """``1.25x``; four decimals below 0.01."""
    if value is None:
        return NOTHING
    return f"{value:.2f}x" if value >= Decimal("0.01") else f"{value:.4f}x"


def plain(value: Any) -> str | None:
    """A number as text with every digit it has and no more; None stays None."""
    if not isinstance(value, Decimal):
        return None if value is None else str(value)
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def digits(value: Any) -> str | None:
    """As ``plain``, but amounts in cents keep both decimals."""
    if isinstance(value, Decimal) and value.as_tuple().exponent == -2:
        return f"{value:f}"
    return plain(value)


def grouped(value: Decimal) -> str:
    """A number with its thousands set apart, and no more decimals than it has."""
    whole, _, decimals = (plain(value) or "").partition(".")
    return f"{int(whole):,}" + (f".{decimals}" if decimals else "")


def places_of(result: Replay) -> int:
    """Decimals that tell the amounts of a replay apart."""
    return places_for([*(row["cost_usd"] for row in result.rows), result.total["cost_usd"]])


def places_for(amounts: Iterable[Decimal | None]) -> int:
    """Decimals that tell amounts apart: cents from 100 USD on, else 4, else 6."""
    largest = max((abs(amount) for amount in amounts if amount is not None), default=Decimal(0))
    return 2 if largest >= 100 else 4 if largest >= 1 else 6


def prices_of(scenario: Scenario) -> str:
    """Of which day the prices of a scenario are."""
    return f"prices of {scenario.prices_at}" if scenario.prices_at else "prices of each call's day"
