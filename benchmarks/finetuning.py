"""Verdicts on fine-tuning, against a replay of the same store. No goal is set for them."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

from auditor import scenarios
from auditor.pipeline import Question, replay
from auditor.pipeline.finetune import tune
from auditor.pipeline.tuning import TuningQuestion
from auditor.prices import open_book
from benchmarks import stores, traffic
from benchmarks.races import Contestant, Race, Work

CALLS = 200_000
WORKLOADS = 200
TODAY = date(2023, 9, 1)
TARGET = "ft-gpt-3.5-turbo"


def races(folder: Path, scale: float) -> list[Race]:
    """As logged, and with what prompts share at their beginning dropped."""
    folder.mkdir(parents=True, exist_ok=True)
    path = str(_read(folder / "store.duckdb", int(CALLS * scale)))
    return [
        Race(
            work=f"verdicts on fine-tuning{words}",
            against="a replay of the same store, 11 scenarios",
            limit=math.inf,
            ours=Contestant("finetuning:tuned", {"path": path, "drop": drop}),
            theirs=Contestant("finetuning:replayed", {"path": path}),
            times=3,
        )
        for drop, words in ((False, ""), (True, ", --drop shared-prefix"))
    ]


def tuned(path: str, drop: bool) -> Work:
    """The verdicts of a store that is open."""
    target = next(one for one in scenarios.built_in() if one.name == TARGET)
    base = Question(book=open_book(), scenarios=())
    question = TuningQuestion(base=base, target=target, today=TODAY, drop=drop)
    opened = stores.Opened(path)

    def work() -> None:
        tune(opened.store, question)

    return work


def replayed(path: str) -> Work:
    """A replay of the scenarios of August 2023."""
    chosen = scenarios.choose(scenarios.built_in(), ())
    question = Question(book=open_book(), scenarios=chosen)
    opened = stores.Opened(path)

    def work() -> None:
        replay(opened.store, question)

    return work


def _read(path: Path, calls: int) -> Path:
    if not path.exists():
        logs = path.with_name("logs")
        traffic.write(logs, calls, WORKLOADS)
        stores.ingested(path, logs)
    return path
