"""Processes of other programs in sessions of their own, found and ended with all they began."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

HERE = "127.0.0.1"
PROC = Path("/proc")
Found = TypeVar("Found")


class TooLateError(AssertionError):
    """What was waited for did not come."""


@dataclass
class Session:
    """A program with all that it began, as long as none of these begins a session of its own.

    Executors of Spark and their Python workers do not: the daemon of the Python workers takes a
    process group of its own, and stays in the session of the worker that began it.
    """

    began: subprocess.Popen[bytes]
    log: Path

    @property
    def number(self) -> int:
        return self.began.pid

    def pids(self) -> list[int]:
        """Those of the session that live."""
        return [pid for pid, session in _living() if session == self.number]

    def commands(self) -> dict[int, list[str]]:
        """The words with which each process of the session was begun, by its pid."""
        found = {}
        for pid in self.pids():
            with suppress(OSError):
                found[pid] = (PROC / str(pid) / "cmdline").read_text().split("\0")[:-1]
        return found

    def resident_bytes(self) -> int:
        """Memory that the session's processes hold, with what they share counted once for each."""
        pages = 0
        for pid in self.pids():
            with suppress(OSError):
                pages += int((PROC / str(pid) / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def kill(self) -> None:
        """End all of the session with SIGKILL; returns when none of it lives."""

        def none_lives() -> bool:
            pids = self.pids()
            # the oldest first: it would begin others in place of those that end
            for pid in sorted(pids):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.began.poll()
            return not pids

        until(none_lives, f"the end of session {self.number}")
        self.began.wait()

    def end(self, seconds: float = 5) -> None:
        """Ask the program to end, then kill what is left of the session."""
        self.began.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.began.wait(seconds)
        self.kill()
        atexit.unregister(self.kill_at_exit)

    def kill_at_exit(self) -> None:
        """The same when we end, whoever is in a hurry: one more SIGINT would leave it behind."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.kill()

    def lives(self) -> None:
        """Raise AssertionError, with the end of the log, where the program has ended."""
        if self.began.poll() is not None:
            tail = self.log.read_text(encoding="utf-8", errors="replace")[-4000:]
            raise AssertionError(f"{self.log.stem} ended with {self.began.returncode}:\n{tail}")


def begin(
    command: Sequence[str | Path], log: Path, folder: Path, env: Mapping[str, str]
) -> Session:
    """Begin a program in a session of its own that is killed, at the latest, when we end."""
    with log.open("wb") as out:
        began = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(env),
            start_new_session=True,
        )
    session = Session(began, log)
    atexit.register(session.kill_at_exit)
    return session


def _living() -> Iterator[tuple[int, int]]:
    """Each process of this machine that is no zombie, and its session."""
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                # the name of the program, in brackets, may hold anything
                state, _, _, session = (
                    (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:4]
                )
                if state not in "ZX":
                    yield int(entry.name), int(session)


def until(
    look: Callable[[], Found | None],
    what: str,
    *programs: Session,
    seconds: float = 120,
) -> Found:
    """What ``look`` finds that is true; it is asked until then.

    Raises TooLateError after ``seconds``, AssertionError where one of ``programs`` has ended.
    """
    end = time.monotonic() + seconds
    while not (found := look()):
        for program in programs:
            program.lives()
        if time.monotonic() > end:
            raise TooLateError(f"{what} did not come in {seconds} s")
        time.sleep(0.05)
    return found


def free_ports(number: int) -> list[int]:
    """Ports of this machine on which nobody listens; all at once, so that they differ."""
    sockets = [socket.create_server((HERE, 0)) for _ in range(number)]
    try:
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def answers(port: int) -> bool:
    """Whether somebody listens."""
    with suppress(OSError), socket.create_connection((HERE, port), timeout=1):
        return True
    return False
