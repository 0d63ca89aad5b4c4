"""Each expression that queries share, alone: held against Python's own whole numbers and clocks."""

# ruff: noqa: DTZ001 (the store keeps moments of UTC, and clocks, without a zone)

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import ceil, floor
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from helpers.tables import for_each

from auditor.store import Store

ZONES = ("UTC", "Asia/Kathmandu", "America/New_York", "Europe/Berlin")
COUNTERS = ("provider", "tokenizer", "estimate", "nobody")
Said = Callable[..., Any]
Reading = dict[str, Any]


@pytest.fixture(scope="module")
def said() -> Iterator[Said]:
    """What an expression says of these values."""
    with Store.open(None) as store:

        def answer(expression: str, **values: Any) -> Any:
            row = store._connection.execute(f"SELECT {expression}", values).fetchone()
            assert row is not None
            return row[0] if len(row) == 1 else row

        yield answer


# --- clocks


def at(moment: datetime, zone: str) -> datetime:
    """The wall clock there."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def in_utc(clock: datetime, zone: str) -> datetime:
    return clock.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


MOMENTS = tuple(
    datetime(2023, month, day, hour, minute, 59)
    for month, day in ((3, 12), (3, 26), (8, 22), (12, 31))
    for hour, minute in (
        (0, 0),
        (0, 14),
        (0, 15),
        (1, 59),
        (2, 0),
        (4, 44),
        (18, 15),
        (21, 59),
        (22, 0),
        (23, 45),
    )
)


@pytest.mark.parametrize("zone", ZONES)
def test_wall_clocks_and_edges_of_days(zone: str) -> None:
    rows: list[Reading] = [
        {"moment": moment, "n": minutes, "zone": zone}
        for moment, minutes in product(MOMENTS, (0, 1, 15, 120))
    ]
    kinds = {"moment": "TIMESTAMP", "n": "INTEGER", "zone": "VARCHAR"}
    clocks = [at(moment, zone) for moment, _ in product(MOMENTS, range(4))]
    assert for_each("local_time(moment, zone)", kinds, rows) == clocks
    edges = []
    for row, clock in zip(rows, clocks, strict=True):
        into = 60 * clock.hour + clock.minute
        edges.append("first" if into < row["n"] else "last" if into >= 1440 - row["n"] else "")
    assert for_each("edge_of(local_time(moment, zone), n)", kinds, rows) == edges
    rest = "NULL, NULL, '', '', '', NULL::MAP(VARCHAR, VARCHAR), '', '', ''"
    named = f"dimension('midnight:' || n, moment, zone, {rest})"
    assert for_each(named, kinds, rows) == edges


@pytest.mark.parametrize("zone", ZONES)
def test_days_of_a_zone(said: Said, zone: str) -> None:
    days = sorted({moment.date() for moment in MOMENTS})
    midnights = [datetime.combine(day, time()) for day in days]
    rows = [
        {"day": day, "midnight": midnight, "zone": zone}
        for day, midnight in zip(days, midnights, strict=True)
    ]
    kinds = {"day": "DATE", "midnight": "TIMESTAMP", "zone": "VARCHAR"}
    begins = [in_utc(midnight, zone) for midnight in midnights]
    assert for_each("day_begins(day, zone)", kinds, rows) == begins
    inside = for_each("day_in(midnight, zone)", kinds, rows)
    assert inside == [max(pair) for pair in zip(midnights, begins, strict=True)]
    assert [moment.date() for moment in inside] == [at(one, zone).date() for one in inside] == days
    words = [f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in begins]
    assert for_each("focus_moment(day, zone)", kinds, rows) == words
    asked = {"a": days[0], "b": days[-1], "zone": zone}
    found = said("* FROM period_of($a::DATE, $b::DATE, $zone)", **asked)
    assert found == (begins[0], begins[-1])
    assert said("* FROM period_of(NULL::DATE, NULL::DATE, $zone)", zone=zone) == (None, None)


# --- dimensions

CALL = {
    "called_at": datetime(2023, 8, 31, 22, 30),
    "served_model": "gpt-4-0613",
    "requested_model": "gpt-4",
    "endpoint": "chat",
    "tier": "batch",
    "source_name": "logs/a.jsonl",
    "tags": {"team": "red", "tag:team": "blue", "dayless": "green"},
    "workload": "9b2788454aff",
    "booking": "2023-08",
    "source_sha256": "5feceb66",
}
TYPES = {"called_at": "TIMESTAMP", "tags": "MAP(VARCHAR, VARCHAR)"}


def dimension(said: Said, name: str, call: Reading, zone: str = "Europe/Berlin") -> str:
    ways = {
        "called_at": call["called_at"], "zone": zone,
        **{key: call[key] for key in CALL if key != "called_at"},
    }  # fmt: skip
    given = ", ".join(f"${key}::{TYPES.get(key, 'VARCHAR')}" for key in ways)
    found = said(f"dimension($name, {given})", name=name, **ways)
    assert isinstance(found, str), name
    return found


def test_dimensions_say_what_their_names_mean(said: Said) -> None:
    expected = {
        "": "",
        "day": "2023-09-01",
        "month": "2023-09",
        "model": "gpt-4-0613",
        "requested_model": "gpt-4",
        "endpoint": "chat",
        "tier": "batch",
        "source": "logs/a.jsonl",
        "workload": "9b2788454aff",
        "booking": "2023-08",
        "source_sha256": "5feceb66",
        "midnight:31": "first",
        "tag:team": "red",
        "tag:tag:team": "blue",
        "tag:nobody": "",
        "team": "red",
        "dayless": "green",
        "nobody": "",
    }
    for name, value in expected.items():
        assert dimension(said, name, CALL) == value, name
    named = {**CALL, "tags": dict.fromkeys(expected, "tagged")}
    of_tags = ("tag:team", "tag:tag:team", "tag:nobody", "team", "dayless", "nobody")
    for name, value in expected.items():
        assert dimension(said, name, named) == ("tagged" if name in of_tags else value), name


def test_dimensions_of_what_a_call_lacks_are_empty(said: Said) -> None:
    lacking = {
        **CALL, "called_at": None, "served_model": None, "workload": None, "tags": None,
    }  # fmt: skip
    assert dimension(said, "model", lacking) == "gpt-4"
    nameless = {**lacking, "requested_model": None}
    for name in ("day", "month", "model", "requested_model", "workload", "tag:team", "team"):
        assert dimension(said, name, nameless) == "", name


# --- whole numbers and money

EDGES = [10 * n for n in range(1, 25)]


def test_the_step_is_the_number_of_edges_below() -> None:
    amounts = sorted({edge + beside for edge in EDGES for beside in (-1, 0, 1)})
    steps = [sum(edge < amount for edge in EDGES) for amount in amounts]
    rows = [{"amount": amount, "edges": EDGES} for amount in amounts]
    assert for_each("step(amount, edges)", {"amount": "BIGINT", "edges": "BIGINT[]"}, rows) == steps


def test_states(said: Said) -> None:
    for who, failed, audio in product(COUNTERS, (False, True), (False, True)):
        state = "failed" if failed else "uncounted"
        state = "audio" if audio else state if who == "nobody" else "counted"
        found = said("state_of($who, $failed, $audio)", who=who, failed=failed, audio=audio)
        assert found == state


def test_averages_and_shares_are_rounded_up(said: Said) -> None:
    for tokens, requests in product((0, 1, 2, 3, 6, 7, 8, 1_000_001), (1, 2, 3, 7)):
        found = said("per_request($t, $n)", t=tokens, n=requests)
        assert found == ceil(Fraction(tokens, requests))
    for tokens, ppm in product((0, 1, 3, 7, 1_000, 2**53 + 1), (0, 1, 250_000, 999_999, 1_000_000)):
        found = said("share_up($t::BIGINT, $ppm::BIGINT)", t=tokens, ppm=ppm)
        assert found == ceil(Fraction(tokens * ppm, 1_000_000))
    assert said("share_up($t::BIGINT, $ppm::BIGINT)", t=1, ppm=1_250_000) == 2


def test_quotients_are_rounded_as_they_are_called(said: Said) -> None:
    for whole, parts in product(range(13), range(1, 6)):
        exact = Fraction(whole, parts)
        assert said("up($a, $b)", a=whole, b=parts) == ceil(exact)
        assert said("down($a, $b)", a=whole, b=parts) == floor(exact)
        near = floor(exact + Fraction(1, 2))
        assert said("nearest($a, $b)", a=whole, b=parts) == near
        assert said("nearest($a, $b)", a=-whole, b=parts) == -near
    assert said("down(1, 0), nearest(1, 0)") == (None, None)


def test_money_is_exact(said: Said) -> None:
    rate = Decimal("0.000000123457")
    for tokens in (0, 1, 2, 999_999_999_937):
        found = said("token_cost($t::BIGINT, $r::DECIMAL(18, 12))", t=tokens, r=rate)
        assert found == tokens * rate
    assert said("token_cost(0, NULL)") == 0
    assert said("token_cost(1, NULL)") is None
    for usd in map(Decimal, ("0", "0.000000000001", "1.5", "12345678.987654321012", "-0.25")):
        assert said("units($usd::DECIMAL(38, 18))", usd=usd) == usd * 10**18
        assert said("usd_of($units::HUGEINT)", units=int(usd * 10**18)) == usd
        assert said("picos($usd::DECIMAL(38, 12))", usd=usd) == usd * 10**12
        assert said("usd_of_picos($picos::HUGEINT)", picos=int(usd * 10**12)) == usd
    smallest = Decimal("0.000000000000000001")
    assert said("units($usd::DECIMAL(38, 18))", usd=smallest) == 1
    assert said("usd_of(1::HUGEINT)") == smallest
    for count in (0, 1, 250_000, 1_000_001, -7):
        assert said("millionths($n::HUGEINT)", n=count) == Decimal(count).scaleb(-6)
    kinds = said("typeof(token_cost(1, 1)), typeof(usd_of(1)), typeof(usd_of_picos(1))")
    assert all(kind.startswith("DECIMAL") for kind in kinds)


def test_rates_in_words(said: Said) -> None:
    def usd(*rates: str | None) -> str:
        given = {f"r{n}": rate and Decimal(rate) for n, rate in enumerate(rates)}
        given_as = ", ".join(f"${name}::DECIMAL(18, 12)" for name in given)
        return str(said(f"rates_in_words({given_as})", **given))

    assert said("per_1k(0.0000015::DECIMAL(18, 12))") == "0.0015"
    assert said("per_1k(0.02::DECIMAL(18, 12))") == "20"
    assert said("per_1k(0.000000000001::DECIMAL(18, 12))") == "0.000000001"
    same = "0.00003"
    assert usd(same, same, same, "0.00006") == "0.03 sent, 0.06 answered"
    assert usd(same, "0.000015", "0.00004", "0.00006") == (
        "0.03 sent, 0.015 read from a cache, 0.04 written to a cache, 0.06 answered"
    )
    assert usd(same, "0.000015", same, "0.00006") == (
        "0.03 sent, 0.015 read from a cache, 0.06 answered"
    )
    assert usd(same, same, same, None) == "0.03 sent"


def test_words_of_focus(said: Said) -> None:
    for number, text in (("1.500000", "1.5"), ("2.000000", "2.0"), ("0.010203", "0.010203")):
        assert said("focus_number($n::DECIMAL(18, 6))", n=Decimal(number)) == text
    for team, key in product((None, "red"), (None, "k1")):
        known = {"team": team, "x_ApiKeyId": key}
        found = said("focus_tags($team::VARCHAR, $key::VARCHAR)", team=team, key=key)
        assert json.loads(found) == {name: value for name, value in known.items() if value}
