"""What an export says twice is counted once: the figure of a naive sum beside the right one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from golden_files import FIXTURES

from auditor.formats import known_formats, recognise
from auditor.records import Call
from auditor.sources import LogFile


def sent_and_made(row: Mapping[str, Any]) -> int:
    return int(row.get("prompt_tokens") or 0) + int(row.get("completion_tokens") or 0)


def json_rows(file: Path) -> Iterable[Mapping[str, Any]]:
    values = (json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip())
    return [value for value in values if isinstance(value, dict)]


def native_counts(file: Path) -> Iterable[Mapping[str, Any]]:
    data = (row.get("data", row) for row in json_rows(file))
    return [
        {"prompt_tokens": count}
        for one in data
        for name, count in one.items()
        if name.startswith("native_tokens_")
    ]


def observations(file: Path) -> Iterable[Mapping[str, Any]]:
    found = json.loads(file.read_text("utf-8"))["observations"]
    totals = (one["usageDetails"].get("total") or one.get("totalUsage") or 0 for one in found)
    return [{"prompt_tokens": total} for total in totals]


def tokens_by_id(file: Path) -> dict[str | None, int]:
    """What the calls of a file come to, a call that is there twice but once."""
    log = LogFile(file, file.name)
    with log.open() as stream:
        readings = list(recognise(log, known_formats()).read(log, stream))
    return {
        call.id: call.usage.prompt_tokens + call.usage.produced_tokens
        for call in readings
        if isinstance(call, Call) and call.usage
    }


# In the naive sums: rows of one id, answers from a cache, rows that contradict themselves, agents
# and generations that repeat or sum what is below them, parts beside their wholes. Not in
# them: Anthropic's cached tokens (helicone), which its prompt count leaves out.
CASES = [
    ("litellm/spend-logs.jsonl", json_rows, 10008, 4008),
    ("litellm/payloads.json", json_rows, 90, 60),
    ("helicone/rows.jsonl", json_rows, 8488, 9010),
    ("openrouter/generation.json", native_counts, 3104, 2000),
    ("langfuse/trace.json", observations, 7216, 4344),
]


@pytest.mark.parametrize(("name", "rows", "naive", "right"), CASES)
def test_a_naive_sum_is_wrong(name: str, rows: Any, naive: int, right: int) -> None:
    file = FIXTURES / "formats" / name
    assert sum(map(sent_and_made, rows(file))) == naive
    assert sum(tokens_by_id(file).values()) == right
