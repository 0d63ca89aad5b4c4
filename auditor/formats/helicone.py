"""Helicone's export of its request log: JSON lines, and the CSV that its export tool writes.

Columns: response_id, response_created_at, response_status, request_id, request_created_at,
request_body, request_path, request_user_id, request_properties, model (response_model,
request_model), prompt_tokens, completion_tokens, total_tokens, prompt_cache_read_tokens,
prompt_cache_write_tokens, cost in the CSV and costUSD in JSON lines (USD), provider,
response_body. Empty cells are nulls.

The usage of the response body wins where the body is there. Of the columns, nothing says whether
prompt_tokens include the cached ones, so the provider does: OpenAI and Azure inside, Anthropic
outside, anybody else is refused where there are any. The CSV has no column for them.
response_status 0 and below is Helicone's own word (pending, cancelled, a threat): no answer came.
An answer from Helicone's cache names the one that it repeats (cache_reference_id) and reached no
provider: it is Context. A call is known by its response_id, which both files have. The object
cells of the CSV have every quote twice, even after CSV is undone.

Sure: the CSV, read in the export tool; JSON lines: partly, cache_reference_id and the negative
statuses are general knowledge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from auditor.formats.base import (
    Format,
    Sample,
    csv_records,
    decode_exactly,
    delimiter_of,
    json_lines,
    sample,
)
from auditor.formats.captures import to_call
from auditor.formats.cells import (
    half_of_counts,
    known,
    needed_count,
    read_count,
    read_money,
    read_name,
)
from auditor.formats.shapes import Answer, read_request, read_response
from auditor.formats.times import read_time
from auditor.formats.words import shown
from auditor.records import BadUsageError, Context, Reading, Usage
from auditor.sources import LogFile

COLUMNS = (
    "response_id",
    "response_status",
    "request_created_at",
    "prompt_tokens",
    "completion_tokens",
)
INSIDE = frozenset({"OPENAI", "AZURE"})
OUTSIDE = frozenset({"ANTHROPIC"})
NO_CACHE = "00000000-0000-0000-0000-000000000000"


def claims(start: Sample) -> bool:
    """True where the header, or a line, has Helicone's columns."""
    in_objects = any(_is_row(line) for line in start.objects)
    return in_objects or delimiter_of(start, COLUMNS) is not None


def _is_row(line: Mapping[str, Any]) -> bool:
    return all(column in line for column in COLUMNS)


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every row of an export."""
    delimiter = delimiter_of(sample(file), COLUMNS)
    if delimiter is not None:
        return csv_records(stream, delimiter, _cells)
    return json_lines(stream, _line, decode=decode_exactly)


def _cells(number: int, row: Mapping[str, str], lines: int) -> Reading:
    return _reading(number, {**row, "costUSD": row.get("cost")}, lines)


def _line(number: int, row: dict[str, Any]) -> Reading:
    return _reading(number, row, 1)


def _reading(number: int, row: Mapping[str, Any], lines: int) -> Reading:
    reference = row.get("cache_reference_id")
    if reference and reference != NO_CACHE:
        return Context(number, lines)
    status = _status(row["response_status"])
    body = _object(row.get("response_body"))
    answer: Answer | None = read_response(body) if body else None
    asked = read_request(_object(row.get("request_body")), kind=answer.kind if answer else None)
    envelope = {
        "status_code": status,
        "url": row.get("request_path"),
        "metadata": _object(row.get("request_properties")),
    }
    call = to_call(number, envelope, asked, answer)
    model = row.get("response_model") or (answer.model if answer else None) or row.get("model")
    about = (call.endpoint, model)
    usage = call.usage or _usage(row, *about)
    has_answer = call.text is not None and call.text.outputs  # from which it is counted
    lack = None if call.usage or has_answer else half_of_counts(*_columns(row), *about)
    failed = call.failed or status <= 0
    own = f"no answer: Helicone's status {status}" if status <= 0 else None
    user = {"user": str(row["request_user_id"])} if row.get("request_user_id") else {}
    return replace(
        call,
        id=read_name(row["response_id"] or row.get("request_id")),
        called_at=read_time(row["request_created_at"]),
        requested_model=read_name(row.get("request_model")) or call.requested_model,
        served_model=read_name(model),
        usage=usage,
        failed=failed,
        problem=call.problem if call.failed else own or (None if usage else lack or call.problem),
        recorded_usd=read_money(row.get("costUSD")),
        tags={**call.tags, **user},
        lines=lines,
    )


def _status(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ValueError(f"response_status is {shown(value)}, no status") from None


def _object(value: Any) -> dict[str, Any]:
    """An object, or the object in a text, whose quotes the CSV may have twice; else empty."""
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        for text in (value, value.replace('""', '"')):
            try:
                value = decode_exactly(text.encode("utf-8", "surrogatepass"))
                break
            except ValueError:
                continue
    return value if isinstance(value, dict) else {}


def _columns(row: Mapping[str, Any]) -> tuple[int | None, int | None]:
    return read_count(row["prompt_tokens"]), read_count(row["completion_tokens"])


def _usage(row: Mapping[str, Any], *about: object) -> Usage | None:
    sent, made = _columns(row)
    if (not sent and not made) or half_of_counts(sent, made, *about):
        return None
    sent, made = needed_count(sent), made or 0
    cached = read_count(row.get("prompt_cache_read_tokens")) or 0
    written = read_count(row.get("prompt_cache_write_tokens")) or 0
    provider = str(row.get("provider") or "").upper()
    if (not cached and not written) or provider in OUTSIDE:
        return known(Usage(sent, made, cached, written))
    if provider not in INSIDE:
        raise BadUsageError("nothing says whether its prompt_tokens include the cached ones")
    if cached + written > sent:
        raise BadUsageError(f"{cached + written} cached tokens are more than the {sent} sent")
    return known(Usage(sent - cached - written, made, cached, written))


FORMAT = Format(
    "helicone",
    "Helicone export of requests",
    claims,
    read,
    container="CSV, JSON lines",
    ids="`response_id`, else `request_id`",
    times="`request_created_at`",
    counts="usage of `response_body`, else `prompt_tokens`, `completion_tokens`",
    note="answers from its own cache are no calls",
)
