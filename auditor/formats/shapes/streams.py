"""A recorded stream (server-sent events or lines of JSON) to an Answer.

The events are joined to the body that the same call would have returned unstreamed, and that body
is read like any other; so a rule about usage is written once. Format: WHATWG HTML, "Server-sent
events"; NDJSON for Ollama and Cohere 1; one JSON array for Gemini without ``alt=sse``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from auditor.formats.shapes.bodies import read_response
from auditor.formats.shapes.families import FAMILIES
from auditor.formats.shapes.terms import OTHER, Answer, Body, Family, failure_of

_LINE_END = re.compile(r"\r\n|\n|\r")  # str.splitlines would also cut at U+2028 inside a text
_DONE = "[DONE]"
_BROKEN = object()


def read_stream(raw: str | bytes) -> Answer:
    """The answer that a stream carried.

    Without a final usage the answer has none, and its ``outputs`` hold the text that came, so that
    the tokens can be counted. ``interrupted`` is set if an event cannot be read (a stream cut off
    ends in one) or if there is no event at all. Comments, ``[DONE]``, CRLF and data of several
    lines are understood. Raises BadUsageError like ``read_response``, nothing else.
    """
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    events, broken = _events(text.lstrip("\ufeff"))
    answer = read_events(events)
    return replace(answer, interrupted=True) if broken or not events else answer


def read_events(events: Sequence[Mapping[str, Any]]) -> Answer:
    """The answer that decoded stream events add up to (Bedrock logs keep them as an array)."""
    family = _family_of(events)
    body: Body
    if family is not None and family.join is not None:
        body = family.join(events)
    elif len(events) == 1:
        body = events[0]
    else:
        body = {}
    if not failure_of(body):
        failed = next((event for event in events if failure_of(event)), None)
        if failed is not None:
            body = {**body, "error": failed.get("error") or failed}
    return read_response(body) if body else Answer(kind=OTHER)


def _family_of(events: Iterable[Body]) -> Family | None:
    """The family of the first event that any family knows (pings and filters come first)."""
    for event in events:
        for family in FAMILIES:
            if family.streams(event):
                return family
    return None


def _events(text: str) -> tuple[list[Body], bool]:
    """All events, and whether some part could not be read."""
    if text.lstrip()[:1] in ("[", "{"):  # one JSON value, perhaps over several lines
        whole = _decoded(text)
        if whole is not _BROKEN:
            return _flat(whole), False
    events: list[Body] = []
    broken = False
    for block in _blocks(_LINE_END.split(text)):
        values = [_decoded("\n".join(block.data))]
        if values[0] is _BROKEN and len(block.data) > 1:  # events without blank lines between
            values = [_decoded(line) for line in block.data]
        for value in values:
            broken = broken or value is _BROKEN
            events += [_named(block.name, event) for event in _flat(value)]
    return events, broken


class _Block:
    """The lines of one event."""

    def __init__(self) -> None:
        self.name = ""
        self.data: list[str] = []


def _blocks(lines: Iterable[str]) -> Iterable[_Block]:
    block = _Block()
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line.strip():
            if block.data:
                yield block
            block = _Block()
        elif field == "event":
            if block.data:  # the blank line between two events was lost
                yield block
                block = _Block()
            block.name = value.strip()
        elif field == "data":
            if value.strip() and value.strip() != _DONE:
                block.data.append(value)
        elif field not in ("", "id", "retry") and line.strip() != _DONE:
            block.data.append(line)  # a line of JSON
    if block.data:
        yield block


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _BROKEN


def _flat(value: Any) -> list[Body]:
    if isinstance(value, list):
        return [item for item in value if isinstance(item, dict)]
    return [value] if isinstance(value, dict) else []


def _named(name: str, event: Body) -> Body:
    """``event: error`` whose data does not say so itself."""
    return {"error": event} if name == "error" and not failure_of(event) else event
