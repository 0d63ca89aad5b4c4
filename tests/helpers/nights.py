"""Folders with an audit.toml for ``audit nightly``, and what a run leaves there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from command import Run, audit

from helpers.logs import Line, capture, write

KEY = "a key for the tests of nights"
ENV: Mapping[str, str] = {"AUDIT_HASH_KEY": KEY}
SETTINGS = """
[nightly]
logs = ["logs"]
db = "audit.duckdb"
output = "reports"
scenarios = ["gpt-4"]
by = ["team"]
reports = ["summary", "coverage"]
lock_timeout = "{wait}"

[[budget]]
name = "everything"
period = "month"
limit_usd = "{limit}"
warn_at = "80%"
"""


def day_of(day: int, team: str = "a", **more: object) -> list[Line]:
    """Three calls of 0.0015 USD on a day of August 2023."""
    made = [
        capture(f"{team}-{day}-{n}", f"2023-08-{day:02}T1{n}:00:00Z", made=0, team=team)
        for n in range(3)
    ]
    return [line | more for line in made]


def night_folder(
    folder: Path, nights: Iterable[int] = (1, 2), *, limit: str = "1", wait: str = "0 s"
) -> Path:
    """A folder with settings and the logs of these days."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "audit.toml").write_text(SETTINGS.format(limit=limit, wait=wait), encoding="utf-8")
    for day in nights:
        add_day(folder, day)
    return folder


def add_day(folder: Path, day: int) -> None:
    """The log of one more day."""
    write(folder / "logs" / f"2023-08-{day:02}.jsonl", day_of(day))


def nightly(folder: Path, *args: str, columns: int = 80) -> Run:
    """``audit nightly`` in that folder."""
    return audit("nightly", *args, folder=folder, columns=columns, env=dict(ENV))


def reports_of(folder: Path) -> dict[str, bytes]:
    """The files of the reports, by name."""
    return {path.name: path.read_bytes() for path in (folder / "reports").iterdir()}
