"""Laws of the reports: the bridges add up, the days are the range, files have their columns."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from helpers.logs import Line, capture, embedding, failure, uncounted, write
from helpers.runs import question, stored
from helpers.tunes import traffic

from auditor import scenarios
from auditor.pipeline.reporting import chosen, report
from auditor.store import Store

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Chatham",
    "Australia/Lord_Howe",
)
CHANGES = ("2023-03-12", "2023-03-26", "2023-04-02", "2023-09-24", "2023-10-01", "2023-10-29")
COUNTS = ("calls", "failed", "fits", "overflows", "unpriced", "input_tokens", "output_tokens")
ADDITIVE = (*COUNTS, "cost_usd", "compared_calls", "compared_usd", "actual_usd", "delta_usd")
PARTS = ("volume", "model_mix", "tokens_per_call", "rate")
MOVES = """
name = "moved"
title = "Moves with levers and training"
prices_at = 2023-08-22
[[move]]
where = { model = "gpt-4-0613" }
to = "ft:gpt-3.5-turbo-0613"
keep_prompt = "0.4"
output_ratio = "1.1"
training_tokens = 100000
"""
# USD per token in May and June 2023, by hand from openai.com/blog of 2023-06-13
RATES = {
    ("gpt-3.5-turbo-0301", "05"): ("0.000002", "0.000002"),
    ("gpt-3.5-turbo-0301", "06"): ("0.0000015", "0.000002"),
    ("gpt-4-0314", "05"): ("0.00003", "0.00006"),
    ("gpt-4-0314", "06"): ("0.00003", "0.00006"),
    ("gpt-3.5-turbo-0613", "06"): ("0.0000015", "0.000002"),
}

Rows = list[dict[str, Any]]


def reported(store: Store, *names: str, **asked: Any) -> dict[str, Rows]:
    found = report(store, question(**asked), chosen(names)).reports
    return {name: one.frame.rows(named=True) for name, one in found.items()}


def bridges(rows: Rows) -> dict[tuple[str, str], Rows]:
    """The steps of each bridge."""
    found: dict[tuple[str, str], Rows] = defaultdict(list)
    for row in rows:
        found[row["bridge"], row["to_name"]].append(row)
    return found


def parts_of(*lines: Line, folder: Path, **asked: Any) -> dict[str, Decimal]:
    """The period bridge from May to June."""
    with stored(write(folder / "calls.jsonl", lines)) as store:
        rows = reported(store, "bridge", from_date=date(2023, 6, 1), to_date=date(2023, 7, 1))
    return {row["part"]: row["amount_usd"] for row in rows["bridge"] if row["bridge"] == "period"}


@pytest.mark.parametrize("seed", range(3))
def test_the_parts_of_every_bridge_are_its_end_and_so_are_the_cents(
    seed: int, tmp_path: Path
) -> None:
    own = tmp_path / "moved.toml"
    own.write_text(MOVES, "utf-8")
    lines = [*traffic(seed), embedding("2023-08-22T10:00:00Z", "text-embedding-ada-002", 99)]
    known = scenarios.choose(scenarios.built_in(), ())
    asked: dict[str, Any] = {"scenarios": (*known, scenarios.load(own))}
    with stored(write(tmp_path / "calls.jsonl", lines)) as store:
        found = reported(store, "bridge", "summary", "monthly", "training", **asked)
    training = {row["name"]: row["training_usd"] for row in found["training"]}
    costs = {row["name"]: row["cost_usd"] or 0 for row in found["summary"]}
    laid = bridges(found["bridge"])
    assert training["moved"] > 0
    assert {kind for kind, _ in laid} == {"scenario", "period"}
    for (kind, name), steps in laid.items():
        amounts = [row["amount_usd"] for row in steps]
        cents = [row["amount_usd_rounded"] for row in steps]
        assert sum(amounts[:-1]) == amounts[-1]
        assert sum(cents[:-1]) == cents[-1]
        assert all(abs(a - b) <= Decimal("0.01") for a, b in zip(amounts, cents, strict=True))
        if kind == "scenario":
            assert amounts[0] == costs["actual"]
            embedded = next(row for row in steps if row["part"] == "not_moved")
            assert embedded["calls"] == 1
            assert amounts[-1] == costs[name] + training.get(name, 0)
        else:
            month = [r for r in found["monthly"] if (r["month"], r["name"]) == (name, "actual")]
            assert amounts[-1] == sum(row["cost_usd"] or 0 for row in month)


def a_call(name: str, dice: random.Random, month: str) -> Line:
    models = [model for model, of in RATES if of == month]
    at = f"2023-{month}-{dice.randint(15, 28)}T10:00:00Z"
    sizes = {"sent": dice.randint(1, 3000), "made": dice.choice((0, dice.randint(1, 900)))}
    return capture(name, at, dice.choice(models), **sizes)


def oracle(lines: Iterable[Line]) -> dict[str, Fraction]:
    """The parts from May to June by the definitions in queries/replay/period_parts.sql."""
    groups: dict[str, dict[str, list[Fraction]]] = {"05": {}, "06": {}}
    for line in lines:
        month, model = line["timestamp"][5:7], line["response"]["model"]
        usage = line["response"]["usage"]
        tokens = (usage["prompt_tokens"], usage["completion_tokens"])
        rates = [Fraction(rate) for rate in RATES[model, month]]
        mine = groups[month].setdefault(model, [Fraction(0)] * 5)
        for n in (0, 1):
            mine[n] += tokens[n]
            mine[2 + n] += tokens[n] * rates[n]
        mine[4] += 1
    before, now = groups["05"], groups["06"]
    first, last = (sum(g[2] + g[3] for g in some.values()) for some in (before, now))
    calls, later = (sum(g[4] for g in some.values()) for some in (before, now))
    if not calls:
        return {"start": Fraction(0), **dict.fromkeys(PARTS, Fraction(0)), "volume": Fraction(last)}
    volume = picos(Fraction(first) * later / calls)
    mix = tokens_now = Fraction(0)
    for model, (*meters, count) in now.items():
        had = before.get(model)
        mix += picos((had[2] + had[3]) * count / had[4]) if had else sum(meters[2:])
        for n in (0, 1):
            old = bool(had and had[n])
            tokens_now += picos(had[2 + n] * meters[n] / had[n]) if old and had else meters[2 + n]
    steps = (Fraction(first), volume, mix, tokens_now, Fraction(last))
    found = (b - a for a, b in pairwise(steps))
    return {"start": steps[0], **dict(zip(PARTS, found, strict=True))}


def picos(amount: Fraction) -> Fraction:
    """To 10^-12 USD, a half up."""
    return Fraction((amount * 10**12 * 2 + 1) // 2, 10**12)


@pytest.mark.parametrize("seed", range(4))
def test_the_parts_from_month_to_month_are_what_is_defined(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    counts = {"05": dice.choice((0, 1, 30)), "06": dice.choice((1, 40))}
    lines = [a_call(f"{m}-{n}", dice, m) for m, count in counts.items() for n in range(count)]
    found = parts_of(*lines, folder=tmp_path)
    expected = oracle(lines)
    assert {part: Fraction(found[part]) for part in expected} == expected


OLD, NEW = "2023-05-20T10:00:00Z", "2023-06-20T10:00:00Z"
GPT4, TURBO = "gpt-4-0314", "gpt-3.5-turbo-0301"


@pytest.mark.parametrize(
    ("part", "lines"),
    [
        ("volume", [capture("a", OLD, GPT4), capture("b", NEW, GPT4), capture("c", NEW, GPT4)]),
        ("volume", [capture("b", NEW, GPT4)]),
        ("volume", [capture("a", OLD, GPT4)]),
        ("rate", [capture("a", OLD, TURBO), capture("b", NEW, TURBO)]),
        ("model_mix", [capture("a", OLD, GPT4), capture("b", NEW, "gpt-3.5-turbo-0613")]),
        ("tokens_per_call", [capture("a", OLD, GPT4), capture("b", NEW, GPT4, sent=7, made=9)]),
        (None, [capture("a", OLD, GPT4), capture("b", NEW, GPT4)]),
    ],
)
def test_what_changes_alone_is_a_part_alone(
    part: str | None, lines: list[Line], tmp_path: Path
) -> None:
    found = parts_of(*lines, folder=tmp_path)
    assert {name for name in PARTS if found[name]} == ({part} if part else set())


def round_the_clock(seed: int, count: int = 90) -> list[Line]:
    """Calls about the clock changes of 2023, and some without a day."""
    dice = random.Random(seed)
    lines: list[Line] = []
    for n in range(count):
        at = f"{dice.choice(CHANGES)}T{dice.randint(0, 23):02}:{dice.randint(0, 59):02}:59Z"
        model = dice.choice(("gpt-4-0613", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-0301", "gpt-5000"))
        team = dice.choice((None, "a", "b"))
        more: dict[str, Any] = {"sent": dice.choice((10, 5000, 40000)), "team": team}
        lines += [
            dice.choice(
                (
                    capture(f"c{n}", at, model, **more),
                    capture(f"d{n}", at, model, cached=3, **more),
                    failure(f"f{n}", at),
                    uncounted(f"u{n}", at),
                )
            )
        ]
    return lines


def sums(rows: Rows, kept: Iterable[str] = ()) -> dict[tuple[Any, ...], dict[str, Any]]:
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = (row["name"], *(row[name][:7] if row[name] else None for name in kept))
        mine = found.setdefault(key, dict.fromkeys(ADDITIVE, 0))
        for name in ADDITIVE:
            mine[name] += row[name] or 0
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_the_days_are_the_months_are_the_range_are_every_split(zone: str, tmp_path: Path) -> None:
    log = write(tmp_path / "calls.jsonl", round_the_clock(ZONES.index(zone)))
    names = ("summary", "daily", "monthly", "by_model", "by_team", "by_workload")
    with stored(log) as store:
        found = reported(store, *names, zone=zone)
        split = [
            reported(store, "summary", zone=zone, from_date=begins, to_date=ends)["summary"]
            for begins, ends in (
                (None, date(2023, 3, 26)),
                (date(2023, 3, 26), date(2023, 3, 27)),
                (date(2023, 3, 27), date(2023, 10, 1)),
                (date(2023, 10, 1), None),
            )
        ]
    whole = sums(found["summary"])
    assert whole["actual",]["calls"] == 90
    for name in names[1:]:
        assert sums(found[name]) == whole, name
    assert sums([row for part in split for row in part]) == whole
    by_month = sums([{**r, "month": r["day"]} for r in found["daily"]], ("month",))
    assert by_month == sums(found["monthly"], ("month",))


def test_the_columns_of_every_file_are_those_documented(tmp_path: Path) -> None:
    log = write(tmp_path / "calls.jsonl", round_the_clock(1, 20))
    wanted = [one for one in chosen(()) if not one.name.startswith("finetune")]
    with stored(log) as store:
        found = report(store, question(), wanted).reports
    for one in wanted:
        columns: Mapping[str, str] = one.columns
        frame = found[one.name].frame
        fixed = [name for name in frame.columns if name in columns]
        assert fixed == [name for name in columns if name in frame.columns], one.name
        assert not [t for t in frame.schema.values() if t.is_float()], one.name
        if one.name != "scenario_matrix":
            assert frame.columns == list(columns), one.name
