"""Explain: one call, from the line it was read from to every figure it has part in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from auditor.errors import AuditError
from auditor.pipeline.keeping import names_in
from auditor.pipeline.replay import Question, passes, price_cells, with_closings
from auditor.prices import Priced, price_call
from auditor.scenarios import Move, Scenario
from auditor.scenarios.card import STEPS, Route
from auditor.store import Store

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One call under one scenario: its route, the multiplication, and the cost (None: unpriced).

    ``route`` is None where the scenario leaves the call where it is. ``move`` is what takes it, if
    the scenario has moves.
    """

    scenario: Scenario
    route: Route | None
    move: Move | None
    meters: tuple[Row, ...]
    cost_usd: Any


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that leads to the figures of one call. Money is Decimal, None where unknown."""

    call: Row
    prompt_tokens: int
    produced_tokens: int
    need_tokens: int
    priced: Priced
    meters: tuple[Row, ...]
    actual_usd: Any
    reason: str | None
    movable: bool
    steps: tuple[Step, ...]


def explain(store: Store, question: Question, wanted: str) -> Explanation:
    """The call that ``wanted`` names: a call id, or ``SOURCE:LINE``.

    An id that the store holds as a pseudonym is found if its key is there. Raises AuditError when
    the store has no such call. The figures come from the queries of the replay, run on this call
    alone.
    """
    question = with_closings(store, question)
    found = store.rows("replay/find_call", wanted=wanted)
    if not found and (names := names_in(store)) is not None:
        found = store.rows("replay/find_call", wanted=names.id(wanted))
    if not found:
        raise AuditError(
            f"the store has no call named {wanted}",
            hint="Give the id that the log has, or SOURCE:LINE as in `audit show rejects`. "
            "A line may be a duplicate of a call that is stored under another line.",
        )
    if len(found) > 1:
        raise AuditError(
            f"{len(found)} calls go by {wanted}",
            hint="Give one of their ids: " + ", ".join(row["call_id"] for row in found[:5]),
        )
    call = found[0]
    steps = [
        step for positions in passes(question) for step in _steps(store, question, positions, call)
    ]
    steps.sort(key=lambda step: question.scenarios.index(step.scenario))
    actual = store.rows("replay/one_call")[0]
    meters = tuple(r for r in store.rows("replay/multiplied") if r["scenario"] is None)
    prompt = actual["prompt_tokens"]
    day = _day(call)
    asked = call["max_tokens"]
    requests = call["requests"]
    prices = question.card.prices[actual["closing"]]
    return Explanation(
        call=call,
        prompt_tokens=prompt,
        produced_tokens=actual["produced_tokens"],
        need_tokens=_a_request(
            prompt + (actual["produced_tokens"] if asked is None else asked), requests
        ),
        priced=price_call(
            prices.book,
            call["served_model"] or None,
            actual["requested_model"] or None,
            day,
            call["tier"],
            _a_request(prompt, requests),
            prices.names,
        ),
        meters=meters,
        actual_usd=actual["actual_usd"],
        reason=actual["reason"],
        movable=actual["movable"],
        steps=tuple(steps),
    )


def _steps(
    store: Store, question: Question, positions: tuple[int, ...], call: Row
) -> Iterator[Step]:
    """The call under the scenarios of one pass."""
    price_cells(store, question, positions, call_id=call["call_id"])
    actual = store.rows("replay/one_call")[0]
    multiplied = store.rows("replay/multiplied")
    for row in store.rows("replay/one_ledger"):
        scenario = question.scenarios[row["scenario"]]
        window, prompt = STEPS[2:] if scenario.moves else STEPS[:2]
        move = scenario.moves[actual["move"]] if scenario.moves and actual["move"] >= 0 else None
        models = move.models if move else scenario.models
        route = question.card.route(
            scenario,
            _day(call),
            call["tier"],
            actual[window],
            actual[prompt],
            models,
            actual["closing"],
        )
        yield Step(
            scenario,
            None if scenario.moves and not move else route,
            move,
            tuple(m for m in multiplied if m["scenario"] == row["scenario"]),
            row["replayed_usd"],
        )


def _a_request(tokens: int, requests: int) -> int:
    """Of a sum its average request, rounded up, as macro per_request has it."""
    return -(-tokens // requests)


def _day(call: Row) -> date | None:
    return call["called_at"].date() if call["called_at"] else None
