"""Usage objects of every provider, in small: which token goes to which meter, what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from auditor.formats.shapes import read_usage
from auditor.records import BadUsageError, Usage


def openai(prompt: object, completion: object, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, **more}


ANTHROPIC = {"cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}

READ: list[tuple[str, dict[str, Any], Usage]] = [
    ("openai 2023", openai(9, 4, total_tokens=13), Usage(9, 4)),
    ("openai embedding", {"prompt_tokens": 8, "total_tokens": 8}, Usage(8, 0)),
    (
        "openai null details",
        openai(9, 4, prompt_tokens_details=None, completion_tokens_details=None),
        Usage(9, 4),
    ),
    (
        "openai cached and reasoning are inside",
        openai(
            100,
            50,
            total_tokens=150,
            prompt_tokens_details={"cached_tokens": 64},
            completion_tokens_details={"reasoning_tokens": 30},
        ),
        Usage(36, 20, cache_read_tokens=64, reasoning_tokens=30),
    ),
    (
        "openai 2026 cache write is inside",
        openai(100, 5, prompt_tokens_details={"cached_tokens": 20, "cache_write_tokens": 70}),
        Usage(10, 5, cache_read_tokens=20, cache_write_tokens=70),
    ),
    (
        "openai speech, both ways",
        openai(
            80,
            60,
            prompt_tokens_details={"audio_tokens": 70},
            completion_tokens_details={"audio_tokens": 50, "reasoning_tokens": 2},
        ),
        Usage(10, 8, reasoning_tokens=2, audio_tokens=120),
    ),
    (
        "openai cached speech is speech, once",
        openai(
            100,
            1,
            prompt_tokens_details={
                "audio_tokens": 60,
                "cached_tokens": 90,
                "cached_tokens_details": {"audio_tokens": 60},
            },
        ),
        Usage(10, 1, cache_read_tokens=30, audio_tokens=60),
    ),
    (
        "openai predictions stay in the output",
        openai(
            10,
            90,
            completion_tokens_details={
                "accepted_prediction_tokens": 40,
                "rejected_prediction_tokens": 30,
            },
        ),
        Usage(10, 90),
    ),
    ("floats", openai(1083.0, 2.0, total_tokens=1085.0), Usage(1083, 2)),
    (
        "deepseek",
        openai(32, 3, prompt_cache_hit_tokens=20, prompt_cache_miss_tokens=12),
        Usage(12, 3, cache_read_tokens=20),
    ),
    ("mistral", openai(70, 12, num_cached_tokens=69), Usage(1, 12, cache_read_tokens=69)),
    ("moonshot", openai(70, 12, cached_tokens=60), Usage(10, 12, cache_read_tokens=60)),
    ("groq", openai(18, 70, total_tokens=88, queue_time=0.09, total_time=0.06), Usage(18, 70)),
    (
        "writer",
        openai(40, 300, prompt_token_details={"cached_tokens": 8}, completion_token_details=None),
        Usage(32, 300, cache_read_tokens=8),
    ),
    (
        "litellm keeps Anthropic's names inside OpenAI's prompt count",
        openai(50, 5, cache_read_input_tokens=30, cache_creation_input_tokens=15),
        Usage(5, 5, cache_read_tokens=30, cache_write_tokens=15),
    ),
    (
        "xai reasoning lies outside, as the total shows",
        openai(12, 1, total_tokens=399, completion_tokens_details={"reasoning_tokens": 386}),
        Usage(12, 1, reasoning_tokens=386),
    ),
    (
        "responses",
        {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 50},
            "output_tokens": 30,
            "output_tokens_details": {"reasoning_tokens": 20},
            "total_tokens": 130,
        },
        Usage(10, 10, cache_read_tokens=40, cache_write_tokens=50, reasoning_tokens=20),
    ),
    ("bare input and output", {"input_tokens": 7, "output_tokens": 3}, Usage(7, 3)),
    (
        "speech to text",
        {"input_tokens": 14, "output_tokens": 45, "input_token_details": {"audio_tokens": 14}},
        Usage(0, 45, audio_tokens=14),
    ),
    (
        "anthropic cache is outside",
        {
            "input_tokens": 3,
            "output_tokens": 50,
            "cache_read_input_tokens": 1000,
            "cache_creation_input_tokens": 200,
        },
        Usage(3, 50, cache_read_tokens=1000, cache_write_tokens=200),
    ),
    (
        "anthropic thinking is inside",
        {"input_tokens": 13, "output_tokens": 44, "output_tokens_details": {"thinking_tokens": 33}},
        Usage(13, 11, reasoning_tokens=33),
    ),
    (
        "anthropic compaction is billed beside the counts at the top",
        {
            **ANTHROPIC,
            "input_tokens": 180,
            "output_tokens": 8,
            "iterations": [
                {"type": "compaction", "input_tokens": 50000, "output_tokens": 90},
                {"type": "message", "input_tokens": 180, "output_tokens": 8},
            ],
        },
        Usage(50180, 98),
    ),
    (
        "gemini",
        {
            "promptTokenCount": 100,
            "cachedContentTokenCount": 60,
            "candidatesTokenCount": 7,
            "thoughtsTokenCount": 20,
            "toolUsePromptTokenCount": 5,
            "totalTokenCount": 132,
        },
        Usage(45, 7, cache_read_tokens=60, reasoning_tokens=20),
    ),
    ("gemini embedding", {"promptTokenCount": 7}, Usage(7, 0)),
    (
        "gemini speech, part of it cached",
        {
            "promptTokenCount": 100,
            "cachedContentTokenCount": 50,
            "candidatesTokenCount": 9,
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 30},
                {"modality": "AUDIO", "tokenCount": 70},
            ],
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 40}],
            "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 9}],
        },
        Usage(20, 0, cache_read_tokens=10, audio_tokens=79),
    ),
    (
        "converse cache is outside",
        {
            "inputTokens": 22,
            "outputTokens": 13,
            "cacheReadInputTokens": 900,
            "cacheReadInputTokenCount": 900,
            "cacheWriteInputTokens": 100,
            "totalTokens": 1035,
        },
        Usage(22, 13, cache_read_tokens=900, cache_write_tokens=100),
    ),
    (
        "titan, floats",
        {"inputTextTokenCount": 28.0, "results": [{"tokenCount": 100.0}, {"tokenCount": 97.0}]},
        Usage(28, 197),
    ),
    ("titan embedding", {"inputTextTokenCount": 5}, Usage(5, 0)),
    ("llama", {"prompt_token_count": 158, "generation_token_count": 128}, Usage(158, 128)),
    (
        "cohere is charged by billed units",
        {
            "billed_units": {"input_tokens": 7, "output_tokens": 88},
            "tokens": {"input_tokens": 69, "output_tokens": 89},
            "cached_tokens": 60,
        },
        Usage(7, 88),
    ),
    ("cohere without billed units", {"tokens": {"input_tokens": 69}}, Usage(69, 0)),
    ("ollama", {"prompt_eval_count": 17, "eval_count": 66}, Usage(17, 66)),
    (
        "ollama 2026",
        {"prompt_eval_count": 17, "prompt_eval_cached_count": 16, "eval_count": 66},
        Usage(1, 66, cache_read_tokens=16),
    ),
]


@pytest.mark.parametrize(("usage", "meters"), [case[1:] for case in READ], ids=[c[0] for c in READ])
def test_every_token_is_on_one_meter(usage: dict[str, Any], meters: Usage) -> None:
    assert read_usage(usage) == meters


@pytest.mark.parametrize(
    "usage",
    [
        {},
        openai(None, None, total_tokens=None),
        {"input_tokens": None, "output_tokens": None},
        {"type": "duration", "seconds": 3},
        {"topicPolicyUnits": 1},
        {"billed_units": {"search_units": 1}},
    ],
)
def test_nothing_to_read_is_none(usage: dict[str, Any]) -> None:
    assert read_usage(usage) is None


@pytest.mark.parametrize(
    "usage",
    [
        {"completion_tokens": 5, "total_tokens": 12},
        {"output_tokens": 5},
        {**ANTHROPIC, "input_tokens": 5},
        {"inputTokens": 30},  # Nova behind a guardrail
        {"eval_count": 79},  # Ollama before July 2024, prompt in its cache
        {"candidatesTokenCount": 5, "totalTokenCount": 12},
    ],
)
def test_half_a_usage_is_none_so_that_the_text_is_counted(usage: dict[str, Any]) -> None:
    assert read_usage(usage) is None


def test_an_embedding_has_no_completion_count_but_its_total_still_counts() -> None:
    with pytest.raises(BadUsageError, match="total_tokens is 12"):
        read_usage({"prompt_tokens": 8, "total_tokens": 12})


@pytest.mark.parametrize(
    "value", [1.5, True, -1, -2.0, math.nan, math.inf, "12", [1], {}, 10**400, 10**12 + 1, 1e300]
)
@pytest.mark.parametrize(
    ("key", "rest"),
    [
        ("prompt_tokens", {"completion_tokens": 1}),
        ("total_tokens", {"prompt_tokens": 1}),
        ("input_tokens", {"output_tokens": 1}),
        ("cache_read_input_tokens", {"input_tokens": 1, "output_tokens": 1}),
        ("thoughtsTokenCount", {"promptTokenCount": 1}),
        ("outputTokens", {"inputTokens": 1}),
        ("eval_count", {"prompt_eval_count": 1}),
    ],
)
def test_a_count_is_a_whole_number_of_tokens(key: str, rest: dict[str, Any], value: object) -> None:
    with pytest.raises(BadUsageError, match=key):
        read_usage({**rest, key: value})


def test_a_reason_stays_short() -> None:
    with pytest.raises(BadUsageError) as caught:
        read_usage(openai("9" * 10_000, 1))
    assert len(str(caught.value)) < 100


CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    (
        openai(10, 1, prompt_tokens_details={"cached_tokens": 12}),
        "cached tokens 12 is more than prompt_tokens 10",
    ),
    (
        openai(10, 5, completion_tokens_details={"reasoning_tokens": 6}),
        "reasoning tokens 6 is more than completion_tokens 5",
    ),
    (
        openai(10, 5, completion_tokens_details={"reasoning_tokens": 4, "audio_tokens": 2}),
        "reasoning and audio tokens 6 is more than completion_tokens 5",
    ),
    (
        openai(10, 5, prompt_tokens_details={"cached_tokens": 6, "audio_tokens": 6}),
        "cached, cache write and audio tokens 12 is more than prompt_tokens 10",
    ),
    (openai(10, 5, total_tokens=16), "total_tokens is 16, but its parts add up to 15"),
    (openai(10, 5, total_tokens=14), "total_tokens is 14, but its parts add up to 15"),
    (
        openai(10, 5, cached_tokens=3, num_cached_tokens=4),
        "cached_tokens is 3, but num_cached_tokens is 4",
    ),
    (openai(10, 5, prompt_tokens_details=7), "prompt_tokens_details is not an object"),
    (
        {"input_tokens": 9, "output_tokens": 1, "input_tokens_details": {"cached_tokens": 10}},
        "cached tokens 10 is more than input_tokens 9",
    ),
    (
        {**ANTHROPIC, "input_tokens": 9, "output_tokens": 1, "total_tokens": 11},
        "total_tokens is 11, but its parts add up to 10",
    ),
    (
        {
            **ANTHROPIC,
            "input_tokens": 9,
            "output_tokens": 1,
            "input_tokens_details": {"cached_tokens": 5},
        },
        "both inside and outside",
    ),
    (
        {"promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 9},
        "totalTokenCount is 9, but its parts add up to 6",
    ),
    (
        {"promptTokenCount": 5, "cachedContentTokenCount": 6},
        "cachedContentTokenCount 6 is more than promptTokenCount 5",
    ),
    (
        {"inputTokens": 5, "outputTokens": 1, "totalTokens": 7},
        "totalTokens is 7, but its parts add up to 6",
    ),
    ({"billed_units": {"input_tokens": 5, "image_tokens": 9}}, "image tokens"),
]


@pytest.mark.parametrize(("usage", "reason"), CONTRADICTIONS)
def test_a_usage_that_contradicts_itself_is_refused(usage: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadUsageError, match=reason):
        read_usage(usage)


def test_gemini_hides_its_thinking_from_the_openai_shape() -> None:
    usage = openai(35, 12, total_tokens=109)
    assert read_usage(usage, model="gemini-2.5-pro") == Usage(35, 12, reasoning_tokens=62)
    with pytest.raises(BadUsageError, match="total_tokens is 109"):
        read_usage(usage, model="gpt-4")
    with pytest.raises(BadUsageError, match="total_tokens is 40"):
        read_usage(openai(35, 12, total_tokens=40), model="gemini-2.5-pro")


def test_an_advisor_on_another_model_cannot_be_priced_with_its_call() -> None:
    usage = {
        "input_tokens": 10,
        "output_tokens": 2,
        "iterations": [
            {"type": "message", "input_tokens": 10, "output_tokens": 2},
            {"type": "advisor_message", "model": "big", "input_tokens": 9, "output_tokens": 1},
        ],
    }
    with pytest.raises(BadUsageError, match=r"another model \(big\)"):
        read_usage(usage, model="small")
    assert read_usage(usage, model="big") == Usage(19, 3)
