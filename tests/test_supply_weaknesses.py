"""`.ci/weaknesses` believes a service that answers, and none that does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from declared import ROOT

SCRIPT = ROOT / ".ci" / "weaknesses"
pytestmark = pytest.mark.skipif(
    os.name != "posix" or not SCRIPT.exists(), reason="needs the checkout, on POSIX"
)

FINE = {"name": "one", "version": "1.0", "vulns": []}
WEAK = {"name": "two", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}
SKIPPED = {"name": "two", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        ([FINE, {**WEAK, "vulns": []}], 0, "oldest: 2 of 2 versions audited, by pypi.\n"),
        ([FINE, SKIPPED], 0, "oldest: 1 of 2 versions audited, by pypi.\n"),
        (
            [FINE, WEAK],
            1,
            "oldest: 2 of 2 versions audited, by pypi.\n  two 2.0: PYSEC-1, fixed by 2.1\n",
        ),
        (
            [SKIPPED],
            0,
            "oldest: no service tells of weaknesses here: nothing was audited.\n",
        ),
        (None, 0, "oldest: no service tells of weaknesses here: nothing was audited.\n"),
    ],
)
def test_what_is_said_of_answers(
    answers: list[object] | None, code: int, said: str, tmp_path: Path
) -> None:
    told = "" if answers is None else json.dumps({"dependencies": answers})
    (tmp_path / "told").write_text(told, encoding="utf-8")
    fake = tmp_path / "pip-audit"
    fake.write_text(f"#!/bin/sh\ncat '{tmp_path}/told'\nexit 1\n", encoding="utf-8")
    fake.chmod(0o755)
    (tmp_path / "oldest.txt").write_text("one==1.0\ntwo==2.0\n", encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, SCRIPT, "oldest.txt"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout) == (code, said), ended.stderr
