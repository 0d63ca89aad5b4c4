"""Starts ``audit`` as a process that can be ended at any moment, with all that it began."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from helpers.nights import KEY

NEVER = 1 << 62
# what is begun by a job in the background would be deaf to SIGINT
HEARING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
LONGEST = 120


@dataclass(frozen=True)
class Ended:
    """How a process ended, after how many seconds, and what it said on standard error."""

    code: int
    seconds: float
    said: str


@dataclass(frozen=True)
class Starter:
    """Starts ``audit`` from a process that has imported it, or ``cold``: from nothing."""

    zygote: subprocess.Popen[str]

    @classmethod
    @contextmanager
    def ready(cls) -> Iterator[Starter]:
        with subprocess.Popen(
            [sys.executable, "-c", HEARING, "-m", "helpers.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(),
        ) as zygote:
            yield cls(zygote)
            zygote.communicate()

    def run(
        self,
        folder: Path,
        args: tuple[str, ...],
        *,
        after: float | None = None,
        how: signal.Signals = signal.SIGKILL,
        parted: bool = False,
        keyed: bool = True,
        cold: bool = False,
        moments: Path | None = None,
    ) -> Ended:
        """Run a command in a folder; end it and all it began so many seconds ``after``.

        Logs are read in parts if ``parted``, however small they are. Temporary files go to the
        folder ``tmp``. ``moments`` is where those of the run are noted.
        """
        env = {"TMPDIR": str(folder / "tmp"), **({"AUDIT_HASH_KEY": KEY} if keyed else {})}
        if cold:
            return _cold(folder, args, env, after, how)
        said = folder.parent / f"{folder.name}.said"
        order = {
            "folder": str(folder),
            "args": args,
            "out": os.devnull,
            "err": str(said),
            "env": env,
            "worth_bytes": 0 if parted else NEVER,
            "part_bytes": 2_000 if parted else NEVER,
            "moments": str(moments) if moments else None,
        }
        assert self.zygote.stdin is not None and self.zygote.stdout is not None
        self.zygote.stdin.write(json.dumps(order) + "\n")
        self.zygote.stdin.flush()
        pid = int(self.zygote.stdout.readline())
        if after is not None:
            _strike(pid, after, how)
        code, seconds = json.loads(self.zygote.stdout.readline())
        words = said.read_text(encoding="utf-8") if said.exists() else ""
        said.unlink(missing_ok=True)
        return Ended(code, seconds, words)


def _cold(
    folder: Path,
    args: tuple[str, ...],
    env: dict[str, str],
    after: float | None,
    how: signal.Signals,
) -> Ended:
    begun = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", HEARING, "-m", "auditor", *args],
        cwd=folder,
        env={**_environment(), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        if after is not None:
            if how != signal.SIGKILL:
                _wait_for_answers(process)
            _strike(process.pid, after, how)
        _, said = process.communicate(timeout=LONGEST)
    return Ended(process.returncode, time.monotonic() - begun, said)


def _wait_for_answers(process: subprocess.Popen[str]) -> None:
    """Until it answers signals; before that the interpreter itself is being begun."""
    while process.poll() is None:
        caught = re.search(r"SigCgt:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text())
        if caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.001)


def _strike(group: int, after: float, how: signal.Signals) -> None:
    time.sleep(after)
    with suppress(ProcessLookupError):  # it has ended
        os.killpg(group, how)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AUDIT_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "COLUMNS": "80"}
