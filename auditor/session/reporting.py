"""``audit report``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from auditor.pipeline.finetune import tune
from auditor.pipeline.reporting import (
    FOCUS,
    GRID,
    VERDICTS,
    Reported,
    chosen,
    focus_definitions,
    report,
)
from auditor.pipeline.tuning import TuningQuestion
from auditor.reports import focus, manifest, tuning
from auditor.reports.figures import counted
from auditor.reports.folder import check_folder, write_folder
from auditor.session.common import (
    check_period,
    check_zone,
    dimensions_of,
    known_scenarios,
    question_of,
    scenarios_of,
    settings_of,
)
from auditor.store import Store
from auditor.terminal import say

TUNED = "ft-gpt-3.5-turbo"


def write(
    names: tuple[str, ...],
    db: Path,
    *,
    config: Path | None,
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
) -> None:
    """``audit report -o DIR``: the files of the reports, all at once."""
    settings = settings_of(config)
    account = focus.Account.of(settings.focus, settings.file or "", focus_sub_account)
    tables = tuple(one for one in formats if one != FOCUS)
    asked = (
        *(chosen(names) if tables else ()),
        *(focus_definitions(account.sub_account) if FOCUS in formats else ()),
    )
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
    check_folder(output)
    with Store.open(db, to_read=True) as store:
        check_zone(store, question.zone)
        target = {one.name: one for one in known_scenarios(settings, ())}[TUNED]
        verdicts = TuningQuestion(
            base=replace(question, scenarios=(), by=()), target=target, today=today
        )
        store.show("account", account.frame)
        reported = report(store, question, asked, lambda: frames_of(store, verdicts))
    files = manifest.files_of(reported, tables, focus_version if FOCUS in formats else None)
    write_folder(output, files)
    say(f"Wrote {output}: {counted(len(files), 'file')}, {_period(reported)}.")
    if FOCUS in formats and (words := focus.left_out_in_words(reported)):
        say(words)


def frames_of(store: Store, question: TuningQuestion) -> Mapping[str, pl.DataFrame]:
    """What the reports on fine-tuning read."""
    result = tune(store, question)
    return {
        VERDICTS: pl.DataFrame(tuning.tuning_rows(result), schema=tuning.COLUMNS),
        GRID: tuning.grid_frame(result),
    }


def _period(reported: Reported) -> str:
    begins, ends = reported.period
    zone = reported.question.zone
    return f"{begins} to {ends}, end excluded ({zone})" if begins else "no dated calls"
