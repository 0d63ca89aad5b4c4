"""The prices that the Python package ``genai-prices`` holds, as rows of a price book: the rates.

Read as of 0.2.3 (types.py, data.py), where a rate is a ``Decimal`` written from text, USD per
million tokens:

- ``prices`` is one set, or several with the day from which each holds (``StartDateConstraint``),
  or with hours of the day (``TimeOfDateConstraint``: our book has days only, so left out).
- ``TieredPrices`` are whole-request ("cliff"): the tier that ``input_tokens > start`` finds rates
  ALL tokens of the request. That is our ``above_input_tokens``. ``input_tokens`` are all tokens
  sent, cached ones too.
- tokens without a rate of their own are billed on the wider meter: cached ones as input, reasoning
  as output. That is what a blank means in our book, too.
- ``price_variants`` replace single rates where ``processing``, ``service_tier`` or ``speed`` is a
  word: our tiers. A variant holds from the day it states.
- a price without a day is known for the day of the snapshot and not before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from auditor.prices.book import STANDARD, Row
from auditor.prices.table import FRACTION_DIGITS, WHOLE_DIGITS
from auditor.prices.writing import plain_rate

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, PriceVariant, Provider

PACKAGE = "genai-prices"
LONG_CACHE = "1h-cache"

# what the book can state, and the key of the package that holds it
METERS = {
    "input_per_1k_usd": "input_mtok",
    "cached_input_per_1k_usd": "cache_read_mtok",
    "cache_write_per_1k_usd": "cache_write_mtok",
    "output_per_1k_usd": "output_mtok",
}
LONG_WRITE = "cache_write_1h_mtok"
# billed beside the tokens, by the search or tool call: the rates of the tokens are right without
FEES = frozenset(
    {
        "web_searches_kcount",
        "social_searches_kcount",
        "storage_searches_kcount",
        "code_executions_kcount",
    }
)
# rates of spoken tokens: a call that has any is unpriced, whatever the book says
AUDIO = frozenset({"input_audio_mtok", "output_audio_mtok", "cache_audio_read_mtok"})
TIER_KEYS = ("processing", "service_tier", "speed")
BEFORE = "the price before the first day that is stated: from when it held is not"
STANDARD_WORDS = ("default", "auto", "standard")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A price that the book cannot state: the seller, the model, and why."""

    seller: str
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Known:
    """When and of what version a price is known; ``since`` is what the caller takes it back to."""

    version: str
    snapshot: date
    since: date | None

    @property
    def source(self) -> str:
        return f"{PACKAGE} {self.version}, snapshot of {self.snapshot}"


class NotStatedError(Exception):
    """The book cannot state a price; ``str()`` is the reason."""


def rows_of(
    provider: Provider, model: ModelInfo, known: Known, left_out: list[LeftOut]
) -> Iterator[Row]:
    """The rows of a model on every tier, all or none of a tier; what cannot be stated is noted.

    What keeps the standard tier from being stated keeps the others from it, too.
    """
    for tier, when in _tiers(provider, model, left_out):
        try:
            yield from [
                row
                for begins, ends, prices in _spans(model, when, known)
                for row in _rated(model, tier, begins, ends, prices, known)
            ]
        except NotStatedError as reason:
            what = str(reason) if tier == STANDARD else f"{tier} tier: {reason}"
            left_out.append(LeftOut(provider.id, model.id, what))
            if tier == STANDARD:
                return
            continue
        edges = _edges(model, when)
        if tier == STANDARD and edges and edges[0] <= (known.since or known.snapshot):
            left_out.append(LeftOut(provider.id, model.id, BEFORE))


def _tiers(
    provider: Provider, model: ModelInfo, left_out: list[LeftOut]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Each tier of ours, with the words that select it in the package."""
    yield STANDARD, {}
    seen: dict[str, dict[str, str]] = {}
    for variant in model.price_variants or ():
        key, word = next(iter(variant.when.items()))
        if len(variant.when) > 1 or key not in TIER_KEYS:
            words = ", ".join(f"{name} {value}" for name, value in variant.when.items())
            left_out.append(LeftOut(provider.id, model.id, f"its rates for {words}"))
        elif word not in STANDARD_WORDS and seen.setdefault(word, variant.when) != variant.when:
            left_out.append(LeftOut(provider.id, model.id, f"its rates for {key} {word}"))
    yield from seen.items()


def _edges(model: ModelInfo, when: dict[str, str]) -> list[date]:
    """The days on which a price or a variant of these words begins. Refuses hours of the day."""
    dated = model.prices if isinstance(model.prices, list) else []
    constraints: list[Any] = [price.constraint for price in dated]
    constraints += [variant.constraint for variant in _variants(model, when)]
    days = set()
    for constraint in constraints:
        if constraint is None:
            continue
        if not hasattr(constraint, "start_date"):
            raise NotStatedError("its price depends on the hour of the day")
        days.add(constraint.start_date)
    return sorted(days)


def _variants(model: ModelInfo, when: dict[str, str]) -> list[PriceVariant]:
    return [v for v in model.price_variants or () if v.when == when]


def _spans(
    model: ModelInfo, when: dict[str, str], known: Known
) -> Iterator[tuple[date, date | None, ModelPrice]]:
    """The spans of days that have one price each, from the first day that is known."""
    edges = _edges(model, when)
    first = known.since or known.snapshot
    if not edges or first < edges[0]:
        edges = [first, *edges]
    for begins, ends in pairwise([*edges, None]):
        assert begins is not None
        noon = datetime(begins.year, begins.month, begins.day, 12, tzinfo=UTC)
        if when and not any(
            variant.constraint is None or variant.constraint.active(noon)
            for variant in _variants(model, when)
        ):
            continue
        yield begins, ends, model.get_prices(noon, when)


def _rated(
    model: ModelInfo,
    tier: str,
    begins: date,
    ends: date | None,
    prices: ModelPrice,
    known: Known,
) -> Iterator[Row]:
    """The rows of one span: for any prompt, and for those above each threshold."""
    given = {key: value for key, value in vars(prices).items() if value is not None}
    _refuse_what_cannot_be_stated(given)
    note = _note(begins, given, model, known)
    keys = (*METERS.values(), LONG_WRITE)
    starts = {tier_.start for key in keys for tier_ in getattr(given.get(key), "tiers", ())}
    if 0 in starts:
        raise NotStatedError("a threshold of 0 tokens")
    for start in (0, *sorted(starts)):
        rates = {column: _rate(given.get(key), start) for column, key in METERS.items()}
        row = Row(
            book="",
            line=0,
            model=model.id,
            kind="base",
            tier=tier,
            effective_from=begins,
            effective_to=ends,
            above_input_tokens=start,
            training_per_1k_usd=None,
            context_window=model.context_window or None,
            source=known.source,
            confidence="likely",
            note=note,
            alias_of=None,
            **rates,
        )
        yield row
        if LONG_WRITE in given:
            long_write = _rate(given[LONG_WRITE], start)
            tier_ = f"{tier}-{LONG_CACHE}"
            yield replace(row, tier=tier_, cache_write_per_1k_usd=long_write)


def _refuse_what_cannot_be_stated(given: dict[str, Any]) -> None:
    """Raises NotStatedError unless the rates are those of tokens that our meters tell apart."""
    if not given:
        raise NotStatedError("no price is stated, free or not")
    if "input_mtok" not in given:
        raise NotStatedError(f"priced by {_listed(given)}, not by the token sent")
    other = given.keys() - {*METERS.values(), LONG_WRITE, *FEES, *AUDIO}
    if other:
        raise NotStatedError(f"rates that our meters do not tell apart: {_listed(other)}")


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(sorted(keys))


def _note(begins: date, given: dict[str, Any], model: ModelInfo, known: Known) -> str:
    """What a reader must know of the row."""
    parts = []
    if begins == known.since:
        parts.append(f"taken to hold from {known.since} on, as asked; known for the snapshot only")
    elif begins == known.snapshot:
        parts.append("known for the day of the snapshot, not before")
    else:
        parts.append("the package states the day")
    if given.keys() & FEES:
        parts.append("fees for searches and tool calls come on top")
    if given.keys() & AUDIO:
        parts.append("rates of spoken tokens left out: calls with any are unpriced")
    if model.context_window:
        parts.append("window as the package has it")
    return "; ".join(parts)


def _rate(value: Any, start: int) -> Decimal | None:
    """USD per 1,000 tokens of a request with more than ``start`` tokens sent, exactly."""
    if value is None:
        return None
    for tier in sorted(getattr(value, "tiers", ()), key=lambda tier: -tier.start):
        if tier.start <= start and start:
            value = tier.price
            break
    else:
        value = getattr(value, "base", value)
    if not isinstance(value, Decimal) or not value.is_finite() or value < 0:
        raise NotStatedError(f"a rate that is no exact amount: {value!r}")
    rate = value.scaleb(-3).normalize()
    whole, _, fraction = plain_rate(rate).partition(".")
    if len(whole) > WHOLE_DIGITS or len(fraction) > FRACTION_DIGITS:
        raise NotStatedError(f"more digits than the book keeps: {value} USD per million")
    return rate
