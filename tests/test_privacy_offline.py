"""Nothing phones home: every command runs where sockets are forbidden, and asks for none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.logs import capture, write

from auditor.store import Store

FORBIDDING = """
import sys

WORDS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.connect",
         "socket.sendto", "socket.bind", "urllib.Request", "http.client.connect", "smtplib.connect")

def forbid(event, args):
    if event in WORDS and not (event in WORDS[3:6] and isinstance(args[1], str)):
        raise SystemExit(f"a socket: {event}")
    if event == "socket.__new__" and args[1] in (2, 10):
        raise SystemExit("a socket of the internet")

sys.addaudithook(forbid)
"""
SETTINGS = """
[nightly]
logs = ["logs"]
db = "night.duckdb"
output = "night"
page = "index.html"
formats = ["csv", "parquet", "focus"]
[[budget]]
period = "month"
limit_usd = "1"
[reconcile.lines]
"All" = "*"
"""
COMMANDS = (
    "ingest logs --db s.duckdb --keep-text --jobs 2",
    "replay logs --scenario gpt-4",
    "replay --db s.duckdb --by team --format json",
    "report --db s.duckdb -o reports",
    "report --db s.duckdb --html -o page.html",
    "explain chatcmpl-1 --db s.duckdb",
    "finetune --db s.duckdb",
    "finetune dataset 000000000000 --db s.duckdb -o set.jsonl",
    "count logs",
    "convert logs -o calls.parquet",
    "convert logs -o calls --partition",
    "close 2023-08 --db s.duckdb",
    "nightly",
    "diff reports reports",
    "reconcile --db s.duckdb --invoice invoice.csv",
    "prices check --db s.duckdb",
    "prices import genai-prices -o book.csv",
    "show prices",
    "show models --db s.duckdb",
    "show workloads --db s.duckdb",
    "show rejects --db s.duckdb",
    "show formats",
    "show scenarios",
    "verify-privacy reports --db s.duckdb --logs logs",
)
COMPLETE = (0, 3, 4, 5)
QUICK = COMMANDS[1:2]


def folder_of_logs(folder: Path) -> Path:
    (folder / "logs").mkdir()
    write(folder / "logs" / "a.jsonl", [*(capture(f"chatcmpl-{n}") for n in range(5)), "{no"])
    (folder / "audit.toml").write_text(SETTINGS)
    (folder / "invoice.csv").write_text("day,line,amount\n2023-08-22,All,0.01\n")
    (folder / "forbid").mkdir()
    (folder / "forbid" / "sitecustomize.py").write_text(FORBIDDING)
    return folder


def run(folder: Path, words: str, *before: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder / "forbid"), "HOME": str(folder)}
    command = [*before, sys.executable, "-m", "auditor", *words.split()]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("commands", [QUICK, pytest.param(COMMANDS, marks=pytest.mark.slow)])
def test_no_command_opens_a_socket(tmp_path: Path, commands: tuple[str, ...]) -> None:
    folder = folder_of_logs(tmp_path)
    asked = subprocess.run(
        [sys.executable, "-c", "import socket; socket.socket()"],
        env={**os.environ, "PYTHONPATH": str(folder / "forbid")},
        capture_output=True,
        text=True,
    )
    assert "a socket of the internet" in asked.stderr  # it can fail
    for words in commands:
        done = run(folder, words)
        assert "a socket" not in done.stderr, words
        assert "Traceback" not in done.stderr, words
        assert done.returncode in COMPLETE or "dataset" in words, (words, done.stderr)


@pytest.mark.slow
def test_every_command_runs_without_a_network(tmp_path: Path) -> None:
    alone = (shutil.which("unshare") or "", "-r", "-n")
    if not alone[0] or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no network namespace can be made here")
    folder = folder_of_logs(tmp_path)
    for words in COMMANDS:
        done = run(folder, words, *alone)
        assert done.returncode in COMPLETE or "dataset" in words, (words, done.stderr)


def test_duckdb_fetches_and_loads_no_extension(tmp_path: Path) -> None:
    for path in (None, tmp_path / "s.duckdb"):
        with Store.open(path) as store:
            asked = store._connection.execute(
                "SELECT name, value FROM duckdb_settings() WHERE name LIKE 'auto%_known_extensions'"
            )
            assert dict(asked.fetchall()) == {
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            }


def test_the_commands_are_all_there() -> None:
    from auditor.cli import cli

    named = {words.split()[0] for words in COMMANDS}
    assert set(cli.commands) == named
