"""OpenAI's own usage and cost exports: sums over time, recognised and refused bucket by bucket.

A bucket is the sum of many requests. The store holds single calls: as one call a bucket would have
the wrong number of calls, no prompt that fits any window, and would be counted beside the logs of
the same traffic. So every bucket is a Reject that says what it holds; none is priced.
``bucket_of`` reads one, for a comparison with the invoice.

- Usage API (``organization.usage.*.result`` in ``data[].results[]``): ``input_tokens`` INCLUDES
  ``input_cached_tokens``; text, audio and image counts are breakdowns, no addends.
- Costs API (``organization.costs.result``): ``amount`` with value (a JSON number) and currency.
- Dashboard CSV: ``start_time``, ``end_time``, ``start_time_iso``, ``end_time_iso``, and the same
  names; ``num_model_requests`` as "3.0". Where nothing was grouped there are only the four columns
  of time.
- 2023, ``/v1/usage``: ``data[]`` with ``aggregation_timestamp`` (5 minutes), ``n_requests``,
  ``snapshot_id``, ``n_context_tokens_total``, ``n_generated_tokens_total``. Its ``n_generated``
  counts answers, not tokens. ``/dashboard/billing/usage``: ``daily_costs[]`` in CENTS.

What is numbered are buckets. Sure: OpenAI's published API description; a 2023 answer. Likely: the
columns of the CSV. Known, not verified: that the 2023 costs are cents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from auditor.formats.base import (
    Format,
    Sample,
    csv_records,
    decode_exactly,
    delimiter_of,
    refused,
    sample,
)
from auditor.formats.cells import read_count, read_money
from auditor.formats.documents import documents, entries_at, no_object
from auditor.formats.shapes.terms import bodies_at, body_at
from auditor.formats.times import read_time
from auditor.records import Context, Reading, Reject
from auditor.sources import LogFile

COLUMNS = ("start_time", "end_time", "start_time_iso", "end_time_iso")
BEGINNINGS = (b'"aggregation_timestamp"', b'"organization.usage.', b'"organization.costs.')
NO_CALL = "it is a sum over time, not a call, and is not priced"


@dataclass(frozen=True, slots=True)
class Bucket:
    """What OpenAI added up: from when (UTC), for which model or line of the invoice.

    Tokens are None where the export has none; ``amount`` is the exact text, in ``currency``
    (``cents`` in 2023). ``input_tokens`` include ``cached_tokens``.
    """

    starts_at: datetime | None
    name: str | None
    requests: int | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    amount: str | None = None
    currency: str | None = None


def claims(start: Sample) -> bool:
    """True where the columns are the dashboard's, or the document is one of the four answers."""
    if delimiter_of(start, COLUMNS) is not None:
        return True
    if start.objects:
        return any(_is_ours(value) for value in start.objects)
    return start.head.lstrip()[:1] == b"{" and (
        any(word in start.head for word in BEGINNINGS) or b'"daily_costs"' in start.head[:200]
    )


def _is_ours(value: Mapping[str, Any]) -> bool:
    data = bodies_at(value, "data")
    return "daily_costs" in value or any(
        "aggregation_timestamp" in item or item.get("object") == "bucket" for item in data
    )


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every bucket as a Reject that says what it holds; what is empty as Context."""
    delimiter = delimiter_of(sample(file), COLUMNS)
    if delimiter is not None:
        yield from csv_records(stream, delimiter, _csv_row)
        return
    number = 0
    for raw, document, problem in documents(stream, decode_exactly):
        if problem is None and not (isinstance(document, dict) and _is_ours(document)):
            problem = "no answer of OpenAI's usage or costs API"
        if problem is not None:
            number += 1
            yield refused(number, raw, problem)
            continue
        for item in items_in(document):
            number += 1
            is_sum = isinstance(item, Mapping)
            yield _reading(number, item) if is_sum else no_object(number, item)


def items_in(document: Mapping[str, Any]) -> Iterator[Any]:
    """The smallest sums of an answer, each with the start of its bucket; what is none as it is."""
    for day in bodies_at(document, "daily_costs"):
        for line in bodies_at(day, "line_items"):
            yield {**line, "timestamp": day.get("timestamp")}
    for item in entries_at(document, "data"):
        if not isinstance(item, Mapping):
            yield item
            continue
        if item.get("object") != "bucket":
            yield item
            continue
        results = bodies_at(item, "results")
        for result in results or [{}]:
            yield {**result, "start_time": item.get("start_time")}


def bucket_of(item: Mapping[str, Any]) -> Bucket | None:
    """One sum; None where it holds nothing. Raises ValueError where parts exceed their whole."""
    amount = body_at(item, "amount")
    cents = read_money(item.get("cost"))
    money = cents or read_money(amount.get("value", item.get("amount_value")))
    currency = "cents" if cents else amount.get("currency") or item.get("amount_currency")
    start = ("start_time", "aggregation_timestamp", "timestamp")
    name = ("model", "snapshot_id", "line_item", "name")
    bucket = Bucket(
        starts_at=read_time(_first(item, *start)),
        name=_first(item, *name),
        requests=read_count(_first(item, "num_model_requests", "n_requests")),
        input_tokens=read_count(_first(item, "input_tokens", "n_context_tokens_total")),
        cached_tokens=read_count(item.get("input_cached_tokens")),
        output_tokens=read_count(_first(item, "output_tokens", "n_generated_tokens_total")),
        amount=money,
        currency=str(currency) if money and currency else None,
    )
    cached, sent = bucket.cached_tokens or 0, bucket.input_tokens or 0
    if cached > sent:
        raise ValueError(f"cached tokens {cached} are more than the {sent} of the input")
    holds = (bucket.requests, bucket.input_tokens, bucket.output_tokens, bucket.amount)
    return bucket if any(value is not None for value in holds) else None


def _reading(number: int, item: Mapping[str, Any], lines: int = 1) -> Reading:
    try:
        bucket = bucket_of(item)
    except ValueError as error:
        return refused(number, b"", str(error), lines)
    if bucket is None:
        return Context(number, lines)
    day = f"{bucket.starts_at:%Y-%m-%d %H:%M}" if bucket.starts_at else "no time"
    head = f"{day} {bucket.name or 'all models'}"
    return Reject(
        number, f"{_said(bucket)}: {NO_CALL}", head.encode("utf-8", "backslashreplace"), lines
    )


def _csv_row(number: int, row: dict[str, str], lines: int) -> Reading:
    return _reading(number, row, lines)


def _said(bucket: Bucket) -> str:
    if bucket.amount is not None:
        return f"an amount of {bucket.amount} {bucket.currency or ''}".rstrip()
    tokens = f"{bucket.input_tokens or 0} input and {bucket.output_tokens or 0} output tokens"
    requests = "requests" if bucket.requests is None else f"{bucket.requests} requests"
    return f"a bucket of {requests} with {tokens}"


def _first(item: Mapping[str, Any], *names: str) -> Any:
    return next((item[name] for name in names if item.get(name) not in (None, "")), None)


FORMAT = Format(
    "openai-usage",
    "OpenAI usage and costs exports",
    claims,
    read,
    container="JSON, CSV",
    unit="bucket",
    holds="a sum",
    ids="none",
    times="start of the bucket",
    counts="sums of the bucket",
    note="refused one by one with what they hold, never taken for calls",
)
