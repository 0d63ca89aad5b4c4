"""A scenario as the TOML file that reads back as the same scenario."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from auditor.reports.figures import plain
from auditor.scenarios import Levers, Move, Scenario

NEUTRAL = Levers()


def as_toml(scenario: Scenario, comment: str) -> str:
    """The file. ``comment`` stands at its head."""
    lines = [f"# {line}" for line in comment.splitlines()]
    lines += [
        f"name = {_text(scenario.name)}",
        f"title = {_text(scenario.title)}",
        f"group = {_text(scenario.group)}",
        f"prices_at = {_day(scenario.prices_at)}",
        f"tier = {_text(scenario.tier or 'call')}",
        f"notes = [{', '.join(map(_text, scenario.notes))}]",
    ]
    for move in scenario.moves:
        lines += ["", "[[move]]", *_move(move)]
    return "\n".join(lines) + "\n"


def _move(move: Move) -> Iterator[str]:
    where = {"workload": move.workloads, "model": move.served}
    if any(where.values()):
        keys = ", ".join(f"{key} = {_texts(names)}" for key, names in where.items() if names)
        yield f"where = {{ {keys} }}"
    yield f"to = {_texts(move.models)}"
    levers = move.levers
    if levers.kept != NEUTRAL.kept:
        yield f"keep_prompt = {_share(levers.kept)}"
    if levers.cut_tokens:
        yield f"cut_tokens = {levers.cut_tokens}"
        yield f"cut_calls = {_share(levers.cut_calls)}"
    if levers.output != NEUTRAL.output:
        yield f"output_ratio = {_share(levers.output)}"
    if move.training_tokens and move.trained_at:
        yield f"training_tokens = {move.training_tokens}"
        yield f"trained_at = {move.trained_at.isoformat()}"


def _texts(texts: tuple[str, ...]) -> str:
    """One text, or a list of several."""
    inside = ", ".join(map(_text, texts))
    return f"[{inside}]" if len(texts) > 1 else inside


def _text(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def _share(share: Decimal) -> str:
    """As text, so that no reader makes a float of it."""
    return _text(plain(share) or "")


def _day(day: date | None) -> str:
    return day.isoformat() if day else '"call"'
