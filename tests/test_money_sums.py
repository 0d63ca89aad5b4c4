"""Each query that adds up the actual cost, alone: its rows and their order, by sums in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from helpers.tables import (
    ACTUAL,
    BY,
    KEY_OF_CARD,
    KEY_OF_NAMES,
    METERS,
    NAMES,
    NO_DAY,
    RATES,
    Row,
    drawn_actual,
    drawn_names,
    first,
    groups,
    last,
    money,
    put,
    whole,
)

from auditor.store import Store

SEEDS = (1, 2, 3)


@pytest.fixture(params=SEEDS, scope="module")
def cells(request: pytest.FixtureRequest) -> list[Row]:
    return drawn_actual(request.param, 150)


@pytest.fixture(scope="module")
def store(cells: list[Row]) -> Iterator[Store]:
    """Its tables are read and left as they are."""
    with Store.open(None) as opened:
        put(opened, "actual", ACTUAL, cells)
        put(opened, "cube", ACTUAL, cells)
        put(opened, "names", NAMES, drawn_names(9, cells))
        yield opened


@pytest.fixture
def other() -> Iterator[Store]:
    with Store.open(None) as opened:
        yield opened


def said(text: str | None) -> str | None:
    return text or None


def dimensions(row: Row) -> Row:
    return {name: said(row[name]) for name in BY}


def counted(own: list[Row]) -> Row:
    return {
        "calls": whole(own, "calls"),
        "input_tokens": whole(own, "prompt_tokens"),
        "output_tokens": whole(own, "produced_tokens"),
    }


def is_failed(row: Row) -> bool:
    return bool(row["state"] == "failed")


def is_dear(row: Row) -> bool:
    return not is_failed(row) and row["actual_usd"] is not None


def of_spent(own: list[Row]) -> Row:
    def fixed(row: Row) -> bool:
        return not row["movable"] and not is_failed(row)

    def doubtful(row: Row) -> bool:
        return row["certain"] is False and row["state"] == "counted"

    def recorded(row: Row) -> bool:
        return bool(row["has_recorded"])

    who: dict[str, Callable[[Row], bool]] = {
        "provider": lambda row: row["counted_by"] == "provider",
        "tokenizer": lambda row: row["counted_by"] == "tokenizer",
        "estimate": lambda row: row["counted_by"] == "estimate",
    }
    return {
        **counted(own),
        "failed": whole(own, "calls", is_failed),
        "priced": whole(own, "calls", is_dear),
        "unpriced": whole(own, "calls", lambda row: row["actual_usd"] is None),
        "not_moved": whole(own, "calls", fixed),
        "undated": whole(own, "calls", lambda row: row["epoch"] == NO_DAY),
        "cost_usd": money(own, "actual_usd", lambda row: not is_failed(row)),
        "not_moved_usd": money(own, "actual_usd", fixed),
        "doubtful_calls": whole(own, "calls", doubtful),
        "doubtful_usd": money(own, "actual_usd", doubtful),
        "recorded_calls": whole(own, "calls", recorded),
        "recorded_usd": money(own, "recorded_usd"),
        "recorded_actual_usd": money(own, "actual_usd", recorded),
        **{f"counted_by_{name}": whole(own, "calls", only) for name, only in who.items()},
    }


def test_what_was_spent(store: Store, cells: list[Row]) -> None:
    found = store.rows("replay/spent")
    expected = [
        {**key, **of_spent(own), "is_total": False} for key, own in groups(cells, dimensions)
    ]
    expected.sort(key=lambda row: first(*(row[name] for name in BY)))
    everything = {**dict.fromkeys(BY), **of_spent(cells), "is_total": True}
    assert found == [everything, *expected]


def test_of_nothing_nothing_is_spent(other: Store) -> None:
    put(other, "actual", ACTUAL, ())
    (nothing,) = other.rows("replay/spent")
    assert nothing == {**dict.fromkeys(BY), **of_spent([]), "is_total": True}


@pytest.mark.parametrize("by", ["basis", "book"])
def test_what_the_cost_rests_on(store: Store, cells: list[Row], by: str) -> None:
    found = store.rows("replay/basis" if by == "basis" else "replay/books")
    own = groups(filter(is_dear, cells), lambda row: {by: row[by]})
    expected = [
        {**key, "calls": whole(rows, "calls"), "cost_usd": money(rows, "actual_usd")}
        for key, rows in own
    ]
    assert found == sorted(expected, key=lambda row: last(row[by]))


def test_what_has_no_price(store: Store, cells: list[Row]) -> None:
    def key(row: Row) -> Row:
        name = said(row["served_model"]) or said(row["requested_model"])
        return {"model": name, "tier": row["tier"], "reason": row["reason"]}

    dark = [row for row in cells if row["actual_usd"] is None]
    expected = [{**known, **counted(own)} for known, own in groups(dark, key)]
    expected.sort(key=lambda row: (-row["calls"], first(row["model"]), row["tier"], row["reason"]))
    assert store.rows("replay/unpriced") == expected


def test_what_has_no_charge(store: Store, cells: list[Row]) -> None:
    def key(row: Row) -> Row:
        why = "failed" if is_failed(row) else "unpriced" if row["actual_usd"] is None else "empty"
        reasons = {"failed": "costs nothing", "unpriced": row["reason"], "empty": "has no tokens"}
        name = row["served_model"] or row["requested_model"]
        return {"why": why, "model": name, "reason": reasons[why]}

    free = [
        row
        for row in cells
        if is_failed(row)
        or row["actual_usd"] is None
        or row["prompt_tokens"] == row["produced_tokens"] == 0
    ]
    expected = [{**known, **counted(own)} for known, own in groups(free, key)]
    assert {row["why"] for row in expected} == {"failed", "unpriced", "empty"}
    assert store.rows("replay/uncharged") == sorted(expected, key=lambda row: last(*row.values()))


def test_where_names_led(store: Store, cells: list[Row]) -> None:
    def key(row: Row) -> Row:
        names = {name: said(row[name]) for name in ("requested_model", "served_model")}
        return {**names, "tier": row["tier"], "priced_as": row["model"], "basis": row["basis"]}

    expected = []
    for known, own in groups(cells, key):
        cost = money(own, "actual_usd", lambda row: not is_failed(row))
        if all(map(is_failed, own)):
            cost = money(own, "actual_usd")
        expected.append({**known, **counted(own), "cost_usd": cost})
    found = store.rows("replay/models")
    order = ("requested_model", "served_model")
    assert [row["calls"] for row in found] == sorted((r["calls"] for r in found), reverse=True)
    assert found == sorted(
        expected,
        key=lambda row: (
            -row["calls"], first(*(row[n] for n in order)), row["tier"], last(row["priced_as"]),
            found.index(row) if row in found else -1,  # the basis is no part of the order
        ),
    )  # fmt: skip


def test_how_long_calls_are(store: Store, cells: list[Row]) -> None:
    moved = [row for row in cells if row["movable"] and not is_failed(row)]
    expected = [
        {**key, **counted(own), "actual_usd": money(own, "actual_usd")}
        for key, own in groups(moved, lambda row: {"window_step": row["window_step"]})
    ]
    found = store.rows("replay/steps_taken")
    assert found == sorted(expected, key=lambda row: row["window_step"])


def test_what_prices_depend_on(store: Store, cells: list[Row]) -> None:
    moved = [row for row in cells if row["movable"] and not is_failed(row)]
    for query, names, own in (
        ("replay/names", KEY_OF_NAMES, cells),
        ("replay/steps", KEY_OF_CARD, moved),
    ):
        keys = sorted({tuple(row[name] for name in names) for row in own})
        assert [tuple(row.values()) for row in store.rows(query)] == keys
        assert list(store.rows(query)[0]) == list(names)
    days = sorted({row["by_1"] for row in cells if row["by_1"]})
    assert [str(row["day"]) for row in store.rows("replay/days_seen")] == days


def rates_of(names: list[Row]) -> dict[tuple[object, ...], Row]:
    return {tuple(row[name] for name in KEY_OF_NAMES): row for row in names}


def test_meters_and_their_rates(store: Store, cells: list[Row]) -> None:
    rates = rates_of(drawn_names(9, cells))
    rows = []
    for cell in cells:
        card = rates[tuple(cell[name] for name in KEY_OF_NAMES)]
        if cell["state"] != "counted" or cell["actual_usd"] is None:
            continue
        for place, name in enumerate((*METERS, "reasoning_tokens"), 1):
            if tokens := cell[name]:
                rate = card[RATES[min(place, 4) - 1]]
                own = {n: cell[n] for n in BY}
                own["logged_model"] = cell["served_model"] or cell["requested_model"]
                own |= {"priced_as": cell["model"], "tier": cell["tier"], "place": place}
                own |= {"meter": name.removesuffix("_tokens"), "usd_per_token": rate}
                rows.append({**own, "tokens": tokens, "cost_usd": tokens * rate})
    expected = [
        {**key, "tokens": whole(own, "tokens"), "cost_usd": money(own, "cost_usd")}
        for key, own in groups(
            rows, lambda row: {n: v for n, v in row.items() if n not in ("tokens", "cost_usd")}
        )
    ]
    assert store.rows("replay/metered") == sorted(expected, key=lambda row: last(*row.values()))


def test_a_correction_leaves_no_meter(other: Store, cells: list[Row]) -> None:
    """What is taken out again with the same dimensions and rates is not a row of zeros."""
    dear = [row for row in cells if is_dear(row) and row["input_tokens"]]
    back = [{**row, **{name: -row[name] for name in (*METERS, "reasoning_tokens")}} for row in dear]
    put(other, "actual", ACTUAL, [*dear, *back])
    put(other, "names", NAMES, drawn_names(9, cells))
    assert other.rows("replay/metered") == []


def test_charges(store: Store, cells: list[Row]) -> None:
    rates = rates_of(drawn_names(9, cells))

    def key(row: Row) -> Row:
        card = rates[tuple(row[name] for name in KEY_OF_NAMES)]
        outcome = "unpriced" if row["actual_usd"] is None else "priced"
        return {
            "day": said(row["by_1"]),
            "booking": row["by_2"],
            "source_sha256": row["by_3"],
            "requested_model": said(row["requested_model"]),
            "served_model": said(row["served_model"]),
            "tier": row["tier"],
            "outcome": "failed" if is_failed(row) else outcome,
            "priced_as": row["model"],
            **{name: card[name] for name in RATES},
        }

    expected = [
        {
            **known,
            "calls": whole(own, "calls"),
            **{name: whole(own, name) for name in METERS[:3]},
            "output_tokens": whole(own, "produced_tokens"),
            "cost_usd": money(own, "actual_usd"),
        }
        for known, own in groups(cells, key)
    ]
    assert store.rows("replay/charged") == sorted(expected, key=lambda row: last(*row.values()))


def test_without_a_card_nothing_is_lost(other: Store, cells: list[Row]) -> None:
    put(other, "actual", ACTUAL, cells)
    put(other, "names", NAMES, ())
    assert whole(other.rows("replay/charged"), "calls") == whole(cells, "calls")
