"""The recipes of the README are run: cron, systemd and GitHub Actions, as far as a test can."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.nights import ENV, night_folder, reports_of

README = (Path(__file__).resolve().parents[1] / "README.md").read_text("utf-8")
PLACE = "/srv/llm-costs"
CRON = re.compile(r"((?:[\d*/,-]+ +){4}[\d*/,-]+) +(\S.*)")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="recipes for a Unix shell")


def blocks(language: str) -> list[str]:
    """The code blocks of the README in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with logs, settings, and an environment that has ``audit``."""
    folder = night_folder(tmp_path / "llm-costs", (1,))
    program = folder / ".venv" / "bin" / "audit"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m auditor "$@"\n', "utf-8")
    program.chmod(0o755)
    return folder


def run(command: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(folder / ".venv" / "bin"), os.environ["PATH"]))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PATH": path, **more}
    return subprocess.run(
        ["/bin/sh", "-ec", command],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_line_for_cron_runs(place: Path) -> None:
    (line,) = (line for block in blocks("cron") for line in block.splitlines())
    found = CRON.fullmatch(line)
    assert found is not None
    assert "%" not in found[2], "cron makes a new line of it"
    done = run(found[2].replace(PLACE, str(place)), place.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("fine: 3 calls, ")
    assert "summary.csv" in reports_of(place)
    assert (place / "nightly.log").read_text("utf-8").startswith("Read 1 file")


def entries(unit: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)


def test_the_service_of_systemd_runs(place: Path) -> None:
    service, _ = blocks("systemd")
    found = entries(service.replace(PLACE, str(place)))
    assert Path(found["WorkingDirectory"]) == place
    done = run(found["ExecStart"], Path(found["WorkingDirectory"]))
    assert (done.returncode, done.stdout[:5]) == (0, "fine:")
    (place / "audit.toml").write_text((place / "audit.toml").read_text().replace('"1"', '"0"'))
    assert run(found["ExecStart"], place).returncode == 4


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_takes_both_units(place: Path, tmp_path: Path) -> None:
    service, timer = blocks("systemd")
    files = {"audit-nightly.service": service, "audit-nightly.timer": timer}
    for name, text in files.items():
        (tmp_path / name).write_text(text.replace(PLACE, str(place)), "utf-8")
    verify = ["systemd-analyze", "verify", *(str(tmp_path / name) for name in files)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    mine = [line for line in done.stderr.splitlines() if "audit-nightly" in line]
    assert mine == []
    calendar = ["systemd-analyze", "calendar", entries(timer)["OnCalendar"]]
    assert subprocess.run(calendar, capture_output=True, check=False).returncode == 0


def test_the_workflow_runs(place: Path) -> None:
    (text,) = (block for block in blocks("yaml") if "audit nightly" in block)
    workflow: dict[Any, Any] = yaml.safe_load(text)
    assert workflow[True]["schedule"] == [{"cron": "15 2 * * *"}]  # YAML 1.1 reads on as true
    steps = workflow["jobs"]["audit"]["steps"]
    used = [step["uses"] for step in steps if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z/-]+@v\d+", name) for name in used)
    commands = [step for step in steps if "run" in step]
    assert [step["run"] for step in commands] == ["pip install ./audit", "audit nightly"]
    assert commands[1]["env"] == {"AUDIT_HASH_KEY": "${{ secrets.AUDIT_HASH_KEY }}"}
    done = run(commands[1]["run"], place, **ENV)
    assert done.returncode == 0, done.stderr
    assert not (place / "audit.duckdb.key").exists(), "the cache would have to keep it"
    kept = [step["with"]["path"] for step in steps if "cache" in step.get("uses", "")]
    (shown,) = (step for step in steps if "upload" in step.get("uses", ""))
    assert {*kept, shown["with"]["path"]} == {"audit.duckdb", "reports"}
    assert all((place / path).exists() for path in {*kept, shown["with"]["path"]})
    after = steps[steps.index(commands[1]) + 1 :]
    assert all(step["if"] == "always()" for step in after), "exit codes 3 and 4 fail the step"
