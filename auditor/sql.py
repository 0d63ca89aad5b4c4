"""Finds and reads the SQL files of ``queries/``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent


def folder() -> Path:
    """Where the queries are: inside the installed package, or beside it in the repository."""
    installed = HERE / "queries"
    return installed if installed.is_dir() else HERE.parent / "queries"


@cache
def query(name: str) -> str:
    """The text of ``queries/NAME.sql``, for example ``query("replay/ledger")``."""
    return (folder() / f"{name}.sql").read_text(encoding="utf-8")


def names(section: str) -> tuple[str, ...]:
    """The queries of one section, sorted: ``names("checks")`` -> ("checks/lines", …)."""
    return tuple(f"{section}/{path.stem}" for path in sorted((folder() / section).glob("*.sql")))
