"""What a run knows before it reads a log: settings, price book, scenarios, formats.

Each is imported where it is asked for: `audit show scenarios` needs no price book.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from auditor import config, scenarios
from auditor.config import Config
from auditor.errors import ConfigError
from auditor.scenarios import Scenario

if TYPE_CHECKING:
    from auditor.formats import Format
    from auditor.prices import Book


def settings_of(path: Path | None) -> Config:
    return config.load(path, Path())


def book_of(settings: Config, prices: Iterable[Path]) -> Book:
    from auditor.prices import open_book

    return open_book((*settings.prices, *prices))


def known_scenarios(settings: Config, extra: Iterable[Path]) -> tuple[Scenario, ...]:
    own = (scenarios.load(path) for path in (*settings.scenarios, *extra))
    return (*scenarios.built_in(), *own)


def scenarios_of(
    settings: Config, extra: Iterable[Path], wanted: Iterable[str]
) -> tuple[Scenario, ...]:
    return scenarios.choose(known_scenarios(settings, extra), wanted)


def formats_of(settings: Config) -> tuple[Format, ...]:
    from auditor import formats
    from auditor.formats.mapped import from_mapping

    known = formats.known_formats()
    file = settings.file or ""
    for name in sorted(settings.formats.keys() & {format.name for format in known}):
        raise ConfigError(
            file,
            None,
            f"[formats.{name}] has the name of a format that audit knows",
            hint="Give yours a name of its own.",
        )
    own = (from_mapping(name, entries, file) for name, entries in settings.formats.items())
    return (*known, *own)
