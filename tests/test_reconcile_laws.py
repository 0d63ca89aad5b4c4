"""Laws of reconciling: classes always add up, an invoice made of the logs explains itself."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from helpers.invoices import compare, table
from helpers.logs import failure, write
from helpers.runs import document
from helpers.sums import DAY, HOUR, Asked, at, page, write_page

from auditor.pipeline.reconcile import CLASSES

MODELS = ("gpt-3.5-turbo-0613", "gpt-4-0613", "gpt-3.5-turbo-16k-0613")
OPEN = [name for name in CLASSES if name not in ("rounding_usd", "day_boundary_usd")]


def traffic(dice: random.Random, count: int = 40) -> list[Asked]:
    return [
        Asked(
            at(dice.randrange(20, 26), dice.choice((0, 12, 23)), dice.randrange(60)),
            dice.choice(MODELS),
            dice.randrange(1, 4_000),
            dice.randrange(500),
        )
        for _ in range(count)
    ]


def logs(path: Path, calls: list[Asked]) -> Path:
    return write(path, [call.line(number) for number, call in enumerate(calls)])


@pytest.mark.parametrize("width", [DAY, HOUR])
def test_the_providers_own_sums_of_the_logs_match_wholly(tmp_path: Path, width: timedelta) -> None:
    calls = traffic(random.Random(1))
    invoice = write_page(tmp_path / "usage.json", page(calls, width))
    result = compare(invoice, logs(tmp_path / "logs.jsonl", calls))
    assert all(result.total[name] == 0 for name in (*CLASSES, "residual_usd", "open_usd"))
    assert result.total["requests"] == result.total["answered"] == len(calls)
    assert result.total["matched_usd"] == result.total["billed_usd"] > 0


@pytest.mark.parametrize("seed", range(2))
def test_an_invoice_of_the_logs_to_the_cent_differs_by_rounding(tmp_path: Path, seed: int) -> None:
    calls = traffic(random.Random(seed))
    path = logs(tmp_path / "logs.jsonl", calls)
    by = document(path, by=("day", "model"))["actual"]["by"]
    cents = Decimal("0.01")
    rows = [
        (row["day"], row["model"], str(Decimal(row["cost_usd"]).quantize(cents, ROUND_HALF_UP)))
        for row in by
    ]
    result = compare(table(tmp_path / "i.csv", rows), path)
    billed = sum(Fraction(amount) for _, _, amount in rows)
    logged = sum(Fraction(row["cost_usd"]) for row in by)
    assert result.total["open_usd"] == 0
    assert Fraction(result.total["rounding_usd"]) == billed - logged
    assert not result.is_above


@pytest.mark.parametrize("seed", range(5))
def test_the_classes_add_up_for_any_logs_and_any_invoice(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    calls, billed = traffic(dice), traffic(dice)
    failures = [
        failure(f"f-{n}", "2023-08-22T23:55:00Z", requested=dice.choice(MODELS)) for n in range(5)
    ]
    path = logs(tmp_path / "logs.jsonl", [*calls[:20], *billed[:20]])
    write(tmp_path / "failures.jsonl", failures)
    rows = [
        (f"2023-08-{day}", dice.choice((*MODELS, "Tax")), f"{dice.randrange(-50, 300) / 100:.2f}")
        for day in range(20, 26)
        for _ in range(2)
    ]
    for invoice in (
        table(tmp_path / "i.csv", rows),
        write_page(tmp_path / "usage.json", page(billed)),
    ):
        result = compare(invoice, path, tmp_path / "failures.jsonl")
        for row in (*result.rows, *result.items, result.total):
            parts = sum(Fraction(row[name]) for name in CLASSES)
            assert parts == Fraction(row["residual_usd"])
            assert parts == Fraction(row["billed_usd"]) - Fraction(row["logged_usd"])
            assert row["not_billed_usd"] <= 0
        for name in (*CLASSES, "billed_usd", "logged_usd"):
            total = Fraction(result.total[name])
            assert total == sum(Fraction(row[name]) for row in result.rows)
            assert total == sum(Fraction(row[name]) for row in result.items)
        unsigned = sum(abs(Fraction(row[name])) for row in result.rows for name in OPEN)
        assert Fraction(result.total["open_usd"]) == unsigned


@pytest.mark.parametrize("seed", range(2))
def test_what_is_taken_out_of_the_logs_is_what_was_not_logged(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    calls = traffic(dice)
    gone = dice.sample(calls, 12)
    kept = [call for call in calls if call not in gone]
    invoice = write_page(tmp_path / "usage.json", page(calls))
    result = compare(invoice, logs(tmp_path / "kept.jsonl", kept), boundary=0)
    missing = document(logs(tmp_path / "gone.jsonl", gone))["actual"]["cost_usd"]
    assert result.total["not_logged_usd"] == Decimal(missing) == result.total["open_usd"]
    back = compare(
        write_page(tmp_path / "usage.json", page(kept)),
        logs(tmp_path / "all.jsonl", calls),
        boundary=0,
    )
    assert back.total["not_billed_usd"] == -Decimal(missing)


@pytest.mark.parametrize("seed", range(2))
def test_the_boundary_explains_no_more_than_the_calls_at_it(tmp_path: Path, seed: int) -> None:
    """Calls billed a little later: within the minutes all is explained, without them nothing."""
    dice = random.Random(seed)
    calls = traffic(dice)
    late = [Asked(call.at + timedelta(minutes=9), *_rest(call)) for call in calls]
    invoice = write_page(tmp_path / "usage.json", page(late))
    path = logs(tmp_path / "logs.jsonl", calls)
    within, without = compare(invoice, path, boundary=9), compare(invoice, path, boundary=0)
    assert within.total["open_usd"] == 0
    assert without.total["day_boundary_usd"] == 0
    crossing = [(a, b) for a, b in zip(calls, late, strict=True) if a.at.day != b.at.day]
    assert bool(crossing) == (without.total["open_usd"] > 0)


def _rest(call: Asked) -> tuple[str, int, int]:
    return call.model, call.sent, call.made
