"""What an attacker found once: each with the smallest case, and the law that now holds."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import duckdb
import polars as pl
import pytest
from command import COMPLETE, ERROR, INCOMPLETE, audit
from helpers.logs import capture, write

from auditor import formats
from auditor.errors import SourceError, StoreError
from auditor.finding import find
from auditor.formats import Format
from auditor.pipeline import Question, ingest, replay
from auditor.pipeline.counting import Gauge
from auditor.prices import open_book
from auditor.records import Reading
from auditor.scenarios import load
from auditor.sources import LogFile
from auditor.store import Store

REPLAY = ("--scenario", "gpt-4", "--format", "csv")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write(tmp_path / "logs" / "a.jsonl", [capture("one"), capture("two")])


def captures() -> Format:
    return next(format for format in formats.known_formats() if format.name == "captures")


def test_a_file_that_changes_while_it_is_read_is_wholly_out(log: Path) -> None:
    real = captures()

    def read_then_grow(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
        yield from real.read(file, stream)
        with log.open("ab") as growing:
            growing.write(log.read_bytes())

    growing = Format("captures", "grows", real.claims, read_then_grow)
    with Store.open(None) as store:
        with pytest.raises(SourceError, match="changed while it was read"):
            ingest(store, find([str(log)]), [growing], Gauge(open_book(), {}))
        assert store.rows("ingest/sources") == []
        assert store.rows("replay/find_call", wanted="one") == []


@pytest.mark.parametrize("target", ["store.duckdb", "logs/a.jsonl", "own.toml", "house.csv"])
def test_a_result_is_never_written_over_what_the_run_reads(target: str, log: Path) -> None:
    folder = log.parent.parent
    books = Path(__file__).parents[1] / "fixtures" / "books"
    shutil.copy(books / "house.csv", folder / "house.csv")
    (folder / "own.toml").write_text('name = "x"\nmodels = ["gpt-4-0613"]\nprices_at = "call"\n')
    assert audit("ingest", "logs", "--db", "store.duckdb", folder=folder).exit_code == COMPLETE
    before = (folder / target).read_bytes()
    asked = ("--prices", "house.csv", "--scenarios", "own.toml", "--db", "store.duckdb")
    run = audit("replay", "logs", *asked, "-o", target, *REPLAY, folder=folder)
    assert run.exit_code == ERROR
    assert "Hint: Write the result elsewhere." in run.err
    assert (folder / target).read_bytes() == before


def test_a_result_goes_through_a_link_and_into_a_device(log: Path) -> None:
    folder = log.parent.parent
    link, target = folder / "link.csv", folder / "target.csv"
    link.symlink_to(target)
    assert audit("replay", "logs", "-o", link, *REPLAY, folder=folder).exit_code == COMPLETE
    assert link.is_symlink()
    assert target.read_text().startswith("name,")
    assert audit("replay", "logs", "-o", "/dev/null", *REPLAY, folder=folder).exit_code == COMPLETE
    assert Path("/dev/null").is_char_device()


def test_the_store_and_the_settings_of_a_run_are_no_logs(log: Path) -> None:
    (log.parent / "audit.toml").write_text('timezone = "UTC"\n')
    for known in ("2 new calls", "1 file known already"):
        run = audit("ingest", ".", "--db", "store.duckdb", folder=log.parent)
        assert run.exit_code == COMPLETE, run
        assert known in run.err


@pytest.mark.parametrize("content", [b"hello,x\rworld\n", b"\x00\xff\r\x01" * 9, b'"a\r"b'])
def test_any_bytes_are_recognised_or_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "any.bin").write_bytes(content)
    run = audit("replay", "any.bin", folder=tmp_path)
    assert run.exit_code == ERROR
    assert "no format recognises this file" in run.err


def test_two_readers_share_a_store_and_change_nothing_in_it(log: Path) -> None:
    path = log.parent / "store.duckdb"
    audit("ingest", "a.jsonl", "--db", path, folder=log.parent)
    before = path.read_bytes()
    with Store.open(path, to_read=True):
        code = "import sys; from auditor.cli import main; main()"
        command = [sys.executable, "-c", code, "replay", "--db", str(path), *REPLAY]
        beside = subprocess.run(command, capture_output=True, check=False)
    assert (beside.returncode, path.read_bytes()) == (COMPLETE, before)


def test_a_store_that_cannot_be_written_can_be_read(log: Path) -> None:
    path = log.parent / "store.duckdb"
    audit("ingest", "a.jsonl", "--db", path, folder=log.parent)
    path.chmod(0o444)
    log.parent.chmod(0o555)
    try:
        assert audit("replay", "--db", path, *REPLAY, folder=log.parent).exit_code == COMPLETE
    finally:
        log.parent.chmod(0o755)


class FullDisk:
    """A connection whose disk has no room left."""

    def begin(self) -> None: ...

    def rollback(self) -> None:
        raise duckdb.TransactionException("no transaction is active")

    def commit(self) -> None:
        raise duckdb.TransactionException("Failed to commit: No space left on device")


def test_a_failure_of_the_disk_is_an_error_of_the_store() -> None:
    store = Store(cast(duckdb.DuckDBPyConnection, FullDisk()), Path("august.duckdb"))
    with pytest.raises(StoreError, match=r"august.duckdb: .*No space left") as failure:  # noqa: SIM117
        with store.transaction():
            pass
    assert "what was stored before this run stays" in failure.value.hint


@pytest.mark.parametrize(
    "said",
    [
        RuntimeError("Query interrupted"),
        duckdb.InterruptException("INTERRUPT Error: Interrupted!"),
        pl.exceptions.ComputeError("INTERRUPT Error: Interrupted!"),
        duckdb.InvalidInputException("reading the schema failed: KeyboardInterrupt: "),
    ],
)
def test_a_signal_within_a_query_is_an_interrupt(said: Exception) -> None:
    class Told(FullDisk):
        def commit(self) -> None:
            raise said

    store = Store(cast(duckdb.DuckDBPyConnection, Told()), Path("august.duckdb"))
    with pytest.raises(KeyboardInterrupt), store.transaction():
        pass


def test_the_largest_counts_and_costs_add_up(tmp_path: Path) -> None:
    row = "1692700000,gpt-4-0613,1000000000000,7,999999999.5\n"
    (tmp_path / "t.csv").write_text("t,m,i,o,c\n" + row * 3_000)
    (tmp_path / "audit.toml").write_text(
        '[formats.t]\ntime = "t"\ntime_format = "unix"\nmodel = "m"\ninput = "i"\noutput = "o"\n'
        'cost = "c"\n'
    )
    run = audit(
        "replay", "t.csv", "--scenario", "gpt-3.5-turbo", "--format", "json", folder=tmp_path
    )
    actual = json.loads(run.out)["actual"]
    assert (run.exit_code, actual["calls"]) == (COMPLETE, 3_000)
    assert actual["input_tokens"] == 3_000 * 10**12
    assert actual["recorded_usd"] == "2999999998500"
    assert actual["cost_usd"] == "90000000001.26"


def test_a_scenario_on_a_model_that_no_book_knows_says_so(log: Path) -> None:
    file = log.parent / "typo.toml"
    file.write_text('name = "typo"\nmodels = ["gpt-4-0631"]\nprices_at = 2023-08-22\n')
    asked = ("--scenarios", file, "--scenario", "typo")
    run = audit("replay", "a.jsonl", *asked, folder=log.parent)
    assert run.exit_code == INCOMPLETE
    assert "unpriced in typo: 2 calls: gpt-4-0631: not in the price book." in run.out
    assert "Incomplete: 2 calls unpriced in typo." in run.err


def test_a_what_if_does_not_assume_that_a_model_was_there(log: Path) -> None:
    run = audit("replay", "a.jsonl", "--scenario", "gpt-5.6-luna", folder=log.parent)
    assert run.exit_code == INCOMPLETE
    assert "the first day of gpt-5.6-luna is not known" in " ".join(run.out.split())


def test_a_day_that_the_user_names_may_have_a_price_without_a_first_day(tmp_path: Path) -> None:
    file = tmp_path / "old.toml"
    file.write_text('name = "old"\nmodels = ["text-davinci-003"]\nprices_at = 2023-08-22\n')
    log = write(tmp_path / "a.jsonl", [capture("one")])
    with Store.open(None) as store:
        book = open_book()
        ingest(store, find([str(log)]), formats.known_formats(), Gauge(book, {}))
        row = replay(store, Question(book=book, scenarios=(load(file),))).rows[0]
    assert (row["fits"], row["unpriced"]) == (1, 0)


@pytest.mark.slow
def test_a_long_table_ends_and_says_so(tmp_path: Path) -> None:
    lines = [{**capture(f"id-{n}"), "tags": {"user": f"user-{n:05}"}} for n in range(3_010)]
    write(tmp_path / "many.jsonl", lines)
    asked = ("--by", "tag:user", "--scenario", "gpt-4")
    run = audit("replay", "many.jsonl", *asked, folder=tmp_path)
    assert "The tables end after 3,000 rows; --format csv holds all 3,010." in run.out
    assert "user-03009" not in run.out
    run = audit("replay", "many.jsonl", *asked, "--format", "csv", folder=tmp_path)
    assert run.out.count("\n") == 3_011


def test_a_log_without_calls_is_told(tmp_path: Path) -> None:
    (tmp_path / "blank.jsonl").write_text("\n\n")
    run = audit("replay", "blank.jsonl", *REPLAY, folder=tmp_path)
    assert (run.exit_code, run.err.splitlines()[-1]) == (COMPLETE, "There are no calls.")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_output_is_an_error_without_a_traceback(log: Path) -> None:
    code = "from auditor.cli import main; main()"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code, "replay", str(log), *REPLAY],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == ERROR
    assert "the output cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
