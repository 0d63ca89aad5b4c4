"""OpenPipe's export of its request log: JSON lines.

Fields of a line: ``input`` (the request body), ``output`` (a chat completion, or null), ``tags``
(texts by name, ``promptId`` among them), and in later exports ``cacheHit`` and ``durationMs``.

``created`` of an answer is in MILLISECONDS for models of OpenPipe's own and in seconds for
OpenAI's; the export has no other time. Usage is the body's. An answer from its cache (``cacheHit``
true) repeats the usage of the call it copies and costs nothing: it is Context. Calls are known by
the id of their answer. A line without an answer is listed without usage.

Sure: read in OpenPipe's documentation and code, and in its sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from auditor.formats.base import Format, Sample, json_lines
from auditor.formats.captures import to_call
from auditor.formats.shapes import read_request, read_response
from auditor.records import Context, Reading
from auditor.sources import LogFile


def claims(start: Sample) -> bool:
    """True where a line has an ``input`` that is a chat request, and an ``output``."""
    return any(_is_logged(line) for line in start.objects)


def _is_logged(line: Mapping[str, Any]) -> bool:
    asked = line.get("input")
    return (
        isinstance(asked, dict)
        and "model" in asked
        and "messages" in asked
        and "output" in line
        and isinstance(line["output"], dict | None)
    )


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every line as a Call, as Context where the cache answered, or as a Reject."""
    return json_lines(stream, _call)


def _call(number: int, line: Mapping[str, Any]) -> Reading:
    if not _is_logged(line):
        raise ValueError("no input with its output")
    if line.get("cacheHit") is True:
        return Context(number)
    body = line["output"]
    answer = read_response(body) if body else None
    asked = read_request(line["input"], kind=answer.kind if answer else None)
    return to_call(number, {"tags": line.get("tags")}, asked, answer)


FORMAT = Format(
    "openpipe",
    "OpenPipe export of logged requests",
    claims,
    read,
    by_line=True,
    container="JSON lines",
    ids="`id` of the answer",
    times="`created` of the answer",
    counts="usage of the answer, else its text",
    note="answers from its own cache are no calls",
)
