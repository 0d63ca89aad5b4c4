"""What the price book lacks, loses soon or is not sure of, in what the stored calls use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from auditor.pipeline.replay import Question, Replay, replay
from auditor.prices import Book, Row
from auditor.store import Store

UNKNOWN, RETIRING, DOUBTFUL, INFERRED = "unknown", "retiring", "doubtful", "inferred"
FINDINGS = "replay/price_findings"


@dataclass(frozen=True, slots=True)
class PriceCheck:
    """``findings`` are the rows of queries/replay/price_findings.sql.

    ``retiring`` are names whose last rate ends up to ``within`` days before or after ``today``.
    """

    result: Replay
    today: date
    within: int
    findings: pl.DataFrame

    @property
    def unknown_calls(self) -> int:
        """Calls of names that the book does not price."""
        return int(self.findings.filter(pl.col("finding") == UNKNOWN)["calls"].sum())


def check_prices(store: Store, question: Question, today: date, within: int) -> PriceCheck:
    """Hold the book against the stored calls. Reads the store and changes nothing in it."""
    store.show("book_rows", _book_rows(question.book))
    span = timedelta(days=within)
    asked = replace(question, scenarios=(), by=())
    result = replay(store, asked, once=(FINDINGS,), since=today - span, until=today + span)
    return PriceCheck(result, today, within, result.gathered[FINDINGS])


def _book_rows(book: Book) -> pl.DataFrame:
    """Columns: book, line, confidence, ends_on (see ``last_end``), source; one row a line."""
    lines = {(row.book, row.line): (row, layer) for layer in book.layers for row in layer.rows}
    rows = [
        (*place, row.confidence, last_end(layer.of(row.model, row.tier)), row.source)
        for place, (row, layer) in lines.items()
    ]
    schema = {
        "book": pl.String,
        "line": pl.Int64,
        "confidence": pl.String,
        "ends_on": pl.Date,
        "source": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def last_end(rows: Iterable[Row]) -> date | None:
    """The day from which no row has a rate any more; None where one has no end."""
    ends = [row.effective_to for row in rows]
    return None if None in ends else max(end for end in ends if end is not None)
