"""Replays of stored calls: against a bare scan of the store, and by the number of scenarios."""

from __future__ import annotations

from pathlib import Path

import duckdb

from auditor import scenarios
from auditor.pipeline import Question, replay
from auditor.prices import open_book
from auditor.scenarios import Scenario
from benchmarks import stores
from benchmarks.races import Contestant, Race, Work

CALLS = 10_000_000
SCAN = """
    SELECT called_at::DATE AS day, served_model, sum(input_tokens), sum(output_tokens)
    FROM calls
    GROUP BY day, served_model
"""
NINE = (
    "ft-babbage-002",
    "ft-davinci-002",
    "ft-gpt-3.5-turbo",
    "gpt-3.5-turbo",
    "gpt-3.5-turbo-16k",
    "gpt-3.5-turbo-4k",
    "gpt-4",
    "gpt-4-32k",
    "gpt-4-8k",
)
MODELS = (
    "gpt-4o-2024-05-13",
    "gpt-4o-2024-08-06",
    "gpt-4o-2024-11-20",
    "gpt-4o-mini-2024-07-18",
    "gpt-4.1-2025-04-14",
    "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-nano-2025-04-14",
    "gpt-4-turbo-2024-04-09",
    "gpt-3.5-turbo-0125",
    "gpt-4-0613",
)
DAYS = ('"call"', "2025-06-01", "2025-09-01", "2026-01-01")


def races(folder: Path, scale: float) -> list[Race]:
    """Nine scenarios against the scan, fifty against nine."""
    folder.mkdir(parents=True, exist_ok=True)
    calls = int(CALLS * scale)
    path = str(stores.made(folder / f"calls-{calls}.duckdb", calls))
    nine = Contestant("replaying:replayed", {"path": path, "count": 9})
    return [
        Race(
            work=f"replay from the store: {stores.millions(calls)} calls, 9 scenarios",
            against="DuckDB: sum(input), sum(output) by day and model",
            limit=2,
            ours=nine,
            theirs=Contestant("replaying:scanned", {"path": path}),
        ),
        Race(
            work="the same with 50 scenarios",
            against="9 scenarios",
            limit=1.2,
            ours=Contestant("replaying:replayed", {"path": path, "count": 50}),
            theirs=nine,
        ),
    ]


def replayed(path: str, count: int) -> Work:
    """A replay under so many scenarios of a store that is open."""
    question = Question(book=open_book(), scenarios=_scenarios(Path(path).parent, count))
    opened = stores.Opened(path)

    def work() -> str:
        return f"{replay(opened.store, question).total['cost_usd']} USD"

    return work


def scanned(path: str) -> Work:
    """The scan of a store that is open."""
    connection = duckdb.connect(path, read_only=True)
    return lambda: len(connection.execute(SCAN).fetchall())


def _scenarios(folder: Path, count: int) -> tuple[Scenario, ...]:
    """The nine of August 2023, and as many more as files say, written as a user writes them."""
    known = scenarios.choose(scenarios.built_in(), NINE)
    wanted = [(model, day) for day in DAYS for model in MODELS] + [("gpt-5.4-mini", DAYS[3])]
    files = []
    for number, (model, day) in enumerate(wanted[: count - len(known)]):
        file = folder / f"scenario-{number:02}.toml"
        file.write_text(
            f'name = "what-if-{number:02}"\nmodels = ["{model}"]\nprices_at = {day}\n',
            encoding="utf-8",
        )
        files.append(file)
    return (*known, *(scenarios.load(file) for file in files))
