"""The mix: what pays back is moved to the fine-tuned model, the rest stays where it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import polars as pl

from auditor.pipeline.tuning import Row, Training, TuningQuestion
from auditor.scenarios import Levers, Move, Scenario
from auditor.scenarios.card import USD_PER_TOKEN
from auditor.store import Store


def mix_of(
    question: TuningQuestion,
    rows: tuple[Row, ...],
    training: Training,
    own: tuple[str, ...],
    name: str,
) -> Scenario | None:
    """The scenario that moves what pays back and leaves the rest."""
    target = question.target
    moves: list[Move] = []
    for row in rows:
        if row["verdict"] == "pays_back" and row["workload"]:
            runs = 1
            if question.retrain_days and row["days"]:
                runs = -(-row["days"] // question.retrain_days)
            lever = Levers(
                kept=row["kept"],
                cut_tokens=row["possible_cut_tokens"] if question.drop else 0,
                cut_calls=row["possible_cut_calls"] if question.drop else Decimal(1),
                output=row["output"],
            )
            trained = (row["training_tokens"] * runs, training.on)
            moves += moves_of((row["workload"],), target.models, lever, own, trained)
    if not moves:
        return None
    return Scenario(
        name=name,
        title=f"{target.title}, for the workloads where training pays back",
        models=(),
        prices_at=target.prices_at,
        tier=target.tier,
        group="user",
        notes=("what no move takes stays at its actual cost",),
        sha256="",
        moves=tuple(moves),
    )


def moves_of(
    workloads: tuple[str, ...],
    models: tuple[str, ...],
    levers: Levers,
    own: tuple[str, ...],
    trained: tuple[int, date | None] = (0, None),
) -> tuple[Move, ...]:
    """The moves of workloads: what the target (``own`` names) answered keeps its length."""
    move = Move(workloads, models, levers, *trained)
    if not own or levers.output == 1:
        return (move,)
    answered = Move(workloads, models, replace(levers, output=Decimal(1)), served=own)
    return (answered, move)


def cost_of_mix(store: Store, scenario: Scenario, training: Training) -> Row:
    """What the mix costs; the ledger has every workload moved."""
    moved = [
        {
            "workload": name,
            "training_tokens": move.training_tokens,
            "training_usd": training.usd_per_token,
        }
        for move in scenario.moves
        if not move.served
        for name in move.workloads
    ]
    frame = pl.DataFrame(
        moved,
        schema={
            "workload": pl.String,
            "training_tokens": pl.Int64,
            "training_usd": USD_PER_TOKEN,
        },
    )
    store.show("moved", frame)
    return store.rows("finetune/mix")[0]
