"""OpenAI's Responses API.

Source: openai-openapi f85dbe22 and 69 real bodies and streams (formats.md 1, facts 6.4).
``input_tokens`` includes ``input_tokens_details.cached_tokens`` and, since July 2026,
``cache_write_tokens``; ``output_tokens`` includes the reasoning. A bare ``{input_tokens,
output_tokens}`` (also Anthropic's, Cohere's) reads the same both ways. Speech to text and images
write ``input_token_details``. A stream carries the whole response in its last event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditor.formats.shapes.counts import details, inclusive
from auditor.formats.shapes.families.anthropic import is_anthropic
from auditor.formats.shapes.terms import (
    EMBEDDING,
    RESPONSE,
    Answer,
    Body,
    Family,
    Message,
    Said,
    assistant,
    bodies_at,
    body_at,
    epoch,
    failure_of,
    prompts_of,
    text_at,
    texts_at,
    tier_of,
    tool_call,
)
from auditor.records import Usage

_LAST = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")
_ONLY_HERE = (
    "instructions",
    "max_output_tokens",
    "previous_response_id",
    "reasoning",
    "store",
    "stream",
    "text",
    "tools",
)


def _counts(usage: Body) -> bool:
    return ("input_tokens" in usage or "output_tokens" in usage) and not is_anthropic(usage)


def _usage(usage: Body, model: str | None) -> Usage | None:
    return inclusive(
        usage,
        prompt="input_tokens",
        completion="output_tokens",
        prompt_details=details(usage, "input_tokens_details", "input_token_details"),
        completion_details=details(usage, "output_tokens_details", "output_token_details"),
        model=model,
    )


def _answer(body: Body, usage: Usage | None) -> Answer:
    status = text_at(body, "status")
    reason = text_at(body_at(body, "incomplete_details"), "reason") or status
    broken = status if status in ("failed", "cancelled") else None
    return Answer(
        kind=RESPONSE,
        id=text_at(body, "id"),
        created=epoch(body.get("created_at")),
        model=text_at(body, "model"),
        tier=tier_of(body.get("service_tier")),
        usage=usage,
        outputs=_outputs(bodies_at(body, "output")),
        failure=failure_of(body) or broken,
        finish_reasons=(reason,) if reason else (),
    )


def _outputs(items: Sequence[Body]) -> tuple[Message, ...]:
    """All items of one response as one chat message; reasoning is not shown by the API."""
    if not items:
        return ()
    parts = [part for item in items for part in bodies_at(item, "content")]
    calls = [
        tool_call(item.get("call_id"), item.get("name"), item.get("arguments"))
        for item in items
        if item.get("type") == "function_call"
    ]
    message = assistant("".join(texts_at(parts, "text")) or None, tool_calls=calls)
    if refusal := "".join(texts_at(parts, "refusal")):
        message["refusal"] = refusal
    return (message,)


def _streams(event: Body) -> bool:
    kind = event.get("type")
    return isinstance(kind, str) and kind.startswith("response.")


def _join(events: Sequence[Body]) -> Body:
    """The response of the last event; of an interrupted stream, its beginning and the deltas."""
    response: dict[str, Any] = {"object": "response"}
    texts: list[str] = []
    calls: dict[Any, dict[str, Any]] = {}
    for event in events:
        kind = event.get("type")
        whole = event.get("response")
        if isinstance(whole, Mapping):
            response = {**whole, "object": "response"}
            if kind in _LAST:
                return response
        elif kind == "response.output_text.delta":
            texts.append(text_at(event, "delta") or "")
        elif kind == "response.output_item.added":
            item = body_at(event, "item")
            if item.get("type") == "function_call":
                calls[str(item.get("id"))] = {**item, "arguments": ""}
        elif kind == "response.function_call_arguments.delta":
            call = calls.setdefault(str(event.get("item_id")), {"type": "function_call"})
            call["arguments"] = call.get("arguments", "") + (text_at(event, "delta") or "")
    said = {"type": "message", "content": [{"type": "output_text", "text": "".join(texts)}]}
    response["output"] = [said, *calls.values()]
    return response


def _said(request: Body, kind: str | None) -> Said | None:
    """``input`` of a request as chat messages; of an embedding as prompts.

    The same key serves both APIs. ``kind`` of the answer settles it; without it: numbers and lists
    of strings are embedded, objects are messages, and a lone string is a message unless the model
    is an embedding model or no field of the Responses API is there.
    """
    sent = request.get("input")
    if sent is None or "messages" in request:
        return None
    if isinstance(sent, str):
        if kind is None:
            embeds = "embed" in (text_at(request, "model") or "")
            responds = not embeds and any(key in request for key in _ONLY_HERE)
            kind = RESPONSE if responds else EMBEDDING
        if kind == RESPONSE:
            return _instructed(request, [{"role": "user", "content": sent}])
        return (), (sent,)
    if not isinstance(sent, list):
        return None
    if any(isinstance(item, dict) for item in sent):
        return _instructed(request, [_message(i) for i in sent if isinstance(i, dict)])
    return (), prompts_of(sent)


def _instructed(request: Body, messages: list[Message]) -> Said:
    if instructions := text_at(request, "instructions"):
        messages.insert(0, {"role": "system", "content": instructions})
    return tuple(messages), ()


def _message(item: Message) -> Message:
    """Calls of a tool and their outputs are items of their own."""
    if item.get("type") == "function_call":
        call = tool_call(item.get("call_id"), item.get("name"), item.get("arguments"))
        return assistant(None, tool_calls=[call])
    if item.get("type") == "function_call_output":
        content = item.get("output")
        return {"role": "tool", "tool_call_id": item.get("call_id"), "content": content}
    return item


FAMILY = Family(
    objects=frozenset({"response"}),
    answer=_answer,
    counts=_counts,
    usage=_usage,
    streams=_streams,
    join=_join,
    said=_said,
)
