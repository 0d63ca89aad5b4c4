"""The verdicts on fine-tuning as rows, sentences, JSON, CSV, Markdown and Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import polars as pl

from auditor.finetune import FEWEST_EXAMPLES
from auditor.pipeline.tuning import Tuning
from auditor.reports.figures import counted, n, plain
from auditor.reports.files import csv_text, markdown_text, parquet_bytes, run_of, texts
from auditor.reports.rows import USD
from auditor.scenarios import Move

SCHEMA = "audit.finetune/1"
ALL_CALLS = "all"
NOT_SAID = (
    "prices only: no log can tell whether a fine-tuned model answers as well, whether a prompt "
    "can be cut that far, or whether the logged answers are right"
)
SHARE = pl.Decimal(38, 6)
WORDS = ("workload", "name", "found_by", "verdict", "why", "break_even_date", "history")

COLUMNS: Mapping[str, Any] = {
    "workload": pl.String,
    "name": pl.String,
    "calls": pl.Int64,
    "input_tokens": pl.Int64,
    "output_tokens": pl.Int64,
    "actual_usd": USD,
    "against_usd": USD,
    "examples": pl.Int64,
    "epochs": pl.Int64,
    "training_tokens": pl.Int64,
    "training_usd": USD,
    "replayed_usd": USD,
    "saving_usd_per_1k_calls": USD,
    "break_even_calls": pl.Int64,
    "break_even_days": pl.Int64,
    "break_even_date": pl.String,
    "required_cut_share": SHARE,
    "possible_cut_tokens": pl.Int64,
    "possible_cut_share": SHARE,
    "verdict": pl.String,
    "why": pl.String,
    "found_by": pl.String,
    "compared_calls": pl.Int64,
    "actual_calls": pl.Int64,
    "dearer_calls": pl.Int64,
    "dearer_usd": USD,
    "overflows": pl.Int64,
    "unpriced": pl.Int64,
    "measured_calls": pl.Int64,
    "output_ratio": SHARE,
    "history": pl.String,
}


def tuning_rows(result: Tuning) -> list[dict[str, Any]]:
    """One row a workload, the whole traffic (workload ``all``) first; the columns of COLUMNS.

    Tokens and money are of ``compared_calls``: those that fit the target and whose other cost is
    known; dearer_calls are those of models that cost less, by dearer_usd; actual_usd is of the
    ``actual_calls`` of these whose actual cost is known. break_even_date counts from the end of the
    period; history says why the advice cannot be followed on the day of the run.
    """
    rows = [result.total, *result.rows] if result.total else list(result.rows)
    return [tuning_row(result, row) for row in rows]


def tuning_row(result: Tuning, row: Mapping[str, Any]) -> dict[str, Any]:
    """One row of verdicts.sql with the columns of COLUMNS."""
    found = {
        **row,
        "workload": label_of(result, row),
        "name": row.get("name"),
        "found_by": row.get("found_by") or None,
        "break_even_date": date_of(result, row),
        "measured_calls": row["heads"],
        "output_ratio": row["output"],
        "why": why(result, row),
        "history": result.past,
    }
    return {name: found[name] for name in COLUMNS}


def label_of(result: Tuning, row: Mapping[str, Any]) -> str | None:
    """The id of a row: ``all`` for the whole traffic, None for calls without a workload."""
    return ALL_CALLS if row is result.total else row["workload"] or None


def date_of(result: Tuning, row: Mapping[str, Any]) -> str | None:
    """The day on which training is paid for, ISO; None where it never is or nobody can say."""
    days, begins = row["break_even_days"], counted_from(result)
    if days is None or begins is None:
        return None
    try:
        return (begins + timedelta(days=max(days, 1) - 1)).isoformat()
    except OverflowError:
        return None  # beyond the year 9999


def counted_from(result: Tuning) -> date | None:
    """The first day that pays training back: after the period, and not before the model was."""
    ends, rule = result.period.ends, result.training.rule
    return max(ends, rule.trained_from) if ends and rule else ends


def verdict_of(result: Tuning, row: Mapping[str, Any]) -> str:
    """The verdict in a few words."""
    kind = row["verdict"]
    if kind == "pays_back":
        on = date_of(result, row)
        return f"pays back on {on}" if on else f"pays back after {n(row['break_even_calls'])} calls"
    if kind == "never" and row["is_eaten_by_retraining"]:
        return "never: retraining costs more than is saved"
    if kind == "never":
        return "never: output alone costs more"
    if kind == "needs_cut" and not row["required_cut_share"]:
        return "costs the same: any prompt cut would pay"
    if kind == "needs_cut":
        needed, possible = row["required_cut_share"], row["possible_cut_share"]
        cut = f"needs a prompt cut of {percent(needed, ROUND_CEILING)}"
        if possible is None:
            return f"{cut}; what the logs allow is not known"
        enough = "enough" if possible >= needed else "not enough"
        return f"{cut}, the logs allow {percent(possible, ROUND_FLOOR)}: {enough}"
    if kind == "does_not_fit":
        return "does not fit"
    if not row["compared_calls"]:
        return "too few calls with a cost to compare"
    return "too few calls without functions" if row["with_tools"] else "too few calls"


def why(result: Tuning, row: Mapping[str, Any]) -> str:
    """The figures behind a verdict, in a sentence."""
    return "; ".join(_reasons(result, row))


def _reasons(result: Tuning, row: Mapping[str, Any]) -> Iterator[str]:
    kind, model = row["verdict"], result.question.model
    answers = plain(row["answers_usd"])
    if kind == "does_not_fit":
        yield f"{n(row['overflows'])} of {n(row['calls'])} calls outgrow the window of {model}"
        return
    if kind == "too_few_calls":
        if row["compared_calls"]:
            yield f"{counted(row['examples'], 'usable example')}, {FEWEST_EXAMPLES} are needed"
            if row["with_tools"]:
                yield with_tools(result, row)
        else:
            yield "no call fits and has a cost to compare with"
        return
    if kind == "pays_back":
        yield (
            f"training for {plain(row['training_usd'])} USD is paid for by "
            f"{counted(row['break_even_calls'], 'call')}"
        )
        if row["dearer_calls"]:
            yield dearer(row)
    elif row["is_eaten_by_retraining"]:
        yield f"training again every {result.question.retrain_days} days costs more than is saved"
    if kind == "never":
        yield (
            f"answers alone cost {answers} USD on {model}, prompts and answers "
            f"{plain(row['against_usd'])} USD now"
        )
    if kind == "needs_cut":
        if row["required_cut_share"] == 0:
            yield f"costs the same on {model}: any cut would pay"
        else:
            yield (
                f"cheaper from a prompt cut of {percent(row['required_cut_share'], ROUND_CEILING)}"
                " on"
            )
        yield _possible(row)
    if row["overflows"]:
        yield f"{counted(row['overflows'], 'call')} outgrow the window and stay out"
    if row["with_tools"]:
        yield with_tools(result, row)
    if row["compared_calls"] < row["fits"]:
        yield f"{counted(row['fits'] - row['compared_calls'], 'call')} have no cost to compare with"


def dearer(row: Mapping[str, Any]) -> str:
    """That some calls of a workload that pays back are better left where they are."""
    return (
        f"{counted(row['dearer_calls'], 'call')} by cheaper models cost "
        f"{plain(row['dearer_usd'])} USD more once moved; a scenario with where = {{ model = … }} "
        "leaves them"
    )


def with_tools(result: Tuning, row: Mapping[str, Any]) -> str:
    """That some calls cannot be trained on for what they declare."""
    return (
        f"{counted(row['with_tools'], 'call')} with functions or tools are no examples: "
        f"{result.training.model} could not be trained on them on {result.training.on}"
    )


def _possible(row: Mapping[str, Any]) -> str:
    if not row["heads"]:
        return "what the prompts share is not known: their text was not in the log"
    return (
        f"{n(row['possible_cut_tokens'])} tokens begin {n(row['holding'])} of the "
        f"{counted(row['heads'], 'prompt')} measured"
    )


def percent(share: Decimal | None, rounding: str) -> str:
    """A share in percent with one decimal, rounded to the side that promises less."""
    if share is None:
        return "?"
    return f"{(share * 100).quantize(Decimal('0.1'), rounding)} %"


def as_json(result: Tuning) -> str:
    """One object, schema ``audit.finetune/1``. Money and shares are decimal strings."""
    asked = result.question
    scenarios = [asked.target, *([asked.against] if asked.against else [])]
    document = {
        "schema": SCHEMA,
        "run": run_of(asked.base, scenarios, result.sources),
        "period": {
            "from": result.period.begins.isoformat() if result.period.begins else None,
            "to": result.period.ends.isoformat() if result.period.ends else None,
            "days": result.period.days,
            "timezone": asked.base.zone,
        },
        "to": asked.target.name,
        "model": asked.model,
        "prices_at": asked.target.prices_at.isoformat() if asked.target.prices_at else "call",
        "against": asked.against.name if asked.against else "actual",
        "assumptions": {
            "keep_prompt": plain(asked.kept),
            "drop": "shared-prefix" if asked.drop else None,
            "output_ratio": plain(asked.output) if asked.output is not None else "observed",
            "examples": asked.examples,
            "epochs": asked.epochs or "default",
            "retrain_every_days": asked.retrain_days,
            "trained_at": result.training.on.isoformat(),
            "training_usd_per_1k": plain(result.training.usd_per_token.scaleb(3)),
            "example_limit_tokens": result.training.limit,
        },
        "not_said": NOT_SAID,
        "history": result.past,
        "total": _object(result, result.total) if result.total else None,
        "workloads": [_object(result, row) for row in result.rows],
        "grid": _grid(result),
        "mix": _mix(result),
        "pairs": [_pair(pair) for pair in result.pairs],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _object(result: Tuning, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **texts(tuning_row(result, row)),
        "beginnings": [
            {
                "at_percent": at.level,
                "cut_tokens": at.cut_tokens,
                "whole_messages": at.whole_messages,
                "then_tokens": at.then_tokens,
                "holding_calls": at.holding,
                "measured_calls": at.heads,
                "encoding": at.encoding,
            }
            for at in row["beginnings"]
        ],
    }


def grid_frame(result: Tuning) -> pl.DataFrame:
    """The grid as rows of the report finetune_grid."""
    rows = [
        {
            "workload": label_of(result, result.grid_of) if result.grid_of else None,
            "prompt_kept": row["kept"],
            "output_ratio": row["output"],
            **{name: row[name] for name in ("replayed_usd", "saving_usd", "flip_kept")},
        }
        for row in result.grid
    ]
    schema: dict[str, Any] = {
        "workload": pl.String,
        **dict.fromkeys(("prompt_kept", "output_ratio"), SHARE),
        **dict.fromkeys(("replayed_usd", "saving_usd"), USD),
        "flip_kept": SHARE,
    }
    return pl.DataFrame(rows, schema=schema)


def _grid(result: Tuning) -> dict[str, Any] | None:
    """The grid, and the flip line as exact fractions of whole numbers."""
    if result.grid_of is None or not result.grid:
        return None
    flips = {
        row["output"]: {
            "output_ratio": plain(row["output"]),
            "prompt_kept": plain(row["flip_kept"]),
            "over": str(row["flip_over"]),
            "under": str(row["flip_under"]),
        }
        for row in result.grid
    }
    return {
        "workload": label_of(result, result.grid_of),
        "cells": [
            {
                "prompt_kept": plain(row["kept"]),
                "output_ratio": plain(row["output"]),
                "replayed_usd": plain(row["replayed_usd"]),
                "saving_usd": plain(row["saving_usd"]),
            }
            for row in result.grid
        ],
        "flip_line": list(flips.values()),
    }


def _mix(result: Tuning) -> dict[str, Any] | None:
    if result.mix is None or result.mix_scenario is None:
        return None
    moved = [name for move in _moved(result) for name in move.workloads]
    return {"moved": moved, **texts(result.mix)}


def _moved(result: Tuning) -> Iterator[Move]:
    """One move for each workload of the mix."""
    moves = result.mix_scenario.moves if result.mix_scenario else ()
    return (move for move in moves if not move.served)


def _pair(pair: Any) -> dict[str, Any]:
    return {
        "workload": pair.workload,
        "base": pair.base,
        "model": pair.model,
        "prompts": pair.prompts,
        "ratio": plain(pair.ratio),
        "quartiles": [f"{value:.3f}" for value in (pair.low, pair.median, pair.high)],
    }


def as_csv(result: Tuning) -> str:
    """``tuning_rows`` as CSV, every digit."""
    return csv_text(COLUMNS, tuning_rows(result))


def as_markdown(result: Tuning) -> str:
    """``tuning_rows`` as a Markdown table, numbers in full."""
    return markdown_text(COLUMNS, WORDS, tuning_rows(result))


def as_parquet(result: Tuning) -> bytes:
    """``tuning_rows`` as Parquet."""
    return parquet_bytes(pl.DataFrame(tuning_rows(result), schema=COLUMNS))


WRITERS: Mapping[str, Callable[[Tuning], str | bytes]] = {
    "json": as_json,
    "csv": as_csv,
    "md": as_markdown,
    "parquet": as_parquet,
}
