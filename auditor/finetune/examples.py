"""Training examples: from a logged call to a line of the provider's file, and which are chosen.

The order in which a data set is made: shorten and redact, then render, check
(``auditor.finetune.checks``), ``deduplicated`` and ``split``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from auditor.errors import AuditError

JOIN = "\n\n"
"""What stands between the contents of a prompt that is rendered as plain text."""

CHAT_SENTENCE = (
    "An example is the messages of a call and its answer as they were sent, without empty keys; a"
    " legacy completion is one user message, its prompts joined by a blank line."
)

# What OpenAI's guide proposes comes first. The tool of its library (openai 0.28.1, validators.py)
# goes to the next of a list when one occurs in the data; these are ours.
_SEPARATORS = ("\n\n###\n\n", "\n\n===\n\n", "\n\n---\n\n", "\n\n~~~\n\n")
_STOPS = (" END", " [END]", " <END>")

_REQUEST_KEYS = ("functions", "tools")
_LEFT_OUT_KEYS = ("function_call", "tool_choice", "response_format")


@dataclass(frozen=True, slots=True)
class Material:
    """One answered call of a log, as far as an example is made of it.

    ``messages``, ``prompts`` and ``extras`` are those of ``records.Text``, ``answer`` is the one
    answer message. ``tokens`` is the length that the provider bills, prompt and answer, as the
    caller counted it; nothing here counts again, so shortened material needs a new count.
    """

    call_id: str
    messages: tuple[dict[str, Any], ...]
    prompts: tuple[Any, ...]
    extras: dict[str, Any]
    answer: dict[str, Any]
    tokens: int


@dataclass(frozen=True, slots=True)
class Markers:
    """What ends every prompt and every completion of one completions file."""

    separator: str
    stop: str

    def sentence(self) -> str:
        """The rendering in words, for a report: whoever calls the model must do the same."""
        return (
            "The prompt of an example is the bare contents of its messages, joined by a blank line,"
            f" without roles or names, and ends with {json.dumps(self.separator)}; the completion"
            f" starts with a space and ends with {json.dumps(self.stop)}. There is no official"
            " rendering of a chat for a completions model."
        )


@dataclass(frozen=True, slots=True)
class Example:
    """A rendered line. ``prompt`` is all of it but the answer, as text that can be compared."""

    call_id: str
    line: dict[str, Any]
    prompt: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Split:
    """Examples to train with and examples to validate with; no prompt is in both."""

    training: tuple[Example, ...]
    validation: tuple[Example, ...]


def render_chat(material: Material) -> Example:
    """``{"messages": [...]}``, with ``functions`` or ``tools`` where the request declared them.

    The request's messages, then the answer. A legacy completion is one user message, its prompts
    joined by a blank line. In a message, keys with null or empty values are dropped, except the
    content; a content of nothing but text parts becomes their plain concatenation, as which it is
    counted. All other keys stay, and ``chat_errors`` tells which of them the day does not know.
    What only steers the answer (``left_out``) has no place in a training file.
    """
    if material.messages or not material.prompts:
        asked = [_message(message) for message in material.messages]
    else:
        asked = [{"role": "user", "content": _joined(material.prompts)}]
    declared = {key: material.extras[key] for key in _REQUEST_KEYS if material.extras.get(key)}
    answer = _message({"role": "assistant", **material.answer})
    return Example(
        call_id=material.call_id,
        line={"messages": [*asked, answer], **declared},
        prompt=_canonical({"messages": asked, **declared}),
        tokens=material.tokens,
    )


def left_out(material: Material) -> tuple[str, ...]:
    """The request's fields that shaped the answer and that no training file can hold."""
    return tuple(key for key in _LEFT_OUT_KEYS if material.extras.get(key))


def choose_markers(materials: Iterable[Material]) -> Markers:
    """The first separator and the first stop sequence that no prompt and no completion contains.

    Chosen for the whole set, the same for any order of it. When all of the list occur, they are
    numbered until one does not.
    """
    prompts, completions = [], []
    for material in materials:
        prompts.append(_prompt_text(material) or "")
        completions.append(_completion_text(material) or "")
    return Markers(
        separator=_first_unused(_SEPARATORS, "\n\n### {} ###\n\n", prompts),
        stop=_first_unused(_STOPS, " END{}", completions),
    )


def render_completion(material: Material, markers: Markers) -> Example:
    """``{"prompt": ..., "completion": ...}`` for babbage-002 and davinci-002.

    The prompt is the bare contents of the messages joined by a blank line, then the separator; the
    completion is a space, the answer, the stop sequence. Source: OpenAI's legacy fine-tuning guide
    for the markers; for a chat no official rendering exists. What has no plain text (function
    calls, declared functions, images, token ids) is rendered as null: ``completion_errors`` tells.
    """
    prompt = _prompt_text(material)
    completion = _completion_text(material)
    rendered = None if prompt is None else prompt + markers.separator
    return Example(
        call_id=material.call_id,
        line={
            "prompt": rendered,
            "completion": None if completion is None else completion + markers.stop,
        },
        prompt=_canonical(rendered),
        tokens=material.tokens,
    )


def deduplicated(examples: Iterable[Example]) -> tuple[Example, ...]:
    """The first example of each prompt."""
    first: dict[str, Example] = {}
    for example in examples:
        first.setdefault(example.prompt, example)
    return tuple(first.values())


def split(examples: Sequence[Example], limit: int | None, share: Decimal) -> Split:
    """The first ``limit`` train, the next ``floor(training * share)`` validate.

    ``examples`` are checked and deduplicated. With no limit, all are used and training takes the
    fewest whose share covers the others. When there are too few, training is served first. Raises
    AuditError when the limit is negative or the share is no number from 0 up.
    """
    if limit is not None and limit < 0:
        raise AuditError(f"the limit of examples is {limit}", hint="give 0 or more")
    if not share.is_finite() or share < 0:
        raise AuditError(
            f"the share of validation examples is {share}", hint="give a number such as 0.2"
        )
    exact = Fraction(share)
    # Without a limit, the smallest t with t + floor(t * share) >= all: no example is left over.
    trained = math.ceil(len(examples) / (1 + exact)) if limit is None else limit
    training = tuple(examples[:trained])
    validated = math.floor(len(training) * exact)
    return Split(training, tuple(examples[len(training) : len(training) + validated]))


def encode_line(line: Mapping[str, Any]) -> bytes:
    """A line of a JSONL file in UTF-8 with its line end; lone surrogates are replaced."""
    text = json.dumps(line, ensure_ascii=False) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message without empty keys: role and content first, the others by name."""
    kept: dict[str, Any] = {}
    if "role" in message:
        kept["role"] = message["role"]
    calls = [key for key in ("function_call", "tool_calls") if message.get(key)]
    if "content" in message or calls:
        kept["content"] = _plain(message.get("content"))
    for key in sorted(message.keys() - {"role", "content"}):
        value = message[key]
        if value is not None and value not in ("", [], {}):
            kept[key] = value
    return kept


def _plain(content: Any) -> Any:
    """Text parts as one string; anything else as it is."""
    if not isinstance(content, list) or not content:
        return content
    texts = [_text_of(part) for part in content]
    return content if None in texts else "".join(text for text in texts if text is not None)


def _text_of(part: Any) -> str | None:
    if isinstance(part, str):
        return part
    if isinstance(part, dict) and part.get("type", "text") in ("text", "input_text", "output_text"):
        text = part.get("text")
        return text if isinstance(text, str) else None
    return None


def _joined(contents: Sequence[Any]) -> Any:
    """Strings joined by a blank line; contents that are no text stay what they are."""
    if all(isinstance(content, str) for content in contents):
        return JOIN.join(contents)
    return contents[0] if len(contents) == 1 else list(contents)


def _prompt_text(material: Material) -> str | None:
    if any(material.extras.get(key) for key in _REQUEST_KEYS):
        return None
    contents = [_only_text(message) for message in material.messages]
    joined = _joined(contents if contents else material.prompts)
    return joined if isinstance(joined, str) else None


def _completion_text(material: Material) -> str | None:
    text = _only_text(material.answer)
    return None if text is None else " " + text


def _only_text(message: Mapping[str, Any]) -> str | None:
    """The content of a message that is nothing but text."""
    if message.get("function_call") or message.get("tool_calls"):
        return None
    content = _plain(message.get("content"))
    return content if isinstance(content, str) else None


def _first_unused(markers: Sequence[str], numbered: str, texts: Sequence[str]) -> str:
    for marker in markers:
        if _ends_all(marker, texts):
            return marker
    number = 1
    while not _ends_all(numbered.format(number), texts):
        number += 1
    return numbered.format(number)


def _ends_all(marker: str, texts: Iterable[str]) -> bool:
    """Whether the marker, put behind each text, is found at its end and not before.

    A text that ends like the marker begins would make it appear too early.
    """
    return all((text + marker).find(marker) == len(text) for text in texts)


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
