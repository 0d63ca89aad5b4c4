"""Starts ``audit`` many times from one process that has imported it: a start takes no time.

Reads orders from standard input, a line of JSON each (see ``helpers.starter``); answers with two
lines: the pid of the process that was begun, the leader of a group of its own, then how it ended.
Where it is asked to, it notes when that came to what may go wrong half way: files that are made,
take their place or go, and steps of the store.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from auditor import entry, secret
from auditor.pipeline import readers
from auditor.store import Store

SESSIONS = ("closing", "converting", "nightly", "picturing", "replaying", "reporting")
MARKED = (
    *((os, name) for name in ("open", "rename", "replace", "link", "unlink", "rmdir", "fsync")),
    (Store, "run"),
    (secret, "make"),
)
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def note_moments(path: Path) -> None:
    """Have the moments of this process written to a file when it ends."""
    begun = time.monotonic()
    moments: list[float] = []

    def noted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            moments.append(time.monotonic() - begun)
            try:
                return original(*args, **named)
            finally:
                moments.append(time.monotonic() - begun)

        return call

    for owner, name in MARKED:
        setattr(owner, name, noted(getattr(owner, name)))
    atexit.register(lambda: path.write_text(json.dumps(moments), encoding="utf-8"))


def become(order: dict[str, Any]) -> None:
    """The process that was asked for."""
    os.chdir(order["folder"])
    made = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for place, path in enumerate((os.devnull, order["out"], order["err"])):
        os.dup2(os.open(path, made if place else os.O_RDONLY), place)
    os.environ.update(order["env"])
    sys.argv = ["audit", *order["args"]]
    readers.WORTH_BYTES = order["worth_bytes"]
    readers.PART_BYTES = order["part_bytes"]
    if order["moments"]:
        note_moments(Path(order["moments"]))
    entry.begin()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    entry.main()


def main() -> None:
    for session in SESSIONS:
        importlib.import_module(f"auditor.session.{session}")
    for line in sys.stdin:
        order = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        pid = os.fork()
        if not pid:
            os.setpgid(0, 0)
            become(order)
            sys.exit()
        begun = time.monotonic()
        os.setpgid(pid, pid)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        seconds = time.monotonic() - begun
        sys.stdout.write(json.dumps([os.waitstatus_to_exitcode(status), seconds]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
