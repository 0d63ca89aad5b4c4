"""Secrets in every text of every format: none is in the store, the reports or what is said.

Every fixture of every format is read with a mark in the place of each of its texts, one at a time,
and with fields that nobody knows. What may show a mark is listed here: a new place fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from command import Run, audit
from golden_files import FIXTURES
from helpers.planting import Marks, marks_in, plant

from auditor.formats import known_formats
from auditor.store import Store

FORMATS = FIXTURES / "formats"
INPUTS = sorted(
    file
    for file in FORMATS.rglob("*")
    if file.is_file() and not file.name.endswith((".expected.json", ".toml"))
)
SOME = {"audit-calls", "litellm", "openpipe", "parallel-results"}
SHOWN_COLUMNS = {
    "calls.requested_model": "names of models",
    "calls.served_model": "names of models",
    "calls.tier": "the provider's word for how a call was processed",
}
SHOWN_TAGS = {
    *("team", "project", "app", "application", "environment", "workload", "organization"),
    *("provider", "region", "deployment", "api", "product", "resource", "agent", "dataset"),
    *("team.name", "Team", "Cost centre", "label", "lot", "App", "promptId"),  # in fixtures
    *("log_type", "service", "feature", "stage", "purpose", "department", "model_group"),
}
"""Tags by which costs are told apart, as logged; the rest must be pseudonyms, or listed here."""


@dataclass(frozen=True)
class Planted:
    """A folder with planted logs, what was put where, and which marks may be shown."""

    folder: Path
    marks: Marks
    shown: set[str]
    runs: tuple[Run, ...]
    formats: set[str]


@pytest.fixture(scope="module", params=[False, pytest.param(True, marks=pytest.mark.slow)])
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """Some formats, and with the slow runs all."""
    folder = tmp_path_factory.mktemp("planted")
    marks = Marks()
    own = (FORMATS / "mapped" / "audit.toml").read_text("utf-8")
    (folder / "audit.toml").write_text(own.replace("[formats.home-made]", "[formats.my-own]"))
    for file in INPUTS:
        name = file.relative_to(FORMATS)
        if not request.param and name.parts[0] not in SOME:
            continue
        (folder / "logs" / name.parent).mkdir(parents=True, exist_ok=True)
        plant(file, folder / "logs" / name, marks, name.as_posix())
    run = audit("ingest", "logs", "--db", "s.duckdb", "--jobs", "1", folder=folder)
    assert run.exit_code in (0, 3), run
    known = {format.name for format in known_formats()} - {"blank"}  # which has no text
    formats = known if request.param else SOME
    return Planted(folder, marks, set(_shown(folder / "s.duckdb")), (run,), formats)


def _shown(db: Path) -> Iterator[str]:
    """The marks in places that may show them."""
    with Store.open(db, to_read=True) as store:
        for place, texts in store.texts():
            if place in SHOWN_COLUMNS:
                yield from marks_in("\n".join(texts).encode())
        tags = store._connection.execute(
            "SELECT DISTINCT e.key, e.value FROM (SELECT unnest(map_entries(tags)) AS e FROM calls)"
        )
        for name, value in tags.fetchall():
            named = marks_in(name.encode())
            yield from named
            if name in SHOWN_TAGS or named:
                yield from marks_in(value.encode())


def leaked(planted: Planted, content: bytes) -> list[str]:
    return sorted(planted.marks.places[mark] for mark in marks_in(content) - planted.shown)


def test_every_format_was_planted_and_read(planted: Planted) -> None:
    with Store.open(planted.folder / "s.duckdb", to_read=True) as store:
        read = {row["source_format"] for row in store.rows("ingest/converted", keyed=False)}
        rejects = store.rows("ingest/rejects", most=None)
    named = {row["source_name"].split("/")[1] for row in rejects} | read
    marked = {place.split("/")[0] for place in planted.marks.places.values()}
    assert planted.formats <= named
    assert planted.formats <= marked


def test_the_store_shows_no_mark(planted: Planted) -> None:
    found = {}
    with Store.open(planted.folder / "s.duckdb", to_read=True) as store:
        for place, texts in store.texts():
            if leaks := leaked(planted, "\n".join(texts).encode()):
                found[place] = sorted(set(leaks))
    assert not found
    leaks = leaked(planted, (planted.folder / "s.duckdb").read_bytes())
    # the model of a call that gave way to a fuller reading of it remains in the file
    assert not [place for place in leaks if not place.endswith("model")][:5]


def test_nothing_that_is_said_shows_a_mark(planted: Planted) -> None:
    asked = (
        ("show", "rejects", "--db", "s.duckdb"),
        ("show", "unpriced", "--db", "s.duckdb"),
        ("show", "workloads", "--db", "s.duckdb"),
        ("replay", "--db", "s.duckdb", "--by", "user,session", "--format", "json"),
    )
    for words in asked:
        run = audit(*words, folder=planted.folder)
        leaks = leaked(planted, (run.out + run.err).encode())
        assert not leaks[:5], words
    for run in planted.runs:
        leaks = leaked(planted, (run.out + run.err).encode())
        assert not leaks[:5]


def test_no_report_shows_a_mark(planted: Planted) -> None:
    names = () if len(planted.formats) > len(SOME) else ("summary", "unpriced", "charges")
    run = audit("report", *names, "--db", "s.duckdb", "-o", "reports", folder=planted.folder)
    assert run.exit_code in (0, 3), run
    for file in (planted.folder / "reports").rglob("*"):
        if file.is_file():
            leaks = leaked(planted, file.read_bytes())
            assert not leaks[:5], file.name


@pytest.mark.slow
def test_no_page_verdict_or_converted_call_shows_a_mark(planted: Planted) -> None:
    asked = (
        ("report", "--db", "s.duckdb", "--html", "-o", "page.html"),
        ("report", "--db", "s.duckdb", "--format", "focus", "--format", "json", "-o", "focus"),
        ("finetune", "--db", "s.duckdb", "--format", "json", "-o", "verdict.json"),
        ("convert", "logs", "-o", "calls.parquet"),
        ("replay", "logs", "--by", "user,session", "--format", "csv", "-o", "by.csv"),
        ("count", "logs", "--format", "json", "-o", "count.json"),
        ("prices", "check", "--db", "s.duckdb", "--format", "json", "-o", "check.json"),
        ("finetune", "dataset", "none", "--db", "s.duckdb", "-o", "set.jsonl"),
    )
    for words in asked:
        run = audit(*words, folder=planted.folder)
        leaks = leaked(planted, (run.out + run.err).encode())
        assert not leaks[:5], words
    written = [path for path in planted.folder.rglob("*") if path.is_file()]
    for path in written:
        if "logs" not in path.parts and path.suffix != ".toml":
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content = pl.read_parquet(path).write_json().encode()
            leaks = leaked(planted, content)
            assert not leaks[:5], path.name
