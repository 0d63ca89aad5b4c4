"""What the provider would refuse: a golden for every name, and no crash on any JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.finetune import (
    FileFault,
    Markers,
    chat_errors,
    completion_errors,
    count_errors,
    file_faults,
)
from auditor.finetune.checks import (
    CHAT_ERRORS,
    COMPLETION_ERRORS,
    FUNCTIONS_FROM,
    LAUNCH,
    TOOLS_FROM,
    WEIGHT_FROM,
)

USER = {"role": "user", "content": "hello"}
BOT = {"role": "assistant", "content": "hi"}
MARKERS = Markers("\n\n###\n\n", " END")
LATE = date(2025, 1, 1)
CALLS = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
CALL = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}}


def chat(*messages: Any, **others: Any) -> dict[str, Any]:
    return {"messages": list(messages), **others}


@pytest.mark.parametrize(
    ("line", "errors"),
    [
        (chat(USER, BOT), []),
        (chat({**USER, "name": "ann"}, BOT), []),
        (["messages"], ["data_type"]),
        (None, ["data_type"]),
        ({"prompt": "a"}, ["missing_messages_list", "example_unrecognized_key"]),
        (chat(), ["missing_messages_list"]),
        ({"messages": "hello"}, ["missing_messages_list"]),
        (chat({"role": "user"}, BOT), ["message_missing_key", "missing_content"]),
        (chat({"content": "a"}, BOT), ["message_missing_key", "unrecognized_role"]),
        (chat("hello", BOT), ["message_missing_key"]),
        (chat({**USER, "id": 1}, BOT), ["message_unrecognized_key"]),
        (chat({"role": "developer", "content": "a"}, BOT), ["unrecognized_role"]),
        (chat({"role": ["user"], "content": "a"}, BOT), ["unrecognized_role"]),
        (chat({"role": "user", "content": ""}, BOT), ["missing_content"]),
        (chat({"role": "user", "content": None}, BOT), ["missing_content"]),
        (chat({"role": "user", "content": 7}, BOT), ["missing_content"]),
        (chat({"role": "user", "content": ["a"]}, BOT), ["missing_content"]),
        (chat(USER), ["example_missing_assistant_message"]),
        (chat(USER, BOT, functions=[]), ["example_unrecognized_key"]),
    ],
)
def test_errors_at_the_launch(line: object, errors: list[str]) -> None:
    assert list(chat_errors(line, LAUNCH)) == errors


@pytest.mark.parametrize("weight", [2, 0.5, "1", True, None, [1]])
def test_a_weight_is_0_or_1(weight: object) -> None:
    assert chat_errors(chat(USER, {**BOT, "weight": 0}), LATE) == ()
    assert chat_errors(chat(USER, {**BOT, "weight": weight}), LATE) == ("weight_not_0_or_1",)


@pytest.mark.parametrize(
    ("line", "since", "before"),
    [
        (
            chat(USER, CALL, {"role": "function", "name": "f", "content": "1"}, functions=[{}]),
            FUNCTIONS_FROM,
            [
                "message_unrecognized_key",
                "unrecognized_role",
                "missing_content",
                "example_unrecognized_key",
            ],
        ),
        (chat(USER, {**BOT, "weight": 1}), WEIGHT_FROM, ["message_unrecognized_key"]),
        (
            chat(USER, CALLS, {"role": "tool", "tool_call_id": "1", "content": "1"}, tools=[{}]),
            TOOLS_FROM,
            [
                "message_unrecognized_key",
                "unrecognized_role",
                "missing_content",
                "example_unrecognized_key",
            ],
        ),
    ],
)
def test_what_a_day_knows(line: dict[str, Any], since: date, before: list[str]) -> None:
    assert chat_errors(line, since) == ()
    assert list(chat_errors(line, since - timedelta(days=1))) == before


def test_the_days() -> None:
    assert [date(2023, 8, 22), date(2023, 10, 6)] == [LAUNCH, FUNCTIONS_FROM]
    assert [date(2024, 2, 27), date(2024, 6, 17)] == [WEIGHT_FROM, TOOLS_FROM]


def test_no_content_needs_a_call_that_is_one() -> None:
    empty = chat(USER, {**CALLS, "tool_calls": []})
    assert chat_errors(empty, LATE) == ("missing_content",)
    assert chat_errors(chat(USER, {**CALLS, "content": 1}), LATE) == ("missing_content",)


@pytest.mark.parametrize(
    ("line", "errors"),
    [
        ({"prompt": "a\n\n###\n\n", "completion": " b END"}, []),
        (3, ["data_type"]),
        ({}, ["prompt_not_text", "completion_not_text"]),
        ({"prompt": ["a"], "completion": " b END"}, ["prompt_not_text"]),
        ({"prompt": "a\n\n###\n\n", "completion": None}, ["completion_not_text"]),
        ({"prompt": "a", "completion": " b END"}, ["prompt_without_separator"]),
        ({"prompt": "a\n\n###\n\n", "completion": "b END"}, ["completion_without_space"]),
        ({"prompt": "a\n\n###\n\n", "completion": " b"}, ["completion_without_stop"]),
        (
            {"prompt": "a\n\n###\n\n", "completion": " b END", "id": 1},
            ["example_unrecognized_key"],
        ),
    ],
)
def test_errors_of_a_completions_line(line: object, errors: list[str]) -> None:
    assert list(completion_errors(line, MARKERS)) == errors


def test_errors_are_counted_by_the_lines_that_have_them() -> None:
    bad = {"role": "user", "content": None}
    lines = [chat(bad, bad, BOT), chat(bad), chat(USER, BOT), 1]
    assert count_errors(lines, lambda line: chat_errors(line, LAUNCH)) == {
        "data_type": 1,
        "example_missing_assistant_message": 1,
        "missing_content": 2,
    }


def mixed(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.sampled_from(
        ["messages", "role", "content", "name", "weight", "tool_calls", "function_call", "prompt"]
    )
    return st.lists(children, max_size=4) | st.dictionaries(keys, children, max_size=5)


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["user", "assistant", "tool", "", " x END", "a\n\n###\n\n"])
    | st.text(max_size=5),
    mixed,
    max_leaves=20,
)


@settings(max_examples=60)
@given(
    st.one_of(ANY_JSON, st.lists(ANY_JSON, max_size=3).map(lambda m: {"messages": m})),
    st.dates(date(2023, 1, 1), date(2026, 1, 1)),
)
def test_no_json_crashes_a_check(line: object, on: date) -> None:
    checks: list[tuple[Callable[[], tuple[str, ...]], tuple[str, ...]]] = [
        (lambda: chat_errors(line, on), CHAT_ERRORS),
        (lambda: completion_errors(line, MARKERS), COMPLETION_ERRORS),
    ]
    for check, names in checks:
        found = check()
        assert list(found) == [name for name in names if name in found]


@given(st.lists(st.integers(0, 9_000), min_size=10), st.integers(1, 9_000))
def test_what_is_cut_and_what_is_billed_is_the_whole(lengths: list[int], longest: int) -> None:
    faults = file_faults(lengths, 0, on=LATE, longest=longest)
    cut = sum(fault.tokens_cut for fault in faults)
    assert cut + sum(min(longest, length) for length in lengths) == sum(lengths)


def test_faults_of_a_file() -> None:
    day = date(2023, 12, 31)
    assert file_faults([4096] * 10, 50_000_000, on=day, longest=4096) == ()
    assert file_faults([4097, 5000] + [1] * 7, 50_000_001, on=day, longest=4096) == (
        FileFault("too_few_examples", 9, 10),
        FileFault("file_too_large", 50_000_001, 50_000_000),
        FileFault("example_too_long", 2, 4096, 905),
    )
    assert file_faults([1] * 10, 50_000_001, on=date(2024, 1, 1), longest=4096) == ()
