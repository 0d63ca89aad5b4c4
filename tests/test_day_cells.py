"""What is added up when calls are read says what the calls say."""

from __future__ import annotations

import importlib
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from helpers.books import with_rates
from helpers.logs import Line, capture, embedding, failure, uncounted, write
from helpers.runs import book, question, take_in
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.pipeline import Question, replay
from auditor.prices import open_book
from auditor.reports.files import WRITERS
from auditor.scenarios import built_in, choose
from auditor.store import Store

pipeline = importlib.import_module("auditor.pipeline.replay")
FROM_DAYS, FROM_CALLS = "replay/added_days", "replay/added_calls"
QUESTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"by": ("day", "model", "tier", "endpoint", "requested_model", "booking")},
    {"by": ("month",), "from_date": date(2023, 8, 2)},
    {"from_date": date(2023, 8, 2), "to_date": date(2023, 8, 3)},
    {"by": ("model",), "zone": "Asia/Kathmandu"},
    {"assume_model": "gpt-4-0613"},
)
SEEN_IN_CALLS: tuple[dict[str, Any], ...] = (
    {"by": ("day",), "zone": "Asia/Kathmandu"},
    {"to_date": date(2023, 8, 3), "zone": "America/New_York"},
    {"by": ("team",)},
    {"by": ("workload",)},
)

calls = st.builds(
    capture,
    id=st.sampled_from([f"call-{n}" for n in range(12)]),
    at=st.sampled_from([None, *(f"2023-08-0{day}:30:00Z" for day in ("1T10", "1T23", "2T10"))]),
    model=st.sampled_from(["gpt-3.5-turbo-0613", "gpt-4-0613", "mine", "gpt-5.4"]),
    sent=st.sampled_from([0, 1, 4_000, 4_096, 4_097, 8_192, 16_385, 200_000, 272_000, 272_001]),
    made=st.sampled_from([1, 96, 97, 4_000]),
    max_tokens=st.sampled_from([None, 1, 5_000]),
    cached=st.sampled_from([0, 1]),
    tier=st.sampled_from([None, "flex"]),
)
at = st.just("2023-08-02T10:00:00Z")
others = st.one_of(
    st.builds(failure, id=st.sampled_from(["call-1", "bad"]), at=at),
    st.builds(uncounted, id=st.sampled_from(["call-2", "dark"]), at=at),
    st.builds(embedding, id=st.sampled_from(["call-3", "e"]), at=at),
)
files = st.lists(st.lists(st.one_of(calls, calls, others), min_size=1, max_size=8), max_size=4)


class Spy:
    """Which way a replay went."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ran: list[str] = []
        run = Store.run

        def noting(store: Store, name: str, /, **values: Any) -> None:
            self.ran.append(name)
            run(store, name, **values)

        monkeypatch.setattr(Store, "run", noting)


def answer(store: Store, asked: Question, *, from_calls: bool) -> str | bytes:
    """The JSON of a replay, by the way that is asked for."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        if from_calls:
            monkeypatch.setattr(pipeline, "_are_summed", lambda *_: False)
        spy = Spy(monkeypatch)
        written = WRITERS["json"](replay(store, asked))
    assert (FROM_CALLS if from_calls else FROM_DAYS) in spy.ran
    return written


@given(files=files)
@settings(max_examples=5, deadline=None, derandomize=True)
def test_both_ways_give_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[Line]]
) -> None:
    """Whatever is read, in several files of which some hold better readings of others' calls."""
    folder = tmp_path_factory.mktemp("logs")
    write(folder / "z.jsonl", [capture("call-0")])
    for number, lines in enumerate(files):
        write(folder / f"{number}.jsonl", lines)
    with Store.open(tmp_path_factory.mktemp("db") / "store.duckdb") as store:
        take_in(store, folder)
        for asked in QUESTIONS:
            one, other = (answer(store, question(**asked), from_calls=c) for c in (False, True))
            assert one == other, asked


@pytest.mark.parametrize("asked", SEEN_IN_CALLS, ids=str)
def test_what_days_of_utc_do_not_tell_is_looked_up_in_the_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    write(tmp_path / "a.jsonl", [capture("call-0")])
    with Store.open(tmp_path / "store.duckdb") as store:
        take_in(store, tmp_path / "a.jsonl")
        spy = Spy(monkeypatch)
        replay(store, question(**asked))
    assert FROM_CALLS in spy.ran and FROM_DAYS not in spy.ran


def test_a_store_in_memory_is_not_added_up(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [capture("one")])
    with Store.open(None) as store:
        take_in(store, tmp_path)
        assert not pipeline._are_summed(store, question())
        assert replay(store, question()).total["calls"] == 1


def grown(db: Path, *logs: Path) -> None:
    with Store.open(db) as store:
        take_in(store, *logs)


def test_a_better_reading_that_comes_later_is_added_up_in_both_sources(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [capture("one", sent=100), capture("two", sent=50)])
    write(tmp_path / "b.jsonl", [capture("one", sent=300)])
    db = tmp_path / "store.duckdb"
    grown(db, tmp_path / "a.jsonl")
    grown(db, tmp_path / "b.jsonl")
    with Store.open(db, to_read=True) as store:
        found = replay(store, question())
        assert answer(store, question(), from_calls=False) == answer(
            store, question(), from_calls=True
        )
    assert (found.total["calls"], found.total["input_tokens"]) == (2, 350)


def test_a_store_that_an_older_audit_filled_is_added_up_with_the_next_log(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [capture("one"), capture("two", at=None)])
    write(tmp_path / "b.jsonl", [capture("three")])
    db = tmp_path / "store.duckdb"
    grown(db, tmp_path / "a.jsonl")
    with duckdb.connect(str(db)) as connection:
        for table in ("day_cells", "summed", "day_edges"):
            connection.execute(f"DROP TABLE {table}")
    with Store.open(db, to_read=True) as store:
        assert not pipeline._are_summed(store, question())
        before = WRITERS["json"](replay(store, question()))
    grown(db, tmp_path / "a.jsonl")
    with Store.open(db, to_read=True) as store:
        assert WRITERS["json"](replay(store, question())) == before
    grown(db, tmp_path / "b.jsonl")
    with Store.open(db, to_read=True) as store:
        assert pipeline._are_summed(store, question())
        assert replay(store, question()).total["calls"] == 3


def test_sums_that_an_older_audit_left_behind_are_made_anew(tmp_path: Path) -> None:
    """It took a call from one source for another, and knew nothing of sums."""
    write(tmp_path / "a.jsonl", [capture("one"), capture("two")])
    write(tmp_path / "b.jsonl", [capture("three")])
    db = tmp_path / "store.duckdb"
    grown(db, tmp_path / "a.jsonl")
    with duckdb.connect(str(db)) as connection:
        connection.execute("INSERT INTO sources SELECT * REPLACE (7 AS source_id) FROM sources")
        connection.execute("UPDATE calls SET source_id = 7 WHERE call_id = 'one'")
    grown(db, tmp_path / "b.jsonl")
    with Store.open(db, to_read=True) as store:
        assert pipeline._are_summed(store, question())
        assert answer(store, question(), from_calls=False) == answer(
            store, question(), from_calls=True
        )


def test_sums_that_lack_a_source_or_a_call_are_not_trusted(tmp_path: Path) -> None:
    """As after an older audit wrote to a store of today."""
    write(tmp_path / "a.jsonl", [capture("one"), capture("two")])
    db = tmp_path / "store.duckdb"
    for harm in (
        "DELETE FROM calls WHERE call_id = 'one'",
        "INSERT INTO sources SELECT * REPLACE (9 AS source_id) FROM sources",
        "DELETE FROM day_cells",
        "UPDATE day_edges SET windows = [1]",
    ):
        db.unlink(missing_ok=True)
        Path(f"{db}.key").unlink(missing_ok=True)
        grown(db, tmp_path / "a.jsonl")
        with Store.open(db, to_read=True) as store:
            assert pipeline._are_summed(store, question())
        with duckdb.connect(str(db)) as connection:
            connection.execute(harm)
        with Store.open(db, to_read=True) as store:
            assert not pipeline._are_summed(store, question()), harm


def test_a_window_that_the_sums_do_not_know_is_looked_for_in_the_calls(tmp_path: Path) -> None:
    own = tmp_path / "prices.csv"
    with_rates(own, lambda rate: rate)
    own.write_text(own.read_text().replace(",8192,", ",5000,"))
    other = open_book([own])
    write(tmp_path / "a.jsonl", [capture("one", sent=4_500), capture("two", sent=6_000)])
    asked = Question(book=other, scenarios=choose(built_in(), ()))
    with Store.open(tmp_path / "store.duckdb") as store:
        take_in(store, tmp_path / "a.jsonl")
        assert pipeline._are_summed(store, Question(book=book(), scenarios=asked.scenarios))
        assert not pipeline._are_summed(store, asked)
        assert replay(store, asked).total["calls"] == 2
