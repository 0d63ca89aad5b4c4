"""Chat framing: published vectors, and laws that hold for any request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.tokens import UncountableError, count_chat_input, count_output, count_text
from auditor.tokens.functions import render_functions

# The test vector that OpenAI publishes with its rule (cookbook, "How to count tokens with
# tiktoken"); its two counts were confirmed by the API.
COOKBOOK_CONVERSATION = (
    {
        "role": "system",
        "content": "You are a helpful, pattern-following assistant that translates corporate"
        " jargon into plain English.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "New synergies will help drive top-line growth.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Things working well together will increase revenue.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "Let's circle back when we have more bandwidth to touch base on opportunities"
        " for increased leverage.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Let's talk later when we're less busy about how to do better.",
    },
    {
        "role": "user",
        "content": "This late pivot means we don't have time to boil the ocean for the client"
        " deliverable.",
    },
)
HELLO = {"role": "user", "content": "hello"}
FOO = {"name": "foo", "parameters": {"type": "object", "properties": {}}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
WEATHER = {
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def function(*, description: str | None = None, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties}
    return {"name": "bing_bong", "description": description, "parameters": parameters}


@pytest.mark.parametrize(
    ("model", "tokens"),
    [("gpt-3.5-turbo-0301", 127), ("gpt-3.5-turbo-0613", 129), ("gpt-4-0613", 129)],
)
def test_the_cookbook_conversation(model: str, tokens: int) -> None:
    assert count_chat_input(COOKBOOK_CONVERSATION, model) == tokens


# Counts reported by the API in 2023 (github.com/hmarr/openai-chat-tokens).
@pytest.mark.parametrize(
    ("message", "functions", "choice", "tokens"),
    [
        (HELLO, [], None, 8),
        (user("hello world"), [], None, 9),
        (HELLO, [FOO], None, 31),
        (HELLO, [FOO], "auto", 31),
        (HELLO, [FOO], "none", 32),
        (HELLO, [FOO], {"name": "foo"}, 31 + 4 + 1),
        (HELLO, [function(description="Do a bing bong", foo={"type": "string"})], None, 49),
        (
            HELLO,
            [
                function(
                    description="Do a bing bong",
                    foo={"type": "string"},
                    bar={"type": "number", "description": "A number"},
                )
            ],
            None,
            57,
        ),
        (
            HELLO,
            [
                function(
                    description="Do a bing bong",
                    foo={
                        "type": "object",
                        "properties": {
                            "bar": {"type": "string", "enum": ["a", "b", "c"]},
                            "baz": {"type": "boolean"},
                        },
                    },
                )
            ],
            None,
            68,
        ),
    ],
)
def test_reported_counts_of_2023(
    message: dict[str, Any], functions: list[Any], choice: Any, tokens: int
) -> None:
    extras = {"functions": functions, "function_call": choice}
    assert count_chat_input([message], "gpt-3.5-turbo-0613", extras) == tokens


def test_functions_and_tools_cost_the_same() -> None:
    tools = {"tools": [{"type": "function", "function": FOO}]}
    flat_tools = {"tools": [{"type": "function", **FOO}]}
    assert count_chat_input([HELLO], "gpt-4-0613", tools) == 31
    assert count_chat_input([HELLO], "gpt-4-0613", flat_tools) == 31
    named = {"type": "function", "function": {"name": "foo"}}
    assert count_chat_input([HELLO], "gpt-4-0613", tools | {"tool_choice": named}) == 36


def test_functions_join_the_first_system_message() -> None:
    system = {"role": "system", "content": "Hello:"}
    extras = {"functions": [FOO]}
    alone = count_chat_input([HELLO], "gpt-4-0613", extras)
    # 3 for the message, 1 for its role, 1 for "Hello", 1 for ":\n", and 4 less for joining.
    assert count_chat_input([system, HELLO], "gpt-4-0613", extras) == alone + 3 + 1 + 2 - 4


def test_parameters_without_descriptions_stand_on_one_line_since_the_end_of_2023() -> None:
    plain = {
        "parameters": {"properties": {"a": {"type": "number"}}, "required": ["a"]},
        "name": "f",
    }
    assert "type f = (_: { a: number }) => any;" in render_functions(
        [plain], inline_parameters=True
    )
    assert "type f = (_: {\na: number,\n}) => any;" in render_functions(
        [plain], inline_parameters=False
    )


def test_a_schema_is_rendered_as_typescript() -> None:
    parameters = {
        "type": "object",
        "required": ["when"],
        "properties": {
            "when": {"type": ["string", "null"], "description": "A date"},
            "places": {"type": "array", "items": {"enum": ["here", 2]}},
            "rest": {"type": "object", "properties": {"x": {"type": "integer"}, "y": {}}},
            "free": {"type": "object"},
            "any": True,
        },
    }
    rendered = render_functions(
        [{"name": "go", "description": "Goes", "parameters": parameters}], inline_parameters=True
    )
    assert rendered.splitlines() == [
        "namespace functions {",
        "",
        "// Goes",
        "type go = (_: {",
        "// A date",
        "when: string | null,",
        'places?: "here" | 2[],',
        "rest?: {",
        "  x?: number,",
        "  y?: any,",
        "},",
        "free?: object,",
        "any?: any,",
        "}) => any;",
        "",
        "} // namespace functions",
    ]


def test_a_tool_result_repeats_the_name_of_its_tool() -> None:
    call = {"id": "c1", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}}
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    answered = {"role": "tool", "tool_call_id": "c1", "content": "mild"}
    name = count_text("get_weather", "o200k_base")
    arguments = count_text('{"city":"Oslo"}', "o200k_base")
    mild = count_text("mild", "o200k_base")
    expected = 3 + (3 + 1 + 3 + name + arguments) + (3 + 1 + name + 2 + mild)
    assert count_chat_input([asked, answered], "gpt-4o-2024-08-06") == expected


def test_text_parts_count_as_their_text() -> None:
    parts = [{"type": "text", "text": "hello"}, {"type": "input_text", "text": " world"}]
    assert count_chat_input([user(parts)], "gpt-4o") == count_chat_input(
        [user("hello world")], "gpt-4o"
    )


@pytest.mark.parametrize(
    ("messages", "extras", "reason"),
    [
        ([user([{"type": "text", "text": "see"}, IMAGE])], {}, "an image without its size"),
        ([user([{"type": "input_audio", "input_audio": {}}])], {}, "type input_audio"),
        (["hello"], {}, "a message that is no object"),
        ([HELLO], {"tools": [{"type": "web_search"}]}, r"a built-in tool \(web_search\)"),
        ([HELLO], {"response_format": {"type": "json_schema"}}, "a response schema"),
    ],
)
def test_what_the_text_does_not_tell_is_uncountable(
    messages: list[Any], extras: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UncountableError, match=reason):
        count_chat_input(messages, "gpt-4o", extras)


def test_a_model_without_a_known_encoding_is_uncountable() -> None:
    with pytest.raises(UncountableError, match="claude-2"):
        count_chat_input([HELLO], "claude-2")


def test_answers_of_all_choices_add_up() -> None:
    assert count_output([{"content": "hello world"}, {"content": "hello"}], "gpt-4-0613") == 3
    assert count_output([{"content": None}], "gpt-4-0613") == 0
    assert count_output([], "gpt-4-0613") == 0


@pytest.mark.parametrize(("model", "frame"), [("gpt-4-0613", 4), ("gpt-3.5-turbo-0125", 7)])
def test_an_answer_that_calls_one_function(model: str, frame: int) -> None:
    call = {"name": "get_weather", "arguments": '{"city":"Oslo"}'}
    tokens = frame + 2 + count_text('{"city":"Oslo"}', "cl100k_base")
    assert count_output([{"content": None, "function_call": call}], model) == tokens
    assert count_output([{"content": None, "tool_calls": [{"function": call}]}], model) == tokens


def test_several_tool_calls_are_one_parallel_call() -> None:
    calls = [{"function": {"name": "f", "arguments": '{"a":1}'}}] * 2
    use = '{"recipient_name": "functions.f", "parameters": {"a": 1}}'
    expected = count_text(f'{{"tool_uses": [{use}, {use}]}}', "o200k_base")
    assert count_output([{"tool_calls": calls}], "gpt-4o") == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
SCHEMA = st.recursive(
    JSON,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": JSON | st.sampled_from(["object", "array", "string", ["string", "object"]]),
            "properties": JSON | st.dictionaries(st.text(max_size=4), inner, max_size=3),
            "items": inner,
            "enum": JSON,
            "required": JSON,
            "description": JSON,
        },
    ),
    max_leaves=6,
)
CALL = JSON | st.fixed_dictionaries({}, optional={"name": JSON, "arguments": JSON})
FUNCTION = JSON | st.fixed_dictionaries(
    {}, optional={"name": JSON, "description": JSON, "parameters": SCHEMA}
)
PART = JSON | st.fixed_dictionaries(
    {"type": JSON | st.sampled_from(["text", "image_url", "refusal"])}, optional={"text": JSON}
)
MESSAGE = JSON | st.fixed_dictionaries(
    {},
    optional={
        "role": JSON | st.sampled_from(["system", "user", "assistant", "tool", "function"]),
        "content": JSON | st.lists(PART, max_size=3),
        "name": JSON,
        "refusal": JSON,
        "function_call": CALL,
        "tool_calls": JSON
        | st.lists(st.fixed_dictionaries({}, optional={"id": JSON, "function": CALL}), max_size=2),
        "tool_call_id": JSON,
    },
)
EXTRAS = st.fixed_dictionaries(
    {},
    optional={
        "functions": JSON | st.lists(FUNCTION, max_size=2),
        "tools": JSON
        | st.lists(st.fixed_dictionaries({}, optional={"type": JSON, "function": FUNCTION})),
        "function_call": CALL,
        "tool_choice": CALL | st.sampled_from(["none", "auto", "required"]),
        "response_format": JSON,
    },
)


@given(messages=st.lists(MESSAGE, max_size=3), extras=EXTRAS)
@settings(max_examples=400, deadline=None)
def test_weird_requests_are_counted_or_uncountable(
    messages: list[Any], extras: dict[str, Any]
) -> None:
    counts: tuple[Callable[[], int], ...] = (
        lambda: count_chat_input(messages, "gpt-4o", extras),
        lambda: count_output(messages, "gpt-4-0613"),
    )
    for count in counts:
        try:
            assert count() >= 0
        except UncountableError as error:
            assert str(error)


def test_a_bottomless_schema_is_uncountable() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(900):
        schema = {"type": "object", "properties": {"x": schema}}
    with pytest.raises(UncountableError, match="nested too deeply"):
        count_chat_input([HELLO], "gpt-4o", {"functions": [{"name": "f", "parameters": schema}]})


@given(texts=st.lists(st.text(max_size=20), max_size=4), more=st.text(max_size=20))
@settings(deadline=None)
def test_a_message_adds_its_own_tokens_and_nothing_else(texts: list[str], more: str) -> None:
    before = count_chat_input([user(text) for text in texts], "gpt-4o")
    after = count_chat_input([user(text) for text in [*texts, more]], "gpt-4o")
    assert after - before == 3 + 1 + count_text(more, "o200k_base")
