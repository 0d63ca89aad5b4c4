"""Whole runs of the command line on a small month: exit code, stdout and stderr, to the byte.

The inputs lie in fixtures/small, what is expected in tests/golden/cli.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command import Run, audit
from golden_files import FIXTURES, GOLDEN, assert_golden

from auditor.secret import IN_MEMORY

ONE = "--scenario gpt-3.5-turbo-4k"
AUGUST = "--from 2023-08-01 --to 2023-09-01"
VIENNA = "--tz Europe/Vienna"
HOUSE = "--config house.toml"
TWO = "--scenario gpt-3.5-turbo --scenario gpt-4-8k"

RUNS = {
    "replay-json": "replay logs --format json",
    "replay-csv": "replay logs --format csv",
    "replay-md": "replay logs --format md",
    "replay-by-team": f"replay logs --by team {TWO}",
    "replay-by-tag-project": f"replay logs --by tag:project {ONE} --format csv",
    "replay-by-day": f"replay logs --by day {ONE} --format csv",
    "replay-by-model": f"replay logs --by model {ONE} --format md",
    "replay-by-month-and-source": f"replay logs --by month --by source {ONE}",
    "replay-august": f"replay logs {AUGUST} {ONE} --format csv --by day",
    "replay-august-in-vienna": f"replay logs {AUGUST} {VIENNA} {ONE} --format csv --by day",
    "replay-nothing-in-period": f"replay logs --from 2020-01-01 --to 2020-02-01 {ONE}",
    "replay-today": "replay logs --scenario today --format csv",
    "replay-own-scenario": "replay logs --scenarios two-days.toml --scenario two-days",
    "replay-with-config": f"replay logs more {HOUSE} {ONE}",
    "replay-estimate": f"replay more {HOUSE} --estimate {ONE}",
    "replay-assume-model": f"replay more {HOUSE} --assume-model gpt-4-0613 --exclude sizes.csv",
    "replay-everything-allowed": f"replay logs {ONE} --allow-rejects 1 --allow-unpriced 2",
    "replay-shares-allowed": f"replay logs {ONE} --allow-rejects 6% --allow-unpriced 15%",
    "replay-shares-too-small": f"replay logs {ONE} --allow-rejects 5.8% --allow-unpriced 14.2%",
    "show-scenarios": "show scenarios",
    "show-scenarios-one": f"show scenarios {ONE}",
    "show-prices-two": "show prices gpt-4 gpt-35-turbo --at 2023-08-22",
    "show-prices-all-dates": "show prices gpt-3.5-turbo",
    "show-prices-of-a-day": "show prices --at 2023-08-22",
    "show-formats": "show formats",
    "show-formats-with-own": f"show formats {HOUSE}",
    "show-models": "show models --db store.duckdb",
    "show-rejects": "show rejects --db store.duckdb",
    "show-unpriced": "show unpriced --db store.duckdb",
    "show-unpriced-with-config": f"show unpriced --db store.duckdb {HOUSE}",
    "explain-by-id": f"explain chat-gpt-4 --db store.duckdb {TWO}",
    "explain-by-line": f"explain logs/other.jsonl:4 --db store.duckdb {ONE}",
    "explain-duplicate-line": f"explain logs/chat.jsonl:11 --db store.duckdb {ONE}",
    "explain-unknown": "explain chat-nobody --db store.duckdb",
    "explain-embedding": f"explain embedding --db store.duckdb {ONE}",
    "explain-failed": f"explain failed --db store.duckdb {ONE}",
    "explain-unpriced": f"explain chat-unpriced --db store.duckdb {ONE}",
    "explain-overflow": f"explain chat-limit-overflows --db store.duckdb {TWO}",
    "explain-undated": f"explain undated --db store.duckdb {ONE}",
    "explain-azure": f"explain chat-azure --db store.duckdb {ONE}",
    "finetune": "finetune calls.jsonl",
    "finetune-json": "finetune calls.jsonl --drop shared-prefix --format json",
    "finetune-csv": "finetune calls.jsonl --keep-prompt 12.5% --output-ratio 1.2 --format csv",
    "finetune-md": "finetune calls.jsonl --against gpt-4 --format md",
    "finetune-one": "finetune calls.jsonl --workload sort-orders --retrain-every 7 --epochs 2",
    "finetune-named": "finetune calls.jsonl --names names.toml --output-ratio observed",
    "finetune-babbage": "finetune calls.jsonl --to ft-babbage-002 --examples 12 --format md",
    "finetune-undated": "finetune logs/other.jsonl --allow-unpriced 3 --format csv",
    "finetune-nothing": "finetune calls.jsonl --from 2020-01-01 --until 2020-02-01",
    "show-workloads": "show workloads --db tuning.duckdb --names names.toml",
    "show-pairs": "show pairs --db tuning.duckdb",
    "version": "--version",
    "help": "--help",
    "help-replay": "replay --help",
    "help-ingest": "ingest --help",
    "help-finetune": "finetune --help",
    "help-convert": "convert --help",
    "help-explain": "explain --help",
    "help-show": "show --help",
    "help-show-prices": "show prices --help",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small month, and a store that holds its logs."""
    copy = tmp_path_factory.mktemp("cli") / "small"
    shutil.copytree(FIXTURES / "small", copy)
    shutil.copytree(FIXTURES / "tuning", copy, dirs_exist_ok=True)
    (copy / "store.duckdb.key").write_bytes(IN_MEMORY)  # else names are new ones in every run
    pinned(audit("ingest", "logs", "--db", "store.duckdb", folder=copy), "ingest")
    keep = ("calls.jsonl", "--db", "tuning.duckdb", "--keep-text")
    audit("ingest", *keep, folder=copy, env={"AUDIT_HASH_KEY": IN_MEMORY.decode()})
    return copy


def pinned(run: Run, name: str) -> None:
    assert_golden(str(run), GOLDEN / "cli" / f"{name}.txt")


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_as_it_was(name: str, folder: Path) -> None:
    run = audit(*RUNS[name].split(), folder=folder)
    assert str(folder) not in str(run)
    pinned(run, name)


@pytest.mark.parametrize("columns", [80, 160])
def test_the_table_fits_its_terminal(columns: int, folder: Path) -> None:
    run = audit("replay", "logs", folder=folder, columns=columns)
    assert max(map(len, run.out.splitlines())) <= columns
    pinned(run, f"replay-{columns}-columns")


@pytest.mark.parametrize("columns", [80, 160])
def test_the_verdicts_fit_their_terminal(columns: int, folder: Path) -> None:
    run = audit("finetune", "calls.jsonl", folder=folder, columns=columns)
    assert max(map(len, run.out.splitlines())) <= columns
    pinned(run, f"finetune-{columns}-columns")


def test_a_mix_that_was_written_replays_to_the_same_figures(folder: Path) -> None:
    """``--write-scenario``, then ``audit replay`` and ``audit explain`` with the file."""
    levers = ("--drop", "shared-prefix", "--output-ratio", "observed")
    written = ("--write-scenario", "mix.toml", "--format", "json")
    judged = audit("finetune", "calls.jsonl", *levers, *written, folder=folder)
    pinned(judged, "finetune-write-scenario")
    own = ("--scenarios", "mix.toml", "--scenario", "mix")
    replayed = audit("replay", "calls.jsonl", *own, "--format", "json", folder=folder)
    mix = json.loads(judged.out)["mix"]
    row = json.loads(replayed.out)["scenarios"][0]
    assert {name: row[name] for name in mix if name in row} == {
        name: mix[name] for name in mix if name in row
    }
    (training,) = json.loads(replayed.out)["training"]
    assert {name: training[name] for name in training if name in mix} == {
        name: mix[name] for name in training if name in mix
    }
    pinned(audit("replay", "calls.jsonl", *own, folder=folder), "replay-mix")
    pinned(audit("show", "scenarios", *own, folder=folder), "show-scenarios-mix")
    explained = audit(
        "explain", "chatcmpl-tuning-001", "--db", "tuning.duckdb", *own, folder=folder
    )
    pinned(explained, "explain-mix")


def test_partitions_of_other_days_are_left_out_and_that_is_said(folder: Path) -> None:
    allowed = ("--allow-rejects", "1")
    made = audit("convert", "logs", "-o", "days", "--partition", *allowed, folder=folder)
    pinned(made, "convert-partition")
    shape = (*ONE.split(), "--by", "source", "--allow-unpriced", "2")
    period = ("--from", "2023-08-11", "--to", "2023-08-12")
    pinned(audit("replay", "days", *shape, *period, folder=folder), "replay-partitions")


@pytest.mark.parametrize(
    "command",
    [
        "show scenarios",
        "show prices",
        "show formats",
        "show models --db store.duckdb",
        "show unpriced --db store.duckdb",
        "show rejects --db store.duckdb",
    ],
)
def test_a_catalogue_fits_eighty_columns(command: str, folder: Path) -> None:
    run = audit(*command.split(), folder=folder, columns=80)
    assert max(map(len, run.out.splitlines())) <= 80


def test_a_second_ingest_brings_nothing_new(folder: Path) -> None:
    before = audit("replay", "--db", "store.duckdb", "--format", "json", folder=folder)
    pinned(audit("ingest", "logs", "--db", "store.duckdb", folder=folder), "ingest-again")
    after = audit("replay", "--db", "store.duckdb", "--format", "json", folder=folder)
    assert before == after


def test_a_stored_replay_says_the_same_as_one_in_memory(folder: Path) -> None:
    stored = audit("replay", "--db", "store.duckdb", "--format", "json", folder=folder)
    direct = audit("replay", "logs", "--format", "json", folder=folder)
    assert (stored.exit_code, stored.out) == (direct.exit_code, direct.out)
