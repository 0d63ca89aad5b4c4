"""Runs the benchmarks and prints a table: ``python -m benchmarks [--calls N] [--workloads N]``."""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from pathlib import Path

from auditor import finding, scenarios
from auditor.formats import known_formats
from auditor.pipeline import Question, ingest, replay
from auditor.pipeline.counting import Gauge
from auditor.pipeline.finetune import tune
from auditor.pipeline.tuning import TuningQuestion
from auditor.prices import open_book
from auditor.store import Store
from benchmarks import traffic

TIMES = 5


def main() -> None:
    """Fine-tuning verdicts against replays of the same store, alternately."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    options.add_argument("--calls", type=int, default=1_000_000)
    options.add_argument("--workloads", type=int, default=200)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="audit-benchmark-") as name:
        folder = Path(name)
        say(f"writing {asked.calls:,} calls in {asked.workloads} workloads")
        traffic.write(folder / "logs", asked.calls, asked.workloads)
        book = open_book()
        with Store.open(folder / "store.duckdb") as store:
            begun = time.perf_counter()
            found = finding.find([str(folder / "logs")])
            ingest(store, found, known_formats(), Gauge(book, {}))
            say(f"ingested in {time.perf_counter() - begun:.0f} s")
        size = (folder / "store.duckdb").stat().st_size
        with Store.open(folder / "store.duckdb", to_read=True) as store:
            compare(
                store, Question(book=book, scenarios=scenarios.choose(scenarios.built_in(), ()))
            )
            commands(folder / "store.duckdb")
        say(f"store: {size / asked.calls:.0f} bytes a call")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        say(f"peak memory of all this: {peak / 1024:,.0f} MiB")


def compare(store: Store, question: Question) -> None:
    """Verdicts against a replay of the eleven scenarios of August 2023, in this process."""
    target = next(one for one in scenarios.built_in() if one.name == "ft-gpt-3.5-turbo")
    base = Question(book=question.book, scenarios=())
    verdict = TuningQuestion(base=base, target=target, today=date(2023, 9, 1))
    dropped = TuningQuestion(base=base, target=target, today=date(2023, 9, 1), drop=True)
    runs: dict[str, Callable[[], object]] = {
        "replay, 11 scenarios": lambda: replay(store, question),
        "finetune": lambda: tune(store, verdict),
        "finetune --drop shared-prefix": lambda: tune(store, dropped),
    }
    timed(runs)


def commands(db: Path) -> None:
    """The same as commands, with all that a process needs to begin."""
    audit = [sys.executable, "-m", "auditor"]
    kinds = {"audit replay --db FILE": ["replay"], "audit finetune --db FILE": ["finetune"]}
    runs: dict[str, Callable[[], object]] = {
        name: partial(
            subprocess.run,
            [*audit, *words, "--db", str(db)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for name, words in kinds.items()
    }
    timed(runs)


def timed(runs: Mapping[str, Callable[[], object]]) -> None:
    """Run all of them in turn, TIMES times; ratios of the medians to the first."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(TIMES):
        for name, run in runs.items():
            begun = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - begun)
    one = statistics.median(next(iter(times.values())))
    for name, taken in times.items():
        middle = statistics.median(taken)
        say(
            f"{name:<32}{middle:>7.2f} s {middle / one:>6.1f}x   "
            f"({min(taken):.2f} to {max(taken):.2f})"
        )


def say(text: str) -> None:
    """One line of the result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
