"""What a body is read into, and the small readers that every family shares.

A body is an already decoded JSON object. Nothing here trusts it: a field of an unexpected type
is read as absent, because only token counts may refuse a line (``BadUsageError``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from auditor.records import Usage

Body = Mapping[str, Any]
Message = dict[str, Any]

CHAT = "chat"
COMPLETION = "completion"
RESPONSE = "response"
EMBEDDING = "embedding"
OTHER = "other"
ERROR = "error"
NOT_A_CALL = "not_a_call"

STANDARD = "standard"
_STANDARD_WORDS = frozenset({"", "auto", "default", "standard", "on_demand"})
_FAILURE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered.

    ``kind`` is ``chat``, ``completion``, ``response``, ``embedding``, ``other``, ``error`` or
    ``not_a_call`` (a listing, a file, a thread message: nothing was generated). ``created`` is the
    provider's epoch as it stands: mostly seconds, sometimes milliseconds, sometimes nonsense.
    ``outputs`` are chat messages, one for each choice. ``interrupted`` says that some part of a
    stream could not be read, as a rule its last event.
    """

    kind: str
    id: str | None = None
    created: int | float | None = None
    model: str | None = None
    tier: str = STANDARD
    usage: Usage | None = None
    outputs: tuple[Message, ...] = ()
    failure: str | None = None
    finish_reasons: tuple[str, ...] = ()
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call asked for.

    ``prompts`` are kept as sent: strings, or token numbers (a list) for each prompt.
    ``extras`` holds ``functions``, ``function_call``, ``tools``, ``tool_choice`` where sent.
    ``max_tokens`` is the limit of answer tokens, None where there is none.
    """

    model: str | None = None
    messages: tuple[Message, ...] = ()
    prompts: tuple[str | list[int], ...] = ()
    extras: dict[str, Any] = field(default_factory=dict)
    max_tokens: int | None = None
    n: int = 1
    user: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    stream: bool = False
    tier: str = STANDARD


Said = tuple[tuple[Message, ...], tuple[str | list[int], ...]]
"""Messages and prompts of a request."""


def _never(_: Body) -> bool:
    return False


def _usage_field(body: Body) -> Any:
    return body.get("usage")


@dataclass(frozen=True, slots=True)
class Family:
    """How one API writes its usage, its answers, its streams and its prompts.

    A module of ``families`` defines one as ``FAMILY``; that is all a new provider needs. The
    questions (``claims``, ``counts``, ``streams``) must not overlap with another family's.

    ``objects``/``claims``: which answers are its own, by ``object`` or by other keys.
    ``usage_in``: where such an answer keeps its usage object. ``answer``: reads it.
    ``counts``/``usage``: which usage objects are its own, and how they are read.
    ``streams``/``join``: which stream events are its own, and the whole body they add up to.
    ``said``: the messages and prompts of a request, None if it is another's.
    """

    objects: frozenset[str] = frozenset()
    claims: Callable[[Body], bool] = _never
    usage_in: Callable[[Body], Any] = _usage_field
    answer: Callable[[Body, Usage | None], Answer] | None = None
    counts: Callable[[Body], bool] = _never
    usage: Callable[[Body, str | None], Usage | None] | None = None
    streams: Callable[[Body], bool] = _never
    join: Callable[[Sequence[Body]], Body] | None = None
    said: Callable[[Body, str | None], Said | None] | None = None


def text_at(body: Body, key: str) -> str | None:
    """The string at ``key``; None if it is empty or anything else."""
    value = body.get(key)
    return value if isinstance(value, str) and value else None


def body_at(body: Body, key: str) -> Body:
    """The object at ``key``; an empty one if there is none."""
    value = body.get(key)
    return value if isinstance(value, Mapping) else {}


def bodies_at(body: Body, key: str) -> list[Any]:
    """The objects in the list at ``key``; what is no object is left out."""
    value = body.get(key)
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, Mapping)]


def texts_at(bodies: Sequence[Body], key: str) -> tuple[str, ...]:
    """The non-empty strings at ``key`` of each body."""
    return tuple(text for body in bodies if (text := text_at(body, key)))


def epoch(value: object) -> int | float | None:
    """An epoch as it stands: a number, digits (Writer), or ISO 8601 with a zone (Ollama)."""
    if isinstance(value, str):
        if value.isascii() and value.isdigit() and len(value) < 19:
            return int(value)
        try:
            moment = datetime.fromisoformat(value)
            return moment.timestamp() if moment.tzinfo else None
        except (ValueError, OverflowError):
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < 2**63 else None


def tier_of(word: object) -> str:
    """The processing tier: ``standard`` for default, auto and null, else the provider's word."""
    if not isinstance(word, str) or word.lower() in _STANDARD_WORDS:
        return STANDARD
    return word.lower()


def failure_of(body: Body) -> str | None:
    """``code: message`` of the error that a body carries, None if it carries none.

    An error is an object (OpenAI, Anthropic, Gemini), a string (Ollama, Hugging Face), or the body
    itself (``object: error`` of vLLM and Mistral, ``type: error`` inside a Responses stream).
    """
    error = body.get("error")
    if not error:
        if body.get("object") != "error" and body.get("type") != "error":
            return None
        error = body
    if isinstance(error, str):
        return error[:_FAILURE_LENGTH]
    if not isinstance(error, Mapping):
        return "error"
    return describe(error)


def describe(error: Body) -> str:
    """``code: message`` of an error object, in short."""
    words = (error.get(key) for key in ("code", "type", "status"))
    # an HTTP status as code says less than the word beside it
    word = next((w for w in words if isinstance(w, str) and w and not w.isdigit()), None)
    message = text_at(error, "message") or text_at(error, "Message")
    return ": ".join(part for part in (word, message) if part)[:_FAILURE_LENGTH] or "error"


def compact(value: object) -> str:
    """A JSON value as text without needless blanks; a string as it is."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def prompts_of(sent: object) -> tuple[str | list[int], ...]:
    """Prompts as sent: a string, strings, token numbers, or lists of token numbers."""
    if isinstance(sent, str):
        return (sent,)
    if not isinstance(sent, list):
        return ()
    if sent and all(type(item) is int for item in sent):
        return (sent,)
    return tuple(item for item in sent if isinstance(item, str | list))


def assistant(
    content: str | None, *, tool_calls: Sequence[Message] = (), reasoning: str = ""
) -> Message:
    """An answer as a chat message, in the words of OpenAI's chat API."""
    message: Message = {"role": "assistant", "content": content}
    if tool_calls:
        message["tool_calls"] = list(tool_calls)
    if reasoning:
        message["reasoning_content"] = reasoning
    return message


def tool_call(identity: object, name: object, arguments: object) -> Message:
    """One call of a tool, in the words of OpenAI's chat API."""
    function = {"name": name if isinstance(name, str) else "", "arguments": compact(arguments)}
    return {"id": identity, "type": "function", "function": function}
