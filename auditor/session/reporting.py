"""``audit report``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from auditor.config import Config
from auditor.config.engine import EngineChoice
from auditor.pipeline import Question
from auditor.pipeline.budgets import budget_frames
from auditor.pipeline.finetune import tune
from auditor.pipeline.reporting import (
    FOCUS,
    GRID,
    VERDICTS,
    Definition,
    Reported,
    chosen,
    focus_definitions,
    report,
)
from auditor.pipeline.tuning import TuningQuestion
from auditor.reports import focus, manifest, tuning
from auditor.reports.figures import counted
from auditor.reports.folder import check_folder, write_folder
from auditor.scenarios import Scenario
from auditor.session.common import (
    allowance_of,
    check_not_stored,
    check_period,
    check_zone,
    dimensions_of,
    question_of,
    say_tags_of_nothing,
)
from auditor.session.engines import choice_of, engine_for
from auditor.session.known import known_scenarios, scenarios_of, settings_of
from auditor.session.locking import opened
from auditor.session.replaying import is_complete
from auditor.store import Store
from auditor.terminal import say

TUNED = "ft-gpt-3.5-turbo"


def write(
    names: tuple[str, ...],
    db: Path,
    *,
    config: Path | None,
    lock_timeout: str,
    wanted: tuple[str, ...],
    scenario_files: tuple[Path, ...],
    prices: tuple[Path, ...],
    by: tuple[str, ...],
    from_date: date | None,
    to_date: date | None,
    zone: str | None,
    assume_model: str | None,
    formats: tuple[str, ...],
    focus_version: str,
    focus_sub_account: str | None,
    output: Path,
    today: date,
    allow_rejects: str | None,
    allow_unpriced: str | None,
    **cluster: Any,
) -> bool:
    """``audit report -o DIR``: the files of the reports, all at once.

    Returns whether the figures are complete, within the allowances.
    """
    check_folder(output)
    settings = with_allowances(settings_of(config), allow_rejects, allow_unpriced)
    choice = choice_of(settings, cluster)
    account = focus.Account.of(settings.focus, settings.file or "", focus_sub_account)
    formats = formats or ("csv",)
    tables = tuple(one for one in formats if one != FOCUS)
    asked = (
        *(chosen(names) if tables else ()),
        *(focus_definitions(account.sub_account) if FOCUS in formats else ()),
    )
    reported = answer(
        asked,
        db,
        settings,
        choice,
        lock_timeout=lock_timeout,
        wanted=wanted,
        scenario_files=scenario_files,
        prices=prices,
        by=by,
        from_date=from_date,
        to_date=to_date,
        zone=zone,
        assume_model=assume_model,
        today=today,
        shown={"account": account.frame},
    )
    files = manifest.files_of(reported, tables, focus_version if FOCUS in formats else None)
    write_folder(output, files)
    say(f"Wrote {output}: {counted(len(files), 'file')}, {period_in_words(reported)}.")
    if FOCUS in formats and (words := focus.left_out_in_words(reported)):
        say(words)
    _say_tags_of_nothing(reported)
    return is_complete(reported.whole, settings.allow_rejects, settings.allow_unpriced)


def _say_tags_of_nothing(reported: Reported) -> None:
    """As a replay does; any report that is split by them shows it."""
    by = reported.question.by
    for one in reported.reports.values():
        if by and one.definition.takes_more and one.frame.height:
            frame = one.frame
            named = [name if name in frame.columns else f"tag:{name}" for name in by]
            say_tags_of_nothing(by, (frame[name].to_list() for name in named))
            return


def with_allowances(
    settings: Config, allow_rejects: str | None, allow_unpriced: str | None
) -> Config:
    """The settings, with what the command line allows to be missing."""
    return replace(
        settings,
        allow_rejects=allowance_of("--allow-rejects", allow_rejects, settings.allow_rejects),
        allow_unpriced=allowance_of("--allow-unpriced", allow_unpriced, settings.allow_unpriced),
    )


def answer(
    asked: tuple[Definition, ...],
    db: Path,
    settings: Config,
    choice: EngineChoice,
    *,
    lock_timeout: str,
    wanted: tuple[str, ...],
    scenario_files: tuple[Path, ...],
    prices: tuple[Path, ...],
    by: tuple[str, ...] = (),
    from_date: date | None,
    to_date: date | None,
    zone: str | None,
    assume_model: str | None,
    today: date,
    outputs: tuple[Path | None, ...] = (),
    shown: Mapping[str, pl.DataFrame] | None = None,
) -> Reported:
    """These reports; ``outputs`` must be none of the logs, ``shown`` is what they further read."""
    question = question_of(
        settings,
        prices,
        scenarios=scenarios_of(settings, scenario_files, wanted),
        by=dimensions_of(by, most=4),
        zone=zone,
        from_date=from_date,
        to_date=to_date,
        assume_model=assume_model,
    )
    check_period(from_date, to_date)
    with opened(db, lock_timeout, to_read=True) as store, engine_for(choice, store):
        check_zone(store, question.zone)
        check_not_stored(store, *outputs)
        for name, frame in (shown or {}).items():
            store.show(name, frame)
        return answered(store, settings, question, asked, today)


def target_of(settings: Config) -> Scenario:
    """What the reports on fine-tuning tune."""
    return {one.name: one for one in known_scenarios(settings, ())}[TUNED]


def answered(
    store: Store,
    settings: Config,
    question: Question,
    asked: Iterable[Definition],
    today: date,
    *,
    budgets_of: Question | None = None,
) -> Reported:
    """The reports asked for, with the verdicts and the budgets that some of them read.

    ``budgets_of`` asks for budgets in place of ``question``.
    """
    verdicts = TuningQuestion(
        base=replace(question, scenarios=(), by=()), target=target_of(settings), today=today
    )
    return report(
        store,
        question,
        asked,
        fine=lambda: frames_of(store, verdicts),
        budgets=lambda: budget_frames(store, budgets_of or question, settings.budgets, today),
    )


def frames_of(store: Store, question: TuningQuestion) -> Mapping[str, pl.DataFrame]:
    """What the reports on fine-tuning read."""
    result = tune(store, question)
    return {
        VERDICTS: pl.DataFrame(tuning.tuning_rows(result), schema=tuning.COLUMNS),
        GRID: tuning.grid_frame(result),
    }


def period_in_words(reported: Reported) -> str:
    """The period of the figures, with its zone."""
    begins, ends = reported.period
    zone = reported.question.zone
    return f"{begins} to {ends}, end excluded ({zone})" if begins else "no dated calls"
