"""``[reconcile]`` of audit.toml: what the lines of an invoice are about, and what may differ.

Keys: ``tolerance`` ("12.50" USD, or "0.5%" of what is billed), ``boundary_minutes`` (within which
of midnight a call may be billed on the other day), ``[reconcile.lines]`` ("line of the invoice" = a
model or a list of models; "*" is everything that no other line is about).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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

    def refuse(key: str, problem: str) -> ConfigError:
        return ConfigError(
            file, None, f"[reconcile] {key} {problem}", hint=f"Known keys: {', '.join(KEYS)}."
        )

    if not isinstance(entries, dict):
        raise ConfigError(file, None, "reconcile must be a table", hint="Write [reconcile].")
    if unknown := sorted(entries.keys() - set(KEYS)):
        raise refuse(unknown[0], "is no key we know")
    tolerance = entries.get("tolerance")
    if tolerance is not None and not isinstance(tolerance, str):
        raise refuse("tolerance", 'must be a text such as "12.50" or "0.5%"')
    minutes = entries.get("boundary_minutes")
    if minutes is not None and not is_boundary(minutes):
        raise refuse("boundary_minutes", f"must be a whole number up to {MOST_MINUTES}")
    lines = entries.get("lines", {})
    if not isinstance(lines, dict) or not all(map(_names_models, lines.values())):
        raise refuse("lines", 'must be a table of "line of the invoice" = a model, or several')
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
