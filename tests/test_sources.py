"""Which files are found, what they are called, and how they are opened."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from command import audit
from helpers.logs import capture, write

from auditor.errors import SourceError
from auditor.finding import find
from auditor.sources import LogFile

TREE = (
    "logs/a.jsonl",
    "logs/b.csv",
    "logs/2023-08/a.jsonl",
    "logs/2023-09/a.jsonl",
    "logs/.hidden.jsonl",
    "logs/.cache/c.jsonl",
    "logs [old]/a.jsonl",
    "other/logs/a.jsonl",
)


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in TREE:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    (tmp_path / "logs" / "empty.jsonl").touch()
    monkeypatch.chdir(tmp_path)
    yield tmp_path


FOUND = {
    "a file": (["logs/a.jsonl"], ["logs/a.jsonl"]),
    "a folder": (
        ["logs"],
        ["logs/2023-08/a.jsonl", "logs/2023-09/a.jsonl", "logs/a.jsonl", "logs/b.csv"],
    ),
    "the same folder, said otherwise": (["logs/", "./logs", "logs/2023-08/.."], None),
    "a folder and a file in it": (["logs", "logs/a.jsonl"], None),
    "a hidden file that is named": (["logs/.hidden.jsonl"], ["logs/.hidden.jsonl"]),
    "an empty file that is named": (["logs/empty.jsonl"], ["logs/empty.jsonl"]),
    "a pattern": (["logs/*.jsonl"], ["logs/a.jsonl"]),
    "a pattern that matches folders": (
        ["logs/2023-*"],
        ["2023-08/a.jsonl", "2023-09/a.jsonl"],
    ),
    "a recursive pattern": (
        ["logs/**/*.jsonl"],
        ["2023-08/a.jsonl", "2023-09/a.jsonl", "logs/a.jsonl"],
    ),
    "brackets in the name of a folder": (["logs [old]"], ["logs [old]/a.jsonl"]),
    "files of one name": (
        ["logs/a.jsonl", "other/logs/a.jsonl"],
        ["logs/a.jsonl", "other/logs/a.jsonl"],
    ),
    "the folder one stands in": (["."], None),
}


def names(named: list[str], *exclude: str) -> list[str]:
    return [file.name for file in find(named, exclude)]


@pytest.mark.parametrize("case", FOUND)
def test_files_are_found_by_path_folder_and_pattern(case: str, tree: Path) -> None:
    named, expected = FOUND[case]
    if expected is None:
        whole = "a folder"
        expected = FOUND[whole][1]
        if named == ["."]:
            expected = sorted(
                f"{tree.name}/{name}"
                for name in [*(expected or []), "logs [old]/a.jsonl", "other/logs/a.jsonl"]
            )
    assert names(named) == expected


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        ("*.csv", ["logs/2023-08/a.jsonl", "logs/2023-09/a.jsonl", "logs/a.jsonl"]),
        ("a.jsonl", ["logs/b.csv"]),
        ("logs/2023-*", ["logs/a.jsonl", "logs/b.csv"]),
        ("nothing", FOUND["a folder"][1]),
    ],
)
def test_exclude_matches_the_name_or_its_last_part(exclude: str, left: list[str]) -> None:
    assert names(["logs"], exclude) == left


def test_a_link_to_a_file_is_read_once(tree: Path) -> None:
    (tree / "logs" / "link.jsonl").symlink_to(tree / "logs" / "a.jsonl")
    assert len(names(["logs"])) == len(FOUND["a folder"][1] or [])


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ("nowhere", "nowhere: there is no such file or folder"),
        ("logs/*.parquet", r"logs/\*.parquet: no log files here"),
        ("logs/.cache/..nothing", "there is no such file"),
    ],
)
def test_what_is_not_there_is_an_error(named: str, problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        find([named])


def test_excluding_everything_is_an_error_and_no_empty_result() -> None:
    with pytest.raises(SourceError, match="logs: all files here are excluded"):
        find(["logs"], ["*"])


def packed(content: bytes, how: str) -> bytes:
    compressor = zstandard.ZstdCompressor()
    return {
        "plain": lambda: content,
        "gz": lambda: gzip.compress(content),
        "two gz members": lambda: gzip.compress(content[:9]) + gzip.compress(content[9:]),
        "zst": lambda: compressor.compress(content),
        "two zst frames": lambda: (
            compressor.compress(content[:9]) + compressor.compress(content[9:])
        ),
    }[how]()


@pytest.mark.parametrize("how", ["plain", "gz", "two gz members", "zst", "two zst frames"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_file_is_opened_by_its_content_not_its_name(how: str, bom: bytes, tree: Path) -> None:
    path = tree / "log.txt"
    path.write_bytes(packed(bom + b"first line\nsecond line\n" * 50_000, how))
    read: list[int] = []
    with LogFile(path, "log.txt").open(read.append) as stream:
        content = stream.read()
    assert content.count(b"first line\nsecond line\n") == 50_000
    assert content.startswith(b"first")
    assert sum(read) == path.stat().st_size


def test_a_source_is_known_by_its_bytes_on_disk(tree: Path) -> None:
    a, b = tree / "x.gz", tree / "y.gz"
    a.write_bytes(gzip.compress(b"same", mtime=0))
    b.write_bytes(gzip.compress(b"same", mtime=1))
    digests = {LogFile(path, path.name).sha256() for path in (a, b)}
    assert len(digests) == 2
    assert LogFile(a, "other name").sha256() in digests


@pytest.mark.parametrize("name", ["LICENSE", "README.md", "readme", "Notice.txt"])
def test_a_document_among_logs_is_left_out_and_said_so(name: str, tmp_path: Path) -> None:
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed" / name).write_text("dear diary\n", encoding="utf-8")
    write(tmp_path / "mixed" / "calls.jsonl", [capture("call-1")])
    first = audit("ingest", "mixed", "--db", "store.duckdb", folder=tmp_path)
    assert first.exit_code == 0
    assert f"Left out mixed/{name}: it is no log." in first.err
    again = audit("ingest", "mixed", "--db", "store.duckdb", folder=tmp_path)
    assert again.exit_code == 0
    alone = audit("ingest", f"mixed/{name}", "--db", "other.duckdb", folder=tmp_path)
    assert alone.exit_code == 1
    assert "no format recognises this file" in alone.err


def test_a_log_may_be_called_like_a_document(tmp_path: Path) -> None:
    (tmp_path / "readme.jsonl").write_text("dear diary\n", encoding="utf-8")
    write(tmp_path / "calls.jsonl", [capture("call-1")])
    done = audit("ingest", "calls.jsonl", "readme.jsonl", "--db", "store.duckdb", folder=tmp_path)
    assert done.exit_code == 1
