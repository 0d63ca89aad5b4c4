"""What scenarios with moves do with each workload, and the training that they need.

Both come as polars frames that SQL reads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal

import polars as pl

from auditor.errors import AuditError
from auditor.prices import Book, price
from auditor.scenarios import Scenario
from auditor.scenarios.card import USD_PER_TOKEN, per_token

PARTS_OF_A_MILLION = 6


def plan_of(
    scenario: Scenario, kinds: Iterable[tuple[str, str]], *, together: bool = False
) -> pl.DataFrame:
    """What a scenario does with each kind of call: a row for those it moves.

    A kind is a workload and the model that answered, '' where there is none. Columns: workload,
    served, shown (what the workload is called in the cells: itself, or '' if all are taken
    ``together``), move (its place), cut_tokens, cut_by_all (whether
    every call has them to cut), kept_ppm and output_ppm (parts of a million).
    """
    of_workload: dict[str, list[int]] = {}
    of_any: list[int] = []
    for place, move in enumerate(scenario.moves):
        for workload in move.workloads:
            of_workload.setdefault(workload, []).append(place)
        if not move.workloads:
            of_any.append(place)
    rows = []
    for workload, served in kinds:
        for place in sorted((*of_workload.get(workload, ()), *of_any)):
            move = scenario.moves[place]
            if move.takes(workload, served):
                rows.append(
                    {
                        "workload": workload,
                        "served": served,
                        "shown": "" if together else workload,
                        "move": place,
                        "cut_tokens": move.levers.cut_tokens,
                        "cut_by_all": move.levers.cut_calls == 1,
                        "kept_ppm": int(move.levers.kept.scaleb(PARTS_OF_A_MILLION)),
                        "output_ppm": int(move.levers.output.scaleb(PARTS_OF_A_MILLION)),
                    }
                )
                break
    return pl.DataFrame(
        rows,
        schema={
            **dict.fromkeys(("workload", "served", "shown"), pl.String),
            "move": pl.Int32,
            "cut_by_all": pl.Boolean,
            **dict.fromkeys(("cut_tokens", "kept_ppm", "output_ppm"), pl.Int64),
        },
    )


def trainings_of(
    scenarios: Iterable[Scenario],
    book: Book,
    names: Mapping[str, str],
    kinds: Collection[tuple[str, str]],
) -> pl.DataFrame:
    """The training that the moves of scenarios need, where they take some of the ``kinds``.

    Columns: scenario (its position), move, training_tokens, training_usd (per token). Raises
    AuditError where the book has no training price.
    """
    rows = [
        {
            "scenario": position,
            "move": place,
            "training_tokens": move.training_tokens,
            "training_usd": training_rate(move.models, move.trained_at, book, names),
        }
        for position, scenario in enumerate(scenarios)
        for place, move in enumerate(scenario.moves)
        if move.trained_at and any(move.takes(*kind) for kind in kinds)
    ]
    return pl.DataFrame(
        rows,
        schema={
            "scenario": pl.Int32,
            "move": pl.Int32,
            "training_tokens": pl.Int64,
            "training_usd": USD_PER_TOKEN,
        },
    )


def training_rate(
    models: tuple[str, ...], on: date, book: Book, names: Mapping[str, str]
) -> Decimal:
    """USD per token of training the one model of a ladder on that day.

    Raises AuditError when there are several models, or no price for training.
    """
    if len(models) != 1:
        raise AuditError(
            f"training is of one model, not of {' and '.join(models) or 'none'}",
            hint="Name one fine-tuned model.",
        )
    priced = price(book, models[0], on, user_map=names)
    rate = per_token(priced.row.training_per_1k_usd) if priced.row else None
    if rate is None:
        raise AuditError(
            f"{models[0]} has no price for training on {on}"
            + (f": {priced.reason}" if priced.reason else ""),
            hint="Name a fine-tuned model whose training is paid by the token; "
            "`audit show prices` lists prices and days.",
        )
    return rate
