"""Few calls of every kind in two stores, and what an answer about them must be."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import book_oracle as oracle
from golden_files import FIXTURES

from auditor import scenarios
from auditor.pipeline import Replay
from auditor.pipeline.days import add_up_new
from auditor.store import Store
from helpers.logs import Line, capture, embedding, envelope, failure, uncounted, write
from helpers.runs import book, take_in

CALLS, SUMS = "calls.duckdb", "sums.duckdb"
MADE: list[Path] = []
"""Where the stores are if something made them before (``tests.mutation`` does, once for all)."""
EVERY = scenarios.built_in()
LATE = "2026-08-01T22:30:00Z"
Calls = list[oracle.Call]


def lines() -> Iterator[Line]:
    """Calls of which each has something that no other has."""
    meters = {"cached": 130, "written": 17, "reasoning": 11, "max_tokens": 60}
    yield capture("terra", LATE, "gpt-5.6-terra", 1_009, 53, team="red", **meters)
    yield capture("terra-cut", "2026-07-29T10:00:00Z", "gpt-5.6-terra", 509, 37, **meters)
    yield capture("long", LATE, "gpt-5.6-terra", 272_001, 19, team="red", **meters)
    yield capture("not-long", LATE, "gpt-5.6-terra", 272_000, 19, **meters)
    yield capture("unknown-long", "2026-05-01T00:00:00Z", "gpt-5.5-2026-04-23", 272_001, 3)
    yield capture("no-cache-price", "2024-09-30T23:59:59Z", "gpt-4o-2024-08-06", 97, 3, cached=31)
    yield capture("cache-price", "2024-10-01T00:00:00Z", "gpt-4o-2024-08-06", 97, 3, cached=31)
    yield capture("batch", "2024-10-03T00:00:00Z", "gpt-4o-2024-08-06", 89, 5, tier="batch")
    yield capture("flex", "2024-10-03T00:00:00Z", "gpt-4o-2024-08-06", 83, 5, tier="flex")
    for day, sent in (("2024-02-15", 79), ("2024-02-16", 73)):
        yield capture(f"alias-{day}", f"{day}T12:00:00Z", None, sent, 2, requested="gpt-3.5-turbo")
    for sent in (3_996, 3_997, 8_092, 8_093, 16_285, 16_286, 32_668, 32_669):
        yield capture(f"edge-{sent}", model="gpt-4-0613", sent=sent, made=1, max_tokens=100)
        yield capture(f"made-{sent}", model="gpt-3.5-turbo-0613", sent=sent, made=100, team="blue")
    yield capture("tuned", "2023-11-05T00:00:00Z", "ft:gpt-3.5-turbo-0613:us::7", 71, 13)
    yield capture("cheaper", "2023-11-06T00:00:00Z", "ft:gpt-3.5-turbo-0613:us::7", 71, 13)
    yield capture("nobody-knows", "2023-08-22T10:00:00Z", "house-model", 67, 1, team="blue")
    yield capture("no-name", "2023-08-22T10:00:00Z", None, 61, 1)
    yield capture("no-output-rate", "2023-08-22T10:00:00Z", "text-embedding-ada-002", 37, 3)
    thought = {"sent": 3_990, "made": 107, "reasoning": 60}  # 4,097 with the hidden ones alone
    yield capture("thought", "2024-10-03T00:00:00Z", "o1-mini", **thought)
    stored = {"sent": 4_000, "made": 1, "cached": 3_000, "written": 500, "max_tokens": 97}
    yield capture("mostly-cached", "2024-10-03T00:00:00Z", "gpt-4o-2024-08-06", **stored)
    for name, at in (("first", "2023-08-22T18:15:00Z"), ("end", "2024-10-02T18:15:00Z")):
        yield capture(f"{name}-in-kathmandu", at, "gpt-4-0613", 31, 1)
    yield capture("first-in-utc", "2023-08-23T00:00:00Z", "gpt-4-0613", 29, 1)
    cached = {"sent": 5_400, "cached": 3_000, "max_tokens": 50}
    yield capture("moved-cached", "2023-08-22T10:00:00Z", "gpt-4-0613", **cached)
    yield capture("moved-thought", "2023-08-22T10:00:00Z", "gpt-4-0613", 5_300, 100, reasoning=60)
    for day in ("2023-03-02", "2026-08-05"):  # the first and the last; in Kathmandu two days each
        for time in ("10:00:00", "22:30:00"):
            yield capture(f"{day}T{time}", f"{day}T{time}Z", "gpt-4-0314", 23, 1)
    yield capture("undated", None, "gpt-4-0613", 59, 1)
    yield capture("late-evening", "2023-08-22T22:30:00Z", "gpt-4-0613", 47, 1, team="red")
    yield capture("by-the-tokenizer", "2023-08-23T22:30:00Z", "gpt-4-0613", 0, 0)
    yield capture("asked-otherwise", model="gpt-4-0613", sent=19, requested="gpt-3.5-turbo")
    yield capture("asked-late", "2024-03-01T00:00:00Z", None, 17, requested="gpt-3.5-turbo")
    body = {"id": "response", "object": "response", "model": "gpt-4o-2024-08-06", "output": []}
    usage: Line = {"input_tokens": 13, "output_tokens": 5, "total_tokens": 18}
    usage |= {"input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2}}
    usage |= {"output_tokens_details": {"reasoning_tokens": 3}}
    yield envelope("2024-10-05T00:00:00Z", {"input": "Is it so?"}, {**body, "usage": usage})
    beside = {"cached": 5, "written": 3, "reasoning": 2}
    yield capture("beside-it", "2024-10-05T01:00:00Z", "gpt-4o-2024-08-06", 13, 5, **beside)
    later = {"cached": 7, "written": 2, "reasoning": 1}
    yield capture("a-day-later", "2024-10-06T01:00:00Z", "gpt-4o-2024-08-06", 13, 5, **later)
    yield capture("terra-later", "2026-08-02T10:00:00Z", "gpt-5.6-terra", 900, 5, cached=31)
    yield capture("terra-cached", LATE, "gpt-5.6-terra", 700, 5, cached=600, written=17)
    spent = {"prompt_tokens": 5_400, "completion_tokens": 2, "total_tokens": 5_402}
    body = {"id": "wordless", "object": "chat.completion", "model": "gpt-4-0613"}
    yield envelope("2023-08-22T10:00:00Z", {}, {**body, "usage": spent})
    body = {"id": "completion", "object": "text_completion", "model": "davinci-002"}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    choices = [{"index": 0, "text": "Yes.", "finish_reason": "stop"}]
    answer = {**body, "choices": choices, "usage": usage}
    yield envelope("2023-09-01T00:00:00Z", {"prompt": "Is it so?"}, answer)
    yield failure("refused", "2023-08-22T10:00:00Z", requested="gpt-4")
    yield uncounted("dark", "2023-08-22T10:00:00Z", requested="gpt-4")
    yield uncounted("dark-undated", None, requested="gpt-4")
    yield embedding("2023-08-22T10:00:00Z", "text-embedding-ada-002", 43)
    spoken = capture("spoken", "2025-01-02T00:00:00Z", "gpt-4o-2024-08-06", 41, 1)
    spoken["response"]["usage"]["prompt_tokens_details"] = {"audio_tokens": 9}
    yield spoken


def again() -> Iterator[Line | str]:
    """The same calls under other ids, and what is no new call: in a file and a run of their own."""
    for line in lines():
        named: Line = line if "x_request_id" in line else line["response"]
        key = "x_request_id" if "x_request_id" in line else "id"
        if key in named:
            named[key] += "-2"
            yield line
    yield next(lines())
    yield from ("{not json", "", "")


def build(folder: Path) -> None:
    """The two stores: single calls with claims of what some cost, and sums."""
    with Store.open(folder / CALLS) as store:
        take_in(store, write(folder / "calls.jsonl", lines()))
        take_in(store, write(folder / "again.jsonl", again()))
        for id, claim in (("terra", "0.125"), ("nobody-knows", "1"), ("terra-2", "0.03")):
            change = "UPDATE calls SET recorded_usd = $claim WHERE call_id = $id"
            store._connection.execute(change, {"id": id, "claim": claim})
        store._connection.execute("DELETE FROM summed")
        add_up_new(store, book())
    fixtures = FIXTURES / "formats" / "openai-usage"
    with Store.open(folder / SUMS) as store:
        take_in(store, fixtures / "usage.json", fixtures / "usage-2023.json")
        on_a_day_of_sums = capture("single", "2023-05-06T23:00:00Z", "gpt-4-0314", 7, 3)
        take_in(store, write(folder / "single.jsonl", [on_a_day_of_sums]))


@contextmanager
def stores() -> Iterator[Path]:
    """The folder of both stores."""
    if MADE:
        yield MADE[0]
        return
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        yield Path(folder)


@contextmanager
def opened(path: Path, *, by_call: bool = False) -> Iterator[tuple[Store, Calls]]:
    """A store to read, and its calls; ``by_call`` tags each with its id, in this run alone."""
    with Store.open(path, to_read=True) as store:
        run = store._connection.execute
        found = run(
            "SELECT calls.*, coalesce(requests, 1) AS requests, called_at::DATE AS day "
            "FROM calls LEFT JOIN buckets USING (call_id) ORDER BY call_id"
        )
        names = [column[0] for column in found.description]
        calls = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        if by_call:
            run(
                "CREATE TEMP TABLE calls AS SELECT * REPLACE (MAP {'one': call_id} AS tags) "
                "FROM calls"
            )
        yield store, calls


def check(answer: Replay, calls: Calls, key: Callable[[oracle.Call], str]) -> None:
    """Every group and scenario of an answer by one dimension (and, behind it, others)."""
    groups: dict[str, Calls] = {}
    for call in calls:
        groups.setdefault(key(call), []).append(call)
    assert [row["by_1"] or "" for row in answer.spent] == sorted(groups)
    for row in answer.spent:
        own = groups[row["by_1"] or ""]
        expected = oracle.spent(own)
        assert {name: row[name] for name in expected} == expected
        assert row["recorded_usd"] == oracle.total(call["recorded_usd"] for call in own)
    assert len(answer.rows) == len(groups) * len(answer.question.scenarios)
    for row in answer.rows:
        expected = oracle.replayed(groups[row["by_1"] or ""], row["scenario"].name)
        assert {name: row[name] for name in expected} == expected


def check_total(answer: Replay, calls: Calls) -> None:
    expected = oracle.spent(calls)
    assert {name: answer.total[name] for name in expected} == expected
    for row in answer.rows:
        expected = oracle.replayed(calls, row["scenario"].name)
        assert {name: row[name] for name in expected} == expected
