"""OpenAI's own usage and cost exports: sums over time, today's and those of 2023.

A bucket of usage is the sum of many requests. It is read as one Call that says so (``Bucket``), and
priced as a bucket: its tokens at the rates of its day, model and tier. Which of its requests would
fit a window no sum tells. An amount of money has no tokens and is a Reject that says what it holds:
``audit reconcile`` compares it with the logs.

- Usage API (``organization.usage.KIND.result`` in ``data[].results[]``, the bucket has
  ``start_time`` and ``end_time``): ``input_tokens`` INCLUDE ``input_cached_tokens`` and
  ``input_cache_write_tokens``; text, audio and image counts are breakdowns, no addends, of which
  audio is told apart, because no text rate holds for it. ``num_model_requests``. ``model``,
  ``project_id``, ``user_id``, ``api_key_id``, ``batch`` and ``service_tier`` are null unless the
  export was grouped by them. Where ``batch`` and ``service_tier`` are, the tier is known; else it
  is taken to be the standard one.
- Costs API (``organization.costs.result``): ``amount`` with value (a JSON number) and currency,
  ``line_item``, sometimes ``quantity``.
- Dashboard CSV: ``start_time``, ``end_time``, ``start_time_iso``, ``end_time_iso``, and the same
  names; ``num_model_requests`` as "3.0". Where nothing was grouped there are only the four columns
  of time.
- 2023, ``/v1/usage``: ``data[]`` with ``aggregation_timestamp`` (5 minutes), ``n_requests``,
  ``snapshot_id``, ``n_context_tokens_total``, ``n_generated_tokens_total``. Its ``n_generated``
  counts answers, not tokens. Its sibling lists (``dalle_api_data``, ``whisper_api_data`` and the
  like) are sums of something else, each refused. ``/dashboard/billing/usage``: ``daily_costs[]`` in
  CENTS.

What is numbered are buckets. Sure: OpenAI's published API description; a 2023 answer. Likely: the
columns of the CSV. Known, not verified: that the 2023 costs are cents, and
``n_cached_context_tokens_total`` of the last months of ``/v1/usage``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from auditor.formats.shapes.terms import bodies_at, body_at, tier_of
from auditor.formats.sums import Buckets
from auditor.formats.times import read_time
from auditor.formats.words import currency_shown
from auditor.records import BadUsageError, Bucket, Context, Reading, Reject, Usage
from auditor.sources import LogFile

COLUMNS = ("start_time", "end_time", "start_time_iso", "end_time_iso")
BEGINNINGS = (b'"aggregation_timestamp"', b'"organization.usage.', b'"organization.costs.')
AGGREGATION = timedelta(minutes=5)  # of the 2023 answers
TOLD_APART_BY = (
    *("model", "snapshot_id", "operation", "organization_id", "project_id"),
    *("user_id", "api_key_id", "batch", "service_tier"),
)
KINDS = (
    *("completions", "embeddings", "moderations", "images", "audio_speeches"),
    *("audio_transcriptions", "vector_stores", "code_interpreter_sessions", "file_search_calls"),
    *("web_search_calls", "costs"),
)
OTHER_SUMS = (
    *("dalle_api_data", "whisper_api_data", "tts_api_data", "ft_data", "file_data"),
    *("assistant_code_interpreter_data", "retrieval_storage_data"),
)
ENDPOINTS = {"completions": "chat", "embeddings": "embedding", "moderations": "other"}
TAGS = {"project": "project_id", "user": "user_id", "api_key": "api_key_id"}


@dataclass(frozen=True, slots=True)
class Amount:
    """What OpenAI charged for one line of the invoice in one bucket.

    ``amount`` is the exact text, in ``currency`` (``cents`` in 2023). Times are UTC, ``ends_at``
    None where the export does not say.
    """

    begins_at: datetime | None
    ends_at: datetime | None
    line: str
    amount: str
    currency: str


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
    is_empty = value.get("object") == "page" and "has_more" in value and value.get("data") == []
    return (
        "daily_costs" in value
        or is_empty
        or any("aggregation_timestamp" in item or item.get("object") == "bucket" for item in data)
    )


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every bucket of usage as a Call, every amount as a Reject; what is empty as Context."""
    delimiter = delimiter_of(sample(file), COLUMNS)
    if delimiter is not None:
        buckets = Buckets("openai")
        grouped = _grouped_by(_rows_of(file, delimiter))

        def row(number: int, cells: dict[str, str], lines: int) -> Reading:
            return _reading(number, cells, grouped, buckets, lines)

        yield from csv_records(stream, delimiter, row)
        return
    number = 0
    for raw, document, problem in documents(stream, decode_exactly):
        if problem is None and not (isinstance(document, dict) and _is_ours(document)):
            problem = "no answer of OpenAI's usage or costs API"
        if problem is not None:
            number += 1
            yield refused(number, raw, problem)
            continue
        grouped = _grouped_by(items_in(document))
        buckets = Buckets("openai")  # of each page: one that is there twice is the same
        for item in items_in(document):
            number += 1
            if not isinstance(item, Mapping):
                yield no_object(number, item)
                continue
            try:
                yield _reading(number, item, grouped, buckets)
            except ValueError as error:
                yield refused(number, b"", str(error))


def sums_in(file: LogFile) -> Iterator[tuple[int, Mapping[str, Any], str | None]]:
    """Every sum of an export with its number, as the export has it, or what is wrong with it."""
    delimiter = delimiter_of(sample(file), COLUMNS)
    if delimiter is not None:
        for number, row in enumerate(_rows_of(file, delimiter), 2):
            yield number, row, None
        return
    number = 0
    with file.open() as stream:
        for _, document, problem in documents(stream, decode_exactly):
            if problem is None and not (isinstance(document, dict) and _is_ours(document)):
                problem = "no answer of OpenAI's usage or costs API"
            for item in items_in(document) if problem is None else [{}]:
                number += 1
                is_sum = isinstance(item, Mapping)
                yield number, item if is_sum else {}, problem if is_sum else "no object"


def goes_on(file: LogFile) -> bool:
    """Whether the last page in a file says that there are more."""
    if delimiter_of(sample(file), COLUMNS) is not None:
        return False
    more = False
    with file.open() as stream:
        for _, document, problem in documents(stream, decode_exactly):
            if problem is None and isinstance(document, dict):
                more = document.get("has_more") is True
    return more


def _rows_of(file: LogFile, delimiter: str) -> Iterator[dict[str, str]]:
    """The rows of a CSV, read beforehand to see what they are grouped by."""
    found: list[dict[str, str]] = []

    def row(number: int, cells: dict[str, str], lines: int) -> Reading:
        found.append(cells)
        return Context(number, lines)

    with file.open() as stream:
        for _ in csv_records(stream, delimiter, row):
            yield from found
            found.clear()


def _grouped_by(items: Iterable[Any]) -> tuple[str, ...]:
    """What an export is grouped by: the names that some bucket has a value of."""
    named: set[str] = set()
    for item in items:
        if isinstance(item, Mapping):
            named |= {name for name in TOLD_APART_BY if item.get(name) not in (None, "")}
    return tuple(sorted(named))


def items_in(document: Mapping[str, Any]) -> Iterator[Any]:
    """The smallest sums of an answer, each with the times of its bucket; what is none as it is."""
    for day in bodies_at(document, "daily_costs"):
        for line in bodies_at(day, "line_items"):
            yield {**line, "timestamp": day.get("timestamp")}
    for name in sorted(document.keys() - {"data", "daily_costs"}):
        for item in bodies_at(document, name):  # as dalle_api_data of 2023
            yield {**item, "sums_of": name}
    for item in entries_at(document, "data"):
        if not isinstance(item, Mapping) or item.get("object") != "bucket":
            yield item
            continue
        times = {name: item.get(name) for name in ("start_time", "end_time")}
        for result in bodies_at(item, "results") or [{}]:
            yield {**result, **times}


def amount_of(item: Mapping[str, Any]) -> Amount | None:
    """The amount of money that a sum is; None where it is none. Raises ValueError."""
    amount = body_at(item, "amount")
    cents = read_money(item.get("cost"))
    money = cents or read_money(amount.get("value", item.get("amount_value")))
    if money is None:
        return None
    currency = "cents" if cents else amount.get("currency") or item.get("amount_currency") or "usd"
    begins_at, ends_at = times_of(item)
    return Amount(
        begins_at,
        ends_at,
        str(_first(item, "line_item", "name") or ""),
        money,
        str(currency).lower(),
    )


def _reading(
    number: int,
    item: Mapping[str, Any],
    grouped_by: tuple[str, ...],
    buckets: Buckets,
    lines: int = 1,
) -> Reading:
    """One sum; Context where it holds nothing. Raises ValueError where it contradicts itself."""
    if amount := amount_of(item):
        day = f"{amount.begins_at:%Y-%m-%d}" if amount.begins_at else "no day"
        return Reject(
            number,
            f"an amount of {amount.amount} {currency_shown(amount.currency)}, not tokens: "
            "`audit reconcile "
            "--invoice` compares it with the logs",
            f"{day} {amount.line}".encode("utf-8", "backslashreplace"),
            lines,
        )
    usage = _usage(item)
    requests = read_count(_first(item, "num_model_requests", "n_requests"))
    if usage is None or (usage.is_zero and not requests):
        other = _other_unit(item)
        if item.get("sums_of") and not other:
            other = item["sums_of"] if item["sums_of"] in OTHER_SUMS else "something else"
        if other:
            return Reject(number, f"a sum of {other}, which no row of the book rates", b"", lines)
        return Context(number, lines)
    begins_at, ends_at = times_of(item)
    if begins_at is None or ends_at is None:
        raise ValueError("a sum of tokens without the time it began")
    if not requests:
        raise ValueError("a sum of tokens that does not say of how many requests")
    kind = _kind(item)
    model = _first(item, "model", "snapshot_id")
    return buckets.call(
        number,
        begins_at,
        Bucket(requests, ends_at, kind, grouped_by),
        usage,
        {name: _said(item[name]) for name in TOLD_APART_BY if item.get(name) not in (None, "")},
        requested_model=str(model) if model else None,
        served_model=str(model) if model else None,
        endpoint=ENDPOINTS.get(kind, "other"),
        tier="batch" if _is_true(item.get("batch")) else tier_of(item.get("service_tier")),
        tags={tag: str(item[name]) for tag, name in TAGS.items() if item.get(name)},
        lines=lines,
    )


def _usage(item: Mapping[str, Any]) -> Usage | None:
    """The disjoint meters of a bucket; None where it has no tokens. Raises BadUsageError."""
    sent = read_count(_first(item, "input_tokens", "n_context_tokens_total"))
    made = read_count(_first(item, "output_tokens", "n_generated_tokens_total"))
    if sent is None and made is None:
        return None
    sent, made = sent or 0, made or 0

    def part(*names: str) -> int:
        return read_count(_first(item, *names)) or 0

    cached = part("input_cached_tokens", "n_cached_context_tokens_total")
    written = part("input_cache_write_tokens")
    heard, heard_again = part("input_audio_tokens"), part("input_cached_audio_tokens")
    spoken = part("output_audio_tokens")
    if cached + written > sent:
        raise BadUsageError(
            f"cached tokens {cached + written} are more than the {sent} of the input"
        )
    if heard_again > min(heard, cached) or heard - heard_again > sent - cached - written:
        raise BadUsageError(f"audio tokens {heard} are more than the input has room for")
    if spoken > made:
        raise BadUsageError(f"audio tokens {spoken} are more than the {made} of the output")
    return Usage(
        input_tokens=sent - cached - written - (heard - heard_again),
        output_tokens=made - spoken,
        cache_read_tokens=cached - heard_again,
        cache_write_tokens=written,
        audio_tokens=heard + spoken,
    )


def _kind(item: Mapping[str, Any]) -> str:
    """What is summed: the kind of the Usage API; by its tokens where the export does not say."""
    name = str(item.get("object") or "")
    if name.startswith("organization.usage."):
        kind = name.split(".")[2]
        return kind if kind in KINDS else "other"
    says = f"{item.get('operation') or ''} {_first(item, 'model', 'snapshot_id') or ''}"
    if "embedding" in says:
        return "embeddings"
    has_answers = any(name in item for name in ("output_tokens", "n_generated_tokens_total"))
    return "completions" if has_answers else "embeddings"


def times_of(item: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    """When a sum begins and ends (UTC), as far as it says. Raises ValueError."""
    begins_at = read_time(_first(item, "start_time", "aggregation_timestamp", "timestamp"))
    ends_at = read_time(item.get("end_time"))
    if begins_at and not ends_at and "aggregation_timestamp" in item:
        ends_at = begins_at + AGGREGATION
    if begins_at and ends_at and ends_at <= begins_at:
        raise ValueError("it ends before it begins")
    return begins_at, ends_at


def _other_unit(item: Mapping[str, Any]) -> str | None:
    """What a bucket counts in place of tokens."""
    units = ("images", "seconds", "characters", "usage_bytes", "num_sessions")
    found = ((name, read_count(item.get(name))) for name in units)
    return next((f"{count} {name.replace('_', ' ')}" for name, count in found if count), None)


def _is_true(value: Any) -> bool:
    return _said(value) == "true"


def _said(value: Any) -> str:
    """A value as JSON and CSV say it alike."""
    text = str(value)
    return text.lower() if text in ("True", "False") else text


def _first(item: Mapping[str, Any], *names: str) -> Any:
    return next((item[name] for name in names if item.get(name) not in (None, "")), None)


FORMAT = Format(
    "openai-usage",
    "OpenAI usage and costs exports: sums of requests",
    claims,
    read,
    container="JSON, CSV",
    unit="bucket",
    holds="a sum",
    ids="none",
    times="start of the bucket",
    counts="sums of the bucket",
    note="priced bucket by bucket, and not beside the calls that they sum; money alone is refused",
)
