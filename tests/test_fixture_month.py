"""The month in fixtures/logs: it can be made again, its usage is right, and its figures are known.

The oracle below shares nothing with ``audit`` but the tokenizer: it reads the raw files itself,
drops copies and duplicates itself, and multiplies with prices copied from the announcements.
``python tests/test_fixture_month.py`` writes what it finds to fixtures/logs.expected.json; the
tool, the oracle and that file must agree to the last digit.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import zstandard

from auditor.tokens import count_chat_input, count_output, count_prompts

ROOT = Path(__file__).parent.parent
LOGS = ROOT / "fixtures" / "logs"
EXPECTED = ROOT / "fixtures" / "logs.expected.json"
MOST_BYTES = 3_000_000
STAFF_QUESTIONS = 130  # their texts are withheld, so nobody can count them again
ID = re.compile(r"chatcmpl-7[0-9A-Za-z]{28}|cmpl-7[0-9A-Za-z]{28}|[0-9a-f]{32}")

# USD per 1,000 tokens in and out, and the window: OpenAI's posts of 2023-06-13 and 2023-08-22.
SHEET = {
    "gpt-3.5-turbo-0301": ("0.0015", "0.002", 4_096),
    "gpt-3.5-turbo-0613": ("0.0015", "0.002", 4_096),
    "gpt-3.5-turbo-16k-0613": ("0.003", "0.004", 16_385),
    "gpt-4-0613": ("0.03", "0.06", 8_192),
    "gpt-4-32k": ("0.06", "0.12", 32_768),
    "ft:gpt-3.5-turbo-0613": ("0.012", "0.016", 4_096),
    "ft:babbage-002": ("0.0016", "0.0016", 16_384),
    "ft:davinci-002": ("0.012", "0.012", 16_384),
    "babbage-002": ("0.0004", "0.0004", 16_384),
    "davinci-002": ("0.002", "0.002", 16_384),
    "text-davinci-003": ("0.02", "0.02", 4_097),
    "text-embedding-ada-002-v2": ("0.0001", "0", 8_191),
}
SCENARIO_ONLY = ("gpt-4-32k", "ft:babbage-002", "ft:davinci-002", "babbage-002", "davinci-002")
LADDERS = {
    "babbage-002": ("babbage-002",),
    "davinci-002": ("davinci-002",),
    "ft-babbage-002": ("ft:babbage-002",),
    "ft-davinci-002": ("ft:davinci-002",),
    "ft-gpt-3.5-turbo": ("ft:gpt-3.5-turbo-0613",),
    "gpt-3.5-turbo": ("gpt-3.5-turbo-0613", "gpt-3.5-turbo-16k-0613"),
    "gpt-3.5-turbo-16k": ("gpt-3.5-turbo-16k-0613",),
    "gpt-3.5-turbo-4k": ("gpt-3.5-turbo-0613",),
    "gpt-4": ("gpt-4-0613", "gpt-4-32k"),
    "gpt-4-32k": ("gpt-4-32k",),
    "gpt-4-8k": ("gpt-4-0613",),
}


@dataclass(frozen=True)
class Seen:
    """One line of a log, as the oracle reads it. ``tokens`` in and out are None if refused."""

    id: str
    line: dict[str, Any]
    body: dict[str, Any]
    model: str
    answers: tuple[dict[str, Any], ...]
    reported: tuple[int, int] | None
    tokens: tuple[int, int] | None

    @property
    def request(self) -> dict[str, Any]:
        request: dict[str, Any] = self.line["request"]
        return request

    @property
    def is_embedding(self) -> bool:
        return bool(self.line["url"].endswith("/embeddings"))


@dataclass(frozen=True)
class Paid:
    """A call that was answered, in the figures that its cost depends on."""

    model: str
    sent: int
    produced: int
    needs: int  # tokens of window: the prompt, and the answer that was asked for
    moves: bool


@dataclass(frozen=True)
class Month:
    """What the raw files hold, each call once."""

    calls: tuple[Seen, ...]
    files: int
    lines: int
    blank: int
    duplicates: int


def unpacked(file: Path) -> bytes:
    """The content of a log file without its compression."""
    raw = file.read_bytes()
    if file.suffix == ".gz":
        return gzip.decompress(raw)
    return zstandard.ZstdDecompressor().decompress(raw) if file.suffix == ".zst" else raw


@cache
def month() -> Month:
    """All of fixtures/logs."""
    contents = {file.read_bytes(): unpacked(file) for file in sorted(LOGS.rglob("*.jsonl*"))}
    lines = [
        line
        for raw in contents.values()
        for line in raw.decode("utf-8-sig").removesuffix("\n").split("\n")
    ]
    seen = [read(json.loads(line)) for line in lines if line.strip()]
    calls = {call.id: call for call in seen}
    return Month(
        calls=tuple(calls.values()),
        files=len(contents),
        lines=len(lines),
        blank=len(lines) - len(seen),
        duplicates=len(seen) - len(calls),
    )


def read(line: dict[str, Any]) -> Seen:
    """One line."""
    body = line["response"] if "response" in line else joined(line["response_stream"])
    model = body.get("model") or line["request"]["model"]
    answers = tuple(
        choice.get("message") or {"role": "assistant", "content": choice["text"]}
        for choice in body.get("choices", ())
    )
    usage = body.get("usage")
    reported = (usage["prompt_tokens"], usage.get("completion_tokens", 0)) if usage else None
    counted = count(line["request"], answers, model) if answers and not usage else None
    return Seen(
        id=body.get("id") or line["x_request_id"],
        line=line,
        body=body,
        model=model,
        answers=answers,
        reported=reported,
        tokens=reported or counted,
    )


def count(
    request: dict[str, Any], answers: tuple[dict[str, Any], ...], model: str
) -> tuple[int, int]:
    """Tokens in and out as our tokenizer counts the text."""
    if "messages" in request:
        sent = count_chat_input(request["messages"], model, request)
    elif "input" in request:
        sent = count_prompts(request["input"], "cl100k_base")
    else:
        sent = count_prompts([request["prompt"]], "p50k_base")
    return sent, count_output(answers, model)


def joined(stream: str) -> dict[str, Any]:
    """The body that the events of a stream add up to."""
    events = [json.loads(event[6:]) for event in stream.split("\n\n") if event[6:7] == "{"]
    text = "".join(event["choices"][0]["delta"].get("content", "") for event in events)
    message = {"role": "assistant", "content": text}
    return {**events[0], "choices": [{"message": message}]}


@cache
def paid_calls() -> tuple[Paid, ...]:
    """The answered calls of the month."""
    return tuple(
        Paid(
            model="ft:gpt-3.5-turbo-0613" if call.model.startswith("ft:") else call.model,
            sent=call.tokens[0],
            produced=call.tokens[1],
            needs=call.tokens[0] + call.request.get("max_tokens", call.tokens[1]),
            moves=not call.is_embedding,
        )
        for call in month().calls
        if call.tokens is not None
    )


def cost(call: Paid, model: str) -> Decimal:
    """USD, exactly."""
    per_1k_in, per_1k_out, _ = SHEET[model]
    return (call.sent * Decimal(per_1k_in) + call.produced * Decimal(per_1k_out)).scaleb(-3)


def figures() -> dict[str, Any]:
    """The figures of the month, in the shape of ``audit replay --format json``."""
    calls, paid = month().calls, paid_calls()
    reported = sum(call.reported is not None for call in calls)
    return {
        "coverage": {
            "files": month().files,
            "lines": month().lines,
            "calls": len(calls),
            "duplicates": month().duplicates,
            "rejects": 0,
            "context": month().blank,
            "outside_period": 0,
            "failed": len(calls) - len(paid),
            "priced": len(paid),
            "unpriced": 0,
            "undated": 0,
            "not_moved": sum(not call.moves for call in paid),
            "counted_by": {
                "provider": reported,
                "tokenizer": len(paid) - reported,
                "estimate": 0,
            },
        },
        "actual": {
            "calls": len(calls),
            "unpriced": 0,
            "input_tokens": sum(call.sent for call in paid),
            "output_tokens": sum(call.produced for call in paid),
            "cost_usd": plain(sum((cost(call, call.model) for call in paid), Decimal(0))),
        },
        "scenarios": [row(name, ladder) for name, ladder in LADDERS.items()],
    }


def row(name: str, ladder: tuple[str, ...]) -> dict[str, Any]:
    """One scenario: every call that can move goes to the first model whose window holds it."""
    moved = [call for call in paid_calls() if call.moves]
    fits: list[Paid] = []
    replayed = actual = Decimal(0)
    for call in moved:
        target = next((model for model in ladder if call.needs <= SHEET[model][2]), None)
        if target is not None:
            fits.append(call)
            replayed += cost(call, target)
            actual += cost(call, call.model)
    return {
        "name": name,
        "calls": len(moved),
        "fits": len(fits),
        "overflows": len(moved) - len(fits),
        "unpriced": 0,
        "input_tokens": sum(call.sent for call in fits),
        "output_tokens": sum(call.produced for call in fits),
        "cost_usd": plain(replayed),
        "actual_usd": plain(actual),
        "delta_usd": plain(replayed - actual),
        "ratio": plain((replayed / actual).quantize(Decimal("0.000001"), ROUND_HALF_UP)),
        "compared_calls": len(fits),
        "compared_usd": plain(replayed),
    }


def plain(amount: Decimal) -> str:
    """Every digit that an amount has and no more."""
    return f"{amount:f}".rstrip("0").rstrip(".")


def expected() -> dict[str, Any]:
    pinned: dict[str, Any] = json.loads(EXPECTED.read_text("utf-8"))
    return pinned


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What ``audit replay fixtures/logs --format json`` says; its exit code is 0."""
    program = "from auditor.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "replay", str(LOGS), "--format", "json"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("part", ["coverage", "actual"])
def test_the_tool_agrees_with_the_pinned_figures(told: dict[str, Any], part: str) -> None:
    pinned = expected()[part]
    assert {name: told[part][name] for name in pinned} == pinned


def test_the_tool_agrees_with_the_pinned_scenarios(told: dict[str, Any]) -> None:
    pinned = expected()["scenarios"]
    names = pinned[0].keys()
    assert [{name: row[name] for name in names} for row in told["scenarios"]] == pinned


def test_the_tool_lists_every_source_and_nothing_unpriced(told: dict[str, Any]) -> None:
    assert told["unpriced"] == []
    assert told["period"] == {"from": "2023-08-01", "to": "2023-09-01", "timezone": "UTC"}
    assert len(told["run"]["sources"]) == month().files
    assert {source["format"] for source in told["run"]["sources"]} == {"captures"}


def test_the_oracle_agrees_with_the_pinned_figures() -> None:
    assert figures() == expected()


def test_the_month_has_duplicates_and_a_copied_file() -> None:
    files = [file for file in LOGS.rglob("*") if file.is_file()]
    assert month().duplicates > 0
    assert len(files) == month().files + 1


def test_the_month_is_small() -> None:
    assert sum(file.stat().st_size for file in LOGS.rglob("*") if file.is_file()) < MOST_BYTES


def test_the_generator_makes_the_month_again(tmp_path: Path) -> None:
    """Contents are compared, not compressed bytes: those may differ between versions of zlib."""
    program = [sys.executable, str(ROOT / "fixtures" / "generate.py"), str(tmp_path)]
    subprocess.run(program, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    assert contents_below(tmp_path) == contents_below(LOGS)


def contents_below(folder: Path) -> dict[str, bytes]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {file.relative_to(folder).as_posix(): unpacked(file) for file in files}


def test_a_recount_of_the_text_agrees_with_the_reported_usage() -> None:
    reported = [call for call in month().calls if call.reported is not None]
    with_text = [call for call in reported if call.answers or call.is_embedding]
    differing = [
        call.id
        for call in with_text
        if count(call.request, call.answers, call.model) != call.reported
    ]
    assert differing == []
    assert len(reported) - len(with_text) == STAFF_QUESTIONS


def test_totals_of_usage_add_up() -> None:
    for call in month().calls:
        if call.reported is not None:
            assert call.body["usage"]["total_tokens"] == sum(call.reported)


def test_every_answered_call_fits_the_window_of_the_model_that_answered() -> None:
    assert [call for call in paid_calls() if call.needs > SHEET[call.model][2]] == []


def test_identifiers_and_moments_are_plausible() -> None:
    for call in month().calls:
        moment = datetime.fromisoformat(call.line["timestamp"])
        assert (moment.year, moment.month) == (2023, 8)
        assert call.body.get("created", int(moment.timestamp())) == int(moment.timestamp())
        assert ID.fullmatch(call.id), call.id


def test_what_the_month_is_meant_to_show_is_there() -> None:
    calls = month().calls
    statuses = Counter(call.line["status_code"] for call in calls)
    finishes = {
        choice.get("finish_reason") for call in calls for choice in call.body.get("choices", ())
    }
    assert {200, 400, 429, 500, 503, 504} <= statuses.keys()
    assert {"stop", "length", "content_filter", "function_call"} <= finishes
    assert {call.model for call in paid_calls()} == SHEET.keys() - set(SCENARIO_ONLY)
    assert any(call.request.get("n") == 2 for call in calls)
    assert any(message["role"] == "function" for call in calls for message in messages_of(call))
    assert any("<|endoftext|>" in str(message) for call in calls for message in messages_of(call))


def test_some_calls_outgrow_a_window_only_by_what_they_asked_for() -> None:
    for window in (4_096, 8_192):
        assert any(c.sent + c.produced <= window < c.needs for c in paid_calls() if c.moves)


def messages_of(call: Seen) -> list[dict[str, Any]]:
    return list(call.request.get("messages", ()))


def test_a_call_that_timed_out_was_paid_twice() -> None:
    given_up = [call for call in month().calls if call.line["tags"].get("attempt") == "1"]
    assert len(given_up) > 1
    for lost in given_up:
        asked_again = [call for call in month().calls if call.request == lost.request]
        answered = [call for call in asked_again if call.tokens is not None]
        assert lost.tokens is not None
        assert len(answered) == 2


if __name__ == "__main__":
    EXPECTED.write_text(json.dumps(figures(), indent=2) + "\n", "utf-8")
