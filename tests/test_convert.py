"""replay(convert(x)) is replay(x), to the last digit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from command import COMPLETE, ERROR, INCOMPLETE, USAGE, audit
from golden_files import FIXTURES
from helpers.logs import capture, embedding, failure, uncounted, write

from auditor.partitions import DEFAULT
from auditor.session.common import take_in

FOLDER = "logs"
PARTITION = ("--partition", "--allow-rejects", "1")
NOT_CARRIED = ("files", "lines", "duplicates", "rejects", "context")
LOGS = [
    capture("a", cached=300, reasoning=20, team="support", tier="priority"),
    capture("a", cached=300, reasoning=20, team="support", tier="priority"),
    capture(None, None, text="two equal rows of one file"),
    capture(None, None, text="two equal rows of one file"),
    capture(None, model="unknown-model", max_tokens=77, n=2),
    failure("f", "2023-08-23T00:00:00.123456Z"),
    uncounted("u", "2023-08-23T01:00:00Z"),
    embedding("2023-08-24T01:00:00Z", "text-embedding-ada-002", 12),
]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    counted = capture("c", text="counted by us")
    del counted["response"]["usage"]
    write(tmp_path / FOLDER / "calls.jsonl", [*LOGS, counted, "{broken"])
    cost = "2023-08-24 10:00:00,gpt-4,10,20,0.000000000000000000000123\n"
    (tmp_path / FOLDER / "own.csv").write_text("at,model,in,out,usd\n" + cost)
    mapping = 'time="at"\nmodel="model"\ninput="in"\noutput="out"\ncost="usd"\n'
    (tmp_path / "audit.toml").write_text("[formats.own]\n" + mapping)
    return tmp_path


def figures(folder: Path, source: str) -> dict[str, object]:
    args = ("--by", "model,day,team,workload,tier,endpoint", "--format", "json")
    found = json.loads(audit("replay", source, *args, folder=folder).out)
    for name in NOT_CARRIED:
        del found["coverage"][name]
    del found["run"]
    return dict(found)


@pytest.mark.parametrize("options", [(), ("--keep-text",)])
def test_a_converted_file_replays_to_the_same_figures(options: tuple[str, ...], logs: Path) -> None:
    run = audit("convert", FOLDER, "-o", "calls.parquet", *options, folder=logs)
    assert run.exit_code == INCOMPLETE and "1 line rejected" in run.err, run
    assert figures(logs, "calls.parquet") == figures(logs, FOLDER)


def test_the_same_calls_are_duplicates_of_the_logs_and_of_a_second_conversion(logs: Path) -> None:
    audit("convert", FOLDER, "-o", "1.parquet", folder=logs)
    audit("convert", "1.parquet", "-o", "2.parquet", folder=logs)
    audit("ingest", FOLDER, "--db", "s.db", folder=logs, env={"AUDIT_HASH_KEY": "k" * 20})
    audit("convert", FOLDER, "-o", "3.parquet", folder=logs, env={"AUDIT_HASH_KEY": "k" * 20})
    run = audit(
        "ingest", "3.parquet", "--db", "s.db", folder=logs, env={"AUDIT_HASH_KEY": "k" * 20}
    )
    assert "0 new calls, 9 duplicates, 0 rejects" in run.err, run
    first, second = (pl.read_parquet(logs / f"{n}.parquet") for n in (1, 2))
    told_apart = ("source_name", "source_sha256", "source_format", "line")
    assert first.drop(told_apart).sort("call_id").equals(second.drop(told_apart).sort("call_id"))


def test_no_text_and_no_guessable_hash_unless_asked(logs: Path) -> None:
    audit("convert", FOLDER, "-o", "1.parquet", folder=logs)
    audit("convert", FOLDER, "-o", "2.parquet", folder=logs)
    frame = pl.read_parquet(logs / "1.parquet")
    for column in ("request_json", "answer_json", "prompt"):
        assert frame[column].null_count() == frame.height
    assert b"counted by us" not in (logs / "1.parquet").read_bytes()
    assert (logs / "1.parquet").read_bytes() == (logs / "2.parquet").read_bytes()


def test_convert_needs_a_place_to_write(logs: Path) -> None:
    assert audit("convert", FOLDER, folder=logs).exit_code == USAGE


def test_complete_logs_convert_with_success(tmp_path: Path) -> None:
    write(tmp_path / FOLDER / "calls.jsonl", [capture()])
    run = audit("convert", FOLDER, "-o", "calls.parquet", folder=tmp_path)
    assert run.exit_code == COMPLETE, run


# --- a folder of days


def bytes_of(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("options", [(), ("--keep-text",)])
def test_partitions_hold_the_rows_of_the_file_and_replay_to_the_same(
    options: tuple[str, ...], logs: Path
) -> None:
    undated = capture("undated", None, text="at no time")
    midnight = [capture(f"m{n}", at) for n, at in enumerate(MIDNIGHT)]
    write(logs / FOLDER / "more.jsonl", [undated, *midnight])
    single = audit("convert", FOLDER, "-o", "calls.parquet", *options, folder=logs)
    parted = audit("convert", FOLDER, "-o", "calls", *PARTITION, *options, folder=logs)
    assert single.exit_code == INCOMPLETE and parted.exit_code == COMPLETE, parted
    files = sorted((logs / "calls").rglob("*.parquet"))
    assert sorted(path.parent.name for path in files) == [
        *(f"date=2023-08-{day}" for day in (21, 22, 23, 24)),
        DEFAULT,
    ]
    frames = {path.parent.name: pl.read_parquet(path) for path in files}
    for name, frame in frames.items():
        days = frame["called_at"].dt.strftime("date=%Y-%m-%d").fill_null(DEFAULT)
        assert set(days) == {name}
    whole = pl.read_parquet(logs / "calls.parquet")
    parts = pl.concat(frames.values())
    assert parts.schema == whole.schema
    for name, frame in frames.items():  # in their order, too
        assert frame.equals(whole.filter(pl.col("call_id").is_in(frame["call_id"].implode()))), name
    assert parts.sort("call_id").equals(whole.sort("call_id"))
    assert figures(logs, "calls") == figures(logs, "calls.parquet") == figures(logs, FOLDER)


MIDNIGHT = (
    "2023-08-21T23:59:59.999999Z",
    "2023-08-22T00:00:00Z",
    "2023-08-22T00:30:00+02:00",
    "2023-08-23T23:30:00-01:00",
)


def test_the_month_replays_to_the_same_bytes(tmp_path: Path) -> None:
    """As logged, converted to a file, converted by day, and converted once more."""
    for made, of in (("one.parquet", FIXTURES / "logs"), ("days", FIXTURES / "logs")):
        options = () if made.endswith(".parquet") else ("--partition",)
        done = audit("convert", of, "-o", made, *options, folder=tmp_path)
        assert done.exit_code == COMPLETE, done
    assert "Wrote 3,818 calls to days: 31 partitions." in done.err
    audit("convert", "days", "-o", "again", "--partition", folder=tmp_path)
    shape = ("--format", "csv", "--by", "team,model,day", "--scenario", "gpt-4")
    raw, *others = (
        audit("replay", logs, *shape, folder=tmp_path).out
        for logs in (FIXTURES / "logs", "one.parquet", "days", "again")
    )
    assert raw.count("\n") > 200
    assert all(other == raw for other in others)


def test_a_source_of_calls_read_back_is_the_file_they_are_read_from(logs: Path) -> None:
    audit("convert", FOLDER, "-o", "calls", *PARTITION, folder=logs)
    asked = ("replay", "calls", "--by", "source", "--scenario", "gpt-4", "--format", "csv")
    rows = audit(*asked, folder=logs).out.splitlines()[1:]
    names = [row.partition(",")[0] for row in rows]
    days = (*(f"date=2023-08-{day}" for day in (22, 23, 24)), DEFAULT)
    assert sorted(names) == [f"calls/{day}/calls.parquet" for day in days]


def test_the_same_logs_make_the_same_partitions_and_others_take_their_place(logs: Path) -> None:
    for _ in range(2):
        audit("convert", FOLDER, "-o", "calls", *PARTITION, folder=logs)
        audit("convert", FOLDER, "-o", "same", *PARTITION, folder=logs)
        assert bytes_of(logs / "calls") == bytes_of(logs / "same")
    write(logs / FOLDER / "calls.jsonl", [capture("new", "2023-09-01T00:00:00Z")])
    audit("convert", FOLDER, "-o", "calls", "--partition", "--exclude", "*.csv", folder=logs)
    assert list(bytes_of(logs / "calls")) == ["date=2023-09-01/calls.parquet"]
    assert not [path for path in logs.iterdir() if path.name.startswith(".")]


def test_calls_are_their_owners_alone_where_text_is_kept(logs: Path) -> None:
    for name, options, modes in (
        ("a", (), (0o755, 0o644)),
        ("b", ("--keep-text",), (0o700, 0o600)),
    ):
        audit("convert", FOLDER, "-o", name, *PARTITION, *options, folder=logs)
        day = logs / name / "date=2023-08-22"
        found = tuple(path.stat().st_mode & 0o777 for path in (day, day / "calls.parquet"))
        assert found == modes


def test_no_call_at_all_is_one_partition_with_all_columns(tmp_path: Path) -> None:
    (tmp_path / "blank.jsonl").write_text("\n")
    done = audit("convert", "blank.jsonl", "-o", "calls", "--partition", folder=tmp_path)
    assert done.exit_code == COMPLETE and "0 calls to calls: 1 partition." in done.err
    audit("convert", "blank.jsonl", "-o", "calls.parquet", folder=tmp_path)
    only = tmp_path / "calls" / DEFAULT / "calls.parquet"
    assert only.read_bytes() == (tmp_path / "calls.parquet").read_bytes()
    assert audit("replay", "calls", folder=tmp_path).exit_code == COMPLETE


@pytest.mark.parametrize(
    "other",
    [
        "notes.txt",
        "date=2023-08-22/notes.txt",
        "date=2023-08-22/part-0.parquet",
        "date=2023-08-25/calls.parquet",  # not of ours
        "date=2023-8-22/calls.parquet",
        "team=a/calls.parquet",
        ".hidden",
    ],
)
def test_a_folder_that_holds_anything_else_is_refused(other: str, logs: Path) -> None:
    audit("convert", FOLDER, "-o", "calls", *PARTITION, folder=logs)
    (logs / "calls" / other).parent.mkdir(exist_ok=True)
    (logs / "calls" / other).write_text("mine\n")
    before = bytes_of(logs / "calls")
    done = audit("convert", FOLDER, "-o", "calls", *PARTITION, folder=logs)
    assert done.exit_code == ERROR
    assert "calls holds other things than partitions of converted calls: " in done.err
    assert other.partition("/")[0] in done.err
    assert "Read" not in done.err  # before the work is done
    assert bytes_of(logs / "calls") == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-o", "calls.csv", "--partition"), "-o calls.csv is a file"),
        (("-o", "none/calls", "--partition"), "there is no folder none"),
        (("-o", ".", "--partition"), "is the folder you are in"),
        (("-o", "held"), "held is a folder: name a file, or give --partition."),
    ],
)
def test_what_cannot_be_the_output_is_refused(
    options: tuple[str, ...], said: str, logs: Path
) -> None:
    (logs / "held").mkdir()
    (logs / "calls.csv").write_text("mine\n")
    done = audit("convert", FOLDER, *options, folder=logs)
    assert done.exit_code in (ERROR, USAGE)
    assert said in done.err


def test_a_folder_is_not_replaced_by_what_is_read_from_it(logs: Path) -> None:
    audit("convert", FOLDER, "-o", "calls", *PARTITION, folder=logs)
    before = bytes_of(logs / "calls")
    for named in ("calls", "calls/date=2023-08-22/calls.parquet"):
        done = audit("convert", named, "-o", "calls", "--partition", folder=logs)
        assert done.exit_code == ERROR and "calls holds logs that are read" in done.err, done
    assert bytes_of(logs / "calls") == before


def test_what_others_put_there_meanwhile_is_an_error_and_stays(
    logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit("convert", FOLDER, "-o", "calls", *PARTITION, folder=logs)
    before = bytes_of(logs / "calls")

    def meanwhile(*args: Any, **more: Any) -> Any:
        (logs / "calls" / "date=2023-08-22" / "mine.txt").write_text("mine")
        return take_in(*args, **more)

    monkeypatch.setattr("auditor.session.converting.take_in", meanwhile)
    done = audit("convert", FOLDER, "-o", "calls", *PARTITION, folder=logs)
    assert done.exit_code == ERROR and "holds other things" in done.err
    assert bytes_of(logs / "calls") == {**before, "date=2023-08-22/mine.txt": b"mine"}


def test_duckdb_and_polars_know_the_folder_as_partitions(logs: Path) -> None:
    write(logs / FOLDER / "more.jsonl", [capture(f"m{n}", at) for n, at in enumerate(MIDNIGHT)])
    audit("convert", FOLDER, "-o", "calls", *PARTITION, folder=logs)
    files = str(logs / "calls" / "*" / "*.parquet")
    said = (
        "SELECT date::VARCHAR, called_at::DATE::VARCHAR FROM read_parquet(?, hive_partitioning = 1)"
    )
    with duckdb.connect() as other:
        rows = other.execute(said, [files]).fetchall()
    lazy = pl.scan_parquet(logs / "calls", hive_partitioning=True)
    rows += (
        lazy.select(pl.col("date").cast(str), pl.col("called_at").dt.date().cast(str))
        .collect()
        .rows()
    )
    assert len(rows) == 2 * 13
    assert all(named == made for named, made in rows), rows
    assert {named for named, _ in rows} == {None, *(f"2023-08-{day}" for day in (21, 22, 23, 24))}
