"""Portkey's log export: JSON lines with the columns that were asked for.

id, trace_id, created_at, request, response, is_success, ai_org, ai_model, req_units, res_units,
total_units, cost, cost_currency, response_status_code, mode, metadata. Units are tokens.

The usage of the response body wins where it was exported, for it says what was cached; without it
the units are read as they stand. ``cost`` is passed over: whether it counts dollars or cents is not
certain, and a wrong claim is worse than none. A call is known by Portkey's id of the row; several
attempts of one request share the trace_id and are several calls. Likely: documented columns, no
export seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from auditor.formats.base import Format, Sample, json_lines
from auditor.formats.captures import to_call
from auditor.formats.cells import half_of_counts, known, read_count
from auditor.formats.shapes import read_request, read_response
from auditor.formats.shapes.terms import body_at, text_at
from auditor.formats.times import read_time
from auditor.records import BadUsageError, Reading, Usage
from auditor.sources import LogFile

COLUMNS = ("created_at", "ai_model", "req_units", "res_units")
UNCOUNTED = "the log holds no token counts"


def claims(start: Sample) -> bool:
    """True where a line has Portkey's columns."""
    return any(all(name in line for name in COLUMNS) for line in start.objects)


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every row of an export."""
    return json_lines(stream, _row)


def _row(number: int, row: dict[str, Any]) -> Reading:
    body = body_at(row, "response")
    answer = read_response(body) if body else None
    asked = read_request(body_at(row, "request"), kind=answer.kind if answer else None)
    envelope = {
        "status_code": row.get("response_status_code"),
        "metadata": row.get("metadata"),
        "url": row.get("request_url"),
    }
    call = to_call(number, envelope, asked, answer)
    about = (call.endpoint, text_at(row, "ai_model"))
    usage, lack = (call.usage, None) if call.usage else _units(row, *about)
    has_answer = call.text is not None and call.text.outputs  # from which it is counted
    failed = call.failed or row.get("is_success") is False
    problem = call.problem if call.failed else "no success" if failed else None
    model = text_at(row, "ai_model")
    provider = {"provider": org} if (org := text_at(row, "ai_org")) else {}
    return replace(
        call,
        id=text_at(row, "id"),
        called_at=read_time(row["created_at"]),
        requested_model=call.requested_model or model,
        served_model=(answer.model if answer else None) or model,
        usage=usage,
        failed=failed,
        problem=problem or (None if usage or has_answer else lack or UNCOUNTED),
        tags={**call.tags, **provider},
    )


def _units(row: Mapping[str, Any], *about: object) -> tuple[Usage | None, str | None]:
    """The units as tokens, or None and why; no reason where there are none."""
    sent, made = read_count(row["req_units"]), read_count(row["res_units"])
    if lack := half_of_counts(sent, made, *about):
        return None, lack
    total = read_count(row.get("total_units"))
    usage = Usage(sent or 0, made or 0)
    parts = usage.prompt_tokens + usage.produced_tokens
    if total is not None and total != parts:
        raise BadUsageError(f"its total_units are {total}, but its parts add up to {parts}")
    return known(usage), None


FORMAT = Format(
    "portkey",
    "Portkey log export",
    claims,
    read,
    by_line=True,
    container="JSON lines",
    ids="`id`",
    times="`created_at`",
    counts="usage of `response`, else `req_units`, `res_units`",
    note="its own cost is not believed",
)
