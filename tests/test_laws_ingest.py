"""Laws of the ingest: how the same calls lie in files, and how often, changes no figure."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace as changed
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import zstandard
from helpers.logs import GARBAGE, Line, capture, failure, uncounted, write
from helpers.runs import (
    Document,
    answer,
    book,
    document,
    document_of,
    figures,
    formats,
    question,
    replayed,
    take_in,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import sql
from auditor.errors import SourceError
from auditor.finding import find
from auditor.formats import Format
from auditor.pipeline import ingest, replay
from auditor.pipeline.counting import Counted, Gauge
from auditor.records import Call
from auditor.reports.files import WRITERS
from auditor.store import Store

BY_ALL = ("day", "model", "team", "tier")


def traffic(count: int = 60) -> list[Line]:
    """Different calls with the provider's ids, of two teams and three models."""
    models = ("gpt-4-0613", "gpt-3.5-turbo", "gpt-5000")
    return [
        capture(
            f"call-{n}",
            f"2023-08-{1 + n % 28:02}T10:00:00Z",
            models[n % 3],
            1000 + n,
            n,
            team=("desk", "search")[n % 2],
            max_tokens=(None, 3_000)[n % 2],
        )
        for n in range(count)
    ]


# --- the same calls in other files


def test_splitting_and_merging_files_changes_no_figure() -> None:
    lines = traffic()
    whole = figures(replayed(lines, by=BY_ALL))
    assert figures(replayed(lines[:13], lines[13:14], lines[14:], by=BY_ALL)) == whole
    assert figures(replayed(*([line] for line in lines[:9]), lines[9:], by=BY_ALL)) == whole


def test_the_order_of_lines_changes_nothing() -> None:
    lines: list[Line | str] = [*traffic(), *GARBAGE, "", *traffic(10)]
    shuffled = list(lines)
    random.Random(7).shuffle(shuffled)
    one, other = replayed(lines, by=BY_ALL), replayed(shuffled, by=BY_ALL)
    assert figures(one) == figures(other)
    assert one["coverage"] == other["coverage"]


def test_the_names_and_order_of_files_change_no_figure(tmp_path: Path) -> None:
    lines = traffic()
    parts = (lines[:25], lines[20:45], lines[40:])
    found = []
    for order in permutations(range(3)):
        folder = tmp_path / "".join(map(str, order))
        for name, part in zip("abc", order, strict=True):
            write(folder / f"{name}.jsonl", parts[part])
        found.append(document(folder, by=BY_ALL))
    assert all(figures(one) == figures(found[0]) for one in found)
    assert {one["coverage"]["duplicates"] for one in found} == {10}


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("suffix", PACKERS)
def test_compressed_files_say_what_plain_ones_say(tmp_path: Path, suffix: str) -> None:
    plain = write(tmp_path / "calls.jsonl", traffic())
    packed = tmp_path / f"calls.jsonl.{suffix}"
    packed.write_bytes(PACKERS[suffix](plain.read_bytes()))
    alone, other = document(plain), document(packed)
    assert alone["coverage"] == other["coverage"]
    assert figures(alone) == figures(other)
    both = document(tmp_path)
    assert figures(both) == figures(alone)
    assert both["coverage"]["duplicates"] == both["coverage"]["calls"] == 60


# --- the same calls more than once


def test_ingesting_twice_changes_nothing(tmp_path: Path) -> None:
    logs = write(tmp_path / "logs" / "calls.jsonl", [*traffic(), *GARBAGE])
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(logs.read_bytes())
    with Store.open(tmp_path / "store.duckdb") as store:
        take_in(store, logs.parent)
        once = document_of(store)
        again, moved = take_in(store, logs.parent), take_in(store, copy)
        assert (again.sources, again.already, moved.sources, moved.already) == (0, 1, 0, 1)
        assert document_of(store) == once


@pytest.mark.slow
@settings(deadline=None, max_examples=12, derandomize=True)
@given(st.lists(st.lists(st.integers(0, 11), max_size=8), max_size=3))
def test_duplicates_change_no_figure(copied: list[list[int]]) -> None:
    """Copies within their file and in others; what the tool does not read may differ in them."""
    lines = traffic(12)
    more = [[{**lines[place], "seen_by": n} for place in file] for n, file in enumerate(copied)]
    found = replayed([*lines, *lines[:3]], *more, by=BY_ALL)
    assert figures(found) == figures(replayed(lines, by=BY_ALL))
    assert found["coverage"]["duplicates"] == 3 + sum(map(len, more))


# --- one id, several readings


SLOW = pytest.mark.slow
CLASHES: dict[str, tuple[Line, ...]] = {
    "the final count before a partial one": (
        capture("x", sent=1000, made=100),
        capture("x", sent=1000, made=7),
        capture("x", sent=900, made=90),
    ),
    "the provider's count before none": (
        capture("x", sent=1000, made=100),
        uncounted("x", "2023-08-22T10:00:00Z", requested="gpt-4"),
        failure("x", "2023-08-22T10:00:00Z"),
    ),
    "equal counts on other meters": (
        capture("x", cached=0),
        capture("x", cached=512),
        capture("x", reasoning=50),
    ),
    "other models, times, limits and tags": (
        capture("x", model="gpt-4-0613"),
        capture("x", model="gpt-3.5-turbo-0301"),
        capture("x", at="2023-08-23T00:00:00Z"),
        capture("x", max_tokens=9_000),
        capture("x", team="desk"),
        capture("x", requested="gpt-4", tier="flex"),
    ),
    "several reasons why nobody counted": (
        uncounted("x", "2023-08-22T10:00:00Z", requested="gpt-5000"),
        {
            **uncounted("x", "2023-08-22T10:00:00Z", requested="gpt-5000"),
            "response": {"id": "x", "choices": [{"message": {"content": "Yes."}}]},
        },
    ),
}


def orders(readings: tuple[Line, ...]) -> Iterable[tuple[Line, ...]]:
    """Every order of a few readings, every rotation of many."""
    if len(readings) < 4:
        return permutations(readings)
    return [readings[n:] + readings[:n] for n in range(len(readings))]


@pytest.mark.parametrize("clash", CLASHES)
def test_of_several_readings_of_a_call_the_best_stays_whatever_the_order(clash: str) -> None:
    readings = CLASHES[clash]
    found: list[Document] = []
    for order in orders(readings):
        found += [replayed(order, by=BY_ALL), replayed(*([line] for line in order), by=BY_ALL)]
    for one in found:
        assert figures(one) == figures(found[0])
        assert (one["coverage"]["calls"], one["coverage"]["duplicates"]) == (1, len(readings) - 1)
    assert any(figures(found[0]) == figures(replayed([line], by=BY_ALL)) for line in readings)


@pytest.mark.parametrize(
    "clash", ["the final count before a partial one", "the provider's count before none"]
)
def test_the_better_reading_is_the_fuller_one(clash: str) -> None:
    best, *_ = CLASHES[clash]
    assert figures(replayed(CLASHES[clash])) == figures(replayed([best]))


# --- rows without an id


ROWS = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:00:00.0000000,100,10
2023-11-16 18:00:00.0000000,100,10
2023-11-16 18:00:01.0000000,200,20
2023-11-16 18:00:02.0000000,300,30
"""


def calls_in(folder: Path, **tables: str) -> tuple[int, int]:
    """Calls and duplicates of these tables."""
    for name, content in tables.items():
        (folder / f"{name}.csv").write_text(content, encoding="utf-8")
    found = document(folder)["coverage"]
    return found["calls"], found["duplicates"]


def test_two_equal_rows_of_one_file_are_two_calls(tmp_path: Path) -> None:
    assert calls_in(tmp_path, once=ROWS) == (4, 0)


def test_the_same_rows_in_an_overlapping_export_are_the_same_calls(tmp_path: Path) -> None:
    header, *rows = ROWS.splitlines(keepends=True)
    later = "2023-11-16 18:00:03.0000000,400,40\n"
    overlapping = header + "".join(reversed(rows)) + later
    assert calls_in(tmp_path, first=ROWS, second=overlapping) == (5, 4)


def test_equal_rows_of_an_overlapping_export_count_as_often_as_the_file_that_has_most(
    tmp_path: Path,
) -> None:
    one_of_them = "".join(ROWS.splitlines(keepends=True)[:2])
    assert calls_in(tmp_path, part=one_of_them, whole=ROWS) == (4, 1)


def test_captures_without_an_id_are_told_apart_by_their_text() -> None:
    same = capture(None, text="Is it so?")
    other = capture(None, text="Is it not?")
    assert replayed([same, same, other])["coverage"]["calls"] == 3
    assert replayed([same, other], [other, same])["coverage"]["calls"] == 2


# --- one custom_id, several answers


def batch_line(custom_id: str, line: Line) -> Line:
    response = {"status_code": 200, "request_id": "r", "body": line["response"]}
    return {"id": "batch_req_1", "custom_id": custom_id, "response": response, "error": None}


def test_two_answers_under_one_custom_id_are_two_paid_calls() -> None:
    at, model = "2024-06-01T00:00:00Z", "gpt-4o-2024-05-13"
    bodies = [capture(id, at, model) for id in ("chatcmpl-1", "chatcmpl-2")]
    for body in bodies:
        body["response"]["created"] = 1_717_200_000
    one, other = (batch_line("task-1", body) for body in bodies)
    assert replayed([one])["actual"]["cost_usd"] == "0.00325"  # batch: half of 0.0065
    for files in ([[one, other]], [[one], [other]], [[one, other, one]]):
        found = replayed(*files)
        assert (found["coverage"]["calls"], found["actual"]["cost_usd"]) == (2, "0.0065")


# --- the same run again


@pytest.mark.parametrize("written_as", WRITERS)
def test_the_same_run_gives_the_same_bytes(tmp_path: Path, written_as: str) -> None:
    logs = write(tmp_path / "calls.jsonl", [*traffic(), *GARBAGE])
    first, second = (WRITERS[written_as](answer(logs, by=BY_ALL)) for _ in range(2))
    assert first == second


def run(code: str, *arguments: object, hash_seed: int = 0) -> subprocess.CompletedProcess[bytes]:
    """Python code in a process of its own, against the tool under test."""
    root = str(Path(str(sql.folder())).parent)
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": root}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        check=False,
    )


def test_another_process_gives_the_same_bytes(tmp_path: Path) -> None:
    logs = write(tmp_path / "calls.jsonl", traffic())
    code = "from auditor.cli import main; main()"
    command = ("replay", logs, "--format", "json", "--by", "model", "--allow-unpriced", "100%")
    one, other = (run(code, *command, hash_seed=seed) for seed in (1, 2))
    assert one.returncode == other.returncode == 0, one.stderr
    assert one.stdout == other.stdout
    assert json.loads(one.stdout)["coverage"]["calls"] == 60


# --- a store that grows, and an ingest that breaks off


def three_files(folder: Path) -> list[Path]:
    """Files that overlap, of more than one batch of rows each."""
    lines = traffic()
    parts: dict[str, list[Line | str]] = {
        "a": [*lines[:30]],
        "b": [*lines[20:50], *GARBAGE],
        "c": [*lines[45:]],
    }
    return [write(folder / f"{name}.jsonl", part) for name, part in parts.items()]


def in_full(store: Store) -> str | bytes:
    """The bytes of ``audit replay --db FILE --format json``."""
    return WRITERS["json"](replay(store, question(by=BY_ALL)))


def test_a_store_that_grew_day_by_day_says_what_one_run_says(tmp_path: Path) -> None:
    logs = three_files(tmp_path / "logs")
    for day in logs:
        with Store.open(tmp_path / "store.duckdb") as store:
            take_in(store, day)
    with Store.open(tmp_path / "store.duckdb") as grown, Store.open(None) as at_once:
        take_in(at_once, *logs)
        assert in_full(grown) == in_full(at_once)


class BrokenOffError(Exception):
    """What stops an ingest in these tests."""


class BreaksOff:
    """A gauge that stops the ingest at its n-th call."""

    def __init__(self, after: int) -> None:
        self._left = after
        self._gauge = Gauge(book(), {})

    def __call__(self, call: Call) -> Counted:
        if not self._left:
            raise BrokenOffError
        self._left -= 1
        return self._gauge(call)


@pytest.mark.parametrize(
    "after", [pytest.param(30, marks=SLOW), 31, 44, pytest.param(59, marks=SLOW)]
)
@pytest.mark.parametrize("together", [1, 3])
def test_an_ingest_that_breaks_off_keeps_whole_files_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, together: int
) -> None:
    """It stops inside the second file, when some of its rows are staged already."""
    monkeypatch.setattr(sys.modules["auditor.pipeline.reading"], "BATCH_RECORDS", 4)
    monkeypatch.setattr(sys.modules["auditor.pipeline.ingest"], "BUNDLE_SOURCES", together)
    logs = three_files(tmp_path / "logs")
    kept = 1 if together == 1 else 0
    with Store.open(None) as undisturbed, Store.open(None) as first_alone:
        take_in(undisturbed, *logs)
        take_in(first_alone, *logs[:kept])
        with Store.open(tmp_path / "store.duckdb") as store:
            with pytest.raises(BrokenOffError):
                take_in(store, *logs, gauge=BreaksOff(after))
            assert in_full(store) == in_full(first_alone)
        with Store.open(tmp_path / "store.duckdb") as reopened:
            assert in_full(reopened) == in_full(first_alone)
            finished = take_in(reopened, *logs)
            assert (finished.sources, finished.already) == (3 - kept, kept)
            assert in_full(reopened) == in_full(undisturbed)


@pytest.mark.parametrize("step", ["ingest/name_rows", "ingest/merge", "ingest/finish"])
def test_an_ingest_that_breaks_off_at_any_step_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    logs = three_files(tmp_path / "logs")
    own_run = Store.run

    def break_after(store: Store, name: str, /, **values: Any) -> None:
        own_run(store, name, **values)
        if name == step and values.get("source_id", 2) == 2:
            raise BrokenOffError

    with Store.open(None) as store, Store.open(None) as first_alone:
        take_in(first_alone, logs[0])
        take_in(store, logs[0])
        with monkeypatch.context() as patch:
            patch.setattr(Store, "run", break_after)
            with pytest.raises(BrokenOffError):
                take_in(store, *logs)
        assert in_full(store) == in_full(first_alone)


@pytest.mark.parametrize("together", [1, 3])
def test_a_process_that_is_killed_leaves_whole_files_only(tmp_path: Path, together: int) -> None:
    logs, db = three_files(tmp_path / "logs"), tmp_path / "store.duckdb"
    code = f"""
import os, sys
from pathlib import Path
from auditor import finding, formats
from auditor.pipeline import ingest
from auditor.pipeline.counting import Gauge
from auditor.prices import open_book
from auditor.store import Store

class Dies(Gauge):
    left = 44
    def __call__(self, call):
        self.left -= 1
        return super().__call__(call) if self.left else os._exit(9)

sys.modules[ingest.__module__].BUNDLE_SOURCES = {together}
with Store.open(Path(sys.argv[1])) as store:
    ingest(store, finding.find(sys.argv[2:]), formats.known_formats(), Dies(open_book(()), {{}}))
"""
    killed = run(code, db, *logs)
    assert killed.returncode == 9, killed.stderr
    with Store.open(None) as first_alone, Store.open(db) as store:
        take_in(first_alone, *logs[: 1 if together == 1 else 0])
        assert in_full(store) == in_full(first_alone)


def test_a_file_of_no_known_format_stops_the_ingest_before_anything_is_stored(
    tmp_path: Path,
) -> None:
    logs = three_files(tmp_path / "logs")
    (tmp_path / "logs" / "z.txt").write_text("a shopping list\n", encoding="utf-8")
    with Store.open(None) as store, Store.open(None) as empty:
        with pytest.raises(SourceError, match=r"z\.txt: no format recognises"):
            take_in(store, logs[0].parent)
        assert in_full(store) == in_full(empty)


def test_a_format_that_fails_while_reading_leaves_no_trace(tmp_path: Path) -> None:
    logs = three_files(tmp_path / "logs")

    def breaking(known: Format) -> Format:
        def read(file: Any, stream: Any) -> Any:
            readings = known.read(file, stream)
            yield next(readings)
            raise BrokenOffError

        return changed(known, read=read, blocks=None)

    with Store.open(None) as store, Store.open(None) as empty:
        with pytest.raises(BrokenOffError):
            ingest(store, find([str(logs[0])]), map(breaking, formats()), Gauge(book(), {}))
        assert in_full(store) == in_full(empty)
