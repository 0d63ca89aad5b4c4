"""The rate of a call: its name resolved, then looked up by day, tier and prompt length.

The reasons are short and name the edges of the book and not the day of the call, so that a table
of unpriced calls groups by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from auditor.prices.book import STANDARD, Book, Row
from auditor.prices.names import NO_MAP, Resolution, resolve
from auditor.prices.span import covers, outside

NO_NAME = "the call names no model"
NO_DATE = "the call has no date"


@dataclass(frozen=True, slots=True)
class Priced:
    """The row that rates a call, or None and the reason why the call is unpriced.

    ``unknown`` is the row that says that the rate of such a call is not known.
    """

    row: Row | None
    resolution: Resolution
    reason: str | None
    unknown: Row | None = None


def price_call(
    book: Book,
    served: str | None,
    requested: str | None,
    on: date | None,
    tier: str = STANDARD,
    prompt_tokens: int = 0,
    user_map: Mapping[str, str] = NO_MAP,
) -> Priced:
    """Rate a call by the model that served it; by the requested one only if the log has no other.

    A served name that cannot be priced is refused: the requested one is no evidence of what was
    billed. Source: the response names "the specific model version used" (OpenAI API reference).
    """
    name = served if served is not None else requested
    if name is None:
        return Priced(None, Resolution("", None, None, "refused", reason=NO_NAME), NO_NAME)
    return price(book, name, on, tier, prompt_tokens, user_map)


def price(
    book: Book,
    name: str,
    on: date | None,
    tier: str = STANDARD,
    prompt_tokens: int = 0,
    user_map: Mapping[str, str] = NO_MAP,
) -> Priced:
    """The row that rates a call of that name, day, tier and prompt length (all tokens sent).

    The row always has an input rate. A row without an output rate prices only calls without
    output tokens, which the caller checks. The fallback of the book is asked last, as a book of its
    own, and not at all where a row of the book says that the rate is unknown: so it can change no
    price that the book has without it.
    """
    priced = _in(book, name, on, tier, prompt_tokens, user_map)
    if priced.row or priced.unknown or book.fallback is None:
        return priced
    behind = _in(book.fallback, name, on, tier, prompt_tokens, user_map)
    return behind if behind.row else priced


def _in(
    book: Book,
    name: str,
    on: date | None,
    tier: str,
    prompt_tokens: int,
    user_map: Mapping[str, str],
) -> Priced:
    """What the book says by itself, without its fallback."""
    found = resolve(name, on, book, user_map)
    if found.model is None or found.snapshot is None:
        return Priced(None, found, found.reason)
    if on is None:
        return Priced(None, found, NO_DATE)
    own = book.find(found.model, on, tier, prompt_tokens)
    behind = book.find(found.snapshot, on, tier, prompt_tokens)
    row = _later_word(book, own, behind)
    if row is None:
        return Priced(None, found, _why_none(book, found.model, on, tier))
    if row.input_per_1k_usd is None:
        return Priced(None, found, _why_unknown(row), row)
    return Priced(row, found, None)


def _later_word(book: Book, own: Row | None, behind: Row | None) -> Row | None:
    """The row of the name, unless only its snapshot has one or has one in a later book.

    The second is for a user's book that gives the snapshot a negotiated rate: our own row for the
    alias must not undo it.
    """
    if own is None or (behind is not None and book.outranks(behind, own)):
        return behind
    return own


def _why_none(book: Book, model: str, on: date, tier: str) -> str:
    what = f"no rate for {model}" if tier == STANDARD else f"no {tier} rate for {model}"
    rows = book.of(model, tier)
    if not rows:
        return what
    if any(covers(row, on) for row in rows):
        return f"{what} at this prompt length"
    return f"{what} {outside(rows, on)}"


def _why_unknown(row: Row) -> str:
    if row.above_input_tokens:
        return f"the rate of {row.model} above {row.above_input_tokens} prompt tokens is unknown"
    return f"the rate of {row.model} is unknown"
