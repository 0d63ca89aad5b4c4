"""What may be spent: a budget as audit.toml gives it. Imports nothing of the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

PERIODS = ("day", "week", "month", "quarter", "year")
MOST_DIMENSIONS = 5
USD_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Budget:
    """So much for these calls in each period, which is one of ``PERIODS`` in days of the zone.

    ``where``: a dimension or tag, and the values of it that count; all calls where it is empty.
    ``limit_usd`` has up to 12 digits before and after the point. ``warn_ppm`` is the share of it
    from which the budget warns, in parts of a million. ``look_back``: of how many periods before
    the current one a breach still counts.
    """

    name: str
    where: Mapping[str, tuple[str, ...]]
    period: str
    limit_usd: Decimal
    warn_ppm: int | None = None
    look_back: int = 0

    @property
    def scope(self) -> str:
        """The calls that count, in words: ``team = support, model = gpt-4 or gpt-4-0613``."""
        if not self.where:
            return "all calls"
        return ", ".join(
            f"{name} = {' or '.join(value or '(none)' for value in values)}"
            for name, values in self.where.items()
        )
