"""A price book as CSV text: what ``load_book`` reads back, row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from auditor.prices.book import STANDARD, Row
from auditor.prices.loader import OPTIONAL_COLUMNS, REQUIRED_COLUMNS

COLUMNS = (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS)


def book_text(rows: Iterable[Row], standing: str = "") -> str:
    """The rows under all columns of a book, all of one ``standing``; every digit is kept.

    ``book`` and ``line`` of the rows are not written: they are where a row lies.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(row, standing) for row in rows)
    return out.getvalue()


def plain_rate(rate: Decimal) -> str:
    """Digits with a point and nothing else: no exponent, no zeros at the end."""
    text = f"{rate:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _cells(row: Row, standing: str) -> list[str]:
    said = {
        "standing": standing,
        "tier": "" if row.tier == STANDARD else row.tier,
        "above_input_tokens": str(row.above_input_tokens or ""),
    }
    return [said[name] if name in said else _cell(getattr(row, name)) for name in COLUMNS]


def _cell(value: Decimal | date | str | int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain_rate(value)
    return value.isoformat() if isinstance(value, date) else str(value)
