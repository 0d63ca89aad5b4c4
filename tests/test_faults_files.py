"""Logs that cannot be read, vanish, grow, shrink or change under the run that reads them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pytest
from command import COMPLETE, ERROR, audit
from helpers.kills import rows_of
from helpers.logs import capture, write
from helpers.nights import KEY
from helpers.runs import book, formats

from auditor import bounded, sources
from auditor.errors import SourceError
from auditor.finding import find
from auditor.pipeline import digests, ingest, readers
from auditor.pipeline.counting import Gauge
from auditor.pipeline.reading import Source
from auditor.sources import LogFile
from auditor.store import Store

BLOCK = 4_000
JOBS = [1, pytest.param(2, marks=pytest.mark.slow)]
CALLS = {"a": 3, "b": 60, "c": 3}
NOBODY = 65_534


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three logs, read block by block; where several processes read, b is read in parts."""
    monkeypatch.setattr(readers, "WORTH_BYTES", 0)
    monkeypatch.setattr(readers, "PART_BYTES", BLOCK)
    monkeypatch.setattr(sources, "BUFFER_BYTES", BLOCK)
    monkeypatch.setattr(bounded, "BLOCK_BYTES", BLOCK)
    for name, count in CALLS.items():
        lines = [capture(f"{name}-{n}", "2023-08-02T10:00:00Z") for n in range(count)]
        write(tmp_path / "logs" / f"{name}.jsonl", lines)
    return tmp_path / "logs"


def take_in(db: Path, logs: Path, jobs: int) -> None:
    with Store.open(db, hash_key=KEY.encode()) as store:
        known = digests.Digests(store)
        found = find([str(logs)], index=known)
        gauge = Gauge(book(), {})
        ingest(store, found, formats(), gauge, jobs=jobs, book=book(), digests=known)


def read_in(db: Path) -> list[str]:
    """Which logs are in the store; all their lines are accounted for."""
    with Store.open(db, to_read=True) as store:
        assert not store.rows("checks/lines_add_up")
        names = sorted(row["name"][5] for row in store.rows("ingest/sources"))
    calls = rows_of(db, ("calls",))["calls"]
    assert len(calls) == sum(CALLS[name] for name in names)
    return names


def grow(log: Path) -> None:
    with log.open("ab") as file:
        file.write(log.read_bytes().splitlines(keepends=True)[0])


def shrink(log: Path) -> None:
    os.truncate(log, log.stat().st_size // 2)


def empty(log: Path) -> None:
    os.truncate(log, 0)


def change_in_place(log: Path) -> None:
    """The last line tells another number of tokens; length and times are what they were."""
    found = log.stat()
    with log.open("r+b") as file:
        file.seek(file.read().rindex(b'"prompt_tokens": 1000') + len(b'"prompt_tokens": '))
        file.write(b"2000")
    os.utime(log, ns=(found.st_atime_ns, found.st_mtime_ns))


@pytest.fixture
def once_opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Path], None]], None]:
    """Has something happen to b once its first block was read."""
    original = Source.open

    def arrange(change: Callable[[Path], None]) -> None:
        @contextmanager
        def opened(source: Source, told: Callable[[int], None]) -> Iterator[BinaryIO]:
            with original(source, told) as stream:
                if source.file.path.name.startswith("b."):
                    change(source.file.path)
                yield stream

        monkeypatch.setattr(Source, "open", opened)

    return arrange


@pytest.mark.parametrize("jobs", JOBS)
@pytest.mark.parametrize("change", [grow, shrink, empty, change_in_place])
@pytest.mark.parametrize("settled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_log_that_changes_while_it_is_read_is_wholly_out(
    change: Callable[[Path], None],
    jobs: int,
    settled: bool,
    logs: Path,
    once_opened: Callable[[Callable[[Path], None]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether its digest is taken as it is read, or its stamp is ``settled``; in parts, too."""
    db = logs.parent / "s.duckdb"
    if settled:
        monkeypatch.setattr(digests, "CERTAIN_NS", -(1 << 62))
    with monkeypatch.context():
        once_opened(change)
        with pytest.raises(SourceError, match=r"b\.jsonl: changed while it was read") as caught:
            take_in(db, logs, jobs)
    assert "nothing of it was stored" in caught.value.hint
    assert read_in(db) == ["a"]


@pytest.mark.parametrize("jobs", JOBS)
@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_log_that_goes_while_it_is_read_is_in_as_it_was(
    how: str, jobs: int, logs: Path, once_opened: Callable[[Callable[[Path], None]], None]
) -> None:
    """As of a rotation: who has opened it reads on what it was; its successor is read next."""

    def go(log: Path) -> None:
        if log.exists() and log.stat().st_size > BLOCK:
            log.unlink()
            if how == "replaced":
                write(log, [capture("d-0", "2023-08-02T10:00:00Z")])

    once_opened(go)
    take_in(logs.parent / "s.duckdb", logs, jobs)
    assert read_in(logs.parent / "s.duckdb") == ["a", "b", "c"]
    if how == "replaced":
        take_in(logs.parent / "s.duckdb", logs, jobs)
        assert len(rows_of(logs.parent / "s.duckdb", ("calls",))["calls"]) == 67


@pytest.mark.parametrize("jobs", JOBS)
@pytest.mark.parametrize("when", ["found", "hashed"])
def test_a_log_that_is_gone_before_it_is_read_is_named(
    when: str, jobs: int, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = logs.parent / "s.duckdb"
    if when == "found":
        original = LogFile.sha256

        def gone(file: LogFile) -> str:
            (logs / "b.jsonl").unlink(missing_ok=True)
            return original(file)

        monkeypatch.setattr(LogFile, "sha256", gone)
    else:
        module = sys.modules[ingest.__module__]
        recognised = module._recognised

        def and_gone(*args: object) -> object:
            planned = recognised(*args)
            (logs / "b.jsonl").unlink()
            return planned

        monkeypatch.setattr(module, "_recognised", and_gone)
    with pytest.raises(SourceError, match=r"b\.jsonl: cannot be read: No such file"):
        take_in(db, logs, jobs)
    monkeypatch.undo()
    assert read_in(db) in ([], ["a"])
    take_in(db, logs, 1)
    assert read_in(db) == ["a", "c"]


def test_a_parquet_file_that_is_replaced_between_two_looks_is_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is opened twice: what was read is not what has the digest, though that is right."""
    write(tmp_path / "calls.jsonl", [capture("one"), capture("two")])
    log = tmp_path / "b.parquet"
    done = audit("convert", "calls.jsonl", "-o", log.name, folder=tmp_path)
    assert done.exit_code == COMPLETE, done
    other = tmp_path / "other.parquet"
    pl.read_parquet(log).head(1).write_parquet(other)
    (tmp_path / "calls.jsonl").unlink()
    original = sources._unpacked

    @contextmanager
    def replaced(file: LogFile, stream: BinaryIO) -> Iterator[Path]:
        with original(file, stream) as path:
            if len(seen) == 1:
                shutil.copy(other, tmp_path / "new")
                (tmp_path / "new").replace(path)
            seen.append(path)
            yield path

    seen: list[Path] = []  # the first look is of who asks which format it is
    monkeypatch.setattr(sources, "_unpacked", replaced)
    done = audit("replay", log.name, folder=tmp_path)
    assert len(seen) == 2
    assert (done.exit_code, "b.parquet: changed while it was read" in done.err) == (ERROR, True)


def test_what_nobody_may_read_is_named(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Path.open

    def refused(path: Path, *args: object, **named: object) -> object:
        if path.name == "b.jsonl":
            raise PermissionError(13, "Permission denied", str(path))
        return original(path, *args, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refused)
    done = audit("ingest", "logs", "--db", "s.duckdb", folder=logs.parent)
    assert done.exit_code == ERROR
    assert "b.jsonl: cannot be read: Permission denied" in done.err
    assert "Hint: Check the path and its permissions" in done.err
    monkeypatch.undo()
    assert read_in(logs.parent / "s.duckdb") == []


def as_nobody(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run audit as a user who owns nothing here. Skips where we are not free to."""
    setpriv = shutil.which("setpriv")
    if setpriv is None or os.name == "nt" or os.geteuid() != 0:
        pytest.skip("only root can run something as somebody else")
    user = [setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return subprocess.run(
        [*user, sys.executable, "-m", "auditor", *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "AUDIT_HASH_KEY": KEY},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody may look into; those of pytest are for one user."""
    folder = Path("/tmp/audit-test-shared")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_another_user_reads_what_may_be_read_and_writes_nothing(shared: Path) -> None:
    """A log of somebody else, and a store in a folder that can both be read and not be written."""
    write(shared / "logs" / "a.jsonl", [capture("one")])
    write(shared / "logs" / "b.jsonl", [capture("two")])
    done = audit("ingest", "logs", "--db", "s.duckdb", folder=shared, env={"AUDIT_HASH_KEY": KEY})
    assert done.exit_code == COMPLETE, done
    before = (shared / "s.duckdb").read_bytes()
    reading = ("replay --db s.duckdb", "show models --db s.duckdb", "report --list")
    probe = as_nobody(shared, "--version")
    if probe.returncode:
        pytest.skip(f"another user cannot run this Python: {probe.stderr[-200:]}")
    for command in reading:
        done_too = as_nobody(shared, *command.split())
        assert done_too.returncode == COMPLETE, done_too
    (shared / "logs" / "b.jsonl").chmod(0o000)
    refused = as_nobody(shared, "replay", "logs")
    assert refused.returncode == ERROR
    assert "b.jsonl: cannot be read: Permission denied" in refused.stderr, refused.stderr
    for command in ("ingest logs/a.jsonl", "close 2023-08"):
        refused = as_nobody(shared, *command.split(), "--db", "s.duckdb")
        assert refused.returncode == ERROR
        assert "s.duckdb cannot be opened: " in refused.stderr, refused.stderr
        assert "Hint: Check the path, its permissions" in refused.stderr
    refused = as_nobody(shared, "replay", "--db", "s.duckdb", "--format", "csv", "-o", "r.csv")
    assert "r.csv cannot be written: Permission denied" in refused.stderr, refused.stderr
    refused = as_nobody(shared, "ingest", "logs/a.jsonl", "--db", "new.duckdb")
    assert "new.duckdb cannot be made: Permission denied" in refused.stderr, refused.stderr
    assert (shared / "s.duckdb").read_bytes() == before
    assert sorted(path.name for path in shared.iterdir()) == ["logs", "s.duckdb"]
