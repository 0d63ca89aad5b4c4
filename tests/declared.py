"""What pyproject.toml declares of other packages: for everybody, for an extra, for the tests.

``python tests/declared.py`` prints the lower end of each range that a user may install, as
constraints for pip; it needs the standard library alone.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEVELOPERS = ("test", "fuzz", "mutation")
"""Extras of those who work on the project."""
APART = ("spark", "spark-local")
"""Extras of users that go into an environment of their own: both bring the module pyspark."""
RUN = ""  # the extra of what everybody gets

_VERSION = r"[0-9]+(?:\.[0-9]+)*"
_REQUIREMENT = re.compile(
    rf"(?P<name>[\w.-]+)(?:\[[\w,-]+\])?"
    rf"(?:==(?P<exact>{_VERSION})|>=(?P<low>{_VERSION})(?:,(?P<high><=?{_VERSION}))?)?"
    rf"(?:; (?P<marker>.+))?"
)


@dataclass(frozen=True)
class Requirement:
    """A package that ``extra`` needs, from ``low`` on, up to ``high`` with its sign.

    A bound that is not given is empty, and so is ``marker`` where the package is always needed.
    """

    extra: str
    name: str
    low: str
    high: str
    marker: str


def normalized(name: str) -> str:
    """A name of a package as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def project() -> dict[str, Any]:
    """The table ``project`` of pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)["project"]
    return table


def declared() -> tuple[Requirement, ...]:
    """All that is declared, but the project itself. Raises ValueError for what cannot be read."""
    table = project()
    lists: dict[str, list[str]] = {RUN: table["dependencies"], **table["optional-dependencies"]}
    found = (_read(extra, text) for extra, texts in lists.items() for text in texts)
    return tuple(one for one in found if one.name != table["name"])


def _read(extra: str, text: str) -> Requirement:
    found = _REQUIREMENT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no name with its bounds")
    exact, low, high = found["exact"], found["low"], found["high"]
    return Requirement(
        extra=extra,
        name=normalized(found["name"]),
        low=exact or low or "",
        high=f"=={exact}" if exact else high or "",
        marker=found["marker"] or "",
    )


def user_extras() -> tuple[str, ...]:
    """The extras that a user may ask for: all but ours."""
    return tuple(extra for extra in project()["optional-dependencies"] if extra not in DEVELOPERS)


def extras_together() -> tuple[str, ...]:
    """Those of a user's extras that are tried in one environment."""
    return tuple(extra for extra in user_extras() if extra not in APART)


if __name__ == "__main__":
    lines = {f"{one.name}=={one.low}" for one in declared() if one.extra not in DEVELOPERS}
    print(*sorted(lines), sep="\n")  # noqa: T201
