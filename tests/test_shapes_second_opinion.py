"""genai-prices reads the same usage bodies: every meter agrees, or the body is listed by name.

Its extractors read one body several times, each as another seller's API would. Ours must be the
fullest of its readings: the one that tells most counts. Where two tell as much and differ, the
body's own total decides, or what it says is billed.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from auditor.formats.shapes import read_response
from auditor.records import BadUsageError, Usage

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
USAGES = DATA / "genai_prices" / "usages.json"

pytestmark = pytest.mark.skipif(not USAGES.exists(), reason=f"{USAGES} is not here")

Entry = dict[str, Any]
Meters = tuple[int, int, int, int, int, int]

MISTRAL = "Mistral's num_cached_tokens, which genai-prices does not read"
GEMINI = "Gemini's thinking, hidden in the total, which genai-prices does not see"
COMPACTION = "Anthropic's compactions, billed beside the counts at the top, which it leaves out"
ADVISOR = "tokens of another model inside: refused by us, left out by genai-prices without a word"
COHERE = "Cohere bills billed_units; the fullest reading is of the tokens that it counted"
DIFFERENT = {
    MISTRAL: {
        "test_multimodal_tool_return_matrix[direct-binary-audio-mistral]": 1,
        "test_multimodal_tool_return_matrix[direct-binary-image-mistral]": 1,
        "test_multimodal_tool_return_matrix[direct-url-image-mistral]": 1,
        "test_multimodal_tool_return_matrix[direct-url_force_download-document-mistral]": 2,
        "test_multimodal_tool_return_matrix[direct-url_force_download-image-mistral]": 1,
        "test_multimodal_tool_return_matrix[tool_return_content-binary-audio-mistral]": 1,
        "test_multimodal_tool_return_matrix[tool_return_content-binary-document-mistral]": 1,
        "test_multimodal_tool_return_matrix[tool_return_content-binary-video-mistral]": 1,
        "test_multimodal_tool_return_matrix[tool_return_content-url-audio-mistral]": 1,
        "test_multimodal_tool_return_matrix[tool_return_content-url-document-mistral]": 2,
        "test_multimodal_tool_return_matrix[tool_return_content-url-image-mistral]": 2,
        "test_multimodal_tool_return_matrix[tool_return_content-url-video-mistral]": 1,
        "test_multimodal_tool_return_matrix"
        "[tool_return_content-url_force_download-audio-mistral]": 1,
        "test_multimodal_tool_return_matrix"
        "[tool_return_content-url_force_download-document-mistral]": 2,
        "test_multimodal_tool_return_matrix"
        "[tool_return_content-url_force_download-image-mistral]": 2,
        "test_multimodal_tool_return_matrix"
        "[tool_return_content-url_force_download-video-mistral]": 1,
        "test_tool_choice_matrix[auto-mistral]": 2,
        "test_tool_choice_matrix[list_single-mistral]": 1,
        "test_tool_choice_matrix[none-mistral]": 1,
        "test_tool_choice_matrix[none_with_output-mistral]": 1,
        "test_tool_choice_matrix[required-mistral]": 1,
        "test_tool_choice_matrix[tools_plus_output-mistral]": 2,
    },
    GEMINI: {"test_compatible_api_with_tool_calls_without_id": 2},
    COMPACTION: {
        "test_anthropic_compaction_end_to_end": 1,
        "test_anthropic_compaction_usage_with_cache": 1,
    },
    ADVISOR: {
        "test_anthropic_advisor_tool": 1,
        "test_anthropic_advisor_tool_message_replay": 1,
        "test_anthropic_advisor_tool_redacted": 1,
    },
    COHERE: {
        "test_request_usage_with_cached_tokens": 1,
        "test_tool_choice_matrix[auto-cohere]": 2,
        "test_tool_choice_matrix[list_single-cohere]": 1,
        "test_tool_choice_matrix[none-cohere]": 1,
        "test_tool_choice_matrix[none_with_output-cohere]": 1,
        "test_tool_choice_matrix[required-cohere]": 1,
        "test_tool_choice_matrix[tools_plus_output-cohere]": 2,
    },
}


@cache
def entries() -> tuple[Entry, ...]:
    return tuple(json.loads(USAGES.read_text(encoding="utf-8")))


def ours(usage: Usage) -> Meters:
    return (
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        usage.audio_tokens,
    )


def theirs(told: dict[str, int]) -> Meters:
    """Its counts, where every part is inside its whole, on our meters; speech is a meter of ours.

    Pictures, videos, tools and texts are parts of input and output that cost what those cost.
    """
    heard, spoken = told.get("input_audio_tokens", 0), told.get("output_audio_tokens", 0)
    read = told.get("cache_read_tokens", 0) - told.get("cache_audio_read_tokens", 0)
    written, thought = told.get("cache_write_tokens", 0), told.get("output_reasoning_tokens", 0)
    return (
        told.get("input_tokens", 0) - heard - read - written,
        read,
        written,
        told.get("output_tokens", 0) - spoken - thought,
        thought,
        heard + spoken,
    )


def fullest(entry: Entry) -> set[Meters]:
    readings = [extracted["usage"] for extracted in entry["extracted"]]
    most = max(sum(map(bool, told.values())) for told in readings)
    return {theirs(told) for told in readings if sum(map(bool, told.values())) == most}


def verdict(entry: Entry) -> str:
    """ "" where every meter agrees, else the reason, which holds for the figures of the body."""
    body = entry["body"]
    usage = body.get("usage") or {}
    opinions = fullest(entry)
    try:
        answer = read_response(body)
    except BadUsageError as refusal:
        kinds = {iteration["type"] for iteration in usage["iterations"]}
        return ADVISOR if "advisor_message" in kinds else f"refused: {refusal}"
    if answer.usage is None:
        return "not read by us"
    meters = ours(answer.usage)
    if meters in opinions:
        sure = len(opinions) == 1 or usage.get("total_tokens") == sum(meters)
        return "" if sure or is_billed(meters, usage) else "two readings, and no total decides"
    if len(opinions) == 1:
        (opinion,) = opinions
        if reason := _difference(meters, opinion, usage, str(body.get("model"))):
            return reason
    return f"unexplained: {meters} of ours, {opinions} of theirs"


def _difference(ours: Meters, theirs: Meters, usage: dict[str, Any], model: str) -> str | None:
    cached = usage.get("num_cached_tokens")
    if cached and (ours[0] + cached, ours[1] - cached, *ours[2:]) == theirs:
        return MISTRAL
    hidden = ours[4]
    if "gemini" in model and hidden and (*ours[:4], 0, ours[5]) == theirs:
        return GEMINI if usage["total_tokens"] == sum(ours) else None
    steps = usage.get("iterations", ())
    if any(step["type"] == "compaction" for step in steps):
        places = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        billed = [sum(step[place] for step in steps) for place in (*places, "output_tokens")]
        return COMPACTION if ours == (*billed, 0, 0) else None
    return COHERE if is_billed(ours, usage) else None


def is_billed(ours: Meters, usage: dict[str, Any]) -> bool:
    """Whether Cohere says that it bills exactly these."""
    units = usage.get("billed_units")
    return units == {"input_tokens": ours[0], "output_tokens": ours[3]}


def name(entry: Entry) -> str:
    return str(entry["body"]["file"]).rpartition("/")[2].removesuffix(".yaml")


def test_every_body_agrees_in_every_meter_or_is_listed_by_name() -> None:
    found: dict[str, Counter[str]] = {}
    agreed = 0
    for entry in entries():
        if reason := verdict(entry):
            found.setdefault(reason, Counter())[name(entry)] += 1
        else:
            agreed += 1
    assert found == DIFFERENT
    assert (agreed, len(entries())) == (1532, 1577)


def test_a_wrong_reading_would_be_seen() -> None:
    """Any meter of any body that agrees, off by one, is a difference that nothing explains."""
    for entry in entries()[::97]:
        if verdict(entry):
            continue
        usage = read_response(entry["body"]).usage
        assert usage is not None
        meters = ours(usage)
        for place in range(len(meters)):
            off = tuple(n + (place == at) for at, n in enumerate(meters))
            assert off not in fullest(entry)
