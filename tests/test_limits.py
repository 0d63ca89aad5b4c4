"""Lines that are too long, and files that unpack to too much: told by name, the rest is read."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from command import COMPLETE, ERROR, INCOMPLETE, Run, audit
from helpers.logs import capture

from auditor import archives, bounded, config
from auditor.bounded import Lines, shortened
from auditor.errors import ConfigError, LimitError
from auditor.finding import find
from auditor.formats import known_formats
from auditor.limits import Limits, refusal_of, stand_in

MOST = 2_000
LONG = 5_000
SHORT = [json.dumps(capture(f"call-{n}")) for n in range(3)]
TOO_LONG = json.dumps({**capture("call-9"), "padding": "x" * LONG})
LINES = [SHORT[0], TOO_LONG, SHORT[1], SHORT[2]]
TEXT = "".join(f"{line}\n" for line in LINES).encode()
ROWS = [f"2023-11-16 18:00:0{n}.0000000,{100 + n},{n + 1}" for n in range(4)]
HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens"


def table(rows: list[str]) -> bytes:
    return "".join(f"{row}\n" for row in (HEADER, *rows)).encode()


def zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("day.jsonl", content)
    return out.getvalue()


def parquet() -> bytes:
    out = io.BytesIO()
    calls = [json.loads(line) for line in LINES]
    columns = {name: [json.dumps(c[name]) for c in calls] for name in ("request", "response")}
    times = [call["timestamp"] for call in calls]
    padding = [call.get("padding", "") for call in calls]
    frame = pl.DataFrame({"timestamp": times, "url": "https://x/v1/chat/completions", **columns})
    frame.with_columns(pl.Series("padding", padding), status_code=200).write_parquet(out)
    return out.getvalue()


LAID_OUT: dict[str, Callable[[], tuple[bytes, int]]] = {  # and the line that is too long
    "lines": lambda: (TEXT, 2),
    "no end of the last line": lambda: (TEXT + TOO_LONG.encode(), 2),
    "CRLF": lambda: (TEXT.replace(b"\n", b"\r\n"), 2),
    "UTF-16": lambda: (TEXT.decode().encode("utf-16"), 2),
    "gzip": lambda: (gzip.compress(TEXT), 2),
    "zstd": lambda: (zstandard.compress(TEXT), 2),
    "bzip2": lambda: (bz2.compress(TEXT), 2),
    "zip": lambda: (zipped(TEXT), 2),
    "an array": lambda: (f"[{', '.join(LINES)}]".encode(), 2),
    "an array printed": lambda: (json.dumps(list(map(json.loads, LINES)), indent=1).encode(), 2),
    "documents joined": lambda: ("".join(LINES).encode(), 2),
    "Parquet": lambda: (parquet(), 2),
    "a table": lambda: (table([ROWS[0], ROWS[1] + "0" * LONG, *ROWS[2:]]), 3),
    "a cell in quotes": lambda: (table([ROWS[0], f'"{"x" * LONG}",1,2', *ROWS[2:]]), 3),
}


def limited(folder: Path, most: int = MOST, **more: int) -> Path:
    """A folder with an audit.toml that sets limits."""
    keys = {"max_line_bytes": most, **more}
    lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
    (folder / "audit.toml").write_text(f"[limits]\n{lines}")
    return folder


def ingested(folder: Path, name: str, *more: str) -> Run:
    return audit("ingest", name, "--db", "s.duckdb", *more, folder=folder)


def rejects(folder: Path) -> str:
    shown = audit("show", "rejects", "--db", "s.duckdb", folder=folder, columns=300).out
    return " ".join(shown.split())


RARE = ("no end of the last line", "CRLF", "zstd", "bzip2", "zip", "an array printed")
SLOW = (*RARE, "documents joined", "a table", "gzip", "UTF-16")


def slowly(names: Iterable[str], slow: Iterable[str]) -> list[Any]:
    """The rarer cases with the slow tests."""
    return [pytest.param(n, marks=[pytest.mark.slow] * (n in set(slow)), id=n) for n in names]


@pytest.mark.parametrize("name", slowly(LAID_OUT, SLOW))
def test_a_line_that_is_too_long_is_a_reject_and_the_rest_is_read(
    name: str, tmp_path: Path
) -> None:
    content, line = LAID_OUT[name]()
    limited(tmp_path)
    (tmp_path / "log").write_bytes(content)
    run = ingested(tmp_path, "log")
    count = 2 if name == "no end of the last line" else 1
    assert run.exit_code == INCOMPLETE, run
    assert run.err.startswith(f"Read 1 file: 3 new calls, 0 duplicates, {count} reject"), run
    told = rejects(tmp_path)
    assert f":{line}: a line of " in told or "-line: a line of " in told
    assert f"over max_line_bytes = {MOST} ([limits] in audit.toml): it was not read" in told
    assert "xxx" not in told


@pytest.mark.parametrize("most", [len(SHORT[0]), len(SHORT[0]) + 1])
def test_a_line_may_be_as_long_as_the_limit_says(most: int) -> None:
    text = f"{SHORT[0]}\n{SHORT[0]}x\n".encode()
    first, second = shortened(io.BytesIO(text), most)
    assert refusal_of(first) is None
    assert (refusal_of(second) is None) == (most > len(SHORT[0]))


@pytest.mark.parametrize("block", [1, 7, 64, 5_000, 1 << 20])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_lines_are_found_whatever_the_blocks(
    block: int, end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "BLOCK_BYTES", block)
    lines = [b"a" * size for size in (0, 1, 99, 100, 101, 0, 5_000, 100, 250, 99)]
    found = shortened(io.BytesIO(b"\n".join(lines) + end), 100)
    assert isinstance(found, Lines)
    assert [line.rstrip(b"\n") for line in found] == [
        line if len(line) <= 100 else stand_in(len(line), 100) for line in lines
    ]


def test_what_stands_for_a_line_is_taken_for_a_call_by_no_format(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for format in known_formats():
        path.write_bytes(stand_in(9, 8) + b"\n")
        (file,) = find([str(path)])
        with file.open() as stream:
            kinds = [type(reading).__name__ for reading in format.read(file, stream)]
        assert "Call" not in kinds


def test_a_file_of_which_only_long_lines_could_tell_the_format_is_an_error(
    tmp_path: Path,
) -> None:
    limited(tmp_path)
    (tmp_path / "log.jsonl").write_text(f"\n{TOO_LONG}\n")
    run = ingested(tmp_path, "log.jsonl")
    assert run.exit_code == ERROR
    assert run.err == (
        f"Error: log.jsonl:2: a line of {len(TOO_LONG):,} bytes, over max_line_bytes = 2000 "
        "([limits] in audit.toml): it was not read, and no other line tells what it is\n"
        "Hint: If the file is honest, set max_line_bytes under [limits] in audit.toml higher; else "
        "leave it out with --exclude. Nothing of it was stored.\n"
    )


def test_a_quote_without_a_second_costs_no_more_than_a_line_may(tmp_path: Path) -> None:
    limited(tmp_path)
    rows = [f"2023-11-16 18:{n // 60:02}:{n % 60:02}.0000000,{100 + n},{n + 1}" for n in range(300)]
    rows[1] = f'"{rows[1]}'
    (tmp_path / "log.csv").write_bytes(table(rows))
    run = ingested(tmp_path, "log.csv")
    assert run.exit_code == INCOMPLETE, run
    (found,) = [word for word in rejects(tmp_path).split("log.csv:") if word]
    assert found.startswith("3 (") and "not CSV: a record of 2,0" in found
    lines = int(found.partition("(")[2].partition(" ")[0])
    assert 50 < lines < 60
    assert f"Read 1 file: {300 - lines} new calls, 0 duplicates, {lines} rejects." in run.err


def packed_many(pack: Callable[[bytes], bytes]) -> bytes:
    return pack(b"".join(f"{line}\n".encode() for line in SHORT) * 300)


PACKED: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: packed_many(gzip.compress),
    "zstd": lambda: packed_many(zstandard.compress),
    "bzip2": lambda: packed_many(bz2.compress),
    "zip": lambda: packed_many(zipped),
}


@pytest.mark.parametrize("name", slowly(PACKED, ("gzip", "bzip2", "zip")))
def test_a_file_that_unpacks_to_too_much_is_an_error_that_names_the_key(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = PACKED[name]()
    (tmp_path / "log").write_bytes(content)
    for module in (archives, bounded):
        monkeypatch.setattr(module, "FREE_BYTES", 1 << 17)
    limited(tmp_path, 1 << 20, max_decompressed_ratio=30)
    run = ingested(tmp_path, "log")
    assert run.exit_code == ERROR
    place = "log: the archive" if name == "zip" else "log:"
    assert run.err.startswith(f"Error: {place}"), run
    assert "over 30 times its size" in run.err
    assert "set max_decompressed_ratio under [limits] in audit.toml higher" in run.err
    limited(tmp_path, 1 << 20, max_decompressed_ratio=1_000)
    assert ingested(tmp_path, "log").exit_code == COMPLETE


def test_members_that_lie_over_each_other_are_measured_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is in proportion to what all of them share; the archive is not."""
    monkeypatch.setattr(archives, "FREE_BYTES", 1 << 20)
    content = SHORT[0].encode() * 900
    one = zipped(content)
    begin = one.index(b"PK\x01\x02")
    end = one.index(b"PK\x05\x06")
    entry = one[begin:end]
    names = [entry.replace(b"day.jsonl", b"d%02d.jsonl" % n) for n in range(60)]
    directory = b"".join(names)
    tail = bytearray(one[end:])
    tail[8:10] = tail[10:12] = (60).to_bytes(2, "little")
    tail[12:16] = len(directory).to_bytes(4, "little")
    (tmp_path / "log.zip").write_bytes(one[:begin] + directory + bytes(tail))
    with pytest.raises(LimitError, match="the archive unpacks to"):
        find([str(tmp_path / "log.zip")], limits=Limits(max_decompressed_ratio=500))


def test_parquet_that_says_one_thing_a_million_times_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "FREE_BYTES", 1 << 20)
    frame = pl.select(timestamp=pl.lit("2023-08-01")).select(pl.all().repeat_by(100_000).explode())
    frame.write_parquet(tmp_path / "log.parquet")
    (file,) = find([str(tmp_path / "log.parquet")], limits=Limits(max_decompressed_ratio=100))
    with pytest.raises(LimitError, match="over 100 times its size"), file.open() as stream:
        sum(1 for _ in stream)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("limits = 3", "limits must be a table"),
        ("[limits]\nmax_bytes = 3", "[limits] max_bytes is no key we know"),
        ("[limits]\nmax_line_bytes = 999", "must be a whole number from 1,000 to 1,073,741,824"),
        ("[limits]\nmax_line_bytes = true", "must be a whole number"),
        ('[limits]\nmax_line_bytes = "64 MB"', "must be a whole number"),
        ("[limits]\nmax_decompressed_ratio = 1.5", "must be a whole number from 10 to 10,000,000"),
    ],
)
def test_limits_that_are_none_are_refused(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "audit.toml").write_text(text)
    with pytest.raises(ConfigError) as failure:
        config.load(None, tmp_path)
    assert problem in str(failure.value)


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
WATCHED = """
import re, sys
from pathlib import Path
from auditor.cli import main
try:
    main()
finally:
    # ru_maxrss would count what the process had that began this one
    peak = re.search(r"VmHWM:\\s+([0-9]+) kB", Path("/proc/self/status").read_text())
    print("peak", int(peak[1]) >> 10, file=sys.stderr)
"""
LONGEST_SECONDS = 300
MOST_MB = 700


def watched(folder: Path, *args: str) -> tuple[int, str, int]:
    """Exit code, standard error and peak memory (MB) of ``audit ARGS`` in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", WATCHED, *args],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
    )
    said, _, peak = run.stderr.rpartition("peak ")
    return run.returncode, said, int(peak)


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_line_of_a_gigabyte_is_a_reject_and_takes_no_more_memory_than_the_limit(
    jobs: str, tmp_path: Path
) -> None:
    size = 1 << 30
    begin, end = b'{"request": "', b'"}'
    with (tmp_path / "log.jsonl").open("wb") as log:
        log.write(f"{SHORT[0]}\n".encode() + begin)
        for _ in range(1024):
            log.write(b"x" * (1 << 20))
        log.write(end + f"\n{SHORT[1]}\n".encode())
    code, said, peak = watched(tmp_path, "ingest", "log.jsonl", "--db", "s.duckdb", "--jobs", jobs)
    assert (code, said.splitlines()[0]) == (
        INCOMPLETE,
        "Read 1 file: 2 new calls, 0 duplicates, 1 reject.",
    )
    length = f"{size + len(begin) + len(end):,}"
    assert f"log.jsonl:2: a line of {length} bytes, over max_line_bytes" in rejects(tmp_path)
    assert peak < MOST_MB
    (tmp_path / "log.jsonl").unlink()


BOMBS: dict[str, tuple[Callable[[bytes], bytes], int]] = {  # how to pack a part, and how many
    "gzip": (gzip.compress, 64),  # 4 GB
    "zstd": (zstandard.compress, 1_600),  # 100 GB
    "bzip2": (bz2.compress, 1_600),
}


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_an_error_soon_and_in_little_memory(name: str, tmp_path: Path) -> None:
    pack, times = BOMBS[name]
    (tmp_path / "log").write_bytes(pack(bytes(64 << 20)) * times)
    code, said, peak = watched(tmp_path, "ingest", "log", "--db", "s.duckdb", "--as", "captures")
    assert code == ERROR
    assert said.startswith("Error: log:1: it unpacks to ")
    assert "max_decompressed_ratio" in said
    assert peak < MOST_MB


@pytest.mark.slow
@needs_proc
def test_a_zip_bomb_is_not_even_begun(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "log.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("day.jsonl", bytes(300 << 20))
    code, said, peak = watched(tmp_path, "ingest", "log.zip", "--db", "s.duckdb")
    assert code == ERROR
    assert said.startswith("Error: log.zip: the archive unpacks to 314,572,800 bytes or more")
    assert "over 500 times its size" in said
    assert peak < MOST_MB
