"""Each check of queries/checks finds what it is there for: exit code 1, and the rows by name."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from command import COMPLETE, ERROR, audit
from helpers.logs import capture, failure, write
from helpers.nights import night_folder, nightly
from helpers.runs import take_in

from auditor.sql import names
from auditor.store import Store

USAGE = Path(__file__).resolve().parents[1] / "fixtures" / "formats" / "openai-usage" / "usage.json"
pipeline = importlib.import_module("auditor.pipeline.replay")
CALL = "call_id = 'b'"

# what is written into the store behind its back: the statements, and what the error must name
STORED: dict[str, tuple[str, str]] = {
    "checks/lines_add_up": (
        "UPDATE sources SET lines = lines + 1",
        "what = source {folder}/calls.jsonl; lines = 5; records = 3; rejects = 1; context = 0",
    ),
    "checks/tokens_are_counts": (
        f"UPDATE calls SET output_tokens = -7 WHERE {CALL}",
        "what = {folder}/calls.jsonl:2; call_id = b; meter = output_tokens; tokens = -7",
    ),
    "checks/day_cells_add_up": (
        "UPDATE day_cells SET source_id = 9",
        "what = no source 9; calls = 3; records = None",
    ),
    "checks/sums_have_requests": (
        "UPDATE buckets SET requests = -3 WHERE call_id IN (SELECT min(call_id) FROM buckets)",
        "usage.json:2; call_id = bucket-",
    ),
    "checks/money_is_decimal": (
        "CREATE TABLE more AS SELECT 0.5::DOUBLE AS saved_usd",
        "what = more.saved_usd; data_type = DOUBLE",
    ),
}
# the same, for what only a look at every stored call finds
UNSEEN: dict[str, tuple[str, str]] = {
    "checks/close/each_call_once": (
        f"INSERT INTO calls SELECT * FROM calls WHERE {CALL}; DELETE FROM summed; "
        "UPDATE sources SET lines = lines + 1, records = records + 1",
        "what = {folder}/calls.jsonl:2; call_id = b; times = 2",
    ),
    "checks/store/day_cells_are_their_calls": (
        f"UPDATE calls SET input_tokens = input_tokens + 1 WHERE {CALL}",
        "what = source {folder}/calls.jsonl; calls = 3; stored_calls = 3; tokens_in = 2000; "
        "stored_tokens_in = 2001; tokens_out = 200; stored_tokens_out = 200",
    ),
    "checks/store/rejects_are_booked": (
        "DELETE FROM rejects",
        "what = source {folder}/calls.jsonl; rejects = 1; lines_of_rejects = 0",
    ),
}
# what is written between pricing and checking: a fault in a query, as it were
LAID_DOWN: dict[str, tuple[str, str]] = {
    "checks/cells_keep_tokens": (
        "UPDATE cube SET prompt_tokens = prompt_tokens + 1 WHERE state = 'counted'",
        "what = the stage actual; calls = 3; prompt_tokens = 2000; produced_tokens = 200; "
        "recorded_usd = None | what = the stage cells; calls = 3; prompt_tokens = 2000; "
        "produced_tokens = 200; recorded_usd = None | what = the stage cube; calls = 3; "
        "prompt_tokens = 2001",
    ),
    "checks/every_scenario_sees_every_call": (
        "DELETE FROM ledger WHERE scenario = 0",
        "what = scenario 0; placed = 0; movable = 2; cells = 0; movable_cells = 1",
    ),
    "checks/ledger_is_the_cube": (
        "UPDATE ledger SET actual_usd = actual_usd + 1 WHERE scenario = 0",
        "what = scenario 0, calls of gpt-3.5-turbo-0613; prices_from = 2023-08-22; outcome = fits; "
        "calls = 2; calls_of_the_cube = 2; actual_usd = 1.0034",
    ),
    "checks/every_call_has_one_state": (
        "UPDATE actual SET actual_usd = NULL WHERE state = 'failed'",
        "what = failed calls of gpt-4; tier = standard; reason = ; calls = 1; prompt_tokens = 0",
    ),
    "checks/unpriced_is_never_zero": (
        "UPDATE ledger SET replayed_usd = NULL WHERE scenario = 0",
        "what = ledger of scenario 0; outcome = fits; replayed_usd = None; calls = 2",
    ),
    "checks/once/coverage_adds_up": (
        "UPDATE cells SET calls = 1 WHERE state = 'counted'; "
        "UPDATE cube SET calls = 1 WHERE state = 'counted'; "
        "UPDATE actual SET calls = 1 WHERE state = 'counted'; UPDATE ledger SET calls = 1",
        "what = coverage; lines = 4; calls = 3; buckets = 0; duplicates = 0; rejects = 1; "
        "context = 0; counted = 3; summed_requests = 0; outside_period = 1",
    ),
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of two priced calls, a failed one and a refused line."""
    folder = tmp_path_factory.mktemp("logs")
    lines = [capture("a"), capture("b"), failure("bad", "2023-08-22T10:00:00Z", requested="gpt-4")]
    log = write(folder / "calls.jsonl", [*lines, "{not json"])
    with Store.open(folder / "all.duckdb") as store:
        take_in(store, log)
    return folder


@pytest.fixture
def db(original: Path, tmp_path: Path) -> Path:
    """The same store, to be broken."""
    for name in ("all.duckdb", "all.duckdb.key"):
        shutil.copy(original / name, tmp_path / name)
    return tmp_path / "all.duckdb"


def check_error(found: Any, name: str, folder: Path, named: str) -> None:
    assert found.exit_code == ERROR
    said = " ".join(found.err.split())
    assert f"the check {name} fails" in said
    assert named.format(folder=folder.name) in said, said


@pytest.mark.parametrize("name", STORED)
def test_a_store_that_somebody_wrote_to_is_an_error_of_every_replay(
    db: Path, original: Path, tmp_path: Path, name: str
) -> None:
    change, named = STORED[name]
    if "buckets" in change:
        with Store.open(db) as store:
            take_in(store, USAGE)
    asked = (
        "replay",
        "--db",
        db,
        "--scenario",
        "gpt-4",
        "--allow-rejects",
        "9",
        "--allow-unpriced",
        "9",
    )
    if name == next(iter(STORED)):
        assert audit(*asked, folder=tmp_path).exit_code == COMPLETE
    with duckdb.connect(str(db)) as connection:
        connection.execute(change)
    check_error(audit(*asked, folder=tmp_path, columns=1_000), name, original, named)


@pytest.mark.parametrize("name", UNSEEN)
def test_what_no_replay_looks_at_is_an_error_of_closing(
    db: Path, original: Path, tmp_path: Path, name: str
) -> None:
    change, named = UNSEEN[name]
    with duckdb.connect(str(db)) as connection:
        connection.execute(change)
    found = audit("close", "2023-08", "--db", db, folder=tmp_path, columns=1_000)
    check_error(found, name, original, named)
    with duckdb.connect(str(db)) as connection:
        assert connection.sql("FROM closings").fetchall() == []


@pytest.mark.slow
def test_a_nightly_run_looks_at_what_was_added_up_before(tmp_path: Path) -> None:
    night_folder(tmp_path)
    assert nightly(tmp_path).exit_code == COMPLETE
    with duckdb.connect(str(tmp_path / "audit.duckdb")) as connection:
        connection.execute("UPDATE calls SET input_tokens = input_tokens + 1 WHERE line = 1")
    found = nightly(tmp_path, columns=1_000)
    name = "checks/store/day_cells_are_their_calls"
    check_error(found, name, tmp_path, "what = source logs/2023-08-01.jsonl; calls = 3")


@pytest.mark.parametrize("name", LAID_DOWN)
@pytest.mark.parametrize("command", ["replay", pytest.param("report", marks=pytest.mark.slow)])
def test_a_fault_in_the_figures_is_an_error_before_they_are_shown(
    db: Path,
    original: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    command: str,
) -> None:
    change, named = LAID_DOWN[name]
    price: Callable[..., None] = pipeline.price_cells

    def priced_and_broken(store: Store, *args: Any, **more: Any) -> None:
        price(store, *args, **more)
        store._connection.execute(change)

    monkeypatch.setattr(pipeline, "price_cells", priced_and_broken)
    asked = (command, "--db", db, "--scenario", "gpt-4")
    where = ("-o", tmp_path / "out") if command == "report" else ()
    found = audit(*asked, *where, folder=tmp_path, columns=1_000)
    check_error(found, name, original, named)
    assert found.out == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_first_rows_are_named_and_the_others_counted(tmp_path: Path) -> None:
    lines = [capture(f"call-{n}") for n in range(8)]
    with Store.open(tmp_path / "all.duckdb") as store:
        take_in(store, write(tmp_path / "calls.jsonl", lines))
        store._connection.execute("UPDATE calls SET input_tokens = -1")
    found = audit("replay", "--db", tmp_path / "all.duckdb", folder=tmp_path, columns=1_000)
    said = " ".join(found.err.split())
    assert (said.count("call_id = call-"), "and 3 more" in said) == (5, True)


def test_every_check_is_broken_here() -> None:
    known = {*STORED, *UNSEEN, *LAID_DOWN}
    sections = ("checks", "checks/once", "checks/store", "checks/close")
    assert known == {name for section in sections for name in names(section)}
