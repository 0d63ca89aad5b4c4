"""OpenAI chat and legacy completions, and the many servers that speak the same way.

Source: openai-openapi f85dbe22 and real bodies of OpenAI, Azure, Groq, Mistral, Together,
DeepSeek, Writer, vLLM, OpenRouter (formats.md 1). ``prompt_tokens`` includes the cache,
``completion_tokens`` the reasoning. Writer and Mistral write ``prompt_token_details``. Streams
carry usage in the last chunk (Groq: in ``x_groq.usage``) or not at all (facts 6.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.formats.shapes.counts import details, inclusive
from auditor.formats.shapes.terms import (
    CHAT,
    COMPLETION,
    Answer,
    Body,
    Family,
    Message,
    assistant,
    bodies_at,
    body_at,
    epoch,
    failure_of,
    text_at,
    texts_at,
    tier_of,
)
from auditor.records import Usage

_COMPLETIONS = frozenset({"text_completion", "text.completion", "edit"})
_CHUNKS = _COMPLETIONS | {"chat.completion", "chat.completion.chunk"}
_GROWING = ("content", "refusal", "reasoning_content", "reasoning")


def _counts(usage: Body) -> bool:
    return "prompt_tokens" in usage or "completion_tokens" in usage


def _usage(usage: Body, model: str | None) -> Usage | None:
    return inclusive(
        usage,
        prompt="prompt_tokens",
        completion="completion_tokens",
        prompt_details=details(usage, "prompt_tokens_details", "prompt_token_details"),
        completion_details=details(usage, "completion_tokens_details", "completion_token_details"),
        model=model,
    )


def _claims(body: Body) -> bool:
    """Azure, Writer and Bedrock leave ``object`` out or empty."""
    return not body.get("object") and isinstance(body.get("choices"), list)


def _usage_in(body: Body) -> Any:
    return body.get("usage") or body_at(body, "x_groq").get("usage")


def _answer(body: Body, usage: Usage | None) -> Answer:
    choices = bodies_at(body, "choices")
    said = tuple(_output(choice) for choice in choices)
    name = body.get("object")
    written = name in _COMPLETIONS if name else any("text" in choice for choice in choices)
    return Answer(
        kind=COMPLETION if written else CHAT,
        id=text_at(body, "id"),
        created=epoch(body.get("created")),
        model=text_at(body, "model"),
        tier=tier_of(body.get("service_tier")),
        usage=usage,
        outputs=tuple(message for message in said if message is not None),
        failure=failure_of(body),
        finish_reasons=texts_at(choices, "finish_reason"),
    )


def _output(choice: Body) -> Message | None:
    message = choice.get("message")
    if isinstance(message, dict):
        return message
    text = choice.get("text")
    return assistant(text) if isinstance(text, str) else None


def _streams(event: Body) -> bool:
    """``{"value": ...}`` is a completion stream of Writer."""
    return isinstance(event.get("choices"), list) or event.keys() == {"value"}


class _Choice:
    """One choice of a stream while its pieces come in."""

    def __init__(self) -> None:
        self.pieces: dict[str, list[str]] = {}
        self.calls: dict[Any, Message] = {}
        self.function: Message | None = None
        self.reason: Any = None

    def add(self, delta: Body) -> None:
        for key in _GROWING:
            piece = _plain(delta.get(key))
            if piece is not None:
                self.pieces.setdefault(key, []).append(piece)
        for call in bodies_at(delta, "tool_calls"):
            place = call.get("index")
            if not isinstance(place, int):  # some servers send whole calls without an index
                place = text_at(call, "id") or len(self.calls)
            known = self.calls.setdefault(place, {"id": None, "type": "function", "function": {}})
            known["id"] = known["id"] or call.get("id")
            _extend(known["function"], body_at(call, "function"))
        if function := body_at(delta, "function_call"):
            self.function = self.function or {}
            _extend(self.function, function)

    def message(self) -> Message:
        message: Message = {"role": "assistant", "content": None}
        message.update((key, "".join(pieces)) for key, pieces in self.pieces.items())
        if self.calls:
            message["tool_calls"] = list(self.calls.values())
        if self.function:
            message["function_call"] = self.function
        return message

    def whole(self, completion: bool) -> Message:
        """The choice as it would have stood in an unstreamed body."""
        message = self.message()
        said = {"text": message["content"] or ""} if completion else {"message": message}
        return {**said, "finish_reason": self.reason}


def _extend(function: Message, piece: Body) -> None:
    for key in ("name", "arguments"):
        if isinstance(piece.get(key), str):
            function[key] = function.get(key, "") + piece[key]


def _plain(content: object) -> str | None:
    """Content of a delta; Mistral's reasoning models send parts."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict)]
        return "".join(texts_at(parts, "text"))
    return content if isinstance(content, str) else None


def _said_in(choice: Body) -> Body:
    """Writer sends ``message`` beside ``delta``; a server that ignored ``stream``, only that."""
    for key in ("delta", "message"):
        if key in choice:
            return body_at(choice, key)
    return {"content": choice.get("text")}


def _join(events: Sequence[Body]) -> Body:
    body: dict[str, Any] = {}
    choices: dict[int, _Choice] = {}
    completion = False
    for event in events:
        if event.keys() == {"value"}:
            event = {"choices": [{"text": event["value"]}], "object": "text_completion"}
        for key in ("id", "created", "model"):
            body[key] = body.get(key) or event.get(key)  # Azure's first chunk has "" and 0
        body["service_tier"] = event.get("service_tier") or body.get("service_tier")
        body["usage"] = _usage_in(event) or body.get("usage")
        completion = completion or event.get("object") == "text_completion"
        for choice in bodies_at(event, "choices"):
            index = choice.get("index")
            place = choices.setdefault(index if isinstance(index, int) else 0, _Choice())
            place.add(_said_in(choice))
            place.reason = choice.get("finish_reason") or place.reason
    body["object"] = "text_completion" if completion else "chat.completion"
    body["choices"] = [choices[index].whole(completion) for index in sorted(choices)]
    return body


FAMILY = Family(
    objects=_CHUNKS,
    claims=_claims,
    usage_in=_usage_in,
    answer=_answer,
    counts=_counts,
    usage=_usage,
    streams=_streams,
    join=_join,
)
