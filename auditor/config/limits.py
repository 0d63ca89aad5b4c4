"""``[limits]`` of audit.toml: how much of a hostile file is taken in."""

from __future__ import annotations

from typing import Any

from auditor.config.tables import Table
from auditor.errors import ConfigError
from auditor.limits import KEYS, Limits

MOST = {"max_line_bytes": 1 << 30, "max_decompressed_ratio": 10_000_000}
LEAST = {"max_line_bytes": 1_000, "max_decompressed_ratio": 10}


def limits_of(file: str, entries: Any) -> Limits:
    """What the table says, the defaults where it is silent. Raises ConfigError."""
    if not isinstance(entries, dict):
        raise ConfigError(
            file, None, "limits must be a table: [limits]", hint=f"Its keys: {', '.join(KEYS)}."
        )
    table = Table(file, "[limits]", entries)
    table.check_keys(KEYS, ())
    for key, value in entries.items():
        if type(value) is not int or not LEAST[key] <= value <= MOST[key]:
            raise table.error(
                key,
                f"must be a whole number from {LEAST[key]:,} to {MOST[key]:,}",
                f"Write {key} = {Limits().max_line_bytes if key == KEYS[0] else 10_000}.",
            )
    return Limits(**entries)
