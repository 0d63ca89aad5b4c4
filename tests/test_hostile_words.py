"""Names of models, tags, ids and files that are code somewhere: every command takes them for text.

What is printed has no control character, no cell of a CSV begins a formula, JSON and Parquet hold
the names to the letter, no name is markup on the page, and the figures are those of plain names.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest
from command import COMPLETE, ERROR, INCOMPLETE, Run, audit
from helpers.logs import capture, write

from auditor.records import clean

WORDS = (
    *("'; DROP TABLE calls; --", '"; DELETE FROM calls; --', "%s%n%x", "{{ 7 * 7 }}", "$(id)`id`"),
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "]]><!--", "&lt;b&gt;"),
    *("\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m", "\x1bP q\x1b\\", "\x08\x7f", "a\x00b"),
    *("=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1+1", "=cmd|' /C calc'!A0"),
    *("two\nlines", "two\r\nlines", "a|b", "a,b;c\td", "[bold red]x[/]", ":smile:", "\\x1b[0m"),
    *("\u202egpt-4", "a\u2028b", "\ud800", "\ufeff", "\u2018quoted\u2019", "x" * 300, " "),
    *("../../x", "\uff1d1"),
)
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
FILE_NAMES = (
    *("two\nlines.jsonl", "quote'\".jsonl", "'; DROP TABLE sources; --.jsonl", "=1+1.jsonl"),
    *("\x1b[31mred.jsonl", "<b>x<b>.jsonl", "caf\udce9.jsonl", "-rf.jsonl", "a\u202eb.jsonl"),
    "%s [x] *.jsonl",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with logs of hostile names, plain.duckdb and hostile.duckdb."""
    folder = tmp_path_factory.mktemp("words")
    plain, hostile = [], []
    for number, word in enumerate(WORDS):
        for place, model in enumerate((None, "gpt-4-0613")):
            line = capture(f"call-{number}-{place}", sent=100 + number, team="t")
            plain.append(json.loads(json.dumps(line)))
            line["response"]["id"] = f"{word}{number}-{place}"
            line["response"]["model"] = model or word
            line["request"]["model"] = word
            line["tags"] = {"team": word, word: word, "user": word, "workload": word}
            hostile.append(line)
    write(folder / "plain" / "log.jsonl", plain)
    share = len(hostile) // len(FILE_NAMES) + 1
    for number, name in enumerate(FILE_NAMES):
        part = hostile[number * share : (number + 1) * share]
        write(folder / "hostile" / name, [*part, '{"\x1b[31m": "=1+1'])
    for name, code in (("plain", COMPLETE), ("hostile", INCOMPLETE)):
        run = audit("ingest", name, "--db", f"{name}.duckdb", folder=folder)
        assert run.exit_code == code, run
        check_text(run.err)
    return folder


def check_text(text: str) -> None:
    """Nothing in it steers a terminal, or cannot be seen."""
    strange = {letter for letter in text if not letter.isprintable() and letter != "\n"}
    assert not strange, strange


def check_cells(text: str) -> None:
    """A table in which no cell is a formula, and no name has broken a row."""
    rows = list(csv.reader(io.StringIO(text)))
    assert len({len(row) for row in rows}) == 1
    for cell in (cell for row in rows for cell in row):
        number = cell.removeprefix("-").removeprefix("+").replace(".", "", 1)
        assert not cell.startswith(FORMULAS) or number.isdecimal(), repr(cell)


def told(folder: Path, command: str) -> Run:
    run = audit(*command.split(), "--db", "hostile.duckdb", folder=folder, columns=120)
    assert run.exit_code in (COMPLETE, INCOMPLETE), run
    check_text(run.err)
    return run


def test_the_figures_are_those_of_plain_names(folder: Path) -> None:
    asked = ("--assume-model", "gpt-4-0613", "--scenario", "gpt-3.5-turbo", "--format", "json")
    found = []
    for name in ("plain", "hostile"):
        run = audit("replay", "--db", f"{name}.duckdb", *asked, folder=folder)
        found.append(json.loads(run.out))
    plain, hostile = found
    assert hostile["coverage"]["calls"] == plain["coverage"]["calls"] == 2 * len(WORDS)
    assert hostile["scenarios"][0]["cost_usd"] == plain["scenarios"][0]["cost_usd"]
    assert hostile["coverage"]["rejects"] == len(FILE_NAMES)


BY = "--by model --by requested_model --by team --by tag:user --by source --by workload"
TABLES = (
    *(f"replay {BY}", "show models", "show unpriced", "show rejects", "finetune --against gpt-4"),
    *("prices check --today 2026-09-01", f"replay {BY} --scenario gpt-4"),
)


@pytest.mark.slow
@pytest.mark.parametrize("format", ["table", "md"])
@pytest.mark.parametrize("command", TABLES)
def test_nothing_that_is_printed_steers_a_terminal(command: str, format: str, folder: Path) -> None:
    if command.startswith("show") and format == "md":
        pytest.skip("it has no formats")
    run = told(folder, command + ("" if command.startswith("show") else f" --format {format}"))
    check_text(run.out)
    if format == "md":
        rows = [row for row in run.out.splitlines() if row.startswith("|")]
        assert len({row.replace("\\|", "").count("|") for row in rows}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("command", [*TABLES[:1], *TABLES[4:]])
def test_no_cell_that_is_printed_is_a_formula(command: str, folder: Path) -> None:
    check_cells(told(folder, f"{command} --format csv").out)


def test_json_and_parquet_hold_the_names_to_the_letter(folder: Path) -> None:
    rows = json.loads(told(folder, "replay --by requested_model --format json").out)["scenarios"]
    assert {row["requested_model"] for row in rows} == {clean(word) for word in WORDS}
    told(folder, "replay --by requested_model --format parquet -o names.parquet")
    frame = pl.read_parquet(folder / "names.parquet")
    assert set(frame["requested_model"]) == {clean(word) for word in WORDS}


@pytest.mark.slow
def test_a_folder_of_reports_holds_no_formula_and_no_control_character(folder: Path) -> None:
    told(folder, "report -o reports --by model,team --focus-sub-account user")
    files = [path for path in (folder / "reports").rglob("*") if path.is_file()]
    tables = [path for path in files if path.suffix == ".csv"]
    assert len(tables) > 10
    for path in tables:
        check_cells(path.read_text(encoding="utf-8-sig"))
    told(folder, "report -o focus --format focus --focus-sub-account user")
    for path in (folder / "focus").rglob("*.csv"):
        check_cells(path.read_text(encoding="utf-8-sig"))


@pytest.mark.slow
def test_the_page_holds_no_markup_of_a_name(folder: Path) -> None:
    told(folder, "report --html -o page.html")
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page.lower() and "<img" not in page.lower() and "]]><!--" not in page
    check_text(page)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(0, len(WORDS), 3))
def test_a_call_with_a_hostile_id_is_explained(number: int, folder: Path) -> None:
    id = f"{clean(WORDS[number])}{number}-1"
    if "\x00" in id:
        pytest.skip("no command line holds a NUL")
    run = audit("explain", "--db", "hostile.duckdb", "--", id, folder=folder)
    assert run.exit_code in (COMPLETE, INCOMPLETE), run
    check_text(run.out + run.err)


@pytest.mark.slow
@pytest.mark.parametrize("word", [word for word in WORDS if "\x00" not in word and word.strip()])
def test_an_error_that_names_what_was_typed_steers_no_terminal(word: str, folder: Path) -> None:
    """Typed by whoever starts the nightly job, taken from a log by a script."""
    typed = word.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
    for asked in (
        ("explain", "--db", "hostile.duckdb", "--", typed),
        ("show", "prices", "--", typed),
        ("replay", "--as", typed, "plain"),
        ("replay", "--scenario", typed, "plain"),
        ("replay", f"./{typed}"),
        ("replay", "plain", "--tz", typed),
    ):
        run = audit(*asked, folder=folder)
        assert run.exit_code != COMPLETE or asked[0] == "explain", run
        check_text(run.out + run.err)


@pytest.mark.slow
def test_files_with_hostile_names_are_read_told_apart_and_left_out(folder: Path) -> None:
    for name in FILE_NAMES:
        run = audit("ingest", f"./hostile/{name}", "--db", "hostile.duckdb", folder=folder)
        assert "1 file known already" in run.err, (name, run)
        check_text(run.err)
    only = [word for name in FILE_NAMES[1:] for word in ("--exclude", name.replace("[", "[[]"))]
    run = audit("replay", "hostile", *only, "--format", "json", folder=folder)
    assert json.loads(run.out)["coverage"]["files"] == 1, run.err


@pytest.mark.slow
@pytest.mark.parametrize("bad", ["\x1b[2J.jsonl", "two\nlines.jsonl", "caf\udce9.jsonl"])
def test_an_error_of_a_file_with_a_hostile_name_steers_no_terminal(
    bad: str, tmp_path: Path
) -> None:
    (tmp_path / bad).write_text("no log\n")
    run = audit("ingest", ".", "--db", "s.duckdb", folder=tmp_path)
    assert run.exit_code == ERROR
    check_text(run.err)
    (problem, *_) = run.err.splitlines()
    assert problem.endswith(".jsonl: no format recognises this file")
    assert bad.encode("unicode_escape").decode()[:4] in problem
