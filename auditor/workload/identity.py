"""What a call belongs to: its workload, and the prompt that it shares with no or some others.

A call belongs to what the log tags it with, else to its system message, else to the opening of its
first message. The opening is the first 24 characters, white space folded and digits taken as one:
``Is 17077 a prime number?`` and ``Is 3 a prime number?`` are one workload.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from auditor.records import Call, Text
from auditor.workload.hashing import LONGEST_REMEMBERED, MOST_REMEMBERED, HashKey

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


class Places:
    """Says where calls belong, by ``tags`` first. It remembers what many calls have in common."""

    def __init__(self, key: HashKey, tags: Iterable[str] = WORKLOAD_TAGS) -> None:
        self._key = key
        self._tags = tuple(tags)
        self._remembered = lru_cache(MOST_REMEMBERED)(key.id_of)

    def of(self, call: Call) -> Place:
        """Where a call belongs; nowhere if no chat or completion model could answer it."""
        if (kept := call.kept) is not None:
            return Place(kept.workload, kept.found_by, kept.label, kept.prompt)
        if call.endpoint not in MOVABLE:
            return Place()
        text = call.text
        return self.of_said(*((text.messages, text.prompts) if text else ((), ())), call.tags)

    def of_said(
        self, messages: Sequence[Mapping[str, Any]], prompts: Sequence[Any], tags: Mapping[str, str]
    ) -> Place:
        """Where a call belongs that a chat or completion model answered."""
        prompt = None
        if messages or prompts:
            prompt = self._key.number_of_prompt(messages, prompts)
        for name in self._tags if tags else ():
            if name in tags and (label := tags[name].strip()):
                return Place(self._key.id_of("tag", name, label), f"tag {name}", label, prompt)
        if (system := _system(messages)) is not None:
            return Place(self._id("system", system), BY_SYSTEM, "", prompt)
        if (first := _first_text(messages, prompts)) is not None:
            return Place(self._id("opening", opening_of(first)), BY_OPENING, "", prompt)
        return Place(prompt=prompt)

    def _id(self, kind: str, said: Any) -> str:
        if isinstance(said, str) and len(said) <= LONGEST_REMEMBERED:
            return self._remembered(kind, said)
        return self._key.id_of(kind, said)


def _system(messages: Iterable[Mapping[str, Any]]) -> Any:
    """The content of the first system message that says anything."""
    for message in messages:
        if message.get("role") in SYSTEM_ROLES and message.get("content"):
            return message["content"]
    return None


def first_text(text: Text) -> str | None:
    """The first thing that was said: of the first message with text, or the first prompt."""
    return _first_text(text.messages, text.prompts)


def _first_text(messages: Iterable[Mapping[str, Any]], prompts: Iterable[Any]) -> str | None:
    for message in messages:
        if said := text_of(message):
            return said
    return next((prompt for prompt in prompts if isinstance(prompt, str) and prompt), None)


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
