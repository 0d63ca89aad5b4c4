"""``audit finetune``."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from auditor import scenarios
from auditor.config import FILE as SETTINGS
from auditor.errors import AuditError
from auditor.partitions import Pruning
from auditor.pipeline.finetune import check_target, tune
from auditor.pipeline.tuning import Tuning, TuningQuestion
from auditor.reports import files, tuning, tuning_table
from auditor.reports.figures import counted
from auditor.reports.scenario_file import as_toml
from auditor.scenarios import Scenario
from auditor.session.common import (
    allowance_of,
    check_not_stored,
    check_output,
    check_period,
    check_zone,
    names_of,
    own_files,
    put_out,
    question_of,
    say_rejects,
    scenario_of,
    share_of,
    take_in,
)
from auditor.session.engines import choice_of, engine_for
from auditor.session.known import known_scenarios, settings_of
from auditor.session.locking import store_for
from auditor.terminal import say

ACTUAL = "actual"
OBSERVED = "observed"
MOST_OUTPUT = 9


def finetune(
    logs: tuple[str, ...],
    db: Path | None,
    *,
    config: Path | None,
    lock_timeout: str,
    to: str,
    against: str,
    workload: tuple[str, ...],
    names: Path | None,
    keep_prompt: str | None,
    drop: str | None,
    output_ratio: str,
    examples: int,
    epochs: int | None,
    retrain_every: int | None,
    write_scenario: Path | None,
    scenario_files: tuple[Path, ...],
    prices: tuple[Path, ...],
    from_date: date | None,
    to_date: date | None,
    zone: str | None,
    assume_model: str | None,
    allow_rejects: str | None,
    allow_unpriced: str | None,
    format_: str,
    output: Path | None,
    hash_key: bytes | None,
    today: date,
    **reading: Any,
) -> bool:
    """``audit finetune``. Returns whether the figures are complete, within the allowances."""
    settings = settings_of(config)
    known = {one.name: one for one in known_scenarios(settings, scenario_files)}
    if keep_prompt is not None and drop is not None:
        raise AuditError("--keep-prompt and --drop exclude each other", hint="Give one of the two.")
    question = TuningQuestion(
        base=question_of(
            settings,
            prices,
            zone=zone,
            from_date=from_date,
            to_date=to_date,
            assume_model=assume_model,
        ),
        target=scenario_of(known, "--to", to),
        against=None if against == ACTUAL else scenario_of(known, "--against", against),
        today=today,
        kept=share_of("--keep-prompt", keep_prompt or "1", 1),
        drop=drop is not None,
        output=None
        if output_ratio == OBSERVED
        else share_of("--output-ratio", output_ratio, MOST_OUTPUT),
        examples=examples,
        epochs=epochs,
        retrain_days=retrain_every,
        only=workload,
        names=names_of(names),
    )
    check_period(from_date, to_date, "--until")
    check_target(question)
    extra = (names,) if names else ()
    own = own_files(settings, db, *prices, *scenario_files, *extra)
    for path in (output, write_scenario):
        if path is not None:
            check_output(path, own)
    if write_scenario is not None:
        if write_scenario.name == SETTINGS:
            raise AuditError(
                f"--write-scenario {write_scenario}: {SETTINGS} holds settings",
                hint="Give the scenario a file of its own, such as mix.toml.",
            )
        if output is not None and output.resolve() == write_scenario.resolve():
            raise AuditError(
                f"-o and --write-scenario are both {output}", hint="Write them to two files."
            )
        _check_new_name(write_scenario, known)
    allowed_rejects = allowance_of("--allow-rejects", allow_rejects, settings.allow_rejects)
    allowed_unpriced = allowance_of("--allow-unpriced", allow_unpriced, settings.allow_unpriced)
    choice = choice_of(settings, reading)
    with (
        store_for(db, lock_timeout, logs, hash_key, reading) as store,
        engine_for(choice, store) as engine,
    ):
        check_zone(store, question.base.zone)
        check_not_stored(store, output, write_scenario)
        if logs:
            take_in(
                store,
                logs,
                settings,
                question.base.book,
                own,
                output,
                write_scenario,
                assume_model=assume_model,
                engine=engine,
                pruning=Pruning(from_date, to_date),
                **reading,
            )
        result = tune(store, question, write_scenario.stem if write_scenario else "mix")
        if result.coverage["rejects"]:
            say_rejects(store, db, result.coverage["rejects"])
    put_out(
        output,
        format_,
        lambda console: tuning_table.show(result, console),
        lambda: tuning.WRITERS[format_](result),
    )
    if write_scenario is not None:
        _write_scenario(result, write_scenario)
    complete = True
    if not result.rows:
        say("There are no calls that a chat or completion model answered.")
    if not allowed_rejects.allows(result.coverage["rejects"], result.coverage["lines"]):
        say(f"Incomplete: {counted(result.coverage['rejects'], 'line')} rejected.")
        complete = False
    unpriced = sum(row["unpriced"] for row in result.rows)
    if not allowed_unpriced.allows(unpriced, result.coverage["counted"]):
        say(f"Incomplete: {counted(unpriced, 'call')} unpriced on {question.model}.")
        complete = False
    unpaid = sum(row["without_cost"] for row in result.rows)
    if question.against is None and not allowed_unpriced.allows(unpaid, result.coverage["counted"]):
        say(f"Incomplete: {counted(unpaid, 'call')} without an actual cost.")
        complete = False
    return complete


def _check_new_name(path: Path, known: dict[str, Scenario]) -> None:
    if path.stem in known:
        raise AuditError(
            f"--write-scenario {path}: a scenario is named {path.stem} already",
            hint="The file's name becomes the scenario's: give it another.",
        )
    if not scenarios.NAME.fullmatch(path.stem):
        raise AuditError(
            f"--write-scenario {path}: {path.stem} cannot name a scenario",
            hint="Use letters, digits and . _ - for the file's name.",
        )


def _write_scenario(result: Tuning, path: Path) -> None:
    if result.mix_scenario is None:
        stale = "; the file there is of an earlier run" if path.exists() else ""
        say(f"Fine-tuning pays back for no workload: {path} was not written{stale}.")
        return
    asked = result.question
    other = asked.against.name if asked.against else ACTUAL
    comment = f"Written by audit finetune --to {asked.target.name} --against {other}"
    files.write(path, as_toml(result.mix_scenario, comment))
    say(f"Wrote {path}: `audit replay --scenarios {path} --scenario {path.stem}` replays it.")
