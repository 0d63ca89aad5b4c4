"""Laws of the sums: nothing is lost, nothing is counted twice, parts add up to the whole."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from helpers.books import with_rates
from helpers.logs import GARBAGE, Line, capture, embedding, failure, uncounted, write
from helpers.runs import Document, august_2023, document_of, question, replayed, stored

from auditor.pipeline import explain, replay
from auditor.prices import open_book
from auditor.scenarios import built_in
from auditor.store import Store

COUNTS = ("calls", "fits", "overflows", "unpriced", "input_tokens", "output_tokens")
MONEY = ("cost_usd", "actual_usd", "delta_usd", "compared_usd")
SPENT = ("calls", "failed", "unpriced", "input_tokens", "output_tokens", "cost_usd")
SPENT_TOTAL = ("calls", "unpriced", "input_tokens", "output_tokens", "cost_usd")
DIMENSIONS = (
    ("day",),
    ("month",),
    ("model",),
    ("requested_model",),
    ("endpoint",),
    ("tier",),
    ("source",),
    ("team",),
    ("tag:team",),
    ("day", "model", "team", "tier"),
)
ZONES = (
    "UTC",
    pytest.param("Europe/Berlin", marks=pytest.mark.slow),
    pytest.param("America/New_York", marks=pytest.mark.slow),
    "Asia/Kathmandu",  # UTC+05:45
    "Africa/Cairo",  # its clocks go forward at midnight: 2023-04-28 has no 00:00
)
CLOCK_CHANGES = ("2023-03-12", "2023-03-26", "2023-04-28", "2023-10-29", "2023-11-05")


def mixed_traffic(count: int = 120, seed: int = 1) -> list[Line]:
    """Calls of all kinds over two years: priced, unpriced, failed, too long, of several teams."""
    dice = random.Random(seed)
    models = ("gpt-4", "gpt-3.5-turbo-0613", "gpt-4o", "gpt-5000", "ft:davinci-002:acme::1", None)
    lines: list[Line] = []
    for number in range(count):
        at = datetime(2023, 3, 1, tzinfo=UTC) + timedelta(minutes=dice.randrange(2 * 525_600))
        sent, made = dice.randrange(1, 20_000), dice.randrange(2_000)
        more: dict[str, Any] = {
            "requested": dice.choice(models),
            "max_tokens": dice.choice((None, None, 500, 4_000)),
            "cached": dice.choice((0, sent // 2)),
            "reasoning": dice.choice((0, made // 3)),
            "team": dice.choice((None, "desk", "search")),
            "tier": dice.choice((None, None, "batch", "flex")),
        }
        kind = dice.choice((capture,) * 8 + (failure, uncounted, embedding))
        id, moment = f"call-{seed}-{number}", at.isoformat()
        if kind is capture:
            lines.append(capture(id, moment, dice.choice(models), sent, made, **more))
        elif kind is embedding:
            lines.append(embedding(moment, "text-embedding-ada-002", sent, **more))
        else:
            lines.append(kind(id, moment, **more))
    return lines


def added(rows: Iterable[Document], names: Iterable[str]) -> dict[str, Any]:
    """The rows added up, column by column. Money is text; None (unknown) adds nothing."""
    found = list(rows)
    return {name: _sum([row[name] for row in found]) for name in names}


def _sum(values: list[Any]) -> Any:
    known = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in known):
        return sum(map(Decimal, known), Decimal(0))
    return sum(known) if known else None


def by_scenario(documents: Iterable[Document]) -> dict[str, dict[str, Any]]:
    """Every scenario's rows added up over the documents."""
    all_rows = [row for document in documents for row in document["scenarios"]]
    names = sorted({row["name"] for row in all_rows})
    columns = (*COUNTS, *MONEY, "compared_calls")
    return {n: added((row for row in all_rows if row["name"] == n), columns) for n in names}


def doubled(totals: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: None if totals[name] is None else totals[name] * 2 for name in names}


# --- conservation


def test_every_line_is_a_call_a_duplicate_a_reject_or_context() -> None:
    lines = mixed_traffic(40)
    document = replayed([*lines, "", *GARBAGE, *lines[:7]], ["", *lines[5:25], GARBAGE[0]])
    found = document["coverage"]
    parts = ("calls", "duplicates", "rejects", "context")
    assert found["lines"] == sum(found[part] for part in parts)
    assert (found["rejects"], found["context"]) == (len(GARBAGE) + 1, 2)
    assert found["calls"] >= 40


@pytest.mark.parametrize("from_day", [None, date(2023, 9, 1)])
def test_every_call_is_priced_unpriced_failed_or_outside_the_period(from_day: date | None) -> None:
    found = replayed(mixed_traffic(), from_date=from_day)["coverage"]
    parts = ("priced", "unpriced", "failed", "outside_period")
    assert found["calls"] == sum(found[part] for part in parts) == 120
    assert all(found[part] for part in parts[:3])
    assert bool(found["outside_period"]) == bool(from_day)


def test_every_scenario_places_every_call_that_a_model_could_answer() -> None:
    document = replayed(mixed_traffic())
    coverage, rows = document["coverage"], document["scenarios"]
    movable = document["actual"]["calls"] - coverage["failed"] - coverage["not_moved"]
    assert len(rows) == 11
    for row in rows:
        assert row["calls"] == row["fits"] + row["overflows"] + row["unpriced"] == movable


@pytest.mark.parametrize(
    ("line", "asked"),
    [(failure("x", "2023-08-22T10:00:00Z"), {}), (capture("x"), {"from_date": date(2024, 1, 1)})],
    ids=["failed calls only", "no calls in the period"],
)
def test_every_scenario_has_a_row_even_without_calls(
    line: dict[str, Any], asked: dict[str, Any]
) -> None:
    rows = replayed([line], **asked)["scenarios"]
    assert [row["name"] for row in rows] == [scenario.name for scenario in august_2023()]


def test_tokens_of_the_actual_cost_are_the_tokens_of_the_log() -> None:
    lines = mixed_traffic()
    usages = [line["response"]["usage"] for line in lines if "usage" in (line["response"] or {})]
    actual = replayed(lines)["actual"]
    assert actual["input_tokens"] == sum(usage["prompt_tokens"] for usage in usages)
    assert actual["output_tokens"] == sum(usage.get("completion_tokens", 0) for usage in usages)


@pytest.mark.parametrize("by", DIMENSIONS, ids=" ".join)
def test_groups_add_up_to_the_total(by: tuple[str, ...]) -> None:
    with_groups = replayed(mixed_traffic(90, 2), mixed_traffic(30, 3), by=by)
    total = replayed(mixed_traffic(90, 2), mixed_traffic(30, 3))
    groups = with_groups["actual"]["by"]
    assert added(groups, SPENT) == added([total["actual"] | total["coverage"]], SPENT)
    assert by_scenario([with_groups]) == by_scenario([total])
    assert len({tuple(group[name] for name in by) for group in groups}) == len(groups) > 1


# --- periods


def around_the_clock_changes() -> list[Line]:
    """A call every 25 minutes, and one each side of every UTC hour, three days around each."""
    moments: set[datetime] = set()
    for change in CLOCK_CHANGES:
        start = datetime.fromisoformat(change).replace(tzinfo=UTC) - timedelta(days=1)
        moments |= {start + timedelta(minutes=25 * step) for step in range(3 * 57)}
        for quarter in range(3 * 96):
            edge = start + timedelta(minutes=15 * quarter)
            moments |= {edge, edge - timedelta(microseconds=1)}
    return [
        capture(f"call-{n}", at.isoformat(), "gpt-4-0613", 100 + n, n)
        for n, at in enumerate(sorted(moments))
    ]


@pytest.fixture(scope="module")
def clock_change_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    log = write(tmp_path_factory.mktemp("clock") / "calls.jsonl", around_the_clock_changes())
    with stored(log) as store:
        yield store


@pytest.mark.parametrize("zone", ZONES)
def test_days_are_days_of_the_zone(clock_change_store: Store, zone: str) -> None:
    expected = Counter(
        datetime.fromisoformat(line["timestamp"]).astimezone(ZoneInfo(zone)).date().isoformat()
        for line in around_the_clock_changes()
    )
    groups = document_of(clock_change_store, zone=zone, by=("day",))["actual"]["by"]
    assert {group["day"]: group["calls"] for group in groups} == expected


@pytest.mark.parametrize("zone", ZONES)
def test_a_range_is_the_sum_of_its_days(clock_change_store: Store, zone: str) -> None:
    everything = document_of(clock_change_store, zone=zone, by=("day",))
    by_day = {group["day"]: group for group in everything["actual"]["by"]}
    for change in map(date.fromisoformat, CLOCK_CHANGES):
        week = [change + timedelta(days=shift) for shift in (-1, 0, 1)]
        one_by_one = [
            document_of(clock_change_store, zone=zone, from_date=day, to_date=day + timedelta(1))
            for day in week
        ]
        for day, alone in zip(week, one_by_one, strict=True):
            group = by_day[day.isoformat()]
            assert alone["actual"]["calls"] == group["calls"]
            assert alone["actual"]["cost_usd"] == group["cost_usd"]
        together = document_of(
            clock_change_store, zone=zone, from_date=week[0], to_date=week[-1] + timedelta(1)
        )
        assert by_scenario(one_by_one) == by_scenario([together])
        assert added((d["actual"] for d in one_by_one), ("calls", "cost_usd")) == added(
            [together["actual"]], ("calls", "cost_usd")
        )


@pytest.mark.parametrize("zone", ZONES)
def test_periods_are_half_open(zone: str) -> None:
    first, last = date(2023, 8, 1), date(2023, 9, 1)
    edges = [datetime(d.year, d.month, d.day, tzinfo=ZoneInfo(zone)) for d in (first, last)]
    tick = timedelta(microseconds=1)
    inside = [edges[0], edges[1] - tick]
    outside = [edges[0] - tick, edges[1]]
    lines = [
        capture(f"{name}-{n}", at.astimezone(UTC).isoformat(), sent=1)
        for name, moments in (("inside", inside), ("outside", outside))
        for n, at in enumerate(moments)
    ]
    found = replayed(lines, [capture("undated", None)], zone=zone, from_date=first, to_date=last)
    assert found["coverage"]["outside_period"] == 3
    assert (found["actual"]["calls"], found["actual"]["input_tokens"]) == (2, 2)
    assert found["period"] == {"from": "2023-08-01", "to": "2023-09-01", "timezone": zone}


def test_adjoining_periods_share_no_call_and_leave_none_out() -> None:
    lines = mixed_traffic()
    cut = date(2024, 2, 16)
    halves = [replayed(lines, to_date=cut), replayed(lines, from_date=cut)]
    whole = replayed(lines)
    assert by_scenario(halves) == by_scenario([whole])
    assert added((half["actual"] for half in halves), SPENT_TOTAL) == added(
        [whole["actual"]], SPENT_TOTAL
    )


# --- money


def test_twice_the_rates_is_twice_the_cost(tmp_path: Path) -> None:
    lines = mixed_traffic()
    twice = open_book((with_rates(tmp_path / "twice.csv", lambda rate: rate * 2),))
    once, doubly = replayed(lines), replayed(lines, book=twice)
    usual, dear = by_scenario([once]), by_scenario([doubly])
    for name, totals in usual.items():
        assert {column: dear[name][column] for column in COUNTS} == {
            column: totals[column] for column in COUNTS
        }
        assert {column: dear[name][column] for column in MONEY} == doubled(totals, MONEY)
    spent = added([once["actual"]], ("cost_usd",))
    assert added([doubly["actual"]], ("cost_usd",)) == doubled(spent, ("cost_usd",))
    assert [row["ratio"] for row in once["scenarios"]] == [
        row["ratio"] for row in doubly["scenarios"]
    ]


def test_free_is_zero_and_unknown_is_not(tmp_path: Path) -> None:
    """A rate of 0 in the book makes calls free; no rate makes them unpriced, never 0."""
    free = open_book((with_rates(tmp_path / "free.csv", lambda rate: rate * 0),))
    gratis = replayed([capture()], book=free)
    assert gratis["actual"]["cost_usd"] == "0"
    assert {row["cost_usd"] for row in gratis["scenarios"]} == {"0"}
    unknown = replayed([capture(model="gpt-5000")])
    assert unknown["actual"]["cost_usd"] is None
    assert unknown["coverage"] | {"priced": 0, "unpriced": 1} == unknown["coverage"]


def test_two_logs_cost_what_each_costs() -> None:
    a, b = mixed_traffic(70, 4), mixed_traffic(50, 5)
    apart, together = [replayed(a), replayed(b)], replayed(a, b)
    assert by_scenario(apart) == by_scenario([together])
    assert added((d["actual"] for d in apart), SPENT_TOTAL) == added(
        [together["actual"]], SPENT_TOTAL
    )
    columns = [name for name in together["coverage"] if name != "counted_by"]
    assert added((d["coverage"] for d in apart), columns) == added([together["coverage"]], columns)


def test_an_unpriced_call_is_never_zero() -> None:
    lines = [
        capture("unknown model", model="gpt-5000"),
        capture("before the model", at="2023-01-01T00:00:00Z"),
        capture("no rate known", at="2023-12-01T00:00:00Z", model="ft:gpt-4-0613:acme::1"),
        capture("no date", at=None),
        capture("no batch then", tier="batch"),
        uncounted("no usage", "2023-08-22T10:00:00Z", requested="gpt-4"),
    ]
    for line in lines:
        document = replayed([line])
        assert document["coverage"]["unpriced"] == 1
        assert document["actual"]["cost_usd"] is None
        assert [row["calls"] for row in document["unpriced"]] == [1]
        assert all(row["reason"] for row in document["unpriced"])
        for row in document["scenarios"]:
            assert row["actual_usd"] is row["delta_usd"] is row["ratio"] is None
            assert (row["cost_usd"] is None) == (row["fits"] == 0)
    known, all_of_them = replayed([capture()]), replayed([capture(), *lines])
    assert all_of_them["actual"]["cost_usd"] == known["actual"]["cost_usd"]
    assert all_of_them["actual"]["unpriced"] == len(lines)


def test_what_explain_says_of_each_call_adds_up_to_the_replay(tmp_path: Path) -> None:
    lines = [*mixed_traffic(45, 6), embedding("2023-08-22T10:00:00Z", None, 10)]
    with stored(write(tmp_path / "calls.jsonl", lines)) as store:
        asked = question(scenarios=built_in())
        total = replay(store, asked)
        calls = [
            explain(store, asked, f"{tmp_path.name}/calls.jsonl:{n}")
            for n, _ in enumerate(lines, 1)
        ]
    paid = [call.actual_usd for call in calls if call.actual_usd is not None]
    assert sum(paid, Decimal(0)) == total.total["cost_usd"]
    assert sum(call.actual_usd is None for call in calls) == total.total["unpriced"]
    assert sum(call.prompt_tokens for call in calls) == total.total["input_tokens"]
    steps = [step for call in calls for step in call.steps]
    for row in total.rows:
        mine = [step for step in steps if step.scenario == row["scenario"]]
        costs = [step.cost_usd for step in mine if step.cost_usd is not None]
        assert (len(mine), len(costs)) == (row["calls"], row["fits"])
        assert (sum(costs, Decimal(0)) if costs else None) == row["cost_usd"]
    for call in calls:
        meters = [row["cost_usd"] for row in call.meters]
        if call.actual_usd:
            assert sum(meters, Decimal(0)) == call.actual_usd
        for step in call.steps:
            if step.cost_usd is not None:
                assert sum((row["cost_usd"] for row in step.meters), Decimal(0)) == step.cost_usd
