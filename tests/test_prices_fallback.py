"""Books that give way: rows whose standing is fallback price only what nothing else prices."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import oracle
import pytest
from command import audit
from helpers.logs import capture, write
from helpers.runs import book, replayed
from hypothesis import given, settings
from hypothesis import strategies as st
from test_oracle import calls, line_of

from auditor.errors import PriceBookError
from auditor.prices import (
    Book,
    Row,
    book_of_contents,
    book_text,
    combine,
    contents_of,
    load_book,
    open_book,
    price,
)

ABSURD = Decimal("9999")


def a_row(model: str, tier: str = "standard", above: int = 0) -> Row:
    return Row(
        book="",
        line=0,
        model=model,
        kind="base",
        tier=tier,
        effective_from=None,
        effective_to=None,
        above_input_tokens=above,
        input_per_1k_usd=ABSURD,
        cached_input_per_1k_usd=ABSURD,
        cache_write_per_1k_usd=ABSURD,
        output_per_1k_usd=ABSURD,
        training_per_1k_usd=ABSURD,
        context_window=1,
        source="nobody",
        confidence="certain",
        note="",
        alias_of=None,
    )


def imported(path: Path, *rows: Row) -> Path:
    path.write_text(book_text(rows, "fallback"), encoding="utf-8")
    return path


@cache
def hostile() -> Book:
    """Ours, with an import that says something absurd of every name, tier and length."""
    names = dict.fromkeys([*oracle.NAMES, *oracle.PRICES, "gpt-4-32k-0613", "gpt-4-turbo"])
    rows = [a_row(n, t, above) for n in names for t in ("standard", "batch") for above in (0, 7)]
    with tempfile.TemporaryDirectory() as folder:
        return open_book([imported(Path(folder) / "absurd.csv", *rows)])


def test_without_ours_the_absurd_rates_would_be_taken() -> None:
    """The law below can fail: the same rows as a book of the user's own do change the figures."""
    fallback = hostile().fallback
    assert fallback is not None
    assert len(fallback.rows) > 100
    for model in ("gpt-4-0613", "openai/gpt-4", "gpt-35-turbo-0613.ft-0a1b2c3d-desk"):
        row = price(hostile(), model, date(2023, 8, 22)).row
        assert row is not None
        assert row.book == "openai"
        with_theirs = combine(book(), fallback)
        assert price(with_theirs, model, date(2023, 8, 22)).row != row


@settings(deadline=None, max_examples=10, derandomize=True)
@given(drawn=st.lists(calls(), min_size=1, max_size=12))
def test_an_import_changes_no_figure_of_a_call_that_our_own_book_prices(
    drawn: list[oracle.Call],
) -> None:
    """Of random traffic: all of the document, the scenarios' figures too."""
    ours = [
        call for call in drawn if call["state"] != "counted" or oracle.actual_cost(call) is not None
    ]
    lines = [capture(), *(line_of(number, call) for number, call in enumerate(ours, 2))]
    without, merged = replayed(lines), replayed(lines, book=hostile())
    assert without.pop("run") != merged.pop("run")
    assert merged == without


def test_a_call_that_only_the_import_prices_is_priced_and_the_report_says_by_whom(
    tmp_path: Path,
) -> None:
    row = replace(
        a_row("claude-2"),
        input_per_1k_usd=Decimal("0.008"),
        output_per_1k_usd=Decimal("0.024"),
        source="genai-prices 0.0.0, snapshot of 2024-01-01",
    )
    imported(tmp_path / "theirs.csv", row)
    write(tmp_path / "logs.jsonl", [capture("a", model="claude-2"), capture("b")])
    given_book = ("replay", "logs.jsonl", "--prices", "theirs.csv")
    shown = audit(*given_book, folder=tmp_path)
    # 1,000 × 0.008 / 1,000 + 100 × 0.024 / 1,000
    assert (
        "1 call (0.010400 USD of the actual cost) priced by theirs, where our book has no price: "
        "genai-prices 0.0.0, snapshot of 2024-01-01." in " ".join(shown.out.split())
    )
    document = json.loads(audit(*given_book, "--format", "json", folder=tmp_path).out)
    assert document["actual"]["books"] == [
        {"book": "openai", "calls": 1, "cost_usd": "0.0017"},
        {"book": "theirs", "calls": 1, "cost_usd": "0.0104", "sources": [row.source]},
    ]
    audit("ingest", "logs.jsonl", "--db", "a.duckdb", folder=tmp_path)
    told = audit("explain", "a", "--db", "a.duckdb", "--prices", "theirs.csv", folder=tmp_path)
    assert "theirs.csv line 2: claude-2" in told.out
    assert "source: genai-prices 0.0.0, snapshot of 2024-01-01" in told.out
    audit("report", "--db", "a.duckdb", "--prices", "theirs.csv", "-o", "folder", folder=tmp_path)
    manifest = json.loads((tmp_path / "folder" / "manifest.json").read_text())
    assert manifest["books"] == document["actual"]["books"]


@pytest.mark.parametrize(
    ("model", "day"),
    [("ft:gpt-4-0613", date(2024, 5, 1)), ("gpt-5.6-sol", date(2026, 11, 23))],
)
def test_a_row_of_ours_that_says_unknown_stands(tmp_path: Path, model: str, day: date) -> None:
    merged = open_book([imported(tmp_path / "theirs.csv", a_row(model))])
    priced = price(merged, model, day)
    assert priced.row is None
    assert priced.reason == f"the rate of {model} is unknown"


def test_a_tier_that_ours_lacks_may_come_from_the_import(tmp_path: Path) -> None:
    merged = open_book([imported(tmp_path / "theirs.csv", a_row("gpt-4o", "flex"))])
    day = date(2025, 1, 1)
    flex, standard = price(merged, "gpt-4o", day, "flex").row, price(merged, "gpt-4o", day).row
    assert flex is not None
    assert standard is not None
    assert (flex.book, standard.book) == ("theirs", "openai")
    assert price(merged, "gpt-4o", day, "priority").reason == "no priority rate for gpt-4o"


def test_a_book_of_the_users_own_stands_above_an_import_in_any_order(tmp_path: Path) -> None:
    low = imported(tmp_path / "low.csv", a_row("claude-2"))
    high = tmp_path / "high.csv"
    high.write_text(book_text([replace(a_row("claude-2"), input_per_1k_usd=Decimal(1))]))
    for paths in ((low, high), (high, low)):
        row = price(open_book(paths), "claude-2", date(2024, 1, 1)).row
        assert row is not None
        assert row.book == "high"


def test_what_a_closed_month_keeps_holds_the_import_too(tmp_path: Path) -> None:
    merged = open_book([imported(tmp_path / "theirs.csv", a_row("claude-2"))])
    kept = book_of_contents((file.name, content) for file, content in contents_of(merged))
    row = price(kept, "claude-2", date(2024, 1, 1)).row
    assert row is not None
    assert row.book == "theirs"
    assert kept.rows == merged.rows


def test_a_written_book_is_read_back_as_it_was(tmp_path: Path) -> None:
    rows = [replace(row, book="copy", line=line) for line, row in enumerate(book().rows, 2)]
    whole = [row for row in rows if row.source]
    path = tmp_path / "copy.csv"
    path.write_text(book_text(whole), encoding="utf-8")
    assert list(load_book(path).rows) == whole


def test_an_unknown_standing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(book_text([a_row("m")], "above all"), encoding="utf-8")
    with pytest.raises(PriceBookError, match="standing is 'above all'"):
        load_book(path)
