"""What audit.toml says of the nightly run: ``[nightly]`` and ``[[budget]]``.

``[nightly]``: ``logs`` (files, folders, patterns, addresses such as s3://bucket/), ``db`` and
``output`` (the folder of reports) must be there; the rest may be: ``scenarios`` and ``by`` (as
--scenario and --by), ``reports`` (names), ``formats``, ``focus_version``, ``page`` (a file in the
folder of reports), ``from`` and ``to`` (dates), ``lock_timeout`` ("10 min"), and of the reading
``exclude``, ``assume_model``, ``estimate``, ``keep_text`` and ``keep_identities``. Paths are
relative to audit.toml.

``[[budget]]``: ``period`` and ``limit_usd`` must be there, ``name``, ``where``, ``warn_at`` ("80%")
and ``look_back`` (periods) may be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from auditor.budgets import MOST_DIMENSIONS, PERIODS, USD_DIGITS, Budget
from auditor.config.tables import Table
from auditor.errors import ConfigError

FORMATS = ("csv", "json", "parquet", "focus")
FOCUS_VERSIONS = ("1.2", "1.4")
KEYS = (
    "logs",
    "db",
    "output",
    "scenarios",
    "by",
    "reports",
    "formats",
    "focus_version",
    "page",
    "from",
    "to",
    "lock_timeout",
    "exclude",
    "assume_model",
    "estimate",
    "keep_text",
    "keep_identities",
)
BUDGET_KEYS = ("name", "where", "period", "limit_usd", "warn_at", "look_back")
NOT_A_SCOPE = ("", "tag:", "day", "month", "booking")
SECONDS: Mapping[str, int] = {"": 1, "s": 1, "min": 60, "h": 3600}
LONGEST_WAIT = 7 * 24 * 3600
WAIT_HINT = 'a time such as "90 s", "10 min" or "2 h", of a week at most; "0" does not wait.'

_WAIT = re.compile(r"([0-9]{1,6}) ?(s|min|h|)")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%")
_AMOUNT = re.compile(rf"[0-9]{{1,{USD_DIGITS}}}(?:\.[0-9]{{1,{USD_DIGITS}}})?")


@dataclass(frozen=True, slots=True)
class Nightly:
    """The settings of ``audit nightly``. ``lock_seconds``: how long it waits for another run."""

    logs: tuple[str, ...]
    folder: Path
    db: Path
    output: Path
    scenarios: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("csv",)
    focus_version: str = "1.2"
    page: str | None = None
    from_date: date | None = None
    to_date: date | None = None
    lock_seconds: int = 600
    exclude: tuple[str, ...] = ()
    assume_model: str | None = None
    estimate: bool = False
    keep_text: bool = False
    keep_identities: bool = False


def nightly_of(file: str, entries: Any, folder: Path) -> Nightly:
    """The ``[nightly]`` table. Raises ConfigError, which names the key."""
    if not isinstance(entries, dict):
        raise ConfigError(file, None, "nightly must be a table", hint="Write [nightly].")
    table = Table(file, "[nightly]", entries)
    table.check_keys(KEYS, ("logs", "db", "output"))
    logs = table.texts("logs", 'Write logs = ["logs"]: files, folders, patterns or addresses.')
    if not logs:
        raise table.error("logs", "names nothing", 'Write logs = ["logs"].')
    formats = table.texts("formats", f"Known formats: {', '.join(FORMATS)}.") or ("csv",)
    for name in formats:
        if name not in FORMATS:
            raise table.error("formats", f"has {name}", f"Known formats: {', '.join(FORMATS)}.")
    from_date, to_date = table.day("from"), table.day("to")
    if from_date and to_date and from_date >= to_date:
        raise table.error(
            "from",
            f"= {from_date} is not before to = {to_date}",
            "to is the first day that is no longer in: 2023-09-01 for all of August.",
        )
    lists = {
        key: table.texts(key, f"Write {key} = [...].")
        for key in ("scenarios", "by", "reports", "exclude")
    }
    assume = "Name the model of calls whose log names none."
    return Nightly(
        logs=logs,
        folder=folder,
        db=folder / table.text("db", 'Write db = "audit.duckdb".'),
        output=folder / table.text("output", 'Write output = "reports".'),
        **lists,
        formats=tuple(dict.fromkeys(formats)),
        focus_version=_focus_version(table),
        page=_page(table) if "page" in entries else None,
        from_date=from_date,
        to_date=to_date,
        lock_seconds=_wait(table),
        assume_model=table.text("assume_model", assume) if "assume_model" in entries else None,
        estimate=table.flag("estimate"),
        keep_text=table.flag("keep_text"),
        keep_identities=table.flag("keep_identities"),
    )


def _focus_version(table: Table) -> str:
    version = table.entries.get("focus_version", FOCUS_VERSIONS[0])
    if version not in FOCUS_VERSIONS:
        known = ", ".join(f'"{one}"' for one in FOCUS_VERSIONS)
        raise table.error("focus_version", f"= {version}", f"Write one of: {known}.")
    return str(version)


def _page(table: Table) -> str:
    hint = 'Write page = "report.html": a file in the folder of the reports.'
    name = table.text("page", hint)
    if Path(name).name != name or not name.endswith(".html"):
        raise table.error("page", f"= {name} is no name such as report.html", hint)
    return name


def _wait(table: Table) -> int:
    hint = f"Write {WAIT_HINT}"
    try:
        return wait_seconds(str(table.entries.get("lock_timeout", "10 min")))
    except ValueError as error:
        raise table.error("lock_timeout", f"= {error}", hint) from None


def wait_seconds(text: str) -> int:
    """The seconds of a time such as ``10 min``. Raises ValueError, which says what is wrong."""
    found = _WAIT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is no time")
    seconds = int(found[1]) * SECONDS[found[2]]
    if seconds > LONGEST_WAIT:
        raise ValueError(f"{text} is too long")
    return seconds


def budgets_of(file: str, entries: Any) -> tuple[Budget, ...]:
    """The ``[[budget]]`` tables, in their order. Raises ConfigError, which names the budget."""
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise ConfigError(file, None, "budget must be tables", hint="Write [[budget]].")
    budgets: dict[str, Budget] = {}
    for number, one in enumerate(entries, 1):
        table = Table(file, f"[[budget]] {number}:", one)
        budget = _budget(table)
        if budget.name in budgets:
            raise table.error(
                "name", f"is {budget.name!r} once more", "Give each budget a name of its own."
            )
        budgets[budget.name] = budget
    return tuple(budgets.values())


def _budget(table: Table) -> Budget:
    table.check_keys(BUDGET_KEYS, ("period", "limit_usd"))
    periods = f"Write one of: {', '.join(PERIODS)}."
    period = table.text("period", periods)
    if period not in PERIODS:
        raise table.error("period", f"is {period!r}", periods)
    where = _where(table)
    given = table.text("name", 'Write name = "..."') if "name" in table.entries else ""
    budget = Budget(given, where, period, _limit(table), _warn(table), _look_back(table))
    return budget if given else replace(budget, name=f"{budget.scope} a {period}")


def _where(table: Table) -> dict[str, tuple[str, ...]]:
    hint = (
        'Write where = { team = "support" }: model, requested_model, endpoint, tier, source, '
        "workload or a tag, and a text or a list of texts; leave it out for all calls."
    )
    where = table.entries.get("where", {})
    if not isinstance(where, dict) or ("where" in table.entries and not where):
        raise table.error("where", "must be a table that says something", hint)
    if len(where) > MOST_DIMENSIONS:
        raise table.error("where", f"has {len(where)} keys", f"{MOST_DIMENSIONS} are possible.")
    found: dict[str, tuple[str, ...]] = {}
    for key, value in where.items():
        if key in NOT_A_SCOPE:
            raise table.error("where", f"has {key!r}, which is no scope", hint)
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not values:
            raise table.error("where", f"{key} must be a text or a list of texts", hint)
        if not all(isinstance(one, str) for one in values):
            raise table.error("where", f"{key} must be a text or a list of texts", hint)
        found[key] = tuple(dict.fromkeys(values))
    return found


def _limit(table: Table) -> Decimal:
    hint = (
        'Write limit_usd = "100" or "99.50": plain digits, of which '
        f"{USD_DIGITS} may stand before the point and {USD_DIGITS} after it."
    )
    value = table.entries["limit_usd"]
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise table.error("limit_usd", "must be an amount", hint)
    is_sane = not isinstance(value, Decimal) or (
        value.is_finite() and abs(value.adjusted()) <= USD_DIGITS
    )
    text = f"{value:f}" if isinstance(value, Decimal) and is_sane else str(value)
    if not is_sane or not _AMOUNT.fullmatch(text):
        raise table.error("limit_usd", f"= {value} is no amount of USD", hint)
    return Decimal(text)


def _warn(table: Table) -> int | None:
    if "warn_at" not in table.entries:
        return None
    hint = 'Write warn_at = "80%": above 0% and up to 100%, of four decimals at most.'
    value = table.entries["warn_at"]
    found = _SHARE.fullmatch(value) if isinstance(value, str) else None
    ppm = int(Decimal(found[1]).scaleb(4)) if found else 0
    if not 0 < ppm <= 1_000_000:
        raise table.error("warn_at", f"= {value} is no share", hint)
    return ppm


def _look_back(table: Table) -> int:
    value = table.entries.get("look_back", 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1000:
        raise table.error(
            "look_back", f"= {value} is no count of periods", "Write a whole number from 0 on."
        )
    return value
