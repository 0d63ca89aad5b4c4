"""The usage of a call whose provider reported none."""

from __future__ import annotations

import json
from typing import Any

from auditor.records import Text, Usage
from auditor.tokens.chat import count_chat_input, count_output
from auditor.tokens.counting import CountText, count_prompts, count_text
from auditor.tokens.errors import UncountableError
from auditor.tokens.models import encoding_for, reasons

CHARACTERS_PER_TOKEN = 4
_ENDPOINTS = ("chat", "completion", "response", "embedding")
_RESPONSE_END = 1


def fill_usage(
    text: Text, endpoint: str, model: str, count: CountText = count_text
) -> Usage | None:
    """The usage counted from the text of a call, None when the model's encoding is not known.

    ``endpoint`` is that of ``records.Call``: messages are counted with the chat framing, prompts as
    they are. An answer of the Responses API ends with one token more than a chat answer (all 17
    recorded answers without tools). Raises UncountableError when the text does not tell the tokens:
    the prompt is not in the log, the model thought before it answered, or the Responses API was
    given tools, for which no rule fitted the recorded calls.
    """
    encoding = encoding_for(model)
    if encoding is None:
        return None
    if endpoint not in _ENDPOINTS:
        raise UncountableError(f"no rule counts the tokens of endpoint {endpoint}")
    if not text.messages and not text.prompts:
        raise UncountableError("the log does not hold the prompt")
    if text.outputs and reasons(model):
        raise UncountableError("hidden reasoning, which leaves no text")
    if endpoint == "response" and text.extras.get("tools"):
        raise UncountableError("tools of the Responses API, whose form in the prompt is not known")
    input_tokens = count_prompts(text.prompts, encoding, count=count)
    if text.messages:
        input_tokens += count_chat_input(text.messages, model, text.extras, count=count)
    output_tokens = count_output(text.outputs, model, count=count)
    if endpoint == "response" and text.outputs:
        output_tokens += _RESPONSE_END
    return Usage(input_tokens, output_tokens)


def estimate_usage(text: Text) -> Usage:
    """An estimate by rule of thumb: four characters a token, input and output rounded up.

    OpenAI's rule of thumb for English. Off by half or more for code and other languages, so it is
    used only when asked for. Structure (roles, tool calls, schemas) counts as its JSON.
    """
    sent = [*text.prompts, *(_said(message) for message in text.messages)]
    sent += [json.dumps(value) for value in text.extras.values()]
    return Usage(_estimate(sent), _estimate([_said(output) for output in text.outputs]))


def _said(message: dict[str, Any]) -> str:
    content = message.get("content")
    rest = {key: value for key, value in message.items() if key.endswith(("_calls", "_call"))}
    said = content if isinstance(content, str) else json.dumps(content) if content else ""
    return said + (json.dumps(rest) if any(rest.values()) else "")


def _estimate(texts: list[str]) -> int:
    return -(-sum(map(len, texts)) // CHARACTERS_PER_TOKEN)
