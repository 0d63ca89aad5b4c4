"""What a command takes before it does anything: against a Python that imports Click and ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.races import Contestant, Race, Work

COMMANDS = (("--help",), ("show",), ("show", "scenarios"))
LEAST = "import click"
MOST = 2
TIMES = 20


def races(folder: Path, scale: float) -> list[Race]:
    """A row a command. Compiled modules are kept below ``folder``, as they would be anywhere."""
    compiled = str(folder / "compiled")
    return [
        Race(
            work=f"start-up of `audit {' '.join(words)}`",
            against=f'`python -c "{LEAST}"`',
            limit=MOST,
            ours=Contestant("startup:start", {"args": ["-m", "auditor", *words], "kept": compiled}),
            theirs=Contestant("startup:start", {"args": ["-c", LEAST], "kept": compiled}),
            times=max(round(TIMES * scale), 3),
        )
        for words in COMMANDS
    ]


def start(args: list[str], kept: str) -> Work:
    """A new Python with these arguments, its modules compiled already."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": kept}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def work() -> None:
        subprocess.run([sys.executable, *args], check=False, capture_output=True, env=environment)

    work()
    return work
