"""Queries that say which stored calls the figures are about, alone, on calls drawn at random."""

# ruff: noqa: DTZ001 (the store keeps moments of UTC without a zone)

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from helpers.tables import METERS, NO_DAY, Row, groups, whole

from auditor.store import Store

TOKENS = (*METERS, "reasoning_tokens", "audio_tokens")
NIGHT = datetime(2023, 8, 21)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MONTHS = (date(2023, 7, 1), date(2023, 8, 1))
SOURCES = 4


def insert(store: Store, table: str, rows: list[Row]) -> None:
    for row in rows:
        marks = ", ".join(f"${name}" for name in row)
        store._connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", row)


def drawn_call(dice: random.Random, id: str, at: datetime | None) -> Row:
    name = dice.choice((None, "gpt-4", "gpt-4-0613"))
    return {
        "call_id": id,
        "source_id": dice.randrange(1, SOURCES),
        "line": dice.randint(1, 99),
        "called_at": at,
        "requested_model": dice.choice((None, "gpt-4", "asked")),
        "served_model": name,
        "endpoint": "chat",
        "tier": "standard",
        "counted_by": "provider",
        "failed": False,
        **{name: dice.choice((0, 1, 5)) for name in TOKENS},
        "whole_answer": True,
        "uses_tools": False,
        "workload": dice.choice((None, "9b27")),
    }


def drawn_store(store: Store, seed: int) -> tuple[list[Row], list[Row]]:
    """Calls and buckets: of days with single calls and without, cut and grouped in several ways."""
    dice = random.Random(seed)
    calls = [drawn_call(dice, f"undated-{n}", None) for n in range(2)]
    calls += [drawn_call(dice, f"call-{n}", NIGHT + n * HOUR * 7) for n in range(4)]
    buckets: list[Row] = []
    for n in range(60):
        width = dice.choice((HOUR, 12 * HOUR, DAY, DAY, 2 * DAY))
        begins = NIGHT + dice.randrange(-3, 6) * DAY + dice.choice((0, 0, 0, 1)) * HOUR
        call = drawn_call(dice, f"sum-{n}", begins)
        grouping = dice.choice(("", "model", "user", "model,user", "key,user"))
        if "model" not in grouping:
            call |= {"served_model": None, "requested_model": None}
        elif dice.random() < 0.5:
            call |= {"served_model": None, "requested_model": "gpt-4"}
        calls.append(call)
        buckets.append({
            "call_id": call["call_id"],
            "requests": dice.choice((1, 2, 2, 3)),
            "ends_at": begins + width,
            "kind": dice.choice(("completions", "embeddings")),
            "grouped_by": grouping,
        })  # fmt: skip
    dice.shuffle(calls)
    insert(store, "calls", calls)
    insert(store, "buckets", buckets)
    return calls, buckets


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(None) as opened:
        yield opened


def view(store: Store, name: str, columns: str = "*") -> list[tuple[Any, ...]]:
    return sorted(store._connection.sql(f"SELECT {columns} FROM {name}").fetchall(), key=str)


# --- sums


def counted_sums(calls: list[Row], buckets: list[Row]) -> dict[str, tuple[int, bool]]:
    """The sums that count: their requests, and whether they are that of a day."""
    of = {call["call_id"]: call for call in calls}
    sums = [{**of[bucket["call_id"]], **bucket} for bucket in buckets]
    ids = {bucket["call_id"] for bucket in buckets}
    single = [call for call in calls if call["call_id"] not in ids and call["called_at"]]
    days = {call["called_at"].date() for call in single}

    def is_told(one: Row) -> bool:
        """Whether there is a single call on one of its days."""
        return any(
            day >= one["called_at"].date() and datetime.combine(day, datetime.min.time())
            < one["ends_at"] for day in days
        )  # fmt: skip

    left = [one for one in sums if not is_told(one)]

    def export(one: Row) -> Row:
        width = one["ends_at"] - one["called_at"]
        return {"width": width, "grouped_by": one["grouped_by"]}

    found: dict[str, tuple[int, bool]] = {}
    for _, of_day in groups(left, lambda r: {"day": r["called_at"].date(), "kind": r["kind"]}):
        ranked = []
        for key, own in groups(of_day, export):
            has_model = any(one["served_model"] or one["requested_model"] for one in own)
            tokens = sum(whole(own, name) for name in TOKENS)
            ranked.append((
                (not has_model, -whole(own, "requests"), -tokens, key["width"],
                 -len(key["grouped_by"]), key["grouped_by"]),
                own,
            ))  # fmt: skip
        for one in min(ranked, key=lambda pair: pair[0])[1]:
            midnights = {one["called_at"].time(), one["ends_at"].time()}
            found[one["call_id"]] = one["requests"], midnights == {datetime.min.time()}
    return found


@pytest.mark.parametrize("seed", range(6))
def test_each_request_counts_once(store: Store, seed: int) -> None:
    calls, buckets = drawn_store(store, seed)
    expected = counted_sums(calls, buckets)
    assert len({is_day for _, is_day in expected.values()}) == 2
    ids = {bucket["call_id"] for bucket in buckets}
    for call in calls:
        if call["call_id"] not in ids:
            expected[call["call_id"]] = 1, False
    store.run("replay/logged_sums")
    found = view(store, "logged", "call_id, requests, is_day")
    assert found == sorted(((id, *rest) for id, rest in expected.items()), key=str)


def pair(store: Store, one: Row, two: Row) -> str:
    """Which of two sums of the same requests counts."""
    for id, given in (("one", one), ("two", two)):
        call = {**drawn_call(random.Random(1), id, NIGHT), **dict.fromkeys(TOKENS, 0)}
        call |= {"served_model": None, "requested_model": None}
        bucket = {"requests": 5, "ends_at": NIGHT + DAY, "kind": "completions", "grouped_by": ""}
        insert(store, "calls", [call | {n: v for n, v in given.items() if n in call}])
        given = {n: v for n, v in given.items() if n in bucket}
        insert(store, "buckets", [{"call_id": id, **bucket, **given}])
    store.run("replay/logged_sums")
    ((found,),) = view(store, "logged", "call_id")
    return str(found)


ABOVE: dict[str, tuple[Row, Row]] = {
    "models before requests": ({"requested_model": "gpt-4"}, {"requests": 6, "grouped_by": "k"}),
    "requests before tokens": ({"requests": 6}, {"grouped_by": "k", "input_tokens": 9}),
    "tokens before width": ({"audio_tokens": 1}, {"ends_at": NIGHT + HOUR}),
    "hours before groups": ({"ends_at": NIGHT + HOUR}, {"grouped_by": "user"}),
    "long groups first": ({"grouped_by": "user"}, {"grouped_by": "key"}),
    "then by the alphabet": ({"grouped_by": "key"}, {"grouped_by": "log"}),
    **{
        f"{name} are tokens": ({name: 1, "grouped_by": "a"}, {"grouped_by": "ab"})
        for name in TOKENS
    },
}


@pytest.mark.parametrize("name", ABOVE)
def test_which_export_counts(store: Store, name: str) -> None:
    better, worse = ABOVE[name]
    assert pair(store, better, worse) == "one"
    with Store.open(None) as other:
        assert pair(other, worse, better) == "two"


@pytest.mark.parametrize("weight", [{"requests": 3}, {"input_tokens": 3, "requests": 1}])
def test_an_export_counts_with_all_its_sums(store: Store, weight: Row) -> None:
    """Two of three are more than one of five."""
    heavier = {**weight, **{n: 5 for n in weight if weight[n] == 3}}
    if "input_tokens" in weight:
        heavier["requests"] = 2  # as many as the two have together
    for id, grouping, given in (
        ("a", "user", weight),
        ("b", "user", weight),
        ("c", "key", heavier),
    ):
        call = {**drawn_call(random.Random(1), id, NIGHT), **dict.fromkeys(TOKENS, 0)}
        call |= {"served_model": None, "requested_model": None}
        call |= {name: value for name, value in given.items() if name in call}
        bucket = {"call_id": id, "ends_at": NIGHT + DAY, "kind": "", "grouped_by": grouping}
        insert(store, "calls", [call])
        insert(store, "buckets", [bucket | {"requests": given["requests"]}])
    store.run("replay/logged_sums")
    assert view(store, "logged", "call_id") == [("a",), ("b",)]


def test_any_one_of_the_stored_can_be_asked_for(store: Store) -> None:
    calls, buckets = drawn_store(store, 3)
    requests = {bucket["call_id"]: bucket["requests"] for bucket in buckets}
    expected = [(call["call_id"], requests.get(call["call_id"], 1), False) for call in calls]
    store.run("replay/logged_one")
    assert view(store, "logged", "call_id, requests, is_day") == sorted(expected, key=str)
    ones = [(call["call_id"], 1, False) for call in calls]
    store.run("replay/logged_calls")
    assert view(store, "logged", "call_id, requests, is_day") == sorted(ones, key=str)


# --- where lines went


def sources(store: Store, calls: list[Row]) -> list[Row]:
    """Two of one name; the last one has nothing but repeated calls."""
    rows = [
        {
            "source_id": n, "sha256": f"{9 - n}", "name": f"logs/{n // 2}", "format": f"f{n}",
            "bytes": 100 + n, "lines": 500 + n, "rejects": 10 + n, "context": 20 + n,
            "records": 30 + n + sum(call["source_id"] == n for call in calls),
        }
        for n in range(1, SOURCES + 1)
    ]  # fmt: skip
    insert(store, "sources", rows)
    return rows


def test_where_the_lines_of_each_source_went(store: Store) -> None:
    calls, buckets = drawn_store(store, 2)
    sums = {bucket["call_id"] for bucket in buckets}
    expected = []
    for row in sources(store, calls):
        own = [call for call in calls if call["source_id"] == row["source_id"]]
        count = sum(call["call_id"] in sums for call in own)
        kept = {name: row[name] for name in ("format", "sha256", "bytes", "lines")}
        expected.append({
            "source": row["name"], **kept, "calls": len(own) - count, "buckets": count,
            "duplicates": row["records"] - len(own), "rejects": row["rejects"],
            "context": row["context"],
        })  # fmt: skip
    expected.sort(key=lambda row: (row["source"], row["sha256"]))
    assert store.rows("replay/covered") == expected


def test_calls_are_found_by_id_and_by_place(store: Store) -> None:
    calls, buckets = drawn_store(store, 4)
    named = {row["source_id"]: row for row in sources(store, calls)}
    summed = {bucket["call_id"]: bucket for bucket in buckets}
    for call in calls:
        source = named[call["source_id"]]
        bucket = summed.get(call["call_id"], {"requests": 1})
        told = {
            **{name: call.get(name) for name in call if name not in UNTOLD},
            "source_name": source["name"], "format": source["format"],
            "requests": bucket["requests"], "bucket_kind": bucket.get("kind"),
            "ends_at": bucket.get("ends_at"), "grouped_by": bucket.get("grouped_by"),
        }  # fmt: skip
        (found,) = store.rows("replay/find_call", wanted=call["call_id"])
        assert {name: found[name] for name in told} == told
        place = f"{source['name']}:{call['line']}"
        there = sorted(
            other["call_id"]
            for other in calls
            if (named[other["source_id"]]["name"], other["line"]) == (source["name"], call["line"])
        )
        found_there = store.rows("replay/find_call", wanted=place)
        assert [row["call_id"] for row in found_there] == there
    assert store.rows("replay/find_call", wanted="nobody") == []


UNTOLD = ("source_id", "whole_answer", "uses_tools", "workload")


def test_workloads_and_who_answered_them(store: Store) -> None:
    calls, _ = drawn_store(store, 5)
    expected = {
        (call["workload"] or "", call["served_model"] or call["requested_model"] or "")
        for call in calls
    }
    store.run("replay/kinds")
    found = [tuple(row.values()) for row in store.rows("replay/workloads")]
    assert found == sorted(expected)


def test_days_are_whole_if_every_call_is_in_them(store: Store) -> None:
    assert store.rows("replay/day_cells") == []
    calls, _ = drawn_store(store, 1)
    sources(store, calls)
    edges = "INSERT INTO day_edges VALUES ([1, 2], [3])"
    store._connection.execute(edges)

    def answer() -> bool:
        (row,) = store.rows("replay/day_cells")
        assert (row["windows"], row["thresholds"]) == ([1, 2], [3])
        return bool(row["are_whole"])

    assert not answer()
    insert(store, "summed", [{"source_id": n} for n in range(1, SOURCES + 1)])
    assert not answer()
    cell = {
        "source_id": 1, "tier": "", "endpoint": "", "counted_by": "", "failed": False,
        "has_audio": False, "has_recorded": False, "window_step": 0, "prompt_step": 0,
        **dict.fromkeys(TOKENS[:5], 0),
    }  # fmt: skip
    insert(store, "day_cells", [{**cell, "calls": 2}, {**cell, "calls": len(calls) - 2}])
    assert answer()
    store._connection.execute("DELETE FROM summed WHERE source_id = 2")
    assert not answer()


def test_an_empty_store_is_whole(store: Store) -> None:
    store._connection.execute("INSERT INTO day_edges VALUES ([1], [2])")
    assert store.rows("replay/day_cells")[0]["are_whole"]


# --- closed months


def closed(store: Store) -> list[Row]:
    rows = []
    for n, month in enumerate(MONTHS):
        begins = datetime(month.year, month.month, 1, 4)  # of a zone in the west
        rows.append({
            "month": month, "zone": "America/New_York", "begins_at": begins,
            "ends_at": datetime(month.year, month.month + 1, 1, 4), "last_source": 1 + n,
            "closed_on": date(2023, 10, 1), "tool": "", "models": "{}",
            "assume_model": f"model-{n}", "calls": 0, "unpriced": 0, "input_tokens": 0,
            "output_tokens": 0, "actual_usd": 0,
        })  # fmt: skip
    insert(store, "closings", rows)
    return rows


def edges() -> list[datetime | None]:
    second = timedelta(seconds=1)
    nights = [datetime(2023, month, 1, 4) for month in (7, 8, 9)]
    return [None, *(night + beside for night in nights for beside in (-second, 0 * second))]


BOOKED = "call_id, booking, closing, closed_model, sign, requests, is_day"


def test_what_comes_late_into_a_closed_month_is_a_correction(store: Store) -> None:
    months = closed(store)
    dice = random.Random(1)
    calls = []
    for place, at in enumerate(edges()):
        for source in (1, 2, 3):
            id = f"{place}-{source}"
            calls.append({**drawn_call(dice, id, at), "source_id": source})
    insert(store, "calls", calls)
    expected: list[tuple[Any, ...]] = []
    for call in calls:
        row: tuple[Any, ...] = ("open", NO_DAY, None)
        for month in months:
            at = call["called_at"]
            if at and month["begins_at"] <= at < month["ends_at"]:
                is_late = call["source_id"] > month["last_source"]
                then = ("closed", month["month"], month["assume_model"])
                row = ("correction", NO_DAY, None) if is_late else then
        expected.append((call["call_id"], *row, 1, 1, False))
    store.run("replay/logged_calls")
    store.run("replay/booked_now")
    assert view(store, "booked", BOOKED) == sorted(expected, key=str)
    assert view(store, "booked_now", BOOKED) == sorted(expected, key=str)
    gone = [{**call, "call_id": f"gone-{call['call_id']}", "replaced_by": 9} for call in calls]
    insert(store, "replaced", gone)
    for call in gone:
        for month in months:
            at = call["called_at"]
            if at and month["begins_at"] <= at < month["ends_at"]:
                of = (month["month"], month["assume_model"])
                for booking, sign in (("closed", 1), ("correction", -1)):
                    expected.append((call["call_id"], booking, *of, sign, 1, False))
    store.run("replay/booked_closed")
    assert view(store, "booked", BOOKED) == sorted(expected, key=str)
    open_ones = [(call["call_id"], "open", NO_DAY, None, 1, 1, False) for call in calls]
    store.run("replay/booked_open")
    assert view(store, "booked", BOOKED) == sorted(open_ones, key=str)
