"""Price books and tables of names, from CSV to a ``Book``. Also finds the ones we ship."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from auditor.errors import PriceBookError
from auditor.prices.book import STANDARD, Alias, Book, BookFile, Row, combine
from auditor.prices.span import Dated, overlaps
from auditor.prices.table import Record, Source, Table, read_table

REQUIRED_COLUMNS = (
    "model",
    "kind",
    "effective_from",
    "effective_to",
    "input_per_1k_usd",
    "cached_input_per_1k_usd",
    "output_per_1k_usd",
    "training_per_1k_usd",
    "context_window",
    "source",
    "confidence",
    "note",
    "alias_of",
)
OPTIONAL_COLUMNS = ("tier", "above_input_tokens", "cache_write_per_1k_usd", "standing")
NAME_COLUMNS = (
    "name",
    "effective_from",
    "effective_to",
    "model",
    "source",
    "confidence",
    "note",
)
KINDS = ("base", "fine-tuned")
FALLBACK = "fallback"
STANDINGS = ("", FALLBACK)
CONFIDENCES = ("certain", "likely", "unknown")


def open_book(user_paths: Iterable[Path] = ()) -> Book:
    """Our rates and alias calendar with the user's price books over them, the last one on top.

    Raises ``PriceBookError`` when one of the files cannot be trusted as it stands.
    """
    ours = files("auditor.prices")
    return combine(
        load_names(ours / "names.csv"),
        load_book(ours / "openai.csv"),
        *(load_book(path) for path in user_paths),
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that lies in a store: what ``read_table`` asks of a file."""

    name: str
    content: bytes

    def read_bytes(self) -> bytes:
        """What is in it."""
        return self.content

    def __str__(self) -> str:
        return f"{self.name} of a closed month"


def book_of_contents(files: Iterable[tuple[str, bytes]]) -> Book:
    """The book of the files that ``contents_of`` gave: the alias calendar first."""
    names, *books = (Kept(f"{name}.csv", content) for name, content in files)
    return combine(load_names(names), *(load_book(book) for book in books))


def contents_of(book: Book) -> Iterator[tuple[BookFile, bytes]]:
    """The files of a book and what is in them. Raises ``PriceBookError`` when one has changed."""
    for file in book.files:
        try:
            content = Path(file.file).read_bytes()
        except OSError:
            content = b""
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise PriceBookError(
                file.file, None, "has changed while it was used", hint="Run the command again."
            )
        yield file, content


def load_book(source: Source) -> Book:
    """The price book in one CSV file with the columns above; ``Row`` says what blanks mean.

    Rows whose ``standing`` is ``fallback`` make up the fallback of the book, whatever is combined
    with it. Raises ``PriceBookError`` with file and line when a cell is not what its column holds,
    or when two rows of the same standing, model, tier and threshold share a day.
    """
    table = read_table(source, REQUIRED_COLUMNS, OPTIONAL_COLUMNS)
    by_standing: dict[str, list[Row]] = {standing: [] for standing in STANDINGS}
    for record in table.records:
        standing = record.choice("standing", STANDINGS)
        by_standing[standing].append(_row(table, record))
    own, fallback = (_layer(table, by_standing[standing]) for standing in STANDINGS)
    return replace(own, fallback=fallback) if fallback.rows else own


def _layer(table: Table, rows: Iterable[Row]) -> Book:
    rows = tuple(rows)
    _refuse_overlaps(table, "model, tier and threshold", ((row.key, row) for row in rows))
    aliases = tuple(_alias_of(row, row.alias_of) for row in rows if row.alias_of)
    return Book((_file(table),), rows, aliases)


def load_names(source: Source) -> Book:
    """A book without rates: the alias calendar of names that have no row of their own.

    Raises ``PriceBookError`` as ``load_book`` does.
    """
    table = read_table(source, NAME_COLUMNS)
    aliases = tuple(_alias(table, record) for record in table.records)
    _refuse_overlaps(table, "name", ((alias.name, alias) for alias in aliases))
    return Book((_file(table),), (), aliases)


def _file(table: Table) -> BookFile:
    return BookFile(table.name, table.file, table.sha256)


def _row(table: Table, record: Record) -> Row:
    row = Row(
        book=table.name,
        line=record.line,
        model=record.required("model"),
        kind=record.choice("kind", KINDS),
        tier=record.word("tier") or STANDARD,
        effective_from=record.date("effective_from"),
        effective_to=record.date("effective_to"),
        above_input_tokens=record.positive("above_input_tokens") or 0,
        input_per_1k_usd=record.usd("input_per_1k_usd"),
        cached_input_per_1k_usd=record.usd("cached_input_per_1k_usd"),
        cache_write_per_1k_usd=record.usd("cache_write_per_1k_usd"),
        output_per_1k_usd=record.usd("output_per_1k_usd"),
        training_per_1k_usd=record.usd("training_per_1k_usd"),
        context_window=record.positive("context_window"),
        source=record.required("source"),
        confidence=record.choice("confidence", CONFIDENCES),
        note=record.text("note"),
        alias_of=record.word("alias_of"),
    )
    _refuse_empty_span(record, row)
    return row


def _alias(table: Table, record: Record) -> Alias:
    alias = Alias(
        book=table.name,
        line=record.line,
        name=record.required("name"),
        effective_from=record.date("effective_from"),
        effective_to=record.date("effective_to"),
        model=record.required("model"),
        source=record.required("source"),
        confidence=record.choice("confidence", CONFIDENCES),
        note=record.text("note"),
    )
    _refuse_empty_span(record, alias)
    return alias


def _alias_of(row: Row, model: str) -> Alias:
    return Alias(
        book=row.book,
        line=row.line,
        name=row.model,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
        model=model,
        source=row.source,
        confidence=row.confidence,
        note=row.note,
    )


def _refuse_empty_span(record: Record, dated: Dated) -> None:
    start, end = dated.effective_from, dated.effective_to
    if start is not None and end is not None and start >= end:
        raise record.error(
            f"effective_from {start} is not before effective_to {end}",
            hint="effective_to is the first day on which the row holds no more.",
        )


def _refuse_overlaps(table: Table, what: str, keyed: Iterable[tuple[object, Row | Alias]]) -> None:
    seen: dict[object, list[Row | Alias]] = {}
    for key, entry in keyed:
        earlier = seen.setdefault(key, [])
        for other in earlier:
            if overlaps(entry, other):
                raise Record(table.file, entry.line, {}).error(
                    f"shares days with line {other.line}: the same {what}",
                    hint="End the earlier row (effective_to) on the day the later one begins.",
                )
        earlier.append(entry)
