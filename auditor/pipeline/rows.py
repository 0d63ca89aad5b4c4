"""What was read, as rows of the tables that take one source in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from auditor.errors import printable
from auditor.formats import Block
from auditor.pipeline.counting import PROVIDER, Counted
from auditor.records import Bucket, Call, Reject, Usage, clean
from auditor.workload import HashKey, Place

NO_TOKENS = Usage(0, 0)
FINGERPRINT_DIGITS = 16

CALL_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.String,
    "line": pl.Int64,
    "called_at": pl.Datetime("us"),
    "requested_model": pl.String,
    "served_model": pl.String,
    "endpoint": pl.String,
    "tier": pl.String,
    "counted_by": pl.String,
    "failed": pl.Boolean,
    "problem": pl.String,
    "input_tokens": pl.Int64,
    "cache_read_tokens": pl.Int64,
    "cache_write_tokens": pl.Int64,
    "output_tokens": pl.Int64,
    "reasoning_tokens": pl.Int64,
    "audio_tokens": pl.Int64,
    "max_tokens": pl.Int64,
    "recorded": pl.String,
    "tag_names": pl.List(pl.String),
    "tag_values": pl.List(pl.String),
    "whole_answer": pl.Boolean,
    "uses_tools": pl.Boolean,
    "workload": pl.String,
    "prompt": pl.UInt64,
    "fingerprint": pl.String,
    "request_json": pl.String,
    "answer_json": pl.String,
}
UNTAGGED = {name: kind for name, kind in CALL_COLUMNS.items() if not name.startswith("tag_")}
TAG_ROWS = {"place": pl.UInt32, "tag_names": pl.String, "tag_values": pl.String}
OF_A_BLOCK: dict[str, Any] = {
    "endpoint": "chat",
    "tier": "standard",
    "counted_by": PROVIDER,
    "failed": False,
    "cache_read_tokens": 0,
    "cache_write_tokens": 0,
    "reasoning_tokens": 0,
    "audio_tokens": 0,
    "uses_tools": False,
    "fingerprint": "",
}
"""What is the same in all calls of a block unless the block says otherwise; the rest is null."""
BUCKET_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "line": pl.Int64,
    "requests": pl.Int64,
    "ends_at": pl.Datetime("us"),
    "kind": pl.String,
    "grouped_by": pl.String,
}
REJECT_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "line": pl.Int64,
    "lines": pl.Int64,
    "reason": pl.String,
    "head": pl.String,
    "fingerprint": pl.String,
}


def call_row(
    call: Call, counted: Counted, place: Place, key: HashKey, keep_text: bool
) -> dict[str, Any]:
    """A call as a row of ``staged``."""
    usage = counted.usage or NO_TOKENS
    request, answer = _said(call) if keep_text else (None, None)
    return {
        "id": clean(call.id),
        "line": call.line,
        "called_at": call.called_at,
        "requested_model": clean(call.requested_model),
        "served_model": clean(call.served_model),
        "endpoint": call.endpoint,
        "tier": clean(call.tier),
        "counted_by": counted.by,
        "failed": call.failed,
        "problem": clean(counted.problem),
        "input_tokens": usage.input_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "audio_tokens": usage.audio_tokens,
        "max_tokens": call.max_tokens,
        "recorded": call.recorded_usd,
        "whole_answer": call.has_whole_answer,
        "uses_tools": call.uses_tools,
        "workload": place.workload,
        "prompt": place.prompt,
        "fingerprint": _fingerprint(call, key),
        "request_json": request,
        "answer_json": answer,
    }


def call_frame(rows: Sequence[dict[str, Any]], tags: Sequence[Mapping[str, str]]) -> pl.DataFrame:
    """Rows of ``call_row`` and the tags of each (``CALL_COLUMNS``)."""
    return completed(_tagged(frame_of(rows, UNTAGGED), tags))


def frame_of(rows: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> pl.DataFrame:
    """Rows as a frame; column by column, which takes polars a fraction of the time."""
    return pl.DataFrame({name: [row[name] for row in rows] for name in schema}, schema=schema)


def _tagged(frame: pl.DataFrame, tags: Sequence[Mapping[str, str]]) -> pl.DataFrame:
    """The frame with the tags of each row, sorted by name; null where there are none.

    Two names that only a surrogate tells apart are one. Lists are put together in bulk: polars
    makes a series of every list that it is given.
    """
    places: list[int] = []
    names: list[str] = []
    values: list[str] = []
    cleaned: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}  # few differ
    for place, known in enumerate(tags):
        if known:
            items = tuple(known.items())
            if (own := cleaned.get(items)) is None:
                own = dict(sorted({clean(k): clean(v) for k, v in items}.items()))
                cleaned[items] = own
            places += [place] * len(own)
            names += own
            values += own.values()
    tag_rows = {"place": places, "tag_names": names, "tag_values": values}
    return listed(frame, pl.DataFrame(tag_rows, schema=TAG_ROWS))


def listed(frame: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The frame with what each of its rows has in ``rows``, as lists; null where it has nothing.

    ``place`` of ``rows`` is the number of a row of the frame, from 0.
    """
    lists = rows.group_by("place", maintain_order=True).agg(pl.exclude("place"))
    return (
        frame.with_row_index("place")
        .join(lists, on="place", how="left", maintain_order="left")
        .drop("place")
    )


def block_frame(block: Block, places: Sequence[Place]) -> pl.DataFrame:
    """The calls of a block as rows of ``staged`` (``CALL_COLUMNS``)."""
    said: dict[str, Sequence[Any]] = {
        "workload": [place.workload for place in places],
        "prompt": [place.prompt for place in places],
    }
    known = {**block.columns, **said}
    frame = pl.DataFrame(known, schema={name: CALL_COLUMNS[name] for name in known})
    return completed(_tagged(frame, block.tags))


def completed(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of ``CALL_COLUMNS``: those of the frame, the others as ``OF_A_BLOCK`` says."""
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(OF_A_BLOCK.get(name)))
        .cast(kind)
        .alias(name)
        for name, kind in CALL_COLUMNS.items()
    )


def bucket_row(line: int, bucket: Bucket) -> dict[str, Any]:
    """What makes the call of that line a sum."""
    return {
        "line": line,
        "requests": bucket.requests,
        "ends_at": bucket.ends_at,
        "kind": clean(bucket.kind),
        "grouped_by": ", ".join(bucket.grouped_by),
    }


def reject_row(reject: Reject, key: HashKey, keep_text: bool) -> dict[str, Any]:
    """A reject as a row of ``refused``: its keyed hash, and its first bytes only if text is kept.

    These are made fit to print.
    """
    digest = reject.digest or hashlib.blake2b(reject.head).digest()
    head = printable(reject.head.decode("utf-8", "backslashreplace")) if keep_text else ""
    return {
        "line": reject.line,
        "lines": reject.lines,
        "reason": printable(clean(reject.reason)),
        "head": head,
        "fingerprint": key.pseudonym_of("refused", digest.hex(), digits=FINGERPRINT_DIGITS),
    }


def _fingerprint(call: Call, key: HashKey) -> str:
    """What tells a call without an id from others with the same fields: its text, hashed."""
    if call.id is not None or call.text is None:
        return clean(call.fingerprint) or ""
    return key.fingerprint_of("\n".join(_said(call)) + call.fingerprint)


def _said(call: Call) -> tuple[str, str]:
    text = call.text
    if text is None:
        return "{}", "[]"
    request = {"messages": text.messages, "prompts": text.prompts, **text.extras}
    return _compact(request), _compact(text.outputs)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, default=str)
