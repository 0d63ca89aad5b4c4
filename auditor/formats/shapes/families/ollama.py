"""Ollama's own API: /api/chat and /api/generate, whole or as lines of JSON.

Source: 16 real bodies, 14 streams. The counts stand in the body itself. Before July 2024 Ollama
left ``prompt_eval_count`` out when the prompt was in its cache (ollama issues 2068, 3427; 6 real
bodies): then the prompt's size is unknown, there is no usage, and the text can be counted. Where
it is given, ``prompt_eval_cached_count`` lies within it (2026).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.formats.shapes.counts import count, within
from auditor.formats.shapes.terms import (
    CHAT,
    COMPLETION,
    Answer,
    Body,
    Family,
    Message,
    Said,
    assistant,
    body_at,
    epoch,
    failure_of,
    text_at,
    texts_at,
)
from auditor.records import Usage


def _counts(usage: Body) -> bool:
    return "eval_count" in usage or "prompt_eval_count" in usage


def _usage(usage: Body, model: str | None) -> Usage | None:
    sent, made = count(usage, "prompt_eval_count"), count(usage, "eval_count")
    if sent is None or made is None:
        return None
    cached = count(usage, "prompt_eval_cached_count") or 0
    within("prompt_eval_cached_count", cached, "prompt_eval_count", sent)
    return Usage(sent - cached, made, cache_read_tokens=cached)


def _claims(body: Body) -> bool:
    return "object" not in body and "done" in body and ("message" in body or "response" in body)


def _answer(body: Body, usage: Usage | None) -> Answer:
    message = body.get("message")
    chat = isinstance(message, dict)
    return Answer(
        kind=CHAT if chat else COMPLETION,
        created=epoch(body.get("created_at")),
        model=text_at(body, "model"),
        usage=usage,
        outputs=(_output(body),),
        failure=failure_of(body),
        finish_reasons=texts_at([body], "done_reason"),
    )


def _output(body: Body) -> Message:
    message = body.get("message")
    if isinstance(message, dict):
        return message
    return assistant(text_at(body, "response"), reasoning=text_at(body, "thinking") or "")


def _join(events: Sequence[Body]) -> Body:
    """The last line has the counts, all lines together the text."""
    body: dict[str, Any] = {}
    texts: list[str] = []
    calls: list[Any] = []
    for event in events:
        body.update(event)
        message = body_at(event, "message")
        texts += texts_at([message], "content") or texts_at([event], "response")
        sent = message.get("tool_calls")
        calls += sent if isinstance(sent, list) else []
    whole = "".join(texts)
    if "message" in body:
        body["message"] = assistant(whole, tool_calls=calls)
    else:
        body["response"] = whole
    return body


def _said(request: Body, kind: str | None) -> Said | None:
    """/api/generate: a system prompt beside the prompt makes it a chat of two."""
    prompt, system = text_at(request, "prompt"), text_at(request, "system")
    if prompt is None or system is None:
        return None
    messages = ({"role": "system", "content": system}, {"role": "user", "content": prompt})
    return messages, ()


FAMILY = Family(
    claims=_claims,
    usage_in=lambda body: body,
    answer=_answer,
    counts=_counts,
    usage=_usage,
    streams=_claims,
    join=_join,
    said=_said,
)
