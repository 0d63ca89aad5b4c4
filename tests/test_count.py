"""Our count beside the provider's: how many agree, how far the others are apart, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command import COMPLETE, audit
from helpers.logs import Line, capture, uncounted, write

SENT, MADE = 11, 2  # "Is it so?" with its frame, and "Yes."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    declared = capture("d", sent=SENT + 5, made=MADE)
    declared["request"]["functions"] = [{"name": "f", "parameters": {"type": "object"}}]
    lines: list[Line | str] = [
        capture("a", sent=SENT, made=MADE),
        capture("a", sent=SENT, made=MADE),
        capture("b", sent=SENT + 7, made=MADE - 1),
        declared,
        uncounted("u", None),
        capture("x", model="nobody-knows"),
        "{broken",
    ]
    write(tmp_path / "calls.jsonl", lines)
    return tmp_path


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    run = audit("count", "calls.jsonl", "--format", "json", folder=folder)
    assert run.exit_code == COMPLETE, run
    found = json.loads(run.out)
    assert found["rejects"] == 1
    assert sum(found["not_compared"].values()) == 3
    return {row["meter"]: row for row in found["rows"]}


def test_what_agrees_and_what_does_not(folder: Path) -> None:
    found = rows(folder)
    assert found["input"]["calls"] == found["output"]["calls"] == 3
    assert found["input"]["exact"] == 1 and found["input"]["exact_share"] == "0.3333"
    assert (
        "functions: 1" in found["input"]["reasons"]
        and "no reason known" in found["input"]["reasons"]
    )
    assert found["output"]["exact"] == 2 and found["output"]["largest_difference"] == 1
    assert found["output"]["mean_difference"] == "0.333"


@pytest.mark.parametrize("format", ["table", "csv", "md"])
def test_every_form_says_the_share(format: str, folder: Path) -> None:
    run = audit("count", "calls.jsonl", "--format", format, folder=folder, columns=80)
    assert run.exit_code == COMPLETE and "0.3333" in run.out, run
    assert all(len(line) <= 80 for line in run.out.splitlines() if format == "table")


def test_nothing_to_compare_is_said(tmp_path: Path) -> None:
    write(tmp_path / "calls.jsonl", [uncounted("u", None)])
    assert "nothing to compare" in audit("count", "calls.jsonl", folder=tmp_path).out
