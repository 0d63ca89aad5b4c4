"""Hostile files: nothing crashes, nothing vanishes, nothing already stored is lost."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import socket
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
import zstandard
from command import COMPLETE, ERROR, INCOMPLETE, Run, audit
from golden_files import FIXTURES
from helpers.soundness import ends_in_time

HOSTILE = FIXTURES / "hostile"
STORED_BEFORE = FIXTURES / "formats" / "captures" / "models.jsonl"
CALLS_BEFORE = 7

# file -> calls, rejects and context it must come to, and the reasons in the order of its lines; …
# stands for the value that a reason may quote
READ: dict[str, tuple[int, int, int, list[str]]] = {
    "invalid-utf-8.jsonl": (1, 1, 0, ["2: not valid UTF-8 at byte 56"]),
    "nul-bytes.jsonl": (
        1,
        2,
        0,
        [
            "2: not JSON: invalid control character at character 54",
            "3: not JSON: expecting value at character 1",
        ],
    ),
    "lone-surrogates.jsonl": (2, 0, 0, []),
    "long-numbers.jsonl": (
        2,
        3,
        0,
        [
            "2: prompt_tokens is beyond 10^12",
            "3: it holds a number of thousands of digits",
            "4: …, not a whole number of tokens",
        ],
    ),
    "not-a-number.jsonl": (
        1,
        2,
        0,
        ["2: not JSON: NaN is no number", "3: not JSON: -Infinity is no number"],
    ),
    "bad-counts.jsonl": (
        1,
        9,
        0,
        [
            "2: prompt_tokens is negative",
            "3: prompt_tokens is 8.5, not a whole number of tokens",
            '4: prompt_tokens is "8", not a whole number of tokens',
            "5: prompt_tokens is true, not a whole number of tokens",
            "6: prompt_tokens is a list, not a whole number of tokens",
            "7: total_tokens is 90, but its parts add up to 9",
            "8: cached tokens 9 is more than prompt_tokens 8",
            "9: reasoning tokens 2 is more than completion_tokens 1",
            "10: usage is a text of 6 characters, not an object",
        ],
    ),
    "bom-in-the-middle.jsonl": (
        1,
        1,
        0,
        ["2: a byte order mark in the middle of the file, as where two files were joined"],
    ),
    "names.jsonl": (7, 0, 0, []),
    "wrong-cells.csv": (
        1,
        2,
        2,
        ["3: 2 cells under a header of 3", "4: 5 cells under a header of 3"],
    ),
    "unterminated-quote.csv": (1, 3, 1, ["3 (3 lines): not CSV: a quoted cell has no end"]),
    "stray-quote.csv": (2, 1, 1, ["3: not CSV: ',' expected after '\"'"]),
    "nul-and-latin.csv": (
        1,
        2,
        1,
        ["3: a text of 2 characters is no count of tokens", "4: not valid UTF-8 at byte 21"],
    ),
    "old-mac-line-ends.csv": (
        0,
        1,
        1,
        ["2: not CSV: a carriage return inside an unquoted cell"],
    ),
    "header-only.csv": (0, 0, 1, []),
    "dates.jsonl": (
        3,
        9,
        0,
        [
            "4: …no moment: day is out of range for month",
            "5: …no moment: year 0 is out of range",
            "6: …in no spelling we know",
            "7: …no call was made before 1970 or after 2199",
            "8: …no moment: second must be in 0..59",
            "9: …no moment: hour must be in 0..23",
            "10: …no call was made before 1970 or after 2199",
            "11: …no moment after 1970",
            "12: …no moment after 1970",
        ],
    ),
    "dates.csv": (
        4,
        6,
        1,
        [
            "5: …no moment: day is out of range for month",
            "6: …no moment: year 0 is out of range",
            "7: …in no spelling we know",
            "8: …no moment: second must be in 0..59",
            "9: …no moment: hour must be in 0..23",
            "10: …no call was made before 1970 or after 2199",
        ],
    ),
    "bad-counts.csv": (
        2,
        13,
        1,
        [
            *(f"{line}: …no count of tokens" for line in range(4, 14)),
            "14: a count of tokens is missing",
            *(f"{line}: …no count of tokens" for line in (15, 16)),
        ],
    ),
    "conflict-markers.jsonl": (
        2,
        4,
        0,
        [f"{line}: a version-control conflict marker" for line in (1, 3, 4, 6)],
    ),
    "conflict-markers.csv": (
        2,
        3,
        1,
        [f"{line}: a version-control conflict marker" for line in (2, 4, 6)],
    ),
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that holds something already."""
    path = tmp_path / "store.duckdb"
    assert audit("ingest", STORED_BEFORE, "--db", path, folder=tmp_path).exit_code == COMPLETE
    return path


def coverage(store: Path) -> dict[str, Any]:
    run = audit("replay", "--db", store, "--format", "json", folder=store.parent)
    found: dict[str, Any] = json.loads(run.out)["coverage"]
    return found


def reasons(store: Path, name: str) -> list[str]:
    """``LINE: reason`` of every reject of a source."""
    shown = audit("show", "rejects", "--db", store, folder=store.parent, columns=300).out
    places = (line.partition(f"{name}:") for line in shown.splitlines() if line[:1] != " ")
    return [reason for _, found, reason in places if found]


def physical_lines(content: bytes) -> int:
    return content.count(b"\n") + (not content.endswith(b"\n") and content != b"")


@pytest.mark.parametrize("name", READ)
def test_a_hostile_file_is_read_line_by_line(name: str, store: Path) -> None:
    calls, rejects, context, expected = READ[name]
    file = HOSTILE / name
    run = audit("ingest", file, "--db", store, folder=store.parent)
    assert run.exit_code == (INCOMPLETE if rejects else COMPLETE), run
    covered = coverage(store)
    assert covered["calls"] == CALLS_BEFORE + calls
    assert covered["rejects"] == rejects
    assert covered["context"] == context
    assert covered["lines"] == CALLS_BEFORE + physical_lines(file.read_bytes())
    found = reasons(store, name)
    assert len(found) == len(expected)
    for reason, wanted in zip(found, expected, strict=True):
        place, cut, end = wanted.partition(" …")
        assert reason.startswith(f"{place} ") and reason.endswith(end) if cut else reason == wanted


def test_every_hostile_file_is_tried() -> None:
    assert {file.name for file in HOSTILE.iterdir()} == READ.keys()


def _gz(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _wrong_crc(content: bytes) -> bytes:
    packed = bytearray(_gz(content))
    packed[-8] ^= 0xFF
    return bytes(packed)


def _zst(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "truncated.gz": (lambda c: _gz(c)[:-20], "the compressed file is broken: "),
    "wrong-crc.gz": (_wrong_crc, "the compressed file is broken: CRC check failed"),
    "trailing-rubbish.gz": (lambda c: _gz(c) + b"rubbish", "the compressed file is broken: "),
    "header-only.gz": (lambda c: _gz(c)[:10], "the compressed file is broken: "),
    "truncated.zst": (lambda c: _zst(c)[:-9], "the compressed file is broken: "),
    "trailing-rubbish.zst": (lambda c: _zst(c) + b"rubbish", "the compressed file is broken: "),
    "words.txt": (lambda _: b"dear diary\n", "no format recognises this file"),
    "binary.bin": (lambda _: bytes(range(256)) * 9, "no format recognises this file"),
    "utf-32.jsonl": (lambda c: c.decode().encode("utf-32"), "is in UTF-32"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_an_error_that_names_it(name: str, store: Path) -> None:
    damage, problem = BROKEN[name]
    file = store.parent / name
    file.write_bytes(damage((HOSTILE / "names.jsonl").read_bytes() * 3))
    run = audit("ingest", file, "--db", store, folder=store.parent)
    assert run.exit_code == ERROR
    assert run.err.startswith(f"Error: {store.parent.name}/{name}: {problem}"), run
    assert "\nHint: " in run.err
    assert coverage(store)["lines"] == CALLS_BEFORE


def test_what_was_read_before_the_broken_file_stays(store: Path) -> None:
    folder = store.parent / "logs"
    folder.mkdir()
    (folder / "1.csv").write_bytes((HOSTILE / "stray-quote.csv").read_bytes())
    (folder / "2.gz").write_bytes(_wrong_crc((HOSTILE / "names.jsonl").read_bytes() * 2000))
    assert audit("ingest", folder, "--db", store, folder=store.parent).exit_code == ERROR
    assert coverage(store)["calls"] == CALLS_BEFORE + 2
    assert len(reasons(store, "logs/1.csv")) == 1


@pytest.mark.parametrize("packed", [_gz, _zst, lambda c: _gz(c[:99]) + _gz(c[99:])])
def test_whole_archives_are_read_as_the_file_in_them(
    packed: Callable[[bytes], bytes], store: Path
) -> None:
    file = store.parent / "whole"
    file.write_bytes(packed((HOSTILE / "wrong-cells.csv").read_bytes()))
    assert audit("ingest", file, "--db", store, folder=store.parent).exit_code == INCOMPLETE
    assert coverage(store)["calls"] == CALLS_BEFORE + 1


@pytest.mark.parametrize("content", [b"", b"\n\n \r\n"], ids=["empty", "blank-lines"])
def test_an_empty_file_is_no_call_and_no_error(content: bytes, store: Path) -> None:
    file = store.parent / "day-without-calls.jsonl"
    file.write_bytes(content)
    run = audit("ingest", file, "--db", store, folder=store.parent)
    assert run.exit_code == COMPLETE, run
    assert coverage(store)["context"] == content.count(b"\n")


def test_a_folder_that_contains_itself_is_read_once(store: Path) -> None:
    folder = store.parent / "logs"
    folder.mkdir()
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "log.csv").write_bytes((HOSTILE / "wrong-cells.csv").read_bytes())
    run = audit("ingest", folder, "--db", store, folder=store.parent)
    assert run.err.startswith("Read 1 file: 1 new call"), run


def test_a_link_to_nothing_or_a_pipe_is_refused_by_name_and_can_be_left_out(store: Path) -> None:
    folder = store.parent / "logs"
    folder.mkdir()
    (folder / "log.csv").write_bytes((HOSTILE / "wrong-cells.csv").read_bytes())
    (folder / "nowhere.csv").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe.csv")
    for name in ("nowhere.csv", "pipe.csv"):
        run = audit("ingest", folder / name, "--db", store, folder=store.parent)
        assert run.exit_code == ERROR
        assert f"logs/{name}: " in run.err
    run = audit("ingest", folder, "--db", store, folder=store.parent)
    assert (run.exit_code, run.err.splitlines()[0]) == (
        ERROR,
        "Error: logs/nowhere.csv: is no regular file but a link to nothing, a pipe or a device",
    )
    left_out = ("--exclude", "nowhere.csv", "--exclude", "pipe.csv")
    run = audit("ingest", folder, *left_out, "--db", store, folder=store.parent)
    assert run.err.startswith("Read 1 file: 1 new call"), run


@pytest.mark.slow
def test_whatever_is_no_file_is_refused_by_name_and_nothing_waits_for_it(store: Path) -> None:
    folder = store.parent / "logs"
    folder.mkdir()
    (folder / "log.csv").write_bytes((HOSTILE / "wrong-cells.csv").read_bytes())
    (folder / "zero.csv").symlink_to("/dev/zero")
    (folder / "a.csv").symlink_to("b.csv")
    (folder / "b.csv").symlink_to("a.csv")
    os.mkfifo(folder / "pipe.csv")
    with socket.socket(socket.AF_UNIX) as server, chdir(folder):
        server.bind("socket.csv")
        names = ("zero.csv", "a.csv", "b.csv", "pipe.csv", "socket.csv")
        for name in names:
            with ends_in_time():
                run = audit("ingest", folder / name, "--db", store, folder=store.parent)
            assert run.exit_code == ERROR
            is_loop = name in ("a.csv", "b.csv")
            problem = "there is no such file" if is_loop else "is no regular file but a link"
            assert f"logs/{name}: {problem}" in run.err
        for name in names:
            others = [word for other in names if other != name for word in ("--exclude", other)]
            with ends_in_time():
                run = audit("ingest", folder, *others, "--db", store, folder=store.parent)
            assert f"logs/{name}: is no regular file but a link" in run.err
        left_out = [word for name in names for word in ("--exclude", name)]
        run = audit("ingest", folder, *left_out, "--db", store, folder=store.parent)
    assert run.err.startswith("Read 1 file: 1 new call"), run
    with ends_in_time():
        run = audit("ingest", folder / "log.csv", "--db", folder / "pipe.csv", folder=store.parent)
    assert (run.exit_code, "is a pipe and no DuckDB file" in run.err) == (ERROR, True)


@pytest.mark.slow
@pytest.mark.parametrize("depth", [2, 40])
def test_folders_that_link_to_each_other_are_read_once(depth: int, store: Path) -> None:
    folder = store.parent / "logs"
    here = folder
    for level in range(depth):
        here.mkdir()
        (here / "up").symlink_to(folder, target_is_directory=True)
        (here / "again").symlink_to(here, target_is_directory=True)
        here = here / f"{level}"
    (here.parent / "log.csv").write_bytes((HOSTILE / "wrong-cells.csv").read_bytes())
    with ends_in_time():
        run = audit("ingest", folder, "--db", store, folder=store.parent)
    assert run.err.startswith("Read 1 file: 1 new call"), run


NESTED = {
    "content": '"messages": [{"role": "user", "content": %s}]',
    "tools": '"messages": [{"role": "user", "content": "x"}], "tools": [%s]',
    "metadata": '"messages": [{"role": "user", "content": "x"}], "metadata": {"k": %s}',
    "prompt": '"prompt": %s',
}


@pytest.mark.parametrize("where", NESTED)
@pytest.mark.parametrize("depth", [960, 985, 100_000])
def test_deep_nesting_is_read_or_refused(where: str, depth: int, tmp_path: Path) -> None:
    request = NESTED[where] % ('{"a":' * depth + "1" + "}" * depth)
    answer = '{"object": "chat.completion", "model": "gpt-4-0613", "choices": [{"message": {}}]}'
    shallow = f'{{"request": {{"model": "gpt-4"}}, "response": {answer}}}\n'
    deep = f'{{"request": {{"model": "gpt-4", {request}}}, "response": {answer}}}\n'
    (tmp_path / "deep.jsonl").write_text(shallow + deep)
    run = audit("replay", "deep.jsonl", "--keep-text", "--format", "json", folder=tmp_path)
    covered = json.loads(run.out)["coverage"]
    assert run.exit_code == INCOMPLETE
    assert covered["calls"] + covered["rejects"] == 2
    assert covered["rejects"] == 1 or depth == 960


def replay_of_names(store: Path, format: str) -> Run:
    by = ("--by", "team", "--by", "model", "--db", store, "--format", format)
    return audit("replay", HOSTILE / "names.jsonl", *by, folder=store.parent, columns=200)


def has_controls(text: str) -> bool:
    return any(not letter.isprintable() and letter != "\n" for letter in text)


@pytest.mark.parametrize("format", ["table", "md"])
def test_names_from_logs_cannot_steer_a_terminal(format: str, store: Path) -> None:
    run = replay_of_names(store, format)
    assert r"\x1b[31mred\x1b[0m" in run.out
    assert not has_controls(run.out + run.err)


@pytest.mark.parametrize(
    "command",
    [
        "show models",
        "show unpriced",
        "show rejects",
        "explain hostile/names.jsonl:2",
        "explain nothing",
    ],
)
def test_no_other_command_prints_control_characters(command: str, store: Path) -> None:
    audit("ingest", HOSTILE / "names.jsonl", "--db", store, folder=store.parent)
    run = audit(*command.split(), "--db", store, folder=store.parent)
    assert not has_controls(run.out + run.err)


def test_a_file_name_cannot_steer_a_terminal(store: Path) -> None:
    file = store.parent / "\x1b[31m\x07red.csv"
    file.write_text("no log\n")
    run = audit("ingest", file, "--db", store, folder=store.parent)
    assert run.exit_code == ERROR
    assert r"/\x1b[31m\x07red.csv: no format recognises this file" in run.err
    assert not has_controls(run.err)


def test_a_file_name_that_is_no_text_is_shown_all_the_same(store: Path) -> None:
    folder = store.parent / "logs"
    folder.mkdir()
    Path(f"{folder}/caf\udce9.csv").write_bytes((HOSTILE / "wrong-cells.csv").read_bytes())
    assert audit("ingest", folder, "--db", store, folder=store.parent).exit_code == INCOMPLETE
    assert len(reasons(store, r"logs/caf\udce9.csv")) == 2


def test_no_cell_of_the_csv_is_a_formula(store: Path) -> None:
    table = list(csv.reader(io.StringIO(replay_of_names(store, "csv").out)))
    header, rows = table[0], table[1:]
    texts = [row[i] for row in rows for i, name in enumerate(header) if name in ("team", "model")]
    assert {"'=HYPERLINK(1)", "'+1+1", "'@SUM(A1)", "'-2+3", "'=1+1", "'\t'=1"} <= set(texts)
    assert not [text for text in texts if text.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_a_name_cannot_break_a_row_of_markdown(store: Path) -> None:
    rows = replay_of_names(store, "md").out.splitlines()
    cells = [row.replace("\\|", "").count("|") for row in rows]
    assert set(cells) == {cells[0]}


def test_sql_in_a_name_is_only_a_name(store: Path) -> None:
    replay_of_names(store, "csv")
    assert coverage(store)["calls"] == CALLS_BEFORE + READ["names.jsonl"][0]
