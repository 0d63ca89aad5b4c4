"""Logs of one's own making: what leaves no doubt is read, what has to be guessed is refused."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from golden_files import FIXTURES, ROOT
from helpers.runs import document

from auditor.errors import SourceError
from auditor.formats import known_formats, recognise
from auditor.formats.mapped import from_mapping
from auditor.records import Call, Reading, Reject
from auditor.sources import LogFile

FLAT = {"model": "gpt-4o-mini", "tokens_in": 100, "tokens_out": 20}


def read(folder: Path, *lines: dict[str, Any]) -> list[Reading]:
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    file = LogFile(path, path.name)
    format = recognise(file, known_formats())
    assert format.name == "home-made"
    with file.open() as stream:
        return list(format.read(file, stream))


def test_a_mapping_of_the_users_goes_before_what_the_names_say(tmp_path: Path) -> None:
    """``tokens_in`` may well not be what it is called: who keeps the log knows."""
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps({**FLAT, "billed_in": 150}) + "\n", encoding="utf-8")
    file = LogFile(path, path.name)
    own = from_mapping("mine", {"input": "billed_in", "output": "tokens_out"}, "audit.toml")
    assert recognise(file, known_formats()).name == "home-made"
    assert recognise(file, (*known_formats(), own)).name == "mine"


def test_no_fixture_of_another_format_is_claimed_away() -> None:
    """Most exports have a model and two counts: each is still read by the format it is of."""
    for name in ("litellm/spend-logs.jsonl", "helicone/export.csv", "openpipe/export.jsonl"):
        path = FIXTURES / "formats" / name
        assert recognise(LogFile(path, path.name), known_formats()).name == name.split("/")[0]


@pytest.mark.parametrize(
    "doubtful",
    [
        {"cached_tokens": 64},
        {"cache_read_input_tokens": 300},
        {"reasoning_tokens": "7"},
        {"details": 0, "prompt_cache": {"hits": 3}},
        {"total_tokens": 121},
        {"num_requests": 2},
        {"calls": "14"},
        {"from_cache": True},
        {"is_cached": "true"},
        {"tokens_out": None},
        {"tokens_out": 1.5},
        {"cost_usd": "two"},
        {"input_tokens": 120, "output_tokens": 20},
        {"prompt_tokens": 100, "completion_tokens": 10},
    ],
)
def test_what_has_to_be_guessed_is_refused(doubtful: dict[str, Any], tmp_path: Path) -> None:
    (reading,) = read(tmp_path, {**FLAT, **doubtful})
    assert isinstance(reading, Reject)


@pytest.mark.parametrize(
    "harmless",
    [
        {"cached_tokens": 0},
        {"cache_hit": False},
        {"reasoning_tokens": None},
        {"reasoning_effort": "high"},
        {"total_tokens": 120},
        {"num_requests": 1},
        {"calls": ["one", "two"]},
        {"max_tokens": 300},
        {"prompt_tokens": 100, "completion_tokens": 20},
        {"error": ""},
        {"error": {}},
    ],
)
def test_what_says_nothing_of_counts_is_no_reason_to_refuse(
    harmless: dict[str, Any], tmp_path: Path
) -> None:
    (call,) = read(tmp_path, {**FLAT, **harmless})
    assert isinstance(call, Call)
    assert call.usage is not None
    assert (call.usage.input_tokens, call.usage.output_tokens, call.failed) == (100, 20, False)


@pytest.mark.parametrize("value", [5, "x", [], {}, [{}], True, -1, None, {"a": [1]}])
def test_fields_of_wrong_types_crash_nothing(value: Any, tmp_path: Path) -> None:
    names = [
        "usage",
        "model",
        "messages",
        "tools",
        "response",
        "tool_calls",
        "error",
        "status",
        "id",
        "ts",
        "cost_usd",
    ]
    names += ["service_tier", "max_tokens", "team", "total_tokens"]
    readings = read(tmp_path, FLAT, *({**FLAT, name: value} for name in names))
    assert len(readings) == 1 + len(names)


def test_rows_that_are_numbered_are_no_identities_across_files(tmp_path: Path) -> None:
    """Row 1 of Monday is not row 1 of Tuesday."""
    for day, sent in (("monday", 100), ("tuesday", 70)):
        line = {**FLAT, "id": 1, "tokens_in": sent}
        (tmp_path / f"{day}.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    assert document(tmp_path)["actual"]["input_tokens"] == 170


@pytest.mark.parametrize(
    "shared",
    [{"request_id": "web-request-0123456789"}, {"id": "conv-0123456789abcdef"}],
)
def test_an_id_that_calls_share_makes_them_no_duplicates(
    shared: dict[str, str], tmp_path: Path
) -> None:
    """One web request, or one conversation, asks a model several times."""
    lines = [{**FLAT, **shared, "ts": f"2025-03-01T09:0{n}:00Z", "tokens_in": n} for n in (1, 2, 4)]
    found = [call for call in read(tmp_path, *lines) if isinstance(call, Call)]
    assert [(call.id, call.fingerprint) for call in found] == [(None, *shared.values())] * 3
    assert document(tmp_path)["actual"]["input_tokens"] == 7


@pytest.mark.parametrize(
    "id",
    [
        "chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012",
        "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
        "msg_01XFDUDYJgAACzvnptvVoYEL",
        "gen-1741000000-AbCdEfGhIjKlMnOpQrSt",
    ],
)
def test_an_id_of_a_providers_form_is_the_identity(id: str, tmp_path: Path) -> None:
    (call,) = read(tmp_path, {**FLAT, "request_id": "web-request-0123456789", "id": id})
    assert isinstance(call, Call)
    assert (call.id, call.fingerprint) == (id, "")


def test_a_batch_is_on_the_tier_of_batches(tmp_path: Path) -> None:
    told = [{**FLAT, "id": n, "batch": value} for n, value in enumerate((True, "true", False, 7))]
    found = [call.tier for call in read(tmp_path, *told) if isinstance(call, Call)]
    assert found == ["batch", "batch", "standard", "standard"]


def test_a_sum_of_a_day_is_no_call(tmp_path: Path) -> None:
    day = {"date": "2025-03-01", **FLAT, "tokens_in": 9_000_000, "requests": 4_000}
    (reading,) = read(tmp_path, day)
    assert isinstance(reading, Reject)
    assert reading.reason == "its requests of 4000 say that it sums calls"


def test_a_line_without_a_model_is_no_log_of_ours(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no format recognises this file"):
        read(tmp_path, {"tokens_in": 1, "tokens_out": 2})


def test_the_readme_shows_the_mapping_that_it_runs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    mapping = (FIXTURES / "home-made.toml").read_text(encoding="utf-8")
    assert f"```toml\n{mapping}```" in readme
    assert tomllib.loads(mapping)["formats"].keys() == {"thinking"}
