"""The files of a report: safe to open, the same every time, all there or none."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from command import COMPLETE, ERROR, INCOMPLETE, audit
from helpers.logs import capture, write

from auditor.errors import AuditError
from auditor.reports import folder as folders
from auditor.reports.files import csv_text
from auditor.reports.folder import MANIFEST, check_folder, write_folder

HOSTILE = (
    *(
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff20A",
    ),
    *("'=1", '"quoted"', "a,b", "a\nb", "a\r\nb", "\x00", "\x1b[31m", "x" * 40_000, " =1", ""),
    *("x;=1", "a\t@b", ";-1", "a;b"),
)
STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
# what is written in place of a name, by hand: each stays another name
SAFE = {
    **{name: f"'{name}" for name in HOSTILE if name.startswith(STARTS)},
    "\t=1": "'\t'=1",
    "\r=1": "'\r'=1",
    "\n=1": "'\n'=1",
    "'=1": "''=1",
    "x;=1": "x;'=1",
    "a\t@b": "a\t'@b",
    ";-1": ";'-1",
    "a\r\nb": "a\r'\nb",
    "\x00": "\\x00",
    "\x1b[31m": "\\x1b[31m",
}


def test_no_name_is_a_formula_and_every_name_comes_back() -> None:
    rows = [{"=name": name, "n": -n, "usd": Decimal("-0.50")} for n, name in enumerate(HOSTILE, 1)]
    text = csv_text(("=name", "n", "usd"), rows)
    header, *back = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["'=name", "n", "usd"]
    for name, cells in zip(HOSTILE, back, strict=True):
        assert cells[0] == SAFE.get(name, name)
    assert len({cells[0] for cells in back}) == len(HOSTILE)
    assert [cells[1:] for cells in back] == [[str(-n), "-0.50"] for n in range(1, len(back) + 1)]


def test_hostile_names_of_a_log_stay_in_their_cells(tmp_path: Path) -> None:
    names = [name for name in HOSTILE if name.strip()]
    lines = [{**capture(f"c{n}"), "tags": {"team": name}} for n, name in enumerate(names)]
    write(tmp_path / "calls.jsonl", lines)
    audit("ingest", "calls.jsonl", "--keep-identities", "--db", "a.duckdb", folder=tmp_path)
    asked = ("report", "by_team", "--db", "a.duckdb", "-o", "out", "--format", "json")
    done = audit(*asked, "--format", "csv", folder=tmp_path)
    assert done.exit_code == COMPLETE, done
    text = (tmp_path / "out" / "by_team.csv").read_bytes().decode()
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert {len(row) for row in rows} == {len(header)}
    place = header.index("team")
    assert not [row for row in rows if row[place].startswith(STARTS)]
    deltas = {row[header.index("delta_usd")] for row in rows}
    assert any(Decimal(delta) < 0 for delta in deltas if delta)
    raw = {row["team"] for row in json.loads((tmp_path / "out" / "by_team.json").read_bytes())}
    assert raw == set(names)


def a_run(word: str, count: int = 4) -> dict[str, bytes]:
    """Files of one run, and the manifest that names them."""
    files = {f"{n}.csv": f"{word} {n}\n".encode() * 200 for n in range(count)}
    files[f"only-{word}.csv"] = word.encode()
    listed = {n: {"sha256": hashlib.sha256(content).hexdigest()} for n, content in files.items()}
    manifest = {"schema": "audit.report/1", "word": word, "files": listed}
    return {**files, MANIFEST: json.dumps(manifest).encode()}


def whole(target: Path) -> str:
    """The run that the folder holds; all its files must be there as the manifest says."""
    manifest = json.loads((target / MANIFEST).read_bytes())
    for name, of in manifest["files"].items():
        assert hashlib.sha256((target / name).read_bytes()).hexdigest() == of["sha256"], name
    return str(manifest["word"])


WRITER = """
import sys
sys.path[:0] = sys.argv[2].split("|")
from pathlib import Path
from test_report_files import a_run
from auditor.reports.folder import write_folder
print("begin", flush=True)
n = 0
while True:
    n += 1
    write_folder(Path(sys.argv[1]), a_run(f"run{n}"))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="in one step on Linux alone")
def test_a_killed_run_leaves_a_whole_folder(tmp_path: Path) -> None:
    dice, target = random.Random(1), tmp_path / "out"
    write_folder(target, a_run("first"))
    (target / "notes.txt").write_text("mine")
    seen = set()
    for _ in range(12):
        paths = "|".join((str(Path(__file__).parent), *sys.path))
        with subprocess.Popen(
            (sys.executable, "-c", WRITER, target, paths), stdout=subprocess.PIPE
        ) as run:
            assert run.stdout is not None
            run.stdout.readline()
            time.sleep(dice.random() / 20)
            os.kill(run.pid, signal.SIGKILL)
        seen.add(whole(target))
        assert (target / "notes.txt").read_text() == "mine"
    assert len(seen) > 1
    write_folder(target, a_run("last"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_run_killed_between_its_two_steps_is_mended_by_the_next(tmp_path: Path) -> None:
    """What a system without an exchange may leave: the old folder in the dead run's own."""
    target = tmp_path / "out"
    write_folder(target, a_run("monday"))
    left = tmp_path / ".out.audit-abcdefgh"  # nobody holds it
    left.mkdir()
    target.rename(left / "old")
    (left / "new").mkdir()
    stranger = tmp_path / ".out.elsewhere"
    stranger.mkdir()
    (left / "old" / "notes.txt").write_text("mine")
    write_folder(target, a_run("tuesday"))
    assert whole(target) == "tuesday"
    assert (target / "notes.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == [stranger.name, "out"]


def test_yesterdays_files_stay_when_tonight_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    write_folder(target, a_run("monday"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AuditError, match="No space left"):
        write_folder(target, a_run("tuesday"))
    assert whole(target) == "monday"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_where_no_step_exchanges_folders_yesterdays_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    write_folder(target, a_run("monday"))
    monkeypatch.setattr(folders, "_exchange", lambda *_: False)
    write_folder(target, a_run("tuesday"))
    assert whole(target) == "tuesday" and not (target / "only-monday.csv").exists()
    rename = Path.rename

    def refuses(self: Path, other: Any) -> Path:
        if self.name == "new":
            raise OSError(13, "Permission denied")
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", refuses)
    with pytest.raises(AuditError):
        write_folder(target, a_run("wednesday"))
    assert whole(target) == "tuesday"


@pytest.mark.skipif(sys.platform == "win32", reason="has no such modes")
def test_who_may_read_the_folder_stays_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "out"
    write_folder(target, a_run("monday"))
    target.chmod(0o700)
    write_folder(target, a_run("tuesday"))
    assert target.stat().st_mode & 0o777 == 0o700


def test_what_others_put_there_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "out"
    write_folder(target, a_run("monday"))
    (target / "deep").mkdir()
    (target / "deep" / "notes.txt").write_text("mine")
    (target / "empty").mkdir()
    (target / "link").symlink_to("deep/notes.txt")
    write_folder(target, a_run("tuesday"))
    assert whole(target) == "tuesday"
    assert (target / "link").is_symlink() and (target / "link").read_text() == "mine"
    assert (target / "empty").is_dir()
    assert not (target / "only-monday.csv").exists()


def test_a_link_to_the_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    for word in ("monday", "tuesday"):
        check_folder(tmp_path / "out")
        write_folder(tmp_path / "out", a_run(word))
        assert (tmp_path / "out").is_symlink()
        assert whole(tmp_path / "real") == word


def test_two_runs_at_once_leave_the_files_of_one(tmp_path: Path) -> None:
    target = tmp_path / "out"
    write_folder(target, a_run("first"))
    (target / "notes.txt").write_text("mine")
    failures: list[BaseException] = []

    def writes(word: str) -> None:
        for _ in range(15):
            try:
                write_folder(target, a_run(word))
            except AuditError as error:
                failures.append(error)

    runs = [threading.Thread(target=writes, args=(word,)) for word in ("one", "two")]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert not failures
    assert whole(target) in ("one", "two")
    assert (target / "notes.txt").read_text() == "mine"


def test_the_store_may_lie_in_the_folder_and_the_same_run_has_the_same_bytes(
    tmp_path: Path,
) -> None:
    write(tmp_path / "calls.jsonl", [capture("a"), capture("b")])
    asked = ("report", "summary", "daily", "bridge", "--db", "out/a.duckdb", "-o", "out")
    audit("ingest", "calls.jsonl", "--db", "a.duckdb", folder=tmp_path)
    first = ("report", "summary", "--db", "a.duckdb", "-o", "out")
    assert audit(*first, folder=tmp_path).exit_code == COMPLETE
    for file in tmp_path.glob("a.duckdb*"):
        file.rename(tmp_path / "out" / file.name)
    found = []
    for _ in range(2):
        assert audit(*asked, folder=tmp_path).exit_code == COMPLETE
        files = (tmp_path / "out").iterdir()
        found.append({f.name: f.read_bytes() for f in files if ".duckdb" not in f.name})
    assert found[0] == found[1]
    assert (tmp_path / "out" / "a.duckdb").is_file()
    assert audit("show", "rejects", "--db", "out/a.duckdb", folder=tmp_path).exit_code == COMPLETE


def test_folders_that_are_not_of_reports_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "calls.jsonl", [capture("a")])
    audit("ingest", "calls.jsonl", "--db", "a.duckdb", folder=tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / MANIFEST).write_text('{"files": {"notes.txt": {}}}')
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to("nowhere/at/all")
    for name in (".", "other", "file", "no/such", "dangling", "/"):
        done = audit("report", "summary", "--db", "a.duckdb", "-o", name, folder=tmp_path)
        assert done.exit_code == ERROR, (name, done)
    assert [path.name for path in other.iterdir()] == [MANIFEST]


def test_no_run_takes_the_folder_of_another_kind(tmp_path: Path) -> None:
    write(tmp_path / "calls.jsonl", [capture("a")])
    audit("ingest", "calls.jsonl", "--db", "a.duckdb", folder=tmp_path)
    asked = ("report", "--db", "a.duckdb", "--scenario", "gpt-4")
    assert audit(*asked, "summary", "-o", "reports", folder=tmp_path).exit_code == COMPLETE
    assert audit(*asked, "--svg", "pictures", folder=tmp_path).exit_code == COMPLETE
    for words in (("--svg", "reports"), ("--png", "pictures"), ("-o", "pictures")):
        done = audit(*asked, *words, folder=tmp_path)
        assert done.exit_code == ERROR, words
        assert "holds what a run of another kind wrote" in done.err
    assert (tmp_path / "reports" / "summary.csv").is_file()
    assert audit(*asked, "--svg", "pictures", folder=tmp_path).exit_code == COMPLETE


def test_reports_of_incomplete_figures_are_written_and_said_to_be(tmp_path: Path) -> None:
    """As a replay: exit code 3 where more is missing than is allowed."""
    write(tmp_path / "calls.jsonl", [capture("a"), capture("b", model="gpt-5000"), "{not json"])
    audit("ingest", "calls.jsonl", "--db", "a.duckdb", folder=tmp_path)
    asked = ("report", "summary", "--db", "a.duckdb", "-o", "out")
    done = audit(*asked, folder=tmp_path)
    assert done.exit_code == INCOMPLETE
    assert "Incomplete: 1 line rejected.\n" in done.err
    assert "Incomplete: 1 call without an actual cost.\n" in done.err
    assert (tmp_path / "out" / "summary.csv").is_file()
    allowed = ("--allow-rejects", "1", "--allow-unpriced", "50%")
    assert audit(*asked, *allowed, folder=tmp_path).exit_code == COMPLETE
