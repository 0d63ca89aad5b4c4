"""One provider request body to what it asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditor.formats.shapes.counts import LIMIT
from auditor.formats.shapes.families import FAMILIES
from auditor.formats.shapes.terms import (
    Asked,
    Body,
    Message,
    Said,
    bodies_at,
    body_at,
    compact,
    prompts_of,
    text_at,
    texts_at,
    tier_of,
)

_EXTRAS = ("functions", "function_call", "tools", "tool_choice", "response_format")
_LIMITS = (
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens_to_sample",
    "max_gen_len",
    "maxTokens",
)
_NESTED_LIMITS = (
    ("generationConfig", "maxOutputTokens"),
    ("inferenceConfig", "maxTokens"),
    ("textGenerationConfig", "maxTokenCount"),
    ("options", "num_predict"),
)


def read_request(body: Mapping[str, Any] | None, *, kind: str | None = None) -> Asked:
    """What a request body asked for; an empty ``Asked`` if there is no body.

    ``kind`` is the kind of the answer, if there was one: ``input`` means messages to the
    Responses API and prompts to an embedding, and a lone string does not say which.
    Never raises: a field of an unexpected type is read as absent.
    """
    if not body:
        return Asked()
    messages, prompts = _said(body, kind)
    n = body.get("n")
    return Asked(
        model=text_at(body, "model"),
        messages=messages,
        prompts=prompts,
        extras=_extras(body),
        max_tokens=_max_tokens(body),
        n=n if type(n) is int and 0 < n <= LIMIT else 1,
        user=text_at(body, "user"),
        metadata={str(key): compact(value) for key, value in body_at(body, "metadata").items()},
        stream=body.get("stream") is True,
        tier=tier_of(body.get("service_tier")),
    )


def _extras(body: Body) -> dict[str, Any]:
    """What costs prompt tokens beside the messages; Responses says its format inside ``text``."""
    extras = {key: body[key] for key in _EXTRAS if body.get(key) is not None}
    if answer_format := body_at(body_at(body, "text"), "format"):
        extras.setdefault("response_format", dict(answer_format))
    return extras


def _said(body: Body, kind: str | None) -> Said:
    messages = bodies_at(body, "messages")
    if messages:
        return (*_system(body), *map(_spoken, messages)), ()
    for family in FAMILIES:
        if family.said is not None and (said := family.said(body, kind)) is not None:
            return said
    return (), prompts_of(body.get("prompt"))


def _system(body: Body) -> tuple[Message, ...]:
    """Anthropic and Converse keep the system prompt beside the messages."""
    text = text_at(body, "system") or "".join(texts_at(bodies_at(body, "system"), "text"))
    return ({"role": "system", "content": text},) if text else ()


def _spoken(message: Message) -> Message:
    """Converse leaves out the type of a text part, which everybody else has."""
    content = message.get("content")
    if not isinstance(content, list):
        return message
    parts = [
        {"type": "text", **part} if isinstance(part, dict) and "text" in part else part
        for part in content
    ]
    return {**message, "content": parts}


def _max_tokens(body: Body) -> int | None:
    """The first limit that is a number of tokens; -1 and null mean none."""
    values = [body.get(key) for key in _LIMITS]
    values += [body_at(body, outer).get(inner) for outer, inner in _NESTED_LIMITS]
    return next((v for v in values if type(v) is int and 0 <= v <= LIMIT), None)
