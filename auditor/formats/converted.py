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

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from auditor.formats.base import Format, Sample, json_lines
from auditor.formats.cells import needed_count, read_count, read_money
from auditor.formats.times import read_time
from auditor.formats.words import shown
from auditor.records import Call, Kept, Reading, Text, Usage
from auditor.sources import LogFile

VERSION = 1
COUNTED_BY = ("provider", "tokenizer", "estimate", "nobody")
ENDPOINTS = ("chat", "completion", "response", "embedding", "other")
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
    if row["counted_by"] not in COUNTED_BY:
        raise ValueError(f"counted_by is {shown(row['counted_by'])}, none of {_listed(COUNTED_BY)}")
    if row["endpoint"] not in ENDPOINTS:
        raise ValueError(f"endpoint is {shown(row['endpoint'])}, none of {_listed(ENDPOINTS)}")
    if row["workload"] is not None and not WORKLOAD.fullmatch(str(row["workload"])):
        raise ValueError(f"workload is {shown(row['workload'])}, no id of a workload")
    found_by = row["workload_found_by"] or ""
    if not (found_by in FOUND_BY or found_by.startswith("tag ")):
        raise ValueError(
            f"workload_found_by is {shown(found_by)}, neither {FOUND_BY[1]} nor {FOUND_BY[2]}"
        )
    usage = Usage(*(needed_count(row[name]) for name in METERS))
    return Call(
        number,
        id=row["call_id"],
        called_at=read_time(row["called_at"]),
        requested_model=row["requested_model"],
        served_model=row["served_model"],
        endpoint=row["endpoint"],
        usage=usage,
        tier=row["tier"],
        failed=row["failed"],
        problem=row["problem"],
        max_tokens=read_count(row["max_tokens"]),
        recorded_usd=read_money(row["recorded_usd"]),
        tags={tag["key"]: tag["value"] for tag in row["tags"] or ()},
        text=_text(row),
        kept=Kept(
            counted_by=row["counted_by"],
            whole_answer=row["whole_answer"],
            uses_tools=row["uses_tools"],
            workload=row["workload"],
            found_by=found_by,
            label=row["workload_label"] or "",
            prompt=row["prompt"],
        ),
    )


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words)


def _text(row: Mapping[str, Any]) -> Text | None:
    if row.get("request_json") is None or row.get("answer_json") is None:
        return None
    request = json.loads(row["request_json"])
    messages, prompts = request.pop("messages", []), request.pop("prompts", [])
    return Text(tuple(messages), tuple(prompts), tuple(json.loads(row["answer_json"])), request)


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
