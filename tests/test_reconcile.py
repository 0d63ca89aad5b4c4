"""Every class of the difference between an invoice and the logs, by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from helpers.invoices import compare, costs, table
from helpers.logs import Line, capture, failure, write
from helpers.sums import Asked, at, page, write_page

from auditor.errors import AuditError
from auditor.pipeline.reconcile import CLASSES, Reconciled
from auditor.pipeline.tolerance import Tolerance

GPT4, TURBO = "gpt-4-0613", "gpt-3.5-turbo-0613"
AUGUST_22 = 1_692_662_400


def call(number: int, time: str = "2023-08-22T10:00:00Z", **more: Any) -> Line:
    """A call of GPT-4 that costs 0.03 USD: a thousand tokens in, none out."""
    return capture(f"call-{number}", time, **{"model": GPT4, "sent": 1_000, "made": 0, **more})


def classes(result: Reconciled) -> dict[str, Decimal]:
    """The classes of the whole that are not zero."""
    found = {name: result.total[name] for name in CLASSES if result.total[name]}
    assert sum(result.total[name] for name in CLASSES) == result.total["residual_usd"]
    return found


def written(folder: Path, *lines: Line) -> Path:
    return write(folder / "logs.jsonl", lines)


def test_what_agrees_to_the_cent_is_rounding(tmp_path: Path) -> None:
    logs = written(tmp_path, call(1, made=7))  # 0.03 + 0.00042
    result = compare(table(tmp_path / "i.csv", [("2023-08-22", GPT4, "0.03")]), logs)
    assert classes(result) == {"rounding_usd": Decimal("-0.00042")}
    assert not result.is_above
    assert result.is_complete
    assert result.total["matched_usd"] == Decimal("0.03")


def test_half_a_cent_a_line_is_rounding_and_no_more(tmp_path: Path) -> None:
    lines = [("2023-08-22", f"{GPT4}, input", "0.03"), ("2023-08-22", f"{GPT4}, output", "0.01")]
    invoice = table(tmp_path / "i.csv", lines)
    just = written(tmp_path, call(1, sent=1_000))
    assert set(classes(compare(invoice, just))) == {"rounding_usd"}
    beyond = written(tmp_path, call(1, sent=999))
    assert classes(compare(invoice, beyond)) == {"not_logged_usd": Decimal("0.01003")}


def test_what_nobody_logged(tmp_path: Path) -> None:
    logs = written(tmp_path, call(1))
    result = compare(table(tmp_path / "i.csv", [("2023-08-22", GPT4, "0.13")]), logs)
    assert classes(result) == {"not_logged_usd": Decimal("0.10")}
    assert result.is_above


def test_a_line_without_a_call_is_not_logged(tmp_path: Path) -> None:
    logs = written(tmp_path, call(1))
    rows = [("2023-08-22", GPT4, "0.03"), ("2023-08-23", TURBO, "4.00"), ("2023-08-22", "Tax", "1")]
    result = compare(table(tmp_path / "i.csv", rows), logs)
    assert classes(result) == {"not_logged_usd": Decimal(5)}
    assert [(item["item"], item["residual_usd"]) for item in result.items] == [
        ("Tax", Decimal(1)),
        (TURBO, Decimal(4)),
        (GPT4, Decimal(0)),
    ]


def test_what_was_logged_and_not_billed(tmp_path: Path) -> None:
    logs = written(tmp_path, call(1), call(2), call(3, model=TURBO, sent=2_000))
    result = compare(table(tmp_path / "i.csv", [("2023-08-22", GPT4, "0.03")]), logs)
    assert classes(result) == {"not_billed_usd": Decimal("-0.033")}
    unbilled = next(item for item in result.items if item["item"] == TURBO)
    assert not unbilled["is_billed"]
    assert unbilled["not_billed_usd"] == Decimal("-0.003")


def test_differences_of_two_models_do_not_cancel(tmp_path: Path) -> None:
    logs = written(tmp_path, call(1), call(2, model=TURBO, sent=20_000))
    rows = [("2023-08-22", GPT4, "0.06"), ("2023-08-22", TURBO, "0.00")]
    result = compare(table(tmp_path / "i.csv", rows), logs, tolerance="0.05")
    assert result.total["residual_usd"] == 0
    assert result.total["open_usd"] == Decimal("0.06")
    assert result.is_above


def test_days_without_a_line_were_billed_nothing(tmp_path: Path) -> None:
    days = [call(day, f"2023-08-{day}T12:00:00Z") for day in range(20, 26)]
    logs = written(tmp_path, *days)
    rows = [("2023-08-21", GPT4, "0.03"), ("2023-08-24", GPT4, "0.03")]
    result = compare(table(tmp_path / "i.csv", rows), logs)
    assert classes(result) == {"not_billed_usd": Decimal("-0.06")}
    assert (str(result.begins), str(result.ends)) == ("2023-08-21", "2023-08-25")
    export = costs(tmp_path / "c.json", [(AUGUST_22, GPT4, "0.03")])
    empty = '{"object": "bucket", "start_time": 1692748800, "end_time": 1692835200, "results": []}'
    export.write_text(export.read_text().replace("]}], ", f"]}}, {empty}], "))
    result = compare(export, logs)
    assert classes(result) == {"not_billed_usd": Decimal("-0.03")}
    assert str(result.ends) == "2023-08-24"
    sums = page([Asked(at(22), GPT4, 1_000, 0)])
    sums["data"].append(json.loads(empty))
    result = compare(write_page(tmp_path / "u.json", sums), logs)
    assert classes(result) == {"not_billed_usd": Decimal("-0.03")}


def test_an_export_that_goes_on_is_no_whole_invoice(tmp_path: Path) -> None:
    sums = page([Asked(at(22), GPT4, 1_000, 0)])
    first = {**sums, "has_more": True}
    with pytest.raises(AuditError, match="it goes on on a further page"):
        compare(write_page(tmp_path / "u.json", first), written(tmp_path, call(1)))
    assert (
        classes(compare(write_page(tmp_path / "u.json", first, sums), tmp_path / "logs.jsonl"))
        == {}
    )


def test_a_credit_has_no_log(tmp_path: Path) -> None:
    rows = [("2023-08-22", GPT4, "0.03"), ("2023-08-22", "Credit", "-5.00")]
    result = compare(table(tmp_path / "i.csv", rows), written(tmp_path, call(1)))
    assert classes(result) == {"not_logged_usd": Decimal(-5)}
    assert result.total["open_usd"] == 5


def test_an_item_is_called_as_the_invoice_calls_it(tmp_path: Path) -> None:
    logs = written(tmp_path, call(1), call(2, "2023-05-22T10:00:00Z", model="gpt-4-0314"))
    rows = [("2023-05-22", "gpt-4 input", "0.03"), ("2023-08-22", "gpt-4, input", "0.03")]
    result = compare(table(tmp_path / "i.csv", rows), logs)
    assert classes(result) == {}
    assert {item["item"] for item in result.items if item["is_billed"]} == {"gpt-4"}


def test_a_failed_call_may_be_billed_at_the_average(tmp_path: Path) -> None:
    failed = failure("call-2", "2023-08-22T11:00:00Z", requested=GPT4)
    logs = written(tmp_path, call(1), failed)
    result = compare(table(tmp_path / "i.csv", [("2023-08-22", GPT4, "0.10")]), logs)
    assert classes(result) == {"failed_usd": Decimal("0.03"), "not_logged_usd": Decimal("0.04")}


def test_no_more_failed_calls_are_billed_than_requests(tmp_path: Path) -> None:
    failed = [failure(f"f-{n}", "2023-08-22T11:00:00Z", requested=GPT4) for n in range(3)]
    logs = written(tmp_path, call(1), *failed)
    billed = [Asked(at(22), GPT4, 1_000, 0), Asked(at(22), GPT4, 4_000, 0)]
    result = compare(write_page(tmp_path / "usage.json", page(billed)), logs)
    assert classes(result) == {"failed_usd": Decimal("0.03"), "not_logged_usd": Decimal("0.09")}
    assert result.total["requests"] == 2


def test_our_own_counts_take_a_tenth_of_what_they_come_to(tmp_path: Path) -> None:
    counted = call(2)
    counted["request"]["messages"] = [{"role": "user", "content": "word " * 993}]
    counted["response"]["usage"] = None
    logs = written(tmp_path, call(1), counted)
    alone = compare(table(tmp_path / "a.csv", [("2023-08-22", GPT4, "0.00")]), logs)
    ours = -alone.total["residual_usd"] - Decimal("0.03")
    assert Decimal("0.03") < ours < Decimal("0.031")
    result = compare(table(tmp_path / "b.csv", [("2023-08-22", GPT4, "1.00")]), logs)
    assert result.total["counted_by_us_usd"] == (ours / 10).quantize(Decimal("1e-18"))
    fewer = compare(table(tmp_path / "c.csv", [("2023-08-22", GPT4, "0.05")]), logs)
    assert fewer.total["counted_by_us_usd"] == -result.total["counted_by_us_usd"]
    assert fewer.total["not_billed_usd"] < 0


def test_what_another_row_of_the_book_makes_is_a_price(tmp_path: Path) -> None:
    march = [call(n, "2023-06-13T10:00:00Z", model=TURBO, sent=90_000) for n in range(3)]
    logs = written(tmp_path, *march)  # 270,000 tokens at 0.0015
    result = compare(table(tmp_path / "i.csv", [("2023-06-13", TURBO, "0.405")]), logs)
    assert classes(result) == {}
    lone = [call(1, "2024-07-01T10:00:00Z", model="gpt-4o-2024-05-13", sent=2_000_000)]
    logs = written(tmp_path, *lone)  # 10.00 USD, and half of it in a batch
    result = compare(table(tmp_path / "i.csv", [("2024-07-01", "gpt-4o-2024-05-13", "5.00")]), logs)
    assert classes(result) == {"price_usd": Decimal("-5.00")}
    assert str(result.rows[0]["price_of"]).startswith("batch since")


def test_calls_near_midnight_are_billed_on_the_other_day(tmp_path: Path) -> None:
    late = call(3, "2023-08-22T23:50:00Z")
    early = call(4, "2023-08-24T00:10:00Z")
    logs = written(tmp_path, call(1), call(2, "2023-08-23T10:00:00Z"), late, early)
    rows = [("2023-08-22", GPT4, "0.03"), ("2023-08-23", GPT4, "0.09"), ("2023-08-24", GPT4, "0")]
    result = compare(table(tmp_path / "i.csv", rows), logs)
    assert classes(result) == {}
    moved = [row["day_boundary_usd"] for row in result.rows]
    assert moved == [Decimal("-0.03"), Decimal("0.06"), Decimal("-0.03")]
    assert not result.is_above
    strict = compare(table(tmp_path / "i.csv", rows), logs, boundary=9)
    assert strict.total["open_usd"] == Decimal("0.12")


def test_at_the_ends_the_calls_outside_are_the_limit(tmp_path: Path) -> None:
    before, after = call(2, "2023-08-21T23:59:00Z"), call(3, "2023-08-23T00:01:00Z")
    far = call(4, "2023-08-23T12:00:00Z")
    logs = written(tmp_path, call(1), before, after, far)
    result = compare(table(tmp_path / "i.csv", [("2023-08-22", GPT4, "0.15")]), logs)
    assert classes(result) == {
        "day_boundary_usd": Decimal("0.06"),
        "not_logged_usd": Decimal("0.06"),
    }
    early = call(1, "2023-08-22T00:01:00Z")
    logs = written(tmp_path, early, call(5))
    result = compare(table(tmp_path / "i.csv", [("2023-08-22", GPT4, "0.00")]), logs)
    assert classes(result) == {
        "day_boundary_usd": Decimal("-0.03"),
        "not_billed_usd": Decimal("-0.03"),
    }


def test_calls_without_a_price_take_what_is_left(tmp_path: Path) -> None:
    logs = written(tmp_path, call(1, model="gpt-5000"))
    result = compare(table(tmp_path / "i.csv", [("2023-08-22", "gpt-5000", "0.40")]), logs)
    assert classes(result) == {"no_price_usd": Decimal("0.40")}
    assert not result.is_complete


def test_a_line_that_is_empty_is_everything_and_else_the_rest(tmp_path: Path) -> None:
    logs = written(tmp_path, call(1), call(2, model=TURBO, sent=20_000))
    result = compare(table(tmp_path / "i.csv", [("2023-08-22", "", "0.06")]), logs)
    assert classes(result) == {}
    rows = [("2023-08-22", GPT4, "0.03"), ("2023-08-22", "", "0.03")]
    result = compare(table(tmp_path / "i.csv", rows), logs)
    assert classes(result) == {}
    assert [item["item"] for item in result.items] == ["*", GPT4]


def test_a_line_is_about_the_models_that_the_user_says(tmp_path: Path) -> None:
    logs = written(tmp_path, call(1), call(2, model=TURBO, sent=20_000))
    rows = [("2023-08-22", "Chat models", "0.03"), ("2023-08-22", "GPT-4", "0.03")]
    lines = {"Chat models": ("gpt-3.5-turbo",), "GPT-4": ("*",)}
    result = compare(table(tmp_path / "i.csv", rows), logs, lines=lines)
    assert classes(result) == {}
    with pytest.raises(AuditError, match=r"two lines of the invoice are about gpt-3\.5-turbo"):
        compare(table(tmp_path / "i.csv", rows), logs, lines={**lines, "GPT-4": ("gpt-3.5-turbo",)})


def test_a_line_of_an_alias_is_about_the_version_of_its_day(tmp_path: Path) -> None:
    logs = written(tmp_path, call(1), call(2, "2023-05-22T10:00:00Z", model="gpt-4-0314"))
    rows = [("2023-05-22", "gpt-4, input", "0.03"), ("2023-08-22", "gpt-4, input", "0.03")]
    result = compare(table(tmp_path / "i.csv", rows), logs)
    assert classes(result) == {}
    assert result.total["billed_usd"] == Decimal("0.06")


def test_months_are_compared_with_months(tmp_path: Path) -> None:
    logs = written(
        tmp_path, call(1), call(2, "2023-08-31T10:00:00Z"), call(3, "2023-12-31T10:00:00Z")
    )
    rows = [("2023-08", GPT4, "0.06"), ("2023-12", GPT4, "0.03")]
    result = compare(table(tmp_path / "i.csv", rows), logs)
    assert classes(result) == {}
    assert [(str(row["begins"]), str(row["ends"])) for row in result.rows] == [
        ("2023-08-01", "2023-09-01"),
        ("2023-12-01", "2024-01-01"),
    ]
    overlap = [("2023-08", GPT4, "0.06"), ("2023-08-31", GPT4, "0.03")]
    with pytest.raises(AuditError, match="two spans that overlap: 2023-08-01 to 2023-09-01 and"):
        compare(table(tmp_path / "i.csv", overlap), logs)


def test_a_costs_export_is_an_invoice_to_the_last_digit(tmp_path: Path) -> None:
    logs = written(tmp_path, call(1), call(2, model=TURBO, sent=20_000))
    rows = [(AUGUST_22, f"{GPT4}, input", "0.030000000000000001"), (AUGUST_22, TURBO, "3e-2")]
    result = compare(costs(tmp_path / "costs.json", rows), logs)
    assert classes(result) == {"rounding_usd": Decimal("1e-18")}
    with pytest.raises(AuditError, match="this invoice is of days of UTC, not of Europe/Berlin"):
        compare(tmp_path / "costs.json", logs, zone="Europe/Berlin")


def test_costs_of_2023_are_in_cents(tmp_path: Path) -> None:
    logs = written(tmp_path, call(1), call(2, model=TURBO, sent=20_000))
    bill = tmp_path / "billing.json"
    bill.write_text(
        '{"object": "list", "daily_costs": [{"timestamp": 1692662400.0, "line_items": '
        '[{"name": "GPT-4", "cost": 3.0}, {"name": "Chat models", "cost": 3.004}]}], '
        '"total_usage": 6.004}'
    )
    lines = {"GPT-4": ("gpt-4",), "Chat models": ("gpt-3.5-turbo",)}
    result = compare(bill, logs, lines=lines)
    assert result.total["billed_usd"] == Decimal("0.06004")
    assert classes(result) == {"not_logged_usd": Decimal("0.00004")}


def test_sums_that_say_what_they_cost_tell_another_price(tmp_path: Path) -> None:
    activity = tmp_path / "activity.csv"
    activity.write_text(
        "date,model,model_permaslug,usage,requests,prompt_tokens,completion_tokens\n"
        "2023-08-22,openai/gpt-4-0613,openai/gpt-4-0613,0.033,1,1000,0\n"
    )
    result = compare(activity, written(tmp_path, call(1)))
    assert classes(result) == {"price_usd": Decimal("0.003")}


def test_a_sum_without_a_price_is_said_and_not_zero(tmp_path: Path) -> None:
    billed = [Asked(at(22), "gpt-5000", 1_000, 0), Asked(at(22), GPT4, 1_000, 0)]
    result = compare(write_page(tmp_path / "usage.json", page(billed)), written(tmp_path, call(1)))
    assert result.total["billed_unpriced"] == 1
    assert classes(result) == {}
    assert not result.is_complete


@pytest.mark.parametrize(
    ("text", "usd", "ppm"),
    [("0", "0", None), ("12.50", "12.50", None), ("0.5%", "0", 5_000), ("0.0001 %", "0", 1)],
)
def test_a_tolerance_is_an_amount_or_a_share(text: str, usd: str, ppm: int | None) -> None:
    assert Tolerance.read(text) == Tolerance(Decimal(usd), ppm)


@pytest.mark.parametrize("text", ["", "-1", "1e3", "½", "0.00001%", "one", "1.", "9" * 10])
def test_what_is_no_tolerance_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither an amount|more digits"):
        Tolerance.read(text)


@pytest.mark.parametrize(
    ("tolerance", "above"), [("0.03", False), ("0.0299", True), ("100%", False), ("49%", True)]
)
def test_the_tolerance_is_held_against_what_is_open(
    tmp_path: Path, tolerance: str, above: bool
) -> None:
    logs = written(tmp_path, call(1))
    invoice = table(tmp_path / "i.csv", [("2023-08-22", GPT4, "0.06")])
    assert compare(invoice, logs, tolerance=tolerance).is_above is above
