"""The price book: dated rates, the alias calendar, and what a look-up by date finds in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TypeVar

from auditor.errors import PriceBookError
from auditor.prices.span import Dated, covers, overlaps, remainder

STANDARD = "standard"

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a price book: the rates of a model and tier for a span of days.

    Rates are USD per 1,000 tokens. Blanks are None and mean: ``input`` the rate is unknown and
    calls are unpriced; ``cached_input`` and ``cache_write`` these tokens are billed at the input
    rate; ``output`` the model produces none, and a call with output tokens is unpriced;
    ``training`` there is no training per token; ``effective_from`` the start is unknown, and the
    row holds for any earlier day; ``effective_to`` (exclusive) no end is known;
    ``context_window`` unknown, else in tokens. ``above_input_tokens`` above 0 makes the row rate
    the whole of those calls whose prompt is longer. ``alias_of`` is the snapshot behind an alias
    that has a row of its own.
    """

    book: str
    line: int
    model: str
    kind: str
    tier: str
    effective_from: date | None
    effective_to: date | None
    above_input_tokens: int
    input_per_1k_usd: Decimal | None
    cached_input_per_1k_usd: Decimal | None
    cache_write_per_1k_usd: Decimal | None
    output_per_1k_usd: Decimal | None
    training_per_1k_usd: Decimal | None
    context_window: int | None
    source: str
    confidence: str
    note: str
    alias_of: str | None

    @property
    def key(self) -> tuple[str, str, int]:
        """What a book holds at most one row of for any day."""
        return (self.model, self.tier, self.above_input_tokens)

    def applies_to(self, prompt_tokens: int) -> bool:
        """Whether a prompt of that length is long enough for this row."""
        return self.above_input_tokens == 0 or prompt_tokens > self.above_input_tokens


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that stood for ``model`` on the days of a span: one entry of the alias calendar."""

    book: str
    line: int
    name: str
    effective_from: date | None
    effective_to: date | None
    model: str
    source: str
    confidence: str
    note: str


@dataclass(frozen=True, slots=True)
class BookFile:
    """A file that a book was read from; ``sha256`` is of its bytes."""

    name: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Override:
    """A row that counts no more, wholly or for the days that ``by`` shares with it."""

    row: Row
    by: Row


@dataclass(frozen=True)
class Book:
    """Rates and names from one file or several; of ``files`` the last has the last word.

    For any model, tier, threshold and day there is at most one row in ``rows``. ``fallback`` is
    the book of the rows that give way to all of these: it is asked where these have no price
    (see ``pricing.price``), and its names are not looked up here. ``files`` are those of both.
    """

    files: tuple[BookFile, ...]
    rows: tuple[Row, ...]
    aliases: tuple[Alias, ...]
    overridden: tuple[Override, ...] = ()
    fallback: Book | None = None

    def __contains__(self, model: object) -> bool:
        return model in self._models

    def find(
        self, model: str, on: date, tier: str = STANDARD, prompt_tokens: int = 0
    ) -> Row | None:
        """The row for exactly this model and tier on that day, at the highest threshold passed.

        A row without an input rate is found too: it says that the rate is unknown.
        """
        for row in self._by_tier.get((model, tier), ()):
            if row.applies_to(prompt_tokens) and covers(row, on):
                return row
        return None

    def alias(self, name: str, on: date | None) -> Alias | None:
        """What the name stood for on that day; without a day only what it has always stood for."""
        entries = self._by_name.get(name, ())
        return next((entry for entry in entries if covers(entry, on)), None)

    def entries(self, name: str) -> tuple[Alias, ...]:
        """All entries of the alias calendar for that name."""
        return self._by_name.get(name, ())

    def of(self, model: str, tier: str | None = None) -> tuple[Row, ...]:
        """All rows of that model, or those of one tier."""
        rows = self._models.get(model, ())
        return rows if tier is None else tuple(row for row in rows if row.tier == tier)

    def outranks(self, one: Row, other: Row) -> bool:
        """Whether a row comes from a file with a later word than the other's."""
        return self._rank[one.book] > self._rank[other.book]

    @property
    def layers(self) -> tuple[Book, ...]:
        """The book and its fallback, if it has one."""
        return (self,) if self.fallback is None else (self, self.fallback)

    @property
    def every_row(self) -> tuple[Row, ...]:
        """The rows, and those of the fallback."""
        return tuple(row for layer in self.layers for row in layer.rows)

    def thresholds(self) -> tuple[int, ...]:
        """The distinct ``above_input_tokens`` above 0 of every row, ascending."""
        return tuple(sorted({row.above_input_tokens for row in self.every_row} - {0}))

    def boundaries(self) -> tuple[date, ...]:
        """The days on which some rate or alias begins or ends, of both layers, ascending."""
        spans: tuple[Dated, ...] = (
            *self.every_row,
            *(alias for layer in self.layers for alias in layer.aliases),
        )
        edges = {edge for span in spans for edge in (span.effective_from, span.effective_to)}
        return tuple(sorted(edge for edge in edges if edge is not None))

    @property
    def windows(self) -> tuple[int, ...]:
        """The distinct context windows in tokens of every row, ascending."""
        return tuple(sorted({row.context_window for row in self.every_row if row.context_window}))

    @cached_property
    def _models(self) -> Mapping[str, tuple[Row, ...]]:
        return _grouped((row.model, row) for row in self.rows)

    @cached_property
    def _by_tier(self) -> Mapping[tuple[str, str], tuple[Row, ...]]:
        highest_first = sorted(self.rows, key=lambda row: -row.above_input_tokens)
        return _grouped(((row.model, row.tier), row) for row in highest_first)

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[Alias, ...]]:
        return _grouped((alias.name, alias) for alias in self.aliases)

    @cached_property
    def _rank(self) -> Mapping[str, int]:
        return {file.name: rank for rank, file in enumerate(self.files)}


def combine(*books: Book) -> Book:
    """One book of several, in which a later book wins over the earlier ones day by day.

    A row that loses some of its days stays for the others, cut into one or two rows with the same
    line; ``overridden`` of the result holds it whole, with each row that took days from it.
    Fallbacks are combined with one another only. Raises ``PriceBookError`` when two files have the
    same name.
    """
    combined = Book(files=(), rows=(), aliases=())
    for book in books:
        combined = _over(combined, book)
    fallbacks = [book.fallback for book in books if book.fallback is not None]
    return replace(combined, fallback=combine(*fallbacks)) if fallbacks else combined


def _over(below: Book, above: Book) -> Book:
    for file in above.files:
        if file.name in {other.name for other in below.files}:
            raise PriceBookError(
                file.file,
                None,
                f"another price book is named {file.name!r} as well",
                hint="Rename the file: its name is shown beside every rate taken from it.",
            )
    winners = _grouped((row.key, row) for row in above.rows)
    rows: list[Row] = []
    overridden: list[Override] = []
    for row in below.rows:
        left = [row]
        for winner in winners.get(row.key, ()):
            if overlaps(row, winner):
                overridden.append(Override(row, winner))
            left = [piece for part in left for piece in _cut(part, winner)]
        rows += left
    return Book(
        files=below.files + above.files,
        rows=(*rows, *above.rows),
        aliases=above.aliases + below.aliases,
        overridden=(*below.overridden, *overridden, *above.overridden),
    )


def _cut(row: Row, winner: Row) -> list[Row]:
    return [
        replace(row, effective_from=start, effective_to=end)
        for start, end in remainder(row, winner)
    ]


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, tuple[V, ...]]:
    groups: dict[K, list[V]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in groups.items()}
