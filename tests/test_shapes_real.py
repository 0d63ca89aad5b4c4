"""Real bodies, where the folder is there. What comes out is pinned, so that a change is seen."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditor.formats.shapes import Answer, read_request, read_response, read_stream
from auditor.formats.shapes.families import FAMILIES

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
OPENLLMETRY = DATA / "openllmetry" / "calls.jsonl"
AUTOGPT = DATA / "autogpt" / "calls.jsonl"


def calls(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        pytest.skip(f"{path} is not here")
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def answer_to(call: dict[str, Any]) -> Answer | None:
    if call["response"] is not None:
        return read_response(call["response"])
    raw = call.get("response_stream")
    return read_stream(raw) if raw else None


def tally(path: Path) -> Counter[str]:
    """How many answers of each kind there are, with usage and without."""
    found: Counter[str] = Counter()
    for call in calls(path):
        answer = answer_to(call)
        if answer is None:
            found["no body"] += 1
            continue
        streamed = " stream" if call["response"] is None else ""
        counted = "" if answer.usage is None else " with usage"
        found[f"{answer.kind}{streamed}{counted}"] += 1
    return found


def test_openllmetry() -> None:
    assert tally(OPENLLMETRY) == {
        "chat with usage": 531,
        "chat": 6,  # 3 Ollama without prompt_eval_count, 3 Nova behind a guardrail
        "completion with usage": 91,
        "completion": 18,  # Ollama, Writer, Claude 2, AI21, Cohere on Bedrock: none reported
        "embedding with usage": 53,
        "embedding": 3,  # Ollama's old endpoint
        "response with usage": 40,
        "error": 18,
        "not_a_call": 33,
        "chat stream with usage": 106,
        "chat stream": 116,  # OpenAI, Azure, vLLM without stream_options
        "completion stream with usage": 5,
        "completion stream": 40,
        "response stream with usage": 29,
        "no body": 23,  # binary streams of Bedrock, which the capture left out
    }


def test_autogpt() -> None:
    assert tally(AUTOGPT) == {"chat with usage": 109, "embedding with usage": 30}


@pytest.mark.parametrize("path", [OPENLLMETRY, AUTOGPT], ids=["openllmetry", "autogpt"])
def test_every_usage_object_is_read(path: Path) -> None:
    """Except Nova's ``{inputTokens}`` alone, whose output count is missing."""
    unread = [
        call["response"]["usage"]
        for call in calls(path)
        if isinstance(call["response"], dict)
        and isinstance(call["response"].get("usage"), dict)
        and read_response(call["response"]).usage is None
    ]
    assert [list(usage) for usage in unread] == [["inputTokens"]] * len(unread)
    assert len(unread) == (3 if path == OPENLLMETRY else 0)


def test_a_stream_that_tells_its_usage_has_one() -> None:
    told = ('"usage":{', '"usage": {', '"billed_units":', '"prompt_eval_count":')
    for call in calls(OPENLLMETRY):
        raw = call.get("response_stream")
        if not raw:
            continue
        answer = read_stream(raw)
        assert (answer.usage is not None) == any(word in raw for word in told)
        assert answer.outputs
        assert not answer.interrupted


def test_one_family_claims_each_body() -> None:
    for call in calls(OPENLLMETRY):
        body = call["response"]
        if body is not None:
            assert sum(family.claims(body) for family in FAMILIES) <= 1


def test_every_request_says_something() -> None:
    """Except those that have no body, and messages put into a thread."""
    silent = 0
    for path in (OPENLLMETRY, AUTOGPT):
        for call in calls(path):
            answer = answer_to(call)
            asked = read_request(call["request"], kind=answer.kind if answer else None)
            if call["request"] and not asked.messages and not asked.prompts:
                assert answer is not None
                assert answer.kind == "not_a_call"
                silent += 1
    assert silent == 18
