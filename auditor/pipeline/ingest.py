"""Ingest: files to calls, each source in one transaction, each call once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from auditor.errors import AuditError, SourceError, printable
from auditor.formats import TOO_DEEP, Format, recognise
from auditor.formats.columnar import Block
from auditor.pipeline import blocks
from auditor.pipeline.booking import Booking
from auditor.pipeline.counting import Counted
from auditor.pipeline.placing import Placer
from auditor.records import Bucket, Call, Context, Reading, Reject, Usage, clean
from auditor.sources import LogFile
from auditor.store import Store
from auditor.workload import WORKLOAD_TAGS, HashKey

BATCH_RECORDS = 20_000
NO_TOKENS = Usage(0, 0)

Gauge = Callable[[Call], Counted]
"""Says how many tokens a call has, and who counted them."""

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
    "tags": pl.List(pl.Struct({"key": pl.String, "value": pl.String})),
    "whole_answer": pl.Boolean,
    "uses_tools": pl.Boolean,
    "workload": pl.String,
    "prompt": pl.UInt64,
    "fingerprint": pl.String,
    "request_json": pl.String,
    "answer_json": pl.String,
}
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
}


@dataclass(slots=True)
class Tally:
    """Where the lines of a source, or of several, went."""

    lines: int = 0
    records: int = 0
    rejects: int = 0
    context: int = 0

    def add(self, other: Tally) -> None:
        """Take the lines of another source in."""
        self.lines += other.lines
        self.records += other.records
        self.rejects += other.rejects
        self.context += other.context


@dataclass(slots=True)
class Ingested:
    """What an ingest did.

    ``copies`` are pairs: a file, and the source it is identical with. ``conflicts`` are duplicates
    whose token counts differ from the call that they repeat. ``buckets`` are records that are sums.
    ``documents`` are files such as a
    LICENSE that lie among logs and are none.
    """

    sources: int = 0
    already: int = 0
    calls: int = 0
    buckets: int = 0
    tally: Tally = field(default_factory=Tally)
    conflicts: int = 0
    copies: list[tuple[str, str]] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)


def ingest(
    store: Store,
    files: Iterable[LogFile],
    formats: Iterable[Format],
    gauge: Gauge,
    *,
    chosen: Format | None = None,
    keep_text: bool = False,
    workload_tags: Iterable[str] = WORKLOAD_TAGS,
    sampling: bool = True,
    on_bytes: Callable[[int], None] | None = None,
) -> Ingested:
    """Read what the store does not hold yet. Every file is wholly in afterwards, or not at all.

    ``chosen`` is the format of every file, as the user said. ``sampling`` keeps hashes of prompts,
    which only fine-tuning asks for. ``on_bytes`` is told the bytes dealt
    with. Raises SourceError, before anything is stored, when a file is of no known format; while
    reading, when one is broken. What was stored before stays.
    """
    told = on_bytes or (lambda _: None)
    done = Ingested()
    booking = Booking(store)
    new = list(_not_yet_stored(store, files, done, booking, told))
    known = tuple(formats)
    planned = (
        [(file, digest, chosen) for file, digest in new]
        if chosen
        else _recognised(new, known, done)
    )
    placer = Placer(store, workload_tags, sampling=sampling)
    next_id = store.rows("ingest/next_source")[0]["source_id"]
    for source_id, (file, digest, format) in enumerate(planned, next_id):
        with store.transaction():
            source = {"source_id": source_id, "sha256": digest, "name": clean(file.name)}
            tally, buckets = _stage_all(store, file, digest, format, gauge, placer, keep_text, told)
            store.run("ingest/name_rows")
            store.run("ingest/merge", **source)
            if buckets.height:
                store.show("batch_buckets", buckets)
                store.run("ingest/merge_buckets", source_id=source_id)
            placer.finish()
            store.run(
                "ingest/finish",
                **source,
                format=format.name,
                bytes=file.size,
                **asdict(tally),
            )
            arrived = store.rows("ingest/arrived", source_id=source_id)[0]
            booking.stored(digest)
        done.sources += 1
        done.buckets += buckets.height
        done.calls += arrived["calls"] - arrived["improved"]
        done.conflicts += arrived["conflicts"]
        done.tally.add(tally)
    if planned:
        with store.transaction():
            store.run("ingest/tidy")
    booking.end()
    return done


def _not_yet_stored(
    store: Store,
    files: Iterable[LogFile],
    done: Ingested,
    booking: Booking,
    told: Callable[[int], None],
) -> Iterator[tuple[LogFile, str]]:
    stored = {row["sha256"] for row in store.rows("ingest/sources")}
    seen: dict[str, str] = {}
    for whole in files:
        held = booking.sources_of(whole)
        if held is not None:  # an object that is as it was when all of it was stored
            done.already += held
            told(whole.size)
            continue
        parts = [(file, file.sha256()) for file in whole.parts()]
        booking.begin(whole, parts, stored)
        for file, digest in parts:
            if digest in seen:
                done.copies.append((file.name, seen[digest]))
            elif digest in stored:
                done.already += 1
            else:
                yield file, digest
            if digest in seen or digest in stored:
                told(file.size)
            seen.setdefault(digest, file.name)


def _recognised(
    new: list[tuple[LogFile, str]], formats: tuple[Format, ...], done: Ingested
) -> list[tuple[LogFile, str, Format]]:
    planned, errors = [], []
    for file, digest in new:
        try:
            planned.append((file, digest, recognise(file, formats)))
        except SourceError as error:
            if file.is_document and (len(new) > 1 or done.already):
                done.documents.append(file.name)
            else:
                errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        listed = "".join(f"\n  {error}" for error in errors)
        raise AuditError(
            f"{len(errors)} files cannot be read as logs:{listed}", hint=errors[0].hint
        )
    return planned


def _stage_all(
    store: Store,
    file: LogFile,
    digest: str,
    format: Format,
    gauge: Gauge,
    placer: Placer,
    keep_text: bool,
    told: Callable[[int], None],
) -> tuple[Tally, pl.DataFrame]:
    """Read one source into ``staged``, ``refused`` and what ``placer`` samples.

    Returns where its lines went, and which of its calls are sums (``BUCKET_COLUMNS``).
    """
    tally = Tally()
    buckets: list[dict[str, Any]] = []
    store.run("ingest/begin")
    placer.begin()
    with file.open(told, sha256=digest) as stream:
        calls: list[dict[str, Any]] = []
        rejects: list[dict[str, Any]] = []
        for reading in (format.blocks or format.read)(file, stream):
            if isinstance(reading, Block):
                rows = blocks.staged(reading, placer, CALL_COLUMNS, keep_text=keep_text)
                _stage_frames(store, rows, pl.DataFrame(schema=REJECT_COLUMNS))
                tally.lines += rows.height
                tally.records += rows.height
                continue
            if isinstance(reading, Call):
                try:
                    counted = gauge(reading)
                    calls.append(call_row(reading, counted, placer, keep_text))
                    if reading.bucket is not None:
                        buckets.append(bucket_row(reading.line, reading.bucket))
                except RecursionError:
                    reading = Reject(reading.line, TOO_DEEP, b"", reading.lines)
            if isinstance(reading, Reject):
                rejects.append(reject_row(reading))
            _count(tally, reading)
            if len(calls) + len(rejects) >= BATCH_RECORDS:
                _stage(store, calls, rejects)
                calls, rejects = [], []
        _stage(store, calls, rejects)
    return tally, pl.DataFrame(buckets, schema=BUCKET_COLUMNS)


def _count(tally: Tally, reading: Reading) -> None:
    """Book every physical line of a reading once."""
    tally.lines += reading.lines
    if isinstance(reading, Call):
        tally.records += 1
        tally.context += reading.lines - 1
    elif isinstance(reading, Context):
        tally.context += reading.lines
    else:
        tally.rejects += reading.lines


def _stage(store: Store, calls: list[dict[str, Any]], rejects: list[dict[str, Any]]) -> None:
    _stage_frames(
        store,
        pl.DataFrame(calls, schema=CALL_COLUMNS),
        pl.DataFrame(rejects, schema=REJECT_COLUMNS),
    )


def _stage_frames(store: Store, calls: pl.DataFrame, rejects: pl.DataFrame) -> None:
    store.show("batch_calls", calls)
    store.show("batch_rejects", rejects)
    store.run("ingest/stage")


def call_row(call: Call, counted: Counted, placer: Placer, keep_text: bool) -> dict[str, Any]:
    """A call as a row of ``staged``."""
    place = placer.place(call, counted)
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
        "tags": [{"key": name, "value": value} for name, value in _tags(call)],
        "whole_answer": call.has_whole_answer,
        "uses_tools": call.uses_tools,
        "workload": place.workload,
        "prompt": place.prompt,
        "fingerprint": _fingerprint(call, placer.key),
        "request_json": request,
        "answer_json": answer,
    }


def _tags(call: Call) -> list[tuple[str, str]]:
    """Tags by name; two names that only a surrogate tells apart are one."""
    return sorted({clean(name): clean(value) for name, value in call.tags.items()}.items())


def bucket_row(line: int, bucket: Bucket) -> dict[str, Any]:
    """What makes the call of that line a sum."""
    return {
        "line": line,
        "requests": bucket.requests,
        "ends_at": bucket.ends_at,
        "kind": clean(bucket.kind),
        "grouped_by": ", ".join(bucket.grouped_by),
    }


def reject_row(reject: Reject) -> dict[str, Any]:
    """A reject as a row of ``refused``, its first bytes made fit to print."""
    return {
        "line": reject.line,
        "lines": reject.lines,
        "reason": printable(clean(reject.reason)),
        "head": printable(reject.head.decode("utf-8", "backslashreplace")),
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
