"""``audit replay`` and ``audit ingest``."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from auditor import pipeline
from auditor.config import Allowance
from auditor.partitions import Pruning
from auditor.pipeline.closing import check_closed
from auditor.reports import files, table
from auditor.reports.figures import counted
from auditor.session.common import (
    allowance_of,
    check_not_stored,
    check_output,
    check_period,
    check_zone,
    dimensions_of,
    own_files,
    put_out,
    question_of,
    say_rejects,
    say_tags_of_nothing,
    take_in,
)
from auditor.session.engines import choice_of, engine_for
from auditor.session.known import book_of, scenarios_of, settings_of
from auditor.session.locking import store_for
from auditor.terminal import say


def replay(
    logs: tuple[str, ...],
    db: Path | None,
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
    allow_rejects: str | None,
    allow_unpriced: str | None,
    format_: str,
    output: Path | None,
    hash_key: bytes | None,
    **reading: Any,
) -> bool:
    """``audit replay``. Returns whether the figures are complete, within the allowances."""
    settings = settings_of(config)
    question = question_of(
        settings,
        prices,
        scenarios=scenarios_of(settings, scenario_files, wanted),
        by=dimensions_of(by),
        zone=zone,
        from_date=from_date,
        to_date=to_date,
        assume_model=assume_model,
    )
    check_period(from_date, to_date)
    choice = choice_of(settings, reading)
    own = own_files(settings, db, *prices, *scenario_files)
    if output is not None:
        check_output(output, own)
    allowed_rejects = allowance_of("--allow-rejects", allow_rejects, settings.allow_rejects)
    allowed_unpriced = allowance_of("--allow-unpriced", allow_unpriced, settings.allow_unpriced)
    with (
        store_for(db, lock_timeout, logs, hash_key, reading) as store,
        engine_for(choice, store) as engine,
    ):
        check_zone(store, question.zone)
        check_not_stored(store, output)
        if logs:
            take_in(
                store,
                logs,
                settings,
                question.book,
                own,
                output,
                sampling=db is not None,
                assume_model=assume_model,
                engine=engine,
                pruning=Pruning(from_date, to_date),
                **reading,
            )
        check_closed(store, question)
        result = pipeline.replay(store, question)
        if result.coverage["rejects"]:
            say_rejects(store, db, result.coverage["rejects"])
    for name in _moving_nothing(result):
        say(
            f"{name} moves no call: what it names is not here. Ids of workloads depend on the hash "
            "key of the store."
        )
    if result.spent:
        say_tags_of_nothing(
            question.by,
            ([row[f"by_{n}"] for row in result.spent] for n in range(1, len(question.by) + 1)),
        )
    put_out(
        output,
        format_,
        lambda console: table.show(result, console),
        lambda: files.WRITERS[format_](result),
    )
    if not result.coverage["counted"]:
        say("There are no calls.")
    return is_complete(result, allowed_rejects, allowed_unpriced)


def ingest(
    logs: tuple[str, ...],
    db: Path,
    *,
    config: Path | None,
    lock_timeout: str,
    prices: tuple[Path, ...],
    allow_rejects: str | None,
    hash_key: bytes | None,
    **reading: Any,
) -> bool:
    """``audit ingest``. Returns whether all lines were read, within the allowance."""
    settings = settings_of(config)
    allowed = allowance_of("--allow-rejects", allow_rejects, settings.allow_rejects)
    choice = choice_of(settings, reading)
    own = own_files(settings, db, *prices)
    with (
        store_for(db, lock_timeout, logs, hash_key, reading) as store,
        engine_for(choice, store) as engine,
    ):
        book = book_of(settings, prices)
        done = take_in(store, logs, settings, book, own, engine=engine, **reading)
    if not allowed.allows(done.tally.rejects, done.tally.lines):
        say(f"{counted(done.tally.rejects, 'line')} rejected: `audit show rejects --db {db}`.")
        return False
    return True


def _moving_nothing(result: pipeline.Replay) -> list[str]:
    """Scenarios with moves that take none of the stored calls."""
    return [
        scenario.name
        for scenario in result.question.scenarios
        if scenario.moves
        and not any(move.takes(*k) for move in scenario.moves for k in result.kinds)
    ]


def is_complete(result: pipeline.Replay, rejects: Allowance, unpriced: Allowance) -> bool:
    """Whether no more is missing than is allowed; what is, is said."""
    missing = missing_of(result, rejects, unpriced)
    for what in missing:
        say(f"Incomplete: {what}.")
    return not missing


def missing_of(result: pipeline.Replay, rejects: Allowance, unpriced: Allowance) -> tuple[str, ...]:
    """What is missing beyond the allowances, in words; nothing where the figures are complete."""
    coverage, total = result.coverage, result.total
    missing = []
    if not rejects.allows(coverage["rejects"], coverage["lines"]):
        missing.append(f"{counted(coverage['rejects'], 'line')} rejected")
    if not unpriced.allows(total["unpriced"], total["calls"]):
        missing.append(f"{counted(total['unpriced'], 'call')} without an actual cost")
    by_scenario = _unpriced_by_scenario(result)
    short = [
        name for name, count in by_scenario.items() if not unpriced.allows(count, total["calls"])
    ]
    if short:
        most = counted(max(by_scenario[name] for name in short), "call")
        up_to = "" if len(short) == 1 else "up to "
        missing.append(f"{up_to}{most} unpriced in {', '.join(short)}")
    return tuple(missing)


def _unpriced_by_scenario(result: pipeline.Replay) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in result.rows:
        name = row["scenario"].name
        counts[name] = counts.get(name, 0) + row["unpriced"]
    return counts
