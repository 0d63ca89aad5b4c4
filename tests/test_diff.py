"""`audit diff`: the parts add up, and each change has its own name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from command import COMPLETE, ERROR, audit
from helpers.books import with_rates
from helpers.logs import capture, write
from helpers.runs import question, take_in
from helpers.tunes import traffic

from auditor import scenarios
from auditor.pipeline import Question
from auditor.pipeline.diffing import Run, diff
from auditor.pipeline.reporting import chosen, report
from auditor.prices import open_book
from auditor.reports.difference import as_csv, as_json
from auditor.reports.manifest import summary_of
from auditor.store import Store

PARTS = dict[str, dict[str, tuple[int, Decimal]]]


def run_of(store: Store, asked: Question) -> Run:
    """What `audit report` would write of a store."""
    reported = report(store, asked, chosen(("charges",)))
    return Run("here", summary_of(reported), reported.reports["charges"].frame)


def parts_of(a: Run, b: Run) -> PARTS:
    """Total, part: calls and amount."""
    with Store.open(None) as store:
        result = diff(store, a, b)
    found: PARTS = {}
    for row in result.parts:
        found.setdefault(row["name"], {})[row["part"]] = (row["calls"], row["amount_usd"])
    return found


def runs(
    tmp_path: Path, first: list[Any], second: list[Any], asked: Question, then: Question
) -> tuple[Run, Run]:
    """The run after the first log, and that after both."""
    tmp_path.mkdir(exist_ok=True)
    with Store.open(tmp_path / "store.duckdb") as store:
        take_in(store, write(tmp_path / "first.jsonl", first))
        a = run_of(store, asked)
        if second:
            take_in(store, write(tmp_path / "second.jsonl", second))
        return a, run_of(store, then)


def thrice(rate: Decimal) -> Decimal:
    return rate * 3


CHANGES: dict[str, Callable[[Question, Path], Question]] = {
    "nothing": lambda asked, _: asked,
    "prices": lambda asked, at: replace(
        asked, book=open_book((with_rates(at / "dearer.csv", thrice),))
    ),
    "names": lambda asked, _: replace(asked, names={"house-model-7": "gpt-4-0613"}),
    "assumed": lambda asked, _: replace(asked, assume_model="gpt-4-0613"),
    "period": lambda asked, _: replace(asked, from_date=date(2023, 8, 25)),
    "scenarios": lambda asked, _: replace(asked, scenarios=asked.scenarios[3:]),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("change", CHANGES)
def test_the_parts_of_every_total_add_up(seed: int, change: str, tmp_path: Path) -> None:
    lines = traffic(seed)
    fuller = [json.loads(json.dumps(line)) for line in lines[:20]]
    for line in fuller:
        if usage := (line["response"] or {}).get("usage"):
            usage["prompt_tokens"] += 7
            usage["total_tokens"] += 7
    then = CHANGES[change](question(), tmp_path)
    a, b = runs(tmp_path, lines, [*fuller, *traffic(seed + 50, (20, 3))], question(), then)
    for reverse in (False, True):
        for name, parts in parts_of(*((b, a) if reverse else (a, b))).items():
            amounts = {part: amount for part, (_, amount) in parts.items()}
            start, end = amounts.pop("start", Decimal(0)), amounts.pop("end", Decimal(0))
            assert start + sum(amounts.values()) == end, name


def test_the_same_run_has_no_parts(tmp_path: Path) -> None:
    a, b = runs(tmp_path, traffic(1), [], question(), question())
    for parts in parts_of(a, b).values():
        assert parts.keys() == {"start", "end"}
        assert parts["start"] == parts["end"]


def only(a: Run, b: Run, total: str = "actual") -> dict[str, tuple[int, Decimal]]:
    """The parts of one total, without its start and end."""
    parts = parts_of(a, b)[total]
    return {part: found for part, found in parts.items() if part not in ("start", "end")}


def test_new_and_late_calls(tmp_path: Path) -> None:
    """1,000 in and 100 out of gpt-3.5-turbo-0613 cost 0.0017."""
    second = [
        capture("late", "2023-08-21T10:00:00Z"),
        capture("as late", "2023-08-22T23:59:59Z"),
        capture("new", "2023-08-23T00:00:00Z"),
    ]
    a, b = runs(tmp_path, [capture("call-1")], second, question(), question())
    assert only(a, b) == {
        "late_calls": (2, Decimal("0.0034")),
        "new_calls": (1, Decimal("0.0017")),
    }
    assert only(b, a) == {"gone_calls": (-3, Decimal("-0.0051"))}
    assert only(a, b, "gpt-4-8k")["new_calls"] == (1, Decimal("0.036"))


def test_a_fuller_reading_in_a_later_file(tmp_path: Path) -> None:
    """The call is the same: 0.0017 before, 0.0047 now; one beside it came late."""
    second = [capture("call-1", sent=3000)]
    a, b = runs(tmp_path, [capture("call-1"), capture("call-2")], second, question(), question())
    assert only(a, b) == {"replaced_calls": (0, Decimal("0.003"))}
    both = [*second, capture("call-3", "2023-08-21T10:00:00Z")]
    a, b = runs(tmp_path / "two", [capture("call-1")], both, question(), question())
    assert only(a, b) == {
        "late_calls": (1, Decimal("0.0017")),
        "replaced_calls": (0, Decimal("0.003")),
    }


def test_a_file_that_grew_in_a_new_store(tmp_path: Path) -> None:
    """Its calls are in a file of another hash: only what it grew by is new."""
    known = [capture("call-1"), capture("call-2", "2023-08-23T10:00:00Z")]
    a, _ = runs(tmp_path, known, [], question(), question())
    grown = [*known, capture("call-3", "2023-08-24T10:00:00Z")]
    b, _ = runs(tmp_path / "again", grown, [], question(), question())
    assert only(a, b) == {"new_calls": (1, Decimal("0.0017"))}
    assert only(b, a) == {"gone_calls": (-1, Decimal("-0.0017"))}


def test_a_changed_price_and_one_that_became_known(tmp_path: Path) -> None:
    book = tmp_path / "house.csv"
    book.write_text(
        "model,kind,effective_from,effective_to,input_per_1k_usd,cached_input_per_1k_usd,"
        "output_per_1k_usd,training_per_1k_usd,context_window,source,confidence,note,alias_of\n"
        "gpt-3.5-turbo-0613,base,2023-01-01,,0.001,,0.002,,4096,contract,certain,,\n"
        "house-1,base,2023-01-01,,0.01,,0.01,,4096,contract,certain,,\n",
        encoding="utf-8",
    )
    lines = [capture("call-1"), capture("call-2", model="house-1")]
    then = question(book=open_book((book,)))
    a, b = runs(tmp_path, lines, [], question(), then)
    assert only(a, b) == {"changed_price": (2, Decimal("-0.0005") + Decimal("0.011"))}
    with Store.open(None) as store:
        changes = [row for row in diff(store, a, b).changes if row["name"] == "actual"]
    assert [(row["rates_a"], row["rates_b"], row["amount_usd"]) for row in changes] == [
        ("0.0015 sent, 0.002 answered", "0.001 sent, 0.002 answered", Decimal("-0.0005")),
        (None, "0.01 sent, 0.01 answered", Decimal("0.011")),
    ]


def test_a_name_that_leads_elsewhere(tmp_path: Path) -> None:
    """A deployment mapped to gpt-4-0613 and not to gpt-3.5-turbo-0613: 0.0017 becomes 0.036."""
    lines = [capture("call-1", model="ours")]
    first, then = (question(names={"ours": m}) for m in ("gpt-3.5-turbo-0613", "gpt-4-0613"))
    a, b = runs(tmp_path, lines, [], first, then)
    assert only(a, b) == {"changed_name": (1, Decimal("0.0343"))}
    with Store.open(None) as store:
        (change,) = diff(store, a, b).changes
    assert (change["model"], change["priced_as_a"], change["priced_as_b"]) == (
        "ours",
        "gpt-3.5-turbo-0613",
        "gpt-4-0613",
    )


def test_a_scenario_that_was_rewritten(tmp_path: Path) -> None:
    known = {one.name: one for one in scenarios.built_in()}
    plan = replace(known["gpt-4-8k"], name="plan", sha256="one")
    other = replace(known["gpt-3.5-turbo-4k"], name="plan", sha256="other")
    a, b = runs(
        tmp_path,
        [capture("call-1")],
        [],
        question(scenarios=(plan,)),
        question(scenarios=(other,)),
    )
    assert only(a, b, "plan") == {"changed_scenario": (1, Decimal("0.0017") - Decimal("0.036"))}
    assert only(a, b) == {}


def test_another_version_of_the_tool(tmp_path: Path) -> None:
    a, b = runs(tmp_path, [capture("call-1")], [], question(), question())
    counted = b.charges.with_columns(
        pl.when(pl.col("name") == "actual")
        .then(Decimal("0.002"))
        .otherwise(pl.col("cost_usd"))
        .cast(pl.Decimal(38, 18))
        .alias("cost_usd")
    )
    made = {**b.manifest["run"], "tool": "audit 9.9.9"}
    other = Run("there", {**b.manifest, "run": made}, counted)
    assert only(a, other) == {"changed_tool": (1, Decimal("0.0003"))}


def test_what_is_written_is_every_digit(tmp_path: Path) -> None:
    a, b = runs(tmp_path, [capture("call-1")], [capture("call-2")], question(), question())
    with Store.open(None) as store:
        result = diff(store, a, b)
    assert as_csv(result).splitlines()[:4] == [
        "name,part,calls,amount_usd,amount_usd_rounded",
        "actual,start,1,0.0017,0.00",
        "actual,late_calls,1,0.0017,0.00",
        "actual,end,2,0.0034,0.00",
    ]
    assert json.loads(as_json(result))["totals"][0] == {
        "name": "actual",
        "parts": [
            {"part": "start", "calls": 1, "amount_usd": "0.0017"},
            {"part": "late_calls", "calls": 1, "amount_usd": "0.0017"},
            {"part": "end", "calls": 2, "amount_usd": "0.0034"},
        ],
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of reports: a, b with one more call, berlin, and one without charges."""
    tmp_path = tmp_path_factory.mktemp("written")
    write(tmp_path / "one.jsonl", [capture("call-1")])
    write(tmp_path / "two.jsonl", [capture("call-2")])
    for words in (
        "ingest one.jsonl --db store.duckdb",
        "report charges summary --db store.duckdb -o a",
        "ingest two.jsonl --db store.duckdb",
        "report charges --db store.duckdb -o b",
        "report charges --db store.duckdb -o berlin --tz Europe/Berlin",
        "report summary --db store.duckdb -o summary",
    ):
        assert audit(*words.split(), folder=tmp_path).exit_code == COMPLETE
    return tmp_path


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A copy of these folders."""
    return Path(shutil.copytree(written, tmp_path / "copy"))


def test_a_folder_or_its_manifest(folder: Path) -> None:
    one = audit("diff", "a", "b", folder=folder)
    other = audit("diff", "a/manifest.json", "b/manifest.json", folder=folder)
    assert (one.exit_code, other.exit_code) == (COMPLETE, COMPLETE)
    assert "late calls, of days that A had      1  +0.001700" in one.out
    assert one.out == other.out.replace("/manifest.json", "")
    same = audit("diff", "a", "a", folder=folder)
    assert "The same in both: actual, babbage-002" in same.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("a berlin", "a is in UTC and berlin in Europe/Berlin"),
        ("a summary", "summary has no charges.parquet"),
        ("a nowhere", "nowhere holds no manifest.json"),
        ("one.jsonl b", "one.jsonl holds no manifest.json"),
    ],
)
def test_what_cannot_be_compared(words: str, says: str, folder: Path) -> None:
    done = audit("diff", *words.split(), folder=folder)
    assert done.exit_code == ERROR
    assert says in done.err
    assert "Hint: " in done.err


def test_files_that_were_touched(folder: Path) -> None:
    manifest = folder / "b" / "manifest.json"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("audit.report/1", "audit.report/9"), encoding="utf-8")
    assert "is of schema audit.report/9" in audit("diff", "a", "b", folder=folder).err
    manifest.write_text(text, encoding="utf-8")
    (folder / "b" / "charges.parquet").write_bytes(b"PAR1")
    assert "its hash differs" in audit("diff", "a", "b", folder=folder).err
    (folder / "b" / "charges.parquet").unlink()
    assert "cannot be read" in audit("diff", "a", "b", folder=folder).err
