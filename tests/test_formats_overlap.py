"""Overlapping exports, updates, attempts and running sums: what a naive sum says, what is right."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from command import audit
from golden_files import FIXTURES
from helpers.logs import capture, failure, write
from helpers.runs import document

from auditor.formats import known_formats
from auditor.sources import LogFile

FORMATS = FIXTURES / "formats"


def tokens(*files: Path) -> int:
    """All tokens of the calls that a replay of the files counts."""
    actual = document(*files)["actual"]
    return int(actual["input_tokens"]) + int(actual["output_tokens"])


def summed(rows: Iterable[Mapping[str, Any]], *columns: str) -> int:
    return sum(int(row.get(column) or 0) for row in rows for column in columns)


def json_rows(file: Path) -> list[dict[str, Any]]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def csv_rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_portkeys_exports_of_two_days_overlap(tmp_path: Path) -> None:
    """The later export has two rows of the earlier one, one of them without its body."""
    first = FORMATS / "portkey" / "log.jsonl"
    rows = {row["id"]: row for row in json_rows(first)}
    again = {k: v for k, v in rows["body-wins"].items() if k not in ("request", "response")}
    new = {**rows["plain"], "id": "new", "req_units": 70, "res_units": 30, "total_units": 100}
    second = write(tmp_path / "tuesday.jsonl", [rows["plain"], again, new])
    both = [*json_rows(first), *json_rows(second)]
    naive = summed(both, "req_units", "res_units")
    assert (naive, summed(both, "total_units"), tokens(first, second)) == (6100, 6099, 3100)
    assert tokens(first) == 3000
    assert tokens(second, first) == 3100  # in whatever order: the fuller reading stays


def test_helicones_csv_and_json_lines_hold_the_same_requests(tmp_path: Path) -> None:
    table, lines = FORMATS / "helicone" / "export.csv", FORMATS / "helicone" / "rows.jsonl"
    counts = ("prompt_tokens", "completion_tokens")
    naive = summed([row for row in csv_rows(table) if row["model"]], *counts)
    assert (naive, tokens(table)) == (1100, 1000)  # half a count is refused
    beside = naive + summed(json_rows(lines), *counts)
    assert (beside, tokens(table, lines)) == (9588, tokens(lines))


def test_langfuse_writes_an_update_under_the_same_id(tmp_path: Path) -> None:
    started = {
        "id": "g", "traceId": "t", "type": "GENERATION", "startTime": "2024-05-02T09:20:46.100Z",
        "model": "gpt-4o-2024-05-13", "usageDetails": {"input": 900, "output": 0, "total": 900},
    }  # fmt: skip
    ended = {**started, "usageDetails": {"input": 900, "output": 100, "total": 1000}}
    file = write(tmp_path / "batch.jsonl", [started, ended])
    naive = sum(row["usageDetails"]["total"] for row in json_rows(file))
    assert (naive, tokens(file)) == (1900, 1000)
    assert tokens(write(tmp_path / "turned.jsonl", [ended, started])) == 1000


def test_langfuses_csv_and_json_hold_the_same_observations() -> None:
    table, array = FORMATS / "langfuse-csv" / "batch.csv", FORMATS / "langfuse" / "batch.json"
    rows = [row for row in csv_rows(table) if (row["usageDetails"] or "")[:1] == "{"]
    counts = [json.loads(row["usageDetails"]) for row in rows]
    counts += [row["usageDetails"] for row in json.loads(array.read_bytes())]
    naive = sum(int(n) for one in counts for name, n in one.items() if name != "total")
    alone = tokens(table)
    assert (naive, tokens(table, array), alone) == (5375, 2689, 2689)


def test_attempts_that_failed_cost_nothing_and_the_one_that_did_not_is_paid(tmp_path: Path) -> None:
    """A retry that was answered twice was paid twice: two answers have two ids."""
    lines = [
        failure("refused", "2023-08-22T10:00:00Z"),
        capture("first", "2023-08-22T10:00:01Z", sent=100, made=10),
        capture("second", "2023-08-22T10:00:02Z", sent=100, made=10),
        capture("second", "2023-08-22T10:00:02Z", sent=100, made=10),
    ]
    found = document(write(tmp_path / "calls.jsonl", lines))
    naive = sum((line["response"].get("usage") or {}).get("total_tokens", 0) for line in lines)
    right = found["actual"]["input_tokens"] + found["actual"]["output_tokens"]
    assert (naive, right) == (330, 220)
    assert (found["coverage"]["failed"], found["coverage"]["duplicates"]) == (1, 1)


def test_a_file_that_is_there_twice_is_read_once(tmp_path: Path) -> None:
    content = json.dumps(capture("a", sent=100, made=10)) + "\n"
    for name in ("calls.jsonl", "calls (1).jsonl"):
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert tokens(tmp_path) == 110 != 2 * 110
    run = audit("ingest", ".", "--db", "s.db", folder=tmp_path)
    assert "are the same byte for byte: read once" in run.err


def test_a_stream_that_counts_up_is_counted_at_its_end(tmp_path: Path) -> None:
    """Every event says how much there was so far; their sum counts the beginning many times."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {
            "id": "msg_1", "type": "message", "role": "assistant", "content": [],
            "model": "claude-3-haiku-20240307", "usage": {"input_tokens": 11, "output_tokens": 1},
        }},
        *({"type": "message_delta", "delta": {}, "usage": {"output_tokens": n}} for n in (4, 9)),
        {"type": "message_stop"},
    ]  # fmt: skip
    stream = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
    line = {"timestamp": "2024-05-02T10:00:00Z", "request": {"model": "c"}, "status_code": 200}
    file = write(tmp_path / "calls.jsonl", [{**line, "response_stream": stream}])
    told = [event.get("usage") or event.get("message", {}).get("usage", {}) for event in events]
    naive = sum(usage.get(name, 0) for usage in told for name in ("input_tokens", "output_tokens"))
    assert (naive, tokens(file)) == (25, 20)


def test_running_sums_of_a_home_made_log_are_not_added_up(tmp_path: Path) -> None:
    """Its lines count what was used so far beside what they used; one knows only the former."""
    sent, so_far, lines = (100, 70, 30), 0, []
    for number, count in enumerate(sent):
        so_far += count + 10
        line = {"ts": 1740819600 + number, "model": "gpt-4o-mini", "usage_so_far": so_far}
        lines.append({**line, "tokens_in": count, "tokens_out": 10})
    lines.append({"ts": 1740819700, "model": "gpt-4o-mini", "usage_so_far": so_far})
    file = write(tmp_path / "steps.jsonl", lines)
    assert (summed(json_rows(file), "usage_so_far"), tokens(file)) == (760, 230)
    assert document(file)["coverage"]["rejects"] == 1


def test_weave_writes_the_sum_of_the_calls_below_on_every_function() -> None:
    file = FORMATS / "weave" / "calls.jsonl"
    usages = [
        one for row in json_rows(file) for one in row.get("summary", {}).get("usage", {}).values()
    ]
    naive = summed(usages, "prompt_tokens", "completion_tokens", "input_tokens", "output_tokens")
    assert (naive, tokens(file)) == (1851, 509)


@pytest.mark.parametrize("value", [5, "x", [], {}, [{}], True, None, {"a": 1}, {"m": {"a": [1]}}])
def test_fields_of_wrong_types_crash_no_tracing_format(value: Any, tmp_path: Path) -> None:
    call = {
        "id": "a",
        "op_name": "f",
        "trace_id": "t",
        "started_at": "2025-03-01",
        "parent_id": "b",
    }
    lines = [{**call, name: value} for name in (*call, "summary", "output", "exception", "inputs")]
    lines += [{**call, "summary": {"usage": value}}, {**call, "summary": {"usage": {"m": value}}}]
    run = {"id": "a", "run_type": "llm", "start_time": 1740819600, "dotted_order": "1Zb.1Za"}
    runs = [{**run, name: value} for name in (*run, "outputs", "inputs", "extra", "error")]
    asked = {"model": "m", "input": "x"}
    results = [[asked, value], [asked, {"id": 1, "usage": value}], [value, value, value]]
    for name, content in (("weave", lines), ("langsmith", runs), ("parallel-results", results)):
        path = tmp_path / name
        path.write_text("".join(json.dumps(one) + "\n" for one in content), encoding="utf-8")
        format = next(one for one in known_formats() if one.name == name)
        file = LogFile(path, name)
        with file.open() as stream:
            assert len(list(format.read(file, stream))) == len(content)
