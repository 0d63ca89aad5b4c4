"""OpenRouter: the generations CSV of its activity page, and answers of /api/v1/generation.

- CSV: generation_id, created_at (UTC without a zone), cost_total (USD), tokens_prompt,
  tokens_completion, tokens_reasoning (inside the completion), tokens_cached (inside the prompt),
  model_permaslug, provider_name, cancelled, finish_reason_normalized, app_name. One row a call.
- Generation: ``{data: {id, created_at, model, total_cost, tokens_prompt, native_tokens_prompt,
  native_tokens_cached, native_tokens_reasoning, …}}``, one a line. What is billed are the native
  counts; tokens_prompt and tokens_completion are counts of another tokenizer and are not used.
- Activity (/api/v1/activity, ``{date, model, model_permaslug, endpoint_id, provider_name, usage,
  requests, prompt_tokens, completion_tokens, reasoning_tokens}``): a row is the sum of a day (UTC)
  for a model and who served it, so it is one Call that says so (``Bucket``). ``usage`` is the cost
  in USD, reasoning is inside the completion.

Sure: a documented answer of /generation; the CSV is read in one public tool that reads it, so that
its counts are native ones is likely.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
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
from auditor.formats.cells import known, needed_count, read_count, read_money, read_name
from auditor.formats.sums import Buckets
from auditor.formats.times import read_time
from auditor.records import BadUsageError, Bucket, Call, Context, Reading, Usage
from auditor.sources import LogFile

COLUMNS = ("generation_id", "created_at", "tokens_prompt", "tokens_completion", "model_permaslug")
GENERATION = ("id", "created_at", "native_tokens_prompt", "native_tokens_completion")
ACTIVITY = ("date", "model_permaslug", "requests", "prompt_tokens", "completion_tokens")
TOLD_APART_BY = ("model", "model_permaslug", "endpoint_id", "provider_name")
NATIVE = ("prompt", "completion", "cached", "reasoning")


def claims(start: Sample) -> bool:
    """True where the header, or a line, has OpenRouter's columns."""
    in_objects = any(
        _has(_data(line), GENERATION) or _has(line, ACTIVITY) for line in start.objects
    )
    return in_objects or any(delimiter_of(start, names) for names in (COLUMNS, ACTIVITY))


def _has(line: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    return all(name in line for name in names)


def _data(line: Mapping[str, Any]) -> Mapping[str, Any]:
    data = line.get("data")
    return data if isinstance(data, dict) else line


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every generation of an export, every day of an activity."""
    buckets = Buckets("openrouter")

    def row(number: int, cells: Mapping[str, str], lines: int) -> Reading:
        if _has(cells, ACTIVITY):
            return _day(number, cells, buckets, lines)
        counts = ("tokens_prompt", "tokens_completion", "tokens_cached", "tokens_reasoning")
        return _call(
            number, cells, (cells["generation_id"], cells.get("cost_total")), counts, lines
        )

    def generation(number: int, line: dict[str, Any]) -> Reading:
        if _has(line, ACTIVITY):
            return _day(number, line, buckets, 1)
        data = _data(line)
        counts = tuple(f"native_tokens_{name}" for name in NATIVE)
        return _call(number, data, (data["id"], data.get("total_cost")), counts, 1)

    delimiter = delimiter_of(sample(file), COLUMNS) or delimiter_of(sample(file), ACTIVITY)
    if delimiter is not None:
        return csv_records(stream, delimiter, row)
    return json_lines(stream, generation, decode=decode_exactly)


def _day(number: int, row: Mapping[str, Any], buckets: Buckets, lines: int) -> Reading:
    """The sum of a day; Context where it holds nothing. Raises ValueError."""
    usage = _usage(row, ("prompt_tokens", "completion_tokens", "", "reasoning_tokens"))
    requests = read_count(row.get("requests"))
    if usage is None and not requests:
        return Context(number, lines)
    day = read_time(row["date"])
    if day is None or not requests:
        raise ValueError("a sum of tokens that does not say of which day or how many requests")
    model = read_name(row.get("model_permaslug") or row.get("model"))
    return buckets.call(
        number,
        day,
        Bucket(requests, day + timedelta(days=1), "activity", TOLD_APART_BY),
        usage or Usage(0, 0),
        {name: row[name] for name in TOLD_APART_BY if row.get(name)},
        requested_model=model,
        served_model=model,
        recorded_usd=read_money(row.get("usage")),
        tags={"provider": str(row["provider_name"])} if row.get("provider_name") else {},
        lines=lines,
    )


def _call(
    number: int,
    row: Mapping[str, Any],
    known_by: tuple[Any, Any],
    counts: tuple[str, ...],
    lines: int,
) -> Call:
    id, cost = known_by
    usage = _usage(row, counts)
    model = read_name(row.get("model_permaslug") or row.get("model"))
    tags = {"provider": "provider_name", "app": "app_name", "user": "external_user"}
    return Call(
        number,
        id=read_name(id),
        called_at=read_time(row["created_at"]),
        requested_model=model,
        served_model=model,
        usage=usage,
        cut_off=str(row.get("cancelled")).lower() == "true",
        problem=None if usage else "the log holds no token counts",
        recorded_usd=read_money(cost),
        tags={tag: str(row[field]) for tag, field in tags.items() if row.get(field)},
        lines=lines,
    )


def _usage(row: Mapping[str, Any], counts: tuple[str, ...]) -> Usage | None:
    sent, made, cached, reasoning = (read_count(row.get(name)) for name in counts)
    if sent is None and made is None:
        return None
    sent, made = needed_count(sent), needed_count(made)
    cached, reasoning = cached or 0, reasoning or 0
    if cached > sent:
        raise BadUsageError(f"{cached} cached tokens are more than the {sent} sent")
    if reasoning > made:
        raise BadUsageError(f"{reasoning} reasoning tokens are more than the {made} produced")
    return known(Usage(sent - cached, made - reasoning, cached, 0, reasoning))


FORMAT = Format(
    "openrouter",
    "OpenRouter generations and daily sums",
    claims,
    read,
    holds="a call, or a sum",
    container="CSV, JSON lines",
    ids="`generation_id`, `id`; sums none",
    times="`created_at`; `date` of a sum",
    counts="`tokens_*`, `native_tokens_*`; `*_tokens` of a sum",
    note="the activity of a day is priced as a sum, and not beside the calls that it sums",
)
