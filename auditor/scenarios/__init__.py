"""Scenarios: where the traffic could have gone. One TOML file each.

=============  =====================================================================
key            meaning
=============  =====================================================================
name           how commands and results call it: letters, digits, ``. _ -``
title          one line for people
models         the target model, or a ladder: each call goes to the first whose
               window it fits; names as in the price book
prices_at      a date whose prices apply to every call, or ``"call"``: each call is
               priced at its own date (UTC)
tier           the processing tier to price: ``standard`` (default), any tier of the
               price book, or ``"call"``: the tier that each call was logged with
group          scenarios of one group are asked for together (default ``user``)
notes          what a reader must know of the figure: assumptions, limits
move           instead of models: what goes where, and what stays (see ``moves``)
=============  =====================================================================
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from auditor.errors import AuditError, ScenarioError
from auditor.scenarios.moves import Levers, Move, read_moves, read_share

__all__ = ["NAME", "Levers", "Move", "Scenario", "built_in", "choose", "load", "read_share"]

DEFAULT_GROUP = "august-2023"
USER_GROUP = "user"
KEYS = ("name", "title", "models", "prices_at", "tier", "group", "notes", "move")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
EACH_CALL = "call"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario; where ``prices_at`` or ``tier`` is None each call keeps its own.

    It has either ``models``, to which all calls go, or ``moves``.
    """

    name: str
    title: str
    models: tuple[str, ...]
    prices_at: date | None
    tier: str | None
    group: str
    notes: tuple[str, ...]
    sha256: str
    moves: tuple[Move, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """Every model to which it may send a call."""
        ladders = (self.models, *(move.models for move in self.moves))
        return tuple(dict.fromkeys(model for ladder in ladders for model in ladder))


def built_in() -> tuple[Scenario, ...]:
    """The scenarios that ship with the tool, by group and name."""
    folder = files(__name__) / "data"
    found = [load(file) for file in folder.iterdir() if file.name.endswith(".toml")]
    return tuple(sorted(found, key=lambda s: (s.group, s.name)))


def load(file: Traversable | Path) -> Scenario:
    """The scenario of one file. Raises ScenarioError."""
    name = str(file) if isinstance(file, Path) else file.name
    try:
        content = file.read_bytes()
        entries = tomllib.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except OSError as error:
        raise ScenarioError(name, None, "cannot be read", hint="Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(
            name, None, f"is not TOML: {error}", hint="Mend the place it names."
        ) from error
    return _checked(name, entries, hashlib.sha256(content).hexdigest())


def choose(known: Iterable[Scenario], wanted: Iterable[str]) -> tuple[Scenario, ...]:
    """Those that are wanted by name or by group, in the order of ``known``.

    With nothing wanted: the default group and the user's own. Raises AuditError for a name that
    is neither a scenario nor a group, or that two scenarios bear.
    """
    scenarios = tuple(known)
    names = [scenario.name for scenario in scenarios]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise AuditError(
            f"two scenarios are named {twice[0]}", hint="Give yours a name of its own."
        )
    asked = tuple(wanted)
    groups = {scenario.group for scenario in scenarios}
    if not asked:
        default = {DEFAULT_GROUP} | {
            s.group for s in scenarios if s.group not in _built_in_groups()
        }
        return tuple(scenario for scenario in scenarios if scenario.group in default)
    for name in asked:
        if name not in names and name not in groups:
            raise AuditError(
                f"there is no scenario or group named {name}",
                hint="`audit show scenarios` lists them.",
            )
    return tuple(s for s in scenarios if s.name in asked or s.group in asked)


def _built_in_groups() -> frozenset[str]:
    return frozenset(scenario.group for scenario in built_in())


def _checked(file: str, entries: dict[str, Any], sha256: str) -> Scenario:
    def refuse(problem: str) -> ScenarioError:
        return ScenarioError(file, None, problem, hint=f"Known keys: {', '.join(KEYS)}.")

    if unknown := sorted(entries.keys() - set(KEYS)):
        raise refuse(f"{unknown[0]} is no key we know")
    for key in ("name", "prices_at"):
        if key not in entries:
            raise refuse(f"{key} is missing")
    if ("models" in entries) == ("move" in entries):
        raise refuse("either models or move is needed")
    name, models, prices_at = entries["name"], entries.get("models"), entries["prices_at"]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise refuse("name must be made of letters, digits and . _ -")
    if models is not None and (not _texts(models) or not models or len(set(models)) < len(models)):
        raise refuse("models must be a list of different model names")
    if prices_at != EACH_CALL and (
        not isinstance(prices_at, date) or isinstance(prices_at, datetime)
    ):
        raise refuse('prices_at must be a date such as 2023-08-22, or "call"')
    for key in ("title", "tier", "group"):
        if key in entries and (not isinstance(entries[key], str) or not entries[key]):
            raise refuse(f"{key} must be a text")
    if not _texts(entries.get("notes", [])):
        raise refuse("notes must be a list of texts")
    tier = entries.get("tier", "standard")
    day = None if prices_at == EACH_CALL else prices_at
    return Scenario(
        name=name,
        title=entries.get("title", name),
        models=tuple(models or ()),
        prices_at=day,
        tier=None if tier == EACH_CALL else tier,
        group=entries.get("group", USER_GROUP),
        notes=tuple(entries.get("notes", [])),
        sha256=sha256,
        moves=read_moves(entries["move"], day, refuse) if "move" in entries else (),
    )


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
