"""``audit finetune dataset``: the file, and that it comes to what ``audit finetune`` says."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from command import Run, audit
from golden_files import FIXTURES, GOLDEN, assert_golden
from helpers.logs import capture, write

from auditor.finetune import chat_errors

Document = dict[str, Any]
SORT = "sort-orders"
LAUNCH = date(2023, 8, 22)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(FIXTURES / "tuning", tmp_path / "tuning")
    return tmp_path / "tuning"


def made(folder: Path, *words: str) -> Document:
    run = audit(
        "finetune", "dataset", *words, "-o", "train.jsonl", "--format", "json", folder=folder
    )
    assert run.exit_code == 0, run
    document: Document = json.loads(run.out)
    return document


def lines(path: Path) -> list[Document]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def said_of(folder: Path, workload: str, *words: str) -> Document:
    run = audit("finetune", "calls.jsonl", "--format", "json", *words, folder=folder)
    (row,) = (r for r in json.loads(run.out)["workloads"] if workload in (r["workload"], r["name"]))
    found: Document = row
    return found


def test_a_run_is_as_it_was(folder: Path) -> None:
    run = audit("finetune", "dataset", SORT, "calls.jsonl", "-o", "train.jsonl", folder=folder)
    assert_golden(str(run), GOLDEN / "cli" / "finetune-dataset.txt")
    found = made(folder, SORT, "calls.jsonl", "--shorten", "--redact", "--limit", "10")
    assert_golden(json.dumps(found, indent=1), GOLDEN / "cli" / "finetune-dataset.json")
    train = (folder / "train.jsonl").read_text("utf-8")
    assert_golden(train, GOLDEN / "cli" / "finetune-dataset-train.jsonl")
    help_ = audit("finetune", "dataset", "--help", folder=folder)
    assert_golden(str(help_), GOLDEN / "cli" / "help-finetune-dataset.txt")


@pytest.mark.parametrize(
    ("levers", "words"),
    [((), ()), (("--drop", "shared-prefix"), ("--shorten",)), (("--epochs", "4"),) * 2],
)
def test_the_file_costs_what_the_verdict_says(
    folder: Path, levers: tuple[str, ...], words: tuple[str, ...]
) -> None:
    # the twelve that begin alike: --shorten cuts all that are drawn
    said = said_of(folder, "1d70994d2601", *levers)
    found = made(folder, "1d70994d2601", "calls.jsonl", *words)
    assert found["examples"] == said["examples"] == 11
    assert found["epochs"] == said["epochs"]
    assert found["training_tokens"] == said["training_tokens"]
    assert found["training_usd"] == said["training_usd"]
    trained = [line["tokens"] for line in found["lines"] if line["file"] == "training"]
    assert sum(trained) * found["epochs"] == found["training_tokens"]


def test_every_line_is_one_the_provider_takes(folder: Path) -> None:
    made(folder, SORT, "calls.jsonl")
    train = lines(folder / "train.jsonl")
    assert len(train) == 13
    for line in train:
        assert chat_errors(line, LAUNCH) == ()
        assert line["messages"][-1]["role"] == "assistant"


def test_shortened_prompts_are_without_what_they_share(folder: Path) -> None:
    found = made(folder, SORT, "calls.jsonl", "--shorten")
    assert found["shortened_by_tokens"] == 36
    train = lines(folder / "train.jsonl")
    towns = sorted(line["messages"][0]["content"] for line in train)
    assert len(towns) == 13
    assert towns[0] == " Bath"
    # one prompt begins otherwise and stays whole
    assert found["kept_whole"] == 1
    assert "Which pump fits a pond of 2 m?" in towns


def test_text_comes_from_the_store_or_again_from_the_logs(folder: Path) -> None:
    key = {"AUDIT_HASH_KEY": "one key for both"}
    for name, keep in (("kept", ("--keep-text",)), ("bare", ())):
        audit("ingest", "calls.jsonl", "--db", f"{name}.duckdb", *keep, folder=folder, env=key)
    words = ("--format", "json", "-o", "train.jsonl")
    runs = [
        audit("finetune", "dataset", SORT, *source, *words, folder=folder, env=key)
        for source in (
            ("--db", "kept.duckdb"),
            ("calls.jsonl", "--db", "bare.duckdb"),
            ("calls.jsonl",),
        )
    ]
    assert [run.exit_code for run in runs] == [0, 0, 0]
    assert len({run.out for run in runs}) == 1
    bare = audit("finetune", "dataset", SORT, "--db", "bare.duckdb", *words, folder=folder)
    assert bare.exit_code == 1
    assert "the text of 13 of 13 calls is not kept" in bare.err


def test_validation_is_never_trained_on(folder: Path) -> None:
    found = made(folder, SORT, "calls.jsonl", "--limit", "10", "--validation", "30%")
    train = {json.dumps(line["messages"][:-1]) for line in lines(folder / "train.jsonl")}
    held = {json.dumps(line["messages"][:-1]) for line in lines(folder / "train.validation.jsonl")}
    assert (len(train), len(held)) == (10, 3)
    assert not train & held
    assert found["files"] == {"training": "train.jsonl", "validation": "train.validation.jsonl"}
    again = made(folder, SORT, "calls.jsonl", "--limit", "10", "--validation", "0")
    assert again["files"] == {"training": "train.jsonl"}
    assert {json.dumps(line["messages"][:-1]) for line in lines(folder / "train.jsonl")} == train


def test_cut_off_and_failed_calls_are_left_out_and_prompts_are_not_there_twice(
    tmp_path: Path,
) -> None:
    made_calls = [
        capture(f"chatcmpl-{n}", text=f"Sort this please: item {n % 12}") for n in range(24)
    ]
    cut = capture("cut", text="Sort this please: cut off")
    cut["response"]["choices"][0]["finish_reason"] = "length"
    two = capture("two", text="Sort this please: two choices", n=2)
    write(tmp_path / "calls.jsonl", [*made_calls, cut, two])
    workload = audit("finetune", "calls.jsonl", "--format", "csv", folder=tmp_path)
    name = workload.out.splitlines()[2].split(",")[0]
    found = made(tmp_path, name, "calls.jsonl")
    assert found["examples"] == 12
    assert {line["call_id"] for line in found["lines"]} <= {f"chatcmpl-{n}" for n in range(24)}


def test_personal_data_is_redacted_on_request(tmp_path: Path) -> None:
    secret = "Write to jane.doe@example.org or +44 20 7946 0958"
    calls = [capture(f"c{n}", text=f"Answer this mail {n}: {secret}") for n in range(12)]
    write(tmp_path / "calls.jsonl", calls)
    workload = audit("finetune", "calls.jsonl", "--format", "csv", folder=tmp_path)
    name = workload.out.splitlines()[2].split(",")[0]
    plain = made(tmp_path, name, "calls.jsonl")
    assert "jane.doe" in (tmp_path / "train.jsonl").read_text("utf-8")
    assert plain["redacted"] is None
    found = made(tmp_path, name, "calls.jsonl", "--redact")
    text = (tmp_path / "train.jsonl").read_text("utf-8")
    assert "jane.doe" not in text
    assert "[EMAIL]" in text
    assert "7946" not in text
    assert found["redacted"]["EMAIL"] == 12


def test_a_completion_model_gets_prompts_and_completions(folder: Path) -> None:
    found = made(folder, SORT, "calls.jsonl", "--to", "ft-babbage-002")
    for line in lines(folder / "train.jsonl"):
        assert line.keys() == {"prompt", "completion"}
        assert line["prompt"].endswith("\n\n###\n\n")
        assert line["completion"].startswith(" ")
        assert line["completion"].endswith(" END")
    assert "bare contents" in found["rendering"]
    # 2 tokens of the separator and 1 of the stop sequence, in place of 1 of the chat's role
    assert (
        found["training_tokens"]
        == said_of(folder, SORT, "--to", "ft-babbage-002")["training_tokens"]
    )


def refused(folder: Path, *words: str) -> Run:
    run = audit("finetune", "dataset", *words, folder=folder)
    assert run.exit_code != 0
    assert not (folder / "train.jsonl").exists()
    return run


def test_what_cannot_be_made_is_said_and_nothing_is_written(folder: Path) -> None:
    out = ("-o", "train.jsonl")
    assert "no workload nobody" in refused(folder, "nobody", "calls.jsonl", *out).err
    assert "Name LOGS" in refused(folder, SORT, *out).err
    assert "is one of the logs" in refused(folder, SORT, "calls.jsonl", "-o", "calls.jsonl").err
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    calls = []
    for number in range(12):
        line = capture(f"c{number}", text=f"Call the function {number}")
        line["request"]["tools"] = tools
        calls.append({**line, "tags": {"task": "call"}})
    write(folder / "tools.jsonl", calls)
    run = refused(folder, "call", "tools.jsonl", *out)
    assert "12 calls use functions or tools" in run.err


def test_a_failed_write_leaves_the_old_file(folder: Path) -> None:
    (folder / "train.jsonl").write_text("old\n")
    run = audit("finetune", "dataset", "nobody", "calls.jsonl", "-o", "train.jsonl", folder=folder)
    assert run.exit_code == 1
    assert (folder / "train.jsonl").read_text() == "old\n"
