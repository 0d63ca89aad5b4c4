"""A race: two ways of doing the same work, run in turn, each run in a process of its own.

A contestant is a function of a module of ``benchmarks``. It prepares, and returns the work: only
that is timed. Its arguments are texts and numbers, so that they can be handed to the process.
"""

from __future__ import annotations

import importlib
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Work = Callable[[], object]
KIB_A_MIB = 1024


@dataclass(frozen=True)
class Timed:
    """The result of a work that took its own time."""

    seconds: float
    result: object


@dataclass(frozen=True)
class Contestant:
    """A function, ``module:function`` below ``benchmarks``, and its arguments."""

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def run(self) -> Run:
        """One run, in a new process."""
        ended = subprocess.run(
            [sys.executable, "-m", "benchmarks.races", self.function, json.dumps(self.arguments)],
            check=True,
            stdout=subprocess.PIPE,
        )
        return Run(**json.loads(ended.stdout.splitlines()[-1]))


@dataclass(frozen=True)
class Run:
    """Seconds of the work, peak memory of the process and of the greatest it started (MiB).

    ``result`` is what the work returned, as text: what contestants must agree on.
    """

    seconds: float
    peak: float
    result: str


@dataclass(frozen=True)
class Race:
    """``ours`` against ``theirs``. The ratio is ours/theirs, at most ``limit``; with ``faster`` it
    is theirs/ours, at least ``limit``; with ``above`` it is ours - theirs in seconds, at most
    ``limit``.

    ``same`` means that both must return the same. ``share`` is how much of the work ``theirs`` does
    (a slow peer is given a part of the calls).
    """

    work: str
    against: str
    limit: float
    ours: Contestant
    theirs: Contestant
    faster: bool = False
    above: bool = False
    same: bool = False
    share: float = 1
    times: int = 5

    def run(self) -> Outcome:
        """Both in turn, ``times`` times."""
        ours, theirs = [], []
        for _ in range(self.times):
            ours.append(self.ours.run())
            theirs.append(self.theirs.run())
        results = {run.result for run in (*ours, *theirs)}
        if self.same and len(results) > 1:
            raise AssertionError(f"{self.work}: the contestants disagree: {sorted(results)}")
        return Outcome(self, tuple(ours), tuple(theirs))


@dataclass(frozen=True)
class Outcome:
    """What a race came to: its ratio is that of the medians, its spread that of pairs of runs."""

    race: Race
    ours: tuple[Run, ...]
    theirs: tuple[Run, ...]

    @property
    def ratio(self) -> float:
        """Ours to theirs, theirs to ours where the goal is to be faster, or the seconds between."""
        return self._ratio(_median(self.ours), _median(self.theirs))

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the greatest ratio of two runs that followed each other."""
        pairs = zip(self.ours, self.theirs, strict=True)
        ratios = [self._ratio(ours.seconds, theirs.seconds) for ours, theirs in pairs]
        return min(ratios), max(ratios)

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio >= self.race.limit if self.race.faster else self.ratio <= self.race.limit

    @property
    def unit(self) -> str:
        """What stands behind a ratio."""
        return " s above" if self.race.above else "x"

    def _ratio(self, ours: float, theirs: float) -> float:
        theirs = theirs / self.race.share
        if self.race.above:
            return ours - theirs
        return theirs / ours if self.race.faster else ours / theirs

    def as_json(self) -> dict[str, Any]:
        """Everything measured."""
        least, greatest = self.spread
        return {
            "work": self.race.work,
            "against": self.race.against,
            "goal": f"{'>=' if self.race.faster else '<='} {self.race.limit:g}{self.unit}",
            "ratio": round(self.ratio, 3),
            "spread": [round(least, 3), round(greatest, 3)],
            "met": self.is_met,
            "seconds": [round(_median(self.ours), 4), round(_median(self.theirs), 4)],
            "peak_mib": [round(max(run.peak for run in runs)) for runs in (self.ours, self.theirs)],
        }


def _median(runs: tuple[Run, ...]) -> float:
    return statistics.median(run.seconds for run in runs)


def _own_peak() -> int:
    """Peak memory of this process in KiB.

    Linux lets ``ru_maxrss`` begin at the peak of the process that started this one; VmHWM does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = (line.split() for line in status.read_text(encoding="utf-8").splitlines())
        return next(int(words[1]) for words in lines if words[0] == "VmHWM:")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Run one contestant in this process, and print its ``Run`` as JSON."""
    module, _, name = sys.argv[1].partition(":")
    work: Work = getattr(importlib.import_module(f"benchmarks.{module}"), name)(
        **json.loads(sys.argv[2])
    )
    begun = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - begun
    if isinstance(result, Timed):
        seconds, result = result.seconds, result.result
    peak = max(_own_peak(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    run = {"seconds": seconds, "peak": peak / KIB_A_MIB, "result": str(result)}
    sys.stdout.write("\n" + json.dumps(run) + "\n")


if __name__ == "__main__":
    # the module as its contestants know it: a `Timed` of theirs is no `Timed` of __main__
    importlib.import_module("benchmarks.races").main()
