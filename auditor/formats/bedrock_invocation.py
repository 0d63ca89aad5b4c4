"""AWS Bedrock model invocation logs: one JSON object a call, as S3 and CloudWatch get them.

Fields of a line: ``schemaType`` ModelInvocationLog, ``timestamp``, ``requestId``, ``operation``
(InvokeModel, Converse and their streams), ``modelId`` (a name or an ARN), ``errorCode``,
``identity.arn``, ``region``, ``requestMetadata``; ``input`` with ``inputBodyJson`` and
``inputTokenCount``, ``output`` with ``outputBodyJson`` (a body, or the ARRAY of its stream events)
and ``outputTokenCount``; ``cacheReadInputTokenCount`` and ``cacheWriteInputTokenCount`` beside the
input count. Bodies above 100 kB lie in S3 of their own (``inputBodyS3Path``): such a line has its
counts and no text.

What is inside what: the cache counts are OUTSIDE of the input count, as in Converse's usage. Where
the body beside them shows that the count includes the cache, the body is believed. The output
count is AWS's own; a stream's message_start says 1 output token whatever follows, so a line
without ``outputTokenCount`` and without the final event is counted from its text.

Sure: fields and streams, read in elastic/integrations' test log. Likely, not verified: that the
cache stays outside in every operation. An application inference profile's ARN names no model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from auditor.formats.base import Format, Sample, json_lines
from auditor.formats.captures import to_call
from auditor.formats.cells import known, read_count
from auditor.formats.shapes import Answer, read_events, read_request, read_response
from auditor.formats.shapes.terms import bodies_at, body_at, text_at
from auditor.records import Reading, Usage
from auditor.sources import LogFile

SCHEMA = "ModelInvocationLog"
STREAM_ENDS = ("message_delta", "metadata", "amazon-bedrock-invocationMetrics")
OPAQUE_ARN = ":application-inference-profile/"


def claims(start: Sample) -> bool:
    """True where a line calls itself a model invocation log."""
    return any(line.get("schemaType") == SCHEMA for line in start.objects)


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every line as a Call or a Reject."""
    return json_lines(stream, _call)


def _call(number: int, line: Mapping[str, Any]) -> Reading:
    if line.get("schemaType") != SCHEMA:
        raise ValueError(f"its schemaType is not {SCHEMA}")
    sent, received = body_at(line, "input"), body_at(line, "output")
    answer = _answer(received)
    asked = read_request(body_at(sent, "inputBodyJson"), kind=answer.kind if answer else None)
    code = text_at(line, "errorCode")
    envelope = {"timestamp": line.get("timestamp"), "tags": _tags(line)}
    call = to_call(number, envelope, asked, answer)
    name = _model(text_at(line, "modelId"))
    counted = _usage(sent, received, answer)
    usage = counted or (call.usage if _is_final(received) else None)
    problem = code or call.problem
    if usage is not None and not code and not call.failed:
        problem = None
    return replace(
        call,
        id=call.id or text_at(line, "requestId"),
        requested_model=name,
        served_model=None if name is None or OPAQUE_ARN in name else name,
        usage=usage,
        failed=bool(code) or call.failed,
        problem=problem,
    )


def _answer(received: Mapping[str, Any]) -> Answer | None:
    body = received.get("outputBodyJson")
    if isinstance(body, list):
        return read_events(bodies_at(received, "outputBodyJson"))
    return read_response(body) if isinstance(body, dict) and body else None


def _is_final(received: Mapping[str, Any]) -> bool:
    """Whether the body is whole: no stream, or a stream with the event that counts the output."""
    if not isinstance(received.get("outputBodyJson"), list):
        return True
    events = bodies_at(received, "outputBodyJson")
    return any(event.get("type") in STREAM_ENDS or event.keys() & STREAM_ENDS for event in events)


def _usage(
    sent: Mapping[str, Any], received: Mapping[str, Any], answer: Answer | None
) -> Usage | None:
    """AWS's own counts; None where the line lacks one of the two."""
    prompt, made = (
        read_count(sent.get("inputTokenCount")),
        read_count(received.get("outputTokenCount")),
    )
    if prompt is None or (made is None and (answer is None or answer.kind != "embedding")):
        return None
    cached = read_count(sent.get("cacheReadInputTokenCount")) or 0
    written = read_count(sent.get("cacheWriteInputTokenCount")) or 0
    told = answer.usage if answer else None
    inside = told is not None and cached + written > 0 and told.prompt_tokens == prompt
    if inside and cached + written > prompt:
        raise ValueError(f"cached tokens {cached + written} are more than inputTokenCount {prompt}")
    fresh = prompt - cached - written if inside else prompt
    return known(Usage(fresh, made or 0, cache_read_tokens=cached, cache_write_tokens=written))


def _model(name: str | None) -> str | None:
    """The model of a name or an ARN; an application profile's ARN as it stands."""
    if name is None or not name.startswith("arn:") or OPAQUE_ARN in name:
        return name
    return name.rpartition("/")[2] or name


def _tags(line: Mapping[str, Any]) -> dict[str, str]:
    tags = {
        "user": text_at(body_at(line, "identity"), "arn"),
        "region": text_at(line, "inferenceRegion") or text_at(line, "region"),
        "account": text_at(line, "accountId"),
    }
    found = {name: value for name, value in tags.items() if value}
    asked = body_at(line, "requestMetadata")
    return {**found, **{str(k): v for k, v in asked.items() if isinstance(v, str)}}


FORMAT = Format(
    "bedrock-invocation",
    "AWS Bedrock model invocation log",
    claims,
    read,
    by_line=True,
    container="JSON lines",
    ids="`id` of the answer, else `requestId`",
    times="`timestamp`",
    counts="`inputTokenCount`, `outputTokenCount`, usage of the answer, else its text",
    note="the cache is outside the input count",
)
