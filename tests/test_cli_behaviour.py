"""What the command line promises: where data goes, what is kept, how inputs may come."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import zstandard
from command import COMPLETE, ERROR, INCOMPLETE, audit
from golden_files import FIXTURES
from helpers.logs import capture, write

from auditor.cli import cli
from auditor.session.common import dimensions_of
from auditor.store import Store

COLOUR = re.compile(r"\x1b\[[\d;]*[349]\d")
SECRET = "rhubarb-custard"
ALLOW = ("--allow-rejects", "100%", "--allow-unpriced", "100%")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "small"
    shutil.copytree(FIXTURES / "small", copy)
    return copy


def replay(folder: Path, *args: str, **given: Any) -> dict[str, Any]:
    """The JSON of a replay."""
    run = audit("replay", *args, "--format", "json", *ALLOW, folder=folder, **given)
    assert run.exit_code == COMPLETE, run
    result: dict[str, Any] = json.loads(run.out)
    return result


def figures(folder: Path, *args: str, **given: Any) -> tuple[Any, Any]:
    """What the replay says of the calls, whatever their files are called."""
    result = replay(folder, *args, **given)
    return result["actual"], result["scenarios"]


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = dict(commands(cli))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    described = {"format_"}  # its choices and default say it
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name not in described:
            assert parameter.help, parameter.opts


@pytest.mark.parametrize("format", ["table", "json", "csv", "md"])
def test_data_goes_to_stdout_and_everything_else_to_stderr(format: str, folder: Path) -> None:
    run = audit("replay", "logs", "--format", format, folder=folder)
    assert run.exit_code == INCOMPLETE
    assert "Read 2 files" in run.err
    assert "Read 2 files" not in run.out
    assert run.out
    if format == "json":
        json.loads(run.out)


@pytest.mark.parametrize("format", ["table", "json", "csv", "md", "parquet"])
def test_with_an_output_file_stdout_stays_empty(format: str, folder: Path) -> None:
    args = ("replay", "logs", "--format", format, "-o", "result", *ALLOW)
    runs = []
    for _ in range(2):
        run = audit(*args, folder=folder)
        assert (run.exit_code, run.out) == (COMPLETE, "")
        runs.append((folder / "result").read_bytes())
    assert runs[0] == runs[1] != b""


@pytest.mark.parametrize("format", ["json", "csv", "md"])
def test_a_file_holds_what_stdout_would(format: str, folder: Path) -> None:
    audit("replay", "logs", "--format", format, "-o", "result", folder=folder)
    printed = audit("replay", "logs", "--format", format, folder=folder).out
    assert (folder / "result").read_text(encoding="utf-8") == printed


def test_money_in_json_is_text_or_null_never_a_float(folder: Path) -> None:
    run = audit("replay", "logs", "--format", "json", folder=folder)

    def no_floats(digits: str) -> None:
        raise AssertionError(f"{digits} is a float")

    json.loads(run.out, parse_float=no_floats)


def test_colour_is_never_written_to_what_is_no_terminal(folder: Path) -> None:
    for env in ({}, {"NO_COLOR": "1"}):
        run = audit("replay", "logs", folder=folder, env=env)
        assert "\x1b" not in run.out + run.err


def test_no_color_is_honoured_on_a_terminal(folder: Path) -> None:
    forced = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    assert COLOUR.search(audit("replay", "logs", folder=folder, env=forced).out)
    plain = audit("replay", "logs", folder=folder, env={**forced, "NO_COLOR": "1"}).out
    assert not COLOUR.search(plain)


def test_standard_input_is_a_log_like_any_other(folder: Path) -> None:
    log = (folder / "logs" / "chat.jsonl").read_bytes()
    assert figures(folder, "-", stdin=log) == figures(folder, "logs/chat.jsonl")
    assert figures(folder, "-", stdin=gzip.compress(log)) == figures(folder, "logs/chat.jsonl")
    (source,) = replay(folder, "-", stdin=log)["run"]["sources"]
    assert source["name"] == "<stdin>"


@pytest.mark.parametrize(
    "logs",
    [
        ("logs/chat.jsonl", "logs/other.jsonl"),
        ("logs/other.jsonl", "logs/chat.jsonl"),
        ("logs/*.jsonl",),
        ("l*gs",),
        ("logs", "logs/chat.jsonl"),
        (".", "--exclude", "*.csv", "--exclude", "*.toml"),
    ],
)
def test_however_the_files_are_named_the_figures_are_the_same(
    logs: tuple[str, ...], folder: Path
) -> None:
    assert figures(folder, *logs) == figures(folder, "logs")


def test_compressed_files_give_the_same_figures(folder: Path) -> None:
    expected = figures(folder, "logs")
    for file, pack in zip(
        sorted((folder / "logs").iterdir()),
        (gzip.compress, zstandard.ZstdCompressor().compress),
        strict=True,
    ):
        file.with_suffix(".packed").write_bytes(pack(file.read_bytes()))
        file.unlink()
    assert figures(folder, "logs") == expected


def test_a_copy_of_a_file_is_named_and_read_once(folder: Path) -> None:
    expected = figures(folder, "logs")
    shutil.copy(folder / "logs" / "chat.jsonl", folder / "logs" / "copy of chat.jsonl")
    run = audit("replay", "logs", "--format", "json", *ALLOW, folder=folder)
    assert "are the same byte for byte" in run.err
    result = json.loads(run.out)
    assert (result["actual"], result["scenarios"]) == expected


def test_ingesting_file_by_file_gives_the_same_figures(folder: Path) -> None:
    for name in ("other", "chat"):
        audit("ingest", f"logs/{name}.jsonl", "--db", "store.duckdb", folder=folder)
    assert figures(folder, "--db", "store.duckdb") == figures(folder, "logs")


def test_a_format_can_be_named(folder: Path) -> None:
    shutil.copy(folder / "more" / "ledger.csv", folder / "x")
    named = replay(folder, "x", "--as", "ledger", "--config", "house.toml")
    assert named["coverage"]["calls"] == 3
    wrong = replay(folder, "x", "--as", "captures")
    assert wrong["coverage"]["rejects"] == 4
    wrong = replay(folder, "x", "--as", "azure-trace-2023")
    assert (wrong["coverage"]["rejects"], wrong["coverage"]["context"]) == (3, 1)


def test_the_environment_can_name_store_and_settings(folder: Path) -> None:
    env = {"AUDIT_DB": "store.duckdb", "AUDIT_CONFIG": "house.toml"}
    assert audit("ingest", "logs", folder=folder, env=env).exit_code == COMPLETE
    assert (folder / "store.duckdb").exists()
    by_env = audit("replay", "--format", "json", folder=folder, env=env)
    by_flag = audit(
        *("replay", "--format", "json", "--db", "store.duckdb", "--config", "house.toml"),
        folder=folder,
    )
    assert by_env == by_flag


def test_audit_toml_of_the_folder_is_used_unless_another_is_named(folder: Path) -> None:
    shutil.copy(folder / "house.toml", folder / "audit.toml")
    here = replay(folder, "logs")
    named = replay(folder, "logs", "--config", "house.toml")
    (folder / "empty.toml").touch()
    other = replay(folder, "logs", "--config", "empty.toml")
    assert here == named
    assert here["actual"]["unpriced"] == 1
    assert other["actual"]["unpriced"] == 2


@pytest.mark.parametrize(
    ("rejects", "unpriced", "exit_code"),
    [
        ("0", "0", INCOMPLETE),
        ("1", "1", INCOMPLETE),
        ("0", "2", INCOMPLETE),
        ("1", "2", COMPLETE),
        ("5.8%", "100%", INCOMPLETE),  # 1 line of 17
        ("5.9%", "100%", COMPLETE),
        ("100%", "14.2%", INCOMPLETE),  # 2 calls of 14
        ("100%", "14.3%", COMPLETE),
    ],
)
def test_allowances_are_counts_or_shares(
    rejects: str, unpriced: str, exit_code: int, folder: Path
) -> None:
    allowed = ("--allow-rejects", rejects, "--allow-unpriced", unpriced)
    run = audit("replay", "logs", *allowed, "--scenario", "gpt-4-8k", folder=folder)
    assert run.exit_code == exit_code
    assert ("Incomplete" in run.err) == (exit_code == INCOMPLETE)


def stored_bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("store.duckdb*"))


def test_no_prompt_or_answer_is_stored_unless_asked(folder: Path) -> None:
    audit("ingest", "logs", "--db", "store.duckdb", folder=folder)
    assert SECRET.encode() not in stored_bytes(folder)
    assert b"haiku about pumps" not in stored_bytes(folder)


def test_keep_text_stores_prompts_and_answers(folder: Path) -> None:
    audit("ingest", "logs", "--db", "store.duckdb", "--keep-text", folder=folder)
    assert SECRET.encode() in stored_bytes(folder)


def test_estimates_are_made_only_when_asked_and_marked(folder: Path) -> None:
    args = ("more/sizes.csv", "--config", "house.toml", "--assume-model", "gpt-4-0613")
    without, estimated = replay(folder, *args), replay(folder, *args, "--estimate")
    assert without["actual"]["unpriced"] == 1
    assert without["coverage"]["counted_by"]["estimate"] == 0
    assert estimated["actual"]["unpriced"] == 0
    assert estimated["coverage"]["counted_by"]["estimate"] == 1
    assert estimated["actual"]["input_tokens"] == 1000
    assert estimated["actual"]["output_tokens"] == 21


def test_a_prompt_that_is_not_in_the_log_is_not_estimated_as_nothing(folder: Path) -> None:
    answer = {"message": {"role": "assistant", "content": "Hello there"}}
    bare = {"object": "chat.completion", "model": "house-llama", "choices": [answer]}
    (folder / "bare.jsonl").write_text(json.dumps(bare))
    result = replay(folder, "bare.jsonl", "--estimate")
    assert result["coverage"]["counted_by"]["estimate"] == 0
    assert result["actual"]["unpriced"] == 1


def test_an_interrupt_keeps_what_was_stored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit("ingest", "logs/chat.jsonl", "--db", "store.duckdb", folder=folder)
    before = replay(folder, "--db", "store.duckdb")

    run_query = Store.run

    def interrupted(store: Store, name: str, /, **values: Any) -> None:
        if name == "ingest/finish":
            raise KeyboardInterrupt
        run_query(store, name, **values)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "run", interrupted)
        run = audit("ingest", "logs", "--db", "store.duckdb", folder=folder)
    assert run.exit_code == 130
    assert "What was stored before stays" in run.err
    assert replay(folder, "--db", "store.duckdb") == before


def test_an_unknown_file_stops_before_anything_is_stored(folder: Path) -> None:
    (folder / "logs" / "zz.txt").write_text("no log\n")
    assert audit("ingest", "logs", "--db", "store.duckdb", folder=folder).exit_code == ERROR
    assert replay(folder, "--db", "store.duckdb")["coverage"]["lines"] == 0


def test_a_tag_that_no_call_has_is_said(tmp_path: Path) -> None:
    """Spelt otherwise than logged it would be an empty column without a word."""
    write(tmp_path / "calls.jsonl", [capture("a", team="desk")])
    asked = ("--scenario", "gpt-4", "--by", "team,desk")
    done = audit("replay", "calls.jsonl", *asked, folder=tmp_path)
    assert "No call has the tag desk: is it spelt as logged?" in done.err
    assert "tag team" not in done.err
    audit("ingest", "calls.jsonl", "--db", "a.duckdb", folder=tmp_path)
    report = ("report", "by_team", "summary", "--db", "a.duckdb", "-o", "out")
    done = audit(*report, *asked, folder=tmp_path)
    assert "No call has the tag desk: is it spelt as logged?" in done.err


def test_a_very_long_name_leaves_a_table_readable(tmp_path: Path) -> None:
    long = "x" * 5_000
    write(tmp_path / "calls.jsonl", [capture("a", model=long, team=long), capture("b")])
    audit("ingest", "calls.jsonl", "--db", "a.duckdb", folder=tmp_path)
    db = ("--db", "a.duckdb")
    for command in ("show models", "show unpriced", "prices check", "replay --by team"):
        done = audit(*command.split(), *db, folder=tmp_path, columns=160)
        assert max(map(len, done.out.splitlines())) <= 160, command
        assert "xxx…" in done.out


def test_commas_part_dimensions_wherever_a_tag_stands() -> None:
    assert dimensions_of(("tag:user,source", "team")) == ("tag:user", "source", "team")
    assert dimensions_of((r"tag:a\,b,day",)) == ("tag:a,b", "day")
