"""What reports and comparisons are made of: charges, meters, overflows, explanations."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import book_oracle as oracle
import pytest
from helpers.money import CALLS, EVERY, Calls, opened, stores
from helpers.runs import question

from auditor.pipeline import explain, replay

ONCE = ("replay/charged", "replay/metered", "replay/steps_taken", "replay/uncharged")
EACH = ("replay/charged_moved", "replay/overflows", "replay/scenario_costs")


Gathered = tuple[dict[str, list[dict[str, Any]]], Calls]


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    with stores() as folder:
        yield folder


@pytest.fixture(scope="module")
def gathered(made: Path) -> Gathered:
    return gathered_from(made)


def gathered_from(folder: Path) -> Gathered:
    """The rows of these queries; every call is a group of its own."""
    with opened(folder / CALLS, by_call=True) as (store, calls):
        asked = question(scenarios=EVERY, by=("day", "booking", "tag:one"))
        found = replay(store, asked, once=ONCE, each=EACH).gathered
    return {name: list(frame.iter_rows(named=True)) for name, frame in found.items()}, calls


def by_id(rows: Iterable[dict[str, Any]], key: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def rate(row: oracle.Row, meter: str) -> Decimal | None:
    text = row[f"{meter}_per_1k_usd"] or (row["input_per_1k_usd"] if "cache" in meter else "")
    return Decimal(text) / 1000 if text else None


RATES = {
    "input_usd": "input",
    "cache_read_usd": "cached_input",
    "cache_write_usd": "cache_write",
    "output_usd": "output",
}


def check_rates(found: dict[str, Any], row: oracle.Row) -> None:
    expected = {
        name: rate(row, meter)
        if meter != "cached_input"
        else Decimal(row["cached_input_per_1k_usd"] or row["input_per_1k_usd"]) / 1000
        for name, meter in RATES.items()
    }
    assert {name: found[name] for name in expected} == expected


def test_charges_name_the_rates_and_the_cost(gathered: Gathered) -> None:
    rows, calls = gathered
    charged = by_id(rows["replay/charged"], "source_sha256")
    moved = by_id(rows["replay/charged_moved"], "source_sha256")
    for call in calls:
        (row,) = charged[call["call_id"]]
        paid = oracle.actual(call)
        name = call["served_model"] or call["requested_model"] or ""
        priced = oracle.rate_row(name, call["day"], call["tier"], oracle.prompt_of(call))
        is_failed = oracle.state(call) == "failed"
        said = "failed" if is_failed else "unpriced" if paid is None else "priced"
        assert (row["outcome"], row["cost_usd"]) == (said, paid)
        assert row["day"] == (str(call["day"]) if call["day"] else None)
        assert (row["served_model"], row["requested_model"], row["tier"]) == (
            call["served_model"],
            call["requested_model"],
            call["tier"],
        )
        if priced:
            check_rates(row, priced)
        for meter in ("input", "cache_read", "cache_write"):
            assert row[f"{meter}_tokens"] == call[f"{meter}_tokens"]
        assert (row["calls"], row["output_tokens"]) == (1, oracle.made_of(call))
        for other in moved.get(call["call_id"], ()):
            outcome, cost = oracle.under(call, EVERY[other["scenario"]].name)
            assert (other["outcome"], other["cost_usd"]) == (
                "priced" if outcome == "fits" else outcome,
                cost,
            )
            assert other["output_tokens"] == oracle.made_of(call)
            for meter in ("input", "cache_read", "cache_write"):
                assert other[f"{meter}_tokens"] == call[f"{meter}_tokens"]
        count = len(EVERY) if oracle.is_moved(call) else 0
        assert len(moved.get(call["call_id"], ())) == count


def test_meters_add_up_to_the_cost_of_each_call(gathered: Gathered) -> None:
    rows, calls = gathered
    metered = by_id(rows["replay/metered"], "by_3")
    for call in calls:
        own = metered.get(call["call_id"], [])
        paid = oracle.actual(call)
        if paid is None or oracle.state(call) == "failed":
            assert not own
            continue
        assert sum((row["cost_usd"] for row in own), Decimal(0)) == paid
        logged = call["served_model"] or call["requested_model"]
        assert {(row["logged_model"], row["tier"]) for row in own} == {(logged, call["tier"])}
        tokens = {f"{row['meter']}_tokens": row["tokens"] for row in own}
        assert tokens == {
            name: call[name] for meter in oracle.METERS if call[name := f"{meter}_tokens"]
        }
        assert all(row["cost_usd"] == row["tokens"] * row["usd_per_token"] for row in own)
        names = {"input": 1, "cache_read": 2, "cache_write": 3, "output": 4, "reasoning": 5}
        assert all(row["place"] == names[row["meter"]] for row in own)


def test_overflows_outcomes_and_steps(gathered: Gathered) -> None:
    rows, calls = gathered
    of = {call["call_id"]: call for call in calls}
    for row in rows["replay/overflows"]:
        call = of[row["by_3"]]
        assert oracle.under(call, EVERY[row["scenario"]].name)[0] == "overflows"
        assert row["overflow_input_tokens"] == oracle.prompt_of(call)
        assert row["overflow_output_tokens"] == oracle.made_of(call)
        assert row["overflow_actual_usd"] == oracle.actual(call)
    outgrown = [
        (call["call_id"], scenario.name)
        for call in calls
        for scenario in EVERY
        if oracle.is_moved(call) and oracle.under(call, scenario.name)[0] == "overflows"
    ]
    assert len(rows["replay/overflows"]) == len(outgrown)
    for row in rows["replay/scenario_costs"]:
        call, paid = of[row["by_3"]], oracle.actual(of[row["by_3"]])
        assert (row["outcome"], row["cost_usd"]) == oracle.under(call, EVERY[row["scenario"]].name)
        assert (row["actual_usd"], row["compared_calls"]) == (paid, int(paid is not None))
        assert row["input_tokens"] == oracle.prompt_of(call)
        assert row["output_tokens"] == oracle.made_of(call)
    moved = [call for call in calls if oracle.is_moved(call)]
    edges = question(scenarios=EVERY).card.windows.edges
    steps: dict[int, int] = {}
    for call in moved:
        asked = oracle.made_of(call) if call["max_tokens"] is None else call["max_tokens"]
        step = bisect_left(edges, oracle.prompt_of(call) + call["audio_tokens"] + asked)
        steps[step] = steps.get(step, 0) + 1
    assert {row["window_step"]: row["calls"] for row in rows["replay/steps_taken"]} == steps
    assert sum(row["input_tokens"] for row in rows["replay/steps_taken"]) == sum(
        map(oracle.prompt_of, moved)
    )
    failed = [row for row in rows["replay/uncharged"] if row["why"] == "failed"]
    assert [row["calls"] for row in failed] == [2]
    assert not [row for row in rows["replay/uncharged"] if row["why"] == "empty"]


@pytest.mark.parametrize(
    "id", ["terra", *(pytest.param(id, marks=pytest.mark.slow) for id in ("long", "spoken"))]
)
def test_explain_multiplies_what_the_oracle_multiplies(made: Path, id: str) -> None:
    with opened(made / CALLS) as (store, calls):
        found = explain(store, question(scenarios=EVERY), id)
    call = next(call for call in calls if call["call_id"] == id)
    assert found.actual_usd == oracle.actual(call)
    assert (found.prompt_tokens, found.produced_tokens) == (
        oracle.prompt_of(call),
        oracle.made_of(call),
    )
    counted = [name for meter in oracle.METERS if call[name := f"{meter}_tokens"]]
    assert [f"{row['meter']}_tokens".replace(" ", "_") for row in found.meters] == counted
    assert [row["tokens"] for row in found.meters] == [call[name] for name in counted]
    for step in found.steps:
        _, cost = oracle.under(call, step.scenario.name)
        assert step.cost_usd == cost
        if cost is not None:
            assert sum((row["cost_usd"] for row in step.meters), Decimal(0)) == cost
            for row in step.meters:
                assert row["cost_usd"] == row["tokens"] * row["rate_usd_per_1k"] / 1000
    if found.actual_usd is not None:
        assert sum((row["cost_usd"] for row in found.meters), Decimal(0)) == found.actual_usd
