"""How many bytes of the store's file a call takes. Ids are random: no compression shortens them."""

from __future__ import annotations

import csv
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import stores

CALLS = 1_000_000
CALLS_A_FILE = 100_000
MOST = 40
DIGITS = string.ascii_letters + string.digits
MODELS = ("gpt-3.5-turbo-0125", "gpt-4o-2024-05-13", "gpt-4-0613")


@dataclass(frozen=True)
class Size:
    """A row of the table that no clock is needed for."""

    work: str
    against: str
    path: Path
    calls: int

    def run(self) -> Size:
        """Nothing is left to run."""
        return self

    def as_json(self) -> dict[str, Any]:
        """As an ``Outcome``; its ratio are the bytes."""
        each = round(self.path.stat().st_size / self.calls, 2)
        return {
            "work": self.work,
            "against": self.against,
            "goal": f"<= {MOST} bytes",
            "ratio": each,
            "spread": [each, each],
            "met": each <= MOST,
            "seconds": [],
            "peak_mib": [],
        }


def races(folder: Path, scale: float) -> list[Size]:
    """Of a store that tables of counts were read into, and of one as captures leave it."""
    folder.mkdir(parents=True, exist_ok=True)
    calls = int(CALLS * scale)
    return [
        Size(
            "store size: a table of counts, read",
            f"{calls:,} calls with ids of 33 characters",
            _read(folder / f"counts-{calls}.duckdb", calls),
            calls,
        ),
        Size(
            "store size: captures with text, made up",
            f"{calls:,} calls; a workload and the hash of the prompt beside each",
            stores.made(folder / f"calls-{calls}.duckdb", calls),
            calls,
        ),
    ]


def _read(path: Path, calls: int) -> Path:
    """A store that was ingested from CSV files."""
    if path.exists():
        return path
    logs = path.with_suffix(".logs")
    logs.mkdir(exist_ok=True)
    rows = _rows(random.Random(7), calls)
    for number in range(-(-calls // CALLS_A_FILE)):
        with (logs / f"calls-{number:04}.csv").open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(("id", "timestamp", "model", "prompt_tokens", "completion_tokens"))
            out.writerows(row for _, row in zip(range(CALLS_A_FILE), rows, strict=False))
    stores.ingested(path, logs)
    return path


def _rows(dice: random.Random, calls: int) -> Iterator[tuple[object, ...]]:
    at, step = datetime(2024, 8, 1, tzinfo=UTC), timedelta(days=31) / calls
    for _ in range(calls):
        at += step * 2 * dice.random()
        yield (
            f"chatcmpl-{''.join(dice.choices(DIGITS, k=24))}",
            at.isoformat(timespec="milliseconds"),
            dice.choice(MODELS),
            int(dice.lognormvariate(6.3, 1)),
            int(dice.lognormvariate(4.8, 0.9)),
        )
