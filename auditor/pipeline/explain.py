"""Explain: one call, from the line it was read from to every figure it has part in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from auditor.errors import AuditError
from auditor.pipeline.replay import Question, price_cells
from auditor.prices import Priced, price_call
from auditor.scenarios import Scenario
from auditor.scenarios.card import Route
from auditor.store import Store

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One call under one scenario: its route, the multiplication, and the cost (None: unpriced)."""

    scenario: Scenario
    route: Route
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

    Raises AuditError when the store has no such call. The figures come from the queries of the
    replay, run on this call alone.
    """
    found = store.rows("replay/find_call", wanted=wanted)
    if not found:
        raise AuditError(
            f"the store has no call named {wanted}",
            hint="Give the id that the provider gave, or SOURCE:LINE as in `audit show rejects`. "
            "A line may be a duplicate of a call that is stored under another line.",
        )
    if len(found) > 1:
        raise AuditError(
            f"{len(found)} calls go by {wanted}",
            hint="Give one of their ids: " + ", ".join(row["call_id"] for row in found[:5]),
        )
    call = found[0]
    price_cells(store, question, call_id=call["call_id"])
    actual = store.rows("replay/one_call")[0]
    multiplied = store.rows("replay/multiplied")
    replayed = {row["scenario"]: row for row in store.rows("replay/one_ledger")}
    prompt = actual["prompt_tokens"]
    day = call["called_at"].date() if call["called_at"] else None
    steps = []
    for position, scenario in enumerate(question.scenarios):
        if position in replayed:
            steps.append(
                Step(
                    scenario,
                    question.card.route(
                        scenario, day, call["tier"], actual["window_step"], actual["prompt_step"]
                    ),
                    tuple(row for row in multiplied if row["scenario"] == position),
                    replayed[position]["replayed_usd"],
                )
            )
    asked = call["max_tokens"]
    return Explanation(
        call=call,
        prompt_tokens=prompt,
        produced_tokens=actual["produced_tokens"],
        need_tokens=prompt + (actual["produced_tokens"] if asked is None else asked),
        priced=price_call(
            question.book,
            call["served_model"] or None,
            actual["requested_model"] or None,
            day,
            call["tier"],
            prompt,
            question.names,
        ),
        meters=tuple(row for row in multiplied if row["scenario"] is None),
        actual_usd=actual["actual_usd"],
        reason=actual["reason"],
        movable=actual["movable"],
        steps=tuple(steps),
    )
