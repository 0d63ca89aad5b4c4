"""Log formats: recognise a file by its content, read its calls.

One module a format. A module of this package that holds ``FORMAT`` (or ``FORMATS``) is a format;
nothing else has to know of it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator

from auditor.errors import LimitError, SourceError
from auditor.formats.base import TOO_DEEP, Block, Format, Frame, Sample, sample
from auditor.limits import KEYS, refusal_of
from auditor.sources import LogFile

__all__ = ["TOO_DEEP", "Block", "Format", "Frame", "Sample", "known_formats", "recognise", "sample"]


NOT_RECOGNISED = (
    "See `audit show formats`; describe a table of your own under [formats] in audit.toml, name "
    "the format with --as, or leave the file out with --exclude."
)


def known_formats() -> tuple[Format, ...]:
    """Every format that ships with the tool, by name."""
    found = (
        format
        for module in pkgutil.iter_modules(__path__)
        for format in _formats_of(importlib.import_module(f"{__name__}.{module.name}"))
    )
    return tuple(sorted(found, key=lambda format: format.name))


def _formats_of(module: object) -> Iterator[Format]:
    if one := getattr(module, "FORMAT", None):
        yield one
    yield from getattr(module, "FORMATS", ())


def recognise(file: LogFile, formats: Iterable[Format]) -> Format:
    """The one format that claims the file. Raises SourceError when none does, or several do.

    A fallback counts where no other claims it.
    """
    known = tuple(formats)
    beginning = sample(file)
    claiming = tuple(format for format in known if format.claims(beginning))
    claims = tuple(format for format in claiming if not format.fallback) or claiming
    if len(claims) == 1:
        return claims[0]
    if claims:
        names = " and ".join(format.name for format in claims)
        raise SourceError(
            file.name,
            None,
            f"two formats claim this file: {names}",
            hint="Say which it is with --as FORMAT.",
        )
    for number, line in enumerate(beginning.head.split(b"\n"), 1):
        if over := refusal_of(line):
            problem = f"{over}, and no other line tells what it is"
            raise LimitError(file.name, number, problem, key=KEYS[0])
    raise SourceError(
        file.name,
        None,
        "no format recognises this file",
        hint=NOT_RECOGNISED,
    )
