"""A new format is one module: nothing else has to be touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULE = '''"""Knocks: what a throw-away gateway writes, JSON lines."""

from auditor.formats.base import Format, json_lines
from auditor.formats.cells import read_count
from auditor.formats.times import read_time
from auditor.records import Call, Usage


def claims(start):
    return any("knock" in line for line in start.objects)


def read(file, stream):
    return json_lines(stream, _call)


def _call(number, line):
    usage = Usage(read_count(line["in"]), read_count(line["out"]))
    id, moment = line["knock"], read_time(line["at"])
    return Call(number, id=id, called_at=moment, served_model=line["model"], usage=usage)


FORMAT = Format(
    "knocks",
    "Knocks of a throw-away gateway",
    claims,
    read,
    container="JSON lines",
    ids="`knock`",
    times="`at`",
    counts="`in`, `out`",
    note="made for one test",
)
'''
TABLE = (
    "from auditor.formats import known_formats; from helpers.formats_table import formats_table; "
    "print(formats_table(known_formats()))"
)
LINE = {"knock": "k-1", "at": "2023-08-22T10:00:00Z", "model": "gpt-4-0613", "in": 1000, "out": 100}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tool with one file more than it has."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(ROOT / "queries", folder / "queries")
    shutil.copytree(
        ROOT / "auditor", folder / "auditor", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "auditor" / "formats" / "knocks.py").write_text(MODULE, encoding="utf-8")
    (folder / "logs").mkdir()
    lines = [json.dumps(LINE), json.dumps({**LINE, "knock": "k-2", "in": "a thousand"})]
    (folder / "logs" / "a.log").write_text("\n".join(lines), encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python on the copy, from its folder."""
    paths = os.pathsep.join((str(folder), str(ROOT / "tests")))
    environment = {**os.environ, "PYTHONPATH": paths, "COLUMNS": "200", "PYTHONUTF8": "1"}
    return subprocess.run(
        (sys.executable, *arguments),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_it_is_recognised_and_read(installed: Path) -> None:
    done = run(installed, "-m", "auditor", "replay", "logs", "--format", "json")
    assert done.returncode == 3, done.stderr
    result = json.loads(done.stdout)
    assert result["coverage"]["calls"] == result["coverage"]["rejects"] == 1
    assert result["actual"]["cost_usd"] == "0.036"


def test_it_is_listed(installed: Path) -> None:
    done = run(installed, "-m", "auditor", "show", "formats")
    assert "knocks" in done.stdout
    assert "Knocks of a throw-away gateway (JSON lines)" in done.stdout


def test_it_is_documented(installed: Path) -> None:
    done = run(installed, "-c", TABLE)
    row = (
        "| `knocks` | Knocks of a throw-away gateway; made for one test | JSON lines "
        "| a line: a call | `knock` | `at` | `in`, `out` |\n"
    )
    assert row in done.stdout, done.stderr
