"""Calls as lines of a capture file, written by hand or drawn at random."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Line = dict[str, Any]

GARBAGE = ("{not json", "[1, 2]", '"text"', '{"neither": "request nor answer"')


def capture(
    id: str | None = "call-1",
    at: str | None = "2023-08-22T10:00:00Z",
    model: str | None = "gpt-3.5-turbo-0613",
    sent: int = 1000,
    made: int = 100,
    **more: Any,
) -> Line:
    """One answered chat call.

    ``more``: requested, max_tokens, n, cached, written, reasoning, team, tier.
    """
    usage: Line = {
        "prompt_tokens": sent,
        "completion_tokens": made,
        "total_tokens": sent + made,
    }
    if cached := more.get("cached"):
        usage["prompt_tokens_details"] = {"cached_tokens": cached}
    if written := more.get("written"):
        usage.setdefault("prompt_tokens_details", {})["cache_write_tokens"] = written
    if reasoning := more.get("reasoning"):
        usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    choice = {"index": 0, "message": {"role": "assistant", "content": "Yes."}}
    return envelope(
        at,
        asked(more),
        {
            "id": id,
            "object": "chat.completion",
            "model": model,
            "service_tier": more.get("tier"),
            "choices": [choice] * (more.get("n") or 1),
            "usage": usage,
        },
        team=more.get("team"),
    )


def failure(id: str | None, at: str | None, status: int = 500, **more: Any) -> Line:
    """One call that the provider refused: an error body without usage."""
    body = {"error": {"message": "the server had an error", "type": "server_error"}}
    return {**envelope(at, asked(more), body), "status_code": status, "x_request_id": id}


def uncounted(id: str | None, at: str | None, **more: Any) -> Line:
    """One call whose log holds neither usage nor text."""
    return {**envelope(at, asked(more), None), "x_request_id": id}


def embedding(at: str | None, model: str | None, sent: int, **more: Any) -> Line:
    """One embedding, whose answer has no id."""
    usage = {"prompt_tokens": sent, "total_tokens": sent}
    vector = {"object": "embedding", "index": 0, "embedding": [0.5]}
    body = {"object": "list", "data": [vector], "model": model, "usage": usage}
    line = envelope(at, {"model": more.get("requested"), "input": "text"}, body)
    return {**line, "url": "https://api.openai.com/v1/embeddings"}


def asked(more: Mapping[str, Any]) -> Line:
    """The request body of a chat call."""
    fields = {key: more.get(key) for key in ("max_tokens", "n") if more.get(key) is not None}
    messages = [{"role": "user", "content": more.get("text", "Is it so?")}]
    return {"model": more.get("requested"), "messages": messages, **fields}


def envelope(at: str | None, request: Line, response: Line | None, **more: Any) -> Line:
    """What a proxy writes around a request and its answer."""
    kept = {name: value for name, value in more.items() if value is not None}
    return {
        "timestamp": at,
        "url": "https://api.openai.com/v1/chat/completions",
        "status_code": 200,
        "request": request,
        "response": response,
        **kept,
    }


def write(path: Path, lines: Iterable[Line | str]) -> Path:
    """A JSONL file of these lines; what is text already stays as it is."""
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path
