"""Fine-tune: what each workload would cost on a model trained for it, and whether that pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from auditor.errors import AuditError
from auditor.finetune import (
    DEFAULT_EXAMPLES,
    FEWEST_EXAMPLES,
    Rule,
    default_epochs,
    frame_of,
    past_of,
    rule_for,
)
from auditor.pipeline.prompts import ALL, Beginning, beginnings_of, observed_ratios, pairs_of
from auditor.pipeline.replay import Question, Replay, check, price_cells, replay
from auditor.prices import price, resolve
from auditor.scenarios import Levers, Move, Scenario
from auditor.scenarios.plans import training_rate
from auditor.store import Store
from auditor.workload import Pair

Row = dict[str, Any]

KEPT_SHARES = tuple(map(Decimal, ("1", "0.75", "0.5", "0.25", "0.125", "0.1", "0")))
OUTPUT_RATIOS = tuple(map(Decimal, ("0.5", "0.75", "1", "1.25", "1.5", "2")))


@dataclass(frozen=True)
class TuningQuestion:
    """What is asked: which model to train, against what, and the levers.

    ``target`` is a scenario with one fine-tuned model, ``against`` one to compare with (None: the
    actual cost). ``kept`` is the share of each prompt still sent; ``drop`` cuts the shared
    beginning off instead. ``output`` is the length of answers in logged ones, None: as observed
    where the log has the same prompt answered by both models. ``epochs`` None: the provider's
    default. ``retrain_days``: train again that often. ``today`` decides whether advice can be
    followed.
    """

    base: Question
    target: Scenario
    today: date
    against: Scenario | None = None
    kept: Decimal = Decimal(1)
    drop: bool = False
    output: Decimal | None = Decimal(1)
    examples: int = DEFAULT_EXAMPLES
    epochs: int | None = None
    retrain_days: int | None = None
    only: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The model that is trained."""
        return self.target.models[0]


@dataclass(frozen=True, slots=True)
class Tuning:
    """The answer. Rows are those of queries/finetune/verdicts.sql; money is Decimal.

    ``total`` is the whole traffic as if it were one workload. Each row has besides: ``name`` (the
    user's, else the tag's value, else None), ``found_by``, ``beginnings`` (the shared beginning at
    each level), ``observed`` (whether its output ratio was). ``grid`` is of ``grid_of``, a row of
    these. ``begins``/``ends`` are the period (half-open), ``days`` its length; break-even counts
    from ``ends``. ``mix`` is the replay of ``mix_scenario``: what pays back moved, the rest as it
    is. ``past``: why the advice cannot be followed today.
    """

    question: TuningQuestion
    rows: tuple[Row, ...]
    total: Row | None
    grid: tuple[Row, ...]
    grid_of: Row | None
    coverage: Row
    begins: date | None
    ends: date | None
    days: int | None
    trained_at: date
    training_usd_per_1k: Decimal
    rule: Rule | None
    limit: int
    past: str | None
    mix_scenario: Scenario | None
    mix: Replay | None
    pairs: tuple[Pair, ...]
    sources: tuple[Row, ...]
    fewest: int = FEWEST_EXAMPLES


def tune(store: Store, question: TuningQuestion, mix_name: str = "mix") -> Tuning:
    """Judge every workload. Reads the store and changes nothing in it.

    Raises AuditError when the target is not one model with a price for training.
    """
    _check_target(question)
    base = replace(question.base, scenarios=_compared(question, question.target), by=())
    coverage, begins, ends = _period(store, base)
    days = (ends - begins).days if begins and ends else None
    trained_at = question.target.prices_at or (ends - timedelta(days=1) if ends else question.today)
    book, names = base.book, base.names
    model = resolve(question.model, trained_at, book, names).model or question.model
    rule = rule_for(model)
    per_token = training_rate(question.target.models, trained_at, book, names)
    limit = rule.example_limit_tokens if rule else _window(question, trained_at)
    pairs = pairs_of(store, base) if question.output is None else ()
    run = _Run(store, question, base, days, model, per_token, limit, pairs)
    rows = tuple(_named(store, question, run.judged(by_workload=True)))
    chosen = _chosen(question, rows)
    total = None if question.only else next(iter(run.judged(by_workload=False)), None)
    grid_of = chosen[0] if question.only else total
    grid = run.grid(grid_of) if grid_of and grid_of["prompt_usd"] is not None else ()
    scenario = _mix(question, chosen, trained_at, days, mix_name)
    mixed = replace(question.base, scenarios=(scenario,), by=()) if scenario else None
    return Tuning(
        question=question,
        rows=chosen,
        total=total,
        grid=grid,
        grid_of=grid_of,
        coverage=coverage,
        begins=begins,
        ends=ends,
        days=days,
        trained_at=trained_at,
        training_usd_per_1k=per_token.scaleb(3),
        rule=rule,
        limit=limit,
        past=past_of(rule, question.today) if rule else None,
        mix_scenario=scenario,
        mix=replay(store, mixed) if mixed else None,
        pairs=pairs,
        sources=tuple(store.rows("ingest/sources")),
    )


def _check_target(question: TuningQuestion) -> None:
    target = question.target
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


def _compared(question: TuningQuestion, target: Scenario) -> tuple[Scenario, ...]:
    return (target, question.against) if question.against else (target,)


def _window(question: TuningQuestion, on: date) -> int:
    found = price(question.base.book, question.model, on, user_map=question.base.names).row
    return (found.context_window if found else None) or 10**9


def _period(store: Store, base: Question) -> tuple[Row, date | None, date | None]:
    """What was read, and the period of the figures: as asked, else as the calls lie."""
    price_cells(store, replace(base, scenarios=()), ())
    coverage = store.rows("replay/coverage", zone=base.zone)[0]
    last = coverage["last_day"]
    return (
        coverage,
        base.from_date or coverage["first_day"],
        base.to_date or (last + timedelta(days=1) if last else None),
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """The steps that workloads and the whole traffic have in common."""

    store: Store
    question: TuningQuestion
    base: Question
    days: int | None
    model: str
    training_usd: Decimal
    limit: int
    pairs: tuple[Pair, ...]

    def judged(self, *, by_workload: bool) -> list[Row]:
        """The rows of verdicts.sql, of each workload or of all calls together."""
        store, asked = self.store, self.question
        found = store.rows("replay/workloads") if by_workload else [{"workload": ALL}]
        beginnings = beginnings_of(store, self.base, by_workload=by_workload)
        ratios = self._ratios([row["workload"] for row in found])
        levers = {
            row["workload"]: self._levers(beginnings.get(row["workload"]), ratios[row["workload"]])
            for row in found
        }
        target = replace(asked.target, models=(), moves=_moves(asked.target, levers))
        scenarios = _compared(asked, target)
        positions = tuple(range(len(scenarios)))
        question = replace(self.base, scenarios=scenarios)
        price_cells(store, question, positions, by_workload=by_workload)
        check(store)
        store.show("training", self._training(by_workload))
        store.show("levers", _lever_frame(levers, beginnings))
        rows = store.rows(
            "finetune/verdicts",
            against=1 if asked.against else None,
            fewest=FEWEST_EXAMPLES,
            days=self.days,
            retrain_days=asked.retrain_days,
        )
        for row in rows:
            at = beginnings.get(row["workload"])
            row["beginnings"] = at.levels if at else ()
            row["observed"] = asked.output is None and row["workload"] in self._observed(ratios)
        return rows

    def _ratios(self, workloads: list[str]) -> Mapping[str, tuple[Decimal, bool]]:
        """The output ratio of each workload, and whether it was observed."""
        if self.question.output is not None:
            return dict.fromkeys(workloads, (self.question.output, False))
        return observed_ratios(self.pairs, workloads, self.model, self.base)

    @staticmethod
    def _observed(ratios: Mapping[str, tuple[Decimal, bool]]) -> set[str]:
        return {workload for workload, (_, observed) in ratios.items() if observed}

    def _levers(self, at: Beginning | None, ratio: tuple[Decimal, bool]) -> Levers:
        if self.question.drop:
            best = at.best if at else None
            return Levers(
                cut_tokens=best.cut_tokens if best else 0,
                cut_calls=best.share if best else Decimal(1),
                output=ratio[0],
            )
        return Levers(kept=self.question.kept, output=ratio[0])

    def _training(self, by_workload: bool) -> pl.DataFrame:
        """Examples, epochs and billed tokens of each workload."""
        asked = self.question
        found = self.store.rows(
            "finetune/examples",
            from_date=self.base.from_date,
            to_date=self.base.to_date,
            zone=self.base.zone,
            by_workload=by_workload,
            most=asked.examples,
            frame=frame_of(self.model),
            limit=self.limit,
        )
        rows = []
        for row in found:
            epochs = asked.epochs or default_epochs(row["examples"])
            tokens = row.pop("example_tokens") * epochs
            rate = self.training_usd
            rows.append({**row, "epochs": epochs, "training_tokens": tokens, "training_usd": rate})
        return pl.DataFrame(
            rows,
            schema={
                "workload": pl.String,
                **dict.fromkeys(("usable", "examples", "truncated", "epochs"), pl.Int64),
                "training_tokens": pl.Int64,
                "training_usd": pl.Decimal(18, 12),
            },
        )

    def grid(self, row: Row) -> tuple[Row, ...]:
        """The cost of one row over prompts kept and answer lengths."""
        money = {name: row[name] for name in ("prompt_usd", "output_usd", "against_usd")}
        schema = dict.fromkeys(money, pl.Decimal(38, 18))
        share = pl.Decimal(7, 6)
        self.store.show("stand", pl.DataFrame([money], schema=schema))
        self.store.show("kept_shares", pl.DataFrame({"kept": KEPT_SHARES}, schema={"kept": share}))
        self.store.show("ratios", pl.DataFrame({"output": OUTPUT_RATIOS}, schema={"output": share}))
        return tuple(self.store.rows("finetune/grid"))


def _moves(target: Scenario, levers: Mapping[str, Levers]) -> tuple[Move, ...]:
    """One move for each workload, or for all where they have the same levers."""
    if len(set(levers.values())) == 1:
        return (Move((), target.models, next(iter(levers.values()))),)
    return tuple(Move((name,), target.models, lever) for name, lever in levers.items())


def _lever_frame(levers: Mapping[str, Levers], beginnings: Mapping[str, Beginning]) -> pl.DataFrame:
    rows = []
    for workload, lever in levers.items():
        best = beginnings[workload].best if workload in beginnings else None
        rows.append(
            {
                "workload": workload,
                "kept": lever.kept,
                "output": lever.output,
                "cut_tokens": best.cut_tokens if best else 0,
                "cut_calls": best.share if best else Decimal(0),
                "heads": best.heads if best else 0,
                "holding": best.holding if best else 0,
            }
        )
    share = pl.Decimal(7, 6)
    return pl.DataFrame(
        rows,
        schema={
            "workload": pl.String,
            "kept": share,
            "output": share,
            "cut_tokens": pl.Int64,
            "cut_calls": share,
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


def _mix(
    question: TuningQuestion, rows: tuple[Row, ...], trained_at: date, days: int | None, name: str
) -> Scenario | None:
    """The scenario that moves what pays back and leaves the rest."""
    target = question.target
    moves = []
    for row in rows:
        if row["verdict"] == "pays_back" and row["workload"]:
            runs = -(-days // question.retrain_days) if question.retrain_days and days else 1
            lever = Levers(
                kept=row["kept"],
                cut_tokens=row["possible_cut_tokens"] if question.drop else 0,
                cut_calls=row["possible_cut_calls"] if question.drop else Decimal(1),
                output=row["output"],
            )
            moves.append(
                Move(
                    (row["workload"],),
                    target.models,
                    lever,
                    row["training_tokens"] * runs,
                    trained_at,
                )
            )
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
