"""Blocks of calls, which a format read as columns, as rows of ``staged``."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from auditor.formats.columnar import Block
from auditor.pipeline.counting import PROVIDER
from auditor.pipeline.placing import Placer

SAME_FOR_ALL = {
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
NOTHING_SAID = {"request_json": "{}", "answer_json": "[]"}


def staged(
    block: Block,
    placer: Placer,
    schema: Mapping[str, pl.DataType | type[pl.DataType]],
    *,
    keep_text: bool,
) -> pl.DataFrame:
    """The calls as ``schema`` wants them: as ``call_row`` would make each of them."""
    calls = block.calls
    known = {name: pl.col(name) for name in schema if name in calls.columns}
    same = {**SAME_FOR_ALL, **(NOTHING_SAID if keep_text else {})}
    constant = {name: pl.lit(value) for name, value in same.items()}
    known["whole_answer"] = ~known["failed"] if "failed" in known else pl.lit(True)
    known["tags"] = _tags(block)
    columns = {**constant, **known}
    frame = calls.select(
        columns.get(name, pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
        if name != "workload"
    )
    return frame.with_columns(_workloads(block, placer)).select(*schema)


def _tags(block: Block) -> pl.Expr:
    """The tags that a call has, by name."""
    if not block.tags:
        return pl.lit([], pl.List(pl.Struct({"key": pl.String, "value": pl.String})))
    pairs = (
        pl.when(pl.col(f"tag {name}").is_not_null()).then(
            pl.struct(pl.lit(name).alias("key"), pl.col(f"tag {name}").alias("value"))
        )
        for name in sorted(block.tags)
    )
    return pl.concat_list(list(pairs)).list.drop_nulls()


def _workloads(block: Block, placer: Placer) -> pl.Series:
    """What each call belongs to, asked once for the calls that have the same tags."""
    columns = [f"tag {name}" for name in placer.tags if name in block.tags]
    if not columns:
        return pl.Series("workload", [None] * block.calls.height, dtype=pl.String)
    distinct = block.calls.select(columns).unique()
    names = [column.removeprefix("tag ") for column in columns]
    workloads = [
        placer.workload_of({name: tag for name, tag in zip(names, row, strict=True) if tag})
        for row in distinct.rows()
    ]
    placed = distinct.with_columns(pl.Series("workload", workloads, dtype=pl.String))
    return block.calls.select(columns).join(
        placed, on=columns, how="left", nulls_equal=True, maintain_order="left"
    )["workload"]
