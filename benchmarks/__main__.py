"""Runs the benchmarks: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import results

PARTS = (
    "replaying",
    "outsized",
    "ingesting",
    "ingesting_csv",
    "counting",
    "rerun",
    "startup",
    "peers",
    "sizes",
    "finetuning",
    "capacity",
)
"""Modules with a function ``races``; one that is not there is passed over."""
WIDTH = 150
FULL = ("outsized", "capacity")
"""Parts that are run only when they are named, or with --full."""


def main() -> None:
    """Measure this checkout on this machine. Data is made up or taken from its own files."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    options.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    options.add_argument("--rows", type=_pattern, help="only rows whose name has this REGEX")
    options.add_argument("--scale", type=_scale, default=1.0, help="of the data; 1 is the goal's")
    options.add_argument("--times", type=int, help="runs of each contestant")
    options.add_argument(
        "--full", action="store_true", help="100 million calls and capacity too: 5 GB of disk"
    )
    options.add_argument("--folder", type=Path, help="keep the data here, and use what is there")
    options.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    options.add_argument("--write", action="store_true", help="renew benchmarks/RESULTS.md")
    asked = options.parse_args()
    for part in asked.parts:
        if part not in PARTS:
            options.error(f"there is no part {part}; there are {', '.join(PARTS)}")
    if asked.times is not None and asked.times < 1:
        options.error("--times must be 1 or more")
    parts = asked.parts or [one for one in PARTS if asked.full or one not in FULL]
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="audit-benchmark-") as name:
        folder = asked.folder or Path(name)
        for race in _races(parts, folder, asked.scale):
            if isinstance(race, str):
                console.print(f"left out: {race}", soft_wrap=True)
            elif asked.rows is None or asked.rows.search(race.work):
                if asked.times and hasattr(race, "times"):
                    object.__setattr__(race, "times", asked.times)
                row = results.row_of(race)
                # the goals are about their size: below it start-up is most of the time
                rows.append(row if asked.scale >= 1 else row | {"met": None})
                console.print(results.line_of(rows[-1]), soft_wrap=True)
    if not rows:
        options.error("no row was measured")
    console.print()
    console.print(results.table_of(rows))
    measured = {"machine": results.machine(), "scale": asked.scale, "rows": rows}
    if asked.json:
        asked.json.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    if asked.write:
        results.write(measured)


def _races(parts: list[str], folder: Path, scale: float) -> Iterator[Any]:
    """The races of the parts, each below a folder of its own; a text for a row that is left out.

    Stores that several parts read are made once.
    """
    shared = {"replaying", "outsized", "peers", "sizes"}
    for part in parts:
        name = f"benchmarks.{part}"
        if importlib.util.find_spec(name) is None:
            yield f"{part}: not here"
            continue
        module = importlib.import_module(name)
        sys.stderr.write(f"{part}: making its data\n")
        yield from module.races(folder / ("stores" if part in shared else part), scale)
        yield from getattr(module, "missing", tuple)()


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from None


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0
    if not 0 < scale <= 10:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0, up to 10")
    return scale


if __name__ == "__main__":
    main()
