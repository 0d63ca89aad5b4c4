"""``audit explain`` and ``audit show``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from auditor import pipeline, terminal
from auditor.pipeline import reporting
from auditor.reports import catalogue, explanation, workloads
from auditor.session.common import names_of, question_of
from auditor.session.known import scenarios_of, settings_of
from auditor.session.locking import opened
from auditor.store import Store


def explain(
    call_id: str,
    db: Path,
    *,
    config: Path | None,
    lock_timeout: str,
    wanted: tuple[str, ...],
    scenario_files: tuple[Path, ...],
    prices: tuple[Path, ...],
    assume_model: str | None,
    hash_key: bytes | None,
) -> None:
    """``audit explain``."""
    settings = settings_of(config)
    question = question_of(
        settings,
        prices,
        scenarios=scenarios_of(settings, scenario_files, wanted),
        assume_model=assume_model,
    )
    with opened(db, lock_timeout, to_read=True, hash_key=hash_key) as store:
        explained = pipeline.explain(store, question, call_id)
    terminal.show(lambda console: explanation.show(explained, console))


def show_reports(names: tuple[str, ...]) -> None:
    """``audit report --list``."""
    listed = reporting.chosen(names, focus=True)
    terminal.show(lambda console: catalogue.reports(listed, console))


def show_models(
    db: Path, *, config: Path | None, lock_timeout: str, prices: tuple[Path, ...]
) -> None:
    """``audit show models``."""
    _show_actual(db, lock_timeout, config, prices, None, catalogue.models)


def show_unpriced(
    db: Path,
    *,
    config: Path | None,
    lock_timeout: str,
    prices: tuple[Path, ...],
    assume_model: str | None,
) -> None:
    """``audit show unpriced``."""
    _show_actual(db, lock_timeout, config, prices, assume_model, catalogue.unpriced)


def show_workloads(
    db: Path,
    *,
    config: Path | None,
    lock_timeout: str,
    prices: tuple[Path, ...],
    names: Path | None,
    assume_model: str | None,
) -> None:
    """``audit show workloads``."""
    given = names_of(names)
    _show_actual(
        db,
        lock_timeout,
        config,
        prices,
        assume_model,
        lambda store, console: workloads.show(store, given, console),
        by=("workload",),
    )


def show_pairs(db: Path, *, config: Path | None, lock_timeout: str) -> None:
    """``audit show pairs``."""
    question = question_of(settings_of(config), ())
    with opened(db, lock_timeout, to_read=True) as store:
        pairs = pipeline.pairs_of(store, question)
        terminal.show(lambda console: workloads.pairs(pairs, console))


def show_rejects(db: Path, *, lock_timeout: str) -> None:
    """``audit show rejects``."""
    with opened(db, lock_timeout, to_read=True) as store:
        terminal.show(lambda console: catalogue.rejects(store, console))


def _show_actual(
    db: Path,
    lock_timeout: str,
    config: Path | None,
    prices: tuple[Path, ...],
    assume_model: str | None,
    show: Callable[[Store, Console], None],
    by: tuple[str, ...] = (),
) -> None:
    """Price the stored calls as logged, then show something of it."""
    question = question_of(settings_of(config), prices, by=by, assume_model=assume_model)
    with opened(db, lock_timeout, to_read=True) as store:
        pipeline.replay(store, question)
        terminal.show(lambda console: show(store, console))
