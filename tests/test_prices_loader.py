"""What a price book must not contain, and where the loader says it stands."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest

from auditor.errors import PriceBookError
from auditor.prices import load_book, load_names

BOOKS = Path(__file__).parent.parent / "fixtures" / "books"

REFUSED = {
    "exponent": (3, "input_per_1k_usd is not a plain decimal number: '1e-3'"),
    "nan": (3, "input_per_1k_usd is not a plain decimal number: 'NaN'"),
    "dollar": (3, "input_per_1k_usd is not a plain decimal number: '$0.01'"),
    "grouped-digits": (3, "input_per_1k_usd is not a plain decimal number: '1,000'"),
    "negative": (3, "output_per_1k_usd is negative: '-0.002'"),
    "too-fine": (3, "input_per_1k_usd has more digits than can be kept exactly: '0.0000000001'"),
    "too-large": (3, "input_per_1k_usd has more digits than can be kept exactly: '1234567890'"),
    "date": (3, "effective_from is not a date: '2023-02-30'"),
    "date-form": (3, "effective_to is not a date: '20230701'"),
    "empty-span": (3, "effective_from 2023-07-01 is not before effective_to 2023-07-01"),
    "window": (3, "context_window is not a positive whole number: '16K'"),
    "window-zero": (3, "context_window is not a positive whole number: '0'"),
    "kind": (3, "kind is 'finetuned'"),
    "confidence": (3, "confidence is 'sure'"),
    "blank-model": (3, "model is blank"),
    "blank-source": (3, "source is blank"),
    "white-space": (3, "model has white space around it: ' small-2'"),
    "overlap": (4, "shares days with line 2: the same model, tier and threshold"),
    "overlap-tier": (3, "shares days with line 2: the same model, tier and threshold"),
    "threshold": (2, "above_input_tokens is not a positive whole number: '0.5'"),
    "unknown-column": (1, "unknown column 'price'"),
    "missing-column": (1, "missing columns: input_per_1k_usd"),
    "duplicate-column": (1, "column note is there twice"),
    "cells": (3, "14 cells under 13 columns"),
    "quote": (3, "is not well-formed CSV: unexpected end of data"),
    "multi-line": (6, "kind is 'x'"),
    "no-rows": (None, "has no rows"),
    "empty": (1, "missing columns: model"),
    "encoding": (3, "is not UTF-8"),
    "absent": (None, "cannot be read: No such file or directory"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_book_is_refused_at_its_line(name: str) -> None:
    line, problem = REFUSED[name]
    path = BOOKS / f"bad-{name}.csv"

    with pytest.raises(PriceBookError) as refused:
        load_book(path)

    assert refused.value.line == line
    assert refused.value.problem.startswith(problem)
    assert str(refused.value).startswith(str(path) if line is None else f"{path}:{line}: ")
    assert refused.value.hint


def test_every_bad_fixture_is_used() -> None:
    found = {path.stem.removeprefix("bad-") for path in BOOKS.glob("bad-*.csv")}
    assert found == REFUSED.keys() - {"absent"}


def test_a_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    path = BOOKS / "good-bom-crlf.csv"
    book = load_book(path)
    (row,) = book.rows
    (file,) = book.files

    assert (row.model, row.line, row.book) == ("small-1", 2, "good-bom-crlf")
    assert file.sha256 == sha256(path.read_bytes()).hexdigest()


def test_columns_that_may_be_missing_are_blank() -> None:
    (row,) = load_book(BOOKS / "good-bom-crlf.csv").rows

    assert row.tier == "standard"
    assert row.above_input_tokens == 0
    assert row.cache_write_per_1k_usd is None
    assert row.cached_input_per_1k_usd is None
    assert row.input_per_1k_usd == Decimal("0.001")


def test_free_is_a_rate_of_zero() -> None:
    free = next(row for row in load_book(BOOKS / "house.csv").rows if row.model == "house-llm")
    assert free.input_per_1k_usd == Decimal(0)


HEADER = "name,effective_from,effective_to,model,source,confidence,note\n"


@pytest.mark.parametrize(
    ("lines", "line", "problem"),
    [
        (
            "a,2024-01-01,,b,s,certain,\na,2024-06-01,,c,s,certain,\n",
            3,
            "shares days with line 2: the same name",
        ),
        ("a,2024-01-01,2023-01-01,b,s,certain,\n", 2, "effective_from 2024-01-01 is not before"),
        ("a,,,,s,certain,\n", 2, "model is blank"),
    ],
)
def test_a_bad_table_of_names_is_refused(
    tmp_path: Path, lines: str, line: int, problem: str
) -> None:
    path = tmp_path / "names.csv"
    path.write_text(HEADER + lines, encoding="utf-8")

    with pytest.raises(PriceBookError) as refused:
        load_names(path)

    assert refused.value.line == line
    assert refused.value.problem.startswith(problem)
