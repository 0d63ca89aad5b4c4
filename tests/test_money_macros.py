"""Each expression that queries share, alone: held against Python's own whole numbers and clocks."""

# ruff: noqa: DTZ001 (the store keeps moments of UTC, and clocks, without a zone)

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import ceil, floor
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from auditor.store import Store

ZONES = ("UTC", "Asia/Kathmandu", "America/New_York", "Europe/Berlin")
TOKENS = ("input", "cache_read", "cache_write", "output", "reasoning", "audio")
Said = Callable[..., Any]


@pytest.fixture(scope="module")
def said() -> Iterator[Said]:
    """What an expression says of these values."""
    with Store.open(None) as store:

        def answer(expression: str, **values: Any) -> Any:
            row = store._connection.execute(f"SELECT {expression}", values).fetchone()
            assert row is not None
            return row[0] if len(row) == 1 else row

        yield answer


# --- readings and their identity

KINDS = {
    "counted_by": ("VARCHAR", ("provider", "tokenizer", "estimate", "nobody")),
    **{f"{name}_tokens": ("BIGINT", (0, 1, 2)) for name in TOKENS},
    "failed": ("BOOLEAN", (False, True)),
    "called_at": ("TIMESTAMP", (None, datetime(2023, 8, 22, 10), datetime(2023, 8, 22, 11, 1))),
    "served_model": ("VARCHAR", (None, "gpt-4", "gpt-4-0613")),
    "requested_model": ("VARCHAR", (None, "gpt-3.5-turbo", "gpt-4")),
    "endpoint": ("VARCHAR", ("chat", "completion")),
    "tier": ("VARCHAR", ("batch", "standard")),
    "max_tokens": ("BIGINT", (None, 0, 1, 2)),
    "recorded_usd": ("DECIMAL(38, 12)", (None, Decimal(0), Decimal("0.5"), Decimal(1))),
    "tags": ("MAP(VARCHAR, VARCHAR)", (None, {"a": "z"}, {"a": "y", "b": "x"}, {"b": "a"})),
    "problem": ("VARCHAR", (None, "no usage", "no text")),
    "fingerprint": ("VARCHAR", ("f1", "f2")),
}
OF_QUALITY = (
    "counted_by", *(f"{name}_tokens" for name in TOKENS), "failed", "called_at", "served_model",
    "requested_model", "endpoint", "tier", "max_tokens", "recorded_usd", "tags", "problem",
)  # fmt: skip
OF_ROW = (
    "called_at", "requested_model", "served_model", "endpoint", "tier", "failed", "counted_by",
    *(f"{name}_tokens" for name in TOKENS), "max_tokens", "recorded_usd", "tags", "fingerprint",
)  # fmt: skip
Reading = dict[str, Any]


def plain() -> Reading:
    return {name: values[0] for name, (_, values) in KINDS.items()}


def full() -> Reading:
    return {name: values[-1] for name, (_, values) in KINDS.items()}


def drawn(dice: random.Random) -> Reading:
    return {name: dice.choice(values) for name, (_, values) in KINDS.items()}


def neighbours() -> Iterator[Reading]:
    """Readings of which each differs from one of two in one field."""
    for base, (name, (_, values)) in product((plain(), full()), KINDS.items()):
        for value in values:
            yield {**base, name: value}


def asked(macro: str, names: tuple[str, ...], mark: str = "") -> str:
    return f"{macro}({', '.join(f'${mark}{name}::{KINDS[name][0]}' for name in names)})"


def words(tags: dict[str, str] | None) -> str:
    inner = ", ".join(f"{key}={value}" for key, value in (tags or {}).items())
    return f"{{{inner}}}" if tags else ""


def merit(reading: Reading) -> tuple[Any, ...]:
    """What makes a reading better than another, the weightiest first."""
    who = ("nobody", "estimate", "tokenizer", "provider").index(reading["counted_by"])
    names = [f"{name}_tokens" for name in TOKENS]
    return (
        who,
        sum(reading[name] for name in names),
        not reading["failed"],
        *(str(reading[name] or "") for name in ("called_at", "served_model", "requested_model")),
        *(reading[name] for name in names[:5]),
        reading["endpoint"],
        reading["tier"],
        *(-1 if reading[n] is None else reading[n] for n in ("max_tokens", "recorded_usd")),
        len(reading["tags"] or ()),
        words(reading["tags"]),
        reading["problem"] or "",
    )


def test_the_better_reading_is_the_one_with_more_to_say(said: Said) -> None:
    """In pairs that differ in one field, in two of which one speaks against the other, and any."""
    dice = random.Random(5)
    pairs = [(a, b) for a, b in product(neighbours(), (plain(), full()))]
    for name, other in product(OF_QUALITY, OF_QUALITY):
        one, two = KINDS[name][1], KINDS[other][1]
        low, high = sorted(dice.sample(one, 2), key=lambda v: merit({**plain(), name: v}))
        down, up = sorted(dice.sample(two, 2), key=lambda v: merit({**plain(), other: v}))
        pairs.append(({**plain(), name: high, other: down}, {**plain(), name: low, other: up}))
    pairs += [(drawn(dice), drawn(dice)) for _ in range(60)]
    better = f"{asked('quality', OF_QUALITY)} > {asked('quality', OF_QUALITY, 'than_')}"
    for a, b in pairs:
        of_a = {name: a[name] for name in OF_QUALITY}
        of_b = {f"than_{name}": b[name] for name in OF_QUALITY}
        assert said(better, **of_a, **of_b) == (merit(a) > merit(b)), (a, b)


def test_the_identity_of_a_row_is_the_hash_of_what_the_log_says(said: Said) -> None:
    """Written down anew: ids are kept in stores, so they must be the same for ever."""
    dice = random.Random(6)
    for reading in (*neighbours(), *(drawn(dice) for _ in range(40))):
        tokens = " ".join(str(reading[f"{name}_tokens"]) for name in TOKENS)
        said_by_log = (
            reading["called_at"],
            reading["requested_model"],
            reading["served_model"],
            reading["endpoint"],
            reading["tier"],
            "true" if reading["failed"] else "false",
            tokens if reading["counted_by"] == "provider" else "",
            reading["max_tokens"],
            None if reading["recorded_usd"] is None else f"{reading['recorded_usd']:.12f}",
            words(reading["tags"]),
            reading["fingerprint"],
        )
        text = "\x1f".join("" if one is None else str(one) for one in said_by_log)
        expected = f"row-{hashlib.md5(text.encode()).hexdigest()}-1"
        own = {name: reading[name] for name in OF_ROW}
        assert said(asked("row_id", OF_ROW), **own) == expected
        assert said("id_stem($id)", id=expected) == expected[:-2]
        assert said("id_stem($id)", id=expected[:-1] + "12") == expected[:-2]
    for other in ("chatcmpl-" + "7" * 60, "", "row", "a-row-" + "7" * 60):
        assert said("id_stem($id)", id=other) == other


# --- clocks


def at(moment: datetime, zone: str) -> datetime:
    """The wall clock there."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def in_utc(clock: datetime, zone: str) -> datetime:
    return clock.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


MOMENTS = tuple(
    datetime(2023, month, day, hour, minute, 59)
    for month, day in ((3, 12), (3, 26), (8, 22), (12, 31))
    for hour, minute in ((0, 0), (0, 14), (0, 15), (4, 44), (5, 30), (18, 15), (23, 44), (23, 45))
)


@pytest.mark.parametrize("zone", ZONES)
def test_clocks_and_days_of_a_zone(said: Said, zone: str) -> None:
    for moment in MOMENTS:
        clock = at(moment, zone)
        assert said("local_time($moment::TIMESTAMP, $zone)", moment=moment, zone=zone) == clock
        for minutes in (0, 1, 15, 45):
            into = 60 * clock.hour + clock.minute
            edge = "first" if into < minutes else "last" if into >= 1440 - minutes else ""
            found = said("edge_of($clock::TIMESTAMP, $n)", clock=clock, n=minutes)
            assert found == edge
            name = f"midnight:{minutes}"
            assert dimension(said, name, {**CALL, "called_at": moment}, zone) == edge
    for day in {moment.date() for moment in MOMENTS}:
        begins = in_utc(datetime.combine(day, time()), zone)
        assert said("day_begins($day::DATE, $zone)", day=day, zone=zone) == begins
        days = {"a": day, "b": day + timedelta(9), "zone": zone}
        period = said("* FROM period_of($a::DATE, $b::DATE, $zone)", **days)
        ends = in_utc(datetime.combine(day + timedelta(9), time()), zone)
        assert period == (begins, ends)
        assert said("* FROM period_of(NULL::DATE, NULL::DATE, $zone)", zone=zone) == (None, None)
        midnight = datetime.combine(day, time())
        inside = said("day_in($midnight::TIMESTAMP, $zone)", midnight=midnight, zone=zone)
        assert inside == max(midnight, begins)
        assert inside.date() == at(inside, zone).date() == day
        focus = said("focus_moment($day::DATE, $zone)", day=day, zone=zone)
        assert focus == f"{begins:%Y-%m-%dT%H:%M:%SZ}"


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


def test_the_step_is_the_number_of_edges_below(said: Said) -> None:
    for amount in sorted({edge + beside for edge in EDGES for beside in (-1, 0, 1)}):
        expected = sum(edge < amount for edge in EDGES)
        assert said("step($amount, $edges::BIGINT[])", amount=amount, edges=EDGES) == expected


def test_states(said: Said) -> None:
    for who, failed, audio in product(KINDS["counted_by"][1], (False, True), (False, True)):
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


def test_days_are_dates(said: Said) -> None:
    """A day of no zone stays itself, so that no clock moves a price."""
    assert said("day_begins($day::DATE, 'UTC')", day=date(2023, 8, 22)) == datetime(2023, 8, 22)
