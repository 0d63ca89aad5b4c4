"""``audit finetune``, and what there is to see of workloads and pairs."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Any

from auditor import config, pipeline, scenarios, terminal
from auditor.errors import AuditError
from auditor.pipeline.finetune import Tuning, TuningQuestion, tune
from auditor.reports import files, tuning, tuning_table, workloads
from auditor.reports.figures import counted
from auditor.reports.scenario_file import as_toml
from auditor.scenarios import Scenario
from auditor.session.common import (
    FILE_WIDTH,
    allowance_of,
    book_of,
    check_output,
    check_period,
    check_zone,
    known_scenarios,
    own_files,
    say_rejects,
    settings_of,
    take_in,
)
from auditor.store import Store
from auditor.terminal import say

ACTUAL = "actual"
OBSERVED = "observed"
MOST_OUTPUT = 9


def finetune(
    logs: tuple[str, ...],
    db: Path | None,
    *,
    config: Path | None,
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
        base=pipeline.Question(
            book=book_of(settings, prices),
            scenarios=(),
            names=settings.models,
            zone=zone or settings.timezone,
            from_date=from_date,
            to_date=to_date,
            assume_model=assume_model,
        ),
        target=_scenario(known, "--to", to),
        against=None if against == ACTUAL else _scenario(known, "--against", against),
        today=today,
        kept=_share("--keep-prompt", keep_prompt or "1", 1),
        drop=drop is not None,
        output=None
        if output_ratio == OBSERVED
        else _share("--output-ratio", output_ratio, MOST_OUTPUT),
        examples=examples,
        epochs=epochs,
        retrain_days=retrain_every,
        only=workload,
        names=_names(names),
    )
    check_period(from_date, to_date, "--until")
    extra = (names,) if names else ()
    own = own_files(settings, db, *prices, *scenario_files, *extra)
    for path in (output, write_scenario):
        if path is not None:
            check_output(path, own)
    if write_scenario is not None:
        if output is not None and output.resolve() == write_scenario.resolve():
            raise AuditError(
                f"-o and --write-scenario are both {output}", hint="Write them to two files."
            )
        _check_new_name(write_scenario, known)
    allowed_rejects = allowance_of("--allow-rejects", allow_rejects, settings.allow_rejects)
    allowed_unpriced = allowance_of("--allow-unpriced", allow_unpriced, settings.allow_unpriced)
    with Store.open(db, to_read=not logs, hash_key=hash_key) as store:
        check_zone(store, question.base.zone)
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
                **reading,
            )
        result = tune(store, question, write_scenario.stem if write_scenario else "mix")
        if result.coverage["rejects"]:
            say_rejects(store, db, result.coverage["rejects"])
    _write(result, format_, output)
    if write_scenario is not None:
        _write_scenario(result, write_scenario)
    complete = True
    if not result.rows:
        say("There are no calls that a chat or completion model answered.")
    if not allowed_rejects.allows(result.coverage["rejects"], result.coverage["lines"]):
        say(f"Incomplete: {counted(result.coverage['rejects'], 'line')} rejected.")
        complete = False
    unpriced = sum(row["unpriced"] for row in result.rows)
    if not allowed_unpriced.allows(unpriced, result.coverage["calls"]):
        say(f"Incomplete: {counted(unpriced, 'call')} unpriced on {question.model}.")
        complete = False
    unpaid = sum(row["fits"] - row["compared_calls"] for row in result.rows)
    if question.against is None and not allowed_unpriced.allows(unpaid, result.coverage["calls"]):
        say(f"Incomplete: {counted(unpaid, 'call')} without an actual cost.")
        complete = False
    return complete


def show_workloads(
    db: Path,
    *,
    config: Path | None,
    prices: tuple[Path, ...],
    names: Path | None,
    assume_model: str | None,
) -> None:
    """``audit show workloads``."""
    settings = settings_of(config)
    question = pipeline.Question(
        book=book_of(settings, prices),
        scenarios=(),
        names=settings.models,
        by=("workload",),
        assume_model=assume_model,
    )
    given = _names(names)
    with Store.open(db, to_read=True) as store:
        pipeline.replay(store, question)
        terminal.show(lambda console: workloads.show(store, given, console))


def show_pairs(db: Path, *, config: Path | None) -> None:
    """``audit show pairs``."""
    settings = settings_of(config)
    question = pipeline.Question(book=book_of(settings, ()), scenarios=(), names=settings.models)
    with Store.open(db, to_read=True) as store:
        pairs = pipeline.pairs_of(store, question)
        terminal.show(lambda console: workloads.pairs(pairs, console))


def _scenario(known: dict[str, Scenario], option: str, name: str) -> Scenario:
    if name not in known:
        raise AuditError(
            f"{option}: there is no scenario named {name}",
            hint="`audit show scenarios` lists them.",
        )
    return known[name]


def _share(option: str, text: str, most: int) -> Any:
    try:
        return scenarios.read_share(text, scenarios.read_share("1") * most)
    except ValueError as error:
        raise AuditError(
            f"{option}: {error}", hint="Give a share such as 0.25 or 25%, of six decimals at most."
        ) from None


def _names(path: Path | None) -> dict[str, str]:
    return config.load_names(path) if path is not None else {}


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


def _write(result: Tuning, format_: str, output: Path | None) -> None:
    if format_ == "table" and output is None:
        terminal.show(lambda console: tuning_table.show(result, console))
        return
    if format_ == "table":
        content: str | bytes = terminal.drawn(lambda c: tuning_table.show(result, c), FILE_WIDTH)
    else:
        content = tuning.WRITERS[format_](result)
    if output is not None:
        files.write(output, content)
    elif isinstance(content, str):
        sys.stdout.buffer.write(content.encode("utf-8"))
        sys.stdout.buffer.flush()


def _write_scenario(result: Tuning, path: Path) -> None:
    if result.mix_scenario is None:
        say(f"Fine-tuning pays back for no workload: {path} was not written.")
        return
    asked = result.question
    other = asked.against.name if asked.against else ACTUAL
    comment = f"Written by audit finetune --to {asked.target.name} --against {other}"
    files.write(path, as_toml(result.mix_scenario, comment))
    say(f"Wrote {path}: `audit replay --scenarios {path} --scenario {path.stem}` replays it.")
