"""What a log holds twice is counted once: the naive sum of its tokens beside the right one.

Every case is a fixture of ``fixtures/formats``; the naive sum adds whatever the file calls tokens.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import COMPLETE, ERROR, INCOMPLETE, audit
from golden_files import FIXTURES
from helpers.runs import document

from auditor.formats import known_formats
from auditor.records import Reject
from auditor.sources import LogFile

FORMATS = FIXTURES / "formats"
Sum = tuple[int, int]


def spans_named(file: Path, sent: tuple[str, ...], made: tuple[str, ...]) -> Sum:
    """The counts of every span, wrapper or not."""
    totals = [0, 0]
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            document = json.loads(line)
        except ValueError:
            continue
        for resource in document.get("resourceSpans", ()):
            for span in resource["scopeSpans"][0]["spans"]:
                found = {one["key"]: one["value"].get("intValue") for one in span["attributes"]}
                for place, names in enumerate((sent, made)):
                    value: Any = next((found[name] for name in names if name in found), 0)
                    totals[place] += value["low"] if isinstance(value, dict) else int(value)
    return totals[0], totals[1]


def sdk_spans(file: Path) -> Sum:
    inputs = ("ai.usage.promptTokens", "ai.usage.tokens")
    return spans_named(file, inputs, ("ai.usage.completionTokens",))


def genai_spans(file: Path) -> Sum:
    return spans_named(
        file,
        ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    )


def table_rows(file: Path) -> Sum:
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return (
        sum(int(row["PromptTokens"]) for row in rows),
        sum(int(row["CompletionTokens"]) for row in rows),
    )


def openpipe_lines(file: Path) -> Sum:
    lines = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    usages = [line["output"]["usage"] for line in lines if line["output"]]
    return (
        sum(usage["prompt_tokens"] for usage in usages),
        sum(usage["completion_tokens"] for usage in usages),
    )


def both_bodies(file: Path) -> Sum:
    """Every body that a gateway wrote down, the client's and the backend's."""
    totals = [0, 0]
    for line in file.read_text(encoding="utf-8").splitlines():
        seen = json.loads(line)["properties"]
        seen = json.loads(seen) if isinstance(seen, str) else seen
        for name in ("responseBody", "backendResponseBody"):
            try:
                usage = json.loads(seen.get(name) or "{}").get("usage") or {}
            except ValueError:
                continue
            totals[0] += usage.get("prompt_tokens", 0)
            totals[1] += usage.get("completion_tokens", 0)
    return totals[0], totals[1]


def usage_buckets(file: Path) -> Sum:
    pages = [json.loads(line) for line in file.read_bytes().splitlines()]
    results = [one for page in pages for day in page["data"] for one in day["results"]]
    return (
        sum(one["input_tokens"] for one in results),
        sum(one["output_tokens"] for one in results),
    )


CASES: dict[str, tuple[Callable[[Path], Sum], Sum, Sum]] = {
    "otel-spans/ai-sdk.jsonl": (sdk_spans, (766, 150), (258, 50)),
    "otel-spans/genai.jsonl": (genai_spans, (2430, 317), (1418, 181)),
    "apim-llm/table.csv": (table_rows, (27_200, 190), (18100, 120)),
    "apim-gateway/gateway.json": (both_bodies, (60, 12), (50, 9)),
    "openpipe/export.jsonl": (openpipe_lines, (140, 10), (130, 8)),
    "openai-usage/day-and-hours.jsonl": (usage_buckets, (2300, 360), (1200, 190)),
}


def counted(*files: Path) -> Sum:
    """Prompt and produced tokens of the calls that a replay of the files counts."""
    actual = document(*files)["actual"]
    return actual["input_tokens"], actual["output_tokens"]


@pytest.mark.parametrize("name", CASES)
def test_a_log_that_holds_a_call_twice_is_counted_once(name: str) -> None:
    naive, wrong, right = CASES[name]
    assert naive(FORMATS / name) == wrong
    assert counted(FORMATS / name) == right


def test_one_database_and_its_json_are_the_same_calls() -> None:
    files = FORMATS / "llm-logs" / "logs.db", FORMATS / "llm-logs" / "logs.json"
    alone, beside = counted(files[0]), counted(files[1])
    assert alone == beside
    assert counted(*files) == alone != (alone[0] + beside[0], alone[1] + beside[1])


def test_a_call_seen_by_the_gateway_and_the_browser_is_one(tmp_path: Path) -> None:
    gateway, archive = FORMATS / "apim-gateway" / "gateway.json", FORMATS / "har" / "session.har"
    (gateway_in, gateway_out), (archive_in, archive_out) = counted(gateway), counted(archive)
    shared = (10, 1)  # chatcmpl-stream is in both
    both = (gateway_in + archive_in, gateway_out + archive_out)
    assert counted(gateway, archive) == (both[0] - shared[0], both[1] - shared[1])


def test_wrappers_are_found_in_whatever_order_spans_were_exported(tmp_path: Path) -> None:
    lines = (FORMATS / "otel-spans" / "genai.jsonl").read_text(encoding="utf-8").splitlines(True)
    turned = tmp_path / "turned.jsonl"
    turned.write_text("".join(reversed(lines)), encoding="utf-8")
    assert counted(turned) == CASES["otel-spans/genai.jsonl"][2]


def test_a_database_with_unwritten_changes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "logs.db"
    path.write_bytes((FORMATS / "llm-logs" / "logs.db").read_bytes())
    (tmp_path / "logs.db-wal").write_bytes(b"pages")
    run = audit("ingest", "logs.db", "--db", "store.duckdb", folder=tmp_path)
    assert run.exit_code == ERROR
    assert "logs.db: has changes that are still in logs.db-wal" in run.err, run


def test_a_broken_first_line_does_not_hide_the_spans_after_it(tmp_path: Path) -> None:
    good = (FORMATS / "otel-spans" / "ai-sdk.jsonl").read_text(encoding="utf-8")
    path = tmp_path / "spans.jsonl"
    path.write_text(good.splitlines()[0][:200] + "\n" + good, encoding="utf-8")
    assert counted(path) == CASES["otel-spans/ai-sdk.jsonl"][2]


def test_spans_that_are_each_others_parents_are_both_counted(tmp_path: Path) -> None:
    counts = [
        {"key": f"gen_ai.usage.{side}_tokens", "value": {"intValue": "5"}}
        for side in ("input", "output")
    ]
    spans = [
        {"traceId": "t", "spanId": own, "parentSpanId": parent, "attributes": counts}
        for own, parent in ("ab", "ba", "cc")
    ]
    document = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
    path = tmp_path / "circle.json"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    assert counted(path) == (15, 15)


def test_a_cassette_cannot_run_code(tmp_path: Path) -> None:
    path = tmp_path / "evil.yaml"
    path.write_text('interactions:\n- !!python/object/apply:os.mkdir ["made"]\n', encoding="utf-8")
    run = audit("ingest", "evil.yaml", "--db", "store.duckdb", folder=tmp_path)
    assert (run.exit_code, (tmp_path / "made").exists()) == (INCOMPLETE, False), run


@pytest.mark.parametrize(
    "line",
    [
        {"CorrelationId": 7, "PromptTokens": 1, "CompletionTokens": 1, "ModelName": []},
        {"schemaType": "ModelInvocationLog", "input": 5, "output": [1], "modelId": 5},
        {"category": "GatewayLogs", "properties": {"responseBody": 5, "url": 7}},
        {"category": "RequestResponse", "operationName": None, "resultSignature": "-1"},
        {"input": {"model": 5, "messages": [1]}, "output": {"usage": None}, "tags": 5},
        {"log": {"creator": {}, "entries": [{"request": 5, "response": {"status": "x"}}]}},
    ],
    ids=["apim-llm", "bedrock", "apim-gateway", "azure-requests", "openpipe", "har"],
)
def test_fields_of_wrong_types_crash_nothing(line: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text(json.dumps(line), encoding="utf-8")
    run = audit("ingest", "odd.json", "--db", "store.duckdb", folder=tmp_path)
    assert run.exit_code in (COMPLETE, INCOMPLETE), run


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("har", '{"log": {"creator": {}, "entries": [7, "x", null]}}'),
        ("vcr", "interactions: [7, x, null]\n"),
        ("otel-spans", '{"resourceSpans": [{"scopeSpans": [{"spans": [7, "x", null]}]}]}'),
    ],
)
def test_entries_that_are_no_objects_are_refused_one_by_one(
    name: str, content: str, tmp_path: Path
) -> None:
    """Nothing in a list is passed over: what is no entry is a reject."""
    (tmp_path / "export").write_text(content, encoding="utf-8")
    chosen = next(format for format in known_formats() if format.name == name)
    file = LogFile(tmp_path / "export", "export")
    with file.open() as stream:
        readings = list(chosen.read(file, stream))
    assert [type(reading) for reading in readings] == [Reject, Reject, Reject]
