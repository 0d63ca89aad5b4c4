"""The prices that the Python package ``genai-prices`` holds, as rows of a price book: the names.

The package (MIT licence, https://github.com/pydantic/genai-prices) ships the current prices of
many sellers. A name finds its model there by rules (``equals``, ``starts_with``, ``contains``,
``regex``), without regard to case. Our book knows exact names only, so a row is made for each name
that a rule states in full (the id of the model, and what ``equals``), and for each name that the
caller asks about; the package's own ``find_model`` has the word on every one of them.
``genai_rates`` says how prices are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from auditor.errors import AuditError
from auditor.prices.book import Row
from auditor.prices.genai_rates import PACKAGE, Known, LeftOut, rows_of

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

NOT_OF_MAKER = "its names do not tell that they are this seller's: ask for it with --provider"


@dataclass(frozen=True, slots=True)
class Package:
    """What was read of the package: ``rows`` for a book, and what was ``left_out``.

    ``ruled`` counts the models that are also known by rules that state no name in full, ``asked``
    the names that the caller asked about, ``found`` those of them that have a row now.
    ``elsewhere`` are the asked names that only sellers know who were not asked, with their ids.
    """

    version: str
    sellers: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: tuple[LeftOut, ...]
    ruled: int
    asked: int
    found: int
    elsewhere: tuple[tuple[str, tuple[str, ...]], ...] = ()


def read_package(
    snapshot: date,
    *,
    since: date | None = None,
    sellers: Iterable[str] = (),
    asked: Iterable[str] = (),
) -> Package:
    """Read the installed package. Rows are sorted and have no place in a file yet (line 0).

    ``snapshot`` is the day for which its undated prices are known; with ``since`` they are taken to
    hold from that day on, and the note of the row says so. ``sellers`` are the package's ids, of
    which the first that knows a name has the word; without any it is the maker, as the package
    takes a name that comes without a seller. ``asked`` are further names to look for. Every row is
    ``likely``: nobody here has read the seller's page. Raises AuditError when the package is not
    there, or knows no such seller.
    """
    providers, version = _installed()
    known = Known(version, snapshot, since)
    sellers = tuple(sellers)
    chosen = _chosen(providers, sellers)
    makers = None if sellers else chosen
    wanted = tuple(sorted({name for name in asked if name and name == name.strip()}))
    rows: dict[str, tuple[Row, ...]] = {}
    left_out: list[LeftOut] = []
    ruled = 0
    for provider in chosen:
        for model in provider.models:
            full = [name for name in _in_full(model) if _model_of(provider, name) is model]
            of_maker = [name for name in full if _is_of(provider, name, makers)]
            further = [
                name
                for name in wanted
                if _model_of(provider, name) is model and _is_of(provider, name, makers)
            ]
            ruled += _has_rules(model)
            if not of_maker and not further:
                why = NOT_OF_MAKER if full else "no rule states a name in full"
                left_out.append(LeftOut(provider.id, model.id, why))
            names = [name for name in dict.fromkeys((*of_maker, *further)) if name not in rows]
            if not names:
                continue
            stated = tuple(rows_of(provider, model, known, left_out))
            for name in names:
                rows[name] = tuple(_named(row, name, model, name in full) for row in stated)
    return Package(
        version=version,
        sellers=tuple(provider.id for provider in chosen),
        rows=tuple(sorted((row for each in rows.values() for row in each), key=_order)),
        left_out=tuple(sorted(set(left_out), key=lambda one: (one.reason, one.seller, one.model))),
        ruled=ruled,
        asked=len(wanted),
        found=sum(bool(rows.get(name)) for name in wanted),
        elsewhere=tuple(
            (name, others)
            for name in wanted
            if not rows.get(name) and (others := _not_asked(providers, chosen, makers, name))
        ),
    )


def _installed() -> tuple[list[Provider], str]:
    """The data of the package and its version; imported here because few need it."""
    try:
        from importlib.metadata import version

        from genai_prices.data import providers
    except ImportError as error:
        raise AuditError(
            f"the Python package {PACKAGE} is not installed",
            hint=f"pip install 'auditor[{PACKAGE}]'; from then on it works offline.",
        ) from error
    return providers, version(PACKAGE)


def _chosen(providers: list[Provider], sellers: tuple[str, ...]) -> list[Provider]:
    """The sellers asked for, in that order; else all that the package takes for makers."""
    by_id = {provider.id: provider for provider in providers}
    for seller in sellers:
        if seller not in by_id:
            raise AuditError(
                f"{PACKAGE} knows no seller {seller!r}",
                hint=f"It knows: {', '.join(sorted(by_id))}.",
            )
    if sellers:
        return [by_id[seller] for seller in dict.fromkeys(sellers)]
    return [provider for provider in providers if provider.model_match is not None]


def _not_asked(
    providers: list[Provider], chosen: list[Provider], makers: list[Provider] | None, name: str
) -> tuple[str, ...]:
    """The ids of the sellers that know a name and had no word on it."""
    asked = [provider.id for provider in chosen if _is_of(provider, name, makers)]
    return tuple(p.id for p in providers if p.id not in asked and _model_of(p, name) is not None)


def _model_of(provider: Provider, name: str) -> ModelInfo | None:
    """What the seller takes the name for, by its own list alone."""
    return provider.find_model(name)


def _is_of(provider: Provider, name: str, makers: list[Provider] | None) -> bool:
    """Whether the seller has the word on a name: the maker, unless sellers were chosen."""
    if makers is None:
        return True
    matches = (p for p in makers if p.model_match and p.model_match.is_match(name.lower()))
    return next(matches, None) is provider


def _in_full(model: ModelInfo) -> list[str]:
    """The names that are written out: the id, and what must be equal."""
    return list(dict.fromkeys((model.id, *(text for text in _equal_to(model.match)))))


def _equal_to(clause: Any) -> Iterator[str]:
    for part in getattr(clause, "or_", ()):
        yield from _equal_to(part)
    if hasattr(clause, "equals"):
        yield clause.equals


def _has_rules(model: ModelInfo) -> bool:
    """Whether a rule may match names that it does not write out."""
    parts = getattr(model.match, "or_", [model.match])
    return not all(hasattr(part, "equals") for part in parts)


def _named(row: Row, name: str, model: ModelInfo, in_full: bool) -> Row:
    """The row under a name of the model."""
    kind = "fine-tuned" if name.startswith("ft:") or ".ft-" in name else "base"
    note = row.note
    if not in_full:
        note += f"; the package takes this name for {model.id} by a rule"
    return replace(row, model=name, kind=kind, note=note)


def _order(row: Row) -> tuple[Any, ...]:
    return (row.model, row.tier, row.effective_from, row.above_input_tokens)
