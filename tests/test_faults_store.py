"""A store that is damaged, cannot be written, or that another process has."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from command import COMPLETE, ERROR, Run, audit
from helpers.kills import ALLOWED, DB, INGEST, REPLAY, logs_in
from helpers.logs import capture, write
from helpers.nights import ENV, KEY
from helpers.runs import book, formats

from auditor import leftovers, processes, secret
from auditor.cli import cli
from auditor.finding import find
from auditor.pipeline import ingest
from auditor.pipeline.counting import Gauge
from auditor.store import Store

BLOCK_AT, BLOCK = 12_288, 262_144  # where DuckDB's blocks begin, and how long one is
TAKE_IN = ("ingest", "logs", *ALLOWED[:2])
AGAIN = ("replay", "logs", *ALLOWED)
CSV = (*REPLAY, "--db", DB, "--format", "csv")
HOLD = """
import os, sys
from pathlib import Path
from auditor.store import Store
key = os.environ["AUDIT_HASH_KEY"].encode()
with Store.open(Path(sys.argv[1]), to_read=sys.argv[2] == "reads", hash_key=key):
    print("held", flush=True)
    sys.stdin.read()
"""


def run(folder: Path, *args: str) -> Run:
    return audit(*args, folder=folder, env=dict(ENV), columns=200)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A store of some logs, and the log of the last steps in which it took in the others."""
    folder = tmp_path_factory.mktemp("sound")
    logs_in(folder / "logs")
    files, db = find([str(folder / "logs")]), folder / DB
    with Store.open(db, hash_key=KEY.encode()) as store:
        ingest(store, files[:3], formats(), Gauge(book(), {}), book=book())
    with Store.open(db, hash_key=KEY.encode()) as store:
        ingest(store, files[3:], formats(), Gauge(book(), {}), book=book())
        return db.read_bytes(), db.with_name(f"{DB}.wal").read_bytes()


def flipped(content: bytes, at: int, length: int = 1) -> bytes:
    damaged = bytearray(content)
    for place in range(at, at + length):
        damaged[place] ^= 0x55
    return bytes(damaged)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda whole: b"",
    "text": lambda whole: b"dear diary\n" * 999,
    "no word of DuckDB": lambda whole: flipped(whole, 8),
    "first header": lambda whole: flipped(whole, 12),
    "second header": lambda whole: flipped(whole, 4_100),
    "third header": lambda whole: flipped(whole, 8_200),
    "first block": lambda whole: flipped(whole, BLOCK_AT + 20),
    "cut in the header": lambda whole: whole[:100],
    "cut after the headers": lambda whole: whole[:BLOCK_AT],
    "cut in the middle": lambda whole: whole[: len(whole) // 2],
    "all but the first block": lambda whole: (
        whole[: BLOCK_AT + BLOCK] + bytes(byte ^ 0x55 for byte in whole[BLOCK_AT + BLOCK :])
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_store_is_said_to_be_and_left_alone(
    what: str, sound: tuple[bytes, bytes], tmp_path: Path
) -> None:
    content = DAMAGE[what](sound[0])
    logs_in(tmp_path / "logs")
    (tmp_path / DB).write_bytes(content)
    for command in (CSV, INGEST):
        done = run(tmp_path, *command)
        assert (done.exit_code, done.out) == (ERROR, ""), done
        said = "is no DuckDB file" if content[8:12] != b"DUCK" else f"{DB} is damaged: "
        assert said in done.err and "\nHint: " in done.err, done
        assert (tmp_path / DB).read_bytes() == content
        assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", DB]


WAL_DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "text": lambda wal: b"dear diary\n",
    "zeros": lambda wal: bytes(len(wal)),
    "beginning": lambda wal: flipped(wal, 2),
    "middle": lambda wal: flipped(wal, len(wal) // 2),
}


@pytest.mark.parametrize("what", WAL_DAMAGE)
def test_a_damaged_log_of_last_steps_is_said_and_left_alone(
    what: str, sound: tuple[bytes, bytes], tmp_path: Path
) -> None:
    wal = WAL_DAMAGE[what](sound[1])
    (tmp_path / DB).write_bytes(sound[0])
    (tmp_path / f"{DB}.wal").write_bytes(wal)
    logs_in(tmp_path / "logs")
    for command in (CSV, INGEST):
        done = run(tmp_path, *command)
        assert (done.exit_code, f"{DB} is damaged: " in done.err) == (ERROR, True), done
        assert (tmp_path / DB).read_bytes() == sound[0]
        assert (tmp_path / f"{DB}.wal").read_bytes() == wal


@pytest.mark.parametrize(
    "kept", [0.5, *(pytest.param(kept, marks=pytest.mark.slow) for kept in (0, 1, 40, 0.999))]
)
def test_a_log_of_last_steps_that_breaks_off_is_taken_as_far_as_it_goes(
    kept: float, sound: tuple[bytes, bytes], tmp_path: Path
) -> None:
    """As a killed run leaves it: what was not finished did not happen, and is done by the next."""
    logs_in(tmp_path / "logs")
    (tmp_path / DB).write_bytes(sound[0])
    length = kept if isinstance(kept, int) else int(len(sound[1]) * kept)
    (tmp_path / f"{DB}.wal").write_bytes(sound[1][:length])
    assert run(tmp_path, *CSV).exit_code == COMPLETE
    assert run(tmp_path, *INGEST).exit_code == COMPLETE
    found = run(tmp_path, *CSV)
    (tmp_path / "whole").mkdir()
    logs_in(tmp_path / "whole" / "logs")
    assert run(tmp_path / "whole", *INGEST).exit_code == COMPLETE
    assert run(tmp_path / "whole", *CSV) == found


def test_half_a_key_never_lies_beside_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while it is written: the next run makes another, and is not locked out."""

    def killed(_: int) -> None:
        raise SystemExit(9)

    monkeypatch.setattr("auditor.secret.os.fsync", killed)
    with pytest.raises(SystemExit):
        secret.make(tmp_path / DB)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert secret.read(tmp_path / DB) if secret.make(tmp_path / DB) else None


def test_half_a_store_is_never_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Store.run

    def broken_off(store: Store, name: str, /, **values: object) -> None:
        original(store, name, **values)
        assert not (tmp_path / DB).exists()
        raise SystemExit(9)

    monkeypatch.setattr(Store, "run", broken_off)
    with pytest.raises(SystemExit), Store.open(tmp_path / DB):
        pass
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == [f"{DB}.key"]


def test_of_two_that_make_a_store_at_once_the_first_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other opens that one, and takes its key."""
    original = leftovers.put
    theirs: list[bytes] = []

    def put(new: Path, target: Path) -> None:
        monkeypatch.setattr(leftovers, "put", original)
        if target.name == DB:
            with Store.open(tmp_path / DB) as other:
                theirs.append(other.hash_key)
        original(new, target)

    secret.make(tmp_path / DB)
    monkeypatch.setattr(leftovers, "put", put)
    with Store.open(tmp_path / DB) as store:
        assert [store.hash_key] == theirs
    assert {path.name for path in tmp_path.iterdir()} >= {DB, f"{DB}.key"}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(f".{DB}")]


def test_what_a_killed_run_left_is_cleared_away_and_what_is_in_use_stays(tmp_path: Path) -> None:
    target = tmp_path / "r.csv"
    left = tmp_path / ".r.csv.audit-abcdefgh"
    left.mkdir()
    (left / "new").write_text("half a res")
    (tmp_path / ".r.csv.audit-abcdefgi").write_text("a file of somebody")
    (tmp_path / ".r.csv.audit-notes").mkdir()
    with leftovers.beside(target) as held:
        leftovers.clear(target)
        assert held.is_dir()
        assert not left.exists()
    assert {path.name for path in tmp_path.iterdir()} == {
        ".r.csv.audit-abcdefgi",
        ".r.csv.audit-notes",
    }


@contextmanager
def holder(folder: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the store open, and writes or only reads."""
    (folder / "hold.py").write_text(HOLD, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "hold.py", DB, how],
        cwd=folder,
        env={**os.environ, **ENV, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None and other.stdin is not None
        assert other.stdout.readline() == "held\n"
        yield other
        other.stdin.close()


def test_who_has_the_store_is_named_after_the_wait(tmp_path: Path) -> None:
    """By pid and command, whether he writes or reads; who reads waits for none who reads."""
    write(tmp_path / "logs" / "a.jsonl", [capture("one")])
    assert run(tmp_path, *INGEST).exit_code == COMPLETE
    begun = time.monotonic()
    with holder(tmp_path, "writes") as other:
        for command in (CSV, INGEST, ("show", "models", "--db", DB)):
            done = run(tmp_path, *command, "--lock-timeout", "0 s")
            named = f"Error: {DB} is in use by another process: pid {other.pid} (hold.py)"
            assert (done.exit_code, done.err.startswith(named)) == (ERROR, True), done
            assert "--lock-timeout" in done.err
        done = run(tmp_path, *INGEST, "--lock-timeout", "1 s")
        assert done.err.startswith(f"Waiting up to 1 s: {DB} is in use by another process: pid ")
        assert time.monotonic() - begun > 1
    with holder(tmp_path, "reads") as other:
        assert run(tmp_path, *CSV, "--lock-timeout", "0 s").exit_code == COMPLETE
        done = run(tmp_path, "close", "2023-08", "--db", DB, "--lock-timeout", "0 s")
        assert f"pid {other.pid} (" in done.err
    done = run(tmp_path, *CSV, "--lock-timeout", "soon")
    assert (done.exit_code, "--lock-timeout: soon is no time" in done.err) == (ERROR, True)


def test_every_command_with_a_store_waits_for_it() -> None:
    def commands(group: click.Group) -> Iterator[click.Command]:
        for command in group.commands.values():
            yield command
            if isinstance(command, click.Group):
                yield from commands(command)

    with_store = [
        command
        for command in commands(cli)
        if any("--db" in option.opts for option in command.params) or command.name == "nightly"
    ]
    assert len(with_store) > 12
    for command in with_store:
        assert any("--lock-timeout" in option.opts for option in command.params), command.name


def test_a_process_is_described_as_it_was_called() -> None:
    said = processes.described(os.getpid())
    assert said.startswith(f"pid {os.getpid()}")
    assert "\n" not in said and len(said) < 300
    assert processes.described(1 << 30) == f"pid {1 << 30}"


def beside(folder: Path, *commands: tuple[str, ...]) -> list[tuple[int | None, str]]:
    """Commands at once; how each ended."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "auditor", *command],
            cwd=folder,
            env={**os.environ, **ENV, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    said = ["".join(one.communicate()) for one in running]
    return [(one.returncode, words) for one, words in zip(running, said, strict=True)]


@pytest.mark.slow
def test_two_ingests_and_a_replay_at_once_come_to_what_one_ingest_does(tmp_path: Path) -> None:
    """Of a store that is not there yet, with a key that has to be made."""
    logs_in(tmp_path / "logs")
    (tmp_path / "alone").mkdir()
    logs_in(tmp_path / "alone" / "logs")
    assert run(tmp_path / "alone", *INGEST).exit_code == COMPLETE
    wait = ("--lock-timeout", "5 min")
    ended = beside(
        tmp_path,
        (*INGEST, *wait),
        (*INGEST, *wait),
        ("replay", "logs", *ALLOWED, "--db", DB, *wait),
    )
    assert [code for code, _ in ended] == [COMPLETE] * 3, ended
    assert run(tmp_path, *CSV).out == run(tmp_path / "alone", *CSV).out
    assert sorted("77 new call" in said for _, said in ended) == [False, False, True]
    assert {path.name for path in tmp_path.iterdir()} == {"logs", "alone", DB}
