"""LiteLLM: rows of LiteLLM_SpendLogs, and StandardLoggingPayload (one JSON object a call).

- Spend log: request_id, call_type, startTime (UTC without a zone), model (what LiteLLM called),
  model_group (what was asked for), custom_llm_provider, prompt_tokens, completion_tokens,
  total_tokens, spend (USD), cache_hit (a text: "True", "False", "None"), status, metadata (an
  object, or the text of one). There is no column of cached tokens: they are in
  metadata.usage_object, or in metadata.additional_usage_values of older rows.
- Logging payload: the same with id, response_cost, cache_hit true or null, messages and response.
  Its times are texts in the project's tests and, likely, seconds since 1970 at run time.

prompt_tokens include the tokens read from and written to a cache, whoever answered: LiteLLM adds
Anthropic's to them. completion_tokens include the reasoning. An answer from LiteLLM's own cache
repeats the tokens of the first answer and reached no provider: it is Context. A failure has
spend 0 and no tokens. One row stands for all retries of a request: what an attempt cost that was
not the last is not in the log. A row that is written again has the same id. Sure: schema.prisma and
the logging tests of the project; the epoch times and the sum of Anthropic's counts are likely.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from auditor.formats.base import Format, Sample, decode_exactly, json_lines
from auditor.formats.captures import to_call
from auditor.formats.cells import half_of_counts, read_count, read_money
from auditor.formats.shapes import Answer, read_request, read_response, read_usage
from auditor.formats.times import read_time
from auditor.formats.words import shown
from auditor.records import Context, Reading, Usage
from auditor.sources import LogFile

SPEND_LOG = frozenset({"request_id", "call_type", "spend", "startTime"})
PAYLOAD = frozenset({"id", "call_type", "response_cost", "startTime"})
BATCH = re.compile(r"a?(create|retrieve|cancel|list)_batch(es)?")  # not batch_completion
TAGS = (
    ("team_id", "team"),
    ("user", "user"),
    ("end_user", "end_user"),
    ("organization_id", "organization"),
    ("session_id", "session"),
    ("custom_llm_provider", "provider"),
)
ENDPOINTS = (
    ("embedding", "embedding"),
    ("text_completion", "completion"),
    ("responses", "response"),
    ("completion", "chat"),
)


def claims(start: Sample) -> bool:
    """True where a line has the columns of a spend log or of a logging payload."""
    return any(_is_row(line) for line in start.objects)


def _is_row(line: Mapping[str, Any]) -> bool:
    return line.keys() >= SPEND_LOG or line.keys() >= PAYLOAD


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every row of a LiteLLM log."""
    return json_lines(stream, _read_row, decode=decode_exactly)


def _read_row(number: int, row: dict[str, Any]) -> Reading:
    if not _is_row(row):
        raise ValueError("neither a spend log row nor a logging payload of LiteLLM")
    if row.get("cache_hit") in (True, "True", "true"):
        return Context(number)  # LiteLLM answered from its own cache
    metadata = object_in(row.get("metadata"))
    answer = _answer(row)
    asked = read_request({"messages": row.get("messages")})
    failed = row.get("status") == "failure"
    usage = _usage(row, metadata)
    call = to_call(number, {}, asked, answer)
    has_answer = call.text is not None and call.text.outputs  # from which it is counted
    lack = _half(row, _counts(row, metadata)) or call.problem
    return replace(
        call,
        id=_text(row.get("request_id")) or _text(row.get("id")),
        called_at=read_time(row.get("startTime")),
        requested_model=_text(row.get("model_group")) or _model(row),
        served_model=(answer.model if answer else None) or _model(row),
        endpoint=_endpoint(row),
        usage=None if failed and usage is None else usage,
        tier="batch" if BATCH.fullmatch(str(row["call_type"])) else call.tier,
        failed=failed,
        problem=_problem(row, metadata) if failed else None if usage or has_answer else lack,
        recorded_usd=read_money(row.get("spend", row.get("response_cost"))),
        tags={tag: str(row[field]) for field, tag in TAGS if _text(row.get(field))},
    )


def object_in(value: Any) -> dict[str, Any]:
    """An object, or the object whose JSON a text is; empty where there is none."""
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        value = decode_exactly(value.encode("utf-8", "surrogatepass"))
    return value if isinstance(value, dict) else {}


def _answer(row: Mapping[str, Any]) -> Answer | None:
    """What came back, where the log was told to keep it. Its usage is the row's, read there."""
    body = {key: value for key, value in object_in(row.get("response")).items() if key != "usage"}
    return read_response(body) if body else None


def _usage(row: Mapping[str, Any], metadata: Mapping[str, Any]) -> Usage | None:
    """The row's counts, with their breakdown; None where there are none, or half of them."""
    counts = _counts(row, metadata)
    return None if not counts or _half(row, counts) else read_usage(counts, model=_model(row))


def _half(row: Mapping[str, Any], counts: Mapping[str, Any]) -> str | None:
    sent, made = (read_count(counts.get(key)) for key in ("prompt_tokens", "completion_tokens"))
    return half_of_counts(sent, made, str(row["call_type"]), _model(row))


def _counts(row: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The row's counts, with the breakdown that lies beside them; empty where there are none."""
    counts = {
        key: read_count(row.get(key))
        for key in ("prompt_tokens", "completion_tokens", "total_tokens")
    }
    if not any(counts.values()):
        return {}  # failures have zeros
    further = object_in(metadata.get("usage_object"))
    further = further or object_in(object_in(row.get("response")).get("usage"))
    further = further or object_in(metadata.get("additional_usage_values"))
    for key, count in counts.items():
        if count is not None and further.get(key) not in (None, count):
            raise ValueError(
                f"its {key} are {count}, but {shown(further[key])} in its usage object"
            )
    return {**further, **{key: count for key, count in counts.items() if count is not None}}


def _model(row: Mapping[str, Any]) -> str | None:
    """The model without the provider's name that LiteLLM puts before it."""
    model = _text(row.get("model"))
    provider = _text(row.get("custom_llm_provider"))
    return model.removeprefix(f"{provider}/") if model and provider else model


def _endpoint(row: Mapping[str, Any]) -> str:
    kind = str(row["call_type"])
    return next((endpoint for part, endpoint in ENDPOINTS if part in kind), "other")


def _problem(row: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    error = object_in(row.get("error_information") or metadata.get("error_information"))
    parts = (error.get("error_code"), error.get("error_class"), error.get("error_message"))
    said = " ".join(str(part) for part in parts if part)
    return said or _text(row.get("error_str")) or "failure"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


FORMAT = Format(
    "litellm",
    "LiteLLM spend logs and logging payloads",
    claims,
    read,
    by_line=True,
    container="JSON lines",
    ids="`request_id`, else `id`",
    times="`startTime`",
    counts="`prompt_tokens`, `completion_tokens`, usage object",
    note="answers from its own cache are no calls",
)
