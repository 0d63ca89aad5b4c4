"""Reads a table of audit.toml key by key, each refusal with the place and a hint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from auditor.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Table:
    """A table of audit.toml; ``place`` is what messages call it."""

    file: str
    place: str
    entries: Mapping[str, Any]

    def error(self, key: str, problem: str, hint: str) -> ConfigError:
        return ConfigError(self.file, None, f"{self.place} {key} {problem}", hint=hint)

    def check_keys(self, known: tuple[str, ...], needed: tuple[str, ...]) -> None:
        hint = f"Known keys: {', '.join(known)}."
        if unknown := sorted(self.entries.keys() - set(known)):
            raise self.error(unknown[0], "is no key we know", hint)
        for key in needed:
            if key not in self.entries:
                raise self.error(key, "is missing", f"Needed keys: {', '.join(needed)}.")

    def text(self, key: str, hint: str) -> str:
        value = self.entries[key]
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise self.error(key, "must be a text that says something", hint)
        return value

    def texts(self, key: str, hint: str) -> tuple[str, ...]:
        value = self.entries.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise self.error(key, "must be a list of texts", hint)
        return tuple(value)

    def flag(self, key: str) -> bool:
        value = self.entries.get(key, False)
        if not isinstance(value, bool):
            raise self.error(key, "must be true or false", f"Write {key} = true.")
        return value

    def day(self, key: str) -> date | None:
        value = self.entries.get(key)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            raise self.error(key, "must be a date", f"Write {key} = 2023-08-01, without quotes.")
        return value
