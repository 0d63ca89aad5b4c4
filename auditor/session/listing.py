"""``audit show`` of what needs no store: scenarios, prices, formats. Nothing heavy is imported."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from auditor import scenarios, terminal
from auditor.reports import listing
from auditor.session.known import book_of, formats_of, known_scenarios, settings_of


def show_scenarios(
    *, config: Path | None, wanted: tuple[str, ...], scenario_files: tuple[Path, ...]
) -> None:
    """``audit show scenarios``: every one that is known, or those wanted."""
    known = known_scenarios(settings_of(config), scenario_files)
    chosen = scenarios.choose(known, wanted) if wanted else known
    terminal.show(lambda console: listing.scenarios(chosen, console))


def show_prices(
    models: tuple[str, ...], at: date | None, *, config: Path | None, prices: tuple[Path, ...]
) -> None:
    """``audit show prices``."""
    settings = settings_of(config)
    book = book_of(settings, prices)
    terminal.show(lambda console: listing.prices(book, models, at, settings.models, console))


def show_formats(*, config: Path | None) -> None:
    """``audit show formats``."""
    known = formats_of(settings_of(config))
    terminal.show(lambda console: listing.formats(known, console))
