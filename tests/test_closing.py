"""A closed month does not move: whatever comes later is a correction."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from command import COMPLETE, ERROR, audit
from helpers.books import with_rates
from helpers.logs import Line, capture, failure, write
from helpers.runs import question, take_in
from helpers.tunes import traffic

from auditor.errors import AuditError
from auditor.pipeline import Question, explain, replay
from auditor.pipeline.closing import check_closed, close, closings_of, reopen
from auditor.pipeline.reporting import chosen, report
from auditor.pipeline.spans import month_of
from auditor.prices import open_book
from auditor.scenarios import built_in
from auditor.store import Store

AUGUST = month_of("2023-08")
TODAY = date(2023, 11, 25)
SOME = tuple(
    one for one in built_in() if one.name in ("gpt-4-8k", "ft-gpt-3.5-turbo", "gpt-4.1-mini")
)
ADDITIVE = ("calls", "fits", "overflows", "unpriced", "input_tokens", "output_tokens", "cost_usd")
REPORTS = ("daily", "monthly", "by_model", "by_team", "by_workload")


def anything(_missing: int, _of: int) -> bool:
    return True


def rows(store: Store, asked: Question, *names: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of reports."""
    found = report(store, asked, chosen(names or REPORTS)).reports
    return {name: one.frame.rows(named=True) for name, one in found.items()}


def closed_rows(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """What a closed month says: its rows, whatever they were booked as."""
    return {
        name: [row | {"booking": ""} for row in some if row["booking"] == "closed"]
        for name, some in found.items()
    }


def totals(found: Iterable[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Sums of what may be added, by name."""
    sums: dict[str, list[Any]] = {}
    for row in found:
        had = sums.setdefault(row["name"], [0] * len(ADDITIVE))
        sums[row["name"]] = [a + (row[n] or 0) for a, n in zip(had, ADDITIVE, strict=True)]
    return {name: tuple(values) for name, values in sums.items()}


def later(seed: int, lines: list[Line]) -> list[Line]:
    """What arrives after the month is closed: new calls, and fuller readings of some it has."""
    dice = random.Random(f"later-{seed}")
    known = [line for line in lines if "usage" in (line["response"] or {})]
    fuller = []
    for line in dice.sample(known, k=min(12, len(known))):
        usage = dict(line["response"]["usage"])
        usage["prompt_tokens"] += 11
        usage["total_tokens"] += 11
        moved = {"timestamp": "2023-09-20T10:00:00Z"} if dice.random() < 0.2 else {}
        fuller.append({**line, **moved, "response": {**line["response"], "usage": usage}})
    return [*fuller, *traffic(seed + 1000, (9, 14))]


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("zone", ["UTC", pytest.param("Europe/Berlin", marks=pytest.mark.slow)])
def test_a_closed_month_says_what_it_said(seed: int, zone: str, tmp_path: Path) -> None:
    lines = traffic(seed)
    first = write(tmp_path / "first.jsonl", lines)
    second = write(tmp_path / "second.jsonl", later(seed, lines))
    dearer = open_book((with_rates(tmp_path / "dearer.csv", lambda rate: rate * 3),))
    asked = question(zone=zone, scenarios=SOME)
    other = replace(asked, book=dearer, assume_model="gpt-4-0613", names={"house-model-7": "gpt-4"})
    with Store.open(tmp_path / "store.duckdb") as store:
        take_in(store, first)
        august = replace(asked, from_date=AUGUST.begins, to_date=AUGUST.ends)
        before = rows(store, august)
        close(store, asked, AUGUST, TODAY, anything)
        at_once = rows(store, august)
        same = {n: [row | {"booking": ""} for row in some] for n, some in before.items()}
        assert closed_rows(at_once) == same
        assert {row["booking"] for row in at_once["monthly"]} == {"closed"}
        take_in(store, second)
        after = rows(store, replace(other, from_date=AUGUST.begins, to_date=AUGUST.ends))
        assert closed_rows(after) == same
        assert {row["booking"] for row in after["monthly"]} == {"closed", "correction"}
        check_closed(store, other)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_closed_and_corrections_are_all_that_the_store_has(seed: int, tmp_path: Path) -> None:
    """With the same prices a store says the same in all, whether a month is closed or not."""
    lines = traffic(seed)
    with Store.open(tmp_path / "store.duckdb") as store:
        take_in(store, write(tmp_path / "first.jsonl", lines))
        close(store, question(scenarios=SOME), AUGUST, TODAY, anything)
        take_in(store, write(tmp_path / "second.jsonl", later(seed, lines)))
        closed = rows(store, question(scenarios=SOME))
        whole = replay(store, question(scenarios=SOME))
        assert store._connection.execute("SELECT count(*) FROM replaced").fetchall()[0][0] > 0
        reopen(store, AUGUST)
        opened = rows(store, question(scenarios=SOME))
        for name in REPORTS:
            assert totals(closed[name]) == totals(opened[name])
            assert {row["booking"] for row in opened[name]} == {"open"}
        again = replay(store, question(scenarios=SOME))
        assert whole.total == again.total
        assert whole.rows == again.rows
        assert store._connection.execute("SELECT count(*) FROM replaced").fetchall() == [(0,)]


def test_a_fuller_reading_is_taken_out_and_put_in_as_a_correction(tmp_path: Path) -> None:
    """By hand: 1,000 in and 100 out cost 0.0017; read again as 3,000 in, 0.0047."""
    fuller = capture("call-1", sent=3000)
    fuller["tags"] = {"team": "a"}
    with Store.open(tmp_path / "store.duckdb") as store:
        take_in(store, write(tmp_path / "first.jsonl", [capture("call-1"), capture("call-2")]))
        close(store, question(), AUGUST, TODAY, anything)
        take_in(store, write(tmp_path / "second.jsonl", [fuller, capture("call-3", sent=2000)]))
        found = rows(store, question(scenarios=()), "monthly", "by_team")
        assert [
            (row["booking"], row["calls"], row["input_tokens"], row["cost_usd"])
            for row in found["monthly"]
        ] == [
            ("closed", 2, 2000, Decimal("0.0034")),
            ("correction", 1, 4000, Decimal("0.0062")),
        ]
        assert [
            (row["team"], row["booking"], row["calls"], row["cost_usd"]) for row in found["by_team"]
        ] == [
            (None, "closed", 2, Decimal("0.0034")),
            (None, "correction", 0, Decimal("0.0015")),
            ("a", "correction", 1, Decimal("0.0047")),
        ]
        (row,) = closings_of(store, question())
        assert (row["calls"], row["actual_usd"]) == (2, Decimal("0.0034"))
        assert (row["correction_calls"], row["correction_usd"]) == (1, Decimal("0.0062"))


def test_a_call_of_a_closed_month_is_explained_by_its_prices(tmp_path: Path) -> None:
    """The call as it is now, once, at the price of the closed book."""
    dearer = open_book((with_rates(tmp_path / "dearer.csv", lambda rate: rate * 3),))
    with Store.open(tmp_path / "store.duckdb") as store:
        take_in(store, write(tmp_path / "first.jsonl", [capture("call-1"), capture("call-2")]))
        close(store, question(), AUGUST, TODAY, anything)
        take_in(store, write(tmp_path / "second.jsonl", [capture("call-2", sent=2000)]))
        asked = question(book=dearer)
        kept = explain(store, asked, "call-1")
        assert kept.actual_usd == Decimal("0.0017")
        assert kept.priced.row is not None
        assert kept.priced.row.book == "openai"
        assert explain(store, asked, "call-2").actual_usd == Decimal("0.0096")


def test_a_month_that_moved_is_an_error(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.duckdb") as store:
        take_in(store, write(tmp_path / "first.jsonl", [capture("call-1")]))
        close(store, question(), AUGUST, TODAY, anything)
        store._connection.execute("UPDATE calls SET input_tokens = 2000")
        with pytest.raises(AuditError, match=r"2023-08 was closed by audit .* 0.0017 USD; this"):
            report(store, question(), chosen(("summary",)))


def test_a_store_of_before_is_read_as_it_is_and_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    log = write(tmp_path / "first.jsonl", [capture("call-1"), failure("call-2", None)])
    with Store.open(path) as store:
        take_in(store, log)
        expected = replay(store, question()).rows
        for table in ("closings", "closed_books", "replaced", "buckets"):
            store._connection.execute(f"DROP TABLE {table}")
        store._connection.execute("UPDATE about SET schema_version = 2")
    content = path.read_bytes()
    with Store.open(path, to_read=True) as store:
        assert replay(store, question()).rows == expected
        assert report(store, question(), chosen(("monthly",))).reports
    assert path.read_bytes() == content
    with Store.open(path) as store:
        close(store, question(), AUGUST, TODAY, anything)
        assert store.rows("schema/about")[0]["schema_version"] == 6
        assert replay(store, question()).rows == expected


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a store of two calls, of which one has no price."""
    write(tmp_path / "calls.jsonl", [capture("call-1"), capture("call-2", model="gpt-5000")])
    audit("ingest", "calls.jsonl", "--db", "store.duckdb", folder=tmp_path)
    return tmp_path


def run(folder: Path, words: str) -> tuple[int, str]:
    done = audit(*words.split(), folder=folder)
    return done.exit_code, done.out + done.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("2023-08", "1 of the 2 calls of 2023-08 have no price"),
        ("2023-8", "is no month such as 2023-08"),
        ("2023-13", "is no month such as 2023-08"),
        ("0000-01", "is no month such as 2023-08"),
        ("2099-12", "2099-12 is not over"),
        ("2023-08 --tz Mars/Phobos", "Mars/Phobos is no time zone"),
        ("2023-08 --reopen", "2023-08 is not closed"),
        ("2023-08 --allow-unpriced x", "neither a count nor a share"),
    ],
)
def test_what_cannot_be_closed(words: str, says: str, folder: Path) -> None:
    code, said = run(folder, f"close {words} --db store.duckdb")
    assert code == ERROR
    assert says in said
    assert "Hint: " in said
    assert run(folder, "show closings --db store.duckdb") == (COMPLETE, "No month is closed.\n")


def test_closing_twice_and_opening_again(folder: Path) -> None:
    close_it = "close 2023-08 --db store.duckdb --allow-unpriced 1"
    code, said = run(folder, close_it)
    assert (code, said) == (
        COMPLETE,
        "Closed 2023-08 (UTC): 2 calls, 0.0017 USD, 1 call unpriced. What arrives later is a "
        "correction.\n",
    )
    code, said = run(folder, close_it)
    assert code == ERROR
    assert "2023-08 is closed since " in said
    code, said = run(folder, "close 2023-09 --db store.duckdb --tz Asia/Tokyo")
    assert code == ERROR
    assert "closed in UTC, not in Asia/Tokyo" in said
    assert run(folder, "close 2023-08 --db store.duckdb --reopen") == (
        COMPLETE,
        "2023-08 is open again.\n",
    )
    assert run(folder, close_it)[0] == COMPLETE


def test_there_is_no_store_to_close(tmp_path: Path) -> None:
    code, said = run(tmp_path, "close 2023-08 --db none.duckdb")
    assert code == ERROR
    assert "there is no store at none.duckdb" in said
    assert not (tmp_path / "none.duckdb").exists()
