"""The money path, bit by bit: few calls of every kind, each figure held against ``book_oracle``.

Small and exact, so that mutants of the queries die here first (see tests/mutation).
"""

from __future__ import annotations

import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import book_oracle as oracle
import pytest
from helpers.logs import Line, capture, embedding, envelope, failure, uncounted, write
from helpers.runs import book, question, take_in

from auditor import scenarios
from auditor.pipeline import Replay, explain, replay
from auditor.pipeline.days import add_up_new
from auditor.pipeline.replay import price_cells
from auditor.store import Store

CALLS, SUMS = "calls.duckdb", "sums.duckdb"
MADE: list[Path] = []
"""Where the stores are if something made them before (``tests.mutation`` does, once for all)."""
EVERY = scenarios.built_in()
LATE = "2026-08-01T22:30:00Z"
Calls = list[oracle.Call]


def lines() -> Iterator[Line]:
    """Calls of which each has something that no other has."""
    meters = {"cached": 130, "written": 17, "reasoning": 11, "max_tokens": 60}
    yield capture("terra", LATE, "gpt-5.6-terra", 1_009, 53, team="red", **meters)
    yield capture("terra-cut", "2026-07-29T10:00:00Z", "gpt-5.6-terra", 509, 37, **meters)
    yield capture("long", LATE, "gpt-5.6-terra", 272_001, 19, team="red", **meters)
    yield capture("not-long", LATE, "gpt-5.6-terra", 272_000, 19, **meters)
    yield capture("unknown-long", "2026-05-01T00:00:00Z", "gpt-5.5-2026-04-23", 272_001, 3)
    yield capture("no-cache-price", "2024-09-30T23:59:59Z", "gpt-4o-2024-08-06", 97, 3, cached=31)
    yield capture("cache-price", "2024-10-01T00:00:00Z", "gpt-4o-2024-08-06", 97, 3, cached=31)
    yield capture("batch", "2024-10-03T00:00:00Z", "gpt-4o-2024-08-06", 89, 5, tier="batch")
    yield capture("flex", "2024-10-03T00:00:00Z", "gpt-4o-2024-08-06", 83, 5, tier="flex")
    for day, sent in (("2024-02-15", 79), ("2024-02-16", 73)):
        yield capture(f"alias-{day}", f"{day}T12:00:00Z", None, sent, 2, requested="gpt-3.5-turbo")
    for sent in (3_996, 3_997, 8_092, 8_093, 16_285, 16_286, 32_668, 32_669):
        yield capture(f"edge-{sent}", model="gpt-4-0613", sent=sent, made=1, max_tokens=100)
        yield capture(f"made-{sent}", model="gpt-3.5-turbo-0613", sent=sent, made=100, team="blue")
    yield capture("tuned", "2023-11-05T00:00:00Z", "ft:gpt-3.5-turbo-0613:us::7", 71, 13)
    yield capture("cheaper", "2023-11-06T00:00:00Z", "ft:gpt-3.5-turbo-0613:us::7", 71, 13)
    yield capture("nobody-knows", "2023-08-22T10:00:00Z", "house-model", 67, 1, team="blue")
    yield capture("no-name", "2023-08-22T10:00:00Z", None, 61, 1)
    yield capture("no-output-rate", "2023-08-22T10:00:00Z", "text-embedding-ada-002", 37, 3)
    thought = {"sent": 3_990, "made": 107, "reasoning": 60}  # 4,097 with the hidden ones alone
    yield capture("thought", "2024-10-03T00:00:00Z", "o1-mini", **thought)
    stored = {"sent": 4_000, "made": 1, "cached": 3_000, "written": 500, "max_tokens": 97}
    yield capture("mostly-cached", "2024-10-03T00:00:00Z", "gpt-4o-2024-08-06", **stored)
    for name, at in (("first", "2023-08-22T18:15:00Z"), ("end", "2024-10-02T18:15:00Z")):
        yield capture(f"{name}-in-kathmandu", at, "gpt-4-0613", 31, 1)
    yield capture("first-in-utc", "2023-08-23T00:00:00Z", "gpt-4-0613", 29, 1)
    cached = {"sent": 5_400, "cached": 3_000, "max_tokens": 50}
    yield capture("moved-cached", "2023-08-22T10:00:00Z", "gpt-4-0613", **cached)
    yield capture("moved-thought", "2023-08-22T10:00:00Z", "gpt-4-0613", 5_300, 100, reasoning=60)
    for day in ("2023-03-02", "2026-08-05"):  # the first and the last; in Kathmandu two days each
        for time in ("10:00:00", "22:30:00"):
            yield capture(f"{day}T{time}", f"{day}T{time}Z", "gpt-4-0314", 23, 1)
    yield capture("undated", None, "gpt-4-0613", 59, 1)
    yield capture("late-evening", "2023-08-22T22:30:00Z", "gpt-4-0613", 47, 1, team="red")
    yield capture("by-the-tokenizer", "2023-08-23T22:30:00Z", "gpt-4-0613", 0, 0)
    yield capture("asked-otherwise", model="gpt-4-0613", sent=19, requested="gpt-3.5-turbo")
    yield capture("asked-late", "2024-03-01T00:00:00Z", None, 17, requested="gpt-3.5-turbo")
    body = {"id": "response", "object": "response", "model": "gpt-4o-2024-08-06", "output": []}
    usage: Line = {"input_tokens": 13, "output_tokens": 5, "total_tokens": 18}
    usage |= {"input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2}}
    usage |= {"output_tokens_details": {"reasoning_tokens": 3}}
    yield envelope("2024-10-05T00:00:00Z", {"input": "Is it so?"}, {**body, "usage": usage})
    beside = {"cached": 5, "written": 3, "reasoning": 2}
    yield capture("beside-it", "2024-10-05T01:00:00Z", "gpt-4o-2024-08-06", 13, 5, **beside)
    later = {"cached": 7, "written": 2, "reasoning": 1}
    yield capture("a-day-later", "2024-10-06T01:00:00Z", "gpt-4o-2024-08-06", 13, 5, **later)
    yield capture("terra-later", "2026-08-02T10:00:00Z", "gpt-5.6-terra", 900, 5, cached=31)
    yield capture("terra-cached", LATE, "gpt-5.6-terra", 700, 5, cached=600, written=17)
    spent = {"prompt_tokens": 5_400, "completion_tokens": 2, "total_tokens": 5_402}
    body = {"id": "wordless", "object": "chat.completion", "model": "gpt-4-0613"}
    yield envelope("2023-08-22T10:00:00Z", {}, {**body, "usage": spent})
    body = {"id": "completion", "object": "text_completion", "model": "davinci-002"}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    choices = [{"index": 0, "text": "Yes.", "finish_reason": "stop"}]
    answer = {**body, "choices": choices, "usage": usage}
    yield envelope("2023-09-01T00:00:00Z", {"prompt": "Is it so?"}, answer)
    yield failure("refused", "2023-08-22T10:00:00Z", requested="gpt-4")
    yield uncounted("dark", "2023-08-22T10:00:00Z", requested="gpt-4")
    yield uncounted("dark-undated", None, requested="gpt-4")
    yield embedding("2023-08-22T10:00:00Z", "text-embedding-ada-002", 43)
    spoken = capture("spoken", "2025-01-02T00:00:00Z", "gpt-4o-2024-08-06", 41, 1)
    spoken["response"]["usage"]["prompt_tokens_details"] = {"audio_tokens": 9}
    yield spoken


def again() -> Iterator[Line | str]:
    """The same calls under other ids, and what is no new call: in a file and a run of their own."""
    for line in lines():
        named: Line = line if "x_request_id" in line else line["response"]
        key = "x_request_id" if "x_request_id" in line else "id"
        if key in named:
            named[key] += "-2"
            yield line
    yield next(lines())
    yield from ("{not json", "", "")


def build(folder: Path) -> None:
    """The two stores: single calls with claims of what some cost, and sums."""
    with Store.open(folder / CALLS) as store:
        take_in(store, write(folder / "calls.jsonl", lines()))
        take_in(store, write(folder / "again.jsonl", again()))
        for id, claim in (("terra", "0.125"), ("nobody-knows", "1"), ("terra-2", "0.03")):
            change = "UPDATE calls SET recorded_usd = $claim WHERE call_id = $id"
            store._connection.execute(change, {"id": id, "claim": claim})
        store._connection.execute("DELETE FROM summed")
        add_up_new(store, book())
    fixtures = Path(__file__).resolve().parents[1] / "fixtures" / "formats" / "openai-usage"
    with Store.open(folder / SUMS) as store:
        take_in(store, fixtures / "usage.json", fixtures / "usage-2023.json")
        on_a_day_of_sums = capture("single", "2023-05-06T23:00:00Z", "gpt-4-0314", 7, 3)
        take_in(store, write(folder / "single.jsonl", [on_a_day_of_sums]))


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    if MADE:
        yield MADE[0]
        return
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        yield Path(folder)


@contextmanager
def opened(path: Path, *, by_call: bool = False) -> Iterator[tuple[Store, Calls]]:
    """A store to read, and its calls; ``by_call`` tags each with its id, in this run alone."""
    with Store.open(path, to_read=True) as store:
        run = store._connection.execute
        found = run(
            "SELECT calls.*, coalesce(requests, 1) AS requests, called_at::DATE AS day "
            "FROM calls LEFT JOIN buckets USING (call_id) ORDER BY call_id"
        )
        names = [column[0] for column in found.description]
        calls = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        if by_call:
            run(
                "CREATE TEMP TABLE calls AS SELECT * REPLACE (MAP {'one': call_id} AS tags) "
                "FROM calls"
            )
        yield store, calls


def check(answer: Replay, calls: Calls, key: Callable[[oracle.Call], str]) -> None:
    """Every group and scenario of an answer by one dimension (and, behind it, others)."""
    groups: dict[str, Calls] = {}
    for call in calls:
        groups.setdefault(key(call), []).append(call)
    assert [row["by_1"] or "" for row in answer.spent] == sorted(groups)
    for row in answer.spent:
        own = groups[row["by_1"] or ""]
        expected = oracle.spent(own)
        assert {name: row[name] for name in expected} == expected
        assert row["recorded_usd"] == oracle.total(call["recorded_usd"] for call in own)
    assert len(answer.rows) == len(groups) * len(answer.question.scenarios)
    for row in answer.rows:
        expected = oracle.replayed(groups[row["by_1"] or ""], row["scenario"].name)
        assert {name: row[name] for name in expected} == expected


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


def check_total(answer: Replay, calls: Calls) -> None:
    expected = oracle.spent(calls)
    assert {name: answer.total[name] for name in expected} == expected
    for row in answer.rows:
        expected = oracle.replayed(calls, row["scenario"].name)
        assert {name: row[name] for name in expected} == expected


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


# --- what reports and comparisons are made of

ONCE = ("replay/charged", "replay/metered", "replay/steps_taken", "replay/uncharged")
EACH = ("replay/charged_moved", "replay/overflows", "replay/scenario_costs")


Gathered = tuple[dict[str, list[dict[str, Any]]], Calls]


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


# --- moves

MOVED = """
name = "moved"
prices_at = 2023-08-22

[[move]]
where = { model = "gpt-4-0613" }
to = ["gpt-3.5-turbo-0613", "gpt-3.5-turbo-16k-0613"]
keep_prompt = "0.75"
output_ratio = "1.25"

[[move]]
where = { model = "gpt-5.6-terra" }
to = "gpt-4-32k"
cut_tokens = 139
cut_calls = "0.5"

[[move]]
where = { model = "gpt-3.5-turbo-0613" }
to = "ft:gpt-3.5-turbo-0613"
cut_tokens = 200
cut_calls = "1"
training_tokens = 43797

[[move]]
where = { model = "gpt-3.5-turbo" }
to = "gpt-4-0613"
"""
LADDERS = {
    "gpt-4-0613": (("gpt-3.5-turbo-0613", "gpt-3.5-turbo-16k-0613"), 0, "1", "0.75", "1.25"),
    "gpt-5.6-terra": (("gpt-4-32k",), 139, "0.5", "1", "1"),
    "gpt-3.5-turbo-0613": (("ft:gpt-3.5-turbo-0613",), 200, "1", "1", "1"),
    "gpt-3.5-turbo": (("gpt-4-0613",), 0, "1", "1", "1"),
}


def moved(call: oracle.Call) -> tuple[str, Decimal | None]:
    """What that scenario does with a call; what it needs is rounded up to whole tokens."""
    paid, of = oracle.actual(call), call["served_model"] or call["requested_model"]
    if of not in LADDERS:
        return (
            ("fits", paid)
            if oracle.state(call) == "counted" and paid is not None
            else (
                "unpriced",
                None,
            )
        )
    models, cut, share, kept, ratio = LADDERS[of]
    left = min(cut, oracle.prompt_of(call))
    off = {}
    for meter in ("cache_read", "cache_write", "input"):  # a cache holds the front of a prompt
        off[meter] = min(left, call[f"{meter}_tokens"])
        left -= off[meter]
    sent = oracle.prompt_of(call) - (sum(off.values()) if share == "1" else 0)
    need = up(sent, kept) + (
        up(oracle.made_of(call), ratio) if call["max_tokens"] is None else call["max_tokens"]
    )
    for model in models:
        row = oracle.rate_row(model, date(2023, 8, 22), "standard", 0)
        assert row is not None
        if need <= int(row["context_window"]):
            nothing = dict.fromkeys((f"{meter}_tokens" for meter in oracle.METERS), 0)
            prompt = oracle.cost({**call, "output_tokens": 0, "reasoning_tokens": 0}, row)
            answers = oracle.cost({**nothing, "output_tokens": oracle.made_of(call)}, row)
            cuts = oracle.cost({**nothing, **{f"{m}_tokens": n for m, n in off.items()}}, row)
            assert prompt is not None and answers is not None and cuts is not None
            cost = prompt * Decimal(kept) - cuts * Decimal(share) + answers * Decimal(ratio)
            return "fits", cost
    return "overflows", None


def up(tokens: int, share: str) -> int:
    return -int(-(tokens * Decimal(share)) // 1)


def test_moves_cut_keep_and_train_as_the_oracle_does(made: Path, tmp_path: Path) -> None:
    (tmp_path / "moved.toml").write_text(MOVED, "utf-8")
    plan = scenarios.load(tmp_path / "moved.toml")
    with opened(made / CALLS, by_call=True) as (store, calls):
        asked = question(scenarios=(plan,), by=("tag:one",))
        answer = replay(store, asked)
        (whole,) = replay(store, question(scenarios=(plan,))).rows
        price_cells(store, asked, (0,))
        ledger = store._connection.sql(
            "SELECT by_1, replayed_usd, prompt_usd, cut_usd, output_usd, answers_usd, "
            "prompt_tokens, produced_tokens FROM ledger WHERE outcome = 'fits'"
        ).fetchall()
    assert whole["cost_usd"] == oracle.total(row["cost_usd"] for row in answer.rows)
    assert whole["actual_usd"] == oracle.total(row["actual_usd"] for row in answer.rows)
    of = {call["call_id"]: call for call in calls}
    rows = {row["by_1"]: row for row in answer.rows}
    assert rows.keys() == of.keys()
    for id, row in rows.items():
        call = of[id]
        outcome, cost = moved(call) if oracle.is_moved(call) else ("", None)
        outcomes = {name: int(outcome == name) for name in ("fits", "overflows", "unpriced")}
        assert ({name: row[name] for name in outcomes}, row["cost_usd"]) == (outcomes, cost), id
    assert ledger
    for id, cost, prompt, cut, output, answers, sent, made_tokens in ledger:
        call = of[id]
        assert cost == moved(call)[1]
        name = call["served_model"] or call["requested_model"]
        if name not in LADDERS:
            assert (prompt, cut, output, answers) == (None, None, None, None)
            assert (sent, made_tokens) == (oracle.prompt_of(call), oracle.made_of(call))
            continue
        _, most, share, kept, ratio = LADDERS[name]
        assert cost == prompt * Decimal(kept) - cut + answers
        assert answers == output * Decimal(ratio)
        off = min(most, oracle.prompt_of(call)) * Decimal(share)
        assert sent == oracle.prompt_of(call) * Decimal(kept) - off
        assert made_tokens == oracle.made_of(call) * Decimal(ratio)
    (trained,) = answer.training
    assert trained["training_usd"] == 43797 * Decimal("0.008") / 1000
    assert trained["total_usd"] == trained["training_usd"] + oracle.total(
        row["cost_usd"] for row in rows.values()
    )
