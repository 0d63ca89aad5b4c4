"""Each query that multiplies tokens by rates, alone: cell by cell, in Decimal."""

# ruff: noqa: DTZ001 (the store keeps moments of UTC without a zone)

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from helpers.tables import (
    ACTUAL,
    BY,
    CARD,
    KEY_OF_CARD,
    KEY_OF_NAMES,
    METERS,
    NAMES,
    NO_DAY,
    RATES,
    Row,
    drawn_actual,
    drawn_card,
    drawn_names,
    groups,
    put,
    whole,
)

from auditor.store import Store

SCENARIOS = (0, 1)
AUDIO = "audio tokens have no rate in the book"
OF_NAMES = {"model": "VARCHAR", "basis": "VARCHAR", "book": "VARCHAR", "line": "BIGINT"} | {
    "certain": "BOOLEAN",
    "reason": "VARCHAR",
}
OF_CUBE = {name: kind for name, kind in ACTUAL.items() if name not in (*OF_NAMES, "actual_usd")}


@pytest.fixture(params=(1, 2, 3), scope="module")
def cells(request: pytest.FixtureRequest) -> list[Row]:
    rows = drawn_actual(request.param, 150)
    for row in rows:
        row["first_call_at"] = row["last_call_at"] - timedelta(hours=1)
    return rows


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(None) as opened:
        yield opened


def cost(tokens: int, rate: Decimal | None) -> Decimal | None:
    """Nothing costs nothing, whatever the rate."""
    if not tokens:
        return Decimal(0)
    return None if rate is None else tokens * rate


def added(*amounts: Decimal | None) -> Decimal | None:
    """Unknown where a part is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None


def thinned(rows: list[Row], seed: int) -> list[Row]:
    """Some without a rate for answers, some without any: then with a reason."""
    dice = random.Random(seed)
    for row in rows:
        row |= {"model": "m1", "basis": "exact", "book": "b.csv", "line": 7, "certain": True}
        row["reason"] = None
        if dice.random() < 0.2:
            row["output_usd"] = None
        elif dice.random() < 0.2:
            row |= dict.fromkeys((*RATES, *OF_NAMES))
            row["reason"] = dice.choice(("nobody knows", "no rate"))
    return rows


def test_the_actual_cost_of_each_cell(store: Store, cells: list[Row]) -> None:
    names = thinned(drawn_names(9, cells), 9)
    put(store, "cube", OF_CUBE, cells)
    put(store, "names", NAMES | OF_NAMES, names)
    card = {tuple(row[name] for name in KEY_OF_NAMES): row for row in names}
    expected = []
    for cell in cells:
        own = card[tuple(cell[name] for name in KEY_OF_NAMES)]
        prompt = [cost(cell[n], own[rate]) for n, rate in zip(METERS[:3], RATES[:3], strict=True)]
        answer = cost(cell["output_tokens"] + cell["reasoning_tokens"], own["output_usd"])
        paid = added(*prompt, answer) if cell["state"] == "counted" else None
        counted = own["reason"] or "its output has no rate in the book"
        reasons = {"uncounted": cell["problem"], "audio": AUDIO, "failed": ""}
        expected.append({
            **{name: cell[name] for name in OF_CUBE},
            **{name: own[name] for name in OF_NAMES if name != "reason"},
            "actual_usd": Decimal(0) if cell["state"] == "failed" else paid,
            "reason": reasons.get(cell["state"], counted),
        })  # fmt: skip
    assert {row["reason"] for row in expected} >= {AUDIO, "no rate", "no text", ""}
    store.run("replay/actual")
    assert rows_of(store, "actual") == expected
    put(store, "names", NAMES | OF_NAMES, names[1:])
    store.run("replay/actual")
    assert len(rows_of(store, "actual")) == len(cells)


def rows_of(store: Store, table: str, order: str = "cell") -> list[Row]:
    found = store._connection.execute(f"SELECT * FROM {table} ORDER BY {order}")
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


# --- scenarios


def drawn(cells: list[Row]) -> list[Row]:
    dice = random.Random(5)
    rows = drawn_card(5, cells, SCENARIOS)
    for row in rows:
        row["outcome"] = dice.choice(("fits", "fits", "overflows", "unpriced"))
        row["target"] = dice.choice(("t1", "t2"))
        row["priced_as"] = dice.choice(("m1", "m2"))
        row["reason"] = dice.choice((None, "no window")) if row["outcome"] == "unpriced" else None
        if dice.random() < 0.2:
            row["output_usd"] = None
        if dice.random() < 0.1:
            row |= dict.fromkeys(RATES)
    return rows


Entry = tuple[Row, Row, Row]


def entries(cells: list[Row], card: list[Row]) -> Iterator[Entry]:
    """Scenario by scenario: what can be moved, its card, and what it comes to."""
    of = {(row["scenario"], *(row[name] for name in KEY_OF_CARD)): row for row in card}
    for scenario in SCENARIOS:
        for cell in cells:
            if cell["movable"] and cell["state"] != "failed":
                own = of[scenario, *(cell[name] for name in KEY_OF_CARD)]
                yield cell, own, entry(cell, own)


def entry(cell: Row, own: Row) -> Row:
    rated = list(zip(METERS[:3], RATES[:3], strict=True))
    prompt = added(*(cost(cell[meter], own[rate]) for meter, rate in rated))
    cuts = added(*(cost(cell[f"cut_{meter}"], own[rate]) for meter, rate in rated))
    output = cost(cell["output_tokens"] + cell["reasoning_tokens"], own["output_usd"])
    off = sum(cell[f"cut_{meter}"] for meter in METERS[:3])
    is_known = prompt is not None and output is not None
    stays, paid = own["stays"], cell["actual_usd"]
    outcome = own["outcome"]
    if cell["state"] != "counted" or (stays and paid is None):
        outcome = "unpriced"
    elif stays:
        outcome = "fits"
    elif outcome == "fits" and not is_known:
        outcome = "unpriced"
    own_reason = own["reason"] or "the target has no rate for what it produces"
    reasons = {"uncounted": cell["problem"], "audio": AUDIO}
    why = reasons.get(cell["state"], cell["reason"] if stays else own_reason)
    moved = outcome == "fits" and not stays
    found: Row = {
        "scenario": own["scenario"], "cell": cell["cell"], "outcome": outcome,
        "target": own["target"], "priced_as": own["priced_as"], "workload": cell["workload"],
        **{name: cell[name] for name in (*BY, "calls")},
        "prompt_tokens": cell["prompt_tokens"], "produced_tokens": cell["produced_tokens"],
        **dict.fromkeys(("prompt_usd", "cut_usd", "output_usd", "answers_usd", "replayed_usd")),
        "actual_usd": paid, "reason": why if outcome == "unpriced" else None,
    }  # fmt: skip
    if moved:
        assert prompt is not None and cuts is not None and output is not None
        found["prompt_tokens"] = cell["prompt_tokens"] * own["kept"] - off * own["cut_calls"]
        found["produced_tokens"] = cell["produced_tokens"] * own["output"]
        found |= {"prompt_usd": prompt, "output_usd": output}
        found["cut_usd"] = cuts * own["cut_calls"]
        found["answers_usd"] = output * own["output"]
        found["replayed_usd"] = prompt * own["kept"] - found["cut_usd"] + found["answers_usd"]
    elif outcome == "fits":
        found["replayed_usd"] = paid
    return found


def test_each_cell_under_each_scenario(store: Store, cells: list[Row]) -> None:
    card = drawn(cells)
    put(store, "actual", ACTUAL, cells)
    put(store, "card", CARD, card)
    store.run("replay/ledger")
    found = rows_of(store, "ledger", "scenario, cell")
    expected = [made for *_, made in entries(cells, card)]
    assert found == expected
    assert {row["outcome"] for row in expected} == {"fits", "overflows", "unpriced"}
    one = expected[0]["cell"]
    store._connection.execute("DELETE FROM ledger WHERE cell <> $one", {"one": one})
    names = ("scenario", "outcome", "target", "replayed_usd")
    told = [{name: row[name] for name in names} for row in expected if row["cell"] == one]
    assert store.rows("replay/one_ledger") == told


def test_the_multiplication_of_each_call(store: Store, cells: list[Row]) -> None:
    """Of those that cost, and under the scenarios that move them."""
    names = drawn_names(9, cells)
    card = drawn(cells)
    put(store, "names", NAMES, names)
    put(store, "card", CARD, card)
    rates = {tuple(row[name] for name in KEY_OF_NAMES): row for row in names}
    plain = {"kept": Decimal(1), "cut_calls": Decimal(0), "output": Decimal(1), "scenario": None}
    for cell in cells[:40]:
        if not cell["movable"] and cell["cell"] % 2:
            continue
        put(store, "actual", ACTUAL, [cell])
        own = [rates[tuple(cell[name] for name in KEY_OF_NAMES)] | plain]
        own += [
            row
            for row in sorted(card, key=lambda row: row["scenario"])
            if all(row[name] == cell[name] for name in KEY_OF_CARD)
            and row["outcome"] == "fits" and not row["stays"] and cell["movable"]
        ]  # fmt: skip
        expected = [line for one in own for line in lines(cell, one)]
        assert store.rows("replay/multiplied") == expected


def lines(cell: Row, own: Row) -> Iterator[Row]:
    for place, name in enumerate((*METERS, "reasoning_tokens")):
        tokens, rate = cell[name], own[RATES[min(place, 3)]]
        if tokens:
            kept = own["kept"] if place < 3 else own["output"]
            cut = cell[f"cut_{name}"] * own["cut_calls"] if place < 3 else Decimal(0)
            yield {
                "scenario": own["scenario"],
                "meter": name.removesuffix("_tokens").replace("_", " "),
                "tokens": tokens * kept - cut,
                "rate_usd_per_1k": None if rate is None else rate * 1000,
                "cost_usd": None if rate is None else tokens * rate * kept - cut * rate,
            }


# --- the cube

PRICE_DATES = {
    NO_DAY: NO_DAY,
    date(2023, 6, 13): date(2023, 6, 13),
    date(2023, 6, 14): date(2023, 6, 13),
    date(2023, 8, 22): date(2023, 8, 22),
}
SUMMED = (
    "calls", *METERS, "reasoning_tokens", *(f"cut_{meter}" for meter in METERS[:3]),
    "prompt_tokens", "produced_tokens", "recorded_usd", "first_call_at", "last_call_at",
)  # fmt: skip


def test_days_of_the_same_prices_are_taken_together(store: Store, cells: list[Row]) -> None:
    dice = random.Random(8)
    rows = [{**cell, "price_date": dice.choice(list(PRICE_DATES))} for cell in cells]
    rows += [{**row, "calls": 7, "problem": dice.choice(("no usage", ""))} for row in rows[:60]]
    kinds = {name: kind for name, kind in OF_CUBE.items() if name not in ("cell", "epoch")}
    put(store, "cells", kinds | {"price_date": "DATE"}, rows)
    epochs = [{"price_date": day, "epoch": epoch} for day, epoch in PRICE_DATES.items()]
    put(store, "epochs", {"price_date": "DATE", "epoch": "DATE"}, epochs)

    def key(row: Row) -> Row:
        found = {n: row[n] for n in OF_CUBE if n not in (*SUMMED, "cell", "epoch")}
        found["epoch"] = PRICE_DATES[row["price_date"]]
        found["problem"] = row["problem"] if row["state"] == "uncounted" else ""
        return found

    expected = []
    for known, own in groups(rows, key):
        claims = [row["recorded_usd"] for row in own if row["recorded_usd"] is not None]
        expected.append({
            **known,
            **{name: whole(own, name) for name in SUMMED[:-3]},
            "recorded_usd": sum(claims, Decimal(0)) if claims else None,
            "first_call_at": min(row["first_call_at"] for row in own),
            "last_call_at": max(row["last_call_at"] for row in own),
        })  # fmt: skip
    store.run("replay/cube")
    found = rows_of(store, "cube")
    assert [row.pop("cell") for row in found] == list(range(1, len(expected) + 1))
    order = sorted(name for name in found[0] if name not in SUMMED)
    assert in_order(found, order) == in_order(expected, order)
    days = sorted({row["price_date"] for row in rows})
    assert [row["price_date"] for row in store.rows("replay/dates")] == days


def in_order(rows: list[Row], names: list[str]) -> list[Row]:
    return sorted(rows, key=lambda row: str([row[name] for name in names]))


# --- where every line went


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
def test_every_line_is_somewhere(store: Store, zone: str) -> None:
    def table(name: str, kinds: dict[str, str], *rows: tuple[Any, ...]) -> None:
        put(store, name, kinds, [dict(zip(kinds, row, strict=True)) for row in rows])

    number = dict.fromkeys(("lines", "records", "rejects", "context"), "BIGINT")
    table("sources", number, (100, 50, 7, 3), (11, 5, 2, 1))
    night = datetime(2023, 8, 22, 22, 30)
    table("calls", {"call_id": "VARCHAR"}, *((f"c{n}",) for n in range(40)))
    table("buckets", {"call_id": "VARCHAR", "requests": "BIGINT"}, ("c1", 4), ("c2", 6), ("c3", 9))
    logged = {"call_id": "VARCHAR", "requests": "BIGINT", "called_at": "TIMESTAMP"}
    rows = [(f"c{n}", 1, night if n % 5 else None) for n in range(4, 40)]
    table("logged", logged, ("c1", 4, night), *rows)
    moments = {"first_call_at": "TIMESTAMP", "last_call_at": "TIMESTAMP"}
    days = [(9, night, night), (6, night - timedelta(3), night + timedelta(5))]
    table("cells", {"calls": "BIGINT"} | moments, *days)

    def there(moment: datetime) -> date:
        return moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)).date()

    (found,) = store.rows("replay/coverage", zone=zone)
    assert found == {
        "files": 2, "lines": 111, "calls": 37, "buckets": 3, "duplicates": 15, "rejects": 9,
        "context": 4, "counted": 40, "summed_requests": 4, "set_aside": 2,
        "set_aside_requests": 15, "outside_period": 25, "undated": 7,
        "first_day": there(days[1][1]), "last_day": there(days[1][2]),
    }  # fmt: skip
    for name, kinds in (("cells", {"calls": "BIGINT"} | moments), ("logged", logged)):
        put(store, name, kinds, ())
    (found,) = store.rows("replay/coverage", zone=zone)
    assert (found["counted"], found["outside_period"], found["set_aside"]) == (0, 0, 3)
    assert (found["set_aside_requests"], found["summed_requests"]) == (19, 0)
    put(store, "buckets", {"call_id": "VARCHAR", "requests": "BIGINT"}, ())
    put(store, "sources", number, ())
    put(store, "calls", {"call_id": "VARCHAR"}, ())
    (found,) = store.rows("replay/coverage", zone=zone)
    assert {name for name, value in found.items() if value is None} == {"first_day", "last_day"}
    assert set(found.values()) == {0, None}
