"""What Langfuse recorded as costs, call by call: reproduced from our book, or explained by name.

Each explanation is checked on the figures of its observation. A new trace, a changed price or a
changed reading is a failure here, never a silent difference.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import document

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
UI = DATA / "format_samples" / "langfuse_ui_traces"
CHATML = DATA / "format_samples" / "langfuse_chatml_traces"
PRICES = DATA / "genai_prices" / "usages.json"
MILLION = Decimal(1_000_000)
LAST_KEPT = Decimal("1e-12")  # Langfuse's costs have 12 decimals, the rest is cut off

pytestmark = pytest.mark.skipif(not UI.is_dir(), reason=f"no real traces in {UI}")

Observation = dict[str, Any]

# USD for a million tokens, input and output, of models that our book, which is OpenAI's, lacks
OTHERS = {
    "claude-sonnet-4-5-20250929": ("3", "15"),
    "gemini-2.5-flash": ("0.3", "2.5"),
    "gemini-2.0-flash": ("0.1", "0.4"),
}

REPRODUCED = "reproduced to the digit"
CUT_OFF = "ours but for what is cut off behind the 12th decimal"
NOT_IN_BOOK = "another seller's model, no price in our book: their rates"
OWN_PRICE = "a price of 1 USD a million for every token, entered in their project"
GIVEN = "given by the tracing library, and not made of the tokens that it counted"
HALF = "no count of the answer, which they priced as none and we leave unpriced"
BY_HAND = "a file made by hand: costs of one digit, no rate makes them"


def observations() -> Iterator[tuple[str, Observation]]:
    """Every generation that records a cost; the same one in both folders is one."""
    seen: dict[str, Observation] = {}
    for path in sorted((*UI.glob("*.json"), *CHATML.glob("*.trace.json"))):
        whole = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        for one in whole["observations"]:
            if one["type"] == "GENERATION" and one["totalCost"]:
                again = seen.setdefault(one["id"], one)
                assert counts(again) == counts(one)
                assert again["totalCost"] == one["totalCost"]
    yield from seen.items()


def counts(one: Observation) -> tuple[int, int]:
    """Input and output as Langfuse multiplies them: its reasoning beside the output is output."""
    told = one.get("usageDetails")
    if told is None:
        return one["inputUsage"], one["outputUsage"]
    return told["input"], told.get("output", 0) + told.get("output_reasoning", 0)


@cache
def ours() -> dict[str, tuple[Decimal | None, Decimal]]:
    """Our cost, None if unpriced, and the recorded one of each observation, wrapper or not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "alone.jsonl"
        lines = [
            json.dumps({**one, "parentObservationId": None, "traceId": id}, default=str)
            for id, one in observations()
        ]
        path.write_text("\n".join(lines), encoding="utf-8")
        groups = document(path, by=("tag:trace",))["actual"]["by"]
    return {
        group["tag:trace"]: (
            None if group["unpriced"] else Decimal(group["cost_usd"]),
            Decimal(group["recorded_usd"]),
        )
        for group in groups
    }


def made_of(one: Observation, input_rate: str, output_rate: str) -> Decimal:
    """What its counts cost at rates for a million."""
    sent, made = counts(one)
    return (sent * Decimal(input_rate) + made * Decimal(output_rate)) / MILLION


def is_cut_off(theirs: Decimal, exact: Decimal) -> bool:
    return Decimal(0) <= exact - theirs <= LAST_KEPT


def given_and_impossible(one: Observation) -> bool:
    """The answer alone, at the price of that day, costs more than what was given for the whole."""
    sent, made = counts(one)
    no_counts = made * Decimal(10) / MILLION > one["totalCost"]
    provided: Decimal = one["providedCostDetails"]["total"]
    return one["model"] == "gpt-4o" and sent > 0 and no_counts and provided == one["totalCost"]


def one_digit(one: Observation) -> bool:
    parts = (Decimal(one["inputCost"]), Decimal(one["outputCost"]))
    digits = [len(part.normalize().as_tuple().digits) for part in parts]
    return digits == [1, 1] and sum(parts) == one["totalCost"] != made_of(
        one, *OTHERS[one["model"]]
    )


def without_its_answer(one: Observation) -> bool:
    """GPT-4o mini, 0.15 USD a million sent, and an answer that nobody counted."""
    is_half = "output" not in one["usageDetails"]
    return is_half and made_of(one, "0.15", "0.60") == one["totalCost"]


# What differs by more than the cutting off, by observation, each with the check of its reason.
DIFFERENT: dict[str, tuple[str, Callable[[Observation], bool]]] = {
    "83517f9062f5ada4": (GIVEN, given_and_impossible),
    "4f6535aaebcda355": (OWN_PRICE, lambda one: made_of(one, "1", "1") == one["totalCost"]),
    "5ba09605e0929d78": (OWN_PRICE, lambda one: made_of(one, "1", "1") == one["totalCost"]),
    "125abcbf5c41f4df": (OWN_PRICE, lambda one: made_of(one, "1", "1") == one["totalCost"]),
    "52df0f7f9dad6b23": (HALF, without_its_answer),
    "4c5c5a7936ca24bc": (HALF, without_its_answer),
    "1f956cbea34725bd": (HALF, without_its_answer),
    "vertex-gemini-obs-001": (BY_HAND, one_digit),
}


def reason(id: str, one: Observation) -> str:
    theirs = Decimal(one["totalCost"])
    cost, recorded = ours()[id]
    assert recorded == theirs, f"{id}: we read {recorded}"
    if cost == theirs:
        return REPRODUCED
    if cost is not None and is_cut_off(theirs, cost):
        return CUT_OFF
    if id in DIFFERENT:
        name, holds = DIFFERENT[id]
        assert holds(one), f"{id}: not {name}"
        return name
    if cost is None and one["model"] in OTHERS:
        exact = made_of(one, *OTHERS[one["model"]])
        return NOT_IN_BOOK if is_cut_off(theirs, exact) else f"no rate of {one['model']}"
    return f"unexplained: {theirs} of theirs, {cost} of ours"


def test_every_recorded_cost_is_reproduced_or_explained() -> None:
    found = {id: reason(id, one) for id, one in observations()}
    listed = [f"{id}: {why}" for id, why in found.items() if why.startswith(("unexpl", "no rate"))]
    assert not listed
    assert Counter(found.values()) == {
        REPRODUCED: 19,
        CUT_OFF: 5,
        NOT_IN_BOOK: 11,
        OWN_PRICE: 3,
        GIVEN: 1,
        HALF: 3,
        BY_HAND: 1,
    }


def test_every_listed_difference_is_one() -> None:
    """The list cannot outlive its reasons: what we reproduce by now must leave it."""
    known = dict(observations())
    for id, (name, _) in DIFFERENT.items():
        assert reason(id, known[id]) == name


def test_their_own_price_of_gpt_4o_is_not_that_of_the_day() -> None:
    """2.5 and 10 USD a million since 2024-08-06 (facts: structured outputs post), not 1 and 1."""
    for id in ("4f6535aaebcda355", "5ba09605e0929d78"):
        one = dict(observations())[id]
        assert ours()[id][0] == made_of(one, "2.5", "10") > Decimal(one["totalCost"])
        assert one["internalModelId"] == "b33c06da-9490-4bbd-a2dd-878222948539"  # entered by hand


def test_a_second_opinion_knows_the_rates_of_claude() -> None:
    rates = set()
    for entry in json.loads(PRICES.read_text(encoding="utf-8")):
        for opinion in entry["extracted"]:
            usage = opinion["usage"]
            plain = usage.keys() == {"input_tokens", "output_tokens"} and all(usage.values())
            if not plain or entry["body"].get("model") != "claude-sonnet-4-5-20250929":
                continue
            for priced in opinion["extractors"]:
                if priced["provider_id"] == "anthropic" and "input_price" in priced:
                    sent = Decimal(priced["input_price"]) * MILLION / usage["input_tokens"]
                    made = Decimal(priced["output_price"]) * MILLION / usage["output_tokens"]
                    rates.add((sent, made))
    assert rates == {tuple(map(Decimal, OTHERS["claude-sonnet-4-5-20250929"]))}


def test_the_ui_traces_come_to_the_sum_of_their_lines() -> None:
    """What a user sees who replays the folder, and why the two totals are not the same."""
    found = document(UI)["actual"]
    known = dict(observations())
    alone = ours()
    files = (json.loads(path.read_text(encoding="utf-8")) for path in UI.glob("*.json"))
    ids = {one["id"] for whole in files for one in whole["observations"]} & known.keys()
    wrappers = {"b38a82eaa62b551e", "ca136de468e156c9"}  # agno: the same answer is one level below
    counted = ids - wrappers
    assert Decimal(found["recorded_usd"]) == sum(alone[id][1] for id in counted)
    priced = [id for id in counted if alone[id][0] is not None]
    assert Decimal(found["cost_usd"]) == sum(alone[id][0] or 0 for id in priced)
    assert (len(counted), len(counted) - len(priced)) == (24, 7)
    more: dict[str, Decimal] = {}
    for id in counted:
        why = reason(id, known[id])
        more[why] = more.get(why, Decimal(0)) + (alone[id][0] or 0) - alone[id][1]
    assert sum(more.values()) == Decimal(found["cost_usd"]) - Decimal(found["recorded_usd"])
    assert more == {
        REPRODUCED: 0,
        CUT_OFF: Decimal("0.000000000004"),
        NOT_IN_BOOK: Decimal("-0.005149599999"),
        OWN_PRICE: Decimal("0.000846"),
        GIVEN: Decimal("0.0001075"),
        HALF: Decimal("-0.0008313"),
        BY_HAND: Decimal("-0.00011"),
    }
