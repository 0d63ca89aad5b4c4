"""What the benchmarks came to: a table for a terminal, and RESULTS.md."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

FILE = Path(__file__).with_name("RESULTS.md")
MARK = "<!-- what follows is written by hand -->\n"
PACKAGES = ("duckdb", "polars", "tiktoken", "genai-prices", "litellm")
NO_GOAL = "infx"
RACES_HEAD = (
    "# Results",
    "",
    "Written by `python -m benchmarks --write`. Each contestant runs in a process of its own,",
    "in turn with the other. A ratio is that of the medians, the spread that of runs that",
    "followed each other. Seconds and MiB (peak memory) are of audit / of what it is held",
    "against.",
    "",
)
RACES_COLUMNS = ("work", "against", "ratio", "spread", "goal", "met", "seconds", "MiB")
FIGURES = "## What `--engine spark` takes\n"
FIGURES_HEAD = (
    "Written by `python -m benchmarks capacity --write`: each kind of task by itself, in a process",
    "of its own, without Spark. Seconds are of CPU (the median of the runs, all threads), MiB the",
    "peak of the process. What tasks hand on is compressed, as it goes over the network. On",
    "cores that are busy with other work the same takes more CPU.",
    "",
)
FIGURES_COLUMNS = ("task", "comes to", "spread", "with", "CPU seconds", "MiB")

Row = Mapping[str, Any]


def row_of(race: Any) -> dict[str, Any]:
    """Run a race: its row. One without a goal has none to meet."""
    row: dict[str, Any] = race.run().as_json()
    if row["goal"] and row["goal"].endswith(NO_GOAL):
        row |= {"goal": None, "met": None}
    return row


def line_of(row: Row) -> str:
    """A row in one line."""
    goal = f"; goal {row['goal']}, {_met(row)}" if row["goal"] else ""
    return f"{row['work']}: {_ratio(row)} ({_spread(row)}) of {row['against']}{goal}"


def table_of(rows: list[dict[str, Any]]) -> Table:
    """All rows."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("work", overflow="fold", min_width=20)
    table.add_column("against", overflow="fold", min_width=16)
    for name in ("ratio", "spread", "goal", "met", "seconds", "MiB"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row["work"],
        row["against"],
        _ratio(row),
        _spread(row),
        row["goal"] or "–",
        _met(row),
        " / ".join(f"{seconds:.3g}" for seconds in row["seconds"]) or "–",
        " / ".join(f"{peak:,}" for peak in row["peak_mib"]) or "–",
    )


def _unit(row: Row) -> str:
    """What the goal is measured in: ``x``, or words; of a row without one its own unit."""
    if "unit" in row:
        return f" {row['unit']}"
    number = (row["goal"] or "x").lstrip("<>= 0123456789.")
    return f" {number}" if len(number) > 1 else number


def _ratio(row: Row) -> str:
    return f"{_figure(row['ratio'])}{_unit(row)}"


def _spread(row: Row) -> str:
    least, greatest = row["spread"]
    return "–" if least == greatest else f"{_figure(least)} to {_figure(greatest)}"


def _figure(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.2f}"


def _met(row: Row) -> str:
    return "–" if row["met"] is None else "yes" if row["met"] else "no"


def machine() -> dict[str, Any]:
    """Where this was measured: no name of it, and no path."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "versions": versions,
    }


def write(measured: Mapping[str, Any]) -> None:
    """Renew the tables in RESULTS.md of which rows were measured; what is below its mark stays."""
    old, _, kept = (FILE.read_text(encoding="utf-8") if FILE.exists() else "").partition(MARK)
    races, _, figures = old.partition(FIGURES)
    where = _where(measured)
    if rows := [row for row in measured["rows"] if "unit" not in row]:
        races = "\n".join([*RACES_HEAD, where, "", *_lines(RACES_COLUMNS, map(_cells, rows)), "\n"])
    if rows := [row for row in measured["rows"] if "unit" in row]:
        cells = (_cells(row) for row in rows)
        table = _lines(FIGURES_COLUMNS, ((*row[:1], *row[2:4], row[1], *row[6:]) for row in cells))
        figures = "\n".join(["", *FIGURES_HEAD, where, "", *table, "\n"])
    new = FILE.with_suffix(".new")
    new.write_text(races + (FIGURES + figures if figures else "") + MARK + kept, encoding="utf-8")
    new.replace(FILE)


def _where(measured: Mapping[str, Any]) -> str:
    where, scale = measured["machine"], measured["scale"]
    versions = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
    said = f"{where['system']}, {where['cores']} cores; {versions}."
    return said if scale == 1 else f"{said} At {scale:g} of the size of the goals."


def _lines(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A table in Markdown."""
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    yield from (f"| {' | '.join(row)} |" for row in rows)
