"""``audit`` is killed at random moments, hundreds of times: nothing is lost, doubled or left over.

``python tests/killing.py --kills 5000`` does it as often as you like; AUDIT_KILLS says how often
here.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from killing import kill

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks and kills groups"),
]


def test_after_any_kill_the_next_run_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    told = kill(tmp_path, int(os.environ.get("AUDIT_KILLS", "200")), seed=20230822)
    assert not told.failures, "\n".join(told.lines())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_who_is_told_to_end_ends_in_order(how: signal.Signals, tmp_path: Path) -> None:
    """130 and one line, or 143: at any moment, imports included, and nothing is left behind.

    From the program's first lines on: what comes before them is the interpreter's own beginning.
    """
    told = kill(tmp_path, 15, seed=7, how=how, cold=0.5)
    assert not told.failures, "\n".join(told.lines())
