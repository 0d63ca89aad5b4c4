"""``audit finetune dataset``."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

from auditor import secret, terminal
from auditor.errors import AuditError
from auditor.finetune import redact_all
from auditor.partitions import Pruning
from auditor.pipeline.dataset import DatasetQuestion, dataset
from auditor.pipeline.finetune import check_target
from auditor.pipeline.keeping import keeps_identities
from auditor.pipeline.tuning import TuningQuestion
from auditor.reports import files, training_set
from auditor.reports.figures import counted
from auditor.session.common import (
    check_not_stored,
    check_output,
    check_period,
    check_zone,
    names_of,
    own_files,
    question_of,
    scenario_of,
    share_of,
    take_in,
)
from auditor.session.known import known_scenarios, settings_of
from auditor.session.locking import opened
from auditor.store import Store
from auditor.terminal import say


def write(
    workload: str,
    logs: tuple[str, ...],
    db: Path | None,
    *,
    output: Path,
    to: str,
    examples: int,
    epochs: int | None,
    validation: str,
    shorten: bool,
    redact: bool,
    format_: str,
    names: Path | None,
    config: Path | None,
    lock_timeout: str,
    scenario_files: tuple[Path, ...],
    prices: tuple[Path, ...],
    from_date: date | None,
    to_date: date | None,
    zone: str | None,
    assume_model: str | None,
    hash_key: bytes | None,
    today: date,
    **reading: Any,
) -> bool:
    """Write the training and the validation file, and say what is in them.

    Returns whether the provider would take the training file.
    """
    settings = settings_of(config)
    known = {one.name: one for one in known_scenarios(settings, scenario_files)}
    asked = TuningQuestion(
        base=question_of(
            settings,
            prices,
            zone=zone,
            from_date=from_date,
            to_date=to_date,
            assume_model=assume_model,
        ),
        target=scenario_of(known, "--to", to),
        today=today,
        drop=shorten,
        examples=examples,
        epochs=epochs,
        only=(workload,),
        names=names_of(names),
    )
    question = DatasetQuestion(asked, share_of("--validation", validation, 1), redact)
    check_period(from_date, to_date, "--until")
    check_target(asked)
    held_back = output.with_name(f"{output.stem}.validation{output.suffix}")
    own = own_files(settings, db, *prices, *scenario_files, *((names,) if names else ()))
    for path in (output, held_back):
        check_output(path, own)
    if redact:
        redact_all(())  # refuse before the work is done where the extra is missing
    with ExitStack() as stack:
        again = None
        store = stack.enter_context(opened(db, lock_timeout, to_read=True)) if db else None
        if logs:
            # calls go by the same names in both
            key = secret.known(db, hash_key) if db else hash_key
            again = stack.enter_context(Store.open(None, hash_key=key))
            if store is not None:
                reading["keep_identities"] = bool(keeps_identities(store))
            take_in(
                again,
                logs,
                settings,
                asked.base.book,
                own,
                output,
                held_back,
                assume_model=assume_model,
                keep_text=True,
                sampling=db is None,
                pruning=Pruning(from_date, to_date),
                **reading,
            )
        store = store or again
        if store is None:
            raise AuditError("there is nothing to read", hint="Name LOGS, or a store with --db.")
        check_zone(store, asked.base.zone)
        check_not_stored(store, output, held_back)
        result = dataset(store, again or store, question)
    paths = {"training": str(output)}
    files.write(output, result.training_file, private=True)
    if result.validation:
        files.write(held_back, result.validation_file, private=True)
        paths["validation"] = str(held_back)
    elif held_back.exists():
        say(f"{held_back} is of an earlier run: this one has no examples for it.")
    written = " and ".join(paths.values())
    say(f"Wrote {written}: {counted(len(result.training), 'example')} to train on.")
    if format_ == "json":
        sys.stdout.write(training_set.as_json(result, paths))
        sys.stdout.flush()
    else:
        terminal.show(lambda console: training_set.show(result, console))
    return not any(fault.name in ("too_few_examples", "file_too_large") for fault in result.faults)
