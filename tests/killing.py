"""``python tests/killing.py --kills 2000``: kills ``audit`` so often, and says what it came to."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from helpers.kills import STORIES, Harness, Told
from helpers.starter import Starter

LANES = 2
MOST_FAILURES = 20


def kill(
    folder: Path,
    kills: int,
    seed: int,
    *,
    how: signal.Signals = signal.SIGKILL,
    only: str = "",
    cold: float = 0.1,
    minutes: float = 24 * 60,
) -> Told:
    """Tell stories until so many kills have struck, or it took so long, in two lanes."""
    end = time.monotonic() + minutes * 60
    told = Told()
    stories = [story for story in STORIES if only in story.name]

    def lane(number: int) -> None:
        dice = random.Random(f"{seed}-{number}")
        with Starter.ready() as starter:
            harness = Harness(folder / str(number), starter, dice)
            while told.kills < kills and len(told.failures) < MOST_FAILURES:
                if time.monotonic() > end:
                    break
                (story,) = dice.choices(stories, [story.weight for story in stories])
                harness.tell(story, told, how=how, cold=cold)

    with ThreadPoolExecutor(LANES) as pool:
        for _ in pool.map(lane, range(LANES)):
            pass
    return told


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--kills", type=int, default=2000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--signal", default="SIGKILL", choices=("SIGKILL", "SIGINT", "SIGTERM"))
    asked.add_argument("--story", default="", help="only those whose name holds this")
    asked.add_argument("--cold", type=float, default=0.1, help="share that starts from nothing")
    asked.add_argument("--minutes", type=float, default=24 * 60, help="at most")
    given = asked.parse_args()
    how = signal.Signals[given.signal]
    with tempfile.TemporaryDirectory() as folder:
        told = kill(
            Path(folder),
            given.kills,
            given.seed,
            how=how,
            only=given.story,
            cold=given.cold,
            minutes=given.minutes,
        )
    print(*told.lines(), sep="\n")  # noqa: T201
    return 1 if told.failures else 0


if __name__ == "__main__":
    sys.exit(main())
