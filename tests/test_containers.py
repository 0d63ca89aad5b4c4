"""However the same records are packed, laid out and encoded, the same calls are read."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from command import INCOMPLETE, audit
from helpers.logs import capture
from helpers.runs import document, figures

from auditor import containers
from auditor.errors import SourceError
from auditor.finding import find
from auditor.sources import LogFile

CALLS = [
    capture(f"call-{n}", f"2023-08-0{n}T10:00:00Z", sent=100 * n, made=n, text='a ],} "ü" \\')
    for n in range(1, 6)
]
LINES = "".join(json.dumps(call) + "\n" for call in CALLS).encode()
LAID_OUT: dict[str, Callable[[], bytes]] = {
    "array on one line": lambda: json.dumps(CALLS).encode(),
    "array printed": lambda: json.dumps(CALLS, indent=2, ensure_ascii=False).encode(),
    "array with a record a line": lambda: b"[\n" + LINES.strip().replace(b"\n", b",\n") + b"\n]\n",
    "array with a last comma": lambda: b"[" + LINES.strip().replace(b"\n", b",\n") + b",\n]",
    "documents printed": lambda: "\n".join(json.dumps(c, indent=4) for c in CALLS).encode(),
    "documents joined": lambda: LINES.replace(b"\n", b""),
    "CRLF": lambda: LINES.replace(b"\n", b"\r\n"),
    "a byte order mark": lambda: b"\xef\xbb\xbf" + LINES,
    "an array behind a byte order mark": lambda: b"\xef\xbb\xbf" + json.dumps(CALLS).encode(),
    "UTF-16": lambda: LINES.decode().encode("utf-16"),
    "UTF-16, big end first": lambda: b"\xfe\xff" + LINES.decode().encode("utf-16-be"),
    "UTF-16 without a mark": lambda: LINES.decode().encode("utf-16-le"),
    "a printed array in UTF-16": lambda: (
        json.dumps(CALLS, indent=1).encode().decode().encode("utf-16")
    ),
    "bzip2": lambda: bz2.compress(LINES),
    "an array in gzip": lambda: gzip.compress(json.dumps(CALLS).encode()),
    "Parquet": lambda: parquet(),
}


def parquet() -> bytes:
    out = io.BytesIO()
    columns = {name: [json.dumps(c[name]) for c in CALLS] for name in ("request", "response")}
    times = [call["timestamp"] for call in CALLS]
    frame = pl.DataFrame({"timestamp": times, "url": [c["url"] for c in CALLS], **columns})
    frame.with_columns(status_code=200).write_parquet(out)
    return out.getvalue()


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", LAID_OUT)
def test_the_container_does_not_change_the_figures(name: str, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "calls.jsonl").write_bytes(LINES)
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "calls.any").write_bytes(LAID_OUT[name]())
    packed = document(tmp_path / "packed")
    assert figures(packed) == figures(document(tmp_path / "plain"))
    assert packed["coverage"]["calls"] == packed["coverage"]["lines"] == len(CALLS)


@pytest.mark.parametrize("block", [1, 2, 3, 7])
def test_records_may_lie_across_blocks(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "BLOCK_BYTES", block)
    text = json.dumps(CALLS, indent=2).encode()
    stream = containers.as_lines(io.BufferedReader(io.BytesIO(text)))
    assert [json.loads(line) for line in stream] == CALLS


def test_what_is_broken_in_an_array_is_a_reject_of_its_own(tmp_path: Path) -> None:
    one, two = (json.dumps(call, indent=1) for call in CALLS[:2])
    (tmp_path / "calls.json").write_text(f'[{one}, 7, {{"a": x}}, {two}, {{"cut": "o')
    found = document(tmp_path)["coverage"]
    assert (found["calls"], found["rejects"], found["lines"]) == (2, 3, 5)
    run = audit("ingest", ".", "--db", "../s.db", folder=tmp_path)
    assert run.exit_code == INCOMPLETE, run
    rejects = audit("show", "rejects", "--db", "../s.db", folder=tmp_path).out
    assert "calls.json:2" in rejects and "calls.json:5" in rejects


@pytest.mark.parametrize("end", ["", "\n", ",", ", \n"])
def test_an_array_that_is_cut_off_between_records_is_not_whole(end: str, tmp_path: Path) -> None:
    (tmp_path / "calls.json").write_text(json.dumps(CALLS)[:-1] + end)
    found = document(tmp_path)["coverage"]
    assert (found["calls"], found["rejects"]) == (len(CALLS), 1)
    run = audit("ingest", ".", "--db", "../s.db", folder=tmp_path)
    assert run.exit_code == INCOMPLETE, run
    rejects = audit("show", "rejects", "--db", "../s.db", folder=tmp_path).out
    assert f"calls.json:{len(CALLS) + 1}" in rejects and "the array does not end" in rejects


def test_each_member_of_a_zip_is_a_source_known_by_its_own_bytes(tmp_path: Path) -> None:
    first, second = LINES.splitlines(keepends=True)[:1], LINES.splitlines(keepends=True)[1:]
    path = zipped(
        tmp_path / "logs.zip",
        {"b.jsonl": b"".join(second), "a/day.jsonl": first[0], "c.parquet": parquet()},
    )
    files = find([str(path)])
    assert [file.name.partition("logs.zip/")[2] for file in files] == [
        "a/day.jsonl",
        "b.jsonl",
        "c.parquet",
    ]
    (tmp_path / "day.jsonl").write_bytes(first[0])
    assert files[0].sha256() == LogFile(tmp_path / "day.jsonl", "day").sha256()
    assert document(path)["coverage"]["calls"] == len(CALLS)


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"inner.zip": b"PK\x03\x04"}, "holds an archive, inner.zip"),
        ({"hidden-gzip.jsonl": gzip.compress(LINES)}, "an archive inside an archive"),
    ],
)
def test_archives_that_are_not_unpacked(
    members: dict[str, bytes], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=problem):
        document(zipped(tmp_path / "logs.zip", members))


def test_a_broken_parquet_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "calls.parquet").write_bytes(parquet()[:200])
    run = audit("replay", "calls.parquet", folder=tmp_path)
    assert run.exit_code == 1 and "calls.parquet: is a broken Parquet file" in run.err
