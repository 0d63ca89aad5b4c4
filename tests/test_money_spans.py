"""Queries that compare periods, watch budgets and check the price book, alone, against Python."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from helpers.tables import (
    ACTUAL,
    KEY_OF_NAMES,
    METERS,
    NAMES,
    NO_DAY,
    RATES,
    Row,
    drawn_actual,
    drawn_names,
    groups,
    last,
    money,
    put,
    whole,
)

from auditor.store import Store

SPANS = (
    ("2023-08-18", "2023-08-20"),  # without a call
    ("2023-08-20", "2023-08-22"),
    ("2023-08-22", "2023-08-23"),
    ("2023-08-23", "2023-08-24"),
    ("2023-08-24", "2023-08-25"),  # without a call
)


@pytest.fixture(params=(1, 2, 3), scope="module")
def cells(request: pytest.FixtureRequest) -> list[Row]:
    return priced(drawn_actual(request.param, 120))


def priced(cells: list[Row]) -> list[Row]:
    """What a cell cost is what its tokens cost at the rates of its card."""
    card = {tuple(row[name] for name in KEY_OF_NAMES): row for row in drawn_names(9, cells)}
    for cell in cells:
        if cell["state"] == "counted" and cell["actual_usd"] is not None:
            own = card[tuple(cell[name] for name in KEY_OF_NAMES)]
            cell["actual_usd"] = sum((cost for _, cost in on_meters(cell, own)), Decimal(0))
    return cells


def on_meters(cell: Row, card: Row) -> list[tuple[int, Decimal]]:
    tokens = [*(cell[name] for name in METERS[:3]), cell["produced_tokens"]]
    return [(count, count * card[rate]) for count, rate in zip(tokens, RATES, strict=True)]


@pytest.fixture(scope="module")
def store(cells: list[Row]) -> Iterator[Store]:
    with Store.open(None) as opened:
        filled(opened, cells)
        yield opened


def filled(store: Store, cells: list[Row]) -> None:
    put(store, "actual", ACTUAL, cells)
    put(store, "names", NAMES, drawn_names(9, cells))
    kinds = {"span": "INTEGER", "begins": "DATE", "ends": "DATE"}
    rows = [{"span": n, "begins": a, "ends": b} for n, (a, b) in enumerate(SPANS)]
    put(store, "spans", kinds, rows)


# --- what parts a period from the one before


def share(cost: int, now: int, before: int) -> int:
    """Rounded to the nearest, a half up: no cost is below 0."""
    return floor(Fraction(cost * now, before) + Fraction(1, 2))


Counts = dict[Any, tuple[int, int]]


def counts(rows: list[tuple[Any, int, Decimal]]) -> Counts:
    """By key: how many, and what they cost, in 10^-12 USD."""
    found: Counts = {}
    for key, count, cost in rows:
        many, much = found.get(key, (0, 0))
        found[key] = many + count, much + int(cost.scaleb(12))
    return found


def retold(before: Counts, now: Counts) -> int:
    """The cost of before with as many as there are now, of each kind; what is new as it is."""
    total = 0
    for key, (count, cost) in now.items():
        many, much = before.get(key, (0, 0))
        total += share(much, count, many) if many else cost
    return total


def parted(cells: list[Row]) -> list[Row]:
    card = {tuple(row[name] for name in KEY_OF_NAMES): row for row in drawn_names(9, cells)}
    kinds: list[Counts] = []
    meters: list[Counts] = []
    for begins, ends in SPANS:
        of_kind: list[tuple[Any, int, Decimal]] = []
        of_meter: list[tuple[Any, int, Decimal]] = []
        for cell in cells:
            if cell["state"] != "counted" or cell["actual_usd"] is None:
                continue
            if begins <= cell["by_1"] < ends:
                kind = cell["model"], cell["tier"], cell["prompt_step"]
                of_kind.append((kind, cell["calls"], cell["actual_usd"]))
                own = card[tuple(cell[name] for name in KEY_OF_NAMES)]
                of_meter += [
                    ((kind, place), tokens, cost)
                    for place, (tokens, cost) in enumerate(on_meters(cell, own))
                ]
        kinds.append(counts(of_kind))
        meters.append(counts(of_meter))
    expected = []
    for span in range(1, len(SPANS)):
        n0, c0 = (sum(column) for column in zip((0, 0), *kinds[span - 1].values(), strict=True))
        n1, c1 = (sum(column) for column in zip((0, 0), *kinds[span].values(), strict=True))
        volume = mixed = told = c1
        if n0:
            volume = share(c0, n1, n0)
            mixed = retold(kinds[span - 1], kinds[span])
            told = retold(meters[span - 1], meters[span])
        parts = {
            "model_mix": (0, mixed - volume),
            "rate": (0, c1 - told),
            "start": (n0, c0),
            "tokens_per_call": (0, told - mixed),
            "volume": (n1 - n0, volume - c0),
        }
        expected += [
            {"span": span, "part": part, "calls": calls, "amount_usd": Decimal(amount).scaleb(-12)}
            for part, (calls, amount) in parts.items()
        ]
    return expected


def test_periods_are_parted_from_the_one_before(store: Store, cells: list[Row]) -> None:
    expected = parted(cells)
    assert store.rows("replay/period_parts") == expected
    assert sum(row["amount_usd"] != 0 for row in expected) >= 10


@pytest.mark.parametrize("meter", METERS)
def test_one_call_of_one_token_is_a_period_to_compare_with(cells: list[Row], meter: str) -> None:
    dear = [row for row in cells if row["state"] == "counted" and row["actual_usd"]]
    nothing = dict.fromkeys((*METERS, "reasoning_tokens", "prompt_tokens", "produced_tokens"), 0)
    whole_of = "produced_tokens" if meter == "output_tokens" else "prompt_tokens"
    one = {**dear[0], **nothing, meter: 1, whole_of: 1, "calls": 1, "by_1": "2023-08-21"}
    same = {**one, meter: 8, whole_of: 8, "calls": 3, "by_1": "2023-08-22"}
    later = [same, *({**row, "by_1": "2023-08-22"} for row in dear[1:9])]
    few = priced([{**row} for row in (one, *later)])
    with Store.open(None) as other:
        filled(other, few)
        assert other.rows("replay/period_parts") == parted(few)


# --- budgets


@pytest.mark.parametrize("first", [0, 1])
def test_days_of_budgets(store: Store, cells: list[Row], first: int) -> None:
    """With a budget of everything, and without: then some calls are in none."""
    kinds = {"budget": "INTEGER", **{f"values_{n}": "VARCHAR[]" for n in range(2, 7)}}
    scopes: list[Row] = [{"budget": 0}]
    scopes += [{"budget": n - 1, f"values_{n}": ["b", "c", "x"]} for n in range(2, 7)]
    scopes += [{"budget": 6, "values_2": ["b"], "values_3": [""]}, {"budget": 7, "values_2": ["x"]}]
    scopes = scopes[first:]
    put(store, "scopes", kinds, scopes)
    expected = []
    for scope in scopes:
        wanted = {f"by_{n}": scope.get(f"values_{n}") for n in range(2, 7)}
        own = [
            cell
            for cell in cells
            if all(values is None or cell[by] in values for by, values in wanted.items())
        ]
        for key, rows in groups(own, lambda row: {"day": row["by_1"]}):
            expected.append({
                "budget": scope["budget"],
                **key,
                "calls": whole(rows, "calls"),
                "unpriced": whole(rows, "calls", lambda row: row["actual_usd"] is None),
                "cost_usd": money(rows, "actual_usd"),
            })  # fmt: skip
    expected.sort(key=lambda row: (row["budget"], row["day"]))
    assert store.rows("replay/budget_days") == expected
    assert len({row["budget"] for row in expected}) == 7 - first


# --- the price book

SINCE, UNTIL = date(2023, 8, 1), date(2023, 9, 30)
ENDS = {
    ("openai.csv", 7): SINCE,
    ("openai.csv", 8): UNTIL,
    ("ours.csv", 7): SINCE - timedelta(1),
    ("ours.csv", 8): UNTIL + timedelta(1),
}
EMPTY = dict.fromkeys(("priced_as", "led_by", "book", "line", "confidence", "ends_on"))
OF_BOOK = ("confidence", "ends_on", "source")
OF_ROW = ("priced_as", "led_by", "book", "line", "confidence", "ends_on")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
def test_what_the_price_book_lacks(cells: list[Row], zone: str) -> None:
    """Of cells of which some are alike, whatever else tells them apart."""
    with Store.open(None) as other:
        check_findings(other, [*cells, *cells[:60]], zone)


def check_findings(store: Store, cells: list[Row], zone: str) -> None:
    filled(store, cells)
    book: dict[Any, Row] = {
        place: {"confidence": "certain" if place[1] == 7 else "likely", "ends_on": ends,
                "source": f"page {n}"}
        for n, (place, ends) in enumerate(ENDS.items())
    }  # fmt: skip
    kinds = {"book": "VARCHAR", "line": "BIGINT", "confidence": "VARCHAR", "ends_on": "DATE"}
    rows = [{"book": name, "line": line, **own} for (name, line), own in book.items()]
    put(store, "book_rows", {**kinds, "source": "VARCHAR"}, rows)
    found: list[Row] = []
    for cell in cells:
        name = cell["served_model"] or cell["requested_model"]
        if cell["state"] == "failed" or cell["epoch"] == NO_DAY or not name:
            continue
        row = book.get(
            (cell["book"], cell["line"]), dict.fromkeys(("confidence", "ends_on", "source"))
        )
        led_by = cell["basis"] if cell["basis"] != "exact" else None
        paid = cell["actual_usd"]
        line = {
            "priced_as": cell["model"], "led_by": led_by, "book": cell["book"],
            "line": cell["line"], "confidence": row["confidence"], "ends_on": row["ends_on"],
        }  # fmt: skip
        own: Row = {"name": name, "tier": cell["tier"], "cell": cell}
        if paid is None and (cell["model"] is None or cell["state"] == "counted"):
            found.append({"rank": 1, "finding": "unknown", **own, **EMPTY, "why": cell["reason"]})
        if row["ends_on"] and SINCE <= row["ends_on"] <= UNTIL:
            found.append({"rank": 2, "finding": "retiring", **own, **line, "why": row["source"]})
        line["ends_on"] = None
        if cell["certain"] is False and paid:
            doubtful = {**own, "name": cell["model"], **line, "led_by": None}
            found.append({"rank": 3, "finding": "doubtful", **doubtful, "why": row["source"]})
        if led_by and paid is not None:
            found.append({"rank": 4, "finding": "inferred", **own, **line, "why": row["source"]})
    names = ("rank", "finding", "name", "tier", *OF_ROW, "why")
    expected = []
    for key, rows in groups(found, lambda row: {name: row[name] for name in names}):
        own_cells = [row["cell"] for row in rows]
        seen = max(cell["last_call_at"] for cell in own_cells)
        there = seen.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)).date()
        expected.append({
            **key,
            "calls": whole(own_cells, "calls"),
            "input_tokens": whole(own_cells, "prompt_tokens"),
            "output_tokens": whole(own_cells, "produced_tokens"),
            "last_seen": there,
            "cost_usd": money(own_cells, "actual_usd") if key["rank"] > 1 else None,
        })  # fmt: skip
    expected.sort(key=lambda row: in_order(row))
    answer = store.rows("replay/price_findings", since=SINCE, until=UNTIL, zone=zone)
    assert answer == [{n: v for n, v in row.items() if n != "rank"} for row in expected]
    assert {row["finding"] for row in answer} == {"unknown", "retiring", "doubtful", "inferred"}


def in_order(row: Row) -> tuple[Any, ...]:
    """The dearest first, and before them what nobody can price."""
    cost = row["cost_usd"]
    return (
        row["rank"],
        (cost is not None, -cost if cost is not None else 0),
        -row["calls"],
        last(*(row[n] for n in ("name", "tier", "priced_as", "led_by", "book", "line", "why"))),
    )


def test_one_call_is_told_as_it_is(store: Store, cells: list[Row]) -> None:
    names = (
        "closing", "requested_model", "state", "movable", "window_step", "prompt_step",
        "moved_window_step", "moved_prompt_step", "move", "prompt_tokens", "produced_tokens",
        "actual_usd",
    )  # fmt: skip
    expected = [
        {**{n: cell[n] for n in names}, "reason": cell["reason"] if cell["actual_usd"] is None
         else None}
        for cell in cells
    ]  # fmt: skip
    found = store.rows("replay/one_call")
    assert found == expected
