"""``audit explain`` and ``audit show``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from rich.console import Console

from auditor import pipeline, scenarios, terminal
from auditor.pipeline import reporting
from auditor.reports import catalogue, explanation, workloads
from auditor.session.common import (
    book_of,
    formats_of,
    known_scenarios,
    names_of,
    question_of,
    scenarios_of,
    settings_of,
)
from auditor.store import Store


def explain(
    call_id: str,
    db: Path,
    *,
    config: Path | None,
    wanted: tuple[str, ...],
    scenario_files: tuple[Path, ...],
    prices: tuple[Path, ...],
    assume_model: str | None,
) -> None:
    """``audit explain``."""
    settings = settings_of(config)
    question = question_of(
        settings,
        prices,
        scenarios=scenarios_of(settings, scenario_files, wanted),
        assume_model=assume_model,
    )
    with Store.open(db, to_read=True) as store:
        explained = pipeline.explain(store, question, call_id)
    terminal.show(lambda console: explanation.show(explained, console))


def show_scenarios(
    *, config: Path | None, wanted: tuple[str, ...], scenario_files: tuple[Path, ...]
) -> None:
    """``audit show scenarios``: every one that is known, or those wanted."""
    known = known_scenarios(settings_of(config), scenario_files)
    chosen = scenarios.choose(known, wanted) if wanted else known
    terminal.show(lambda console: catalogue.scenarios(chosen, console))


def show_prices(
    models: tuple[str, ...], at: date | None, *, config: Path | None, prices: tuple[Path, ...]
) -> None:
    """``audit show prices``."""
    settings = settings_of(config)
    book = book_of(settings, prices)
    terminal.show(lambda console: catalogue.prices(book, models, at, settings.models, console))


def show_reports(names: tuple[str, ...]) -> None:
    """``audit report --list``."""
    listed = reporting.chosen(names, focus=True)
    terminal.show(lambda console: catalogue.reports(listed, console))


def show_formats(*, config: Path | None) -> None:
    """``audit show formats``."""
    known = formats_of(settings_of(config))
    terminal.show(lambda console: catalogue.formats(known, console))


def show_models(db: Path, *, config: Path | None, prices: tuple[Path, ...]) -> None:
    """``audit show models``."""
    _show_actual(db, config, prices, None, catalogue.models)


def show_unpriced(
    db: Path, *, config: Path | None, prices: tuple[Path, ...], assume_model: str | None
) -> None:
    """``audit show unpriced``."""
    _show_actual(db, config, prices, assume_model, catalogue.unpriced)


def show_workloads(
    db: Path,
    *,
    config: Path | None,
    prices: tuple[Path, ...],
    names: Path | None,
    assume_model: str | None,
) -> None:
    """``audit show workloads``."""
    given = names_of(names)
    _show_actual(
        db,
        config,
        prices,
        assume_model,
        lambda store, console: workloads.show(store, given, console),
        by=("workload",),
    )


def show_pairs(db: Path, *, config: Path | None) -> None:
    """``audit show pairs``."""
    question = question_of(settings_of(config), ())
    with Store.open(db, to_read=True) as store:
        pairs = pipeline.pairs_of(store, question)
        terminal.show(lambda console: workloads.pairs(pairs, console))


def show_rejects(db: Path) -> None:
    """``audit show rejects``."""
    with Store.open(db, to_read=True) as store:
        terminal.show(lambda console: catalogue.rejects(store, console))


def _show_actual(
    db: Path,
    config: Path | None,
    prices: tuple[Path, ...],
    assume_model: str | None,
    show: Callable[[Store, Console], None],
    by: tuple[str, ...] = (),
) -> None:
    """Price the stored calls as logged, then show something of it."""
    question = question_of(settings_of(config), prices, by=by, assume_model=assume_model)
    with Store.open(db, to_read=True) as store:
        pipeline.replay(store, question)
        terminal.show(lambda console: show(store, console))
