"""replay(convert(x)) is replay(x), to the last digit."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from command import COMPLETE, INCOMPLETE, USAGE, audit
from helpers.logs import capture, embedding, failure, uncounted, write

FOLDER = "logs"
NOT_CARRIED = ("files", "lines", "duplicates", "rejects", "context")
LOGS = [
    capture("a", cached=300, reasoning=20, team="support", tier="priority"),
    capture("a", cached=300, reasoning=20, team="support", tier="priority"),
    capture(None, None, text="two equal rows of one file"),
    capture(None, None, text="two equal rows of one file"),
    capture(None, model="unknown-model", max_tokens=77, n=2),
    failure("f", "2023-08-23T00:00:00.123456Z"),
    uncounted("u", "2023-08-23T01:00:00Z"),
    embedding("2023-08-24T01:00:00Z", "text-embedding-ada-002", 12),
]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    counted = capture("c", text="counted by us")
    del counted["response"]["usage"]
    write(tmp_path / FOLDER / "calls.jsonl", [*LOGS, counted, "{broken"])
    cost = "2023-08-24 10:00:00,gpt-4,10,20,0.000000000000000000000123\n"
    (tmp_path / FOLDER / "own.csv").write_text("at,model,in,out,usd\n" + cost)
    mapping = 'time="at"\nmodel="model"\ninput="in"\noutput="out"\ncost="usd"\n'
    (tmp_path / "audit.toml").write_text("[formats.own]\n" + mapping)
    return tmp_path


def figures(folder: Path, source: str) -> dict[str, object]:
    args = ("--by", "model,day,team,workload,tier,endpoint", "--format", "json")
    found = json.loads(audit("replay", source, *args, folder=folder).out)
    for name in NOT_CARRIED:
        del found["coverage"][name]
    del found["run"]
    return dict(found)


@pytest.mark.parametrize("options", [(), ("--keep-text",)])
def test_a_converted_file_replays_to_the_same_figures(options: tuple[str, ...], logs: Path) -> None:
    run = audit("convert", FOLDER, "-o", "calls.parquet", *options, folder=logs)
    assert run.exit_code == INCOMPLETE and "1 line rejected" in run.err, run
    assert figures(logs, "calls.parquet") == figures(logs, FOLDER)


def test_the_same_calls_are_duplicates_of_the_logs_and_of_a_second_conversion(logs: Path) -> None:
    audit("convert", FOLDER, "-o", "1.parquet", folder=logs)
    audit("convert", "1.parquet", "-o", "2.parquet", folder=logs)
    audit("ingest", FOLDER, "--db", "s.db", folder=logs, env={"AUDIT_HASH_KEY": "k" * 20})
    audit("convert", FOLDER, "-o", "3.parquet", folder=logs, env={"AUDIT_HASH_KEY": "k" * 20})
    run = audit(
        "ingest", "3.parquet", "--db", "s.db", folder=logs, env={"AUDIT_HASH_KEY": "k" * 20}
    )
    assert "0 new calls, 9 duplicates, 0 rejects" in run.err, run
    first, second = (pl.read_parquet(logs / f"{n}.parquet") for n in (1, 2))
    told_apart = ("source_name", "source_sha256", "source_format", "line")
    assert first.drop(told_apart).sort("call_id").equals(second.drop(told_apart).sort("call_id"))


def test_no_text_and_no_guessable_hash_unless_asked(logs: Path) -> None:
    audit("convert", FOLDER, "-o", "1.parquet", folder=logs)
    audit("convert", FOLDER, "-o", "2.parquet", folder=logs)
    frame = pl.read_parquet(logs / "1.parquet")
    for column in ("request_json", "answer_json", "prompt"):
        assert frame[column].null_count() == frame.height
    assert b"counted by us" not in (logs / "1.parquet").read_bytes()
    assert (logs / "1.parquet").read_bytes() == (logs / "2.parquet").read_bytes()


def test_convert_needs_a_place_to_write(logs: Path) -> None:
    assert audit("convert", FOLDER, folder=logs).exit_code == USAGE


def test_complete_logs_convert_with_success(tmp_path: Path) -> None:
    write(tmp_path / FOLDER / "calls.jsonl", [capture()])
    run = audit("convert", FOLDER, "-o", "calls.parquet", folder=tmp_path)
    assert run.exit_code == COMPLETE, run
