"""Money is DECIMAL from the first column to the last, and every query says what it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from helpers.logs import capture, failure, uncounted, write
from helpers.runs import question, stored, tuning

from auditor.budgets import Budget
from auditor.pipeline import explain, pairs_of, replay
from auditor.pipeline.budgets import budget_frames
from auditor.pipeline.closing import close, closings_of
from auditor.pipeline.diffing import Run, diff
from auditor.pipeline.finetune import tune
from auditor.pipeline.price_check import check_prices
from auditor.pipeline.reporting import Reported, chosen, report
from auditor.pipeline.spans import frame_of, month_of, spans_of
from auditor.reports.manifest import summary_of
from auditor.sql import folder, names
from auditor.store import Store

SECTIONS = (
    "checks",
    "checks/close",
    "checks/once",
    "checks/store",
    "close",
    "diff",
    "finetune",
    "focus",
    "ingest",
    "reconcile",
    "replay",
    "reports",
    "spread",
    "schema",
)
QUERIES = tuple(name for section in SECTIONS for name in names(section))
HEAD_WORDS = ("Purpose", "Grain", "Reads", "Writes", "Params")
REPORT_WORDS = (*HEAD_WORDS, "By", "Once", "Each", "File", "Columns")
WRITES = re.compile(r"^\s*(CREATE|INSERT|DELETE|UPDATE|DROP|ALTER)\b", re.MULTILINE)
INEXACT = (
    (r"(?<!/)/(?!/)", "/ makes a DOUBLE of two DECIMALs"),
    (r"\bavg\s*\(", "avg( makes a DOUBLE of a DECIMAL"),
    (r"\b(DOUBLE|FLOAT|REAL|FLOAT4|FLOAT8)\b", "a floating type"),
    (r"\b\d+(\.\d+)?e[+-]?\d+\b", "a number in scientific notation is a DOUBLE"),
)
WHOLE_NUMBER_DIVISIONS = {
    "replay/scenarios": ("// (actual_units * 2)",),
    "schema/macros": (
        "(tokens + requests - 1) // requests",
        "+ 999999) // 1000000",
        "(whole + parts - 1) // parts",
        "whole // nullif(parts, 0)",
        "// (nullif(parts, 0) * 2)",
    ),
}

# Values with which each query that returns rows can be asked what types it returns.
VALUES: dict[str, Any] = {
    "zone": "UTC",
    "wanted": "call-1",
    "source_id": 1,
    "from_date": None,
    "to_date": None,
    "by_workload": True,
    "most": 100,
    "tools": True,
    "workload": "w",
    "cut_tokens": 0,
    "training_tokens": 1000,
    "training_usd": Decimal("0.000008"),
    "frame": 1,
    "limit": 4096,
    "against": None,
    "together": False,
    "fewest": 10,
    "ends": date(2023, 9, 1),
    "retrain_days": 7,
    "since": date(2023, 8, 1),
    "until": date(2023, 9, 1),
    "month": date(2023, 8, 1),
}
MOVED: dict[str, Any] = {
    "workload": pl.String,
    "training_tokens": pl.Int64,
    "training_usd": pl.Decimal(18, 12),
}


def text_of(name: str) -> str:
    return (folder() / f"{name}.sql").read_text(encoding="utf-8")


def code_of(name: str) -> str:
    """The query without its comments and without what stands in quotes."""
    return re.sub(r"--[^\n]*|'(?:[^']|'')*'", " ", text_of(name))


def head_of(name: str) -> dict[str, str]:
    """The opening comment: its words, each with the text up to the next of them."""
    found: dict[str, str] = {}
    word = ""
    for line in text_of(name).splitlines():
        if not line.startswith("--"):
            break
        if match := re.match(r"-- ([A-Z]\w+):\s+(.*)", line):
            word, rest = match.groups()
            found[word] = rest
        elif word and line.startswith("--          "):
            found[word] += " " + line.removeprefix("--").strip()
    return found


def parameters_in(head: str) -> set[str]:
    """The names after each $; ``$by_1 .. $by_4`` stands for those between as well."""
    named = set(re.findall(r"\$(\w+)", head))
    for stem, first, last in re.findall(r"\$(\w+_)(\d) \.\. \$\1(\d)", head):
        named |= {f"{stem}{n}" for n in range(int(first), int(last) + 1)}
    return named


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store whose calls were judged, replayed and explained: all temporary tables are there."""
    at = "2023-08-22T10:00:00Z"
    lines = [capture("call-1", at), capture("call-2", at, "gpt-5000")]
    others = [failure("call-3", at), uncounted("call-4", at)]
    log = write(tmp_path_factory.mktemp("money") / "calls.jsonl", [*lines, *others])
    with stored(log) as store:
        close(store, question(), month_of("2023-08"), date(2023, 9, 1), lambda *_: True)
        run = run_of(store)
        diff(store, run, run)
        closings_of(store, question())
        tune(store, tuning())
        pairs_of(store, question())
        store.run("finetune/draw", by_workload=True, most=100, tools=True)
        store.show("wanted", pl.DataFrame({"call_id": ["call-1"]}))
        store.show("moved", pl.DataFrame([("w", 1, 1)], MOVED, orient="row"))
        store.show("spans", frame_of(spans_of(date(2023, 8, 1), date(2023, 9, 1))))
        replay(store, question(by=("team",)))
        explain(store, question(), "call-1")
        check_prices(store, question(), date(2023, 9, 1), 30)
        budget_frames(store, question(), [Budget("b", {}, "day", Decimal(1))], date(2023, 9, 1))
        yield store


def reported(store: Store) -> Reported:
    """All reports but those of fine-tuning, which are written from the frames of verdicts."""
    wanted = [one for one in chosen(()) if not one.name.startswith("finetune")]
    return report(store, question(), wanted)


def run_of(store: Store) -> Run:
    found = reported(store)
    return Run("here", summary_of(found), found.reports["charges"].frame)


def columns_of_money(store: Store) -> Iterator[tuple[str, str]]:
    """Every column of the store whose name speaks of USD, with its type."""
    found = store._connection.execute(
        "SELECT table_name || '.' || column_name, data_type FROM duckdb_columns() "
        "WHERE contains(column_name, 'usd')"
    ).fetchall()
    yield from found


def test_every_column_of_money_is_decimal(priced: Store) -> None:
    found = dict(columns_of_money(priced))
    assert {name: t for name, t in found.items() if not t.startswith("DECIMAL(")} == {}
    expected = {
        "calls.recorded_usd",
        "staged.recorded_usd",
        "cells.recorded_usd",
        "actual.actual_usd",
        "ledger.replayed_usd",
        "ledger.actual_usd",
        "names.input_usd",
        "card.output_usd",
    }
    assert expected <= found.keys()


def returns_rows(name: str) -> bool:
    statements = duckdb.extract_statements(text_of(name))
    return [statement.type for statement in statements] == [duckdb.StatementType.SELECT]


@pytest.mark.parametrize(
    "name",
    [n for part in ("replay", "finetune", "close", "diff") for n in names(part) if returns_rows(n)],
)
def test_every_query_of_a_result_returns_money_as_decimal(priced: Store, name: str) -> None:
    (statement,) = duckdb.extract_statements(text_of(name))
    values = {key: VALUES[key] for key in statement.named_parameters}
    types = priced.types(name, **values)
    money = {column: t for column, t in types.items() if "usd" in column}
    assert {column: t for column, t in money.items() if not t.startswith("DECIMAL(")} == {}
    assert not {"DOUBLE", "FLOAT"} & set(types.values())


def test_every_report_has_money_as_decimal_and_nothing_inexact(priced: Store) -> None:
    for name, one in reported(priced).reports.items():
        types = one.frame.schema
        money = {column: t for column, t in types.items() if "usd" in column}
        assert name in ("unpriced", "coverage") or money, name
        assert all(t.base_type() is pl.Decimal for t in money.values()), (name, money)
        assert not [column for column, t in types.items() if t.is_float()], name


def test_the_result_of_a_replay_has_money_and_an_exact_ratio(priced: Store) -> None:
    types = priced.types("replay/scenarios")
    money = {column for column in types if column.endswith("_usd")}
    assert money == {"cost_usd", "compared_usd", "actual_usd", "delta_usd"}
    assert types["ratio"] == "DECIMAL(38,6)"


@pytest.mark.parametrize("name", QUERIES)
def test_no_query_reckons_in_floating_point(name: str) -> None:
    code = code_of(name)
    for pattern, why in INEXACT:
        found = re.search(pattern, code, re.IGNORECASE)
        assert found is None, f"{name}.sql: {why}: {code[found.start() - 30 : found.end() + 30]}"
    known = WHOLE_NUMBER_DIVISIONS.get(name, ())
    assert code.count("//") == len(known)
    assert all(division in code for division in known)


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_begins_with_what_it_is(name: str) -> None:
    head = head_of(name)
    assert text_of(name).startswith("-- Purpose: ")
    assert set(head) <= set(REPORT_WORDS if name.startswith(("reports/", "focus/")) else HEAD_WORDS)
    assert "Reads" in head or "Writes" in head
    assert ("Writes" in head) == bool(WRITES.search(code_of(name)))
    if returns_rows(name):
        assert "Grain" in head


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_names_its_parameters(name: str) -> None:
    statements = duckdb.extract_statements(text_of(name))
    used = {key for statement in statements for key in statement.named_parameters}
    assert parameters_in(head_of(name).get("Params", "")) == used


def test_every_query_is_in_a_section_that_these_tests_read() -> None:
    queries = Path(str(folder()))
    found = {path.relative_to(queries).as_posix() for path in queries.rglob("*.sql")}
    assert found == {f"{name}.sql" for name in QUERIES}
