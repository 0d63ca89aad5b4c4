"""Documents that are small and mean much: they are refused, by name, before they are unfolded."""

from __future__ import annotations

import base64
import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from helpers.mutations import all_formats
from helpers.soundness import read_soundly

from auditor.errors import SourceError
from auditor.formats import vcr
from auditor.records import Reject
from auditor.sources import LogFile

pytest.importorskip("yaml")

URL = "https://api.openai.com/v1/chat/completions"


def laughs() -> str:
    """Each entry says the one before it four times."""
    said = [f"- &a0 {{request: {{uri: '{URL}', parsed_body: {{model: x}}}}}}"]
    said += [f"- &a{n} {{k: [{', '.join([f'*a{n - 1}'] * 4)}]}}" for n in range(1, 40)]
    return "interactions:\n" + "\n".join(said) + "\n"


def merged() -> str:
    said = ["a0: &a0 {k: v}"]
    said += [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}, *a{n - 1}]}}" for n in range(1, 40)]
    return "\n".join(said) + "\ninteractions: []\n"


def packed(size: int) -> str:
    body = base64.b64encode(gzip.compress(bytes(size))).decode()
    return (
        f"interactions:\n- request: {{uri: '{URL}', method: POST, body: "
        f"{{base64_string: '{body}'}}}}\n  response: {{status: {{code: 200}}}}\n"
    )


CASSETTES = {
    "aliases of aliases": (laughs, "YAML whose aliases make far more of it than it is"),
    "merges of merges": (merged, "YAML whose aliases make far more of it than it is"),
    "a list in itself": (
        lambda: "interactions: &a\n- *a\n",
        "YAML whose aliases make far more of it than it is",
    ),
    "a time that is none": (lambda: "interactions:\n- !!timestamp x\n", "not YAML: "),
    "a flag that is none": (lambda: "interactions:\n- !!bool x\n", "not YAML: "),
    "100,000 levels": (lambda: "interactions:\n- " + "[" * 100_000, "not YAML: "),
    "a number of 200,000 digits": (lambda: f"interactions:\n- a: {'9' * 200_000}\n", "not YAML: "),
}


def vcr_readings(path: Path) -> list[object]:
    format = next(one for one in all_formats() if one.name == "vcr")
    found = read_soundly(format, path)
    assert found is not None
    return list(found)


@pytest.mark.parametrize("name", CASSETTES)
def test_a_cassette_that_unfolds_without_end_is_refused(name: str, tmp_path: Path) -> None:
    text, reason = CASSETTES[name]
    path = tmp_path / "cassette.yaml"
    path.write_text(text())
    (found,) = vcr_readings(path)
    assert isinstance(found, Reject) and found.reason.startswith(reason)


def test_a_cassette_may_say_with_an_alias_what_it_said_before(tmp_path: Path) -> None:
    fixture = next((Path(vcr.__file__).parents[2] / "fixtures").rglob("vcrpy.yaml"), None)
    path = tmp_path / "cassette.yaml"
    text = "headers: &h {a: [b]}\ninteractions:\n- request: {headers: *h, uri: 'https://x'}\n"
    path.write_text(text + "  response: {headers: *h, status: {code: 200}}\n")
    (found,) = vcr_readings(path)
    assert not isinstance(found, Reject) or "aliases" not in found.reason
    assert fixture is None or vcr_readings(fixture)


def test_a_packed_body_is_unpacked_up_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vcr, "MAX_BODY_BYTES", 1 << 20)
    path = tmp_path / "cassette.yaml"
    path.write_text(packed(3 << 20))
    (found,) = vcr_readings(path)
    assert isinstance(found, Reject) and found.reason == "its body unpacks to more than 1 MB"


ENDLESS = """
CREATE VIEW responses AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)
SELECT n AS id, '' AS prompt_json, '' AS response_json, '' AS datetime_utc, '' AS model FROM r
"""
HUGE = """
CREATE TABLE responses (id TEXT, prompt_json TEXT, response_json TEXT, datetime_utc TEXT,
model TEXT, more BLOB GENERATED ALWAYS AS (zeroblob(900000000)))
"""


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (ENDLESS, "its responses are no plain table"),
        (f"{HUGE}; INSERT INTO responses VALUES ('1', '', '', '', '')", "is no whole SQLite"),
    ],
)
def test_a_database_computes_nothing_for_us(made: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "logs.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(made)
    format = next(one for one in all_formats() if one.name == "llm-logs")
    log = LogFile(path, "logs.db")
    with pytest.raises(SourceError, match=problem), log.open() as stream:
        list(format.read(log, stream))
