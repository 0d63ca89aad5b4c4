"""Anthropic's Messages API and the text completions before it, also as Bedrock returns them.

Source: 72 real bodies, 37 streams (formats.md 0.2). ``input_tokens`` EXCLUDES
``cache_read_input_tokens`` and ``cache_creation_input_tokens``; ``output_tokens`` includes
``output_tokens_details.thinking_tokens`` [18 real bodies of 2026]. In a stream, message_start
tells the input and a placeholder of 1 output token, and the last message_delta the final output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.formats.shapes.counts import adds_up, agreed, count, details, within
from auditor.formats.shapes.terms import (
    CHAT,
    COMPLETION,
    STANDARD,
    Answer,
    Body,
    Family,
    assistant,
    bodies_at,
    body_at,
    epoch,
    failure_of,
    text_at,
    texts_at,
    tier_of,
    tool_call,
)
from auditor.records import BadUsageError, Usage

_KEYS = (
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation",
    "iterations",
)
_EXTRA_ITERATIONS = ("compaction", "advisor_message")
_EVENTS = frozenset(
    {
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "completion",
    }
)


def is_anthropic(usage: Body) -> bool:
    """Whether a usage object is written Anthropic's way and no other.

    LiteLLM puts these keys beside ``prompt_tokens``, which then includes the cache.
    """
    if "prompt_tokens" in usage:
        return False
    thinking = usage.get("output_tokens_details")
    return any(key in usage for key in _KEYS) or (
        isinstance(thinking, dict) and "thinking_tokens" in thinking
    )


def _usage(usage: Body, model: str | None) -> Usage | None:
    """The call's own tokens plus those of its compactions.

    The counts at the top are those of the ``iterations`` of type message. A compaction is billed
    at the same model but left out of them (docs "Compaction", header compact-2026-01-12) [2 real
    bodies]; so is an advisor, mostly another model [3 real bodies], whose tokens cannot be priced
    with this call: BadUsageError, as for an iteration of an unknown type.
    """
    read = _one(usage, model)
    for iteration in bodies_at(usage, "iterations"):
        kind, other = iteration.get("type"), text_at(iteration, "model")
        if kind == "message":
            continue
        if kind not in _EXTRA_ITERATIONS or (other is not None and other != model):
            named = kind if kind in _EXTRA_ITERATIONS else "of a kind that is not known"
            raise BadUsageError(f"an iteration ({named}) was answered by another model ({other})")
        extra = _one(iteration, model)
        if read is not None and extra is not None:
            read = _sum(read, extra)
    return read


def _one(usage: Body, model: str | None) -> Usage | None:
    sent, made = count(usage, "input_tokens"), count(usage, "output_tokens")
    if sent is None or made is None:
        return None
    inside = details(usage, "input_tokens_details", "input_token_details")
    if agreed((inside, "cached_tokens"), (inside, "cache_write_tokens")):
        raise BadUsageError("the cache is counted both inside and outside of input_tokens")
    read = count(usage, "cache_read_input_tokens") or 0
    written = count(usage, "cache_creation_input_tokens") or 0
    hidden = details(usage, "output_tokens_details")
    thinking = agreed((hidden, "thinking_tokens"), (hidden, "reasoning_tokens"))
    within("thinking tokens", thinking, "output_tokens", made)
    adds_up(usage, "total_tokens", sent + read + written + made)
    return Usage(
        input_tokens=sent,
        output_tokens=made - thinking,
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=thinking,
    )


def _sum(a: Usage, b: Usage) -> Usage:
    return Usage(
        input_tokens=a.input_tokens + b.input_tokens,
        output_tokens=a.output_tokens + b.output_tokens,
        cache_read_tokens=a.cache_read_tokens + b.cache_read_tokens,
        cache_write_tokens=a.cache_write_tokens + b.cache_write_tokens,
        reasoning_tokens=a.reasoning_tokens + b.reasoning_tokens,
    )


def _claims(body: Body) -> bool:
    kind = body.get("type")
    return (kind == "message" and "content" in body and "object" not in body) or (
        kind == "completion" and "completion" in body
    )


def _answer(body: Body, usage: Usage | None) -> Answer:
    chat = body.get("type") == "message"
    return Answer(
        kind=CHAT if chat else COMPLETION,
        id=text_at(body, "id"),
        created=epoch(body.get("created_at")),
        model=text_at(body, "model"),
        tier=_tier(body_at(body, "usage")),
        usage=usage,
        outputs=(_message(body) if chat else assistant(text_at(body, "completion")),),
        failure=failure_of(body),
        finish_reasons=texts_at([body], "stop_reason"),
    )


def _tier(usage: Body) -> str:
    """``service_tier``, and what else changes the rates: ``speed``, and caching for an hour.

    A write to the cache for an hour costs more than one for five minutes (2x and 1.25x input: docs
    "Prompt caching"), and we have one meter for both: a call that wrote any for an hour is on a
    tier of its own, ``standard-1h-cache``, or ``standard-mixed-cache`` if it wrote both kinds. It
    is priced by rows of that tier or not at all.
    """
    tier = tier_of(usage.get("service_tier"))
    if usage.get("speed") == "fast":
        tier = "fast" if tier == STANDARD else f"{tier}-fast"
    written = body_at(usage, "cache_creation")
    if not count(written, "ephemeral_1h_input_tokens"):
        return tier
    kind = "mixed-cache" if count(written, "ephemeral_5m_input_tokens") else "1h-cache"
    return f"{tier}-{kind}"


def _message(body: Body) -> dict[str, Any]:
    blocks = bodies_at(body, "content")
    calls = [
        tool_call(block.get("id"), block.get("name"), block.get("input", {}))
        for block in blocks
        if block.get("type") in ("tool_use", "server_tool_use")
    ]
    text = "".join(texts_at(blocks, "text"))
    return assistant(
        text or None, tool_calls=calls, reasoning="".join(texts_at(blocks, "thinking"))
    )


def _streams(event: Body) -> bool:
    kind = event.get("type")
    return isinstance(kind, str) and kind in _EVENTS


def _join(events: Sequence[Body]) -> Body:
    """The message that the events add up to; without usage if its final count never came."""
    body: dict[str, Any] = {"type": "message", "content": []}
    blocks: dict[str, dict[str, Any]] = {}
    texts: list[str] = []
    usage: dict[str, Any] = {}
    counted = False
    for event in events:
        kind = event.get("type")
        place = str(event.get("index"))
        delta = body_at(event, "delta")
        if kind == "message_start":
            body.update(body_at(event, "message"))
            usage.update(body_at(body, "usage"))
        elif kind == "content_block_start":
            blocks[place] = dict(body_at(event, "content_block"))
        elif kind == "content_block_delta":
            _grow(blocks.setdefault(place, {}), delta)
        elif kind == "message_delta":
            final = body_at(event, "usage")
            usage.update((key, value) for key, value in final.items() if value is not None)
            counted = counted or final.get("output_tokens") is not None
            body["stop_reason"] = delta.get("stop_reason")
        elif kind == "completion":
            body["type"] = "completion"
            texts.append(text_at(event, "completion") or "")
            body["stop_reason"] = event.get("stop_reason")
            body["model"] = event.get("model")
    body["completion"] = "".join(texts)
    body["content"] = list(blocks.values())
    body["usage"] = usage if counted else None
    return body


def _grow(block: dict[str, Any], delta: Body) -> None:
    """``input`` of a tool comes as pieces of JSON text; it stays text."""
    for source, target in (("text", "text"), ("thinking", "thinking"), ("partial_json", "input")):
        piece = delta.get(source)
        if isinstance(piece, str):
            before = block.get(target)
            block[target] = (before if isinstance(before, str) else "") + piece


FAMILY = Family(
    claims=_claims,
    answer=_answer,
    counts=is_anthropic,
    usage=_usage,
    streams=_streams,
    join=_join,
)
