"""LangSmith's Parquet is the same runs as its JSON; what sums other runs is counted once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from command import audit
from golden_files import FIXTURES
from helpers.runs import document
from test_formats import in_short, readings_of

from auditor.formats import known_formats, recognise
from auditor.records import Call
from auditor.sources import LogFile

RUNS = FIXTURES / "formats" / "langsmith" / "runs.jsonl"
OBJECTS = ("inputs", "outputs", "extra", "prompt_token_details", "completion_token_details")
COSTS = ("total_cost", "prompt_cost", "completion_cost")


def runs() -> Iterator[dict[str, Any]]:
    for line in RUNS.read_text(encoding="utf-8").splitlines():
        if line.startswith('{"id"'):
            yield json.loads(line)


def parquet(path: Path, *, costs: pl.DataType, rows: list[dict[str, Any]] | None = None) -> Path:
    """The runs as a bulk export has them: objects as texts, moments as moments."""
    listed = []
    for run in runs() if rows is None else rows:
        packed = {name: json.dumps(run[name]) if run.get(name) else None for name in OBJECTS}
        listed.append({**run, **packed})
    frame = pl.DataFrame(listed, infer_schema_length=None)
    moments = pl.col("start_time", "end_time").str.to_datetime()
    frame.with_columns(moments, pl.col(*COSTS).cast(costs)).write_parquet(path)
    return path


def readings(path: Path) -> list[dict[str, Any]]:
    file = LogFile(path, path.name)
    format = recognise(file, known_formats())
    assert format.name == "langsmith"
    return [in_short(reading) for reading in readings_of(path, format)]


@pytest.mark.parametrize("costs", [pl.String(), pl.Decimal(38, 18)], ids=["texts", "decimals"])
def test_parquet_is_read_as_the_same_runs_in_json_lines(costs: pl.DataType, tmp_path: Path) -> None:
    def amount(reading: dict[str, Any]) -> dict[str, Any]:
        call = reading.get("call", {})
        if "recorded_usd" in call:
            call["recorded_usd"] = Decimal(call["recorded_usd"])
        return reading

    packed = readings(parquet(tmp_path / "part-0.parquet", costs=costs))
    rows = list(runs())
    assert [*map(amount, packed)] == [*map(amount, readings(RUNS)[: len(rows)])]
    assert sum("call" in reading for reading in packed) == 14


def test_both_exports_of_the_same_runs_are_counted_once(tmp_path: Path) -> None:
    packed = parquet(tmp_path / "part-0.parquet", costs=pl.String())
    alone, both = document(RUNS), document(RUNS, packed)
    assert both["actual"] == alone["actual"]
    assert both["coverage"]["duplicates"] == 1 + 14  # a pending run was updated


def test_parents_sum_their_children() -> None:
    """Every row has total_tokens, and a chain's are those of all the runs below it."""
    rows = list(runs())
    naive = sum(run["total_tokens"] or 0 for run in rows)
    calls_alone = sum(run["total_tokens"] or 0 for run in rows if run["run_type"] == "llm")
    calls = {r["call"]["id"]: r["call"].get("usage", {}) for r in readings(RUNS) if "call" in r}
    right = sum(sum(usage.values()) for usage in calls.values())
    assert (naive, calls_alone, right) == (8980, 4572, 3099)


def test_a_trace_that_lies_in_two_files_is_refused_where_its_calls_are_not(tmp_path: Path) -> None:
    """A chain whose calls another file holds is no call of its own, and not passed over."""
    rows = list(runs())
    chains = [run for run in rows if run["run_type"] == "chain" and run["id"] != "lone-chain"]
    alone = readings(parquet(tmp_path / "roots.parquet", costs=pl.String(), rows=chains))
    assert [reading["reject"]["reason"] for reading in alone] == [
        "it sums runs that are not in this file: they are counted where they are"
    ] * len(chains)


def test_a_user_is_told_what_a_langsmith_file_comes_to(tmp_path: Path) -> None:
    rows = [run for run in runs() if run["id"] in ("chain", "agent", "cached-inside")]
    parquet(tmp_path / "runs.parquet", costs=pl.String(), rows=rows)
    args = ("replay", "runs.parquet", "--format", "json", "--by", "tag:project")
    found = json.loads(audit(*args, folder=tmp_path).out)
    # 488 x 0.15 + 512 x 0.075 + 200 x 0.6 a million
    assert (found["actual"]["cost_usd"], found["actual"]["recorded_usd"]) == (
        "0.0002316",
        "0.000195",
    )
    assert found["actual"]["by"][0]["tag:project"] == "project-1"


def test_who_is_whose_parent_may_go_in_a_circle(tmp_path: Path) -> None:
    lines = [
        {"id": own, "run_type": "llm", "start_time": 1714641646, "parent_run_id": parent,
         "prompt_tokens": 5, "completion_tokens": 1}
        for own, parent in ("ab", "ba", "cc")
    ]  # fmt: skip
    path = tmp_path / "runs.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    file = LogFile(path, path.name)
    found = readings_of(path, recognise(file, known_formats()))
    assert [type(reading) for reading in found] == [Call, Call, Call]
