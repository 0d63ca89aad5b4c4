"""``audit prices check``: what the book lacks, loses soon or is not sure of."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from command import COMPLETE, INCOMPLETE, USAGE, Run, audit
from golden_files import FIXTURES, GOLDEN, assert_golden
from helpers.logs import Line, capture, embedding, failure, uncounted, write

ON = "2024-08-01"
LINES = (
    *(capture(f"known-{n}", sent=1000, made=10) for n in range(3)),
    capture("unknown-1", model="house-model", sent=7, made=5),
    capture("unknown-2", "2023-08-30T23:30:00Z", "house-model", sent=70, made=50),
    capture("tier", tier="flex"),
    capture("doubtful", model="gpt-4-0314", sent=1000, made=100),
    capture("doubtful-too", model="gpt-4-0314", sent=0, made=1),
    capture("alias", "2023-06-20T10:00:00Z", None, requested="gpt-3.5-turbo", sent=1000, made=0),
    capture("no-date", None, "house-model-2"),
    capture("no-name", model=None),
    failure("failed", "2023-08-22T10:00:00Z", requested="house-model-3"),
    uncounted("uncounted", "2023-08-22T10:00:00Z", requested="gpt-3.5-turbo-0613"),
    embedding("2023-08-22T10:00:00Z", "house-embedding", 9),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("prices")
    shutil.copytree(FIXTURES / "small", made, dirs_exist_ok=True)
    audit("ingest", "logs", "--db", "small.duckdb", folder=made)
    write(made / "calls.jsonl", LINES)
    audit("ingest", "calls.jsonl", "--db", "calls.duckdb", folder=made)
    return made


def check(folder: Path, *args: str, db: str = "calls.duckdb", columns: int = 80) -> Run:
    asked = ("prices", "check", "--db", db, "--today", ON, *args)
    return audit(*asked, folder=folder, columns=columns)


def findings(folder: Path, *args: str) -> Iterator[dict[str, Any]]:
    yield from json.loads(check(folder, *args, "--format", "json").out)["findings"]


def named(rows: Iterator[dict[str, Any]], finding: str) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in rows if row["finding"] == finding}


@pytest.mark.parametrize("db", ["calls", "small"])
@pytest.mark.parametrize("columns", [80, 160])
def test_the_tables_are_as_they_were(db: str, columns: int, folder: Path) -> None:
    done = check(folder, db=f"{db}.duckdb", columns=columns)
    assert max(map(len, done.out.splitlines())) <= columns
    assert_golden(str(done), GOLDEN / "cli" / f"prices-check-{db}-{columns}.txt")


def test_names_without_a_price_are_those_that_a_price_would_help(folder: Path) -> None:
    found = named(findings(folder), "unknown")
    assert found.keys() == {"house-model", "gpt-3.5-turbo-0613", "house-embedding"}
    house = found["house-model"]
    assert (house["calls"], house["input_tokens"], house["output_tokens"]) == (2, 77, 55)
    assert (house["last_seen"], house["cost_usd"]) == ("2023-08-30", None)
    assert found["gpt-3.5-turbo-0613"]["why"] == "no flex rate for gpt-3.5-turbo-0613"


def test_a_day_is_one_of_the_zone(folder: Path) -> None:
    (folder / "vienna.toml").write_text('timezone = "Europe/Vienna"\n')
    found = named(findings(folder, "--config", "vienna.toml"), "unknown")
    assert found["house-model"]["last_seen"] == "2023-08-31"


def test_doubtful_money_is_added_up_by_row(folder: Path) -> None:
    found = named(findings(folder), "doubtful")
    assert found.keys() == {"gpt-4-0314"}
    row = found["gpt-4-0314"]
    assert (row["calls"], Decimal(row["cost_usd"])) == (2, Decimal("0.03606"))
    assert (row["book"], row["line"], row["confidence"]) == ("openai", 16, "likely")


def test_what_an_alias_led_to_its_price_is_shown_with_its_money(folder: Path) -> None:
    found = named(findings(folder), "inferred")
    assert found.keys() == {"gpt-3.5-turbo"}
    row = found["gpt-3.5-turbo"]
    assert (row["led_by"], row["calls"], row["cost_usd"]) == ("alias", 1, "0.0015")


@pytest.mark.parametrize(
    ("today", "within", "is_near"),
    [
        ("2024-08-01", "43", True),  # gpt-3.5-turbo-0613 ends on 2024-09-13
        ("2024-08-01", "42", False),
        ("2024-09-13", "0", True),
        ("2024-09-23", "10", True),
        ("2024-09-24", "10", False),
    ],
)
def test_a_retirement_is_near_on_both_sides(
    today: str, within: str, is_near: bool, folder: Path
) -> None:
    found = named(findings(folder, "--today", today, "--within", within), "retiring")
    assert ("gpt-3.5-turbo-0613" in found) == is_near


def test_a_price_that_changes_is_no_retirement(folder: Path) -> None:
    """gpt-3.5-turbo has rows one after the other until 2026-10-23; gpt-4-0314 has no end."""
    found = named(findings(folder, "--within", "3650"), "retiring")
    assert "gpt-4-0314" not in found
    assert found["gpt-3.5-turbo"]["ends_on"] == "2026-10-23"
    assert found["gpt-3.5-turbo-0613"]["cost_usd"] == "0.00456"


def test_the_exit_code_is_about_unknown_names(folder: Path, tmp_path: Path) -> None:
    assert check(folder).exit_code == INCOMPLETE
    assert check(folder, "--allow-unpriced", "3").exit_code == INCOMPLETE
    done = check(folder, "--allow-unpriced", "4")
    assert (done.exit_code, done.err) == (COMPLETE, "")
    write(tmp_path / "calls.jsonl", [capture(model="gpt-4-0314")])
    audit("ingest", "calls.jsonl", "--db", "calls.duckdb", folder=tmp_path)
    assert check(tmp_path).exit_code == COMPLETE, "doubt is no gap"


def test_a_book_of_ones_own_closes_the_gap(folder: Path) -> None:
    header = (
        "model,kind,effective_from,effective_to,input_per_1k_usd,cached_input_per_1k_usd,"
        "output_per_1k_usd,training_per_1k_usd,context_window,source,confidence,note,alias_of\n"
    )
    row = "house-model,base,2023-01-01,,0.001,,0.002,,4096,our bill,unknown,,\n"
    (folder / "house.csv").write_text(header + row)
    found = list(findings(folder, "--prices", "house.csv"))
    assert "house-model" not in named(iter(found), "unknown")
    doubtful = named(iter(found), "doubtful")["house-model"]
    assert (doubtful["book"], doubtful["line"], doubtful["cost_usd"]) == ("house", 2, "0.000187")


def test_every_format_holds_the_same_rows(folder: Path, tmp_path: Path) -> None:
    rows = list(findings(folder))
    read = csv.DictReader(io.StringIO(check(folder, "--format", "csv").out))
    assert [[row[name] or None for name in row] for row in read] == [
        [None if value is None else str(value) for value in row.values()] for row in rows
    ]
    markdown = check(folder, "--format", "md").out
    assert len(markdown.splitlines()) == len(rows) + 2
    check(folder, "--format", "parquet", "-o", str(tmp_path / "rows.parquet"))
    frame = pl.read_parquet(tmp_path / "rows.parquet")
    assert frame.schema["cost_usd"] == pl.Decimal(38, 12)
    assert frame["calls"].to_list() == [row["calls"] for row in rows]


def test_names_from_logs_steer_no_terminal_and_no_spreadsheet(tmp_path: Path) -> None:
    line: Line = capture(model="=cmd|'/c calc'!A1\x1b[31m[red]")
    write(tmp_path / "calls.jsonl", [line])
    audit("ingest", "calls.jsonl", "--db", "calls.duckdb", folder=tmp_path)
    assert "\x1b" not in check(tmp_path).out
    assert "[red]" in check(tmp_path).out
    assert "\nunknown,'=cmd" in check(tmp_path, "--format", "csv").out


def test_parquet_needs_a_file(folder: Path) -> None:
    assert check(folder, "--format", "parquet").exit_code == USAGE
