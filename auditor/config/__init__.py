"""audit.toml: what a project says once instead of at every run. One frozen Config comes out.

Keys: ``allow_rejects`` and ``allow_unpriced`` (a count, or a share such as "0.5%"), ``timezone``
(IANA name), ``prices`` and ``scenarios`` (lists of files, relative to audit.toml),
``workload_tags`` (the tags that say what a call belongs to, the first that it has), ``[models]``
(name in the logs = name in the price book), ``[formats.NAME]`` (see auditor.formats.mapped),
``[focus]`` (see auditor.reports.focus), ``[nightly]`` and ``[[budget]]`` (see
auditor.config.nightly), ``[reconcile]`` (see auditor.config.reconcile), ``[limits]`` (see
auditor.limits), ``[engine]`` (see auditor.config.engine).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from auditor.budgets import Budget
from auditor.config.engine import EngineChoice, engine_of
from auditor.config.limits import limits_of
from auditor.config.nightly import Nightly, budgets_of, nightly_of
from auditor.config.reconcile import Reconciling, reconciling_of
from auditor.errors import ConfigError
from auditor.limits import Limits

FILE = "audit.toml"
KEYS = (
    "allow_rejects",
    "allow_unpriced",
    "timezone",
    "prices",
    "scenarios",
    "workload_tags",
    "models",
    "formats",
    "focus",
    "nightly",
    "budget",
    "reconcile",
    "limits",
    "engine",
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much may be missing before a run counts as incomplete: a count, or a share of all."""

    count: int = 0
    share: Decimal | None = None

    def allows(self, missing: int, of: int) -> bool:
        """Whether ``missing`` of ``of`` is still within the allowance."""
        if self.share is None:
            return missing <= self.count
        return missing <= self.share * of

    @classmethod
    def read(cls, text: str) -> Allowance:
        """From ``"12"`` or ``"0.5%"``. Raises ValueError."""
        plain = text.strip()
        if plain.endswith("%"):
            percent = Decimal(_digits(plain[:-1].rstrip()))
            if percent > 100:
                raise ValueError(f"{text!r} is more than everything")
            return cls(share=percent.scaleb(-2))
        if not plain.isdecimal():
            raise ValueError(f"{text!r} is neither a count nor a share such as 0.5%")
        return cls(count=int(plain))


def _digits(text: str) -> str:
    whole, _, fraction = text.partition(".")
    if not whole.isdecimal() or (fraction and not fraction.isdecimal()):
        raise ValueError(f"{text!r} is no share")
    return text


@dataclass(frozen=True, slots=True)
class Config:
    """What audit.toml says, with the defaults where it is silent."""

    file: str | None = None
    allow_rejects: Allowance = Allowance()
    allow_unpriced: Allowance = Allowance()
    timezone: str = "UTC"
    prices: tuple[Path, ...] = ()
    scenarios: tuple[Path, ...] = ()
    workload_tags: tuple[str, ...] | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    formats: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    nightly: Nightly | None = None
    budgets: tuple[Budget, ...] = ()
    focus: Mapping[str, Any] = field(default_factory=dict)
    reconcile: Reconciling = field(default_factory=Reconciling)
    limits: Limits = field(default_factory=Limits)
    engine: EngineChoice = field(default_factory=EngineChoice)


def load(path: Path | None, folder: Path) -> Config:
    """The Config of ``path``, else of audit.toml in ``folder``, else the defaults.

    Raises ConfigError for a missing ``path``, bad TOML, unknown keys and wrong types.
    """
    chosen = path if path is not None else folder / FILE
    if path is None and not chosen.exists():
        return Config()
    name = str(path) if path is not None else FILE
    try:
        text = chosen.read_text(encoding="utf-8-sig")
        entries = tomllib.loads(text, parse_float=Decimal)
    except OSError as error:
        raise ConfigError(name, None, "cannot be read", hint="Check the path.") from error
    except ValueError as error:  # of TOML, of UTF-8, or a whole number of thousands of digits
        raise ConfigError(
            name, None, f"is not TOML: {error}", hint="Mend the place it names."
        ) from error
    return _checked(name, entries, chosen.parent)


def load_names(path: Path) -> dict[str, str]:
    """What people call workloads: a TOML file of lines ``"id" = "name"``. Raises ConfigError."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(str(path), None, "cannot be read", hint="Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            str(path), None, f"is not TOML: {error}", hint='Write lines such as "3f2a…" = "Triage".'
        ) from error
    for workload, name in entries.items():
        if not isinstance(name, str) or not name.strip():
            raise ConfigError(
                str(path),
                None,
                f"the name of {workload} must be a text",
                hint='Write lines such as "3f2a…" = "Triage".',
            )
    return entries


def _checked(name: str, entries: Mapping[str, Any], folder: Path) -> Config:
    def refuse(key: str, problem: str) -> ConfigError:
        return ConfigError(name, None, f"{key} {problem}", hint=f"Known keys: {', '.join(KEYS)}.")

    if unknown := sorted(entries.keys() - set(KEYS)):
        raise refuse(unknown[0], "is no key we know")
    values: dict[str, Any] = {"file": name}
    for key in ("allow_rejects", "allow_unpriced"):
        if key in entries:
            try:
                values[key] = Allowance.read(str(entries[key]))
            except ValueError as error:
                raise refuse(key, f"= {entries[key]}: {error}") from None
    if "timezone" in entries:
        if not isinstance(entries["timezone"], str):
            raise refuse("timezone", "must be a name such as Europe/Berlin")
        values["timezone"] = entries["timezone"]
    for key in ("prices", "scenarios"):
        if key in entries:
            if not _texts(entries[key]):
                raise refuse(key, "must be a list of file names")
            values[key] = tuple(folder / file for file in entries[key])
    if "workload_tags" in entries:
        if not _texts(entries["workload_tags"]):
            raise refuse("workload_tags", "must be a list of names of tags")
        values["workload_tags"] = tuple(entries["workload_tags"])
    if "models" in entries:
        models = entries["models"]
        if not isinstance(models, dict) or not _texts(list(models.values())):
            raise refuse("models", 'must be a table of "name in the logs" = "name in the book"')
        values["models"] = models
    if "formats" in entries:
        formats = entries["formats"]
        if not isinstance(formats, dict) or not all(isinstance(f, dict) for f in formats.values()):
            raise refuse("formats", "must be tables: [formats.NAME]")
        values["formats"] = formats
    if "focus" in entries:
        if not isinstance(entries["focus"], dict):
            raise refuse("focus", "must be a table: [focus]")
        values["focus"] = entries["focus"]
    if "nightly" in entries:
        values["nightly"] = nightly_of(name, entries["nightly"], folder)
    if "budget" in entries:
        values["budgets"] = budgets_of(name, entries["budget"])
    if "reconcile" in entries:
        values["reconcile"] = reconciling_of(name, entries["reconcile"])
    if "limits" in entries:
        values["limits"] = limits_of(name, entries["limits"])
    if "engine" in entries:
        values["engine"] = engine_of(name, entries["engine"], folder)
    return Config(**values)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
