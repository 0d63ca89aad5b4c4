"""Objects are fetched by who reads them: an engine of many machines gives the same as this one."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from command import COMPLETE, ERROR, Run, audit
from helpers import one_process
from helpers.logs import Line, capture
from helpers.object_server import ObjectServer, object_server

from auditor.engines.spark import connecting

KEY = {"AUDIT_HASH_KEY": "a key for the tests of objects"}


@pytest.fixture(scope="module")
def objects() -> Iterator[ObjectServer]:
    with object_server() as running:
        yield running


def run(objects: ObjectServer, folder: Path, *args: str) -> Run:
    with patch.object(connecting, "connected", one_process.connected):
        return audit(*args, folder=folder, env={**objects.env, **KEY})


def lines(*calls: Line) -> bytes:
    return "".join(f"{json.dumps(call)}\n" for call in calls).encode()


def zipped(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.jsonl", data)
    return target.getvalue()


def test_objects_plain_packed_and_archived(objects: ObjectServer, tmp_path: Path) -> None:
    first = [capture(f"a-{n}", team="x") for n in range(30)]
    objects.put("logs", "day/a.jsonl", lines(*first))
    objects.put("logs", "day/b.jsonl.gz", gzip.compress(lines(*first[20:], capture("b"))))
    more = lines(capture("c", sent=2000), capture("a-1", sent=3000))
    objects.put("logs", "day/c.zip", zipped(one=more, two=lines(capture("d"))))
    (tmp_path / "other").mkdir()
    engine = ("--engine", "spark")
    here = run(objects, tmp_path, "ingest", "s3://logs/day/", "--db", "s.duckdb")
    objects.asked.clear()
    spread = run(
        objects, tmp_path / "other", "ingest", "s3://logs/day/", "--db", "s.duckdb", *engine
    )
    assert here.exit_code == COMPLETE, here
    assert str(spread) == str(here)
    fetched = [path for method, path in objects.asked if method == "GET" and path.endswith("c.zip")]
    assert 1 <= len(fetched) <= 4, "to look, and to read each of its members"
    for db in ("s.duckdb", "other/s.duckdb"):
        told = run(objects, tmp_path, "replay", "--db", db, "--format", "csv", "--by", "source")
        assert (
            told.out
            == run(
                objects, tmp_path, "replay", "s3://logs/day/", "--format", "csv", "--by", "source"
            ).out
        )
    objects.asked.clear()
    again = run(
        objects, tmp_path / "other", "ingest", "s3://logs/day/", "--db", "s.duckdb", *engine
    )
    assert "4 files known already" in again.err
    assert not [path for method, path in objects.asked if path.endswith(("jsonl", "gz", "zip"))]


def test_a_broken_object_is_named(objects: ObjectServer, tmp_path: Path) -> None:
    data = gzip.compress(lines(*(capture(f"a-{n}") for n in range(9_000))))
    objects.put("broken", "a.jsonl.gz", data[:-40])
    here = run(objects, tmp_path, "replay", "s3://broken/")
    spread = run(objects, tmp_path, "replay", "s3://broken/", "--engine", "spark")
    assert here.exit_code == ERROR and "a.jsonl.gz" in here.err
    assert str(spread) == str(here)
