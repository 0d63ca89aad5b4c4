"""Budgets: what counts, against an oracle in fractions; periods, zones, forecasts, states."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from helpers.logs import Line, capture, uncounted, write
from helpers.runs import question, stored

from auditor.budgets import PERIODS, Budget
from auditor.pipeline.budgets import budget_frames
from auditor.pipeline.reporting import chosen, report

TODAY = date(2030, 1, 1)
INPUT, OUTPUT = Fraction(15, 10**7), Fraction(2, 10**6)  # gpt-3.5-turbo-0613, USD a token
Row = dict[str, Any]


def budget(period: str = "month", limit: str = "1", **more: Any) -> Budget:
    """A budget; ``where`` as in audit.toml."""
    where = {k: (v,) if isinstance(v, str) else tuple(v) for k, v in more.pop("where", {}).items()}
    name = more.pop("name", f"{sorted(where.items())} a {period} {limit}")
    return Budget(name, where, period, Decimal(limit), **more)


def rows_of(
    folder: Path,
    lines: Iterable[Line],
    budgets: Iterable[Budget],
    *,
    today: date = TODAY,
    **asked: Any,
) -> list[Row]:
    """budgets.csv of these calls."""
    with stored(write(folder / "calls.jsonl", lines)) as store:
        wanted = question(scenarios=(), **asked)
        reported = report(
            store,
            wanted,
            chosen(("budgets",)),
            budgets=lambda: budget_frames(store, wanted, budgets, today),
        )
        return reported.reports["budgets"].frame.rows(named=True)


def cost_of(line: Line) -> Fraction:
    usage: dict[str, int] = line["response"]["usage"]
    return usage["prompt_tokens"] * INPUT + usage["completion_tokens"] * OUTPUT


def exact(amount: Decimal) -> Fraction:
    return Fraction(amount)


def begins_of(day: date, period: str) -> date:
    return {
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "quarter": day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "year": day.replace(month=1, day=1),
    }[period]


def ends_of(begins: date, period: str) -> date:
    """The first day that lies in the next period."""
    day = begins
    while begins_of(day, period) == begins:
        day += timedelta(days=1)
    return day


def half_up(amount: Fraction) -> Decimal:
    """To 10^-12, halves away from zero."""
    return Decimal(int(amount * 10**12 + Fraction(1, 2))).scaleb(-12)


def drawn(seed: int, count: int = 120) -> list[Line]:
    """Calls around both clock changes of Berlin, with and without a team."""
    dice = random.Random(seed)
    starts = (datetime(2023, 10, 27, tzinfo=UTC), datetime(2024, 3, 29, tzinfo=UTC))
    return [
        capture(
            f"call-{seed}-{n}",
            f"{dice.choice(starts) + timedelta(seconds=dice.randrange(5 * 86400)):%FT%TZ}",
            sent=dice.randint(1, 4000),
            made=dice.randint(0, 99),
            team=dice.choice((None, "a", "b", "=cmd()", "c,d")),
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Kiritimati"])
def test_cost_and_forecast_are_those_of_an_oracle_in_fractions(zone: str, tmp_path: Path) -> None:
    lines = drawn(len(zone))
    days = {
        line["response"]["id"]: datetime.fromisoformat(line["timestamp"])
        .astimezone(ZoneInfo(zone))
        .date()
        for line in lines
    }
    today = max(days.values())  # still going on: no forecast measures it
    mine = [line for line in lines if line.get("team") in ("a", "=cmd()")]
    scopes = [budget(period, "0.05", where={"team": ["a", "=cmd()"]}) for period in PERIODS]
    found = rows_of(tmp_path, lines, scopes, zone=zone, today=today)
    assert {(row["period"], row["period_from"]) for row in found} == {
        (period, begins_of(day, period)) for period in PERIODS for day in days.values()
    }
    for row in found:
        begins, ends = row["period_from"], row["period_to"]
        assert ends == ends_of(begins, row["period"])
        spent = {line["response"]["id"]: cost_of(line) for line in mine}
        inside = {k: v for k, v in spent.items() if begins <= days[k] < ends}
        assert row["calls"] == len(inside)
        assert exact(row["cost_usd"]) == sum(inside.values())
        first = max(begins, min(days.values()))
        last = min(ends, today)
        assert (row["measured_from"], row["measured_to"]) == (first, last)
        measured = sum(v for k, v in inside.items() if first <= days[k] < last)
        if last <= first:
            assert row["forecast_usd"] is None
            continue
        assert row["measured_days"] == (last - first).days
        forecast = Fraction(measured) * (ends - first).days / (last - first).days
        assert row["forecast_usd"] == max(half_up(forecast), row["cost_usd"])


def test_the_budgets_of_all_teams_and_of_none_are_the_budget_of_all(tmp_path: Path) -> None:
    teams = ("a", "b", "=cmd()", "c,d", "")
    parts = [budget("week", where={"team": team}) for team in teams]
    found = rows_of(tmp_path, drawn(7), [budget("week"), *parts])
    weeks = {row["period_from"] for row in found}
    assert len(weeks) > 2
    for week in weeks:
        whole, *rest = (row for row in found if row["period_from"] == week)
        assert len(rest) == len(teams)
        for name in ("cost_usd", "calls"):
            assert sum(row[name] for row in rest) == whole[name]


def test_the_order_of_budgets_changes_no_figure(tmp_path: Path) -> None:
    budgets = [
        budget("month", where={"team": "a"}),
        budget("day", where={"model": "gpt-3.5-turbo-0613", "team": ["a", "b"]}),
        budget("year"),
        budget("week", where={"team": "b", "model": "gpt-3.5-turbo-0613"}),
    ]

    def keyed(rows: Iterable[Row]) -> dict[tuple[str, date], Row]:
        return {(row["budget"], row["period_from"]): row for row in rows}

    there = rows_of(tmp_path / "1", drawn(3), budgets)
    back = rows_of(tmp_path / "2", drawn(3), budgets[::-1])
    assert keyed(there) == keyed(back)
    assert [row["budget"] for row in back] != [row["budget"] for row in there]


def spread(*days: str, tokens: int = 1000) -> list[Line]:
    """One call of 0.0015 USD on each day."""
    return [
        capture(f"on-{d}-{n}", f"{d}T12:00:00Z", made=0, sent=tokens) for n, d in enumerate(days)
    ]


@pytest.mark.parametrize(
    ("limit", "warn_ppm", "state"),
    [
        ("0.003", None, "forecast_over"),  # at the limit is not over it
        ("0.002999999999", None, "broken"),
        ("0.003000000001", 1_000_000, "forecast_over"),
        ("0.006", 500_000, "warned"),
        ("0.006", 500_001, "forecast_over"),
        ("0.0465", None, "within"),
        ("0.046499999999", None, "forecast_over"),
        ("0", None, "broken"),
    ],
)
def test_the_edges_of_a_limit(limit: str, warn_ppm: int | None, state: str, tmp_path: Path) -> None:
    """0.003 USD in the first two of 31 days: 0.0465 USD by the end."""
    lines = spread("2023-08-01", "2023-08-02")
    (row,) = rows_of(tmp_path, lines, [budget("month", limit, warn_ppm=warn_ppm)])
    assert (row["cost_usd"], row["forecast_usd"]) == (Decimal("0.003"), Decimal("0.0465"))
    assert row["state"] == state
    assert row["left_usd"] == Decimal(limit) - Decimal("0.003")


def test_the_day_of_the_run_is_measured_only_when_it_is_over(tmp_path: Path) -> None:
    lines = spread("2023-08-01", "2023-08-02", "2023-08-03", "2023-08-03", "2023-08-03")
    month = [budget()]
    (running,) = rows_of(tmp_path / "1", lines, month, today=date(2023, 8, 3))
    (over,) = rows_of(tmp_path / "2", lines, month, today=date(2023, 8, 4))
    assert (running["measured_days"], running["forecast_usd"]) == (2, Decimal("0.0465"))
    assert (over["measured_days"], over["forecast_usd"]) == (3, Decimal("0.0775"))
    assert running["cost_usd"] == over["cost_usd"] == Decimal("0.0075")
    (first,) = rows_of(tmp_path / "3", lines[:1], month, today=date(2023, 8, 1))
    assert (first["measured_days"], first["forecast_usd"]) == (0, None)


def test_a_forecast_is_never_below_what_is_spent(tmp_path: Path) -> None:
    lines = spread("2023-08-01", *["2023-08-30"] * 90)
    (row,) = rows_of(tmp_path, lines, [budget()], today=date(2023, 8, 30))
    assert row["forecast_usd"] == row["cost_usd"] == Decimal("0.1365")


def test_a_scope_that_has_fallen_silent_is_measured_as_long_as_the_logs(tmp_path: Path) -> None:
    lines = [
        capture("a", "2023-08-01T12:00:00Z", sent=1000, made=0, team="a"),
        capture("b", "2023-08-10T12:00:00Z", sent=1000, made=0, team="b"),
    ]
    (row,) = rows_of(tmp_path, lines, [budget(where={"team": "a"})])
    assert (row["measured_days"], row["forecast_usd"]) == (10, Decimal("0.00465"))


def test_logs_that_begin_later_than_the_period_are_measured_from_there(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, spread("2023-08-30", "2023-08-31"), [budget("quarter")])
    assert row["measured_from"] == date(2023, 8, 30)
    assert row["forecast_usd"] == Decimal("0.048")  # 0.003 × 32 ÷ 2


def judged(rows: Iterable[Row]) -> list[date]:
    return [row["period_from"] for row in rows if row["judged"] == "yes"]


def test_the_last_period_with_calls_is_judged_and_those_that_look_back_says(tmp_path: Path) -> None:
    days = ("2023-07-05", "2023-08-03", "2023-08-06")
    looking = budget("day", look_back=1)
    (*_, last) = rows = rows_of(tmp_path / "1", spread(*days), [budget("day")])
    assert judged(rows) == [last["period_from"]] == [date(2023, 8, 6)]
    rows = rows_of(tmp_path / "2", spread(*days), [looking])
    assert judged(rows) == [date(2023, 8, 3), date(2023, 8, 6)]


def test_a_call_from_the_future_does_not_hide_the_present(tmp_path: Path) -> None:
    lines = spread("2023-08-03", "2023-08-06", "2031-01-01", "9999-12-31")
    rows = rows_of(tmp_path, lines, [budget("month", "0.001")], today=date(2023, 8, 7))
    assert judged(rows) == [date(2023, 8, 1)]
    assert [row["state"] for row in rows] == ["broken", "unknown"]  # no price of 2031 is known
    assert rows[0]["measured_days"] == 4


def test_what_has_no_price_or_no_date_stands_beside(tmp_path: Path) -> None:
    lines = [
        *spread("2023-08-01"),
        capture("no-price", "2023-08-02T12:00:00Z", "house-model"),
        capture("no-date", None),
        uncounted("no-count", "2023-08-02T12:00:00Z", requested="gpt-3.5-turbo-0613"),
    ]
    mine = budget(where={"model": "house-model"})
    found = {row["budget"]: row for row in rows_of(tmp_path, lines, [budget(), mine])}
    everything, unknown = found[budget().name], found[mine.name]
    assert (everything["calls"], everything["unpriced"], everything["undated"]) == (3, 2, 1)
    assert (everything["cost_usd"], everything["state"]) == (Decimal("0.0015"), "within")
    assert (unknown["calls"], unknown["unpriced"], unknown["undated"]) == (1, 1, 0)
    assert (unknown["cost_usd"], unknown["forecast_usd"], unknown["state"]) == (
        None,
        None,
        "unknown",
    )


def test_a_budget_is_of_its_whole_period_whatever_is_asked(tmp_path: Path) -> None:
    lines = spread("2023-07-31", "2023-08-01", "2023-08-31", "2023-09-01")
    asked = {"from_date": date(2023, 8, 31), "to_date": date(2023, 9, 1)}
    (row,) = rows_of(tmp_path, lines, [budget()], **asked)
    assert (row["period_from"], row["calls"]) == (date(2023, 8, 1), 2)


def test_an_empty_store_has_no_rows(tmp_path: Path) -> None:
    assert rows_of(tmp_path, [capture("no-date", None)], [budget()]) == []
    assert rows_of(tmp_path / "2", spread("2023-08-01"), []) == []


def test_the_limit_may_have_as_many_digits_as_are_allowed(tmp_path: Path) -> None:
    nines = "9" * 12 + "." + "9" * 12
    (row,) = rows_of(tmp_path, spread("2023-08-01"), [budget("month", nines, warn_ppm=1)])
    assert row["limit_usd"] == Decimal(nines)
    assert row["left_usd"] == Decimal(nines) - Decimal("0.0015")
    assert row["used_share"] == 0
