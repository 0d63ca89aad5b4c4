"""Laws: nothing but BadUsageError is ever raised, and no token is lost or counted twice."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.formats.shapes import (
    Answer,
    Asked,
    read_events,
    read_request,
    read_response,
    read_stream,
    read_usage,
)
from auditor.records import BadUsageError, Usage

# the words that the readers look for, so that arbitrary JSON gets past their first question
WORDS = """
    id object created created_at model choices message delta text content role index finish_reason
    usage usageMetadata meta x_groq error code type status detail service_tier data embedding
    embeddings prompt_tokens completion_tokens total_tokens prompt_tokens_details cached_tokens
    completion_tokens_details reasoning_tokens audio_tokens input_tokens output_tokens
    input_tokens_details output_tokens_details thinking_tokens cache_read_input_tokens
    cache_creation_input_tokens iterations promptTokenCount candidatesTokenCount totalTokenCount
    promptTokensDetails candidates parts functionCall promptFeedback inputTokens outputTokens output
    stopReason inputTextTokenCount results tokenCount generation stop_reason generation_token_count
    outputs completions billed_units tokens generations generation_id response done eval_count
    prompt_eval_count tool_calls function_call function arguments name event_type completion value
    content_block partial_json input messages prompt contents inputText system metadata n stream
    max_tokens generationConfig chat_history preamble instructions messageStart contentBlockDelta
""".split()  # noqa: SIM905 (a list of a hundred words on as many lines is no easier to read)
NAMES = [
    "chat.completion",
    "chat.completion.chunk",
    "text_completion",
    "response",
    "list",
    "embedding",
    "thread.run",
    "message",
    "completion",
    "error",
    "message_start",
    "message_delta",
    "content_block_delta",
    "message-end",
    "tool-call-delta",
    "response.completed",
    "response.output_text.delta",
    "function_call",
    "compaction",
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 60)
    | st.integers()
    | st.floats()
    | st.sampled_from(NAMES)
    | st.text(max_size=5)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=4), inner, max_size=7)
    ),
    max_leaves=25,
)
BODIES = st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=9)


@settings(max_examples=200, deadline=None)
@given(BODIES)
def test_any_body_is_read_or_refused(body: dict[str, Any]) -> None:
    assert isinstance(read_request(body), Asked)
    for read, kinds in ((read_usage, Usage | None), (read_response, Answer)):
        try:
            assert isinstance(read(body), kinds)
        except BadUsageError as refusal:
            assert 0 < len(str(refusal)) < 250


@settings(max_examples=200, deadline=None)
@given(st.lists(BODIES, max_size=5), st.integers(0, 400))
def test_any_stream_is_read_or_refused(events: list[dict[str, Any]], cut: int) -> None:
    raw = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    with suppress(BadUsageError):
        assert isinstance(read_events(events), Answer)
    for sent in (raw, raw[:cut]):
        with suppress(BadUsageError):
            assert isinstance(read_stream(sent), Answer)


@given(st.text() | st.binary())
def test_any_text_is_read(raw: str | bytes) -> None:
    assert isinstance(read_stream(raw), Answer)


COUNTS = st.integers(0, 10**6)


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_openai_tokens_are_conserved(
    fresh: int, cached: int, written: int, said: int, hidden: int
) -> None:
    usage = {
        "prompt_tokens": fresh + cached + written,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "completion_tokens": said + hidden,
        "completion_tokens_details": {"reasoning_tokens": hidden},
        "total_tokens": fresh + cached + written + said + hidden,
    }
    assert read_usage(usage) == Usage(fresh, said, cached, written, hidden)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_anthropic_and_openai_agree_about_the_same_call(
    fresh: int, cached: int, written: int, said: int
) -> None:
    outside = {
        "input_tokens": fresh,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": written,
        "output_tokens": said,
    }
    inside = {
        "input_tokens": fresh + cached + written,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "output_tokens": said,
    }
    assert read_usage(outside) == read_usage(inside)
