"""Fine-tune: what each workload would cost on a model trained for it, and whether that pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import polars as pl

from auditor.errors import AuditError
from auditor.finetune import FEWEST_EXAMPLES, default_epochs, frame_of, past_of, rule_for
from auditor.pipeline.mixing import cost_of_mix, mix_of, moves_of
from auditor.pipeline.prompts import (
    ALL,
    Beginning,
    beginnings_of,
    observed_ratios,
    own_names,
    pairs_of,
)
from auditor.pipeline.replay import Question, check, kinds_of, price_cells, with_closings
from auditor.pipeline.tuning import Period, Row, Training, Tuning, TuningQuestion
from auditor.prices import price, resolve
from auditor.scenarios import Levers, Move, Scenario
from auditor.scenarios.card import USD_PER_TOKEN
from auditor.scenarios.plans import training_rate
from auditor.store import Store
from auditor.workload import Pair

NO_LIMIT = 10**9
SHARE = pl.Decimal(7, 6)
KEPT_SHARES = tuple(map(Decimal, ("1", "0.75", "0.5", "0.25", "0.125", "0.1", "0")))
OUTPUT_RATIOS = tuple(map(Decimal, ("0.5", "0.75", "1", "1.25", "1.5", "2")))


def tune(store: Store, question: TuningQuestion, mix_name: str = "mix") -> Tuning:
    """Judge every workload. Reads the store and changes nothing in it.

    Raises AuditError when the target is not one model with a price for training.
    """
    check_target(question)
    question = replace(question, base=with_closings(store, question.base))
    base = replace(question.base, scenarios=_compared(question, question.target), by=())
    pairs = pairs_of(store, base) if question.output is None else ()
    run = _Run(store, question, base, pairs)
    apart = _laid_down(run, by_workload=True)
    coverage = store.rows("replay/coverage", zone=base.zone)[0]
    period = _period(base, coverage)
    training = _training_of(question, period)
    store.scan(
        "finetune/usable",
        (),
        from_date=base.from_date,
        to_date=base.to_date,
        zone=base.zone,
        most=question.examples,
    )
    rows = tuple(_named(store, question, _judged(run, apart, training, period)))
    chosen = _chosen(question, rows)
    scenario = mix_of(question, chosen, training, apart.own, mix_name)
    mix = cost_of_mix(store, scenario, training) if scenario else None
    total = None if question.only else _whole(run, apart, training, period)
    grid_of = chosen[0] if question.only else total
    has_cost = grid_of is not None and grid_of["prompt_usd"] is not None
    return Tuning(
        question=question,
        rows=chosen,
        total=total,
        grid=_grid(store, grid_of) if grid_of and has_cost else (),
        grid_of=grid_of,
        coverage=coverage,
        period=period,
        training=training,
        past=past_of(training.rule, question.today) if training.rule else None,
        mix_scenario=scenario,
        mix=mix,
        pairs=pairs,
        sources=tuple(store.rows("ingest/sources")),
    )


def check_target(question: TuningQuestion) -> None:
    """Raise AuditError when the target is not one model that has a price for training.

    Where the target has no day of its own, the price is looked up when the period is known.
    """
    target, base = question.target, question.base
    if target.moves or len(target.models) != 1:
        raise AuditError(
            f"--to {target.name} is not one model",
            hint="Name a scenario with one fine-tuned model, such as ft-gpt-3.5-turbo.",
        )
    if question.against and question.against.moves:
        raise AuditError(
            f"--against {question.against.name} leaves some calls where they are",
            hint="Compare with actual or with a scenario that moves all calls.",
        )
    if target.prices_at:
        training_rate(target.models, target.prices_at, base.book, base.names)


def _compared(question: TuningQuestion, target: Scenario) -> tuple[Scenario, ...]:
    return (target, question.against) if question.against else (target,)


def _period(base: Question, coverage: Row) -> Period:
    """The period of the figures: as asked, else as the calls lie."""
    last = coverage["last_day"]
    begins = base.from_date or coverage["first_day"]
    ends = base.to_date or (last + timedelta(days=1) if last else None)
    return Period(begins, ends, (ends - begins).days if begins and ends else None)


def _training_of(question: TuningQuestion, period: Period) -> Training:
    """The rules and the price of training the target."""
    base, last = question.base, period.ends - timedelta(days=1) if period.ends else None
    day = question.target.prices_at or last or question.today
    model = resolve(question.model, day, base.book, base.names).model or question.model
    per_token = training_rate(question.target.models, day, base.book, base.names)
    rule = rule_for(model)
    row = price(base.book, question.model, day, user_map=base.names).row
    window = (row.context_window if row else None) or NO_LIMIT
    return Training(model, day, per_token, rule, rule.example_limit_tokens if rule else window)


@dataclass(frozen=True, slots=True)
class _Run:
    """What every step needs: the store, what is asked of it, and the pairs that were observed."""

    store: Store
    question: TuningQuestion
    base: Question
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class _Laid:
    """Cells and ledger in the store, with the levers and beginnings of each workload in them.

    ``own`` are the names under which the log has answers of the target itself: those are as long
    as they are, whatever others' answers are multiplied with.
    """

    levers: Mapping[str, Levers]
    beginnings: Mapping[str, Beginning]
    observed: frozenset[str]
    by_workload: bool
    own: tuple[str, ...]


def _laid_down(run: _Run, *, by_workload: bool) -> _Laid:
    """Move each workload, or all calls as one, to the target."""
    laid = _levers_of(run, by_workload=by_workload)
    target = run.question.target
    scenarios = _compared(run.question, replace(target, models=(), moves=_moves(target, laid)))
    price_cells(
        run.store,
        replace(run.base, scenarios=scenarios),
        tuple(range(len(scenarios))),
        by_workload=by_workload,
    )
    check(run.store)
    return laid


def _levers_of(run: _Run, *, by_workload: bool) -> _Laid:
    question, base = run.question, run.base
    kinds = kinds_of(run.store)
    names = list(dict.fromkeys(workload for workload, _ in kinds)) if by_workload else [ALL]
    beginnings = beginnings_of(run.store, base, by_workload=by_workload)
    ratios = (
        observed_ratios(run.pairs, names, question.model, base)
        if question.output is None
        else dict.fromkeys(names, (question.output, False))
    )
    levers = {
        name: _levers(question, beginnings.get(name), ratio) for name, (ratio, _) in ratios.items()
    }
    observed = frozenset(name for name, (_, was) in ratios.items() if was)
    own = own_names(question.model, (served for _, served in kinds), base) if observed else ()
    return _Laid(levers, beginnings, observed, by_workload, own)


def _levers(question: TuningQuestion, at: Beginning | None, ratio: Decimal) -> Levers:
    if question.drop and at is not None:
        return Levers(cut_tokens=at.best.cut_tokens, cut_calls=at.best.share, output=ratio)
    return Levers(kept=question.kept, output=ratio)


def _judged(
    run: _Run, laid: _Laid, training: Training, period: Period, *, together: bool = False
) -> list[Row]:
    """The rows of verdicts.sql for what is laid down; ``together``: of all of it as one."""
    store, question = run.store, run.question
    store.show("levers", _lever_frame(laid))
    store.show("training", _training_frame(store, question, laid, training))
    rows = store.rows(
        "finetune/verdicts",
        against=1 if question.against else None,
        together=together,
        fewest=FEWEST_EXAMPLES,
        ends=period.ends,
        zone=question.base.zone,
        retrain_days=question.retrain_days,
    )
    shut_out = {}
    if not training.takes_tools:
        found = store.rows("finetune/tools", by_workload=laid.by_workload)
        shut_out = {row["workload"]: row["calls"] for row in found}
    for row in rows:
        row["with_tools"] = shut_out.get(row["workload"], 0)
        at = laid.beginnings.get(row["workload"])
        row["beginnings"] = at.levels if at else ()
        row["observed"] = row["workload"] in laid.observed
    return rows


def _whole(run: _Run, apart: _Laid, training: Training, period: Period) -> Row | None:
    """The whole traffic as one workload; moved once more only where its levers are others."""
    whole = _levers_of(run, by_workload=False)
    if set(apart.levers.values()) - set(whole.levers.values()):
        whole = _laid_down(run, by_workload=False)
    rows = _judged(run, whole, training, period, together=True)
    return rows[0] if rows else None


def _training_frame(
    store: Store, question: TuningQuestion, laid: _Laid, training: Training
) -> pl.DataFrame:
    """Examples, epochs and billed tokens of each workload."""
    store.run(
        "finetune/draw",
        by_workload=laid.by_workload,
        most=question.examples,
        tools=training.takes_tools,
    )
    rows = []
    for row in store.rows(
        "finetune/examples", frame=frame_of(training.model), limit=training.limit
    ):
        epochs = question.epochs or default_epochs(row["examples"])
        rows.append(
            {
                **row,
                "epochs": epochs,
                "training_tokens": row["example_tokens"] * epochs,
                "training_usd": training.usd_per_token,
            }
        )
    return pl.DataFrame(
        rows,
        schema={
            "workload": pl.String,
            **dict.fromkeys(("examples", "truncated", "epochs", "training_tokens"), pl.Int64),
            "training_usd": USD_PER_TOKEN,
        },
    )


def _grid(store: Store, row: Row) -> tuple[Row, ...]:
    """The cost of one row over prompts kept and answer lengths."""
    money = {name: row[name] for name in ("prompt_usd", "output_usd", "against_usd")}
    schema = dict.fromkeys(money, pl.Decimal(38, 18))
    store.show("stand", pl.DataFrame([money], schema=schema))
    store.show("kept_shares", pl.DataFrame({"kept": KEPT_SHARES}, schema={"kept": SHARE}))
    store.show("ratios", pl.DataFrame({"output": OUTPUT_RATIOS}, schema={"output": SHARE}))
    return tuple(store.rows("finetune/grid"))


def _moves(target: Scenario, laid: _Laid) -> tuple[Move, ...]:
    """One move for each workload, or for all where they have the same levers."""
    alike = len(set(laid.levers.values())) == 1
    takers = (
        {(): next(iter(laid.levers.values()))}
        if alike
        else {(name,): levers for name, levers in laid.levers.items()}
    )
    return tuple(
        move
        for workloads, levers in takers.items()
        for move in moves_of(workloads, target.models, levers, laid.own)
    )


def _lever_frame(laid: _Laid) -> pl.DataFrame:
    rows = []
    for workload, levers in laid.levers.items():
        best = laid.beginnings[workload].best if workload in laid.beginnings else None
        rows.append(
            {
                "workload": workload,
                "kept": levers.kept,
                "kept_ppm": int(levers.kept.scaleb(6)),
                "output": levers.output,
                "trained_cut_tokens": levers.cut_tokens,
                "cut_tokens": best.cut_tokens if best else 0,
                "cut_calls": best.share if best else Decimal(0),
                "heads": best.heads if best else 0,
                "holding": best.holding if best else 0,
            }
        )
    return pl.DataFrame(
        rows,
        schema={
            "workload": pl.String,
            "kept": SHARE,
            "kept_ppm": pl.Int64,
            "output": SHARE,
            "trained_cut_tokens": pl.Int64,
            "cut_tokens": pl.Int64,
            "cut_calls": SHARE,
            "heads": pl.Int64,
            "holding": pl.Int64,
        },
    )


def _named(store: Store, question: TuningQuestion, rows: list[Row]) -> list[Row]:
    known = {row["workload"]: row for row in store.rows("finetune/labels")}
    for row in rows:
        label = known.get(row["workload"], {})
        row["name"] = question.names.get(row["workload"]) or label.get("label") or None
        row["found_by"] = label.get("found_by") or ""
    return rows


def _chosen(question: TuningQuestion, rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Those asked for, by id or name."""
    for wanted in question.only:
        if not any(wanted in (row["workload"], row["name"]) for row in rows):
            raise AuditError(
                f"there is no workload {wanted}",
                hint="`audit show workloads` lists their ids and names; ids depend on the hash key "
                "of the store.",
            )
    if not question.only:
        return rows
    return tuple(r for r in rows if r["workload"] in question.only or r["name"] in question.only)
