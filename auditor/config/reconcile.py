"""``[reconcile]`` of audit.toml: what the lines of an invoice are about, and what may differ.

Keys: ``tolerance`` ("12.50" USD, or "0.5%" of what is billed), ``boundary_minutes`` (within which
of midnight a call may be billed on the other day), ``[reconcile.lines]`` ("line of the invoice" = a
model or a list of models; "*" is everything that no other line is about).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor.config.tables import Table
from auditor.errors import ConfigError

KEYS = ("tolerance", "boundary_minutes", "lines")
MOST_MINUTES = 720


@dataclass(frozen=True, slots=True)
class Reconciling:
    """What audit.toml says of reconciling; None where it is silent."""

    tolerance: str | None = None
    boundary_minutes: int | None = None
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def reconciling_of(file: str, entries: Any) -> Reconciling:
    """The table ``[reconcile]``. Raises ConfigError."""

    if not isinstance(entries, dict):
        raise ConfigError(file, None, "reconcile must be a table", hint="Write [reconcile].")
    table = Table(file, "[reconcile]", entries)
    table.check_keys(KEYS, ())
    known = f"Known keys: {', '.join(KEYS)}."
    tolerance = entries.get("tolerance")
    if tolerance is not None and not isinstance(tolerance, str):
        raise table.error("tolerance", 'must be a text such as "12.50" or "0.5%"', known)
    minutes = entries.get("boundary_minutes")
    if minutes is not None and not is_boundary(minutes):
        raise table.error("boundary_minutes", f"must be a whole number up to {MOST_MINUTES}", known)
    lines = entries.get("lines", {})
    if not isinstance(lines, dict) or not all(map(_names_models, lines.values())):
        raise table.error(
            "lines", 'must be a table of "line of the invoice" = a model, or several', known
        )
    return Reconciling(
        tolerance,
        minutes,
        {line: (m,) if isinstance(m, str) else tuple(m) for line, m in lines.items()},
    )


def is_boundary(minutes: object) -> bool:
    """Whether it is a number of minutes that leaves room for a day."""
    return (
        isinstance(minutes, int) and not isinstance(minutes, bool) and 0 <= minutes <= MOST_MINUTES
    )


def _names_models(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, str) and one for one in value)
    return isinstance(value, str) and bool(value)
