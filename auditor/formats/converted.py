"""What ``audit convert`` writes: calls as they lie in a store, one a row.

Columns: ``audit_calls`` (1, the version of this schema), ``call_id``, ``source_name``,
``source_sha256``, ``source_format``, ``line`` (where the call was read first), ``called_at`` (UTC),
``requested_model``, ``served_model``, ``endpoint``, ``tier``, ``counted_by``, ``failed``,
``problem``, the six disjoint meters ``*_tokens``, ``max_tokens``, ``recorded_usd`` (a text of all
its digits), ``tags`` (a list of key and value), ``whole_answer``, ``uses_tools``, ``workload`` with
``workload_found_by`` and ``workload_label``, ``prompt`` (its keyed hash, only where
AUDIT_HASH_KEY was set), ``request_json`` and ``answer_json`` (only with --keep-text).

Sure: it is ours. Nothing is counted again. Not carried: rejects, duplicates and context lines,
which the conversion reports; the sampled hashes that fine-tuning asks for. Read back, the Parquet
file is the source, and a row its line; ``source_name`` and its like are for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from auditor.formats.base import Format, Sample, decode, json_lines
from auditor.formats.cells import needed_count, read_count, read_money
from auditor.formats.times import read_time
from auditor.formats.words import shown
from auditor.records import Call, Kept, Reading, Text, Usage
from auditor.sources import LogFile

VERSION = 1
ENDPOINTS = ("chat", "completion", "response", "embedding", "other")
COUNTED_BY = ("provider", "tokenizer", "estimate", "nobody")
FOUND_BY = ("", "system message", "opening")  # or ``tag NAME``
WORKLOAD = re.compile("[0-9a-f]{12}")
METERS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "audio_tokens",
)


def claims(sample: Sample) -> bool:
    """True where a row has the version and the id of a converted call."""
    return any({"audit_calls", "call_id", "counted_by"} <= line.keys() for line in sample.objects)


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every row of a converted file."""
    return json_lines(stream, read_row)


def read_row(number: int, row: Mapping[str, Any]) -> Reading:
    """One row as the call that it was. Raises ValueError for one that is of another schema."""
    if row["audit_calls"] != VERSION:
        version = shown(row["audit_calls"])
        raise ValueError(f"schema {version} of converted calls; this audit knows 1")
    workload = _word(row, "workload")
    if workload is not None and not WORKLOAD.fullmatch(workload):
        raise ValueError(f"workload is {shown(workload)}, no id of a workload")
    found_by = _word(row, "workload_found_by") or ""
    if not (found_by in FOUND_BY or found_by.startswith("tag ")):
        raise ValueError(
            f"workload_found_by is {shown(found_by)}, neither {FOUND_BY[1]} nor {FOUND_BY[2]}"
        )
    usage = Usage(*(needed_count(row[name]) for name in METERS))
    return Call(
        number,
        id=_word(row, "call_id"),
        called_at=read_time(row["called_at"]),
        requested_model=_word(row, "requested_model"),
        served_model=_word(row, "served_model"),
        endpoint=_one_of(row, "endpoint", ENDPOINTS),
        usage=usage,
        tier=_word(row, "tier") or "standard",
        failed=_flag(row, "failed"),
        problem=_word(row, "problem"),
        max_tokens=read_count(row["max_tokens"]),
        recorded_usd=read_money(row["recorded_usd"]),
        tags=_tags(row["tags"]),
        text=_text(row),
        kept=Kept(
            counted_by=_one_of(row, "counted_by", COUNTED_BY),
            whole_answer=_flag(row, "whole_answer"),
            uses_tools=_flag(row, "uses_tools"),
            workload=workload,
            found_by=found_by,
            label=_word(row, "workload_label") or "",
            prompt=_hash(row["prompt"]),
        ),
    )


def _refused(name: str) -> ValueError:
    return ValueError(f"its {name} is nothing that `audit convert` writes")


def _word(row: Mapping[str, Any], name: str) -> str | None:
    value = row[name]
    if value is not None and not isinstance(value, str):
        raise _refused(name)
    return value


def _one_of(row: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = row[name]
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} is {shown(value)}, none of {', '.join(known)}")
    return value


def _flag(row: Mapping[str, Any], name: str) -> bool:
    value = row[name]
    if not isinstance(value, bool):
        raise _refused(name)
    return value


def _hash(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 64:
        raise _refused("prompt")
    return value


def _tags(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    try:
        found = {tag["key"]: tag["value"] for tag in value}
    except (TypeError, KeyError):
        raise _refused("tags") from None
    if not all(isinstance(word, str) for tag in found.items() for word in tag):
        raise _refused("tags")
    return found


def _text(row: Mapping[str, Any]) -> Text | None:
    """What was said, where the rows hold it. Raises ValueError."""
    if row.get("request_json") is None or row.get("answer_json") is None:
        return None
    request, answers = (_json_of(row, name) for name in ("request_json", "answer_json"))
    if not isinstance(request, dict):
        raise _refused("request_json")
    messages, prompts = request.pop("messages", []), request.pop("prompts", [])
    for name, value in (("messages", messages), ("answer_json", answers)):
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise _refused(name)
    if not isinstance(prompts, list):
        raise _refused("prompts")
    return Text(tuple(messages), tuple(prompts), tuple(answers), request)


def _json_of(row: Mapping[str, Any], name: str) -> Any:
    text = _word(row, name) or ""
    return decode(text.encode("utf-8", "surrogatepass"))


FORMAT = Format(
    "audit-calls",
    "Calls that `audit convert` wrote",
    claims,
    read,
    container="Parquet",
    ids="`call_id`",
    times="`called_at`",
    counts="the six meters `*_tokens`",
    note="a replay gives the same figures; rejects, duplicates and samples of prompts "
    "are not carried",
)
