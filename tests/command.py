"""Runs the command line inside the test process, as a person would from a folder."""

from __future__ import annotations

import io
import os
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from auditor import cli

COMPLETE, ERROR, USAGE, INCOMPLETE, BROKEN_BUDGET, UNEXPLAINED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


@dataclass(frozen=True)
class Run:
    """What a command left behind."""

    exit_code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit code {self.exit_code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


def audit(
    *args: str | Path,
    folder: Path,
    columns: int = 100,
    stdin: bytes = b"",
    env: dict[str, str] | None = None,
    merged: bool = False,
) -> Run:
    """Run ``audit ARGS`` in ``folder``, where neither output is a terminal.

    If ``merged`` all that it says is in ``out``, as it came.
    """
    out = _stream()
    err = out if merged else _stream()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AUDIT_")}
    settings = {**kept, "COLUMNS": str(columns), **(env or {})}
    with (
        patch.dict(os.environ, settings, clear=True),
        patch.object(sys, "argv", ["audit", *map(str, args)]),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
        redirect_stdout(out),
        redirect_stderr(err),
        chdir(folder),
    ):
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
    return Run(code, _written(out), "" if merged else _written(err))


def _stream() -> io.TextIOWrapper:
    # written through, so that what goes to the bytes beneath comes in its order
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="", write_through=True)


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()
