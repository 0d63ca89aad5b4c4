"""The quick way through captures reads what it reads just as the long way does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from auditor.finding import find
from auditor.formats.captures import FORMAT
from auditor.pipeline.counting import Gauge
from auditor.pipeline.placing import Placed
from auditor.pipeline.reading import Batch, Manner, Reader, Source
from auditor.prices import open_book

PLAIN: dict[str, Any] = {
    "timestamp": "2023-08-21T09:50:16.952681+02:00",
    "request": {
        "model": "gpt-3.5-turbo",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hello?"},
        ],
        "temperature": 0.2,
        "max_tokens": 20,
    },
    "response": {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1692604216,
        "model": "gpt-3.5-turbo-0613",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello."},
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 5,
            "total_tokens": 25,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
        "service_tier": "default",
    },
    "tags": {"team": "a", "task": "greet"},
}
PLACES = (
    (),
    ("request",),
    ("request", "messages"),
    ("request", "messages", 0),
    ("request", "messages", 1),
    ("response",),
    ("response", "choices"),
    ("response", "choices", 0),
    ("response", "choices", 0, "message"),
    ("response", "usage"),
    ("response", "usage", "prompt_tokens_details"),
    ("response", "usage", "completion_tokens_details"),
    ("tags",),
)
NAMES = (
    *("timestamp", "time", "url", "status_code", "x_request_id", "tags", "metadata", "team"),
    *("user", "app", "session", "workload", "custom_id", "response_stream", "model", "messages"),
    *("max_tokens", "max_completion_tokens", "n", "stream", "tools", "functions", "stop", "seed"),
    *("response_format", "service_tier", "system", "prompt", "input", "id", "object", "created"),
    *("choices", "usage", "error", "role", "content", "name", "refusal", "tool_calls", "type"),
    *("function_call", "finish_reason", "message", "text", "prompt_tokens", "completion_tokens"),
    *("total_tokens", "cached_tokens", "audio_tokens", "reasoning_tokens", "annotations"),
    *("accepted_prediction_tokens", "request", "response", "task"),
)
VALUES = st.one_of(
    st.sampled_from(
        [
            *(
                None,
                True,
                False,
                0,
                1,
                5,
                20,
                24,
                25,
                -1,
                10**13,
                10**30,
                1.0,
                2.5,
                200,
                404,
                "200",
            ),
            *("", "system", "user", "assistant", "tool", "function", "stop", "length", "STOP"),
            *("chat.completion", "flex", "Default", "gemini-pro", "\ud800", "Grüße", "a\u0000b"),
            *("2023-08-21T09:50:16Z", "2023-08-21 09:50", "2023-08-21T09:50:16.1234567Z"),
            *("2023-08-21T09:50:16.12+0530", "1692604216", "2023-02-31T00:00:00Z"),
            *("9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+05:00"),
            *("1969-12-31T23:59:59Z", "1970-01-01T00:30:00+01:00", "2023-W05-1T00:00:00"),
            *([], {}, ["a"], {"a": "b"}, {"a": 1}, [{"role": "user", "content": "x"}]),
            *([{"type": "text", "text": "x"}], {"code": "bad", "message": "no"}),
        ]
    ),
    st.text(max_size=5),
    st.integers(-5, 50),
)
CHANGES = st.lists(
    st.tuples(st.sampled_from(PLACES), st.sampled_from((*NAMES, None)), VALUES), max_size=3
)


def at(line: Any, place: tuple[Any, ...]) -> Any:
    for step in place:
        line = line[step]
    return line


def changed(changes: Any, name: str = "chatcmpl-1") -> dict[str, Any]:
    """The plain line, in which fields of some objects are other ones, new, or (None) gone."""
    line: dict[str, Any] = json.loads(json.dumps(PLAIN))
    line["response"]["id"] = name
    for place, name, value in changes:
        try:
            here = at(line, place)
            if name is None and isinstance(here, list):
                here.append(value)
            elif name is None:
                here.pop(next(iter(here), None), None)
            else:
                here[name] = value
        except (KeyError, IndexError, TypeError, AttributeError):
            continue
    return line


def read(path: Path, *, quick: bool) -> tuple[list[Batch], Placed]:
    format = FORMAT if quick else replace(FORMAT, blocks=None)
    (file,) = find([str(path)])
    manner = Manner(Gauge(open_book(), {}), b"k" * 32, ("task",), sampling=True, keep_text=False)
    reader = Reader(manner)
    batches = list(reader.batches(Source(file, file.sha256(), format)))
    return batches, reader.placer.take()


def same(path: Path) -> list[Batch]:
    (quick, placed), (long, long_placed) = read(path, quick=True), read(path, quick=False)
    for name, key in (("calls", "line"), ("rejects", "line")):
        ours = pl.concat(getattr(batch, name) for batch in quick).sort(key)
        assert_frame_equal(ours, pl.concat(getattr(batch, name) for batch in long).sort(key))
    assert [batch.tally for batch in quick] == [batch.tally for batch in long]
    for name in ("workloads", "heads", "parts"):
        assert_frame_equal(getattr(placed, name), getattr(long_placed, name), check_row_order=False)
    return quick


def write(path: Path, lines: list[Any]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_a_plain_line_is_read_in_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "plain.jsonl", [PLAIN])
    same(path)
    monkeypatch.setattr("auditor.formats.captures.read_line", None)  # no long way
    (batch,), _ = read(path, quick=True)
    assert batch.calls.height == 1


@given(st.lists(CHANGES, min_size=1, max_size=8))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_whatever_a_line_holds_both_ways_read_it_alike(
    tmp_path_factory: pytest.TempPathFactory, changes: list[Any]
) -> None:
    path = tmp_path_factory.mktemp("logs") / "changed.jsonl"
    same(write(path, [changed(one, f"chatcmpl-{place}") for place, one in enumerate(changes)]))


RAW = [
    json.dumps(PLAIN).encode(),
    *(
        json.dumps(PLAIN | {"timestamp": time}).encode()
        for time in (
            "9999-12-31T23:59:59-01:00",
            "0001-01-01T00:00:00+05:00",
            "2023-02-31T00:00:00Z",
        )
    ),
    b"",
    b"   ",
    b"{",
    b"[]",
    b"null",
    b"\xef\xbb\xbf{}",
    b"<<<<<<< ours",
    b'{"request": "\xff"}',
    b'{"a": NaN}',
    b"[" * 2000,
    json.dumps(PLAIN).encode().replace(b"Hello?", b"\xff"),
    json.dumps(PLAIN).encode().replace(b"Hello?", rb"\ud83d\ude00 \ud800"),
    json.dumps(PLAIN).encode().replace(b"0.2", b"NaN"),
    json.dumps(PLAIN).encode().replace(b"0.2", b"1" * 400),
    json.dumps(PLAIN).encode().replace(b": 20,", b": 20.0,"),
    json.dumps(PLAIN).encode().replace(b'"model"', b'"model": "gpt-4", "model"'),
    json.dumps(PLAIN).encode() + b" {}",
    json.dumps(PLAIN).encode() + b"\r",
]


def test_lines_that_are_broken_are_refused_in_the_same_words(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_bytes(b"\n".join(RAW))
    (batch,) = same(path)
    assert batch.tally.lines == len(RAW)


def test_prompts_that_begin_alike_have_the_hashes_that_they_had(tmp_path: Path) -> None:
    def said(name: int, *contents: Any) -> dict[str, Any]:
        line = changed([], f"chatcmpl-{name}")
        roles = ("system", "user", "assistant", "user")
        line["request"]["messages"] = [
            {"role": role, "content": content}
            for role, content in zip(roles, contents, strict=False)
        ]
        return line

    long = "x" * 70_000
    contents = [
        ("a", "b"),
        ("a", "c"),
        ("a",),
        ("", "b"),
        (long, "b"),
        (long, "c"),
        ("a", "b", "c"),
    ]
    contents += [("Grüße", '"\\\u2028'), ("Grüße", "\ud800"), ("\ud800", "b"), ("a", "b")]
    (batch,) = same(
        write(tmp_path / "prompts.jsonl", [said(place, *one) for place, one in enumerate(contents)])
    )
    assert batch.calls["prompt"].n_unique() == len(set(contents))
