"""audit.toml: what it may say, and what a run without one assumes."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.config import Allowance, Config, load
from auditor.errors import ConfigError

FULL = """
allow_rejects = 3
allow_unpriced = "0.5%"
timezone = "Europe/Vienna"
prices = ["books/house.csv"]
scenarios = ["a.toml", "b.toml"]

[models]
house-bot = "gpt-4-0613"

[formats.mine]
input = "in"
output = "out"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "audit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load(None, tmp_path) == Config()


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    written(tmp_path, "")
    assert load(None, tmp_path) == Config(file="audit.toml")


def test_every_key_arrives_and_files_lie_beside_audit_toml(tmp_path: Path) -> None:
    loaded = load(written(tmp_path, FULL), Path("/elsewhere"))
    assert loaded.allow_rejects.allows(3, 1000)
    assert not loaded.allow_rejects.allows(4, 1000)
    assert loaded.allow_unpriced.allows(5, 1000)
    assert not loaded.allow_unpriced.allows(6, 1000)
    assert loaded.timezone == "Europe/Vienna"
    assert loaded.prices == (tmp_path / "books" / "house.csv",)
    assert loaded.scenarios == (tmp_path / "a.toml", tmp_path / "b.toml")
    assert loaded.models == {"house-bot": "gpt-4-0613"}
    assert loaded.formats == {"mine": {"input": "in", "output": "out"}}


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    written(tmp_path, '\ufefftimezone = "UTC"\n')
    assert load(None, tmp_path).timezone == "UTC"


@pytest.mark.parametrize(
    "text",
    [
        "timezone",
        "colour = 1",
        "timezone = 1",
        "prices = 1",
        "prices = [1]",
        "scenarios = 'a.toml'",
        "models = 1",
        "[models]\na = 1",
        "formats = 1",
        "[formats]\nmine = 1",
        "allow_rejects = true",
        "allow_rejects = 0.5",
        "allow_rejects = -1",
        "allow_unpriced = 'x%'",
        "allow_unpriced = '101%'",
    ],
)
def test_what_audit_toml_cannot_say_is_refused_by_name(text: str, tmp_path: Path) -> None:
    written(tmp_path, text)
    with pytest.raises(ConfigError, match=r"^audit\.toml: ") as refused:
        load(None, tmp_path)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("text", "missing", "of", "allowed"),
    [
        ("0", 0, 0, True),
        ("0", 1, 10, False),
        ("12", 12, 12, True),
        ("0%", 0, 10, True),
        ("0%", 1, 10, False),
        ("10%", 1, 10, True),
        ("10 %", 1, 10, True),
        ("9.99%", 1, 10, False),
        ("33.3333%", 1, 3, False),  # a share is not rounded in anybody's favour
        ("33.3334%", 1, 3, True),
        ("100%", 10, 10, True),
        ("5%", 0, 0, True),
    ],
)
def test_an_allowance_is_a_count_or_a_share(
    text: str, missing: int, of: int, allowed: bool
) -> None:
    assert Allowance.read(text).allows(missing, of) is allowed


@pytest.mark.parametrize(
    "text", ["", "%", "-1", "1.5", "1e3", "half", ".5%", "5.%x", "100.01%", "1,5%"]
)
def test_no_other_text_is_an_allowance(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither a count|is no share|more than everything"):
        Allowance.read(text)
