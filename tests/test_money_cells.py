"""Each query that makes cells of calls, alone: on drawn calls, grouped anew in Python."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from helpers.cells import (
    BOOKED,
    CALL,
    CONSIDERED,
    CUTS,
    NIGHT,
    SOURCES,
    THRESHOLDS,
    WINDOWS,
    ZONES,
    booked,
    cells,
    drawn_calls,
    padded,
    produced,
    prompt,
)
from helpers.tables import BY, Row, put, whole

from auditor.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(None) as opened:
        kinds = {"source_id": "INTEGER", "name": "VARCHAR", "sha256": "VARCHAR"}
        put(opened, "sources", kinds, SOURCES)
        yield opened


def in_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: str([row[name] for name in sorted(row)]))


def rows_of(store: Store, table: str) -> list[Row]:
    found = store._connection.execute(f"SELECT * FROM {table}")
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def asked_of(seed: int, dimensions: tuple[str, ...]) -> Row:
    """A question: with and without a period, a model for nameless calls, dimensions in turn."""
    dice = random.Random(seed)
    start, end = dice.choice(
        ((None, None), (NIGHT.date(), None), (None, NIGHT.date() + timedelta(1)))
    )
    turned = [dimensions[(seed + n) % len(dimensions)] for n in range(6)]
    return {
        "from_date": start, "to_date": end, "zone": ZONES[seed % 3], "windows": padded(WINDOWS),
        "thresholds": padded(THRESHOLDS), "assume_model": dice.choice((None, "assumed")),
        "call_id": None, **dict(zip(BY, turned, strict=True)),
    }  # fmt: skip


HEAVY = (
    "", "day", "month", "model", "requested_model", "endpoint", "tier", "source", "workload",
    "booking", "source_sha256", "tag:team", "tag:user",
)  # fmt: skip
LIGHT = ("", "", "day", "month", "model", "requested_model", "endpoint", "tier", "booking")
NO_MOVE = {
    "workload_key": "", "is_planned": False, "move": -1, **dict.fromkeys(CUTS, 0),
    "sent_tokens": 0, "asked_tokens": 0,
}  # fmt: skip


@pytest.mark.parametrize("seed", range(16))
def test_cells_of_any_calls(store: Store, seed: int) -> None:
    """Of those that moves take, too; by any six dimensions, or one call alone."""
    dice = random.Random(seed)
    calls = []
    for call in booked(drawn_calls(seed, 150), seed):
        row = {**call, **NO_MOVE, "prompt_tokens": prompt(call), "produced_tokens": produced(call)}
        if seed % 3:
            row |= {"workload_key": dice.choice(("", "w1")), "move": dice.choice((-1, 0, 1))}
            row |= {
                "is_planned": True,
                "sent_tokens": prompt(call) // 2,
                "asked_tokens": dice.choice((0, 99)),
            }
            row |= {name: dice.choice((0, call[name.removeprefix("cut_")])) for name in CUTS}
        calls.append(row)
    put(store, "considered", CALL | BOOKED | CONSIDERED, calls)
    asked = asked_of(seed, HEAVY if seed < 13 else ("",) * 6)
    if seed == 5:
        asked |= {"call_id": "c7", "from_date": None, "to_date": None}
    store.run("replay/cells", **asked)
    assert in_order(rows_of(store, "cells")) == in_order(cells(calls, asked))


@pytest.mark.parametrize("seed", range(22))
def test_the_plain_way_makes_the_same_cells(store: Store, seed: int) -> None:
    """By quarters of an hour where a zone asks for them."""
    calls = drawn_calls(seed, 150)
    put(store, "calls", CALL, calls)
    extra = ("", "tag:team", "workload", "tag:user")[seed % 4]
    asked = asked_of(seed, (*LIGHT, extra, extra) if extra else LIGHT)
    planless = [{**call, **NO_MOVE} for call in calls]
    expected = in_order(cells(planless, asked))
    names = ("from_date", "to_date", "zone", "windows", "thresholds")
    scan = {name: asked[name] for name in names}
    in_quarters = asked["zone"] != "UTC"
    store.run("replay/added_calls", **scan, extra=extra, in_quarters=in_quarters, sources=None)
    plain = {name: asked[name] for name in ("zone", "assume_model", *BY)} | {"extra": extra}
    store.run("replay/cells_plain", **plain)
    assert in_order(rows_of(store, "cells")) == expected


DAY_KEY = (
    "called_on", "requested_model", "served_model", "tier", "endpoint", "counted_by", "failed",
    "has_audio", "problem", "has_recorded", "window_step", "prompt_step",
)  # fmt: skip


@pytest.mark.parametrize("sources", [[1], [2], [1, 2]])
def test_days_are_added_up_by_source(store: Store, sources: list[int]) -> None:
    """As an ingest does it; steps of a finer staircase are those of a coarser one."""
    calls = drawn_calls(3, 150)
    put(store, "calls", CALL, calls)
    fine = (50, *WINDOWS), (10, *THRESHOLDS)
    scan: Row = {
        "from_date": None,
        "to_date": None,
        "zone": "UTC",
        "extra": "",
        "in_quarters": False,
    }
    edges = {"windows": padded(fine[0]), "thresholds": padded(fine[1])}
    store.run("replay/added_calls", **scan, **edges, sources=sources)
    found = rows_of(store, "added")
    own = [call for call in calls if call["source_id"] in sources]
    assert {row["source_id"] for row in found} == set(sources)
    for n in sources:
        of_source = [row for row in found if row["source_id"] == n]
        assert whole(of_source, "calls") == sum(call["source_id"] == n for call in own)
    # read again as days
    kinds = dict(
        store._connection.execute(
            "SELECT column_name, column_type FROM (DESCRIBE added)"
        ).fetchall()
    )
    put(store, "day_cells", kinds, found)
    put(store, "day_edges", dict.fromkeys(edges, "BIGINT[]"), [edges])
    for start, end in ((None, None), (NIGHT.date(), None), (None, NIGHT.date())):
        asked = asked_of(0, LIGHT) | {"from_date": start, "to_date": end, "zone": "UTC"}
        period = {name: asked[name] for name in ("from_date", "to_date", "windows", "thresholds")}
        store.run("replay/added_days", **period)
        kept = rows_of(store, "added")
        assert len({tuple(row[name] for name in DAY_KEY) for row in kept}) == len(kept)
        plain = {name: asked[name] for name in ("zone", "assume_model", *BY)}
        store.run("replay/cells_plain", **plain, extra="")
        expected = cells([{**call, **NO_MOVE} for call in own], asked)
        assert in_order(rows_of(store, "cells")) == in_order(expected)


# --- moves

PLAN = {
    "workload": "VARCHAR", "served": "VARCHAR", "shown": "VARCHAR", "move": "INTEGER",
    "cut_tokens": "BIGINT", "cut_by_all": "BOOLEAN", "kept_ppm": "BIGINT", "output_ppm": "BIGINT",
}  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_what_a_move_does_with_each_call(store: Store, seed: int) -> None:
    dice = random.Random(seed)
    calls = booked(drawn_calls(seed, 150), seed)
    put(store, "booked", CALL | BOOKED, calls)
    plan = {
        (workload, served): {
            "workload": workload, "served": served, "shown": dice.choice((workload, "")),
            "move": dice.choice((0, 1)), "cut_tokens": dice.choice((0, 30, 91, 10_000)),
            "cut_by_all": dice.choice((True, False)), "kept_ppm": dice.choice((1_000_000, 333_333)),
            "output_ppm": dice.choice((1_000_000, 1_250_000)),
        }
        for workload in ("", "w1")
        for served in ("", "served", "asked")
    }  # fmt: skip
    put(store, "plan", PLAN, plan.values())
    expected = []
    for call in calls:
        place = call["workload"] or "", call["served_model"] or call["requested_model"] or ""
        own: Row = plan.get(place, STAYS)
        left = cut = min(own["cut_tokens"], prompt(call))
        off = {}
        for meter in ("cache_read_tokens", "cache_write_tokens", "input_tokens"):
            off[f"cut_{meter}"] = min(left, call[meter])
            left -= off[f"cut_{meter}"]
        sent = prompt(call) - (cut if own["cut_by_all"] else 0)
        asked = -(-produced(call) * own["output_ppm"] // 10**6)
        expected.append({
            **call, **off, "prompt_tokens": prompt(call), "produced_tokens": produced(call),
            "workload_key": call["workload"] or "" if own["shown"] is None else own["shown"],
            "move": own["move"], "is_planned": True,
            "sent_tokens": -(-sent * own["kept_ppm"] // 10**6),
            "asked_tokens": asked if call["max_tokens"] is None else call["max_tokens"],
        })  # fmt: skip
    store.run("replay/as_moved")
    assert in_order(rows_of(store, "considered")) == in_order(expected)
    store.run("replay/as_logged")
    logged = [
        {**call, **NO_MOVE, "prompt_tokens": prompt(call), "produced_tokens": produced(call)}
        for call in calls
    ]
    assert in_order(rows_of(store, "considered")) == in_order(logged)


STAYS: Row = {
    "cut_tokens": 0, "cut_by_all": False, "kept_ppm": 10**6, "output_ppm": 10**6, "shown": None,
    "move": -1,
}  # fmt: skip
