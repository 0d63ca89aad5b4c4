"""What a new user ran into: each a promise of the README or of the issue, kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from command import ERROR, INCOMPLETE, USAGE, audit
from golden_files import FIXTURES
from helpers.logs import capture, write

from auditor.tokens import count_chat_input, encode_text

Document = dict[str, Any]
SYSTEM = "Ответь одним словом: насос, шланг или форсунка. " * 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(FIXTURES / "tuning", tmp_path / "tuning")
    return tmp_path / "tuning"


def verdicts(folder: Path, *words: str) -> Document:
    run = audit("finetune", *words, "--format", "json", folder=folder)
    document: Document = json.loads(run.out)
    return document


def test_a_cut_measured_in_one_encoding_is_not_taken_off_prompts_of_another(
    tmp_path: Path,
) -> None:
    """Cyrillic has fewer tokens for gpt-4o than for gpt-4: the more are not cut off both."""
    calls = []
    for number in range(24):
        model = ("gpt-4-0613", "gpt-4o-2024-05-13")[number % 2]
        messages = [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": f"{number}"},
        ]
        sent = count_chat_input(messages, model)
        line = capture(f"c{number}", "2024-06-01T10:00:00Z", model, sent, 2)
        line["request"]["messages"] = messages
        calls.append(line)
    write(tmp_path / "calls.jsonl", calls)
    old, new = (len(encode_text(SYSTEM, name)) for name in ("cl100k_base", "o200k_base"))
    assert old > new
    (row,) = verdicts(tmp_path, "calls.jsonl")["workloads"]
    assert row["measured_calls"] == 24
    assert row["beginnings"][0]["holding_calls"] == 12
    # a message of the system is 4 tokens more with its frame
    assert row["possible_cut_tokens"] == old + 4
    cut = 12 * (old + 4) * 1_000_000 // row["input_tokens"]
    assert int(float(row["possible_cut_share"]) * 1_000_000) == cut


def test_a_log_that_fills_a_store_is_never_written_over(folder: Path) -> None:
    audit("ingest", "calls.jsonl", "--db", "a.duckdb", "--keep-text", folder=folder)
    before = (folder / "calls.jsonl").read_bytes()
    for command in (
        ("replay", "-o", "calls.jsonl", "--format", "csv"),
        ("finetune", "-o", "calls.jsonl", "--format", "csv"),
        ("finetune", "--write-scenario", "calls.jsonl"),
        ("finetune", "dataset", "sort-orders", "-o", "calls.jsonl"),
    ):
        run = audit(*command, "--db", "a.duckdb", folder=folder)
        assert run.exit_code == ERROR
        assert "one of the logs in the store" in run.err
        assert (folder / "calls.jsonl").read_bytes() == before


def test_a_scenario_is_not_written_where_settings_are_read(folder: Path) -> None:
    run = audit("finetune", "calls.jsonl", "--write-scenario", "audit.toml", folder=folder)
    assert run.exit_code == ERROR
    assert not (folder / "audit.toml").exists()


def test_a_hash_key_that_can_be_guessed_is_refused(folder: Path) -> None:
    key = {"AUDIT_HASH_KEY": "abc"}
    run = audit("ingest", "calls.jsonl", "--db", "a.duckdb", folder=folder, env=key)
    assert run.exit_code == USAGE
    assert not (folder / "a.duckdb").exists()


def test_training_for_what_is_not_here_costs_nothing_and_is_said(folder: Path) -> None:
    (folder / "sc.toml").write_text(
        'name = "sc"\nprices_at = 2023-08-22\n[[move]]\nwhere = { workload = "000000000000" }\n'
        'to = "ft:gpt-3.5-turbo-0613"\ntraining_tokens = 1000000\n'
    )
    own = ("--scenarios", "sc.toml", "--scenario", "sc")
    run = audit("replay", "calls.jsonl", *own, "--format", "json", folder=folder)
    document = json.loads(run.out)
    assert document["training"] == []
    assert document["scenarios"][0]["cost_usd"] == document["scenarios"][0]["actual_usd"]
    assert "sc moves no call" in run.err


def test_a_mix_that_does_not_pay_within_the_period_is_said_to(folder: Path) -> None:
    run = audit("finetune", "calls.jsonl", folder=folder)
    assert "More in this period: training pays back after it." in run.out


def test_calls_without_an_answer_are_no_examples(tmp_path: Path) -> None:
    calls = [capture(f"c{n}", text=f"Say nothing at all to this: {n}") for n in range(20)]
    for line in calls[:12]:
        line["response"]["choices"][0]["message"]["content"] = ""
    write(tmp_path / "calls.jsonl", calls)
    (row,) = verdicts(tmp_path, "calls.jsonl")["workloads"]
    assert row["examples"] == 8
    assert row["verdict"] == "too_few_calls"


def test_what_nobody_measured_is_unknown_and_not_nothing(tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        + "".join(f"2023-11-16 18:{n:02}:00.0000000,1000,5\n" for n in range(20))
    )
    words = ("trace.csv", "--assume-model", "gpt-3.5-turbo-0613")
    (row,) = verdicts(tmp_path, *words)["workloads"]
    assert row["verdict"] == "needs_cut"
    assert row["possible_cut_tokens"] is None
    assert row["possible_cut_share"] is None
    run = audit("finetune", *words, folder=tmp_path)
    assert "what the logs allow is not known" in " ".join(run.out.split())


def test_never_says_whether_answers_or_retraining_are_too_dear(folder: Path) -> None:
    run = audit("finetune", "calls.jsonl", "--retrain-every", "1", folder=folder, columns=160)
    (line,) = (x for x in run.out.splitlines() if x.startswith("sort-orders") and "x" in x)
    assert line.endswith("never: retraining costs more than is saved")


def test_a_training_file_that_openai_refuses_is_incomplete(tmp_path: Path) -> None:
    calls = [capture(f"c{n}", text=f"Sort this for me please: {n}") for n in range(9)]
    write(tmp_path / "calls.jsonl", calls)
    name = verdicts(tmp_path, "calls.jsonl")["workloads"][0]["workload"]
    words = ("dataset", name, "calls.jsonl", "-o", "train.jsonl")
    run = audit("finetune", *words, folder=tmp_path)
    assert run.exit_code == INCOMPLETE
    assert "9 examples; OpenAI asks for 10" in run.out


def test_pay_back_is_reckoned_from_the_first_call_of_a_workload(tmp_path: Path) -> None:
    """10 calls a day on the last two days of ten: 20 calls are two days, not ten."""
    early = [capture(f"e{n}", f"2023-09-0{n}T10:00:00Z") for n in (1, 2, 3)]
    late = [
        capture(
            f"l{n}", f"2023-09-{9 + n // 10:02}T10:00:00Z", "gpt-4-0613", 1000, 10, text=f"X {n}"
        )
        for n in range(20)
    ]
    lines = [{**line, "tags": {"task": "late"}} for line in late]
    write(tmp_path / "calls.jsonl", [*early, *lines])
    rows = {row["name"]: row for row in verdicts(tmp_path, "calls.jsonl")["workloads"]}
    row = rows["late"]
    # now 0.0306 a call, tuned 0.01216; 20 examples of 1,011 tokens x 5 = 0.8088 USD: 44 calls
    assert row["break_even_calls"] == 44
    assert row["break_even_days"] == 5
    assert row["break_even_date"] == "2023-09-15"
