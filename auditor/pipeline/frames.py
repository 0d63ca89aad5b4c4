"""Calls that a format read as columns, as rows of ``staged``."""

from __future__ import annotations

import polars as pl

from auditor.formats import Frame
from auditor.pipeline.placing import Placer
from auditor.pipeline.rows import completed


def staged(frame: Frame, placer: Placer) -> pl.DataFrame:
    """The calls as ``call_row`` would make each of them (``CALL_COLUMNS``)."""
    calls = frame.calls
    whole = ~pl.col("failed") if "failed" in calls.columns else pl.lit(True)
    more = {"whole_answer": whole, "workload": _workloads(frame, placer), **_tags(frame)}
    return completed(calls.with_columns(**more))


def _tags(frame: Frame) -> dict[str, pl.Expr]:
    """The names and values of the tags that a call has, by name; null where it has none."""
    if not frame.tags:
        return {}
    names = sorted(frame.tags)
    cells = [pl.col(f"tag {name}") for name in names]
    has_any = pl.any_horizontal([cell.is_not_null() for cell in cells])
    listed = {
        "tag_names": [
            pl.when(cell.is_not_null()).then(pl.lit(name))
            for name, cell in zip(names, cells, strict=True)
        ],
        "tag_values": cells,
    }
    return {
        column: pl.when(has_any).then(pl.concat_list(parts).list.drop_nulls())
        for column, parts in listed.items()
    }


def _workloads(frame: Frame, placer: Placer) -> pl.Series:
    """What each call belongs to, asked once for the calls that have the same tags."""
    names = [name for name in placer.tags if name in frame.tags]
    if not names:
        return pl.Series("workload", [None] * frame.calls.height, dtype=pl.String)
    tags = frame.calls.select(pl.col(f"tag {name}").alias(name) for name in names)
    distinct = tags.unique()
    workloads = [
        placer.workload_of({name: tag for name, tag in row.items() if tag is not None})
        for row in distinct.iter_rows(named=True)
    ]
    known = distinct.with_columns(pl.Series("workload", workloads, dtype=pl.String))
    return tags.join(known, on=names, how="left", nulls_equal=True, maintain_order="left")[
        "workload"
    ]
