"""`audit report --html`, `--png` and `--svg` as a person gives them."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from command import COMPLETE, ERROR, USAGE, audit
from helpers.logs import capture, write

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of three calls."""
    found = tmp_path_factory.mktemp("pages")
    write(found / "calls.jsonl", [capture(f"call-{n}", sent=500 * n) for n in range(1, 4)])
    assert audit("ingest", "calls.jsonl", "--db", "a.duckdb", folder=found).exit_code == COMPLETE
    return found


@pytest.mark.slow
def test_a_page_and_its_charts_are_written_and_again_the_same(folder: Path) -> None:
    words = ["report", "--db", "a.duckdb", "--html", "-o", "report.html", "--png", "png"]
    first = audit(*words, "--svg", "svg", folder=folder)
    assert first.exit_code == COMPLETE, str(first)
    assert "Wrote report.html, 2023-08-22 to 2023-08-23, end excluded (UTC)." in first.err
    page = (folder / "report.html").read_bytes()
    for kind in ("png", "svg"):
        files = {file.name: file.read_bytes() for file in (folder / kind).iterdir()}
        manifest = json.loads(files.pop("manifest.json"))
        assert manifest["files"].keys() == files.keys()
        assert {name.removesuffix(f".{kind}") for name in files} >= {
            *("scenarios", "over-time", "bridge-gpt-4", "bridge-from-2023-07-to-2023-08"),
            *("workloads", "fine-tuning", "windows"),
        }
        for content in files.values():
            assert content.startswith(PNG if kind == "png" else b"<svg")
    before = {file: file.read_bytes() for file in (folder / "svg").iterdir()}
    again = audit(*words, "--svg", "svg", folder=folder)
    assert again.exit_code == COMPLETE, str(again)
    assert (folder / "report.html").read_bytes() == page
    assert {file: file.read_bytes() for file in (folder / "svg").iterdir()} == before


def test_charts_alone_need_no_page(folder: Path) -> None:
    words = ["report", "--db", "a.duckdb", "--svg", "alone", "--scenario", "gpt-4"]
    done = audit(*words, folder=folder)
    assert done.exit_code == COMPLETE, str(done)
    assert (folder / "alone" / "bridge-gpt-4.svg").is_file()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--html"], USAGE, "--html -o report.html"),
        (["--html", "-o", "x.html", "--by", "team"], USAGE, "--by"),
        (["--html", "-o", "x.html", "--format", "json"], USAGE, "--format"),
        (["summary", "--html", "-o", "x.html"], USAGE, "NAMEs"),
        (["--png", "pictures", "-o", "x"], USAGE, "two runs"),
        (["--png", "same", "--svg", "./same"], USAGE, "a folder of their own"),
        (["--html", "-o", "."], ERROR, "is a folder"),
        (["--html", "-o", "nowhere/x.html"], ERROR, "there is no folder nowhere"),
        (["--html", "-o", "a.duckdb"], ERROR, "is the store"),
        (["--html", "-o", "calls.jsonl"], ERROR, "one of the logs"),
        (["--html", "-o", "x.html", "--tz", "Mars"], ERROR, "is no time zone"),
        (["--svg", "."], ERROR, "is the folder you are in"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(
    folder: Path, words: list[str], code: int, said: str
) -> None:
    before = sorted(folder.rglob("*"))
    done = audit("report", "--db", "a.duckdb", *words, folder=folder)
    assert done.exit_code == code, str(done)
    assert said in done.err
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("missing", ["jinja2", "vl_convert"])
def test_without_the_extra_the_page_says_how_to_install_it(
    folder: Path, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.import_module

    def without(name: str, *more: Any) -> ModuleType:
        if name == missing:
            raise ImportError(name=name)
        return real(name, *more)

    monkeypatch.setattr(importlib, "import_module", without)
    done = audit("report", "--db", "a.duckdb", "--html", "-o", "none.html", folder=folder)
    assert done.exit_code == ERROR
    assert f"need the package {missing}" in done.err
    assert "pip install 'auditor[page]'" in done.err
    assert not (folder / "none.html").exists()
