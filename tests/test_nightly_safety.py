"""``audit nightly`` at once with others, and killed in the middle."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
from command import BROKEN_BUDGET, COMPLETE, ERROR
from golden_files import GOLDEN, assert_golden
from helpers.nights import ENV, add_day, night_folder, nightly, reports_of

posix = pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")

HOLD_LOCK = """
import sys
from pathlib import Path
from auditor.session.locking import only_run
with only_run(Path("audit.duckdb"), "pid 1 on another host since yesterday", 0):
    print("held", flush=True)
    sys.stdin.read()
"""
HOLD_STORE = """
import sys
from pathlib import Path
from auditor.store import Store
with Store.open(Path("audit.duckdb"), to_read=True):
    print("held", flush=True)
    sys.stdin.read()
"""
KILLED = """
import importlib, os, signal, sys
from auditor import cli
place, when, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
*path, name = place.split(":")
owner = importlib.import_module(path[0])
for part in path[1:]:
    owner = getattr(owner, part)
original, calls = getattr(owner, name), 0
def counted(*args, **named):
    global calls
    calls += 1
    if (calls, when) == (count, "before"):
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*args, **named)
    if (calls, when) == (count, "after"):
        os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(owner, name, counted)
sys.argv = ["audit", "nightly"]
cli.main()
"""
PLACES = {
    "the lock is held": ("auditor.session.locking:files:write", "after", 1),
    "the store is new": ("auditor.store:Store:run", "after", 1),
    "a file is half in": ("auditor.store:Store:run", "after", 6),
    "a file is in": ("auditor.session.nightly:take_in", "after", 1),
    "nothing is written": ("auditor.session.nightly:answered", "after", 1),
    "a report is written": ("auditor.reports.folder:os:fsync", "after", 2),
    "the folder is ready": ("auditor.reports.folder:_take_place", "before", 1),
    "the folder is there": ("auditor.reports.folder:_take_place", "after", 1),
}

pytestmark = pytest.mark.slow


def environment() -> dict[str, str]:
    return {**os.environ, **ENV, "COLUMNS": "80", "PYTHONPATH": os.pathsep.join(sys.path)}


def start(folder: Path, *args: str) -> subprocess.Popen[str]:
    """Another process of Python in that folder."""
    return subprocess.Popen(
        [sys.executable, *args],
        cwd=folder,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def held(folder: Path, script: str, *, seconds: float | None = None) -> Iterator[None]:
    """Another process holds what the script holds; it lets go after so many seconds."""
    with start(folder, "-c", script) as other:
        assert other.stdout is not None and other.stdin is not None
        assert other.stdout.readline() == "held\n"
        if seconds is not None:
            Timer(seconds, other.stdin.close).start()
        yield
        if seconds is None:
            other.stdin.close()


def test_the_second_of_two_says_who_holds_the_store(tmp_path: Path) -> None:
    with held(night_folder(tmp_path), HOLD_LOCK):
        done = nightly(tmp_path)
    assert (done.exit_code, done.out) == (ERROR, "")
    assert_golden(str(done), GOLDEN / "errors" / "nightly-held.txt")
    assert nightly(tmp_path).exit_code == COMPLETE
    assert not (tmp_path / "audit.duckdb.holder").exists()


def test_two_at_once_both_end_well(tmp_path: Path) -> None:
    night_folder(tmp_path, wait="60 s")
    both = [start(tmp_path, "-m", "auditor", "nightly") for _ in range(2)]
    ended = [(one.communicate(), one.returncode) for one in both]
    assert [code for _, code in ended] == [COMPLETE, COMPLETE], ended
    new = sorted(out.split("; ")[1] for (out, _), _ in ended)
    assert new == ["0 new calls", "6 new calls"]
    waited = [err for (_, err), _ in ended if "Waiting" in err]
    # who just began to hold it may not have written its name yet
    assert all("Waiting for another nightly run" in err for err in waited)
    alone = night_folder(tmp_path / "alone")
    nightly(alone)
    assert reports_of(tmp_path) == reports_of(alone)


def test_a_store_that_somebody_reads_is_waited_for(tmp_path: Path) -> None:
    nightly(night_folder(tmp_path))
    add_day(tmp_path, 3)
    with held(tmp_path, HOLD_STORE):
        done = nightly(tmp_path)
    assert (done.exit_code, "is in use by another process" in done.err) == (ERROR, True)
    settings = tmp_path / "audit.toml"
    settings.write_text(settings.read_text().replace('"0 s"', '"60 s"'))
    with held(tmp_path, HOLD_STORE, seconds=1):
        assert nightly(tmp_path).exit_code == COMPLETE


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The reports of three days, in two nights that nobody disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    nightly(night_folder(folder, limit="0.001"))
    add_day(folder, 3)
    nightly(folder)
    return reports_of(folder)


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@posix
@pytest.mark.parametrize("place", PLACES)
def test_after_a_kill_the_next_run_ends_as_if_nothing_had_been(
    place: str, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    """Killed in the first night when the store is made, else in the second."""
    night_folder(tmp_path, limit="0.001")
    if place not in ("the store is new", "the lock is held"):
        nightly(tmp_path)
        (tmp_path / "reports" / "notes.txt").write_text("ours\n")
        yesterday = reports_of(tmp_path)
    add_day(tmp_path, 3)
    other = start(tmp_path, "-c", KILLED, *map(str, PLACES[place]))
    said = other.communicate()
    assert other.returncode == -signal.SIGKILL, said
    if place in ("a file is half in", "nothing is written", "the folder is ready"):
        assert reports_of(tmp_path) == yesterday
    assert nightly(tmp_path).exit_code == BROKEN_BUDGET
    found = reports_of(tmp_path)
    if place not in ("the store is new", "the lock is held"):
        assert found.pop("notes.txt") == b"ours\n"
    assert found == undisturbed
    expected = {"audit.toml", "logs", "reports", "audit.duckdb", "audit.duckdb.lock"}
    assert left_in(tmp_path) == expected


@posix
def test_killed_at_any_moment(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    """Killed again and again on its way; the last run gets there."""
    dice = random.Random(20230822)
    night_folder(tmp_path, (1, 2, 3), limit="0.001")
    for _ in range(3):
        other = start(tmp_path, "-m", "auditor", "nightly")
        time.sleep(dice.uniform(0.3, 1.3))
        other.kill()
        other.communicate()
    assert nightly(tmp_path).exit_code == BROKEN_BUDGET
    assert reports_of(tmp_path) == undisturbed
