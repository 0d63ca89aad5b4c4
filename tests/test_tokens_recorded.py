"""Our counts beside the counts that the provider reported, on recorded calls.

The recordings are not part of the repository; they lie in a folder ``shared`` beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditor.records import Text, Usage
from auditor.tokens import (
    TextCounter,
    UncountableError,
    count_chat_input,
    count_output,
    count_prompts,
    encoding_for,
    fill_usage,
)

RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "data"
COUNT = TextCounter()

# Auto-GPT wrote the time into its prompts and its recorder replaced it by this one. Its two spaces
# cost a token that the time really sent did not cost when its day had two digits.
REPLACED_TIME = "Tue Jan  1 00:00:00 2000"


def recorded(folder: str, path: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Request and response of the recorded OpenAI calls to ``path`` that report their usage."""
    file = RECORDINGS / folder / "calls.jsonl"
    if not file.exists():
        pytest.skip(f"no recordings in {file.parent}")
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            call = json.loads(line)
            response = call.get("response")
            if path not in call["url"] or not isinstance(response, dict):
                continue
            if response.get("usage") and encoding_for(response["model"]):
                yield call["request"], response


def user(content: str) -> dict[str, Any]:
    return {"role": "user", "content": content}


def answers(response: dict[str, Any]) -> list[dict[str, Any]]:
    return [choice["message"] for choice in response["choices"]]


def shows_all_it_costs(response: dict[str, Any]) -> bool:
    """Neither hidden reasoning nor an answer that a content filter took away."""
    reasons = response["model"].startswith("gpt-5")
    return not reasons and all("message" in choice for choice in response["choices"])


def test_answers_of_2023_agree_with_every_reported_count() -> None:
    calls = list(recorded("autogpt", "/chat/completions"))
    assert len(calls) == 109
    for _, response in calls:
        counted = count_output(answers(response), response["model"], count=COUNT)
        assert counted == response["usage"]["completion_tokens"]


def test_prompts_of_2023_agree_but_for_the_replaced_time() -> None:
    for request, response in recorded("autogpt", "/chat/completions"):
        counted = count_chat_input(request["messages"], response["model"], count=COUNT)
        replaced = any(REPLACED_TIME in message["content"] for message in request["messages"])
        too_many = counted - response["usage"]["prompt_tokens"]
        assert too_many == 0 or (too_many == 1 and replaced)


def test_prompts_of_2024_to_2026_agree_with_every_reported_count() -> None:
    """Plain text and tools alike; images and response schemas are refused."""
    counted = 0
    refused = 0
    for request, response in recorded("openllmetry", "/chat/completions"):
        try:
            tokens = count_chat_input(request["messages"], response["model"], request, count=COUNT)
        except UncountableError:
            refused += 1
            continue
        counted += 1
        assert tokens == response["usage"]["prompt_tokens"], request
    assert (counted, refused) == (250, 59)


def test_answers_of_2024_to_2026_agree_within_two_tokens() -> None:
    differences = [
        response["usage"]["completion_tokens"]
        - count_output(answers(response), response["model"], count=COUNT)
        for _, response in recorded("openllmetry", "/chat/completions")
        if shows_all_it_costs(response)
    ]
    assert min(differences) == 0
    assert max(differences) <= 2
    assert sum(difference == 0 for difference in differences) > 0.75 * len(differences)


@pytest.mark.parametrize("folder", ["autogpt", "openllmetry"])
@pytest.mark.parametrize("path", ["/v1/completions", "/embeddings"])
def test_prompts_without_framing_agree_with_every_reported_count(folder: str, path: str) -> None:
    for request, response in recorded(folder, path):
        prompt: Any = request.get("prompt", request.get("input"))
        is_list = isinstance(prompt, list) and not isinstance(prompt[0], int)
        encoding = encoding_for(response["model"])
        assert encoding is not None
        counted = count_prompts(prompt if is_list else [prompt], encoding, count=COUNT)
        assert counted == response["usage"]["prompt_tokens"]


def test_plain_responses_agree_with_every_reported_count() -> None:
    agreed = 0
    for request, response in recorded("openllmetry", "api.openai.com/v1/responses"):
        sent = request["input"]
        messages = [user(sent)] if isinstance(sent, str) else sent
        if request.get("instructions"):
            messages = [{"role": "system", "content": request["instructions"]}, *messages]
        text = Text(tuple(messages), (), tuple(response["output"]), {"tools": request.get("tools")})
        try:
            usage = fill_usage(text, "response", response["model"], COUNT)
        except UncountableError:
            continue
        if request.get("text"):  # a schema for the answer, which extras do not tell
            continue
        agreed += 1
        reported = response["usage"]
        assert usage == Usage(reported["input_tokens"], reported["output_tokens"])
    assert agreed == 13
