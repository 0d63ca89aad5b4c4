"""AWS Bedrock: Converse, and the invoke bodies that have a shape of their own.

Source: 40 real bodies and 224 real usage objects (formats.md 11). Converse and Nova count the cache
OUTSIDE of ``inputTokens``: totalTokens = input + output + cache read + cache write in all of them.
Titan counts ``inputTextTokenCount`` and ``results[].tokenCount`` (as floats behind a guardrail),
Llama ``prompt_token_count`` and ``generation_token_count``; AI21 and Mistral count nothing. No body
names its model. A Nova answer that a guardrail replaced counts its input only: half a usage is no
usage, the text can be counted [3 real bodies].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.formats.shapes.counts import adds_up, agreed, count
from auditor.formats.shapes.terms import (
    CHAT,
    COMPLETION,
    Answer,
    Body,
    Family,
    Message,
    Said,
    assistant,
    bodies_at,
    body_at,
    failure_of,
    text_at,
    texts_at,
    tier_of,
    tool_call,
)
from auditor.records import Usage

_EVENTS = ("messageStart", "contentBlockStart", "contentBlockDelta", "messageStop", "metadata")


def _counts(usage: Body) -> bool:
    return (
        "inputTokens" in usage
        or "inputTextTokenCount" in usage
        or "generation_token_count" in usage
    )


def _usage(usage: Body, model: str | None) -> Usage | None:
    if "inputTokens" in usage:
        return _converse(usage)
    if "generation_token_count" in usage:
        return _pair(count(usage, "prompt_token_count"), count(usage, "generation_token_count"))
    made = sum(count(result, "tokenCount") or 0 for result in bodies_at(usage, "results"))
    return _pair(count(usage, "inputTextTokenCount"), made)


def _pair(sent: int | None, made: int | None) -> Usage | None:
    return None if sent is None or made is None else Usage(sent, made)


def _converse(usage: Body) -> Usage | None:
    sent, made = count(usage, "inputTokens"), count(usage, "outputTokens")
    if sent is None or made is None:
        return None
    read = agreed((usage, "cacheReadInputTokens"), (usage, "cacheReadInputTokenCount"))
    written = agreed((usage, "cacheWriteInputTokens"), (usage, "cacheWriteInputTokenCount"))
    adds_up(usage, "totalTokens", sent + made + read + written)
    return Usage(sent, made, cache_read_tokens=read, cache_write_tokens=written)


def _claims(body: Body) -> bool:
    return "object" not in body and (
        ("stopReason" in body and "output" in body)
        or ("inputTextTokenCount" in body and "results" in body)
        or ("generation" in body and "stop_reason" in body)
        or ("completions" in body and "prompt" in body)
        or any("stop_reason" in item for item in bodies_at(body, "outputs"))
    )


def _usage_in(body: Body) -> Any:
    return body.get("usage") if "output" in body else body


def _answer(body: Body, usage: Usage | None) -> Answer:
    chat = "output" in body
    outputs, reasons = _conversed(body) if chat else _completed(body)
    return Answer(
        kind=CHAT if chat else COMPLETION,
        id=text_at(body, "id"),
        tier=tier_of(body_at(body, "serviceTier").get("type")),
        usage=usage,
        outputs=outputs,
        failure=failure_of(body),
        finish_reasons=reasons,
    )


def _conversed(body: Body) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    blocks = bodies_at(body_at(body_at(body, "output"), "message"), "content")
    calls = [body_at(block, "toolUse") for block in blocks if "toolUse" in block]
    thoughts = [body_at(body_at(b, "reasoningContent"), "reasoningText") for b in blocks]
    message = assistant(
        "".join(texts_at(blocks, "text")) or None,
        tool_calls=[tool_call(c.get("toolUseId"), c.get("name"), c.get("input")) for c in calls],
        reasoning="".join(texts_at(thoughts, "text")),
    )
    return (message,), texts_at([body], "stopReason")


def _completed(body: Body) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    """Titan, Llama, Mistral, AI21: the text and the reason each has its own names for."""
    completions = bodies_at(body, "completions")
    texts = (
        *texts_at(bodies_at(body, "results"), "outputText"),
        *texts_at([body], "generation"),
        *texts_at(bodies_at(body, "outputs"), "text"),
        *texts_at([body_at(completion, "data") for completion in completions], "text"),
    )
    reasons = (
        *texts_at(bodies_at(body, "results"), "completionReason"),
        *texts_at([body, *bodies_at(body, "outputs")], "stop_reason"),
        *texts_at([body_at(completion, "finishReason") for completion in completions], "reason"),
    )
    return tuple(assistant(text) for text in texts), reasons


def _streams(event: Body) -> bool:
    return any(key in event for key in _EVENTS) and "object" not in event


def _join(events: Sequence[Body]) -> Body:
    """ConverseStream: text comes in deltas, usage in the last event, ``metadata``."""
    body: dict[str, Any] = {"stopReason": None}
    blocks: dict[str, dict[str, Any]] = {}
    for event in events:
        start, delta = body_at(event, "contentBlockStart"), body_at(event, "contentBlockDelta")
        if tool := body_at(body_at(start, "start"), "toolUse"):
            blocks[str(start.get("contentBlockIndex"))] = {"toolUse": {**tool, "input": ""}}
        block = blocks.setdefault(str(delta.get("contentBlockIndex")), {}) if delta else {}
        piece = body_at(delta, "delta")
        if text := text_at(piece, "text"):
            block["text"] = block.get("text", "") + text
        if (arguments := text_at(body_at(piece, "toolUse"), "input")) and "toolUse" in block:
            block["toolUse"]["input"] += arguments
        body["stopReason"] = body_at(event, "messageStop").get("stopReason") or body["stopReason"]
        body["usage"] = body_at(event, "metadata").get("usage") or body.get("usage")
    body["output"] = {"message": {"content": list(blocks.values())}}
    return body


def _said(request: Body, kind: str | None) -> Said | None:
    text = text_at(request, "inputText")
    return ((), (text,)) if text else None


FAMILY = Family(
    claims=_claims,
    usage_in=_usage_in,
    answer=_answer,
    counts=_counts,
    usage=_usage,
    streams=_streams,
    join=_join,
    said=_said,
)
