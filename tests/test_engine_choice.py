"""Which engine a run asks for: options, audit.toml, the environment; and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from command import COMPLETE, ERROR, INCOMPLETE, USAGE, Run, audit
from helpers import one_process
from helpers.logs import capture, write
from helpers.nights import ENV, add_day, night_folder, nightly, reports_of

from auditor.config.engine import EngineChoice, engine_of
from auditor.engines.spark import connecting
from auditor.engines.spark.connecting import Address
from auditor.errors import ConfigError

SPARK = ("--engine", "spark")


@pytest.fixture
def asked() -> Iterator[list[Address]]:
    """Where clusters were asked for; each is one of one process."""
    found: list[Address] = []

    def connected(address: Address, told: object) -> object:
        found.append(address)
        return one_process.connected()

    with patch.object(connecting, "connected", connected):
        yield found


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return write(tmp_path / "calls.jsonl", [capture("a"), capture("b", team="x")])


def replay(folder: Path, *args: str, **env: str) -> Run:
    return audit("replay", "calls.jsonl", "--format", "csv", *args, folder=folder, env=env)


def test_without_a_word_this_process_reads(asked: list[Address], logs: Path) -> None:
    assert replay(logs.parent).exit_code == COMPLETE
    assert not asked


def test_an_option_the_environment_or_audit_toml_names_the_engine(
    asked: list[Address], logs: Path
) -> None:
    here = replay(logs.parent)
    by_option = replay(logs.parent, *SPARK, "--master", "spark://h:1", "--spark-conf", "a.b=c=d")
    by_environment = replay(logs.parent, AUDIT_ENGINE="spark")
    (logs.parent / "audit.toml").write_text(
        '[engine]\nname = "spark"\nremote = "sc://h"\n[engine.conf]\n"a.b" = "e"\n', "utf-8"
    )
    by_settings = replay(logs.parent)
    over_settings = replay(logs.parent, "--master", "local", "--spark-conf", "c=d")
    assert asked == [
        Address("spark://h:1", None, {"a.b": "c=d"}),
        Address(None, None, {}),
        Address(None, "sc://h", {"a.b": "e"}),
        Address("local", None, {"a.b": "e", "c": "d"}),
    ]
    for run in (by_option, by_environment, by_settings, over_settings):
        assert str(run) == str(here)
    assert replay(logs.parent, "--engine", "embedded").exit_code == COMPLETE
    assert len(asked) == 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--master", "local"), "are of --engine spark"),
        (("--spark-conf", "a=b"), "are of --engine spark"),
        ((*SPARK, "--master", "local", "--remote", "sc://h"), "two ways to a cluster"),
        ((*SPARK, "--spark-conf", "memory"), "--spark-conf memory is no setting"),
        ((*SPARK, "--keep-text"), "keeps calls in files"),
    ],
)
def test_what_contradicts_itself_is_refused(
    options: tuple[str, ...], words: str, asked: list[Address], logs: Path
) -> None:
    run = replay(logs.parent, *options)
    assert run.exit_code == ERROR and words in run.err and not run.out, run
    assert not asked, "before anybody was asked"


def test_no_engine_but_those_we_know(logs: Path) -> None:
    assert replay(logs.parent, "--engine", "flink").exit_code == USAGE
    assert replay(logs.parent, *SPARK, "--buckets", "0").exit_code == USAGE


def test_the_calls_go_where_they_are_told(asked: list[Address], logs: Path) -> None:
    folder = logs.parent
    (folder / "elsewhere").mkdir()
    told = ("--calls", "elsewhere/calls", "--buckets", "1")
    run = audit("ingest", "calls.jsonl", "--db", "s.duckdb", *SPARK, *told, folder=folder)
    assert run.exit_code == COMPLETE, run
    assert [path.suffix for path in (folder / "elsewhere" / "calls").iterdir()] == [".parquet"]
    assert not (folder / "s.duckdb.calls").exists()
    with_store = audit("replay", "--db", "s.duckdb", "--format", "csv", folder=folder)
    assert with_store.out == replay(folder).out
    run = replay(folder, *SPARK, *told)
    assert run.exit_code == COMPLETE, run
    assert len(list((folder / "elsewhere" / "calls").iterdir())) == 1, "nothing of it is left"


def test_a_store_and_its_calls_move_together(asked: list[Address], logs: Path) -> None:
    folder = logs.parent
    audit("ingest", "calls.jsonl", "--db", "s.duckdb", *SPARK, folder=folder)
    before = audit("replay", "--db", "s.duckdb", "--by", "team", "--format", "csv", folder=folder)
    (folder / "moved").mkdir()
    for name in ("s.duckdb", "s.duckdb.key", "s.duckdb.calls"):
        (folder / name).rename(folder / "moved" / name)
    after = audit(
        "replay", "--db", "s.duckdb", "--by", "team", "--format", "csv", folder=folder / "moved"
    )
    assert after.exit_code == COMPLETE
    assert str(after) == str(before)


def test_every_night_goes_by_audit_toml(asked: list[Address], tmp_path: Path) -> None:
    """Two nights with an engine leave the reports of two nights without one."""
    here, spread = night_folder(tmp_path / "here", (1,)), night_folder(tmp_path / "spread", (1,))
    with (spread / "audit.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[engine]\nname = "spark"\nbuckets = 2\n')
    for day in (2, 3):
        assert nightly(spread).exit_code == nightly(here).exit_code
        for folder in (here, spread):
            add_day(folder, day)
    assert str(nightly(spread)) == str(nightly(here))
    assert len(asked) == 3
    assert reports_of(spread) == reports_of(here)
    allowed = ("--allow-rejects", "100%", "--allow-unpriced", "100%")
    by_cluster = ("report", "--db", "audit.duckdb", *allowed, "--by", "team", "-o", "all")
    for folder, more in ((here, ()), (spread, SPARK)):
        assert audit(*by_cluster, *more, folder=folder).exit_code == COMPLETE
    names = {path.name for path in (here / "all").iterdir()} - {"manifest.json"}
    assert len(names) > 12
    for name in names:
        assert (spread / "all" / name).read_bytes() == (here / "all" / name).read_bytes()
    for command in ("replay", "finetune"):
        asked_for = (command, "--db", "audit.duckdb", *allowed, "--format", "csv")
        runs = [audit(*asked_for, folder=folder, env=dict(ENV)) for folder in (here, spread)]
        assert runs[0].exit_code in (COMPLETE, INCOMPLETE)
        assert str(runs[1]) == str(runs[0])


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"name": "flink"},
        {"name": "spark", "colour": 1},
        {"name": "spark", "master": 1},
        {"name": "spark", "master": "local", "remote": "sc://h"},
        {"name": "spark", "buckets": 0},
        {"name": "spark", "buckets": True},
        {"name": "spark", "calls": ""},
        {"name": "spark", "conf": {"a": 1}},
        "spark",
    ],
)
def test_a_table_that_says_something_else_is_refused(table: object) -> None:
    with pytest.raises(ConfigError) as refused:
        engine_of("audit.toml", table, Path())
    assert "engine" in str(refused.value) and refused.value.hint


def test_a_folder_of_calls_lies_beside_audit_toml() -> None:
    said = {"name": "spark", "calls": "calls", "buckets": 4}
    assert engine_of("audit.toml", said, Path("/etc/audit")) == EngineChoice(
        "spark", calls=Path("/etc/audit/calls"), buckets=4
    )
