"""The rows that every written report shares: names, order and types of the columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from auditor.pipeline.replay import Replay

USD = pl.Decimal(38, 18)
COUNTS = ("calls", "fits", "overflows", "unpriced", "input_tokens", "output_tokens")
MONEY = ("cost_usd", "actual_usd", "delta_usd")
TRAINING = ("training_usd", "total_usd")

RESULT_COLUMNS: Mapping[str, Any] = {
    "name": pl.String,
    "title": pl.String,
    **dict.fromkeys(COUNTS, pl.Int64),
    **dict.fromkeys(MONEY, USD),
    "ratio": pl.Decimal(38, 6),
    "compared_calls": pl.Int64,
    "compared_usd": USD,
}

SPENT_COLUMNS = (
    *("calls", "failed", "unpriced", "input_tokens", "output_tokens", "cost_usd"),
    *("recorded_calls", "recorded_usd", "recorded_actual_usd"),
)


def dimension_columns(by: Iterable[str]) -> tuple[str, ...]:
    """What the columns of the dimensions are called: as asked, ``tag:NAME`` where that is taken."""
    taken = {*RESULT_COLUMNS, *SPENT_COLUMNS}
    return tuple(f"tag:{name}" if name in taken else name for name in by)


def result_schema(result: Replay) -> dict[str, Any]:
    """The columns of ``result_rows`` in their order, with their types."""
    return {
        **dict.fromkeys(dimension_columns(result.question.by), pl.String),
        **RESULT_COLUMNS,
        **(dict.fromkeys(TRAINING, USD) if result.training else {}),
    }


def result_rows(result: Replay) -> list[dict[str, Any]]:
    """One row a scenario, or a scenario and group.

    Columns: the dimensions asked for with --by (see ``dimension_columns``), name, title,
    calls, fits, overflows, unpriced, input_tokens, output_tokens, cost_usd, actual_usd (actual
    cost of the calls that this row priced and whose actual cost is known: compared_calls),
    compared_usd (the scenario's cost of the same calls), delta_usd = compared_usd - actual_usd,
    ratio = compared_usd / actual_usd; and where some scenario trains a model, training_usd (once)
    and total_usd = cost_usd + training_usd, on rows of all calls.
    """
    by = dimension_columns(result.question.by)
    return [
        {
            **{name: row[f"by_{place}"] for place, name in enumerate(by, 1)},
            "name": row["scenario"].name,
            "title": row["scenario"].title,
            **{name: row[name] for name in COUNTS},
            **{name: row[name] for name in MONEY},
            "ratio": row["ratio"],
            "compared_calls": row["compared_calls"],
            "compared_usd": row["compared_usd"],
            **_training(result, row),
        }
        for row in result.rows
    ]


def _training(result: Replay, row: dict[str, Any]) -> dict[str, Any]:
    """The training columns of a row; a group has no share in what is trained for all."""
    if not result.training:
        return {}
    found = next((t for t in result.training if t["scenario"] is row["scenario"]), None)
    if found is None or result.question.by:
        return dict.fromkeys(TRAINING)
    return {name: found[name] for name in TRAINING}


def result_frame(result: Replay) -> pl.DataFrame:
    """``result_rows`` as a frame; money DECIMAL(38,18), ratio DECIMAL(38,6)."""
    return pl.DataFrame(result_rows(result), schema=result_schema(result))
