"""OpenAI Batch API files: the output, and the input that lies beside it.

An output line is ``{id: "batch_req_…", custom_id, response: {status_code, request_id, body},
error}``; the body is a chat completion, a Responses object or an embedding list. An input line is
``{custom_id, method, url, body}`` and no call of its own: it is Context, and tells the output
lines of the same folder what was asked (model, max_tokens, user, metadata). The order of the two
files differs. ``custom_id`` is the caller's own and not unique: where two input lines of a folder
share one and disagree, neither is believed. A call is known by the id of its answer, so two
answers under one custom_id are two paid calls. Every call is on the ``batch`` tier; nothing in
the body says so. Sure: read in real files; the error lines are documented.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, BinaryIO

from auditor.errors import SourceError
from auditor.formats.base import Format, Sample, decode, json_lines, sample
from auditor.formats.captures import to_call
from auditor.formats.shapes import Asked, read_request, read_response
from auditor.records import Context, Reading
from auditor.sources import LogFile

NOTHING_ASKED = read_request(None)


def claims(start: Sample) -> bool:
    """True where a line is one of a Batch file."""
    return any(_is_output(line) or _is_input(line) for line in start.objects)


def _is_output(line: Mapping[str, Any]) -> bool:
    return "custom_id" in line and "response" in line


def _is_input(line: Mapping[str, Any]) -> bool:
    return "custom_id" in line and "method" in line and isinstance(line.get("body"), dict)


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every line of a Batch file; output lines know what the input of their folder asked."""
    asked_for = _asked_in(file.beside())

    def read_line(number: int, line: dict[str, Any]) -> Reading:
        if _is_input(line):
            return Context(number)
        if not _is_output(line):
            raise ValueError("neither a line of a Batch output nor of a Batch input")
        asked = asked_for.get(str(line["custom_id"])) or NOTHING_ASKED
        return _output_call(number, line, asked)

    return json_lines(stream, read_line)


def _output_call(number: int, line: Mapping[str, Any], asked: Asked) -> Reading:
    response = line.get("response")
    envelope = response if isinstance(response, dict) else {}
    body = envelope.get("body")
    error = line.get("error")
    if isinstance(body, dict):
        answer = read_response(body)
    elif error:
        answer = read_response({"error": error})
    else:
        raise ValueError("a Batch output line with neither a response body nor an error")
    call = to_call(number, {"status_code": envelope.get("status_code")}, asked, answer)
    own_id = line.get("id")
    return replace(call, id=call.id or (str(own_id) if own_id else None), tier="batch")


def _asked_in(files: Iterable[LogFile]) -> Mapping[str, Asked | None]:
    return _asked_by_custom_id(tuple((file, file.stamp) for file in files))


@lru_cache(maxsize=2)
def _asked_by_custom_id(
    files: tuple[tuple[LogFile, tuple[int, str]], ...],
) -> Mapping[str, Asked | None]:
    """What each custom_id of a folder's input files asked for; None where two disagree."""
    asked: dict[str, Asked | None] = {}
    for file, _ in files:
        with file.on_disk():  # a neighbour that cannot be fetched is an error, one broken is not
            for custom_id, body in _input_lines(file):
                request = _in_short(read_request(body))
                known = asked.setdefault(custom_id, request)
                if known != request:
                    asked[custom_id] = None
    return asked


def _in_short(asked: Asked) -> Asked:
    """What was asked without its text, so that a large input file fits in memory."""
    return replace(asked, messages=(), prompts=(), extras={})


def _input_lines(file: LogFile) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        if not any(_is_input(line) for line in sample(file).objects):
            return
        with file.open() as stream:
            for raw in stream:
                try:
                    line = decode(raw)
                except ValueError:
                    continue
                if isinstance(line, dict) and _is_input(line):
                    yield str(line["custom_id"]), line["body"]
    except SourceError:
        return  # a neighbour that cannot be read is reported when it is read for itself


FORMAT = Format(
    "batch",
    "OpenAI Batch API output",
    claims,
    read,
    container="JSON lines",
    ids="`id` of the answer",
    times="`created` of the answer",
    counts="usage of the answer, else its text",
    note="the input file beside it tells what was asked",
)
