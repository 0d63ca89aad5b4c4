"""The quick way through captures: lines of the commonest shape are read by type, into columns.

A plain chat call is a request with text messages, answered by one whole choice, with usage. Its
fields are listed below, each with the values it may have: a line with any other field or value, or
whose counts do not agree, is not read here but goes the long way, ``captures.read_line``, which
knows all shapes. So nothing can be read differently here; what this module must get right is only
that the values it lets through mean what the long way says they mean
(tests/test_plain_chat.py compares the two).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from auditor.formats.base import Block
from auditor.formats.shapes.counts import LIMIT
from auditor.formats.shapes.terms import tier_of
from auditor.formats.times import END_OF_REACH, EPOCH
from auditor.records import Reading

BLOCK_CALLS = 5_000
# ISO 8601 as most clocks write it: what read_time and datetime.fromisoformat read alike
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.(?:\d{3}|\d{6}))?(?:Z|[+-]\d\d:\d\d)?")
TAGS = ("team", "user", "app", "project", "environment")
SAID_KEYS = frozenset({"role", "content"})
ROLES = frozenset({"system", "developer", "user", "assistant"})

Count = Annotated[int, Meta(ge=0, le=LIMIT)]
Word = Annotated[str, Meta(min_length=1)]
Zero = Literal[0]


class _InPrompt(Struct, forbid_unknown_fields=True):
    cached_tokens: Count | None = 0
    audio_tokens: Zero | None = 0


class _InCompletion(Struct, forbid_unknown_fields=True):
    reasoning_tokens: Count | None = 0
    audio_tokens: Zero | None = 0
    accepted_prediction_tokens: Any = None
    rejected_prediction_tokens: Any = None


class _Usage(Struct, forbid_unknown_fields=True):
    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count
    prompt_tokens_details: _InPrompt | None = None
    completion_tokens_details: _InCompletion | None = None


class _Answer(Struct, forbid_unknown_fields=True):
    role: Literal["assistant"]
    content: str | None
    refusal: None = None
    annotations: Any = None


class _Choice(Struct, forbid_unknown_fields=True):
    message: _Answer
    index: Any = None
    finish_reason: Literal["stop"] | None = None
    logprobs: Any = None


class _Response(Struct, forbid_unknown_fields=True):
    id: Word
    object: Literal["chat.completion"]
    model: Word
    choices: list[_Choice]
    usage: _Usage
    created: Any = None
    service_tier: str | None = None
    system_fingerprint: Any = None


class _Request(Struct, forbid_unknown_fields=True):
    model: Word
    messages: list[dict[str, str]]
    max_tokens: Count | None = None
    temperature: Any = None
    top_p: Any = None
    n: Any = None
    stop: Any = None
    seed: Any = None
    presence_penalty: Any = None
    frequency_penalty: Any = None
    logit_bias: Any = None
    logprobs: Any = None
    user: str = ""


class _Line(Struct, forbid_unknown_fields=True):
    timestamp: Word
    request: _Request
    response: _Response
    url: str | None = None
    status_code: Literal[200] | None = None
    x_request_id: Any = None
    tags: dict[str, str] | None = None
    metadata: dict[str, str] | None = None
    team: str | UnsetType = UNSET
    user: str | UnsetType = UNSET
    app: str | UnsetType = UNSET
    project: str | UnsetType = UNSET
    environment: str | UnsetType = UNSET


_Plain = tuple[int, _Line, datetime]
_LINE = msgspec.json.Decoder(_Line)


def blocks(
    lines: Iterable[bytes], long_way: Callable[[int, bytes], Reading]
) -> Iterator[Block | Reading]:
    """Every line, as a row of a Block or as what ``long_way(line number, line)`` makes of it."""
    plain: list[_Plain] = []
    for number, raw in enumerate(lines, 1):
        try:
            line = _LINE.decode(raw)
            moment = _moment(line.timestamp)
        except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError):
            yield long_way(number, raw)
            continue
        if _is_plain(line):
            plain.append((number, line, moment))
            if len(plain) == BLOCK_CALLS:
                yield _block(plain)
                plain.clear()
        else:
            yield long_way(number, raw)
    if plain:
        yield _block(plain)


def _moment(text: str) -> datetime:
    """As ``read_time``, of the spellings that both read alike. Raises ValueError for others."""
    if not MOMENT.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text.removesuffix("Z").removesuffix("+00:00"))
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    if not EPOCH <= moment < END_OF_REACH:
        raise ValueError(text)
    return moment


def _is_plain(line: _Line) -> bool:
    """Whether what types cannot say is so: the counts agree, and text is all that was said."""
    usage, response = line.response.usage, line.response
    sent, made = usage.prompt_tokens, usage.completion_tokens
    total = usage.total_tokens
    return (
        total == sent + made
        and total > 0
        and _cached(usage) <= sent
        and _reasoning(usage) <= made
        and len(response.choices) == 1
        and bool(line.request.messages)
        and _are_said(line.request.messages)
    )


def _are_said(messages: list[dict[str, str]]) -> bool:
    """Whether each is a text of somebody, and nothing else."""
    for message in messages:
        if message.keys() != SAID_KEYS or message["role"] not in ROLES:
            return False
    return True


def _cached(usage: _Usage) -> int:
    details = usage.prompt_tokens_details
    return (details.cached_tokens or 0) if details else 0


def _reasoning(usage: _Usage) -> int:
    details = usage.completion_tokens_details
    return (details.reasoning_tokens or 0) if details else 0


def _block(plain: list[_Plain]) -> Block:
    lines = [line for _, line, _ in plain]
    requests = [line.request for line in lines]
    responses = [line.response for line in lines]
    usages = [response.usage for response in responses]
    cached, reasoning = list(map(_cached, usages)), list(map(_reasoning, usages))
    return Block(
        {
            "line": [number for number, _, _ in plain],
            "id": [response.id for response in responses],
            "called_at": [moment for _, _, moment in plain],
            "requested_model": [request.model for request in requests],
            "served_model": [response.model for response in responses],
            "tier": [tier_of(response.service_tier) for response in responses],
            "input_tokens": [
                usage.prompt_tokens - part for usage, part in zip(usages, cached, strict=True)
            ],
            "cache_read_tokens": cached,
            "output_tokens": [
                usage.completion_tokens - part
                for usage, part in zip(usages, reasoning, strict=True)
            ],
            "reasoning_tokens": reasoning,
            "max_tokens": [request.max_tokens for request in requests],
            "whole_answer": [bool(response.choices[0].message.content) for response in responses],
        },
        tags=list(map(_tags, lines)),
        messages=[request.messages for request in requests],
    )


def _tags(line: _Line) -> dict[str, str]:
    tags = {"user": line.request.user} if line.request.user else {}
    tags |= line.metadata or {}
    tags |= line.tags or {}
    if not (line.team is line.user is line.app is line.project is line.environment is UNSET):
        for name in TAGS:
            if (value := getattr(line, name)) is not UNSET:
                tags[name] = value
    return tags
