"""Call captures: one API request and its answer a line, or the bare answer.

Fields of a line, all optional but the answer: ``request`` (the body sent), ``response`` (the body
received) or ``response_stream`` (the raw text of a streamed answer), ``timestamp``, ``url``,
``status_code``, ``x_request_id``, ``tags`` and ``metadata`` (texts or numbers by name). A line
that is itself an answer body (chat completion, completion, Responses API, embedding list, error)
is read as one. What the bodies mean is known by ``shapes``. Sure: the bodies are the providers' own
documented objects; the envelope is what HTTP recorders and proxies write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO
from urllib.parse import unquote

from auditor.formats import plain_chat
from auditor.formats.base import Block, Format, Sample, decode, json_line, json_lines
from auditor.formats.shapes import Answer, Asked, read_request, read_response, read_stream
from auditor.formats.shapes.terms import compact
from auditor.formats.times import read_time
from auditor.records import Call, Context, Reading, Text
from auditor.sources import LogFile

ANSWER_OBJECTS = ("chat.completion", "text_completion", "response")
TAG_FIELDS = (
    "team",
    "user",
    "app",
    "application",
    "project",
    "environment",
    "workload",
    "session",
    "api_key_id",
)
ENVELOPE = frozenset({"request", "response", "response_stream", "status_code"})
# why a provider stops before the end, in the words of OpenAI, Anthropic, Gemini, Cohere, Bedrock
CUT_OFF = frozenset(
    {
        "length",
        "max_tokens",
        "max_output_tokens",
        "content_filter",
        "content_filtered",
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "guardrail_intervened",
        "model_context_window_exceeded",
        "error",
        "error_limit",
        "error_toxic",
        "incomplete",
        "cancelled",
    }
)
MODEL_IN_URL = re.compile(r"/(?:models?|deployments)/([^/:?]+(?:%3A[^/:?]+)*)")
ENDPOINTS_IN_URL = (
    ("/embeddings", "embedding"),
    ("/chat", "chat"),
    ("/messages", "chat"),
    ("/responses", "response"),
    ("/completions", "completion"),
)


def claims(sample: Sample) -> bool:
    """True where a line holds a request with its answer, or is an answer."""
    return any(_is_capture(line) for line in sample.objects)


def _is_capture(line: Mapping[str, Any]) -> bool:
    if "custom_id" in line or "req_units" in line:  # Batch, Portkey
        return False
    if _body_sent(line) is not None or "response_stream" in line:
        return "response" in line or "response_stream" in line or "status_code" in line
    if isinstance(line.get("response"), dict) and "url" in line:
        return True
    return _is_answer(line)


def _is_answer(line: Mapping[str, Any]) -> bool:
    if line.get("object") == "list":
        return "usage" in line  # embeddings; any other list is a listing, not an answer
    if line.get("object") in ANSWER_OBJECTS:
        return True
    if isinstance(line.get("error"), dict):
        return line.keys() <= {"error", "status_code", "timestamp", "url"}
    return isinstance(line.get("choices"), list) and "model" in line


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every line of a capture file."""
    return json_lines(stream, read_line)


def read_blocks(file: LogFile, stream: BinaryIO) -> Iterator[Block | Reading]:
    """Every line of a capture file, plain chat calls in columns."""
    return plain_chat.blocks(stream, lambda number, line: json_line(number, line, read_line))


def read_line(number: int, line: Mapping[str, Any]) -> Reading:
    """One capture as a Call; as Context where the request was no call of a model."""
    if not (line.keys() & ENVELOPE or _is_answer(line)):
        raise ValueError("neither a request with its answer nor an answer")
    answer = read_answer(line)
    if answer is not None and answer.kind == "not_a_call":
        return Context(number)
    asked = read_request(_body_sent(line), kind=answer.kind if answer else None)
    return to_call(number, line, asked, answer)


def _body_sent(line: Mapping[str, Any]) -> dict[str, Any] | None:
    """The request body, an object or the text of one; None where it is neither."""
    body = line.get("request")
    if isinstance(body, str) and body.lstrip()[:1] == "{":
        try:
            return _object(body)
        except ValueError:
            return None  # cut off by the recorder: the answer still tells what it cost
    return body if isinstance(body, dict) else None


def read_answer(line: Mapping[str, Any]) -> Answer | None:
    """What came back: a body, the raw text of a stream, or nothing that was logged."""
    stream = line.get("response_stream")
    if isinstance(stream, str) and stream:
        return read_stream(stream)
    body = line.get("response")
    if isinstance(body, dict):
        return read_response(body)
    if isinstance(body, str) and body.lstrip()[:1] in ("d", "e", ":"):
        return read_stream(body)
    if isinstance(body, str) and body.lstrip()[:1] == "{":
        return read_response(_object(body))
    return read_response(line) if "request" not in line and _is_answer(line) else None


def _object(text: str) -> dict[str, Any]:
    try:
        value = decode(text.encode("utf-8", "surrogatepass"))
    except ValueError:
        raise ValueError("its response is text that is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("its response is no JSON object")
    return value


def to_call(number: int, line: Mapping[str, Any], asked: Asked, answer: Answer | None) -> Call:
    """A Call from an envelope, what was asked and what came back."""
    url = _text(line.get("url")) or ""
    status = _status(line.get("status_code"))
    refused = status is not None and status >= 400
    failure = answer.failure if answer else None
    usage = answer.usage if answer else None
    if usage is not None and usage.is_zero:
        usage = None  # no call is free of tokens: the log does not know them
    failed = refused or failure is not None
    problem = failure or (f"HTTP {status}" if refused else None)
    if answer is None and not failed:
        problem = "the log holds no answer and no usage"
    text = None
    if answer is not None and not failed:
        text = Text(asked.messages, asked.prompts, answer.outputs, asked.extras)
    return Call(
        line=number,
        id=(answer.id if answer else None) or _text(line.get("x_request_id")),
        called_at=_called_at(line, answer),
        requested_model=asked.model or _model_in(url),
        served_model=answer.model if answer else None,
        endpoint=_endpoint(url, asked, answer),
        usage=usage,
        tier=answer.tier if answer else asked.tier,
        failed=failed,
        problem=problem,
        max_tokens=asked.max_tokens,
        cut_off=answer is not None and _is_cut_off(answer),
        tags=_tags(line, asked),
        text=text,
    )


def _is_cut_off(answer: Answer) -> bool:
    return answer.interrupted or any(why.lower() in CUT_OFF for why in answer.finish_reasons)


def _status(value: Any) -> int | None:
    """An HTTP status, which some recorders write as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
        return int(value)
    return value if type(value) is int else None


def _called_at(line: Mapping[str, Any], answer: Answer | None) -> datetime | None:
    for field in ("timestamp", "time", "created_at", "started_at"):
        if (moment := read_time(line.get(field))) is not None:
            return moment
    # servers that have no clock write a zero
    return read_time(answer.created) if answer and answer.created else None


def _endpoint(url: str, asked: Asked, answer: Answer | None) -> str:
    kind = answer.kind if answer else "other"
    if kind not in ("error", "other", "not_a_call"):
        return kind
    for part, endpoint in ENDPOINTS_IN_URL:
        if part in url:
            return endpoint
    if asked.messages:
        return "chat"
    return "completion" if asked.prompts else "other"


def _model_in(url: str) -> str | None:
    match = MODEL_IN_URL.search(url)
    return unquote(match.group(1)) if match else None


def _tags(line: Mapping[str, Any], asked: Asked) -> dict[str, str]:
    tags = dict(asked.metadata)
    if asked.user:
        tags["user"] = asked.user
    for source in (line.get("metadata"), line.get("tags")):
        if isinstance(source, dict):
            tags.update(_texts(source))
    tags.update(_texts({name: line.get(name) for name in TAG_FIELDS}))
    return tags


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """The values that can be a tag, as text: numbers and truths too, but no lists and objects."""
    return {
        str(name): compact(value)
        for name, value in values.items()
        if isinstance(value, str | int | float)
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


FORMAT = Format(
    "captures",
    "API calls as captured: a request and its answer, or the bare answer",
    claims,
    read,
    blocks=read_blocks,
    by_line=True,
    container="JSON lines",
    ids="`id` of the answer, else `x_request_id`",
    times="`timestamp`, else `created` of the answer",
    counts="usage of the answer, else its text",
    note="`response_stream` is raw SSE text; also read: `url`, `status_code`, `tags`, "
    "`metadata`, `team`, `user`",
)
