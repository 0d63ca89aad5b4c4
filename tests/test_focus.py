"""FOCUS: the file is what the specification says, and its sum is what the calls cost."""

from __future__ import annotations

import csv
import io
import json
import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from command import COMPLETE, ERROR, USAGE, audit
from focus_checker import MANDATORY, PROVIDERS, problems
from helpers.logs import Line, capture, failure, uncounted, write
from helpers.runs import question, stored, take_in

from auditor.cli.report import FOCUS_VERSIONS
from auditor.pipeline.closing import close
from auditor.pipeline.reporting import FOCUS, Reported, chosen, definitions, focus_definitions
from auditor.pipeline.reporting import report as answer
from auditor.pipeline.spans import month_of
from auditor.reports import focus
from auditor.store import Store

LOGS = Path(__file__).resolve().parents[1] / "fixtures" / "logs"
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Chatham")
MODELS = ("gpt-3.5-turbo-0613", "gpt-4-0613", "gpt-4o-2024-08-06", "house-model-7")
COST = "BilledCost"
Rows = list[dict[str, str]]


def exported(store: Store, version: str = "1.2", **asked: Any) -> tuple[Reported, dict[str, Rows]]:
    """The export and the reports to hold it against."""
    account = focus.Account.of({}, "")
    store.show("account", account.frame)
    wanted = (*chosen(("summary", "daily", "by_model")), *focus_definitions(account.sub_account))
    found = answer(store, question(**asked), wanted)
    files, _ = focus.files_of(found, version)
    assert problems(files["focus.csv"].decode(), version) == []
    return found, {name: parsed(content.decode()) for name, content in files.items()}


@pytest.fixture(scope="module")
def one_row(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A right row, to be broken."""
    log = write(tmp_path_factory.mktemp("one") / "calls.jsonl", [capture("a")])
    with stored(log) as store:
        _, files = exported(store)
    return files["focus.csv"][0]


def parsed(text: str) -> Rows:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def total(rows: Iterable[dict[str, str]], column: str = COST) -> Decimal:
    return sum((Decimal(row[column]) for row in rows if row[column]), Decimal(0))


def any_calls(seed: int, count: int = 60, days: tuple[str, ...] = ()) -> list[Line]:
    """Calls with whatever a charge can depend on, about clock changes and days of new prices."""
    dice = random.Random(seed)
    days = days or ("2023-03-12", "2023-03-26", "2023-06-12", "2023-10-29", "2023-11-05")
    lines = []
    for n in range(count):
        hour = f"{dice.randint(0, 23):02}:{dice.choice((0, 30, 59)):02}:00Z"
        at = f"{dice.choice(days)}T{hour}" if dice.random() > 0.05 else None
        kind, name = dice.random(), f"call-{seed}-{n}"
        if kind < 0.06:
            line = failure(name, at)
        elif kind < 0.12:
            line = uncounted(name, at)
        else:
            model = dice.choice(MODELS)
            made = dice.choice((0, 1, 333))
            line = capture(
                name,
                at if model != MODELS[2] else at and f"2024-10-0{dice.randint(1, 9)}T{hour}",
                model,
                sent=dice.choice((1, 999, 5000, 20000)),
                made=made,
                cached=dice.choice((None, 1)),
                reasoning=dice.choice((None, made)),
                tier=dice.choice((None, "batch")),
                team=dice.choice((None, "a", "b")),
            )
        more = {"project": dice.choice(("p1", "p2"))} if dice.random() < 0.6 else {}
        more |= {"key": "sk-1"} if dice.random() < 0.3 else {}
        lines.append({**line, "tags": more} if more else line)
    return lines


@pytest.mark.parametrize("seed", range(2))
def test_the_charges_are_what_the_calls_cost(seed: int, tmp_path: Path) -> None:
    log = write(tmp_path / "calls.jsonl", any_calls(seed))
    with stored(log) as store:
        found, files = exported(store, FOCUS_VERSIONS[seed % 2], zone=ZONES[seed])
    rows = files["focus.csv"]
    assert rows
    assert total(rows) == found.actual["cost_usd"]
    for name, column in (("daily", "day"), ("by_model", "model")):
        sums: dict[str | None, Decimal] = defaultdict(Decimal)
        for row in rows:
            key = local_day(row) if column == "day" else row["x_ModelId"]
            sums[key] += Decimal(row[COST])
        for known in found.reports[name].frame.rows(named=True):
            if known["name"] == "actual":
                assert sums.pop(known[column], 0) == (known["cost_usd"] or 0), known
        assert not sums
    left = focus.left_out(found)
    for why in ("failed", "unpriced"):
        assert sum(r["calls"] for r in left if r["why"] == why) == found.actual[why]


def local_day(row: dict[str, str]) -> str:
    """The day of the zone whose first moment the charge period begins with."""
    zone = ZoneInfo(row["x_TimeZone"])
    begins = datetime.fromisoformat(row["ChargePeriodStart"]).astimezone(zone)
    ends = datetime.fromisoformat(row["ChargePeriodEnd"]).astimezone(zone)
    assert (begins.hour, begins.minute, ends.hour, ends.minute) == (0, 0, 0, 0)
    assert (ends.date() - begins.date()).days == 1
    return begins.date().isoformat()


@pytest.mark.parametrize("seed", range(2))
def test_scenarios_are_in_a_file_of_their_own_and_sum_up(seed: int, tmp_path: Path) -> None:
    lines = [line for line in any_calls(seed) if line["timestamp"]]
    with stored(write(tmp_path / "calls.jsonl", lines)) as store:
        found, files = exported(store)
    rows = files["focus_scenarios.csv"]
    assert not {*rows[0]} & {"BilledCost", "EffectiveCost", "ListCost", "ContractedCost"}
    for row in found.reports["summary"].frame.rows(named=True):
        if row["name"] != "actual":
            mine = [one for one in rows if one["x_ScenarioId"] == row["name"]]
            assert total(mine, "x_ScenarioCost") == (row["cost_usd"] or 0)
            for outcome in ("fits", "overflows", "unpriced"):
                calls = sum(int(one["x_Calls"]) for one in mine if one["x_Outcome"] == outcome)
                assert calls == row[outcome]
            assert all(bool(r["x_ScenarioCost"]) == (r["x_Outcome"] == "fits") for r in mine)


def test_what_comes_to_a_closed_month_later_is_a_correction(tmp_path: Path) -> None:
    first = [capture("one", sent=900, made=9), capture("two", team="a", sent=100, made=5)]
    fuller = [capture("one", sent=901, made=9), capture("new", sent=7, made=1)]
    with Store.open(tmp_path / "a.duckdb") as store:
        take_in(store, write(tmp_path / "first.jsonl", first))
        close(store, question(), month_of("2023-08"), date(2023, 9, 9), lambda *_: True)
        take_in(store, write(tmp_path / "second.jsonl", fuller))
        found, files = exported(store)
    rows = files["focus.csv"]
    assert total(rows) == found.actual["cost_usd"]
    late = [row for row in rows if row["ChargeClass"]]
    # 901 - 900 of the fuller reading and 7 of the new call; output of one is as it was
    assert [(r["ConsumedQuantity"], r["SkuMeter"]) for r in late] == [
        ("8.0", "Input Tokens"),
        ("1.0", "Output Tokens"),
    ]
    assert {row["x_Booking"] for row in rows} == {"closed", "correction"}


def test_a_correction_may_be_negative_and_stays_a_number(tmp_path: Path) -> None:
    moved = {**capture("one", sent=901, made=9), "timestamp": "2023-09-20T10:00:00Z"}
    with Store.open(tmp_path / "a.duckdb") as store:
        take_in(store, write(tmp_path / "first.jsonl", [capture("one", sent=900, made=9)]))
        close(store, question(), month_of("2023-08"), date(2023, 9, 9), lambda *_: True)
        take_in(store, write(tmp_path / "second.jsonl", [moved]))
        _, files = exported(store)
    taken = [row for row in files["focus.csv"] if row["ChargeClass"]]
    assert [row["ConsumedQuantity"] for row in taken] == ["-900.0", "-9.0"]
    assert all(row[COST].startswith("-0.") for row in taken)


@pytest.mark.slow
@pytest.mark.parametrize("version", FOCUS_VERSIONS)
def test_the_command_writes_a_right_file_of_each_version(version: str, tmp_path: Path) -> None:
    audit("ingest", LOGS, "--db", "a.duckdb", folder=tmp_path)
    (tmp_path / "audit.toml").write_text(
        '[focus]\nbilling_account_id = "org-1"\ninvoice_issuer = "Reseller"\n', "utf-8"
    )
    asked = ("report", "--db", "a.duckdb", "--tz", "Europe/Berlin", "--focus-version", version)
    done = audit(*asked, "-o", "out", "--format", "focus", folder=tmp_path)
    assert done.exit_code == COMPLETE, done
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        *("focus.csv", "focus_scenarios.csv", "manifest.json")
    }
    text = (out / "focus.csv").read_text("utf-8")
    assert problems(text, version) == []
    row = parsed(text)[0]
    assert row["ChargePeriodStart"].endswith("T22:00:00Z")
    assert row["BillingPeriodStart"] == "2023-07-31T22:00:00Z"
    assert (row["BillingAccountId"], row["BillingAccountName"]) == ("org-1", "org-1")
    assert (row["InvoiceIssuerName"], row[PROVIDERS[version][0]]) == ("Reseller", "OpenAI")
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert manifest["focus"]["version"] == version
    assert Decimal(manifest["actual_usd"]) == total(parsed(text))
    again = audit(*asked, "-o", "again", "--format", "focus", "--format", "csv", folder=tmp_path)
    assert again.exit_code == COMPLETE
    assert (tmp_path / "again" / "focus.csv").read_text("utf-8") == text
    assert (tmp_path / "again" / "summary.csv").is_file()


def test_the_documented_columns_are_those_of_the_files(tmp_path: Path) -> None:
    log = write(tmp_path / "calls.jsonl", any_calls(1))
    of = {one.name: set(one.columns) for one in definitions(FOCUS)}
    for version in FOCUS_VERSIONS:
        with stored(log) as store:
            _, files = exported(store, version)
        assert set(files["focus.csv"][0]) == of["focus"] - set(focus.NOT_IN[version])
        assert set(files["focus_scenarios.csv"][0]) == of["focus_scenarios"]
        assert {*MANDATORY, *PROVIDERS[version]} <= set(files["focus.csv"][0])
    listed = audit("report", "--list", "focus", folder=tmp_path)
    assert listed.exit_code == COMPLETE and "PricingQuantity" in listed.out
    assert FOCUS_VERSIONS == focus.VERSIONS


def test_calls_without_a_charge_are_said(tmp_path: Path) -> None:
    at = "2023-08-22T10:00:00Z"
    lines = [capture("a"), capture("b", None), capture("c", at, "gpt-5000"), failure("d", at)]
    write(tmp_path / "calls.jsonl", lines)
    audit("ingest", "calls.jsonl", "--db", "a.duckdb", folder=tmp_path)
    done = audit("report", "--db", "a.duckdb", "-o", "out", "--format", "focus", folder=tmp_path)
    assert "Not in focus.csv: 2 unpriced calls" in done.out + done.err
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    left = manifest["focus"]["left_out"]
    assert [(row["why"], row["model"], row["calls"]) for row in left] == [
        ("failed", "", 1),
        ("unpriced", "gpt-3.5-turbo-0613", 1),
        ("unpriced", "gpt-5000", 1),
    ]
    assert "date" in left[1]["reason"]


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    names = ('=1+1"', "a\nb,", "\x00nul", "{}", "–é日本", "'")
    lines = [
        {**capture(f"a{n}"), "tags": {"project": name, "team": name, "key": name}}
        for n, name in enumerate(names)
    ]
    with stored(write(tmp_path / "calls.jsonl", lines)) as store:
        _, files = exported(store)
    tags = [json.loads(row["Tags"]) for row in files["focus.csv"]]
    assert {tag["team"] for tag in tags} == set(names)
    assert all(tag["team"] == tag["x_ApiKeyId"] for tag in tags)
    accounts = {row["SubAccountId"] for row in files["focus.csv"]}
    written = {name.lstrip("'").replace("\x00", "\\x00") for name in names}
    assert {name.lstrip("'") for name in accounts} == written
    assert '=1+1"' not in accounts


def test_a_store_without_calls_has_files_without_rows(tmp_path: Path) -> None:
    with stored(write(tmp_path / "calls.jsonl", [failure("d", None)])) as store:
        _, files = exported(store)
    assert files == {"focus.csv": [], "focus_scenarios.csv": []}


def test_what_is_asked_wrongly_is_refused(tmp_path: Path) -> None:
    audit("ingest", LOGS / "people", "--db", "a.duckdb", folder=tmp_path)
    asked = ("report", "--db", "a.duckdb", "-o", "out", "--format", "focus")
    assert audit(*asked, "summary", folder=tmp_path).exit_code == USAGE
    assert audit(*asked, "--focus-version", "1.0", folder=tmp_path).exit_code == USAGE
    for entry in ('acount = "x"', "provider = 3", 'provider = " "'):
        (tmp_path / "audit.toml").write_text(f"[focus]\n{entry}\n", "utf-8")
        done = audit(*asked, folder=tmp_path)
        assert done.exit_code == ERROR and "focus." in done.err
    assert not (tmp_path / "out").exists()


BREAKS: tuple[tuple[str, str], ...] = (
    ("BilledCost", "$1,000.00"),
    ("BilledCost", "1"),
    ("BilledCost", "0.1"),
    ("ListCost", ""),
    ("ListCost", "1e-3"),
    ("ListUnitPrice", "99.0"),
    ("PricingQuantity", "1.0"),
    ("ConsumedQuantity", "-5.0"),
    ("ChargeCategory", "usage"),
    ("ChargeClass", "correction"),
    ("ChargePeriodStart", "8/31/23"),
    ("ChargePeriodEnd", "2023-08-22T00:00:00+00:00"),
    ("ChargePeriodEnd", "2023-10-01T00:00:00Z"),
    ("BillingCurrency", "usd"),
    ("ServiceName", ""),
    ("SkuPriceDetails", '{"ModelId": "x"}'),
    ("Tags", "team=a"),
    ("SubAccountName", "alone"),
)


@pytest.mark.parametrize(("column", "value"), BREAKS)
def test_the_checker_sees_a_broken_cell(column: str, value: str, one_row: dict[str, str]) -> None:
    columns, row = list(one_row), one_row
    assert problems(text_of(columns, row), "1.2") == []
    assert problems(text_of(columns, row | {column: value}), "1.2")


def test_the_checker_sees_broken_columns(one_row: dict[str, str]) -> None:
    columns, row = list(one_row), one_row
    for name in (*MANDATORY, *PROVIDERS["1.2"]):
        assert problems(text_of([c for c in columns if c != name], row), "1.2"), name
    assert problems(text_of(columns, row), "1.4")
    assert problems(text_of([*columns, "Extra"], {**row, "Extra": ""}), "1.2")
    assert problems(text_of([columns[-1], *columns[:-1]], row), "1.2")
    assert problems(text_of([*columns, "BilledCost"], row), "1.2")
    two = text_of(columns, row) + ",".join(["x"] * 3) + "\n"
    assert problems(two, "1.2")


def text_of(columns: list[str], row: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([columns, [row[name] for name in columns]])
    return out.getvalue()
