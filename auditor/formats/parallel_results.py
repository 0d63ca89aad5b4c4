"""What OpenAI's cookbook script for parallel requests saves: a JSON array a line.

``[request, response]`` or ``[request, response, metadata]``; for a request that was given up
``[request, [error, …]]``, one error an attempt. Scripts that copied it write the same. What the
bodies mean is known by ``shapes``: usage as its provider counts it, the answer's id as identity,
its ``created`` as the only time. Attempts that failed before an answer came are not on the line of
the answer; they cost nothing. metadata is kept as tags. Likely: general knowledge of the script, no
file of it was at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from auditor.formats.base import Format, Sample, decode, refused
from auditor.formats.captures import to_call
from auditor.formats.shapes import read_request, read_response
from auditor.records import Call, Context, Reading
from auditor.sources import LogFile

ASKED = ("messages", "prompt", "input")
SHOWN = 200


def claims(start: Sample) -> bool:
    """True where a line is an array of a request and what came of it."""
    return any(map(_is_result, start.lines[:40]))


def _is_result(line: bytes) -> bool:
    if not line.startswith(b"[{"):
        return False
    try:
        return _parts(decode(line)) is not None
    except ValueError:
        return False


def _parts(value: Any) -> tuple[dict[str, Any], Any, Mapping[str, Any]] | None:
    """The request, what came back and the metadata; None where it is no such line."""
    if not isinstance(value, list) or len(value) not in (2, 3):
        return None
    asked, came, about = (*value, {})[:3]
    is_request = isinstance(asked, dict) and "model" in asked and any(k in asked for k in ASKED)
    if not is_request or not isinstance(came, dict | list):
        return None
    return asked, came, about if isinstance(about, dict) else {}


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every line as a Call or a Reject."""
    for number, line in enumerate(stream, 1):
        if not line.strip():
            yield Context(number)
            continue
        try:
            yield _reading(number, decode(line))
        except ValueError as error:
            yield refused(number, line, str(error))


def _reading(number: int, value: Any) -> Reading:
    parts = _parts(value)
    if parts is None:
        raise ValueError("no array of a request and its answer")
    sent, came, metadata = parts
    answer = read_response(came) if isinstance(came, dict) else None
    if answer is not None and answer.kind == "not_a_call":
        return Context(number)
    asked = read_request(sent, kind=answer.kind if answer else None)
    call: Call = to_call(number, {"metadata": metadata}, asked, answer)
    if isinstance(came, list):
        said = str(came[-1])[:SHOWN] if came else "no answer"
        return replace(call, failed=True, problem=said)
    return call


FORMAT = Format(
    "parallel-results",
    "Results of the OpenAI cookbook's parallel request script",
    claims,
    read,
    container="JSON, an array a line",
    ids="`id` of the answer",
    times="`created` of the answer",
    counts="usage of the answer, else its text",
)
