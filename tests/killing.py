"""``python tests/killing.py --kills 2000``: kills ``audit`` so often, and says what it came to."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
from pathlib import Path

from helpers.kills import STORIES, Harness, Told
from helpers.starter import Starter


def kill(
    folder: Path,
    kills: int,
    seed: int,
    *,
    how: signal.Signals = signal.SIGKILL,
    only: str = "",
    cold: float = 0.1,
) -> Told:
    """Tell stories until so many kills have struck."""
    dice, told = random.Random(seed), Told()
    stories = [story for story in STORIES if only in story.name]
    with Starter.ready() as starter:
        harness = Harness(folder, starter, dice)
        while told.kills < kills and len(told.failures) < 20:
            (story,) = dice.choices(stories, [story.weight for story in stories])
            harness.tell(story, told, how=how, cold=cold)
    return told


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--kills", type=int, default=2000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--signal", default="SIGKILL", choices=("SIGKILL", "SIGINT", "SIGTERM"))
    asked.add_argument("--story", default="", help="only those whose name holds this")
    asked.add_argument("--cold", type=float, default=0.1, help="share that starts from nothing")
    given = asked.parse_args()
    how = signal.Signals[given.signal]
    with tempfile.TemporaryDirectory() as folder:
        told = kill(
            Path(folder), given.kills, given.seed, how=how, only=given.story, cold=given.cold
        )
    print(*told.lines(), sep="\n")  # noqa: T201
    return 1 if told.failures else 0


if __name__ == "__main__":
    sys.exit(main())
