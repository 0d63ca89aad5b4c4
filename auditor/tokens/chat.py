"""Tokens of chat requests and of their answers.

Plain messages: OpenAI cookbook, "How to count tokens with tiktoken", confirmed by its recorded
counts. Functions: hmarr/openai-chat-tokens. Tool calls and refusals: fitted on recorded calls of
2024 to 2026. OpenAI calls such counts an estimate; what a provider reported always wins.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.tokens.counting import CountText, count_text
from auditor.tokens.errors import UncountableError
from auditor.tokens.functions import render_functions
from auditor.tokens.models import Framing, encoding_for, framing_for

_FUNCTIONS_FRAME = 9
_FUNCTIONS_JOIN_SYSTEM = -4
_FUNCTION_CALL_FRAME = 3
_FUNCTION_ROLE = -2
_TOOL_RESULT_FRAME = 2
_NO_FUNCTION_CHOSEN = 1
_FUNCTION_CHOSEN = 4
_REFUSAL_FRAME = 1
_SYSTEM_ROLES = ("system", "developer")
_NAMED_TYPES = frozenset(
    """
    apply_patch_call audio code_interpreter code_interpreter_call computer_call computer_use
    computer_use_preview custom document file file_search file_search_call function
    function_call function_call_output image image_generation image_generation_call input_audio
    input_file input_video item_reference local_shell mcp mcp_call mcp_list_tools media message
    reasoning redacted_thinking retrieval search_result server_tool_use thinking tool_call
    tool_result tool_use video video_url web_search web_search_20250305 web_search_call
    web_search_preview web_search_tool_result
    """.split()  # noqa: SIM905
)
_TEXT_PARTS = ("text", "input_text", "output_text", "refusal")
_PLAIN_ROLES = (*_SYSTEM_ROLES, "user", "assistant")
_NO_EXTRAS: Mapping[str, Any] = {}


def count_chat_input(
    messages: Sequence[Any],
    model: str,
    extras: Mapping[str, Any] = _NO_EXTRAS,
    *,
    count: CountText = count_text,
) -> int:
    """Prompt tokens of a chat request.

    ``messages`` are those of the request, ``model`` is the snapshot that served it, ``extras`` may
    hold ``functions``, ``function_call``, ``tools``, ``tool_choice`` and ``response_format``. Keys
    that no rule knows cost nothing. Raises UncountableError when the model has no known encoding,
    or when the request holds what its text does not tell (images, audio, files, built-in tools, the
    schema of a structured answer).
    """
    chat = _chat_for(model, count)
    response_format = extras.get("response_format")
    if isinstance(response_format, dict) and response_format.get("type") == "json_schema":
        raise UncountableError("a response schema, whose form in the prompt is not known")
    functions = _functions(extras)
    total = chat.framing.per_request + chat.functions(functions, extras)
    called: dict[str, str] = {}
    joins_system = bool(functions)
    for message in messages:
        fields = _object(message, "message")
        if fields.get("type", "message") != "message":
            raise UncountableError(f"a message of type {_named(fields['type'])}")
        total += chat.message(fields, called, joins_system)
        if joins_system and fields.get("role") in _SYSTEM_ROLES:
            total += _FUNCTIONS_JOIN_SYSTEM
            joins_system = False
    return total


def count_output(outputs: Sequence[Any], model: str, *, count: CountText = count_text) -> int:
    """Tokens of the answers (one message for each choice), without hidden reasoning.

    Raises UncountableError as ``count_chat_input`` does.
    """
    chat = _chat_for(model, count)
    return sum(chat.answer(_object(output, "answer")) for output in outputs)


def count_message(
    message: Mapping[str, Any], encoding: str, *, count: CountText = count_text
) -> int:
    """Tokens of one message with its frame, as today's models count it (three a message).

    gpt-3.5-turbo-0301 counts one more. Raises UncountableError as ``count_chat_input`` does.
    """
    return _Chat(encoding, Framing(), count).message(dict(message), {}, False)


@dataclass(frozen=True, slots=True)
class _Chat:
    """The counting rules of one model."""

    encoding: str
    framing: Framing
    count_text: CountText

    def message(self, message: dict[str, Any], called: dict[str, str], joins_system: bool) -> int:
        """One message. ``called`` collects the names of the tools called so far by call id."""
        role, content = message.get("role"), message.get("content")
        if len(message) == 2 and type(content) is str and role in _PLAIN_ROLES and not joins_system:
            # what most messages are: only two texts in them can cost a token
            count, encoding = self.count_text, self.encoding
            return self.framing.per_message + count(content, encoding) + count(role, encoding)
        role, content = _text(role), _content(content)
        if joins_system and role in _SYSTEM_ROLES:
            content += "\n"
        total = self.framing.per_message + self._count(content)
        if role == "tool":
            name = _text(message.get("name")) or called.get(_text(message.get("tool_call_id")), "")
            return total + self._count(role) + self._count(name) + _TOOL_RESULT_FRAME
        total += self._count(role)
        if message.get("name"):
            total += self.framing.per_name + self._count(_text(message["name"]))
        if role == "function":
            total += _FUNCTION_ROLE
        if message.get("refusal"):
            total += self._count(_text(message["refusal"]))
        if message.get("function_call"):
            name, arguments = _named_call(message["function_call"])
            total += _FUNCTION_CALL_FRAME + self._count(name) + self._count(arguments)
        for call_id, name, arguments in _tool_calls(message):
            called[call_id] = name
            total += _FUNCTION_CALL_FRAME + self._count(name) + self._count(_compact(arguments))
        return total

    def functions(self, functions: Sequence[dict[str, Any]], extras: Mapping[str, Any]) -> int:
        """The declared functions and the choice among them."""
        if not functions:
            return 0
        rendered = render_functions(functions, inline_parameters=self.framing.inline_parameters)
        total = _FUNCTIONS_FRAME + self._count(rendered)
        choice = extras.get("function_call") or extras.get("tool_choice")
        if choice == "none":
            total += _NO_FUNCTION_CHOSEN
        elif isinstance(choice, dict):
            total += _FUNCTION_CHOSEN + self._count(_named_call(choice.get("function", choice))[0])
        return total

    def answer(self, answer: dict[str, Any]) -> int:
        """One answer. Several tool calls are one call of a function that runs them in parallel."""
        total = self._count(_content(answer.get("content")))
        if answer.get("refusal"):
            total += _REFUSAL_FRAME + self._count(_text(answer["refusal"]))
        calls = [(name, arguments) for _, name, arguments in _tool_calls(answer)]
        if answer.get("function_call"):
            calls.append(_named_call(answer["function_call"]))
        if len(calls) > 1:
            return total + self._count(_parallel_calls(calls))
        for name, arguments in calls:
            total += self.framing.per_call_output + self._count(name) + self._count(arguments)
        return total

    def _count(self, text: str) -> int:
        return self.count_text(text, self.encoding) if text else 0


def _chat_for(model: str, count: CountText) -> _Chat:
    encoding = encoding_for(model)
    if encoding is None:
        raise UncountableError(f"the encoding of {model} is not known")
    return _Chat(encoding, framing_for(model), count)


def _functions(extras: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The declared functions, whether sent as ``functions`` or as ``tools``."""
    functions = [_object(function, "function") for function in _list(extras.get("functions"))]
    for entry in _list(extras.get("tools")):
        tool = _object(entry, "tool")
        if tool.get("type", "function") != "function":
            raise UncountableError(f"a built-in tool ({_named(tool['type'])})")
        functions.append(_object(tool.get("function", tool), "function"))
    return functions


def _tool_calls(message: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Call id, name and arguments of each tool call of a message."""
    calls = []
    for entry in _list(message.get("tool_calls")):
        call = _object(entry, "tool call")
        name, arguments = _named_call(call.get("function") or call.get("custom"))
        calls.append((_text(call.get("id")), name, arguments))
    return calls


def _named_call(call: Any) -> tuple[str, str]:
    fields = _object(call, "function call")
    return _text(fields.get("name")), _text(fields.get("arguments") or fields.get("input"))


def _parallel_calls(calls: Iterable[tuple[str, str]]) -> str:
    uses = [
        {"recipient_name": f"functions.{name}", "parameters": _parsed(arguments)}
        for name, arguments in calls
    ]
    return json.dumps({"tool_uses": uses}, ensure_ascii=False)


def _compact(arguments: str) -> str:
    """Arguments without optional white space, as they are sent back to the model."""
    parsed = _parsed(arguments)
    return arguments if parsed is arguments else _json(parsed)


def _parsed(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def _content(content: Any) -> str:
    """The text of a message's content: a string, null, or a list of parts."""
    if not isinstance(content, list):
        return _text(content)
    return "".join(_part(part) for part in content)


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    fields = _object(part, "content part")
    kind = fields.get("type", "text")
    if kind in _TEXT_PARTS:
        return _text(fields.get("text") or fields.get("refusal"))
    if kind in ("image_url", "input_image"):
        raise UncountableError("an image without its size")
    raise UncountableError(f"a content part of type {_named(kind)}")


def _named(kind: Any) -> str:
    """A type as it is called, if it is one of the APIs': anything else may be anybody's text."""
    return kind if isinstance(kind, str) and kind in _NAMED_TYPES else "that is not known"


def _text(value: Any) -> str:
    """A value that should be a string; null is empty, anything else counts as its JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UncountableError(f"a {what} that is no object")
    return value
