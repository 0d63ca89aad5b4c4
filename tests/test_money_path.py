"""The money path, bit by bit: few calls of every kind, each figure held against ``book_oracle``.

Small and exact, so that mutants of the queries die here first (see tests/mutation).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import book_oracle as oracle
import pytest
from helpers.money import CALLS, EVERY, SUMS, check, check_total, opened, stores
from helpers.runs import question

from auditor.pipeline import replay


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    with stores() as folder:
        yield folder


@pytest.mark.parametrize("more", [(), ("source",), pytest.param(("day",), marks=pytest.mark.slow)])
def test_each_call_whichever_way_it_is_grouped(made: Path, more: tuple[str, ...]) -> None:
    """Alone with light dimensions the quick way, beside a heavy one the general one."""
    with opened(made / CALLS, by_call=True) as (store, calls):
        answer = replay(store, question(scenarios=EVERY, by=("tag:one", *more)))
        check(answer, calls, lambda call: call["call_id"])
        if more == ("source",):
            assert all(row["by_2"].endswith(".jsonl") for row in answer.spent)


DIMENSIONS: dict[str, Callable[[oracle.Call], str | None]] = {
    "model": lambda call: call["served_model"] or call["requested_model"],
    "requested_model": lambda call: call["requested_model"],
    "endpoint": lambda call: call["endpoint"],
    "tier": lambda call: call["tier"],
    "month": lambda call: f"{call['day']:%Y-%m}" if call["day"] else None,
}


def test_the_dimensions_of_each_call(made: Path) -> None:
    """In each place of the six, the quick way."""
    check_dimensions(made, range(6))


@pytest.mark.slow
def test_the_dimensions_of_each_call_the_general_way(made: Path) -> None:
    """The file takes the place of the month."""
    check_dimensions(made, range(6), month="source_sha256")


def check_dimensions(made: Path, turns: Iterable[int], month: str = "month") -> None:
    six = ["tag:one", *DIMENSIONS]
    six[six.index("month")] = month
    with opened(made / CALLS, by_call=True) as (store, calls):
        of = {call["call_id"]: call for call in calls}
        for turn in turns:
            names = [*six[turn:], *six[:turn]]
            answer = replay(store, question(scenarios=(), by=tuple(names)))
            assert len(answer.spent) == len(calls)
            for row in answer.spent:
                call = of[row[f"by_{names.index('tag:one') + 1}"]]
                for place, name in enumerate(names, 1):
                    if name in DIMENSIONS:
                        assert row[f"by_{place}"] == DIMENSIONS[name](call), (name, call)


@pytest.mark.parametrize("by", [(), pytest.param(("source",), marks=pytest.mark.slow)])
def test_calls_without_a_name_are_of_the_assumed_model(made: Path, by: tuple[str, ...]) -> None:
    with opened(made / CALLS) as (store, calls):
        asked = question(scenarios=(), by=by, assume_model="gpt-4-0613")
        answer = replay(store, asked, once=("replay/charged",))
        total, charged = answer.total, answer.gathered["replay/charged"]
    asked_for = {(call["served_model"], call["requested_model"]) for call in calls}
    assert set(charged.select("served_model", "requested_model").rows()) == {
        pair if any(pair) else (None, "gpt-4-0613") for pair in asked_for
    }
    named = [
        call
        if call["served_model"] or call["requested_model"]
        else {**call, "requested_model": "gpt-4-0613"}
        for call in calls
    ]
    assert sum(a is not b for a, b in zip(calls, named, strict=True)) >= 2
    expected = oracle.spent(named)
    assert {name: total[name] for name in expected} == expected


def local(call: oracle.Call, zone: str) -> date | None:
    at = call["called_at"]
    return at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() if at else None


@pytest.mark.parametrize("zone", ["UTC", pytest.param("Asia/Kathmandu", marks=pytest.mark.slow)])
def test_days_and_periods(made: Path, zone: str) -> None:
    """By the sums of days in UTC, by quarters of an hour elsewhere."""
    start, end = date(2023, 8, 23), date(2024, 10, 3)
    with opened(made / CALLS) as (store, calls):
        days = question(scenarios=EVERY, zone=zone, by=("day", "model"))
        answer = replay(store, days)
        for row in answer.spent:
            own = [
                call
                for call in calls
                if str(local(call, zone) or "") == (row["by_1"] or "")
                and (call["served_model"] or call["requested_model"] or "") == (row["by_2"] or "")
            ]
            expected = oracle.spent(own)
            assert {name: row[name] for name in expected} == expected
        dated = [(call, on) for call in calls if (on := local(call, zone))]
        inside = [call for call, on in dated if start <= on < end]
        days_inside = sorted(on for _, on in dated if start <= on < end)
        asked = question(scenarios=EVERY, zone=zone, from_date=start, to_date=end)
        part = replay(store, asked)
        check_total(part, inside)
        assert part.coverage["outside_period"] == len(calls) - len(inside)
        assert part.coverage["first_day"] == days_inside[0]
        assert part.coverage["last_day"] == days_inside[-1]
        teams = question(zone=zone, from_date=start, to_date=end, by=("team",))
        check(replay(store, teams), inside, lambda call: (call["tags"] or {}).get("team", ""))
        sources = question(zone=zone, from_date=start, to_date=end, by=("source",))
        assert replay(store, sources).total == part.total
        before = replay(store, question(scenarios=EVERY, zone=zone, to_date=start))
        check_total(before, [call for call, on in dated if on < start])
        sources = question(zone=zone, to_date=start, by=("source",))
        assert replay(store, sources).total == before.total
        after = replay(store, question(zone=zone, from_date=end))
        check_total(after, [call for call, on in dated if on >= end])
        sources = question(zone=zone, from_date=end, by=("source",))
        assert replay(store, sources).total == after.total


def test_the_totals_and_where_every_line_went(made: Path) -> None:
    with opened(made / CALLS) as (store, calls):
        answer = replay(store, question(scenarios=EVERY))
        elsewhere = replay(store, question(zone="Asia/Kathmandu")).coverage
        by_source = replay(store, question(by=("source",)))
    assert by_source.total == answer.total
    assert by_source.unpriced == answer.unpriced
    assert by_source.basis == answer.basis
    assert elsewhere["first_day"] == date(2023, 3, 2)
    assert elsewhere["last_day"] == date(2026, 8, 6)
    check_total(answer, calls)
    count = len(calls)
    expected = {
        "files": 2,
        "lines": count + 4,
        "calls": count,
        "counted": count,
        "duplicates": 1,
        "rejects": 1,
        "context": 2,
        "outside_period": 0,
        "first_day": date(2023, 3, 2),
        "last_day": date(2026, 8, 5),
    }
    assert {name: answer.coverage[name] for name in expected} == expected
    undated = sum(call["day"] is None for call in calls)
    assert (answer.total["undated"], answer.coverage["undated"]) == (undated, undated)
    claimed = [call for call in calls if call["recorded_usd"] is not None]
    assert (answer.total["recorded_calls"], answer.total["recorded_usd"]) == (3, Decimal("1.155"))
    assert answer.total["recorded_actual_usd"] == oracle.total(map(oracle.actual, claimed))
    for name in ("provider", "tokenizer", "estimate"):
        own = sum(call["counted_by"] == name for call in calls)
        assert answer.total[f"counted_by_{name}"] == own
    reasons = {row["reason"] for row in answer.unpriced}
    assert "audio tokens have no rate in the book" in reasons
    assert "its output has no rate in the book" in reasons
    assert reasons >= {call["problem"] for call in calls if oracle.state(call) == "uncounted"}
    dark = {c["problem"] for c in calls if oracle.is_moved(c) and oracle.state(c) == "uncounted"}
    spoken = {"audio tokens have no rate in the book"}
    assert {row["reason"] for row in answer.why_unpriced} >= dark | spoken
    assert sum(row["calls"] for row in answer.unpriced) == answer.total["unpriced"]
    assert sum(row["calls"] for row in answer.basis) == answer.total["priced"]


def test_sums_are_priced_by_their_average_request(made: Path) -> None:
    """But for those of a day with single calls, which are of the same traffic."""
    with opened(made / SUMS, by_call=True) as (store, calls):
        answer = replay(store, question(scenarios=EVERY, by=("tag:one",)))
    (aside,) = (call for call in calls if call["served_model"] == "gpt-3.5-turbo-0301")
    kept = [call for call in calls if call is not aside]
    assert sum(call["requests"] for call in kept) > len(kept)
    check(answer, kept, lambda call: call["call_id"])
    count = sum(call["requests"] for call in kept)
    expected = {
        "calls": 1,
        "buckets": len(calls) - 1,
        "counted": count,
        "summed_requests": count - 1,
        "set_aside": 1,
        "set_aside_requests": aside["requests"],
        "outside_period": 0,
    }
    assert {name: answer.coverage[name] for name in expected} == expected
