"""Embeddings of all providers, and OpenAI's lists, which are embeddings or no call at all.

Source: real bodies of OpenAI, Azure, Mistral, vLLM, Voyage, Ollama, Cohere, Gemini. OpenAI's usage
has no ``completion_tokens`` (formats.md 0.4); Voyage gives only ``total_tokens``; Ollama's old
endpoint gives nothing; Titan and Ollama's new one count beside the vector.
"""

from __future__ import annotations

from typing import Any

from auditor.formats.shapes.terms import (
    EMBEDDING,
    NOT_A_CALL,
    OTHER,
    Answer,
    Body,
    Family,
    bodies_at,
    epoch,
    failure_of,
    text_at,
)
from auditor.records import Usage


def _claims(body: Body) -> bool:
    return not body.get("object") and ("embedding" in body or "embeddings" in body)


def _usage_in(body: Body) -> Any:
    if "prompt_eval_count" in body:  # Ollama /api/embed: nothing is generated
        return {"prompt_tokens": body["prompt_eval_count"]}
    usage = body.get("usage") or body.get("usageMetadata") or body.get("meta")
    if not usage:
        return body if "inputTextTokenCount" in body else usage
    if isinstance(usage, dict) and usage.keys() == {"total_tokens"}:  # Voyage: all of it is input
        return {"prompt_tokens": usage["total_tokens"]}
    return usage


def _answer(body: Body, usage: Usage | None) -> Answer:
    return Answer(
        kind=_kind(body, usage),
        id=text_at(body, "id"),
        created=epoch(body.get("created")),
        model=text_at(body, "model"),
        usage=usage,
        failure=failure_of(body),
    )


def _kind(body: Body, usage: Usage | None) -> str:
    if body.get("object") != "list":
        return EMBEDDING
    data = body.get("data")
    first = data[0] if isinstance(data, list) and data else None
    if isinstance(first, dict) and first.get("object") == "embedding":
        return EMBEDDING
    # a reranking has usage, a listing of messages, models or files has none
    return NOT_A_CALL if usage is None and not bodies_at(body, "results") else OTHER


FAMILY = Family(
    objects=frozenset({"list"}),
    claims=_claims,
    usage_in=_usage_in,
    answer=_answer,
)
