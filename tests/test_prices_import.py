"""``audit prices import genai-prices``: held against the package itself, and worked out by hand."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from command import ERROR, USAGE, audit
from helpers.logs import capture, write

pytest.importorskip("genai_prices")

from genai_prices import data
from genai_prices.types import (
    ClauseContains,
    ClauseEquals,
    ClauseOr,
    ConditionalPrice,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
    Usage,
)
from helpers.packages import a_model, a_price, small_package

from auditor.errors import AuditError
from auditor.prices import Book, BookFile, Package, Row, compare, genai, load_book, price
from auditor.prices.genai import read_package
from auditor.prices.span import covers

SNAPSHOT, SINCE = date(2026, 11, 25), date(2023, 1, 1)
WHEN = {"batch": {"processing": "batch"}, "flex": {"service_tier": "flex"}}
PROVIDERS = {provider.id: provider for provider in data.providers}


def book_of(package: Package) -> Book:
    rows = tuple(replace(row, book="them", line=line) for line, row in enumerate(package.rows, 2))
    return Book((BookFile("them", "them.csv", ""),), rows, ())


def cost(row: Row, sent: int, read: int, written: int, made: int) -> Decimal:
    """Plain arithmetic: a blank cached rate is the input rate."""
    rate = row.input_per_1k_usd
    assert rate is not None
    reads = rate if row.cached_input_per_1k_usd is None else row.cached_input_per_1k_usd
    writes = rate if row.cache_write_per_1k_usd is None else row.cache_write_per_1k_usd
    output = (row.output_per_1k_usd or 0) * made
    return ((sent - read - written) * rate + read * reads + written * writes + output) / 1000


@pytest.mark.parametrize("seller", ["openai", "anthropic", "google", "openrouter", "azure", "x-ai"])
def test_a_row_comes_to_what_the_package_calculates(seller: str) -> None:
    """Each row on its first day and tier, at lengths on both sides of every threshold."""
    dice = random.Random(seller)
    package = read_package(SNAPSHOT, since=SINCE, sellers=[seller])
    book = book_of(package)
    provider = PROVIDERS[seller]
    checked = 0
    for row in package.rows:
        context = WHEN.get(row.tier) or {"service_tier": row.tier}
        if row.tier == "standard":
            context = {}
        elif row.tier == "fast" and seller == "anthropic":
            context = {"speed": "fast"}
        elif "cache" in row.tier:
            continue
        assert row.effective_from is not None
        day = dice.choice([row.effective_from, row.effective_from + timedelta(days=400)])
        day = day if covers(row, day) else row.effective_from
        edge = row.above_input_tokens or dice.choice([32_000, 128_000, 200_000, 272_000])
        for sent in (edge - 1, edge, edge + 1, edge * 3):
            read = dice.randrange(sent // 2)
            written = dice.randrange(sent // 2)
            made = dice.randrange(9_000) if row.output_per_1k_usd is not None else 0
            model = provider.find_model(row.model)
            assert model is not None
            theirs = model.calc_price(
                Usage(
                    input_tokens=sent,
                    cache_read_tokens=read,
                    cache_write_tokens=written,
                    output_tokens=made,
                ),
                provider,
                genai_request_timestamp=datetime.combine(day, time(12), tzinfo=UTC),
                price_context=context,
            )
            ours = book.find(row.model, day, row.tier, sent)
            assert ours is not None
            assert cost(ours, sent, read, written, made) == theirs.total_price
            checked += 1
    assert checked >= 80


def test_every_rate_stands_in_the_text_of_the_package_and_none_is_a_float() -> None:
    text = Path(data.__file__).read_text(encoding="utf-8")
    literals = {Decimal(found) for found in re.findall(r"Decimal\('([0-9.]+)'\)", text)}
    assert not re.search(r"(?:mtok|base|price)=[0-9]", text)
    for row in read_package(SNAPSHOT).rows:
        for name in ("input", "cached_input", "cache_write", "output"):
            rate = getattr(row, f"{name}_per_1k_usd")
            assert rate is None or rate * 1000 in literals


def test_no_price_is_claimed_for_a_day_before_it_is_known() -> None:
    text = Path(data.__file__).read_text(encoding="utf-8")
    stated = {
        date(*map(int, found.split(", ")))
        for found in re.findall(r"start_date=datetime.date\(([0-9, ]+)\)", text)
    }
    for since, first in ((None, SNAPSHOT), (SINCE, SINCE)):
        package = read_package(SNAPSHOT, since=since)
        assert {row.effective_from for row in package.rows} - stated == {first}
        assert {row.confidence for row in package.rows} == {"likely"}
        version = package.version
        expected = f"genai-prices {version}, snapshot of {SNAPSHOT}"
        assert {row.source for row in package.rows} == {expected}
        assumed = [row for row in package.rows if "as asked" in row.note]
        assert bool(assumed) == (since is not None)


def test_every_model_of_a_seller_has_rows_or_is_left_out_by_name() -> None:
    package = read_package(SNAPSHOT, sellers=["mistral"])
    out = {one.model for one in package.left_out}
    for model in PROVIDERS["mistral"].models:
        names = {row.model for row in package.rows}
        full = {model.id, *re.findall(r"equals='([^']+)'", repr(model.match))}
        assert names & full or model.id in out, model.id


# a small package of our own


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a seller with these models in place of the package's data."""
    return small_package(monkeypatch)


def test_two_thresholds_rate_the_whole_request(small: Any) -> None:
    sent = TieredPrices(Decimal(1), [Tier(100, Decimal(2)), Tier(200, Decimal(4))])
    made = TieredPrices(Decimal(10), [Tier(200, Decimal(20))])
    small(a_model("m-long", a_price(sent, made)))
    book = book_of(read_package(SNAPSHOT))
    expected = {100: ("0.001", "0.01"), 101: ("0.002", "0.01"), 201: ("0.004", "0.02")}
    for length, rates in expected.items():
        row = book.find("m-long", SNAPSHOT, prompt_tokens=length)
        assert row is not None
        assert (row.input_per_1k_usd, row.output_per_1k_usd) == tuple(map(Decimal, rates))


def test_days_and_tiers_hold_from_when_they_are_stated(small: Any) -> None:
    cut, flex = date(2026, 3, 1), date(2026, 6, 1)
    prices = [
        ConditionalPrice(prices=a_price("4")),
        ConditionalPrice(StartDateConstraint(cut), prices=a_price("2", cache_read_mtok="0.5")),
    ]
    variants = [
        PriceVariant({"service_tier": "default"}, ModelPrice()),
        PriceVariant(WHEN["flex"], ModelPrice(input_mtok=Decimal(1)), StartDateConstraint(flex)),
        PriceVariant({"route": "eu"}, ModelPrice(input_mtok=Decimal(3))),
    ]
    small(a_model("m-1", prices, price_variants=variants))
    package = read_package(SNAPSHOT)
    spans = [(row.tier, row.effective_from, row.input_per_1k_usd) for row in package.rows]
    assert spans == [("flex", flex, Decimal("0.001")), ("standard", cut, Decimal("0.002"))]
    assert [row.cached_input_per_1k_usd for row in package.rows] == [Decimal("0.0005")] * 2
    assert {one.reason for one in package.left_out} == {
        "its rates for route eu",
        "the price before the first day that is stated: from when it held is not",
    }
    taken_back = read_package(SNAPSHOT, since=SINCE)
    first = next(row for row in taken_back.rows if row.effective_from == SINCE)
    assert (first.effective_to, first.input_per_1k_usd) == (cut, Decimal("0.004"))


def test_a_write_for_an_hour_has_a_tier_of_its_own(small: Any) -> None:
    small(a_model("m-1", a_price(cache_write_mtok="2.5", cache_write_1h_mtok="4")))
    rows = {row.tier: row.cache_write_per_1k_usd for row in read_package(SNAPSHOT).rows}
    assert rows == {"standard": Decimal("0.0025"), "standard-1h-cache": Decimal("0.004")}


LEFT_OUT = {
    "no price is stated, free or not": ModelPrice(),
    "priced by output_mtok, not by the token sent": ModelPrice(output_mtok=Decimal(1)),
    "rates that our meters do not tell apart: requests_kcount": a_price(requests_kcount="5"),
    "rates that our meters do not tell apart: output_reasoning_mtok": a_price(
        output_reasoning_mtok="9"
    ),
    "its price depends on the hour of the day": [
        ConditionalPrice(prices=a_price()),
        ConditionalPrice(TimeOfDateConstraint(time(1), time(2)), prices=a_price("1")),
    ],
    "more digits than the book keeps: 0.18000000000000002 USD per million": a_price(
        "0.18000000000000002"
    ),
    "a threshold of 0 tokens": a_price(TieredPrices(Decimal(1), [Tier(0, Decimal(2))])),
    "a rate that is no exact amount: 0.1": a_price(0.1),
}


@pytest.mark.parametrize("reason", LEFT_OUT)
def test_what_a_book_cannot_state_is_left_out_by_name(small: Any, reason: str) -> None:
    small(a_model("m-odd", LEFT_OUT[reason]))
    package = read_package(SNAPSHOT)
    assert package.rows == ()
    assert [(one.model, one.reason) for one in package.left_out] == [("m-odd", reason)]


def test_names_are_exact_and_those_of_a_rule_only_if_asked_for(small: Any) -> None:
    rule = ClauseOr(or_=[ClauseEquals(equals="m-2-latest"), ClauseContains(contains="m-2")])
    small(a_model("m-1", a_price()), a_model("m-2", a_price("3"), match=rule))
    assert {row.model for row in read_package(SNAPSHOT).rows} == {"m-1", "m-2", "m-2-latest"}
    package = read_package(SNAPSHOT, asked=["m-2-0815", "other", "m-1", ""])
    assert (package.asked, package.found, package.ruled) == (3, 2, 1)
    (row,) = [row for row in package.rows if row.model == "m-2-0815"]
    assert row.note.endswith("the package takes this name for m-2 by a rule")


def test_the_maker_has_the_word_unless_sellers_are_named(small: Any) -> None:
    small(a_model("x-9", a_price()))
    (out,) = read_package(SNAPSHOT).left_out
    assert (out.model, out.reason) == ("x-9", genai.NOT_OF_MAKER)
    reseller = Provider("shop", "Shop", "x", models=[a_model("m-1", a_price("1"))])
    small(a_model("m-1", a_price("2")), more=(reseller,))
    for sellers, rate in (((), "0.002"), (("shop", "acme"), "0.001"), (("acme", "shop"), "0.002")):
        (row,) = read_package(SNAPSHOT, sellers=sellers).rows
        assert row.input_per_1k_usd == Decimal(rate)
    reseller.models.append(a_model("x-1", a_price()))
    assert read_package(SNAPSHOT, asked=["x-1", "x-2"]).elsewhere == (("x-1", ("shop",)),)
    with pytest.raises(AuditError, match="knows no seller 'nobody'"):
        read_package(SNAPSHOT, sellers=["nobody"])


def test_agreement_and_difference_are_told_by_name_and_meter() -> None:
    def one(name: str, **rates: str) -> Row:
        given: dict[str, Any] = {f"{meter}_per_1k_usd": Decimal(rates[meter]) for meter in rates}
        return replace(blank, model=name, **given)

    blank = next(iter(read_package(SNAPSHOT, sellers=["avian"]).rows))
    blank = replace(blank, book="a", cached_input_per_1k_usd=None, cache_write_per_1k_usd=None)
    ours = Book(
        (BookFile("a", "", ""),), (one("x", input="1"), one("y", input="1", output="2")), ()
    )
    theirs = Book(
        (BookFile("a", "", ""),),
        (one("x", input="1.0", cached_input="1"), one("y", input="1", output="3"), one("z")),
        (),
    )
    found = compare(ours, theirs)
    assert [(agreed.name, len(agreed.differences)) for agreed in found] == [("x", 0), ("y", 1)]
    (difference,) = found[1].differences
    rates = (difference.our_rate, difference.their_rate)
    assert (difference.meter, *rates) == ("output", Decimal(2), Decimal(3))


# the command


IMPORT = ("prices", "import", "genai-prices", "-o", "them.csv", "--snapshot", "2026-11-25")


def test_the_command_writes_the_same_book_twice_and_says_what_it_did(tmp_path: Path) -> None:
    first = audit(*IMPORT, folder=tmp_path)
    content = (tmp_path / "them.csv").read_bytes()
    again = audit(*IMPORT, folder=tmp_path, columns=160)
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert (tmp_path / "them.csv").read_bytes() == content
    assert "Names and tiers that agree: " in " ".join(first.out.split())
    assert "deepseek deepseek-chat" in first.out
    book = load_book(tmp_path / "them.csv")
    assert book.rows == ()
    assert book.fallback is not None
    shown = audit("show", "prices", "--prices", "them.csv", "claude-opus-5", folder=tmp_path)
    assert "source: genai-prices" in shown.out


def test_names_of_the_stored_calls_are_looked_up(tmp_path: Path) -> None:
    name = "claude-3-5-haiku-20241022"
    line = capture("a", "2026-11-25T00:00:00Z", name, 1_000, 100, cached=400)
    write(tmp_path / "logs.jsonl", [line])
    audit("ingest", "logs.jsonl", "--db", "a.duckdb", folder=tmp_path)
    audit(*IMPORT, "--db", "a.duckdb", folder=tmp_path)
    row = price(open_with(tmp_path / "them.csv"), name, SNAPSHOT).row
    assert row is not None
    assert "by a rule" in row.note
    told = audit("explain", "a", "--db", "a.duckdb", "--prices", "them.csv", folder=tmp_path)
    # 600 × 0.8 + 400 × 0.08 + 100 × 4, USD per million
    assert "cost 0.000912 USD" in told.out


def open_with(path: Path) -> Book:
    from auditor.prices import open_book

    return open_book([path])


REFUSED = {
    "no such seller": (("--provider", "nobody"), "knows no seller 'nobody'"),
    "since too late": (("--since", "2026-11-25"), "is not before the snapshot"),
    "no name of a book": (("-o", "them.json"), "is no name for a price book"),
    "not an import": (("-o", "mine.csv"), "is there and is no imported book"),
    "named as ours": (("-o", "openai.csv"), "has the name of another price book"),
    "no folder": (("-o", "nowhere/them.csv"), "there is no folder nowhere"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    tmp_path: Path, case: str
) -> None:
    (tmp_path / "mine.csv").write_text("my prices")
    given, problem = REFUSED[case]
    run = audit(*IMPORT, *given, folder=tmp_path)
    assert run.exit_code == ERROR
    assert problem in run.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]
    assert (tmp_path / "mine.csv").read_text() == "my prices"


def test_another_source_is_unknown_and_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = audit("prices", "import", "litellm", "-o", "them.csv", folder=tmp_path)
    assert run.exit_code == USAGE
    monkeypatch.setitem(__import__("sys").modules, "genai_prices.data", None)
    run = audit(*IMPORT, folder=tmp_path)
    assert run.exit_code == ERROR
    assert "the Python package genai-prices is not installed" in run.err
    assert "pip install 'auditor[genai-prices]'" in run.err
