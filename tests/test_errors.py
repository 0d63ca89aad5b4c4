"""Every error a person can meet: exit code, stdout and stderr pinned together in tests/golden.

The inputs lie in fixtures/errors; commands run in that folder, stores in a temporary one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from command import ERROR, INTERRUPTED, USAGE, Run, audit
from golden_files import FIXTURES, GOLDEN, assert_golden

ERRORS = FIXTURES / "errors"
LOG = "logs/good.csv"

USAGE_ERRORS = {
    "no-logs": "replay",
    "parquet-without-output": f"replay {LOG} --format parquet",
    "unknown-output-format": f"replay {LOG} --format xml",
    "unknown-command": "reply",
    "unknown-option": "replay --fast",
    "output-is-a-folder": f"replay {LOG} --format csv -o logs",
    "convert-into-a-folder": f"convert {LOG} -o logs",
    "no-such-date": f"replay {LOG} --from 2023-02-30",
    "tuning-too-few-examples": f"finetune {LOG} --examples 9",
    "tuning-too-many-epochs": f"finetune {LOG} --epochs 51",
    "tuning-without-logs": "finetune",
    "ingest-without-store": f"ingest {LOG}",
    "ingest-without-logs": "ingest --db STORE",
    "explain-without-call": "explain --db STORE",
}

CASES = {
    "source-missing": "replay nowhere.jsonl",
    "source-folder-without-files": "replay empty-here",
    "source-pattern-without-files": "replay 'logs/*.nothing'",
    "source-all-excluded": f"replay {LOG} --exclude *.csv",
    "source-not-recognised": "replay logs/diary.txt",
    "source-two-not-recognised": "replay logs/two-unknown",
    "source-ambiguous": f"replay {LOG} --config ambiguous.toml",
    "source-line-too-long": "replay logs/one-long-line.jsonl --config short-lines.toml",
    "source-broken-archive": "replay logs/broken.gz",
    "format-unknown": f"replay {LOG} --as azure",
    "scenario-unknown": f"replay {LOG} --scenario gpt-9",
    "scenario-file-missing": f"replay {LOG} --scenarios nowhere.toml",
    "prices-missing": f"replay {LOG} --prices nowhere.csv",
    "prices-negative": f"replay {LOG} --prices prices/negative.csv",
    "zone-unknown": f"replay {LOG} --tz Europe/Atlantis",
    "zone-of-fixed-offset": f"replay {LOG} --tz +02:00",
    "period-empty": f"replay {LOG} --from 2023-08-02 --to 2023-08-02",
    "period-backwards": f"replay {LOG} --from 2023-08-02 --to 2023-08-01",
    "by-too-many": f"replay {LOG} --by day,month,model,tier --by team --by key --by endpoint",
    "by-nothing": f"replay {LOG} --by tag:",
    "allowance-no-number": f"replay {LOG} --allow-rejects few",
    "allowance-negative": f"replay {LOG} --allow-unpriced -1",
    "allowance-beyond-all": f"replay {LOG} --allow-unpriced 100.1%",
    "convert-over-other-things": f"convert {LOG} -o config --partition",
    "output-into-missing-folder": f"replay {LOG} --format csv -o nowhere/costs.csv",
    "tuning-to-unknown": f"finetune {LOG} --to gpt-9",
    "tuning-to-a-ladder": f"finetune {LOG} --to gpt-4",
    "tuning-to-a-base-model": f"finetune {LOG} --to gpt-4-8k",
    "tuning-against-unknown": f"finetune {LOG} --against gpt-9",
    "tuning-workload-unknown": f"finetune {LOG} --workload 0123456789ab",
    "tuning-two-levers": f"finetune {LOG} --keep-prompt 0.5 --drop shared-prefix",
    "tuning-share-beyond-all": f"finetune {LOG} --keep-prompt 101%",
    "tuning-share-no-number": f"finetune {LOG} --output-ratio longer",
    "tuning-share-too-fine": f"finetune {LOG} --keep-prompt 0.1234567",
    "tuning-names-missing": f"finetune {LOG} --names nowhere.toml",
    "tuning-names-no-text": f"finetune {LOG} --names names-no-text.toml",
    "tuning-scenario-name-taken": f"finetune {LOG} --write-scenario gpt-4.toml",
    "tuning-scenario-name-bad": f"finetune {LOG} --write-scenario my-ä.toml",
    "tuning-period-empty": f"finetune {LOG} --from 2023-08-02 --until 2023-08-02",
    "config-missing": f"replay {LOG} --config nowhere.toml",
    "show-prices-unknown-model": "show prices gpt-9",
    "show-prices-before-the-model": "show prices gpt-4 --at 2020-01-01",
    "store-missing": "show models --db nowhere.duckdb",
    "store-in-missing-folder": f"ingest {LOG} --db nowhere/blocks/store.duckdb",
    "store-is-a-log": f"ingest {LOG} --db {LOG}",
}
CASES |= {
    f"config-{f.stem}": f"replay {LOG} --config config/{f.name}"
    for f in sorted((ERRORS / "config").iterdir())
}
CASES |= {
    f"scenario-{f.stem}": f"replay {LOG} --scenarios scenarios/{f.name}"
    for f in sorted((ERRORS / "scenarios").iterdir())
}


def run(command: str, folder: Path = ERRORS) -> Run:
    return audit(*(word.strip("'") for word in command.split()), folder=folder)


def pinned(ended: Run, name: str) -> None:
    assert_golden(str(ended), GOLDEN / "errors" / f"{name}.txt")


@pytest.mark.parametrize("name", USAGE_ERRORS)
def test_a_usage_error_names_the_option(name: str) -> None:
    ended = run(USAGE_ERRORS[name])
    assert (ended.exit_code, ended.out) == (USAGE, "")
    pinned(ended, f"usage-{name}")


@pytest.mark.parametrize("name", CASES)
def test_an_error_says_what_is_wrong_and_what_to_do(name: str) -> None:
    ended = run(CASES[name])
    assert (ended.exit_code, ended.out) == (ERROR, "")
    assert "Error: " in ended.err
    assert "\nHint: " in ended.err
    pinned(ended, name)


def _other_file(path: Path) -> None:
    with duckdb.connect(str(path)) as other:
        other.execute("CREATE TABLE invoices (amount INTEGER)")


def _other_application(path: Path) -> None:
    with duckdb.connect(str(path)) as other:
        other.execute("CREATE TABLE about (application VARCHAR, schema_version INTEGER)")
        other.execute("INSERT INTO about VALUES ('ledger', 1)")


def _schema(version: int, path: Path) -> None:
    assert run(f"ingest {ERRORS / LOG} --db store.duckdb", path.parent).exit_code == 0
    with duckdb.connect(str(path)) as store:
        store.execute("UPDATE about SET schema_version = ?", [version])


def _damaged(path: Path) -> None:
    assert run(f"ingest {ERRORS / LOG} --db store.duckdb", path.parent).exit_code == 0
    content = bytearray(path.read_bytes())
    content[4096:8192] = bytes(4096)
    path.write_bytes(content)


STORES: dict[str, Callable[[Path], object]] = {
    "not-a-duckdb-file": lambda path: path.write_text("dear diary\n" * 999),
    "other-duckdb-file": _other_file,
    "other-application": _other_application,
    "newer-schema": lambda path: _schema(99, path),
    "older-schema": lambda path: _schema(0, path),
    "damaged": _damaged,
    "folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("name", STORES)
def test_a_store_that_is_not_ours_is_refused_and_not_touched(name: str, tmp_path: Path) -> None:
    store = tmp_path / "store.duckdb"
    STORES[name](store)
    before = store.read_bytes() if store.is_file() else None
    ended = run(f"ingest {ERRORS / LOG} --db store.duckdb", tmp_path)
    assert ended.exit_code in (ERROR, USAGE)
    assert before is None or store.read_bytes() == before
    pinned(ended, f"store-{name}")


HOLD = """
import sys
from collections.abc import Callable
from pathlib import Path
from auditor.store import Store
with Store.open(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_store_in_use_by_another_process_is_refused(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "store.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        ended = run(f"ingest {ERRORS / LOG} --db store.duckdb --lock-timeout 0s", tmp_path)
        other.communicate(b"")
    assert (ended.exit_code, ended.out) == (ERROR, "")
    said = re.sub(r"pid \d+ \(.*\)", "pid N (COMMAND)", ended.err)
    assert_golden(str(replace(ended, err=said)), GOLDEN / "errors" / "store-in-use.txt")


def test_a_call_that_the_store_has_not_is_an_error(tmp_path: Path) -> None:
    run(f"ingest {ERRORS / LOG} --db store.duckdb", tmp_path)
    ended = run("explain chatcmpl-nobody --db store.duckdb", tmp_path)
    assert ended.exit_code == ERROR
    pinned(ended, "call-unknown")


def test_an_interrupt_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("auditor.session.replaying.replay", interrupted)
    ended = run(f"replay {LOG}")
    assert (ended.exit_code, ended.out) == (INTERRUPTED, "")
    pinned(ended, "interrupted")


def test_an_error_leaves_the_earlier_output_as_it_was(tmp_path: Path) -> None:
    costs = tmp_path / "costs.csv"
    costs.write_text("of last month\n")
    assert (
        run(f"replay {ERRORS / 'logs' / 'diary.txt'} --format csv -o costs.csv", tmp_path).exit_code
        == ERROR
    )
    assert costs.read_text() == "of last month\n"
    assert [file.name for file in tmp_path.iterdir()] == ["costs.csv"]
