"""Tables of token counts: CSV or JSON lines with one call a row, recognised by their columns.

Four public traces are known by their columns; any other table is described by a mapping in
audit.toml. None of them holds a provider's call id, so a call is known by its fields.

- Azure LLM inference trace 2023: TIMESTAMP (7 decimals, UTC), ContextTokens, GeneratedTokens;
  no model. Sure: read in the published file.
- BurstGPT: Timestamp (seconds since the trace began, so the calls are undated), Model, Request
  tokens, Response tokens, Total tokens, Log Type. A row without response tokens is a failed
  call (the authors publish a second file without those). Likely: the schema is documented.
- Mooncake: timestamp (milliseconds since the trace began: undated), input_length, output_length,
  hash_ids. Sure: read in the published file.
- LLMDrift: model, query, answer, max_tokens, cost (USD), timestamp (MM/DD/YYYY, HH:MM:SS, taken
  as UTC). No prompt count: tokens are counted from the text. Sure: read in the published files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from auditor.formats.base import (
    Format,
    Frame,
    ReadRecord,
    csv_records,
    delimiter_of,
    json_lines,
    sample,
)
from auditor.formats.cells import known, needed_count, read_count, read_money
from auditor.formats.columnar import csv_blocks
from auditor.formats.columns import Columns
from auditor.formats.times import read_time
from auditor.records import Call, Reading, Text, Usage
from auditor.sources import LogFile

AZURE_2023 = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
BURSTGPT = ("Timestamp", "Model", "Request tokens", "Response tokens", "Total tokens", "Log Type")
MOONCAKE = ("timestamp", "input_length", "output_length", "hash_ids")
LLMDRIFT = ("model", "query", "answer", "cost", "timestamp", "max_tokens")

NO_IDS = "none: known by its fields"
UNDATED = "none: since the trace began"


def _azure_2023(line: int, row: Mapping[str, str], lines: int) -> Reading:
    usage = Usage(needed_count(row["ContextTokens"]), needed_count(row["GeneratedTokens"]))
    return Call(line, called_at=read_time(row["TIMESTAMP"]), usage=known(usage), lines=lines)


def _burstgpt(line: int, row: Mapping[str, str], lines: int) -> Reading:
    asked, answered = needed_count(row["Request tokens"]), needed_count(row["Response tokens"])
    total = read_count(row["Total tokens"])
    if total is not None and total != asked + answered:
        raise ValueError(f"total tokens {total} are not {asked} + {answered}")
    return Call(
        line,
        requested_model=row["Model"] or None,
        usage=Usage(asked, answered) if answered else None,
        failed=not answered,
        problem=None if answered else "no response tokens",
        tags={"log_type": row["Log Type"]},
        fingerprint=row["Timestamp"],
        lines=lines,
    )


def _mooncake(line: int, row: Mapping[str, Any]) -> Reading:
    usage = Usage(needed_count(row["input_length"]), needed_count(row["output_length"]))
    return Call(
        line,
        usage=known(usage),
        fingerprint=f"{row['timestamp']} {row['hash_ids']}",
    )


def _llmdrift(line: int, row: Mapping[str, str], lines: int) -> Reading:
    return Call(
        line,
        called_at=read_time(row["timestamp"]),
        served_model=row["model"] or None,
        max_tokens=read_count(row["max_tokens"]),
        recorded_usd=read_money(row["cost"]),
        tags={"dataset": row["dataset"]} if row.get("dataset") else {},
        text=Text(
            messages=({"role": "user", "content": row["query"]},),
            outputs=({"role": "assistant", "content": row["answer"]},),
        ),
        lines=lines,
    )


def _csv_table(
    name: str,
    title: str,
    columns: tuple[str, ...],
    read_row: ReadRecord,
    *facts: str,
    counts_in: Columns | None = None,
) -> Format:
    times, counts, *note = facts

    def delimiter(file: LogFile) -> str:
        return delimiter_of(sample(file), columns) or ","

    def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
        return csv_records(stream, delimiter(file), read_row)

    def blocks(file: LogFile, stream: BinaryIO) -> Iterator[Frame | Reading]:
        if counts_in is None:
            return read(file, stream)
        return csv_blocks(stream, delimiter(file), read_row, counts_in)

    return Format(
        name,
        title,
        lambda start: delimiter_of(start, columns) is not None,
        read,
        container="CSV",
        ids=NO_IDS,
        times=times,
        counts=counts,
        note="".join(note),
        blocks=blocks,
    )


def _json_table(
    name: str, title: str, columns: tuple[str, ...], read_row: Any, *facts: str
) -> Format:
    times, counts, *note = facts
    return Format(
        name,
        title,
        lambda start: any(set(columns) <= line.keys() for line in start.objects),
        lambda file, stream: json_lines(stream, read_row),
        container="JSON lines",
        ids=NO_IDS,
        times=times,
        counts=counts,
        note="".join(note),
    )


FORMATS = (
    _csv_table(
        "azure-trace-2023",
        "Azure LLM inference trace of 2023",
        AZURE_2023,
        _azure_2023,
        "`TIMESTAMP`",
        "`ContextTokens`, `GeneratedTokens`",
        "names no model: say it with --assume-model",
        counts_in=Columns(
            "ContextTokens", "GeneratedTokens", read_time=read_time, time="TIMESTAMP"
        ),
    ),
    _csv_table(
        "burstgpt",
        "BurstGPT trace",
        BURSTGPT,
        _burstgpt,
        UNDATED,
        "`Request tokens`, `Response tokens`",
        counts_in=Columns(
            "Request tokens",
            "Response tokens",
            read_time=read_time,
            requested_model="Model",
            tags={"log_type": "Log Type"},
            fingerprint="Timestamp",
            total="Total tokens",
            needed=("Log Type",),
            answered=True,
        ),
    ),
    _csv_table(
        "llmdrift",
        "LLMDrift evaluations with their recorded cost",
        LLMDRIFT,
        _llmdrift,
        "`timestamp`",
        "of the text",
    ),
    _json_table(
        "mooncake",
        "Mooncake trace",
        MOONCAKE,
        _mooncake,
        UNDATED,
        "`input_length`, `output_length`",
        "names no model: say it with --assume-model",
    ),
)
