"""Chat messages and nothing else: training sets, and traces turned into conversations.

Read where no other format, and no mapping, claims the file, to be refused one by one: ``{messages:
[…]}`` as fine-tuning takes it, or objects by the id of an observation that hold ``input`` and
``output`` with chat messages in ``data`` where that was a ``success``, as Langfuse turns its traces
into. Neither names a model, a time or a count, and a training example was never sent: tokens could
be counted, but of no call.
Sure: read in such files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from auditor.formats.base import Format, Sample, json_lines
from auditor.formats.shapes.terms import bodies_at, body_at
from auditor.records import Reading
from auditor.sources import LogFile

TRAINING = frozenset({"messages", "tools", "functions", "parallel_tool_calls"})
REASON = "chat messages without a model, a time or counts: no record of a call"


def claims(start: Sample) -> bool:
    """True where an object is made of chat messages alone."""
    return any(map(_is_said, start.objects))


def _is_said(line: Mapping[str, Any]) -> bool:
    if line.keys() <= TRAINING and any("role" in one for one in bodies_at(line, "messages")):
        return True
    return any(map(_is_conversation, line.values()))


def _is_conversation(value: Any) -> bool:
    if not isinstance(value, Mapping) or not value or not value.keys() <= {"input", "output"}:
        return False
    return all(type(body_at(value, side).get("success")) is bool for side in value)


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every line as a Reject."""

    def refuse(number: int, line: dict[str, Any]) -> Reading:
        raise ValueError(REASON if _is_said(line) else "neither a call nor chat messages")

    return json_lines(stream, refuse)


FORMAT = Format(
    "messages-only",
    "Chat messages without model, time or counts",
    claims,
    read,
    fallback=True,
    container="JSON lines",
    holds="nothing",
    ids="none",
    times="none",
    counts="none",
    note="training sets and the like: no calls, refused one by one",
)
