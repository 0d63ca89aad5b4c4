"""What a call belongs to: its workload, and the prompt that it shares with no or some others.

A call belongs to what the log tags it with, else to its system message, else to the opening of its
first message. The opening is the first 24 characters, white space folded and digits taken as one:
``Is 17077 a prime number?`` and ``Is 3 a prime number?`` are one workload.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.records import Call, Text
from auditor.workload.hashing import HashKey

WORKLOAD_TAGS = (
    "workload",
    "prompt_name",
    "prompt_id",
    "task",
    "use_case",
    "feature",
    "template",
    "dataset",
)
SYSTEM_ROLES = ("system", "developer")
OPENING_CHARACTERS = 24
READ_CHARACTERS = 400  # enough for an opening with its blanks and digits
BY_SYSTEM, BY_OPENING = "system message", "opening"
MOVABLE = ("chat", "completion", "response")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call belongs.

    ``workload`` is the id, None where the log shows neither tag nor text. ``found_by`` is ``tag
    NAME``, ``system message`` or ``opening``; ``label`` the value of that tag, which the store
    holds anyway, else ''. ``prompt`` is the hash of all that was sent, None without text.
    """

    workload: str | None = None
    found_by: str = ""
    label: str = ""
    prompt: int | None = None


def place_of(call: Call, key: HashKey, tags: Iterable[str] = WORKLOAD_TAGS) -> Place:
    """Where a call belongs; nowhere if no chat or completion model could answer it."""
    if (kept := call.kept) is not None:
        return Place(kept.workload, kept.found_by, kept.label, kept.prompt)
    if call.endpoint not in MOVABLE:
        return Place()
    prompt = _prompt(call.text, key)
    for name in tags:
        if label := call.tags.get(name, "").strip():
            return Place(key.id_of("tag", name, label), f"tag {name}", label, prompt)
    if call.text is None:
        return Place()
    if (system := _system(call.text)) is not None:
        return Place(key.id_of("system", system), BY_SYSTEM, "", prompt)
    if (first := first_text(call.text)) is not None:
        return Place(key.id_of("opening", opening_of(first)), BY_OPENING, "", prompt)
    return Place(prompt=prompt)


def _prompt(text: Text | None, key: HashKey) -> int | None:
    if text is None or not (text.messages or text.prompts):
        return None
    return key.number_of(b"prompt", [text.messages, text.prompts])


def _system(text: Text) -> Any:
    """The content of the first system message that says anything."""
    for message in text.messages:
        if message.get("role") in SYSTEM_ROLES and message.get("content"):
            return message["content"]
    return None


def first_text(text: Text) -> str | None:
    """The first thing that was said: of the first message with text, or the first prompt."""
    for message in text.messages:
        if said := text_of(message):
            return said
    return next((prompt for prompt in text.prompts if isinstance(prompt, str) and prompt), None)


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message's content, '' where it has none."""
    content = message.get("content")
    if isinstance(content, list):
        parts = (part.get("text") if isinstance(part, dict) else part for part in content)
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def leading_text(message: Mapping[str, Any]) -> str:
    """The text of a message's content up to the first part that is none (an image)."""
    content = message.get("content")
    if not isinstance(content, list):
        return text_of(message)
    texts = []
    for part in content:
        text = part.get("text") if isinstance(part, dict) else part
        if not isinstance(text, str):
            break
        texts.append(text)
    return "".join(texts)


def opening_of(text: str) -> str:
    """The opening by which untagged calls are told apart; for people it is ``text`` itself."""
    folded = " ".join(text[:READ_CHARACTERS].split())
    return re.sub(r"\d+", "0", folded)[:OPENING_CHARACTERS]
