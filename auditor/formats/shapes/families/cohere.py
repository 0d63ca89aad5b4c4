"""Cohere, version 1 (chat, generate, embed) and 2 (chat).

Source: 40 real bodies, 12 streams. ``billed_units`` is what is charged; ``tokens`` also counts
Cohere's own preamble (69 against 7 for one short prompt) and is read only where nothing is said to
be billed. ``cached_tokens`` belongs to ``tokens``: how the cache is billed is not stated, so all
billed input stays on the input meter [1 of 13 real bodies has any]. Searches and classifications
are billed by other units and have no usage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.formats.shapes.counts import count
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
)
from auditor.records import BadUsageError, Usage

_ROLES = {"CHATBOT": "assistant", "SYSTEM": "system", "USER": "user", "TOOL": "tool"}


def _counts(usage: Body) -> bool:
    return isinstance(usage.get("billed_units"), dict) or isinstance(usage.get("tokens"), dict)


def _usage(usage: Body, model: str | None) -> Usage | None:
    units = body_at(usage, "billed_units") or body_at(usage, "tokens")
    if count(units, "image_tokens"):
        raise BadUsageError("image tokens have a price of their own, which is not known here")
    sent = count(units, "input_tokens")
    return None if sent is None else Usage(sent, count(units, "output_tokens") or 0)


def _claims(body: Body) -> bool:
    """``message`` with a ``finish_reason`` beside it is version 2."""
    return "object" not in body and (
        "generation_id" in body
        or "generations" in body
        or (isinstance(body.get("message"), dict) and "finish_reason" in body)
    )


def _usage_in(body: Body) -> Any:
    return body.get("usage") or body.get("meta")


def _answer(body: Body, usage: Usage | None) -> Answer:
    generations = bodies_at(body, "generations")
    return Answer(
        kind=COMPLETION if "generations" in body else CHAT,
        id=text_at(body, "id") or text_at(body, "response_id") or text_at(body, "generation_id"),
        usage=usage,
        outputs=tuple(map(assistant, texts_at(generations, "text"))) or (_output(body),),
        failure=failure_of(body),
        finish_reasons=texts_at([body, *generations], "finish_reason"),
    )


def _output(body: Body) -> Message:
    message = body_at(body, "message") or body
    parts = bodies_at(message, "content")
    text = text_at(message, "text") or text_at(message, "tool_plan") or ""
    calls = bodies_at(message, "tool_calls")
    thoughts = "".join(texts_at(parts, "thinking"))
    return assistant(
        (text + "".join(texts_at(parts, "text"))) or None, tool_calls=calls, reasoning=thoughts
    )


def _streams(event: Body) -> bool:
    """Version 1 has ``event_type``; version 2 has ``message-start`` where Anthropic has ``_``."""
    kind = event.get("type")
    return "event_type" in event or (
        isinstance(kind, str) and kind.startswith(("message-", "content-", "tool-"))
    )


def _join(events: Sequence[Body]) -> Body:
    """Version 1 repeats the whole answer at the end; version 2 has to be put together."""
    body: dict[str, Any] = {"finish_reason": None}
    texts: list[str] = []
    calls: dict[str, dict[str, Any]] = {}
    for event in events:
        if isinstance(whole := event.get("response"), dict):
            return {"generation_id": None, **whole}
        kind, delta = event.get("type"), body_at(event, "delta")
        message = body_at(delta, "message")
        body["id"] = body.get("id") or event.get("id") or event.get("generation_id")
        texts += texts_at([event, body_at(message, "content")], "text")
        if kind in ("tool-call-start", "tool-call-delta"):
            piece = body_at(message, "tool_calls")
            call = calls.setdefault(str(event.get("index")), {"function": {"arguments": ""}})
            function = body_at(piece, "function")
            call["id"] = call.get("id") or piece.get("id")
            call["function"]["name"] = call["function"].get("name") or function.get("name")
            call["function"]["arguments"] += text_at(function, "arguments") or ""
        elif kind == "message-end":
            body["finish_reason"] = delta.get("finish_reason")
            body["usage"] = delta.get("usage")
    content = [{"type": "text", "text": "".join(texts)}]
    body["message"] = {"content": content, "tool_calls": list(calls.values())}
    return body


def _said(request: Body, kind: str | None) -> Said | None:
    """Version 1: ``message``, the ``chat_history`` before it and the ``preamble`` before that."""
    message = text_at(request, "message")
    if message is None:
        return None
    messages: list[Message] = []
    if preamble := text_at(request, "preamble"):
        messages.append({"role": "system", "content": preamble})
    for turn in bodies_at(request, "chat_history"):
        role = _ROLES.get(str(turn.get("role")).upper(), "user")
        messages.append({"role": role, "content": text_at(turn, "message") or ""})
    messages.append({"role": "user", "content": message})
    return tuple(messages), ()


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
