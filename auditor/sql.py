"""Finds and reads the SQL files of ``queries/``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORD = re.compile(r" ([A-Z]\w+): *(.*)")
COLUMN = re.compile(r" {5}(\S+)  +(\S.*)")


def folder() -> Traversable:
    """Where the queries are: inside the installed package, or beside it in the repository.

    The package may be a zip file, as where it was sent to another machine.
    """
    installed = files("auditor") / "queries"
    return installed if installed.is_dir() else HERE.parent / "queries"


@dataclass(frozen=True, slots=True)
class Head:
    """The opening comment of a query: its words (Purpose, Grain, …) and its documented columns."""

    words: Mapping[str, str]
    columns: Mapping[str, str]

    def listed(self, word: str) -> tuple[str, ...]:
        """The names after a word, which commas part."""
        text = self.words.get(word, "")
        return tuple(name.strip() for name in text.split(",") if name.strip())


@cache
def head(name: str) -> Head:
    """The head of ``queries/NAME.sql``.

    A word begins a line (``-- Purpose: …``) and goes on in lines that are indented. Under
    ``-- Columns:`` each line names a column and, after two spaces or more, what it is.
    """
    words: dict[str, str] = {}
    columns: dict[str, str] = {}
    word = column = ""
    for line in query(name).splitlines():
        if not line.startswith("--"):
            break
        text = line[2:]
        if found := WORD.fullmatch(text):
            word, words[word] = found[1], found[2]
        elif word == "Columns" and (found := COLUMN.fullmatch(text)):
            column, columns[column] = found[1], found[2]
        elif word == "Columns" and column and text.startswith(" " * 12):
            columns[column] += f" {text.strip()}"
        elif word and text.startswith(" " * 10):
            words[word] += f" {text.strip()}"
        else:
            word = column = ""
    return Head(words, columns)


@cache
def query(name: str) -> str:
    """The text of ``queries/NAME.sql``, for example ``query("replay/ledger")``."""
    return folder().joinpath(*f"{name}.sql".split("/")).read_text(encoding="utf-8")


def names(section: str) -> tuple[str, ...]:
    """The queries of one section, sorted: ``names("checks")`` -> ("checks/lines", …)."""
    found = (path.name for path in folder().joinpath(*section.split("/")).iterdir())
    return tuple(
        f"{section}/{name.removesuffix('.sql')}" for name in sorted(found) if name.endswith(".sql")
    )
