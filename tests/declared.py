"""What pyproject.toml declares of other packages: the ranges of the run, of each extra, of the tests.

``python tests/declared.py`` prints the lower end of each range that a user may install, as
constraints for pip; it needs the standard library alone.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEST = "test"
RUN = ""  # the extra of what everybody gets

_VERSION = r"[0-9]+(?:\.[0-9]+)*"
_REQUIREMENT = re.compile(
    rf"(?P<name>[\w.-]+)(?:\[(?P<extras>[\w,-]+)\])?"
    rf"(?:==(?P<exact>{_VERSION})|>=(?P<low>{_VERSION})(?:,(?P<high><=?{_VERSION}))?)?"
    rf"(?:; (?P<marker>.+))?"
)


@dataclass(frozen=True)
class Requirement:
    """A package that ``extra`` needs, from ``low`` on, up to ``high`` with its sign.

    ``low`` and ``high`` are empty where no range is given, ``marker`` where it is needed everywhere.
    """

    extra: str
    name: str
    extras: tuple[str, ...]
    low: str
    high: str
    marker: str


def normalized(name: str) -> str:
    """A name of a package as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def project(root: Path = ROOT) -> dict[str, object]:
    """The table ``project`` of pyproject.toml."""
    table: dict[str, object] = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))[
        "project"
    ]
    return table


def declared() -> tuple[Requirement, ...]:
    """All that is declared, but the project itself. Raises ValueError for what cannot be read."""
    table = project()
    lists = {RUN: table["dependencies"], **_table(table["optional-dependencies"])}
    return tuple(
        one
        for extra, texts in lists.items()
        for one in _read(extra, texts)
        if one.name != table["name"]
    )


def _table(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value


def _read(extra: str, texts: object) -> Iterator[Requirement]:
    assert isinstance(texts, list)
    for text in texts:
        found = _REQUIREMENT.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no name with its bounds")
        exact, low, high = found["exact"], found["low"], found["high"]
        yield Requirement(
            extra=extra,
            name=normalized(found["name"]),
            extras=tuple((found["extras"] or "").split(",")),
            low=exact or low or "",
            high=f"=={exact}" if exact else high or "",
            marker=found["marker"] or "",
        )


def user_extras() -> tuple[str, ...]:
    """The extras that a user may ask for: all but that of the tests."""
    return tuple(extra for extra in _table(project()["optional-dependencies"]) if extra != TEST)


if __name__ == "__main__":
    lines = {f"{one.name}=={one.low}" for one in declared() if one.extra != TEST}
    print(*sorted(lines), sep="\n")  # noqa: T201
