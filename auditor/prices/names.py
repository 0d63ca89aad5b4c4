"""From a name in a log to a row of the price book: exactly, by the alias calendar, or not at all.

The order is: the user's own map (one step), the exact name, the alias calendar by the call's day,
one router prefix, then the fine-tuned and Azure forms of ``spelling``. There is no nearest name
and no trimming: names are case-sensitive, and white space around one refuses it, since nobody
knows what else a log that writes it has changed. Source: OpenAI's model pages; design.md, rule 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Literal

from auditor.prices.book import Alias, Book
from auditor.prices.span import covers, outside
from auditor.prices.spelling import Spelling, read, split_router

How = Literal["exact", "respelled", "alias", "refused"]

NO_MAP: Mapping[str, str] = MappingProxyType({})
NOT_IN_BOOK = "not in the price book"
NEEDS_DATE = "its version depends on the date, and the call has none"
AZURE_HIDES = "Azure does not say which version answered: the day decides"


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name in a log stands for.

    ``model`` is the name of a row in the price book, None when refused. ``snapshot`` is the dated
    snapshot behind it (the model itself, unless that is an alias). ``how`` is ``alias`` when the
    day chose the snapshot, ``respelled`` when the name has only ever meant this one. ``mapped``:
    by the user's map; ``router``: the prefix taken off; ``azure``: an Azure form, so that Azure's
    prices may apply; ``steps``: what led to what, a sentence each; ``reason``: why it was refused.
    """

    name: str
    model: str | None
    snapshot: str | None
    how: How
    mapped: bool = False
    router: str | None = None
    azure: bool = False
    fine_tuned: bool = False
    steps: tuple[str, ...] = ()
    reason: str | None = None


def resolve(
    name: str, on: date | None, book: Book, user_map: Mapping[str, str] = NO_MAP
) -> Resolution:
    """Find the row of the book that a name in a log of that day stands for.

    ``user_map`` is {name in the logs: name we know}. Without a day (None) an alias is refused and
    an exact name is not. Whether the row has a rate on that day is for ``price`` to say.
    """
    if name in user_map:
        known = user_map[name]
        found = _resolve(known, on, book)
        steps = (f"{name} is mapped to {known} by the configuration", *found.steps)
        return replace(found, name=name, mapped=True, steps=steps)
    return _resolve(name, on, book)


def _resolve(name: str, on: date | None, book: Book) -> Resolution:
    if not name.strip():
        return _refused(name, "the name is empty")
    if name != name.strip():
        return _refused(name, "the name has white space around it")
    if _is_known(name, book):
        return _look_up(Spelling(name), on, book)
    router, rest = split_router(name)
    spelling = Spelling(rest) if _is_known(rest, book) else read(rest)
    found = _look_up(spelling, on, book)
    azure = spelling.azure or router == "azure"
    steps = (
        *((f"{router}/ is the prefix of a router",) if router else ()),
        *spelling.steps,
        *((AZURE_HIDES,) if azure and found.how == "alias" else ()),
        *found.steps,
    )
    return replace(found, name=name, router=router, azure=azure, steps=steps)


def _is_known(name: str, book: Book) -> bool:
    return name in book or bool(book.entries(name))


def _look_up(spelling: Spelling, on: date | None, book: Book) -> Resolution:
    row_name = spelling.row_for(spelling.base)
    if _has_row(row_name, on, book):
        found = _own_row(row_name, on, book)
    elif book.entries(row_name):
        found = _by_calendar(Spelling(row_name), on, book)
    else:
        found = _by_calendar(spelling, on, book)
    return replace(found, fine_tuned=spelling.fine_tuned or _is_fine_tuned(found.model, book))


def _has_row(name: str, on: date | None, book: Book) -> bool:
    """Whether a row of its own answers: on that day, or on any when no alias competes."""
    if name in book and not book.entries(name):
        return True
    return on is not None and any(covers(row, on) for row in book.of(name))


def _own_row(name: str, on: date | None, book: Book) -> Resolution:
    alias = book.alias(name, on)
    if alias is None:
        return Resolution(name, name, name, "exact", steps=(f"{name} is in the price book",))
    return Resolution(name, name, alias.model, _how(alias, book), steps=(_stood_for(alias, on),))


def _by_calendar(spelling: Spelling, on: date | None, book: Book) -> Resolution:
    base = spelling.base
    alias = book.alias(base, on)
    if alias is not None:
        model = spelling.row_for(alias.model)
        if model not in book:
            return _refused(base, f"no row named {model}", _stood_for(alias, on))
        return Resolution(base, model, model, _how(alias, book), steps=(_stood_for(alias, on),))
    entries = book.entries(base)
    if not entries:
        row_name = spelling.row_for(base)
        return _refused(base, NOT_IN_BOOK if row_name == base else f"no row named {row_name}")
    if on is None:
        return _refused(base, NEEDS_DATE)
    return _refused(base, f"no version of {base} is known {outside(entries, on)}")


def _how(alias: Alias, book: Book) -> How:
    """Whether the day chose among snapshots, or the name has only ever meant this one."""
    targets = {entry.model for entry in book.entries(alias.name)}
    return "respelled" if len(targets) == 1 and alias.confidence == "certain" else "alias"


def _is_fine_tuned(model: str | None, book: Book) -> bool:
    return model is not None and any(row.kind == "fine-tuned" for row in book.of(model))


def _stood_for(alias: Alias, on: date | None) -> str:
    if on is None:
        return f"{alias.name} is another name of {alias.model}"
    return f"{alias.name} stood for {alias.model} on {on}"


def _refused(name: str, reason: str, *steps: str) -> Resolution:
    return Resolution(name, None, None, "refused", steps=steps, reason=reason)
