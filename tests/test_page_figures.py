"""Every figure on the page is in a file of `audit report -o DIR`, to the digit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from helpers.logs import Line, capture, embedding, failure, uncounted, write
from helpers.pages import Folder, Page, Said, number_of, reads
from helpers.runs import august_2023, question, stored, take_in, tuning

from auditor.pipeline.closing import close
from auditor.pipeline.reporting import Reported, chosen, report
from auditor.pipeline.spans import month_of
from auditor.reports import manifest, page
from auditor.session.reporting import frames_of
from auditor.store import Store

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("gpt-3.5-turbo-0613", "gpt-4-0613", "text-davinci-003", "no-such-model")


@dataclass(frozen=True)
class Both:
    """A page and the folder of files of the same reports."""

    reported: Reported
    folder: Path

    @cached_property
    def page(self) -> Page:
        return Page(page.page_of(self.reported, "the tuned model"))

    @cached_property
    def files(self) -> Folder:
        for name, content in manifest.files_of(self.reported, ("csv",)).items():
            (self.folder / name).write_bytes(content)
        return Folder(self.folder)

    def figures(self, report: str) -> list[Said]:
        return [one for one in self.page.figures if one.at.startswith(f"{report}:")]


def both(folder: Path, *logs: Path, **asked: Any) -> Both:
    """What `audit report` says of these logs: `-o DIR`, and `--html -o FILE`."""
    tuned = tuning(**{name: asked[name] for name in ("from_date", "to_date") if name in asked})
    with stored(*logs) as store:
        answered = report(store, question(**asked), chosen(()), lambda: frames_of(store, tuned))
    return Both(answered, folder)


def closed(folder: Path, log: Path) -> Both:
    """Of one scenario: August is closed, then come new calls and a shorter reading of one."""
    asked = question(scenarios=tuple(one for one in august_2023() if one.name == "gpt-4"))
    late = [capture(f"late-{n}", sent=700 + n, team="late") for n in range(5)]
    fuller = capture("call-1", "2023-08-02T10:00:00Z", MODELS[1], sent=9, made=9, cached=5)
    with Store.open(folder / "closed.duckdb") as store:
        take_in(store, log)
        close(store, asked, month_of("2023-08"), date(2023, 11, 25), lambda missing, of: True)
        take_in(store, write(folder / "late.jsonl", [*late, fuller]))
        answered = report(store, asked, chosen(()), lambda: frames_of(store, tuning()))
    return Both(answered, folder)


def strange_calls() -> Iterator[Line | str]:
    """Calls of two months of which some have no price, no date, no usage or no room."""
    for n in range(60):
        model = MODELS[n % 4]
        at = f"2023-{8 + n % 2:02}-{1 + n % 28:02}T10:00:00Z"
        sent = 30 * n if n % 10 else 6_000 + 1_000 * n
        yield capture(f"call-{n}", at, model, sent, 7 * n, team=f"team {n % 3}")
    yield capture("undated", None)
    yield failure("failed", "2023-08-05T10:00:00Z")
    yield uncounted("uncounted", "2023-08-06T10:00:00Z", requested="gpt-4")
    yield embedding("2023-08-07T10:00:00Z", "text-embedding-ada-002", 1234)
    yield "{not json"


@pytest.fixture(scope="module", params=["the shipped month", "strange calls", "a closed month"])
def given(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("page")
    if request.param == "the shipped month":
        return both(folder, ROOT / "fixtures" / "logs")
    log = write(folder / "calls.jsonl", strange_calls())
    if request.param == "strange calls":
        return both(folder, log)
    return closed(folder, log)


def test_every_figure_is_in_a_file_to_the_digit(given: Both) -> None:
    assert len(given.page.figures) > 150
    for one in given.page.figures:
        assert one.value == given.files.cell(one.at), one
        assert one.value != "", one


def test_every_text_is_its_figure_rounded_for_reading(given: Both) -> None:
    for one in given.page.figures:
        cents = given.files.rounded(one.at)
        in_cents = cents is not None and number_of(one.text) == Decimal(cents)
        assert in_cents or reads(one.text, one.value), one


def test_no_figure_stands_outside(given: Both) -> None:
    """A cell for figures holds one that names its file, or says that there is none."""
    assert len(given.page.cells) > 100
    for text, is_marked in given.page.cells:
        assert is_marked or text in ("", "-"), text


def test_charts_say_nothing_that_their_tables_do_not(given: Both) -> None:
    """Each number drawn is the text of a figure of the same section."""
    told: dict[str, set[str]] = {}
    for one in given.page.figures:
        told.setdefault(one.section, set()).add(one.text)
    numbers = [(section, text) for section, text in given.page.drawn if number_of(text) is not None]
    assert len(numbers) > 30
    for section, text in numbers:
        assert text in told[section], (section, text)


def test_every_scenario_stands_at_the_top_with_cost_and_difference(given: Both) -> None:
    rows = given.files.rows["summary"]
    shown = {one.at for one in given.figures("summary")}
    is_closed = any(row["booking"] != "open" for row in rows)
    for place, row in enumerate(rows):
        name = f"{row['name']} ({row['booking']})" if is_closed else row["name"]
        if row["cost_usd"]:
            assert f"summary:{place}:cost_usd" in shown
            assert name in given.page.texts
        if row["delta_usd"] and row["name"] != "actual":
            assert f"summary:{place}:delta_usd" in shown


def test_every_part_of_every_bridge_is_on_the_page(given: Both) -> None:
    shown = {one.at for one in given.figures("bridge")}
    rows = given.files.rows["bridge"]
    assert rows
    assert {f"bridge:{place}:amount_usd" for place in range(len(rows))} <= shown


def test_every_day_and_every_cell_of_the_grid_is_on_the_page(given: Both) -> None:
    rows = given.files.rows["daily"]
    dated = {n for n, row in enumerate(rows) if row["cost_usd"]}
    assert {int(one.at.split(":")[1]) for one in given.figures("daily")} == dated
    savings = [one for one in given.figures("finetune_grid") if one.at.endswith(":saving_usd")]
    assert len(savings) == len(given.files.rows["finetune_grid"])


def test_every_workload_that_cost_something_is_on_the_page(given: Both) -> None:
    rows = given.files.rows["by_workload"]
    spent = {n for n, row in enumerate(rows) if row["name"] == "actual" and row["cost_usd"]}
    shown = {int(one.at.split(":")[1]) for one in given.figures("by_workload")}
    assert spent <= shown
    assert 0 < len(spent) <= 100


def test_labels_of_the_grid_and_of_the_windows_are_those_of_the_files(given: Both) -> None:
    for row in given.files.rows["finetune_grid"]:
        assert f"answers × {row['output_ratio']}" in given.page.texts
    for row in given.files.rows["window_fit"]:
        window = row["window_tokens"]
        words = f"up to {int(window):,} tokens" if window else "longer than every window"
        assert words in given.page.texts


def test_unpriced_calls_and_rejects_are_told(given: Both) -> None:
    unpriced = {one.at for one in given.figures("unpriced")}
    assert len(unpriced) == 3 * len(given.files.rows["unpriced"])
    told = " ".join(given.page.texts)
    rejects = sum(int(row["rejects"]) for row in given.files.rows["coverage"])
    assert ("could not be read" in told) == (rejects > 0)
    assert ("Every call has a price" in told) == (not unpriced)


def test_the_same_reports_give_the_same_bytes(given: Both) -> None:
    assert page.page_of(given.reported, "the tuned model") == given.page.html


def test_a_long_period_is_drawn_by_month_and_its_days_stay_in_the_file(tmp_path: Path) -> None:
    lines = [
        capture(f"call-{n}", f"2023-{1 + n % 12:02}-{1 + n % 28:02}T10:00:00Z", sent=100 + n)
        for n in range(36)
    ]
    found = both(tmp_path, write(tmp_path / "calls.jsonl", lines))
    assert not found.figures("daily")
    assert len(found.figures("monthly")) >= 12
    for one in found.page.figures:
        assert one.value == found.files.cell(one.at)


def test_many_workloads_are_cut_and_the_page_says_where_the_rest_is(tmp_path: Path) -> None:
    lines = [
        {**capture(f"call-{n}", sent=100 + n), "tags": {"workload": f"job {n}"}} for n in range(130)
    ]
    found = both(tmp_path, write(tmp_path / "calls.jsonl", lines))
    shown = [one for one in found.figures("by_workload") if one.at.endswith(":cost_usd")]
    assert len(shown) == 100
    said = [text for text in found.page.texts if text.startswith("Shown are the first 100 of 130")]
    assert said and all("by_workload.csv" in text for text in said)
    kept = sorted((Decimal(one.value) for one in shown), reverse=True)
    assert [Decimal(one.value) for one in shown] == kept
    assert len(found.page.html) < 1_500_000


def test_an_empty_period_gives_a_page_that_says_so(tmp_path: Path) -> None:
    log = write(tmp_path / "calls.jsonl", [capture()])
    found = both(tmp_path, log, from_date=date(2022, 1, 1), to_date=date(2022, 2, 1))
    assert found.page.texts.count("Nothing to draw for this period.") >= 3
    assert "2022-01-01 to 2022-02-01, end excluded" in found.page.texts
    for one in found.page.figures:
        assert one.value == found.files.cell(one.at)


def test_a_store_without_calls_gives_a_page(tmp_path: Path) -> None:
    found = both(tmp_path, ROOT / "fixtures" / "hostile" / "header-only.csv")
    assert "no dated calls" in found.page.texts
