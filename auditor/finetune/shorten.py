"""Prompts without the beginning that they share: the tuned model has learned it.

The shared prefix was measured on the logged calls. Source of the idea: OpenAI's guide of 2023 (a
model may be trained "with a shortened instruction prompt"); it also says that shorter prompts need
more examples.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from auditor.finetune.examples import Material
from auditor.tokens import split_at_token


@dataclass(frozen=True, slots=True)
class SharedPrefix:
    """What calls begin with: whole messages, then tokens of the next message's text."""

    whole_messages: int
    then_tokens: int
    encoding: str


def shorten(messages: Sequence[Any], prefix: SharedPrefix) -> tuple[Any, ...]:
    """Messages (or legacy prompts) without the prefix, whatever it says in this call.

    The last message always stays, its content may become empty. A content of text parts becomes
    the rest of their concatenation. A content that is no text (an image among the parts) is not
    cut. Prompts that are token ids lose ids.
    """
    if not messages:
        return ()
    if prefix.whole_messages >= len(messages):
        return (_with_content(messages[-1], ""),)
    first, *others = messages[prefix.whole_messages :]
    parted = _cut(_content_of(first), prefix)
    if prefix.then_tokens <= 0 or parted is None:
        return (first, *others)
    return (_with_content(first, parted[1]), *others)


def shorten_all(
    materials: Iterable[Material], prefix: SharedPrefix
) -> tuple[tuple[Material, ...], int]:
    """Materials without the beginning that most of them share, and how many kept theirs whole.

    A beginning is the first ``whole_messages`` messages and, where ``then_tokens`` is not 0, the
    role and the first tokens of the next. The most common one is dropped; of equally common ones,
    the smaller as JSON text. Other materials, and those too short to have one, are unchanged.
    """
    materials = tuple(materials)
    beginnings = [_beginning(material, prefix) for material in materials]
    counts = Counter(beginning for beginning in beginnings if beginning is not None)
    if not counts:
        return materials, len(materials)
    shared = min(counts, key=lambda beginning: (-counts[beginning], beginning))
    shortened = tuple(
        _shortened(material, prefix) if beginning == shared else material
        for material, beginning in zip(materials, beginnings, strict=True)
    )
    return shortened, len(materials) - counts[shared]


def _beginning(material: Material, prefix: SharedPrefix) -> str | None:
    """The beginning as JSON text, None for a call that is too short or not text where it is cut."""
    messages = _asked(material)
    whole = messages[: prefix.whole_messages]
    if not messages or len(whole) < prefix.whole_messages:
        return None
    if prefix.then_tokens <= 0:
        return _canonical([list(whole)])
    if len(messages) == len(whole):
        return None
    following = messages[len(whole)]
    parted = _cut(_content_of(following), prefix)
    if parted is None:
        return None
    role = following.get("role") if isinstance(following, dict) else None
    return _canonical([list(whole), role, parted[0]])


def _shortened(material: Material, prefix: SharedPrefix) -> Material:
    if material.messages:
        return replace(material, messages=shorten(material.messages, prefix))
    return replace(material, prompts=shorten(material.prompts, prefix))


def _asked(material: Material) -> tuple[Any, ...]:
    """The messages of a call; each prompt of a legacy completion is one without a role."""
    return material.messages or material.prompts


def _cut(content: Any, prefix: SharedPrefix) -> tuple[Any, Any] | None:
    """Head and rest of a content, None when it has no text to be cut."""
    if isinstance(content, list) and content and all(type(part) is int for part in content):
        return content[: prefix.then_tokens], content[prefix.then_tokens :]
    text = _text(content)
    if text is None:
        return None
    return split_at_token(text, prefix.then_tokens, prefix.encoding)


def _text(content: Any) -> str | None:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [part.get("text") if isinstance(part, dict) else part for part in content]
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(parts) else None


def _content_of(message: Any) -> Any:
    return message.get("content") if isinstance(message, dict) else message


def _with_content(message: Any, content: Any) -> Any:
    return {**message, "content": content} if isinstance(message, dict) else content


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
