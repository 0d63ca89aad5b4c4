"""`audit reconcile` as people run it: output, exit codes, settings, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from command import COMPLETE, ERROR, INCOMPLETE, UNEXPLAINED, USAGE, audit
from golden_files import FIXTURES, GOLDEN, assert_golden
from helpers.invoices import costs, table
from helpers.logs import capture, write
from helpers.sums import Asked, at, page, write_page

INVOICE = FIXTURES / "invoices" / "august-2023.csv"
LINES = {
    "Instruct models": "text-davinci-003",
    "Embeddings": "text-embedding-ada-002",
    "Fine-tuned models": "ft:gpt-3.5-turbo-0613:tansy-rill::7qXw2LpK",
}


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the store of the fixture month and an invoice of it."""
    folder = tmp_path_factory.mktemp("month")
    shutil.copy(INVOICE, folder / "invoice.csv")
    audit("ingest", FIXTURES / "logs", "--db", "store.duckdb", folder=folder)
    settings = ["[reconcile]", 'tolerance = "0.60"', "[reconcile.lines]"]
    settings += [f'"{line}" = "{model}"' for line, model in LINES.items()]
    (folder / "house.toml").write_text("\n".join(settings))
    return folder


RUNS = {
    "table-80": (80, "--config house.toml"),
    "table-160": (160, "--config house.toml --tolerance 3%"),
    "bare": (100, ""),
    "json": (100, "--config house.toml --format json"),
    "csv": (100, "--config house.toml --format csv"),
    "md": (100, "--config house.toml --tolerance 0.5 --format md"),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_reconciliation_is_as_it_was(name: str, month: Path) -> None:
    columns, words = RUNS[name]
    run = audit(
        *("reconcile", "--invoice", "invoice.csv", "--db", "store.duckdb", *words.split()),
        folder=month,
        columns=columns,
    )
    assert_golden(str(run), GOLDEN / "cli" / f"reconcile-{name}.txt")


def test_the_parquet_holds_what_the_csv_holds(month: Path) -> None:
    words = ("reconcile", "--invoice", "invoice.csv", "--db", "store.duckdb", "--format")
    audit(*words, "parquet", "-o", "out.parquet", folder=month)
    text = audit(*words, "csv", folder=month).out
    frame = pl.read_parquet(month / "out.parquet")
    assert frame.columns == text.splitlines()[0].split(",")
    assert frame.height == len(text.splitlines()) - 1
    assert all(kind == pl.Decimal(38, 24) for name, kind in frame.schema.items() if "_usd" in name)


def test_the_store_is_left_as_it_was(month: Path) -> None:
    content = (month / "store.duckdb").read_bytes()
    audit("reconcile", "--invoice", "invoice.csv", "--db", "store.duckdb", folder=month)
    assert (month / "store.duckdb").read_bytes() == content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a store of one call of 0.03 USD."""
    write(tmp_path / "logs.jsonl", [capture("call-1", model="gpt-4-0613", made=0)])
    audit("ingest", "logs.jsonl", "--db", "store.duckdb", folder=tmp_path)
    return tmp_path


def run(folder: Path, words: str) -> tuple[int, str]:
    done = audit("reconcile", "--db", "store.duckdb", *words.split(), folder=folder)
    return done.exit_code, " ".join((done.out + done.err).split())


def test_the_exit_code_says_how_it_ended(folder: Path) -> None:
    table(folder / "i.csv", [("2023-08-22", "gpt-4", "0.04")])
    assert run(folder, "--invoice i.csv --tolerance 0.01")[0] == COMPLETE
    code, said = run(folder, "--invoice i.csv --tolerance 0.009")
    assert (code, said.endswith("More is unexplained than the tolerance allows.")) == (
        UNEXPLAINED,
        True,
    )
    write_page(folder / "u.json", page([Asked(at(22), "gpt-5000", 1, 0)]))
    code, said = run(folder, "--invoice u.json --tolerance 100")
    assert code == INCOMPLETE
    assert "Incomplete: 1 billed request without a price." in said
    assert run(folder, "--invoice nowhere.csv")[0] == USAGE
    assert run(folder, "--invoice i.csv --boundary 721")[0] == USAGE


def test_audit_toml_says_once_what_else_is_said_each_time(folder: Path) -> None:
    table(folder / "i.csv", [("2023-08-22", "GPT", "0.04")])
    settings = '[reconcile]\ntolerance = "0.01"\nboundary_minutes = 5\n'
    (folder / "audit.toml").write_text(settings + '[reconcile.lines]\nGPT = ["gpt-4"]\n')
    code, said = run(folder, "--invoice i.csv --format json")
    assert code == COMPLETE
    found = json.loads(said)
    assert (found["tolerance"], found["boundary_minutes"]) == ({"usd": "0.01", "ppm": None}, 5)
    assert run(folder, "--invoice i.csv --tolerance 0")[0] == UNEXPLAINED
    assert run(folder, "--invoice i.csv --line GPT=gpt-3.5-turbo")[0] == UNEXPLAINED
    assert "'Other'" in run(folder, "--invoice i.csv --line Other=gpt-3.5-turbo")[1]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("tolerance = 5", "[reconcile] tolerance must be a text"),
        ('tolerance = "five"', "[reconcile] tolerance: 'five' is neither an amount"),
        ("boundary_minutes = 721", "[reconcile] boundary_minutes must be a whole number up to 720"),
        ("boundary_minutes = true", "[reconcile] boundary_minutes must be a whole number"),
        ("lines = []", "[reconcile] lines must be a table"),
        ("lines = {GPT = []}", "[reconcile] lines must be a table"),
        ("line = 1", "[reconcile] line is no key we know"),
    ],
)
def test_settings_that_mean_nothing_are_refused(folder: Path, entry: str, problem: str) -> None:
    table(folder / "i.csv", [("2023-08-22", "gpt-4", "0.03")])
    (folder / "audit.toml").write_text(f"[reconcile]\n{entry}\n")
    code, said = run(folder, "--invoice i.csv")
    assert code == ERROR
    assert problem in said


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            "day,line,amount\n2023-08-32,gpt-4,1\n",
            "i.csv:2: its day, a text of 10 characters, is no",
        ),
        (
            "day,line,amount\n2023-8-3,gpt-4,1\n",
            "i.csv:2: its day, a text of 8 characters, is no",
        ),
        (
            "day,line,amount\n2023-08-22,gpt-4,1e\n",
            "i.csv:2: a text of 2 characters is no amount",
        ),
        ('day,line,amount\n2023-08-22,gpt-4,"1,000.00"\n', "is no amount of money"),
        ("day,line,amount\n2023-08-22,gpt-4,\n", "i.csv:2: the amount is missing"),
        ("day,line,amount\n2023-08-22,gpt-4\n", "i.csv:2: 2 cells under a header of 3"),
        ("day,amount,currency\n2023-08-22,1,EUR\n", "an amount in eur, where USD is reckoned with"),
        ("day,line,amount\n", "the invoice bills nothing"),
        ("when,what,how much\n1,2,3\n", "this is no invoice"),
        ("", "i.csv"),
        ("{}\n", "this is no invoice"),
    ],
)
def test_what_is_no_invoice_is_refused_by_line(folder: Path, content: str, problem: str) -> None:
    (folder / "i.csv").write_text(content)
    code, said = run(folder, "--invoice i.csv")
    assert code == ERROR
    assert problem in said
    assert "Hint: " in said


def test_single_calls_are_no_invoice(folder: Path) -> None:
    code, said = run(folder, "--invoice logs.jsonl")
    assert (code, "single calls are no invoice" in said) == (ERROR, True)


def test_a_bucket_that_cannot_be_read_stops_it(folder: Path) -> None:
    broken = page([Asked(at(22), "gpt-4", 1, 0)])
    broken["data"][0]["results"][0]["input_cached_tokens"] = 2
    write_page(folder / "u.json", broken)
    code, said = run(folder, "--invoice u.json")
    assert (code, "cached tokens 2 are more than the 1" in said) == (ERROR, True)


def test_an_export_of_costs_in_another_currency_is_refused(folder: Path) -> None:
    costs(folder / "c.json", [(1_692_662_400, "gpt-4", "1")], currency="eur")
    code, said = run(folder, "--invoice c.json")
    assert (code, "an amount in eur" in said) == (ERROR, True)


@pytest.mark.parametrize("line", ["GPT", "GPT=", "GPT=,"])
def test_a_line_that_names_no_model_is_refused(folder: Path, line: str) -> None:
    table(folder / "i.csv", [("2023-08-22", "gpt-4", "0.03")])
    code, said = run(folder, f"--invoice i.csv --line {line}")
    assert (code, "does not say which models" in said) == (ERROR, True)


def test_the_result_is_no_file_that_the_run_reads(folder: Path) -> None:
    table(folder / "i.csv", [("2023-08-22", "gpt-4", "0.03")])
    for name in ("i.csv", "store.duckdb", "logs.jsonl"):
        content = (folder / name).read_bytes()
        code, _ = run(folder, f"--invoice i.csv --format csv -o {name}")
        assert code == ERROR
        assert (folder / name).read_bytes() == content


def test_an_empty_store_is_compared_as_one_without_logs(folder: Path) -> None:
    table(folder / "i.csv", [("2023-09-22", "gpt-4", "0.03")])
    code, said = run(folder, "--invoice i.csv")
    assert code == UNEXPLAINED
    assert "no call is logged for gpt-4" in said


def test_hostile_names_are_written_out(folder: Path) -> None:
    table(folder / "i.csv", [("2023-08-22", "=1+\x1b[31m", "0.03")])
    code, said = run(folder, "--invoice i.csv")
    assert code == UNEXPLAINED
    assert "\x1b" not in said
    written = run(folder, "--invoice i.csv --format csv")[1]
    assert "'=1+" in written
    assert "\x1b" not in written
