"""One module a family of APIs, each with a ``FAMILY``; all of them are found here by themselves.

The order is that of the module names, so that a body is read the same way on every machine.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from auditor.formats.shapes.terms import Family


def _found() -> tuple[Family, ...]:
    names = sorted(module.name for module in iter_modules(__path__))
    families = (import_module(f"{__name__}.{name}").FAMILY for name in names)
    return tuple(families)


FAMILIES: tuple[Family, ...] = _found()
