"""Logs that several processes read: the store is the one that a single process would have made."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from helpers.logs import capture, write
from helpers.runs import book

from auditor.config import load as load_config
from auditor.errors import AuditError, SourceError
from auditor.finding import find
from auditor.formats import known_formats
from auditor.pipeline import ingest, placing, readers
from auditor.pipeline.counting import Gauge
from auditor.session.known import formats_of
from auditor.store import Store
from auditor.workload import Head, HeadMaker, Sampled

FIXTURES = Path(__file__).parent.parent / "fixtures"
KEY = b"the key of these tests, no secret"
TABLES = ("calls", "rejects", "sources", "workloads", "heads", "parts", "buckets", "texts")
CONFIG = """
[formats.mine]
time = "when"
model = "model"
input = "in"
output = "out"
id = "id"
"""


@pytest.fixture(autouse=True)
def always_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "WORTH_BYTES", 0)


def in_full(db: Path) -> dict[str, list[str]]:
    """Every row of every table of a store."""
    with duckdb.connect(str(db), read_only=True) as connection:
        return {
            table: sorted(map(repr, connection.execute(f"FROM {table}").fetchall()))
            for table in TABLES
        }


def logs_of_all_kinds(folder: Path) -> Path:
    """Captures, some broken; compressed, archived, and of formats of many kinds."""
    lines = [capture(f"call-{n}", f"2023-08-{n % 28 + 1:02}T10:00:00Z") for n in range(300)]
    write(folder / "a.jsonl", [*lines[:200], "{not json", '{"neither": 1}'])
    (folder / "b.jsonl.gz").write_bytes(
        gzip.compress("".join(json.dumps(line) + "\n" for line in lines[150:]).encode())
    )
    (folder / "c.csv").write_text(
        "id,when,model,in,out\nx1,2023-08-05,gpt-4,5,6\nx2,2023-08-05,gpt-4,5,6.5\n"
    )
    shutil.copytree(FIXTURES / "logs", folder / "logs")
    with zipfile.ZipFile(folder / "d.zip", "w") as archive:
        for name in ("models", "tags", "usage"):
            archive.write(FIXTURES / "formats" / "captures" / f"{name}.jsonl", f"{name}.jsonl")
    return folder


def six_files(folder: Path) -> None:
    for day in range(6):
        lines = [capture(f"{day}-{n}", "2023-08-02T10:00:00Z") for n in range(50)]
        write(folder / f"{day}.jsonl", lines)


def filled(logs: Path, jobs: int, **more: Any) -> dict[str, list[str]]:
    settings = logs.parent / "audit.toml"
    settings.write_text(CONFIG, encoding="utf-8")
    formats = formats_of(load_config(settings, logs.parent))
    db = logs.parent / f"{jobs}.duckdb"
    with Store.open(db, hash_key=KEY) as store:
        ingest(store, find([str(logs)]), formats, Gauge(book(), {}), jobs=jobs, **more)
    return in_full(db)


@pytest.mark.parametrize(
    ("keep_text", "part_bytes"),
    [(False, 5_000), pytest.param(True, 1 << 20, marks=pytest.mark.slow)],
)
def test_the_number_of_processes_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep_text: bool, part_bytes: int
) -> None:
    (tmp_path / "logs").mkdir()
    logs = logs_of_all_kinds(tmp_path / "logs")
    monkeypatch.setattr(readers, "PART_BYTES", part_bytes)
    alone = filled(logs, 1, keep_text=keep_text)
    assert filled(logs, 3, keep_text=keep_text) == alone
    assert len(alone["calls"]) > 300 and alone["rejects"] and alone["heads"]
    assert bool(alone["texts"]) is keep_text


def test_what_was_read_of_later_files_waits_but_never_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "MOST_WAITING", 1)
    (tmp_path / "logs").mkdir()
    six_files(tmp_path / "logs")
    assert filled(tmp_path / "logs", 2) == filled(tmp_path / "logs", 1)


@pytest.mark.parametrize("jobs", [1, 2])
def test_how_many_files_are_taken_in_together_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    """Of the 300 prompts those of the seven smallest ranks are kept, whenever they are cut."""
    monkeypatch.setattr(placing, "MOST_HEADS", 7)
    monkeypatch.setattr(placing, "LIMITS", {**placing.LIMITS, "most_heads": 7})
    (tmp_path / "logs").mkdir()
    six_files(tmp_path / "logs")
    cut = []
    head_of = HeadMaker.head_of

    def counted(maker: HeadMaker, call: Sampled) -> Head:
        cut.append(call)
        return head_of(maker, call)

    with monkeypatch.context() as patch:
        patch.setattr(HeadMaker, "head_of", counted)
        together = filled(tmp_path / "logs", 1)
    assert len(cut) == 7
    monkeypatch.setattr(sys.modules["auditor.pipeline.ingest"], "BUNDLE_SOURCES", 2)
    (tmp_path / "1.duckdb").unlink()
    assert filled(tmp_path / "logs", jobs) == together
    assert len(together["heads"]) == 7


@pytest.mark.parametrize("part_bytes", [200, pytest.param(3_000, marks=pytest.mark.slow)])
def test_a_file_that_is_read_in_parts_is_read_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_bytes: int
) -> None:
    """Line numbers, samples of prompts (here of two a group at most), calls given twice."""
    monkeypatch.setattr(placing, "MOST_HEADS", 2)
    monkeypatch.setattr(placing, "LIMITS", {**placing.LIMITS, "most_heads": 2})
    monkeypatch.setattr(readers, "PART_BYTES", part_bytes)
    lines: list[Any] = []
    for n in range(60):
        call = capture(f"call-{n % 45}", f"2023-0{n % 2 + 7}-02T10:00:00Z")
        said = [("system", f"template {n % 3}"), ("user", f"question {n % 45}")]
        call["request"]["messages"] = [{"role": role, "content": text} for role, text in said]
        lines += [call, *(["{broken", ""] if n % 7 == 0 else [])]
    (tmp_path / "logs").mkdir()
    write(tmp_path / "logs" / "one.jsonl", lines)
    alone = filled(tmp_path / "logs", 1)
    assert filled(tmp_path / "logs", 2) == alone
    assert len(alone["heads"]) == 3 * 2 * 2


def test_formats_that_read_by_line_read_their_fixtures_in_parts_as_a_whole() -> None:
    """Any cut between two lines: what stands before a line changes nothing about it."""
    seen = set()
    for format in known_formats():
        for path in sorted((FIXTURES / "formats" / format.name).glob("*")):
            if not format.by_line or path.name.endswith(".expected.json"):
                continue
            (file,) = find([str(path)])
            with file.open() as stream:
                raw = stream.readlines()
            whole = list(format.read(file, io.BytesIO(b"".join(raw))))
            parts = [
                reading
                for before, line in enumerate(raw)
                for one in format.read(file, io.BytesIO(line))
                for reading in [replace(one, line=one.line + before)]
            ]
            assert parts == whole
            seen.add(format.name)
    assert seen == {format.name for format in known_formats() if format.by_line}


def test_a_broken_file_ends_the_run_as_it_would_in_one_process(tmp_path: Path) -> None:
    """What comes before it is stored, and it is the one that is named, however many read."""
    said = []
    for jobs in (1, 2, 5):
        logs = tmp_path / f"{jobs}" / "logs"
        logs.mkdir(parents=True)
        for day in "ac":
            write(logs / f"{day}.jsonl", [capture(f"call-{day}", "2023-08-02T10:00:00Z")])
        lines = (json.dumps(capture(f"b-{n}", "2023-08-02")) + "\n" for n in range(8_000))
        whole = gzip.compress("".join(lines).encode())
        for name in ("b", "d"):
            broken = whole[:-6] + bytes([whole[-6] ^ 1, *name.encode()]) + whole[-5:]
            (logs / f"{name}.jsonl.gz").write_bytes(broken)
        with Store.open(logs.parent / "s.duckdb", hash_key=KEY) as store:
            with pytest.raises(SourceError, match="broken") as caught:
                ingest(store, find([str(logs)]), known_formats(), Gauge(book(), {}), jobs=jobs)
            said.append(
                (
                    str(caught.value),
                    caught.value.hint,
                    [row["name"] for row in store.rows("ingest/sources")],
                )
            )
    assert said[0] == said[1] == said[2]
    assert len(said[0][2]) == 1 and "b.jsonl.gz" in said[0][0]
    assert "Of this run 1 before it are stored, none after it." in said[0][1]


class Killed(Gauge):
    """A gauge that ends its process, as the system does when memory runs out."""

    def __call__(self, call: Any) -> Any:
        if call.id == "call-b":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(call)


class Broken(Gauge):
    """A gauge with a fault of ours."""

    def __call__(self, call: Any) -> Any:
        raise ZeroDivisionError("a fault of ours")


def test_a_fault_of_ours_is_shown_where_it_happened(tmp_path: Path) -> None:
    for day in "ab":
        lines = [capture(f"call-{day}", "2023-08-02T10:00:00Z")]
        lines[0]["request"]["messages"] = [{"role": "tool", "content": "x"}]  # the long way
        write(tmp_path / f"{day}.jsonl", lines)
    with Store.open(None, hash_key=KEY) as store, pytest.raises(ZeroDivisionError) as caught:
        ingest(store, find([str(tmp_path)]), known_formats(), Broken(book(), {}), jobs=2)
    assert "in __call__" in "".join(caught.value.__notes__)


def test_a_process_that_is_killed_is_named_and_loses_nothing(tmp_path: Path) -> None:
    for day in "abc":
        lines = [capture(f"call-{day}", "2023-08-02T10:00:00Z"), capture("call-0", None)]
        lines[0]["request"]["messages"] = [{"role": "tool", "content": "x"}]  # the long way
        write(tmp_path / f"{day}.jsonl", lines)
    with Store.open(None, hash_key=KEY) as store:
        with pytest.raises(AuditError, match="exit code -9") as caught:
            ingest(
                store,
                find([str(tmp_path)]),
                known_formats(),
                Killed(book(), {}),
                jobs=2,
                keep_identities=True,
            )
        assert "--jobs 1" in caught.value.hint
        assert [row["name"] for row in store.rows("ingest/sources")][1:] == []


def test_errors_pass_from_one_process_to_another() -> None:
    error = SourceError("a.jsonl", 3, "is broken", hint="Mend it.")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is SourceError
    assert (str(again), again.hint, again.line) == (str(error), "Mend it.", 3)


def children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from map(int, (task / "children").read_text().split())


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_the_one_that_began_it(tmp_path: Path, how: signal.Signals) -> None:
    line = json.dumps(capture("call", "2023-08-02T10:00:00Z")).encode() + b"\n"
    for day in range(4):
        (tmp_path / f"{day}.jsonl").write_bytes(line * (8_000_000 // len(line)) + b"%d" % day)
    command = [sys.executable, "-m", "auditor", "ingest", str(tmp_path), "--jobs", "2"]
    begun = subprocess.Popen(
        [*command, "--db", str(tmp_path / "s.duckdb")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    found = _until(lambda: list(children(begun.pid))[1:])
    begun.send_signal(how)
    _, said = begun.communicate(timeout=60)
    ended = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
    assert begun.returncode == ended[how], said
    assert how == signal.SIGKILL or b"Traceback" not in said
    assert _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in found))


def _until(what: Any) -> Any:
    for _ in range(600):
        if answer := what():
            return answer
        time.sleep(0.05)
    raise AssertionError("it did not come")
