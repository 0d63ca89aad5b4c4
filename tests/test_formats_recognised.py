"""Which format a file is of is told by its content alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.errors import SourceError
from auditor.formats import known_formats, recognise
from auditor.formats.base import SAMPLE_BYTES
from auditor.formats.mapped import from_mapping
from auditor.records import Call
from auditor.sources import LogFile

BATCH_BODY = {"id": "answer", "object": "chat.completion", "choices": [], "model": "gpt-4-0613"}


def written(folder: Path, content: str, name: str = "log.txt") -> LogFile:
    path = folder / name
    path.write_text(content, encoding="utf-8", newline="")
    return LogFile(path, name)


def capture(text: str) -> str:
    request = {"model": "gpt-4", "messages": [{"role": "user", "content": text}]}
    return json.dumps({"request": request, "response": BATCH_BODY})


@pytest.mark.parametrize("end", ["", "\n", "\n" + capture("short") + "\n"])
def test_a_first_line_longer_than_the_sample_is_seen_whole(tmp_path: Path, end: str) -> None:
    file = written(tmp_path, "\n" + capture("long " * SAMPLE_BYTES) + end)
    assert recognise(file, known_formats()).name == "captures"


def test_a_batch_input_with_a_long_first_line_is_found_beside_its_output(tmp_path: Path) -> None:
    asked = {"model": "gpt-4", "messages": [{"role": "user", "content": "long " * SAMPLE_BYTES}]}
    sent = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": asked}
    written(tmp_path, json.dumps(sent), "input.jsonl")
    answer = {"custom_id": "a", "response": {"status_code": 200, "body": BATCH_BODY}}
    output = written(tmp_path, json.dumps(answer), "output.jsonl")
    with output.open() as stream:
        (call,) = recognise(output, known_formats()).read(output, stream)
    assert isinstance(call, Call)
    assert call.requested_model == "gpt-4"


@pytest.mark.parametrize("blank", ["", "\n", " \t\r\n\n", "\n" * SAMPLE_BYTES])
def test_a_file_without_a_word_is_blank_and_no_error(tmp_path: Path, blank: str) -> None:
    file = written(tmp_path, blank)
    format = recognise(file, known_formats())
    with file.open() as stream:
        lines = sum(reading.lines for reading in format.read(file, stream))
    assert (format.name, lines) == ("blank", blank.count("\n"))


@pytest.mark.parametrize(
    "content",
    [
        "just words\n",
        "a,b,c\n1,2,3\n",
        '{"hello": "world"}\n',
        '[{"hello": "world"}]\n',
        '{\n  "hello": {},\n  "world": {}\n}\n',
        "\n" * (SAMPLE_BYTES + 1) + "late words",
    ],
    ids=["words", "table", "object", "array", "pretty-printed", "after-blank-lines"],
)
def test_what_no_format_claims_is_an_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(SourceError, match=r"^log.txt: no format recognises this file"):
        recognise(written(tmp_path, content), known_formats())


def test_two_formats_that_claim_one_file_are_named(tmp_path: Path) -> None:
    own = from_mapping("mine", {"input": "ContextTokens", "output": "GeneratedTokens"}, "x.toml")
    file = written(tmp_path, "TIMESTAMP,ContextTokens,GeneratedTokens\n")
    with pytest.raises(SourceError, match="claim this file: azure-trace-2023 and mine") as error:
        recognise(file, (*known_formats(), own))
    assert "--as" in error.value.hint
