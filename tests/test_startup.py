"""A command imports what it needs: no engine, no tokenizer where it only says what it knows."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("duckdb", "polars", "tiktoken", "zstandard", "msgspec", "filelock", "obstore", "jinja2")
DRAWS = ("rich",)
FORMATS_NEED = ("zstandard", "msgspec")  # they say what they unpack and parse with
PROGRAM = """
import sys
from auditor.cli import main

sys.argv = ["audit", *sys.argv[1:]]
try:
    main()
except SystemExit:
    pass
sys.stderr.write(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.parametrize(
    ("command", "may_import"),
    [
        ("--help", ()),
        ("--version", ()),
        ("show --help", ()),
        ("replay --help", ()),
        ("nightly --help", ()),
        ("show scenarios", DRAWS),
        ("show prices gpt-4", DRAWS),
        ("show formats", (*DRAWS, *FORMATS_NEED)),
    ],
)
def test_nothing_heavy_is_imported(command: str, may_import: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command.split()], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended
    assert ended.stdout, "it printed nothing"
    imported = set(ended.stderr.split())
    assert "auditor" in imported
    assert not imported & {*HEAVY, *DRAWS} - set(may_import)


def test_what_reads_a_store_imports_the_engine() -> None:
    """So that the test above can fail."""
    program = "import sys, auditor.store; sys.exit('duckdb' not in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
