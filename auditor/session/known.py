"""What a run knows before it reads a log: settings, price book, scenarios, formats."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from auditor import config, formats, scenarios
from auditor.config import Config
from auditor.errors import ConfigError
from auditor.formats.mapped import from_mapping
from auditor.prices import Book, open_book
from auditor.scenarios import Scenario


def settings_of(path: Path | None) -> Config:
    return config.load(path, Path())


def book_of(settings: Config, prices: Iterable[Path]) -> Book:
    return open_book((*settings.prices, *prices))


def known_scenarios(settings: Config, extra: Iterable[Path]) -> tuple[Scenario, ...]:
    own = (scenarios.load(path) for path in (*settings.scenarios, *extra))
    return (*scenarios.built_in(), *own)


def scenarios_of(
    settings: Config, extra: Iterable[Path], wanted: Iterable[str]
) -> tuple[Scenario, ...]:
    return scenarios.choose(known_scenarios(settings, extra), wanted)


def formats_of(settings: Config) -> tuple[formats.Format, ...]:
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
