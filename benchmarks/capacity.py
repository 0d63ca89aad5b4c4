"""What ``--engine spark`` takes: each kind of task by itself, in CPU of one core, bytes and memory.

Nothing is distributed: what tasks do is measured here, what Spark adds to it is not.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.engines.spark.engine import MOST_BUCKETS
from benchmarks import capacity_data as data
from benchmarks import capacity_logs as logs
from benchmarks.races import Contestant, Run

BUCKETS = 512
BUCKET_CALLS = 250_000
SCANNED_CALLS = 50_000
FEWER_CALLS = 50_000
PIECE = 40  # calls of a bucket in a task of 64 MB of captures with text
SCANNED = ((0, ""), (10, "team"), (10, "user"), (1_000, "user"), (50_000, "user"))
YEARS = (300_000,)
SOURCES_CALLS = (1_000, 10_000, 50_000)
PARQUET = "Parquet of audit convert"


@dataclass(frozen=True)
class Figure:
    """A row of the table; ``unit`` says what the seconds of CPU are held against ``amount`` as.

    ``said`` are further figures of the work, by the name of each: for each of ``amount``, where the
    text ends with ``a call``; else as they are. A contestant repeats its work by itself.
    """

    work: str
    contestant: Contestant
    unit: str
    said: Mapping[str, str]

    def run(self) -> Measured:
        """Run it, in a process of its own."""
        return Measured(self, self.contestant.run())


@dataclass(frozen=True)
class Measured:
    """What a row came to."""

    figure: Figure
    ran: Run

    def as_json(self) -> dict[str, Any]:
        """As an ``Outcome``, without a goal."""
        found = json.loads(self.ran.result)
        values = [self._value(found["amount"], seconds) for seconds in found["taken"]]
        return {
            "work": self.figure.work,
            "against": "; ".join(self._said()) or "–",
            "goal": None,
            "unit": self.figure.unit,
            "ratio": _rounded(statistics.median(values)),
            "spread": [_rounded(min(values)), _rounded(max(values))],
            "met": None,
            "seconds": [round(self.ran.seconds, 3)],
            "peak_mib": [round(self.ran.peak)],
        }

    def _value(self, amount: float, seconds: float) -> float:
        if "CPU second" in self.figure.unit:
            return amount / seconds / (1e6 if self.figure.unit.startswith("MB") else 1)
        return seconds / amount * (1e6 if self.figure.unit.startswith("µs") else 1)

    def _said(self) -> Iterator[str]:
        found = json.loads(self.ran.result)
        for name, words in self.figure.said.items():
            if name in found:
                each = found["amount"] if words.endswith("a call") else 1
                yield f"{_said_so(found[name] / each)} {words}"


def _rounded(value: float) -> float:
    return round(value, 3)


def _said_so(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def races(folder: Path, scale: float) -> Iterator[Figure]:
    """All rows, in the order in which a call goes through them."""
    folder.mkdir(parents=True, exist_ok=True)
    yield from _reading(folder / "logs", scale)
    yield from _merging(folder, scale)
    yield from _at_home(folder, scale)


def _reading(folder: Path, scale: float) -> Iterator[Figure]:
    paths = {name: logs.write(folder, name, scale) for name in logs.NAMES}
    paths[PARQUET] = _converted(paths["litellm"])
    text = str(paths[logs.TEXT])
    yield Figure(
        "look: digests of captures with text, cut into parts",
        Contestant("capacity_tasks:look_at", {"log": text}),
        "MB a CPU second",
        {},
    )
    for name, path in paths.items():
        calls = logs.calls_of("litellm" if name == PARQUET else name, scale)
        yield _read(f"read: {name}", path, calls)
    yield _read(
        f"read: {logs.TEXT}, their prompts sampled already",
        paths[logs.TEXT],
        logs.calls_of(logs.TEXT, scale),
        is_sampled=True,
    )
    name = "captures without text"
    calls = logs.calls_of(name, scale)
    yield _read(f"read: {name}, {MOST_BUCKETS:,} buckets", paths[name], calls, buckets=MOST_BUCKETS)


def _read(work: str, path: Path, calls: int, **given: Any) -> Figure:
    each = path.stat().st_size / calls
    arguments = {"log": str(path), "buckets": BUCKETS, **given}
    return Figure(
        f"{work} ({_said_so(each)} bytes a call)",
        Contestant("capacity_tasks:read_log", arguments),
        "calls a CPU second",
        {"calls": "bytes handed on a call", "heads": "of prompts a call"},
    )


def _converted(log: Path) -> Path:
    """The same calls as ``audit convert`` writes them."""
    path = log.with_suffix(".parquet")
    if not path.exists():
        command = [sys.executable, "-m", "auditor", "convert", str(log), "-o", str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path


def _merging(folder: Path, scale: float) -> Iterator[Figure]:
    calls, fewer = _scaled(BUCKET_CALLS, scale), _scaled(FEWER_CALLS, scale)
    for count, sources, repeated in (
        (fewer, 10, 0.0),
        (fewer, 1_000, 0.0),
        (fewer, 10, 0.1),
        (fewer, 100, 0.1),
        (calls, 10, 0.0),
    ):
        again = f", {repeated:.0%} of them twice" if repeated else ""
        yield Figure(
            f"merge: a bucket of {count:,} calls of {sources:,} sources{again}",
            Contestant(
                "capacity_tasks:merge_bucket",
                {
                    "rows": str(data.bucket(folder, count, sources, PIECE, repeated)),
                    "folder": str(folder / "merged"),
                    "sources": sources,
                    "times": 1 if count == calls or sources * repeated > 5 else 3,
                },
            ),
            "µs a call",
            {
                "file bytes": "bytes of file a call",
                "rows of cells": "rows of cells handed on",
                "cells": "bytes of them",
            },
        )
    yield Figure(
        "add up: cells of one source",
        Contestant(
            "capacity_tasks:add_up", {"rows": str(data.cells(folder, fewer, _scaled(1_000, scale)))}
        ),
        "µs a row",
        {"amount": "rows in", "size": "bytes of them", "made": "rows out"},
    )


def _at_home(folder: Path, scale: float) -> Iterator[Figure]:
    calls = _scaled(SCANNED_CALLS, scale)
    for count in SOURCES_CALLS:
        made = data.made(folder, _scaled(count, scale), 1)
        yield Figure(
            f"cells: a source of {_scaled(count, scale):,} calls of one day",
            Contestant("capacity_tasks:cells_of", {"store": str(made)}),
            "µs a call",
            {"cells": "cells"},
        )
    for values, by in SCANNED:
        files = data.tagged(folder, calls, max(values, 10))
        many = f" {by} ({values:,} of them)" if by else ""
        yield Figure(
            f"scan: {calls:,} calls by day{many}",
            Contestant("capacity_tasks:scan_files", {"files": str(files), "by": by, "sources": 31}),
            "µs a call",
            {"cells": "cells", "bytes": "bytes sent home"},
        )
    for rows in YEARS:
        year = data.a_year(folder, _scaled(rows, scale))
        yield Figure(
            f"home: a replay from {_scaled(rows, scale):,} cells of 365 days, 11 scenarios",
            Contestant("capacity_tasks:replay_at_home", {"path": str(year)}),
            "s of CPU",
            {},
        )


def _scaled(count: int, scale: float) -> int:
    return max(round(count * scale), 400)
