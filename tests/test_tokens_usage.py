"""Filling in the usage that a provider did not report."""

from __future__ import annotations

import pytest

from auditor.records import Text, Usage
from auditor.tokens import TextCounter, UncountableError, estimate_usage, fill_usage

CHAT = Text(
    messages=({"role": "user", "content": "hello"},),
    outputs=({"role": "assistant", "content": "hello world"},),
)


def test_messages_are_counted_with_the_chat_framing() -> None:
    assert fill_usage(CHAT, "chat", "gpt-4-0613", TextCounter()) == Usage(8, 2)


def test_an_answer_of_the_responses_api_ends_with_a_token() -> None:
    assert fill_usage(CHAT, "response", "gpt-4o-2024-08-06") == Usage(8, 3)


@pytest.mark.parametrize("endpoint", ["completion", "embedding"])
def test_prompts_are_counted_as_they_are(endpoint: str) -> None:
    text = Text(prompts=("hello", "hello world"), outputs=({"content": "hello"},))
    assert fill_usage(text, endpoint, "davinci-002") == Usage(3, 1)


def test_an_embedding_has_no_output() -> None:
    text = Text(prompts=("hello",))
    assert fill_usage(text, "embedding", "text-embedding-3-small") == Usage(1, 0)


def test_an_unknown_model_gives_no_usage() -> None:
    assert fill_usage(CHAT, "chat", "claude-2") is None


@pytest.mark.parametrize(
    ("text", "endpoint", "reason"),
    [
        (CHAT, "other", "endpoint other"),
        (Text(outputs=CHAT.outputs), "chat", "does not hold the prompt"),
        (Text(messages=({"content": [{"type": "image_url"}]},)), "chat", "an image"),
        (Text(messages=({"type": "function_call"},)), "response", "of type function_call"),
        (Text(messages=CHAT.messages, extras={"tools": [{}]}), "response", "tools of the Resp"),
    ],
)
def test_what_cannot_be_counted_says_why(text: Text, endpoint: str, reason: str) -> None:
    with pytest.raises(UncountableError, match=reason):
        fill_usage(text, endpoint, "gpt-4o")


def test_hidden_reasoning_cannot_be_counted_but_a_prompt_alone_can() -> None:
    for model in ("o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5.1-codex"):
        with pytest.raises(UncountableError, match="hidden reasoning"):
            fill_usage(CHAT, "chat", model)
        assert fill_usage(Text(messages=CHAT.messages), "chat", model) is not None
    assert fill_usage(CHAT, "chat", "gpt-5-chat-latest") is not None


@pytest.mark.parametrize(("characters", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (8, 2)])
def test_an_estimate_is_four_characters_a_token_rounded_up(characters: int, tokens: int) -> None:
    text = Text(prompts=("x" * characters,), outputs=({"content": "x" * characters},))
    assert estimate_usage(text) == Usage(tokens, tokens)


def test_an_estimate_takes_tool_calls_and_schemas_into_account() -> None:
    calling = Text(messages=({"content": None, "tool_calls": [{"function": {"name": "f"}}]},))
    declaring = Text(extras={"tools": [{"function": {"name": "f"}}]})
    assert estimate_usage(calling).input_tokens > 0
    assert estimate_usage(declaring).input_tokens > 0
