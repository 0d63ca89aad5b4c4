"""Where the program begins and ends: until the commands are there, and after them, signals have
an answer of one line or none, too, instead of a traceback out of an import.

Imports nothing of the project before it answers.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any

INTERRUPTED = 130
ENDED = 143
SAID = "Interrupted. What was stored before stays.\n"


def main() -> None:
    """The ``audit`` program."""
    ours = begin()
    try:
        from auditor.cli import main as commands

        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        commands()
    except KeyboardInterrupt:  # while what was to be said was being said
        stop(signal.SIGINT)
    finally:
        # all is done and said: what is left is the interpreter's own end
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        # Python takes an interrupt within code made from text (dataclasses are) for one that nobody
        # answered, and would end as killed by it, not with our code: other such code forgets it
        exec("")


def begin() -> bool:
    """Answer signals at once: nothing is begun that had to be put away.

    Returns whether SIGINT is for us: a job in the background of a shell is started deaf to it.
    """
    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        return False
    signal.signal(signal.SIGINT, stop)
    return True


def stop(number: int, *_: Any) -> None:
    """End here and now."""
    if number == signal.SIGTERM:
        os._exit(ENDED)
    with suppress(OSError):  # nobody may listen
        os.write(2, SAID.encode())
    os._exit(INTERRUPTED)
