"""What the provider would refuse: errors of a training file's lines and of the file.

Names and meaning of the errors of a chat line: OpenAI cookbook, "Data preparation and analysis for
chat model fine-tuning", whose own code crashes on values that are no strings. Names marked "ours"
are not the provider's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from auditor.finetune.examples import Markers
from auditor.finetune.rules import FEWEST_EXAMPLES, is_completion_model

CHAT_ERRORS = (
    "data_type",
    "missing_messages_list",
    "message_missing_key",
    "message_unrecognized_key",
    "unrecognized_role",
    "missing_content",
    "example_missing_assistant_message",
    "example_unrecognized_key",  # ours
    "weight_not_0_or_1",  # ours
)
COMPLETION_ERRORS = (
    "data_type",
    "prompt_not_text",
    "completion_not_text",
    "prompt_without_separator",
    "completion_without_space",
    "completion_without_stop",
    "example_unrecognized_key",
)  # all but the first are ours

LARGEST_FILE_BYTES = 50_000_000
"""Guide of August 2023: 50 MB, taken as the smaller reading of it."""
LARGER_FILES_FROM = date(2024, 1, 1)

LAUNCH = date(2023, 8, 22)
FUNCTIONS_FROM = date(2023, 10, 6)
"""openai-cookbook pull request 765."""
WEIGHT_FROM = date(2024, 2, 27)
"""openai-cookbook pull request 1074."""
TOOLS_FROM = date(2024, 6, 17)
"""openai-cookbook pull request 1253: the service may have taken them before."""

ErrorsOf = Callable[[object], tuple[str, ...]]
"""The errors of one decoded line."""


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """What the chat format of a day knows."""

    example_keys: frozenset[str]
    message_keys: frozenset[str]
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class FileFault:
    """What is wrong with a file as a whole.

    ``too_few_examples``: ``found`` examples, ``allowed`` needed. ``file_too_large``: bytes.
    ``example_too_long``: ``found`` examples are longer than ``allowed`` tokens, from whose ends
    ``tokens_cut`` tokens are cut.
    """

    name: str
    found: int
    allowed: int
    tokens_cut: int = 0


def takes_tools(model: str, on: date) -> bool:
    """Whether a model could be trained on calls with functions on that day."""
    return on >= FUNCTIONS_FROM and not is_completion_model(model)


def chat_format(on: date) -> ChatFormat:
    """The keys and roles that a chat file could have on a day; before the launch, those of it."""
    example_keys, message_keys = {"messages"}, {"role", "content", "name"}
    roles = {"system", "user", "assistant"}
    if on >= FUNCTIONS_FROM:
        example_keys.add("functions")
        message_keys.add("function_call")
        roles.add("function")
    if on >= WEIGHT_FROM:
        message_keys.add("weight")
    if on >= TOOLS_FROM:
        example_keys |= {"tools", "parallel_tool_calls"}
        message_keys |= {"tool_calls", "tool_call_id"}
        roles.add("tool")
    return ChatFormat(frozenset(example_keys), frozenset(message_keys), frozenset(roles))


def chat_errors(line: object, on: date) -> tuple[str, ...]:
    """The errors of a decoded line of a chat file, any JSON value: each name once, as listed."""
    if not isinstance(line, dict):
        return ("data_type",)
    known = chat_format(on)
    found = set()
    if line.keys() - known.example_keys:
        found.add("example_unrecognized_key")
    messages = line.get("messages")
    if not isinstance(messages, list) or not messages:
        found.add("missing_messages_list")
        return _in_order(found, CHAT_ERRORS)
    for message in messages:
        found |= _message_errors(message, known)
    if not any(isinstance(m, dict) and m.get("role") == "assistant" for m in messages):
        found.add("example_missing_assistant_message")
    return _in_order(found, CHAT_ERRORS)


def completion_errors(line: object, markers: Markers) -> tuple[str, ...]:
    """The errors of a decoded line of a completions file, any JSON value."""
    if not isinstance(line, dict):
        return ("data_type",)
    found = set()
    if line.keys() - {"prompt", "completion"}:
        found.add("example_unrecognized_key")
    prompt, completion = line.get("prompt"), line.get("completion")
    if not isinstance(prompt, str):
        found.add("prompt_not_text")
    elif not prompt.endswith(markers.separator):
        found.add("prompt_without_separator")
    if not isinstance(completion, str):
        found.add("completion_not_text")
    else:
        if not completion.startswith(" "):
            found.add("completion_without_space")
        if not completion.endswith(markers.stop):
            found.add("completion_without_stop")
    return _in_order(found, COMPLETION_ERRORS)


def count_errors(lines: Iterable[object], errors_of: ErrorsOf) -> dict[str, int]:
    """How many lines of a file have each error, by name; an error that no line has is not in it."""
    counts: dict[str, int] = {}
    for line in lines:
        for name in errors_of(line):
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))


def file_faults(
    lengths: Iterable[int], file_bytes: int, *, on: date, longest: int
) -> tuple[FileFault, ...]:
    """What is wrong with the file as a whole.

    ``lengths`` are the billed tokens of each example, ``longest`` the most tokens of an example
    that the model trains on (longer ones are cut at the end).
    """
    lengths = list(lengths)
    faults = []
    if len(lengths) < FEWEST_EXAMPLES:
        faults.append(FileFault("too_few_examples", len(lengths), FEWEST_EXAMPLES))
    if on < LARGER_FILES_FROM and file_bytes > LARGEST_FILE_BYTES:
        faults.append(FileFault("file_too_large", file_bytes, LARGEST_FILE_BYTES))
    cut = [length - longest for length in lengths if length > longest]
    if cut:
        faults.append(FileFault("example_too_long", len(cut), longest, sum(cut)))
    return tuple(faults)


def _message_errors(message: object, known: ChatFormat) -> set[str]:
    if not isinstance(message, dict):
        return {"message_missing_key"}
    found = set()
    if "role" not in message or "content" not in message:
        found.add("message_missing_key")
    if message.keys() - known.message_keys:
        found.add("message_unrecognized_key")
    role = message.get("role")
    if not isinstance(role, str) or role not in known.roles:
        found.add("unrecognized_role")
    if not _has_content(message, known):
        found.add("missing_content")
    weight = message.get("weight", 1)
    if isinstance(weight, bool) or weight not in (0, 1):
        found.add("weight_not_0_or_1")
    return found


def _has_content(message: Mapping[str, Any], known: ChatFormat) -> bool:
    """Text, or nothing at all beside a call that the day knows."""
    content = message.get("content")
    calls = any(
        message.get(key) for key in ("function_call", "tool_calls") if key in known.message_keys
    )
    if isinstance(content, str):
        return bool(content) or calls
    return content is None and calls


def _in_order(found: set[str], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name in found)
