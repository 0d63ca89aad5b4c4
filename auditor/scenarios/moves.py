"""Moves: a scenario that sends some workloads elsewhere and leaves the rest where it is.

Each ``[[move]]`` of the scenario file:

================  ==================================================================
key               meaning
================  ==================================================================
where             ``{ workload = "ID", model = "NAME" }``, one of the two or both, each a
                  text or a list: ids of workloads, names of models as the log has
                  them; without it: all calls that no move before it took
to                the target model, or a ladder, as ``models`` of a plain scenario
keep_prompt       the share of each prompt that is still sent: "0.25"
cut_tokens        tokens cut off the front of each prompt (not with keep_prompt), and
cut_calls         the share of calls whose prompt has them to cut (default 1)
output_ratio      how long answers are, measured in logged ones (default 1)
training_tokens   billed tokens of training: examples × epochs × runs
trained_at        the day of the training price; ``prices_at`` unless given
================  ==================================================================

Shares have at most six decimals, and are text or numbers. What no move takes stays at its actual
cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

MOVE_KEYS = (
    "where",
    "to",
    "keep_prompt",
    "cut_tokens",
    "cut_calls",
    "output_ratio",
    "training_tokens",
    "trained_at",
)
WHOLE = Decimal(1)
SHARE_DIGITS = 6
MOST_OUTPUT = Decimal(9)
MOST_TOKENS = 10**15


@dataclass(frozen=True, slots=True)
class Levers:
    """What a move assumes of the calls it takes; see the table above. Neutral unless given."""

    kept: Decimal = WHOLE
    cut_tokens: int = 0
    cut_calls: Decimal = WHOLE
    output: Decimal = WHOLE


@dataclass(frozen=True, slots=True)
class Move:
    """One move to ``models``. It takes the calls of ``workloads`` that ``served`` answered.

    Where one of these is empty it does not matter; a call goes with the first move that takes it.
    """

    workloads: tuple[str, ...]
    models: tuple[str, ...]
    levers: Levers = Levers()
    training_tokens: int = 0
    trained_at: date | None = None
    served: tuple[str, ...] = ()

    def takes(self, workload: str, served: str) -> bool:
        """Whether it takes calls of a workload ('': of none) that a model answered."""
        of_workload = not self.workloads or workload in self.workloads
        return of_workload and (not self.served or served in self.served)


Refuse = Callable[[str], Exception]


def read_moves(entries: Any, prices_at: date | None, refuse: Refuse) -> tuple[Move, ...]:
    """The moves of a scenario file; ``refuse`` makes the error to raise from what is wrong."""
    if (
        not isinstance(entries, list)
        or not entries
        or not all(isinstance(e, dict) for e in entries)
    ):
        raise refuse("move must be tables: [[move]]")
    return tuple(
        _read_move(number, entry, prices_at, refuse) for number, entry in enumerate(entries, 1)
    )


def _read_move(
    number: int, entry: Mapping[str, Any], prices_at: date | None, refuse: Refuse
) -> Move:
    def wrong(problem: str) -> Exception:
        return refuse(f"move {number}: {problem}; keys of a move: {', '.join(MOVE_KEYS)}")

    if unknown := sorted(entry.keys() - set(MOVE_KEYS)):
        raise wrong(f"{unknown[0]} is no key we know")
    if "keep_prompt" in entry and "cut_tokens" in entry:
        raise wrong("keep_prompt and cut_tokens exclude each other")
    trained_at = entry.get("trained_at", prices_at)
    training_tokens = _count(entry, "training_tokens", wrong)
    if not _is_day(trained_at) and trained_at is not None:
        raise wrong("trained_at must be a date such as 2023-08-22")
    if training_tokens and trained_at is None:
        raise wrong('trained_at is missing: with prices_at = "call" the training needs a day')
    return Move(
        workloads=_where(entry, "workload", wrong),
        served=_where(entry, "model", wrong),
        models=_models(entry.get("to"), wrong),
        levers=Levers(
            kept=_share(entry, "keep_prompt", WHOLE, wrong),
            cut_tokens=_count(entry, "cut_tokens", wrong),
            cut_calls=_share(entry, "cut_calls", WHOLE, wrong),
            output=_share(entry, "output_ratio", MOST_OUTPUT, wrong),
        ),
        training_tokens=training_tokens,
        trained_at=trained_at if training_tokens else None,
    )


def _where(entry: Mapping[str, Any], key: str, wrong: Refuse) -> tuple[str, ...]:
    where = entry.get("where")
    if where is None:
        return ()
    if not isinstance(where, dict) or not where or not where.keys() <= {"workload", "model"}:
        raise wrong('where must be { workload = "ID" }, { model = "NAME" } or both')
    if key not in where:
        return ()
    names = where[key] if isinstance(where[key], list) else [where[key]]
    if not names or not all(isinstance(one, str) and one for one in names):
        raise wrong(f"where names no {key}")
    return tuple(names)


def _models(to: Any, wrong: Refuse) -> tuple[str, ...]:
    models = [to] if isinstance(to, str) else to
    if (
        not isinstance(models, list)
        or not models
        or not all(isinstance(model, str) and model for model in models)
    ):
        raise wrong("to must be a model name, or a list of them")
    return tuple(models)


def _count(entry: Mapping[str, Any], key: str, wrong: Refuse) -> int:
    value = entry.get(key, 0)
    if type(value) is not int or not 0 <= value <= MOST_TOKENS:
        raise wrong(f"{key} must be a whole number of tokens")
    return value


def _share(entry: Mapping[str, Any], key: str, most: Decimal, wrong: Refuse) -> Decimal:
    if key not in entry:
        return WHOLE
    try:
        return read_share(entry[key], most)
    except ValueError as error:
        raise wrong(f"{key} {error}") from None


def read_share(value: Any, most: Decimal = WHOLE) -> Decimal:
    """A share such as ``0.25`` or ``"25%"``, from 0 to ``most``. Raises ValueError."""
    text = str(value).strip()
    try:
        share = Decimal(text[:-1]).scaleb(-2) if text.endswith("%") else Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no number such as 0.25 or 25%") from None
    if isinstance(value, bool) or not share.is_finite() or not 0 <= share <= most:
        raise ValueError(f"{text!r} is not from 0 to {most}")
    if share != round(share, SHARE_DIGITS):
        raise ValueError(f"{text!r} has more than {SHARE_DIGITS} decimals")
    return share


def _is_day(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)
