"""Calls out of recorded HTTP: an address, a status, and the two bodies as text or objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditor.formats.base import decode
from auditor.formats.captures import to_call
from auditor.formats.shapes import Answer, read_request, read_response, read_stream
from auditor.records import Call, Context

CUT = "its answer was cut off by the recorder, and the usage with it"
NO_BODY = "its answer was not recorded"
MODEL_PATHS = ("/chat/completions", "/completions", "/embeddings", "/responses", "/messages")


def http_call(
    number: int, *, url: str, status: Any, time: Any, sent: Any, received: Any
) -> Call | Context:
    """A Call; Context where neither address, request nor answer are those of a model's API.

    ``sent`` and ``received`` are the text of a body or the object it spelled. A call whose answer
    is missing or cut off has no usage and says so. Raises BadUsageError.
    """
    answer, cut = _received(received)
    asked = _object(sent)
    if not _is_of_a_model(url, asked, answer):
        return Context(number)
    envelope = {"timestamp": time, "url": url, "status_code": status}
    call = to_call(
        number, envelope, read_request(asked, kind=answer.kind if answer else None), answer
    )
    if not call.failed and (answer is None or cut):
        return replace(call, problem=CUT if cut else NO_BODY)
    return call


def _is_of_a_model(url: str, asked: dict[str, Any] | None, answer: Answer | None) -> bool:
    if answer is not None and answer.kind not in ("other", "not_a_call", "error"):
        return True
    if answer is not None and answer.kind == "not_a_call":
        return False
    fields = asked.keys() if asked else frozenset()
    asks = "model" in fields and bool(fields & {"messages", "prompt", "input"})
    return asks or any(url.partition("?")[0].endswith(path) for path in MODEL_PATHS)


def _object(body: Any) -> dict[str, Any] | None:
    """The object that a body is or spells; None where it is none or was cut off."""
    if isinstance(body, str):
        try:
            body = decode(body.encode("utf-8", "surrogatepass"))
        except ValueError:
            return None
    return body if isinstance(body, dict) else None


def _received(body: Any) -> tuple[Answer | None, bool]:
    """What an answer's body says, JSON or an event stream; and whether it was cut off."""
    if isinstance(body, dict):
        return read_response(body), False
    if not isinstance(body, str) or not body.strip():
        return None, False
    if body.lstrip()[:1] == "{":
        found = _object(body)
        if found is not None:
            return read_response(found), False
    answer = read_stream(body)
    known = answer.kind != "other" or answer.usage is not None
    return (answer, answer.interrupted) if known else (None, True)
