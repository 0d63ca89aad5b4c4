"""A disk without room: an error that names the file, the store and the results as they were."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command import ERROR, audit
from helpers.kills import ALLOWED, DB, INGEST, REPLAY, listing, logs_in, rows_of, within
from helpers.nights import ENV

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits and mounts"),
]

REPORT = ("report", "daily", *ALLOWED, "--db", DB, "-o", "out")
CLOSE = ("close", "2023-08", "--allow-unpriced", "100%", "--db", DB)
CONVERT = ("convert", "logs", "--allow-rejects", "100%", "-o", "c.parquet")
DAYS = ("convert", "logs", "--partition", "--allow-rejects", "100%", "-o", "days")
CSV = (*REPLAY, "--db", DB, "--format", "csv", "-o", "r.csv")
NAMED = {INGEST: DB, REPORT: "out", CLOSE: DB, CONVERT: "c.parquet", DAYS: "days", CSV: "r.csv"}
OTHERS = (REPORT, CONVERT, DAYS, CSV, CLOSE)
LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
os.execv(sys.executable, [sys.executable, "-m", "auditor", *sys.argv[2:]])
"""


def prepared(folder: Path) -> Path:
    """A folder with logs and, but for an ingest, a store and an older report."""
    logs_in(folder / "logs")
    return folder


def complete(folder: Path, *args: str) -> None:
    done = audit(*args, folder=folder, env=dict(ENV))
    assert done.exit_code == 0, done


def filled(folder: Path) -> Path:
    complete(prepared(folder), *INGEST)
    complete(folder, "report", "monthly", *ALLOWED, "--db", DB, "-o", "out")
    return folder


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after all commands, with room for all."""
    folder = filled(tmp_path_factory.mktemp("undisturbed"))
    for command in OTHERS:
        complete(folder, *command)
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB. Skips where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def leave(disk: Path, room: int) -> Callable[[], None]:
    """Fill a disk but for so many bytes; what comes back makes room again."""
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(disk).free - room))
    return ballast.unlink


def check_refused(command: tuple[str, ...], code: int, said: str) -> None:
    """One error that names the file and what to do."""
    assert code == ERROR, said
    error, hint = said.strip().splitlines()[-2:]
    assert error.startswith(f"Error: {NAMED[command]}"), said
    assert "No space left on device" in error or "File too large" in error, said
    assert hint.startswith("Hint: Check") and "the space on the disk" in hint, said


@pytest.mark.parametrize("room", [0, 8_192, 100_000, 400_000])
def test_an_ingest_without_room_stores_nothing_half(
    room: int, disk: Path, undisturbed: Path
) -> None:
    prepared(disk)
    make_room = leave(disk, room)
    done = audit(*INGEST, folder=disk, env=dict(ENV))
    check_refused(INGEST, done.exit_code, done.err)
    reading = audit(*REPLAY, "--db", DB, "--format", "csv", folder=disk, env=dict(ENV))
    assert reading.exit_code == 0 or "there is no store" in reading.err, reading
    make_room()
    complete(disk, *INGEST)
    check_store(disk, undisturbed)
    assert set(listing(disk)) - set(listing(disk / "logs")) <= {"logs", DB, *_logs(disk)}


def _logs(disk: Path) -> set[str]:
    return {f"logs/{name}" for name in listing(disk / "logs")}


def check_store(folder: Path, undisturbed: Path) -> None:
    """The store holds what one does that always had room."""
    for table in ("sources", "calls", "rejects", "heads", "parts", "day_cells"):
        expected = rows_of(undisturbed / DB, (table,))
        assert rows_of(folder / DB, (table,)) == expected, table


def test_what_is_written_without_room_is_as_it_was_and_then_as_ever(
    disk: Path, undisturbed: Path
) -> None:
    filled(disk)
    before, store = listing(disk), (disk / DB).read_bytes()
    make_room = leave(disk, 0)
    for command in OTHERS:
        done = audit(*command, folder=disk, env=dict(ENV))
        check_refused(command, done.exit_code, done.err)
        left = listing(disk)
        assert {name: left[name] for name in before} == before
        assert left.keys() - before.keys() <= {"ballast", f"{DB}.wal"}
        assert (disk / DB).read_bytes() == store
    make_room()
    for command in OTHERS:
        complete(disk, *command)
    assert listing(disk) == listing(undisturbed)
    check_store(disk, undisturbed)
    assert rows_of(disk / DB, ("closings",)) == rows_of(undisturbed / DB, ("closings",))


@pytest.mark.parametrize(
    "command", [INGEST, REPORT, CONVERT, DAYS, CSV], ids=lambda words: words[0]
)
def test_a_file_that_may_not_grow_is_a_full_disk(
    command: tuple[str, ...], tmp_path: Path, undisturbed: Path
) -> None:
    """The same where nothing can be mounted: no file may be longer than a limit."""
    folder = prepared(tmp_path) if command == INGEST else filled(tmp_path)
    before = listing(folder)
    limit = "30000" if command == INGEST else "100"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, limit, *command],
        cwd=folder,
        env={**os.environ, **ENV, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    check_refused(command, done.returncode, done.stderr)
    left = listing(folder)
    assert {name: left[name] for name in before} == before
    complete(folder, *command)
    check_store(folder, undisturbed)
    if command != INGEST:
        name = NAMED[command]
        assert within(listing(folder), name) == within(listing(undisturbed), name)
