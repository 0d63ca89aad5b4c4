"""Logs in object storage are read as logs on disk are: over a real S3 server on this machine."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from command import COMPLETE, ERROR, Run, audit
from helpers.logs import Line, capture
from helpers.object_server import SECRET, ObjectServer, object_server
from test_formats import all_formats

from auditor import finding
from auditor.formats import recognise
from auditor.objects import fetched
from auditor.records import Reading

ROOT = Path(__file__).resolve().parents[1]
SHORT = ("--format", "csv", "--by", "source", "--scenario", "gpt-4")
KEY = {"AUDIT_HASH_KEY": "a key for the tests of objects"}


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectServer]:
    with object_server() as running:
        yield running


@pytest.fixture
def objects(server: ObjectServer) -> ObjectServer:
    server.asked.clear()
    server.faults.clear()
    return server


def run(objects: ObjectServer, folder: Path, *args: str | Path, columns: int = 100) -> Run:
    return audit(*args, folder=folder, env={**objects.env, **KEY}, columns=columns)


def lines(*calls: Line) -> bytes:
    return "".join(f"{json.dumps(call)}\n" for call in calls).encode()


def call(id: str, day: int = 22) -> Line:
    return capture(id, f"2023-08-{day:02}T10:00:00Z")


@pytest.mark.slow
def test_the_figures_of_a_month_are_those_of_the_folder(
    objects: ObjectServer, tmp_path: Path
) -> None:
    logs = ROOT / "fixtures" / "logs"
    objects.put_folder("month", "logs/", logs)
    asked = ("--format", "csv", "--by", "team,day", "--scenario", "august-2023")
    there = run(objects, tmp_path, "replay", "s3://month/logs/", *asked)
    here = run(objects, tmp_path, "replay", logs, *asked)
    assert there.exit_code == here.exit_code == COMPLETE
    assert there.out == here.out
    fetched_keys = objects.fetched()
    assert len(fetched_keys) == len(set(fetched_keys)) == 21


def test_only_the_names_of_the_sources_differ(objects: ObjectServer, tmp_path: Path) -> None:
    logs = ROOT / "fixtures" / "logs" / "sales"
    objects.put_folder("names", "sales/", logs)
    asked = ("--format", "csv", "--by", "source", "--scenario", "gpt-4")
    there = run(objects, tmp_path, "replay", "s3://names/sales/", *asked)
    here = run(objects, tmp_path, "replay", logs, *asked)
    assert there.out != here.out
    assert there.out.replace("s3://names/sales/", "sales/") == here.out


@pytest.mark.parametrize("name", sorted(p.name for p in (ROOT / "fixtures" / "formats").iterdir()))
def test_every_format_is_read_as_from_disk(
    objects: ObjectServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for setting, value in objects.env.items():
        monkeypatch.setenv(setting, value)
    folder = ROOT / "fixtures" / "formats" / name
    objects.put_folder("formats", f"{name}/", folder)
    there = readings_of(f"s3://formats/{name}/")
    here = readings_of(str(folder))
    assert there
    assert {key.removeprefix("s3://formats/"): value for key, value in there.items()} == here


def readings_of(named: str) -> dict[str, tuple[str, list[Reading]]]:
    """The format and the readings of every fixture, by name."""
    known = all_formats()
    found = {}
    with finding.behind([named], ["*.toml", "*.expected.json"]) as files:
        for file in files:
            format = recognise(file, known)
            with file.open(sha256=file.sha256()) as stream:
                found[file.name] = (format.name, list(format.read(file, stream)))
    return found


def test_packed_files_archives_and_tables_are_read(objects: ObjectServer, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("b.jsonl", lines(call("b")))
        archive.writestr("c.jsonl", lines(call("c")))
    table = io.BytesIO()
    pl.DataFrame(
        {"knock": ["d"], "at": ["2023-08-22"], "m": ["gpt-4"], "in": [1], "out": [1]}
    ).write_parquet(table)
    objects.put("packed", "a.jsonl.gz", gzip.compress(lines(call("a"))))
    objects.put("packed", "b.zip", packed.getvalue())
    objects.put("packed", "d.parquet", table.getvalue())
    mapping = 'time = "at"\nid = "knock"\nmodel = "m"\ninput = "in"\noutput = "out"'
    (tmp_path / "audit.toml").write_text(f"[formats.own]\n{mapping}", encoding="utf-8")
    done = run(objects, tmp_path, "replay", "s3://packed", *SHORT)
    assert done.exit_code == COMPLETE, done
    assert "Read 4 files: 4 new calls" in done.err
    assert "s3://packed/b.zip/b.jsonl," in done.out
    left = run(objects, tmp_path, "replay", "s3://packed", "--exclude", "*/b.jsonl")
    assert "Read 3 files: 3 new calls" in left.err


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("s3://shapes", "a.jsonl logs/b.jsonl logs/deep/c.jsonl logs2/d.jsonl odd/[x]*.jsonl"),
        ("s3://shapes/", "a.jsonl logs/b.jsonl logs/deep/c.jsonl logs2/d.jsonl odd/[x]*.jsonl"),
        ("s3://shapes/logs", "logs/b.jsonl logs/deep/c.jsonl"),
        ("s3://shapes/logs/", "logs/b.jsonl logs/deep/c.jsonl"),
        ("s3://shapes/logs/b.jsonl", "logs/b.jsonl"),
        ("s3://shapes/logs/*.jsonl", "logs/b.jsonl"),
        ("s3://shapes/**/?.jsonl", "a.jsonl logs/b.jsonl logs/deep/c.jsonl logs2/d.jsonl"),
        ("s3://shapes/log*/[cd].jsonl", "logs2/d.jsonl"),
        ("S3://shapes/logs2", "logs2/d.jsonl"),
        ("gs://shapes/logs/", "logs/b.jsonl logs/deep/c.jsonl"),
        ("s3://shapes/odd/[x]*.jsonl", "odd/[x]*.jsonl"),
    ],
)
def test_addresses_name_objects_prefixes_and_patterns(
    objects: ObjectServer, tmp_path: Path, named: str, found: str
) -> None:
    for key in ("a.jsonl", "logs/b.jsonl", "logs/deep/c.jsonl", "logs2/d.jsonl", "odd/[x]*.jsonl"):
        objects.put("shapes", key, lines(call(key)))
    for key in ("logs/.hidden/e.jsonl", "logs/.f.jsonl"):
        objects.put("shapes", key, b"never read")
    objects.put("shapes", "logs/empty.jsonl", b"")
    done = run(objects, tmp_path, "replay", named, *SHORT)
    assert done.exit_code == COMPLETE, done
    sources = {line.partition(",")[0] for line in done.out.splitlines()[1:]}
    scheme = named[:2].lower()
    assert sources == {f"{scheme}://shapes/{key}" for key in found.split()}


def test_objects_and_files_mix(objects: ObjectServer, tmp_path: Path) -> None:
    objects.put("mixed", "a ü+%25.jsonl", lines(call("a")))
    (tmp_path / "b.jsonl").write_bytes(lines(call("b")))
    (tmp_path / "copy.jsonl").write_bytes(lines(call("a")))
    done = run(
        objects, tmp_path, "replay", "s3://mixed/a ü+%25.jsonl", "b.jsonl", "copy.jsonl",
        "--scenario", "gpt-4",
    )  # fmt: skip
    assert "Read 2 files: 2 new calls" in done.err
    assert "copy.jsonl and s3://mixed/a ü+%25.jsonl are the same byte for byte" in done.err


@pytest.mark.parametrize(
    "command",
    ["count --format csv", "finetune --format csv", "finetune dataset mail-drafts -o x.jsonl"],
)
def test_every_command_that_reads_logs_reads_objects(
    objects: ObjectServer, tmp_path: Path, command: str
) -> None:
    logs = ROOT / "fixtures" / "logs" / "sales"
    objects.put_folder("sales", "", logs)
    there = run(objects, tmp_path, *command.split(), "s3://sales/")
    assert there.exit_code == COMPLETE, there
    assert there.out == run(objects, tmp_path, *command.split(), logs).out


def test_objects_are_converted(objects: ObjectServer, tmp_path: Path) -> None:
    objects.put("convert", "a.jsonl", lines(call("a")))
    done = run(objects, tmp_path, "convert", "s3://convert/", "-o", "calls.parquet")
    assert "Wrote 1 call to calls.parquet." in done.err
    names = pl.read_parquet(tmp_path / "calls.parquet")["source_name"].to_list()
    assert names == ["s3://convert/a.jsonl"]


def test_what_is_as_it_was_is_not_fetched_again(objects: ObjectServer, tmp_path: Path) -> None:
    def ingest() -> str:
        done = run(objects, tmp_path, "ingest", "s3://nightly/", "--db", "a.duckdb")
        assert done.exit_code == COMPLETE, done
        return done.err

    objects.put("nightly", "1.jsonl", lines(call("a")))
    objects.put("nightly", "2.jsonl", lines(call("b")))
    assert "Read 2 files: 2 new calls" in ingest()
    assert objects.fetched() == ["1.jsonl", "2.jsonl"]
    assert "Read 0 files: 0 new calls, 0 duplicates, 0 rejects. 2 files known already." in ingest()
    assert objects.fetched() == []
    objects.put("nightly", "2.jsonl", lines(call("b"), call("c")))
    objects.put("nightly", "3.jsonl", lines(call("d")))
    assert "Read 2 files: 2 new calls, 1 duplicate, 0 rejects. 1 file known" in ingest()
    assert objects.fetched() == ["2.jsonl", "3.jsonl"]
    ingest()
    assert objects.fetched() == []


def test_a_new_batch_output_asks_the_inputs_beside_it_and_nobody_else(
    objects: ObjectServer, tmp_path: Path
) -> None:
    def put_batch(day: str) -> None:
        asked = {"model": "gpt-4", "max_tokens": 5000, "messages": []}
        sent = {"custom_id": day, "method": "POST", "url": "/v1/chat/completions", "body": asked}
        body = call(day)["response"]
        got = {"id": f"batch_req_{day}", "custom_id": day, "response": {"body": body}}
        objects.put("batches", f"{day}-in.jsonl", f"{json.dumps(sent)}\n".encode())
        objects.put("batches", f"{day}-out.jsonl", f"{json.dumps(got)}\n".encode())

    objects.put("batches", "other.jsonl", lines(call("other")))
    put_batch("1")
    first = run(objects, tmp_path, "ingest", "s3://batches/", "--db", "a.duckdb")
    assert "Read 3 files: 2 new calls" in first.err, first
    put_batch("2")
    objects.asked.clear()
    second = run(objects, tmp_path, "ingest", "s3://batches/", "--db", "a.duckdb")
    assert "Read 2 files: 1 new call" in second.err, second
    assert sorted(objects.fetched()) == ["1-in.jsonl", "2-in.jsonl", "2-out.jsonl"]
    calls = run(objects, tmp_path, "explain", "2", "--db", "a.duckdb", "--scenario", "gpt-4-8k")
    assert "5,000 asked for" in calls.out


def test_an_object_with_something_left_out_is_fetched_again(
    objects: ObjectServer, tmp_path: Path
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.jsonl", lines(call("a")))
        archive.writestr("b.jsonl", lines(call("b")))
    objects.put("parts", "logs.zip", packed.getvalue())
    less = ("ingest", "s3://parts/", "--db", "a.duckdb", "--exclude", "b.jsonl")
    assert "Read 1 file: 1 new call" in run(objects, tmp_path, *less).err
    assert "Read 1 file: 1 new call" in run(objects, tmp_path, *less[:4]).err
    objects.asked.clear()
    assert "2 files known already" in run(objects, tmp_path, *less[:4]).err
    assert objects.fetched() == []


def test_the_nightly_run_reads_addresses(objects: ObjectServer, tmp_path: Path) -> None:
    objects.put("night", "logs/1.jsonl", lines(call("a")))
    settings = '[nightly]\nlogs = ["s3://night/logs/", "here"]\ndb = "a.duckdb"\noutput = "reports"'
    settings += '\nscenarios = ["gpt-4"]\nreports = ["summary"]'
    (tmp_path / "audit.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "b.jsonl").write_bytes(lines(call("b")))
    done = run(objects, tmp_path, "nightly")
    assert done.exit_code == COMPLETE, done
    assert "fine: 2 calls" in done.out
    objects.asked.clear()
    assert run(objects, tmp_path, "nightly").exit_code == COMPLETE
    assert objects.fetched() == []


def test_what_is_fetched_is_private_and_gone_afterwards(
    objects: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    real = fetched.Fetched._copied

    def watched(self: fetched.Fetched, *given: object) -> int:
        size = real(self, *given)  # type: ignore[arg-type]
        path = given[-1]
        assert isinstance(path, Path)
        modes.append([stat.S_IMODE(p.stat().st_mode) for p in (path, path.parent)])
        return size

    monkeypatch.setattr(fetched.Fetched, "_copied", watched)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    objects.put("private", "a.jsonl", lines(call("a")))
    objects.put("private", "b.jsonl", b"no log at all\n")
    done = run(objects, tmp_path, "replay", "s3://private/")
    assert done.exit_code == ERROR
    assert "s3://private/b.jsonl: no format recognises this file" in done.err
    assert len(modes) == 2
    if os.name == "posix":
        assert all(mode == [0o600, 0o700] for mode in modes)
    assert not list(scratch.iterdir())


def test_few_objects_lie_on_disk_at_a_time(
    objects: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        objects.put("room", f"{number}.jsonl", lines(call(str(number), 20 + number)))
    monkeypatch.setattr(fetched, "KEPT_BYTES", 1)
    lying = []
    real = fetched.Fetched._copied

    def counting(self: fetched.Fetched, *given: object) -> int:
        size = real(self, *given)  # type: ignore[arg-type]
        path = given[-1]
        assert isinstance(path, Path)
        lying.append(len(list(path.parent.iterdir())))
        return size

    monkeypatch.setattr(fetched.Fetched, "_copied", counting)
    done = run(objects, tmp_path, "replay", "s3://room/", "--scenario", "gpt-4")
    assert "Read 5 files: 5 new calls" in done.err
    assert set(lying) == {1}


def test_no_secret_is_in_the_store_or_said(objects: ObjectServer, tmp_path: Path) -> None:
    objects.put("quiet", "a.jsonl", lines(call("a")))
    done = run(objects, tmp_path, "ingest", "s3://quiet/", "--db", "a.duckdb")
    reported = run(
        objects, tmp_path, "report", "summary", "coverage", "--db", "a.duckdb", "-o", "r"
    )
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    said = (done.out + done.err + reported.out + reported.err).encode()
    assert b"s3://quiet/a.jsonl" in written
    for secret in (SECRET, "somebody", objects.env["AWS_ENDPOINT_URL"]):
        assert secret.encode() not in written + said
