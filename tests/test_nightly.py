"""``audit nightly``: what it prints and writes, its exit codes, night after night."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from command import BROKEN_BUDGET, COMPLETE, ERROR, INCOMPLETE, audit
from golden_files import GOLDEN, assert_golden
from helpers.logs import capture, write
from helpers.nights import ENV, add_day, night_folder, nightly, reports_of

DAYS = (1, 2, 7, 31)


def test_a_run_prints_one_line_and_writes_the_reports(tmp_path: Path) -> None:
    done = nightly(night_folder(tmp_path))
    assert_golden(str(done), GOLDEN / "cli" / "nightly.txt")
    written = reports_of(tmp_path)
    assert written.keys() == {
        *("summary.csv", "coverage.csv", "budgets.csv"),
        *("nightly.json", "manifest.json"),
    }
    assert_golden(written["nightly.json"].decode(), GOLDEN / "cli" / "nightly.json")
    listed = json.loads(written["manifest.json"])["files"]
    assert listed.keys() == written.keys() - {"manifest.json"}


def test_it_writes_what_audit_report_writes(tmp_path: Path) -> None:
    nightly(night_folder(tmp_path))
    names = ("summary", "coverage", "budgets")
    asked = ("--scenario", "gpt-4", "--by", "team", "--db", "audit.duckdb", "-o", "other")
    assert audit("report", *names, *asked, folder=tmp_path).exit_code == COMPLETE
    for name in names:
        by_hand = (tmp_path / "other" / f"{name}.csv").read_bytes()
        assert by_hand == (tmp_path / "reports" / f"{name}.csv").read_bytes()


@pytest.mark.slow
def test_the_page_and_focus_lie_in_the_folder(tmp_path: Path) -> None:
    """As `audit report` writes them; the page shows all together, whatever ``by``."""
    settings = night_folder(tmp_path) / "audit.toml"
    keys = 'page = "look.html"\nformats = ["csv", "focus"]\nfocus_version = "1.4"\n'
    text = settings.read_text("utf-8")
    settings.write_text(text.replace("[nightly]\n", f"[nightly]\n{keys}"), encoding="utf-8")
    assert nightly(tmp_path).exit_code == COMPLETE
    written = reports_of(tmp_path)
    asked = ("--scenario", "gpt-4", "--db", "audit.duckdb")
    page = audit("report", *asked, "--html", "-o", "page.html", folder=tmp_path)
    assert page.exit_code == COMPLETE
    assert written["look.html"] == (tmp_path / "page.html").read_bytes()
    version = ("--format", "focus", "--focus-version", "1.4")
    assert audit("report", *asked, *version, "-o", "f", folder=tmp_path).exit_code == COMPLETE
    assert written["focus.csv"] == (tmp_path / "f" / "focus.csv").read_bytes()
    listed = json.loads(written["manifest.json"])["files"]
    assert listed.keys() == written.keys() - {"manifest.json"}
    assert nightly(tmp_path).exit_code == COMPLETE
    assert reports_of(tmp_path) == written


def test_a_budget_that_no_call_counts_for_is_said(tmp_path: Path) -> None:
    """A name that is spelt otherwise than logged would keep a budget silently at 0."""
    settings = night_folder(tmp_path) / "audit.toml"
    budget = '[[budget]]\nname = "desk"\nwhere = { team = "Desk" }\nperiod = "day"\n'
    text = settings.read_text("utf-8")
    settings.write_text(f'{text}\n{budget}limit_usd = "1"\n', encoding="utf-8")
    done = nightly(tmp_path)
    assert done.exit_code == COMPLETE
    assert "Budget desk: no call of the store is in its scope (team = Desk)." in done.err
    assert json.loads(reports_of(tmp_path)["nightly.json"])["budgets_of_nothing"] == ["desk"]


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    first = nightly(night_folder(tmp_path, limit="0.001"))
    before = reports_of(tmp_path)
    inode = (tmp_path / "reports").stat().st_ino
    second = nightly(tmp_path)
    assert first.exit_code == second.exit_code == BROKEN_BUDGET
    assert reports_of(tmp_path) == before
    assert (tmp_path / "reports").stat().st_ino == inode


def test_what_was_changed_by_hand_is_written_again(tmp_path: Path) -> None:
    nightly(night_folder(tmp_path))
    before = reports_of(tmp_path)
    (tmp_path / "reports" / "summary.csv").write_text("nothing\n")
    (tmp_path / "reports" / "budgets.csv").unlink()
    (tmp_path / "reports" / "notes.txt").write_text("ours\n")
    assert nightly(tmp_path).exit_code == COMPLETE
    assert reports_of(tmp_path) == {**before, "notes.txt": b"ours\n"}


def test_night_after_night_is_all_at_once(tmp_path: Path) -> None:
    """The last folder is that of one run over all logs, to the byte."""
    nights = night_folder(tmp_path / "nights", ())
    for day in DAYS:
        add_day(nights, day)
        done = nightly(nights)
        assert done.exit_code == COMPLETE
        assert "; 3 new calls; " in done.out
    once = night_folder(tmp_path / "once", DAYS)
    assert nightly(once).exit_code == COMPLETE
    assert reports_of(nights) == reports_of(once)


@pytest.mark.parametrize(
    ("limit", "line", "code"),
    [
        ("1", None, COMPLETE),
        ("1", "{no call", INCOMPLETE),
        ("0.001", None, BROKEN_BUDGET),
        ("0.001", "{no call", BROKEN_BUDGET),  # what is missing can only add to it
        ("0.005", None, COMPLETE),  # a warning is no breach
    ],
)
def test_the_exit_code_says_the_worst(
    limit: str, line: str | None, code: int, tmp_path: Path
) -> None:
    folder = night_folder(tmp_path, (1,), limit=limit)
    if line:
        write(folder / "logs" / "more.jsonl", [capture("more", "2023-08-01T00:00:00Z"), line])
    done = nightly(folder)
    assert done.exit_code == code
    assert done.out.count("\n") == 1
    assert ("1 line rejected" in done.out) == bool(line)
    document = json.loads(reports_of(folder)["nightly.json"])
    states = {COMPLETE: "fine", INCOMPLETE: "incomplete", BROKEN_BUDGET: "broken"}
    assert document["state"] == states[code]
    assert document["missing"] == (["1 line rejected"] if line else [])


def test_an_allowance_of_audit_toml_holds(tmp_path: Path) -> None:
    folder = night_folder(tmp_path, (1,))
    write(folder / "logs" / "more.jsonl", [capture("more", model="house-model"), "{no call"])
    assert nightly(folder).exit_code == INCOMPLETE
    settings = folder / "audit.toml"
    allowed = 'allow_rejects = "20%"\nallow_unpriced = 1\n'
    settings.write_text(allowed + settings.read_text())
    assert nightly(folder).exit_code == COMPLETE


def test_a_broken_budget_of_an_earlier_month_is_in_the_file_and_not_in_the_exit_code(
    tmp_path: Path,
) -> None:
    folder = night_folder(tmp_path, (1, 2), limit="0.005")
    assert nightly(folder).exit_code == BROKEN_BUDGET
    write(folder / "logs" / "september.jsonl", [capture("s", "2023-09-01T10:00:00Z", made=0)])
    assert nightly(folder).exit_code == COMPLETE
    assert b",no,broken," in reports_of(folder)["budgets.csv"]
    settings = folder / "audit.toml"
    settings.write_text(settings.read_text() + "look_back = 1\n")
    assert nightly(folder).exit_code == BROKEN_BUDGET


def test_a_limit_on_the_period_of_the_reports_is_none_on_the_budgets(tmp_path: Path) -> None:
    folder = night_folder(tmp_path, (1, 2), limit="0.001")
    settings = folder / "audit.toml"
    past = "[nightly]\nfrom = 2023-07-01\nto = 2023-08-02"
    settings.write_text(settings.read_text().replace("[nightly]", past))
    done = nightly(folder)
    assert done.exit_code == BROKEN_BUDGET
    assert "0.009 of 0.001 USD" in done.out


def test_names_from_logs_and_settings_stay_on_one_line(tmp_path: Path) -> None:
    folder = night_folder(tmp_path, (1,), limit="0.001")
    settings = folder / "audit.toml"
    hostile = '"=1+1\\u001b[31m\\n[red]two"'
    settings.write_text(settings.read_text().replace('"everything"', hostile))
    done = nightly(folder)
    assert done.out.count("\n") == 1
    assert "\x1b" not in done.out
    assert "=1+1\\x1b[31m\\n[red]two" in done.out
    assert b"\n\"'=1+1" in reports_of(folder)["budgets.csv"]


def test_the_reports_of_last_night_are_no_logs(tmp_path: Path) -> None:
    folder = night_folder(tmp_path, (1,))
    settings = folder / "audit.toml"
    settings.write_text(settings.read_text().replace('["logs"]', '["."]'))
    assert nightly(folder).exit_code == COMPLETE
    done = nightly(folder)
    assert (done.exit_code, "0 new calls" in done.out) == (COMPLETE, True)


def test_paths_are_relative_to_audit_toml(tmp_path: Path) -> None:
    night_folder(tmp_path / "costs [1]", (1,))
    settings = tmp_path / "costs [1]" / "audit.toml"
    settings.write_text(settings.read_text().replace('["logs"]', '["logs/2023-*.jsonl"]'))
    done = nightly(tmp_path, "--config", "costs [1]/audit.toml")
    assert done.exit_code == COMPLETE
    assert (tmp_path / "costs [1]" / "reports" / "summary.csv").is_file()


def settings_with(folder: Path, old: str, new: str) -> object:
    settings = folder / "audit.toml"
    return settings.write_text(settings.read_text().replace(old, new, 1))


ERRORS: dict[str, Callable[[Path], object]] = {
    "no-settings": lambda folder: (folder / "audit.toml").unlink(),
    "no-nightly": lambda folder: (folder / "audit.toml").write_text('timezone = "UTC"\n'),
    "no-logs": lambda folder: (folder / "logs" / "2023-08-01.jsonl").unlink(),
    "output-is-taken": lambda folder: write(folder / "reports" / "thesis.txt", ["a year's work"]),
    "output-is-a-file": lambda folder: write(folder / "reports", ["a year's work"]),
    "unknown-scenario": lambda folder: settings_with(folder, '"gpt-4"', '"gpt-9"'),
    "unknown-report": lambda folder: settings_with(folder, '"coverage"', '"hourly"'),
    "too-many-dimensions": lambda folder: settings_with(folder, '"team"', '"a,b,c,d,e"'),
    "unknown-zone": lambda folder: settings_with(folder, "\n", 'timezone = "Europe/Atlantis"\n'),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_says_what_is_wrong_and_writes_nothing(name: str, tmp_path: Path) -> None:
    ERRORS[name](night_folder(tmp_path, (1,)))
    done = nightly(tmp_path)
    assert (done.exit_code, done.out) == (ERROR, "")
    assert not (tmp_path / "reports" / "manifest.json").exists()
    assert_golden(str(done), GOLDEN / "errors" / f"nightly-{name}.txt")


def test_a_bad_file_tonight_leaves_the_reports_of_yesterday(tmp_path: Path) -> None:
    nightly(night_folder(tmp_path))
    before = reports_of(tmp_path)
    (tmp_path / "logs" / "diary.txt").write_text("dear diary\n")
    assert nightly(tmp_path).exit_code == ERROR
    assert reports_of(tmp_path) == before
    (tmp_path / "logs" / "diary.txt").unlink()
    assert nightly(tmp_path).exit_code == COMPLETE


def test_the_budgets_of_a_closed_month_count_what_came_later(tmp_path: Path) -> None:
    nightly(night_folder(tmp_path, (1,), limit="0.005"))
    closed = audit("close", "2023-08", "--db", "audit.duckdb", folder=tmp_path, env=dict(ENV))
    assert closed.exit_code == COMPLETE
    add_day(tmp_path, 2)
    done = nightly(tmp_path)
    assert done.exit_code == BROKEN_BUDGET
    assert "0.009 of 0.005 USD" in done.out
