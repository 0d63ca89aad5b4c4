"""Home-made logs: a model and the tokens of one call a line, under names that leave no doubt.

Read where no other format, and no mapping in audit.toml, claims the file. JSON lines or CSV:

- a usage object as a provider wrote it, under ``usage``, ``token_usage`` or ``usage_metadata``.
  What is inside what, its own keys tell (``shapes``); or
- two counts side by side: prompt_tokens and completion_tokens, input_tokens and output_tokens,
  tokens_in and tokens_out, tokens_prompt and tokens_completion, inputTokens and outputTokens.
  Beside them cached, reasoning or audio tokens are refused unless they are 0: nothing says whether
  they are inside the two. A mapping can (its key ``outside``). A total must be their sum.

``model``, ``model_name`` or ``model_id`` is who was asked and, as far as the log knows, who
answered. Times are UTC where they have no offset. An id is an identity only where its form is a
provider's own (``chatcmpl-``, ``resp_``, ``msg_`` and their kin): any other may be that of a web
request, a conversation or a row, which several calls share, and only tells lines apart. Two pairs
of counts must be the same. ``batch`` true is the tier of batches. A cost counts where its name says
USD; 0 with tokens means that nobody knew it. ``error``, or a status that says so, is a failure.

Refused: lines that sum calls (a field like ``num_requests`` above 1), and answers that the log says
came from a cache of its own, for nothing says whether a provider was asked. Sure: that these logs
exist; what their fields mean goes by their names. Likely: hence the refusals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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
from auditor.formats.cells import known, needed_count, read_count, read_money
from auditor.formats.shapes import read_request, read_usage
from auditor.formats.shapes.terms import assistant, body_at, text_at, tier_of
from auditor.formats.times import read_time
from auditor.formats.words import ExactNumber, shown
from auditor.records import BadUsageError, Call, Reading, Text, Usage
from auditor.sources import LogFile

OBJECTS = ("usage", "token_usage", "usage_metadata", "usageMetadata")
PAIRS = (
    ("prompt_tokens", "completion_tokens"),
    ("input_tokens", "output_tokens"),
    ("tokens_in", "tokens_out"),
    ("tokens_prompt", "tokens_completion"),
    ("inputTokens", "outputTokens"),
)
TOTALS = ("total_tokens", "tokens_total", "totalTokens")
PARTS = re.compile(r"cache|reason|think|thought|audio", re.IGNORECASE)
FROM_CACHE = re.compile(r"(from_?|is_?)?cached|cache_?hit|from_?cache", re.IGNORECASE)
SUMS = re.compile(r"(num_|n_|api_|total_|model_)*(requests|calls)|(request|call)_?count", re.I)
MODELS = ("model", "model_name", "model_id")
TIMES = (
    "timestamp",
    "time",
    "ts",
    "created_at",
    "created",
    "started_at",
    "start_time",
    "datetime",
)
IDS = ("response_id", "completion_id", "request_id", "call_id", "id")
PROVIDERS_ID = re.compile(r"(chatcmpl|cmpl|resp|msg|gen|req|batch_req)[-_][A-Za-z0-9_-]{16,}")
BATCHES = ("batch", "is_batch", "batch_api")
COSTS = ("cost_usd", "total_cost_usd", "usd", "price_usd", "costUSD")
ERRORS = ("error", "exception", "error_message")
FAILURES = frozenset({"error", "failed", "failure", "timeout"})
TAGS = (
    "team",
    "project",
    "app",
    "service",
    "feature",
    "stage",
    "environment",
    "user",
    "user_id",
    "session",
    "session_id",
    "customer",
)


def claims(start: Sample) -> bool:
    """True where a line, or the header, has a model and counts under names that are known."""
    counted = (line for line in start.objects if _usage_object(line) or _pair(line))
    return any(map(_is_counted, counted)) or _delimiter(start) is not None


def _is_counted(line: Mapping[str, Any]) -> bool:
    named = any(text_at(line, name) for name in MODELS) or isinstance(line.get("messages"), list)
    has_object = any(isinstance(line.get(name, ""), dict | None) for name in OBJECTS)
    return named and (has_object or _pair(line) is not None)


def _delimiter(start: Sample) -> str | None:
    return next(
        (
            mark
            for pair in PAIRS
            for model in MODELS
            if (mark := delimiter_of(start, (model, *pair))) is not None
        ),
        None,
    )


def _pair(line: Mapping[str, Any]) -> tuple[str, str] | None:
    return next((pair for pair in PAIRS if pair[0] in line and pair[1] in line), None)


def _usage_object(line: Mapping[str, Any]) -> str | None:
    return next((name for name in OBJECTS if isinstance(line.get(name), dict)), None)


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every line or record as a Call or a Reject."""
    delimiter = _delimiter(sample(file))
    if delimiter is not None:
        return csv_records(stream, delimiter, _call)
    return json_lines(stream, lambda line, row: _call(line, row, 1), decode=decode_exactly)


def _call(number: int, row: Mapping[str, Any], lines: int) -> Call:
    if not _is_counted(row):
        raise ValueError("it has no model and token counts under names that are known")
    for name, value in row.items():
        if SUMS.fullmatch(name) and not _is_at_most_one(value):
            raise ValueError(f"its {name} of {shown(value)} say that it sums calls")
        if FROM_CACHE.fullmatch(name) and str(value).lower() == "true":
            raise ValueError(f"its {name} is true: nothing says whether a provider was asked")
    model = _first(row, *MODELS)
    problem = _failure(row)
    usage = _usage(row, model)
    ids = [str(row[name]) for name in IDS if _is_plain(row.get(name))]
    id = next((id for id in ids if PROVIDERS_ID.fullmatch(id)), None)
    asked = read_request(row)
    cost = next((read_money(row[name]) for name in COSTS if row.get(name)), None)
    return Call(
        number,
        id=id,
        called_at=read_time(next((row[name] for name in TIMES if row.get(name)), None)),
        requested_model=model,
        served_model=model,
        endpoint="embedding" if model and "embedding" in model else "chat",
        usage=usage,
        tier=_tier(row),
        failed=problem is not None,
        problem=problem or (None if usage else "the log holds no token counts"),
        max_tokens=asked.max_tokens,
        recorded_usd=cost if cost and cost.strip("-+0.") else None,
        tags={name: str(row[name]) for name in TAGS if _is_plain(row.get(name))},
        text=Text(asked.messages, (), _said(row), asked.extras) if asked.messages else None,
        fingerprint=" ".join(ids) if id is None else "",
        lines=lines,
    )


def _usage(row: Mapping[str, Any], model: str | None) -> Usage | None:
    """The provider's object where there is one, else the two counts."""
    name = _usage_object(row)
    if name is not None:
        usage = _whole_numbers(body_at(row, name))
        found = read_usage(usage, model=model)
        if found is None and _pair(usage) is not None:
            found = _counts(usage)
        if found is None and any(isinstance(value, int) and value for value in usage.values()):
            raise BadUsageError(f"its {name} has counts under no name that is known")
        return None if found is None else known(found)
    return _counts(row)


def _whole_numbers(usage: Mapping[str, Any]) -> dict[str, Any]:
    """The object with 434.0 as 434; other fractions (seconds, costs) as they are."""
    found: dict[str, Any] = {}
    for name, value in usage.items():
        if isinstance(value, Mapping):
            found[name] = _whole_numbers(value)
        else:
            whole = isinstance(value, ExactNumber) and value.rstrip("0").endswith(".")
            found[name] = read_count(value) if whole else value
    return found


def _counts(row: Mapping[str, Any]) -> Usage | None:
    pair = _pair(row)
    if pair is None:
        return None
    sent, made = (read_count(row[name]) for name in pair)
    if sent is None and made is None:
        return None
    sent, made = needed_count(sent), needed_count(made)
    for other in PAIRS:
        for mine, count, name in zip(pair, (sent, made), other, strict=True):
            if (there := read_count(row.get(name))) is not None and there != count:
                raise BadUsageError(f"its {mine} is {count}, but its {name} is {there}")
    for name, value in row.items():
        part = PARTS.search(name)
        if name not in pair and name not in TOTALS and part and _is_some(value):
            raise BadUsageError(
                f"nothing says whether its counts of {part[0].lower()} are inside "
                f"{pair[0]} and {pair[1]}: "
                "describe it under [formats] in audit.toml"
            )
    for name in TOTALS:
        if (total := read_count(row.get(name))) and total != sent + made:
            raise BadUsageError(f"its {name} is {total}, but its parts add up to {sent + made}")
    return known(Usage(sent, made))


def _tier(row: Mapping[str, Any]) -> str:
    told = tier_of(row.get("service_tier"))
    batched = any(str(row.get(name)).lower() == "true" for name in BATCHES)
    return "batch" if batched else told


def _is_some(value: Any) -> bool:
    """Whether a value counts something."""
    try:
        return not isinstance(value, bool) and bool(read_count(value))
    except ValueError:
        return isinstance(value, dict) and any(map(_is_some, value.values()))


def _is_at_most_one(value: Any) -> bool:
    try:
        return (read_count(value) or 0) <= 1
    except ValueError:
        return True  # a list of calls, or a word: no count


def _failure(row: Mapping[str, Any]) -> str | None:
    for name in ERRORS:
        value = row.get(name)
        if isinstance(value, Mapping) and value:
            return text_at(value, "message") or name
        if isinstance(value, str) and value.strip() and value.lower() not in ("none", "null"):
            return value.splitlines()[0][:200]
        if value is True:
            return name
    status = str(row.get("status") or row.get("status_code") or "").lower()
    if status in FAILURES or (status.isdigit() and len(status) == 3 and status >= "400"):
        return status
    return None


def _said(row: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    answer = row.get("response")
    calls = row.get("tool_calls")
    tools = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    if not isinstance(answer, str) and not tools:
        return ()
    return (assistant(answer if isinstance(answer, str) else None, tool_calls=tools),)


def _first(row: Mapping[str, Any], *names: str) -> str | None:
    return next((str(row[name]) for name in names if _is_plain(row.get(name))), None)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


FORMAT = Format(
    "home-made",
    "A model and its tokens a line, under names that leave no doubt",
    claims,
    read,
    fallback=True,
    container="CSV, JSON lines",
    ids="an id of a provider's form (`chatcmpl-`, `msg_` and the like), else its fields",
    times="`time`, `timestamp`, `ts` and the like",
    counts="`usage` of a provider, or two counts side by side",
    note="what no other format and no mapping claims; see below",
)
