"""az:// against a stand-in of Azure Blob Storage: what is told apart from S3 there."""

from __future__ import annotations

import json
from pathlib import Path

from command import COMPLETE, ERROR, Run, audit
from helpers.azure_stand_in import SECRET, Account, azure
from helpers.logs import capture

KEY = {"AUDIT_HASH_KEY": "a key for the tests of azure"}


def line(id: str) -> bytes:
    return f"{json.dumps(capture(id, '2023-08-22T10:00:00Z'))}\n".encode()


def ingest(account: Account, folder: Path, named: str) -> Run:
    env = {**account.env, **KEY}
    return audit("ingest", named, "--db", "a.duckdb", folder=folder, env=env)


def test_blobs_are_read_once(tmp_path: Path) -> None:
    blobs = {"logs/a b.jsonl": line("a"), "logs/b.jsonl": line("b"), "other/c.jsonl": line("c")}
    with azure("usage", blobs) as account:
        assert "Read 2 files: 2 new calls" in ingest(account, tmp_path, "az://usage/logs/").err
        account.asked.clear()
        again = ingest(account, tmp_path, "az://usage/logs")
        assert "2 files known already" in again.err
        assert account.asked == ["HEAD logs", "GET "]
        blobs["logs/b.jsonl"] = line("d")
        assert "Read 1 file: 1 new call" in ingest(account, tmp_path, "az://usage/logs/b.jsonl").err
        secret = SECRET.encode()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret not in written
    assert b"az://usage/logs/a b.jsonl" in written


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with azure("usage", {"a.jsonl": line("a")}) as account:
        gone = ingest(account, tmp_path, "az://usage/b.jsonl")
        nowhere = ingest(account, tmp_path, "az://nowhere/")
        assert ingest(account, tmp_path, "az://usage/a.jsonl").exit_code == COMPLETE
    assert gone.exit_code == nowhere.exit_code == ERROR
    assert "az://usage/b.jsonl: there is no object here" in gone.err
    assert "az://nowhere/: there is no such bucket" in nowhere.err
