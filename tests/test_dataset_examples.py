"""Rendering, markers and split of training examples."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import AuditError
from auditor.finetune import (
    Example,
    Markers,
    Material,
    choose_markers,
    deduplicated,
    encode_line,
    left_out,
    render_chat,
    render_completion,
    split,
)
from auditor.tokens import count_chat_input, count_text

SYSTEM = {"role": "system", "content": "You are a concise assistant for a shop."}
USER = {"role": "user", "content": "Where is my parcel? I ordered it last week."}
DEFAULT = Markers(separator="\n\n###\n\n", stop=" END")
CALL = {"id": "call_1", "type": "function", "function": {"name": "track", "arguments": "{}"}}


def material(*messages: dict[str, Any], **fields: Any) -> Material:
    given_fields: dict[str, Any] = {
        "call_id": "c1",
        "messages": messages,
        "prompts": (),
        "extras": {},
        "answer": {"content": "On its way."},
        "tokens": 40,
    }
    return Material(**(given_fields | fields))


def completion(*prompts: Any, answer: str = "yes") -> Material:
    return material(prompts=prompts, answer={"content": answer})


def example(call_id: str, prompt: str = "") -> Example:
    return Example(call_id=call_id, line={}, prompt=prompt or call_id, tokens=1)


def test_a_chat_is_its_messages_and_the_answer() -> None:
    rendered = render_chat(material(SYSTEM, USER))
    assert rendered.line == {
        "messages": [SYSTEM, USER, {"role": "assistant", "content": "On its way."}]
    }
    assert (rendered.call_id, rendered.tokens) == ("c1", 40)


def test_empty_keys_are_dropped_and_others_stay() -> None:
    answer = {
        "content": None,
        "tool_calls": [CALL],
        "refusal": None,
        "annotations": [],
        "function_call": None,
        "audio": {"id": "a"},
        "weight": 0,
    }
    user = {"name": "", "content": "hello", "role": "user"}
    line = render_chat(material(user, answer=answer)).line
    assert line["messages"] == [
        {"role": "user", "content": "hello"},
        {
            "role": "assistant",
            "content": None,
            "audio": {"id": "a"},
            "tool_calls": [CALL],
            "weight": 0,
        },
    ]
    assert list(line["messages"][0]) == ["role", "content"]


def test_a_call_without_content_gets_a_null_and_a_null_alone_stays() -> None:
    called = render_chat(material(USER, answer={"tool_calls": [CALL]})).line["messages"][1]
    assert called == {"role": "assistant", "content": None, "tool_calls": [CALL]}
    empty = render_chat(material(USER, answer={"content": None, "tool_calls": []}))
    assert empty.line["messages"][1] == {"role": "assistant", "content": None}


def test_text_parts_become_a_string_and_images_stay() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    text = {"type": "text", "text": "one, "}
    words = {"role": "user", "content": [text, {"type": "text", "text": "two"}]}
    picture = {"role": "user", "content": [text, image]}
    line = render_chat(material(words, picture)).line
    assert line["messages"][0]["content"] == "one, two"
    assert line["messages"][1]["content"] == [text, image]


def test_declared_functions_are_part_of_the_line_and_a_choice_is_not() -> None:
    extras = {"functions": [{"name": "f"}], "function_call": "auto", "tools": []}
    asked = material(USER, extras=extras)
    assert render_chat(asked).line.keys() == {"messages", "functions"}
    assert left_out(asked) == ("function_call",)
    assert render_chat(asked).prompt != render_chat(material(USER)).prompt


def test_a_legacy_completion_is_one_user_message() -> None:
    line = render_chat(completion("Translate:", "chat", answer="Katze")).line
    assert line["messages"] == [
        {"role": "user", "content": "Translate:\n\nchat"},
        {"role": "assistant", "content": "Katze"},
    ]
    assert render_chat(completion([1, 2])).line["messages"][0]["content"] == [1, 2]


def test_the_bare_rendering_takes_21_tokens_where_the_chat_takes_31() -> None:
    """The measured pair of numbers, on texts that give both."""
    rendered = render_completion(material(SYSTEM, USER), DEFAULT)
    assert rendered.line == {
        "prompt": f"{SYSTEM['content']}\n\n{USER['content']}\n\n###\n\n",
        "completion": " On its way. END",
    }
    assert count_chat_input([SYSTEM, USER], "gpt-3.5-turbo-0613") == 31
    assert count_text(rendered.line["prompt"], "cl100k_base") == 21


@pytest.mark.parametrize(
    "unfit",
    [
        material({"role": "user", "content": [{"type": "image_url"}]}),
        material({"role": "user", "content": None}),
        material({"role": "assistant", "content": "x", "tool_calls": [CALL]}),
        material(USER, extras={"tools": [{"type": "function"}]}),
        completion([15339]),
    ],
)
def test_a_prompt_that_is_no_text_is_null(unfit: Material) -> None:
    assert render_completion(unfit, DEFAULT).line == {
        "prompt": None,
        "completion": render_completion(completion(answer=unfit.answer["content"]), DEFAULT).line[
            "completion"
        ],
    }


def test_an_answer_that_is_no_text_is_null() -> None:
    line = render_completion(material(USER, answer={"content": "", "function_call": CALL}), DEFAULT)
    assert line.line["completion"] is None


@pytest.mark.parametrize(
    ("prompts", "answers", "markers"),
    [
        (["a"], ["b"], DEFAULT),
        (["a", "x\n\n###\n\ny"], ["b", "b"], Markers("\n\n===\n\n", " END")),
        # the prompt's own end would make the separator appear too early
        (["a\n\n###"], ["b"], Markers("\n\n===\n\n", " END")),
        (["a"], ["the END"], Markers("\n\n###\n\n", " [END]")),
        # the space before the completion makes it one
        (["a"], ["END of it"], Markers("\n\n###\n\n", " [END]")),
        (
            ["\n\n###\n\n\n\n===\n\n\n\n---\n\n\n\n~~~\n\n \n\n### 1 ###\n\n"],
            [" END [END] <END> END1"],
            Markers("\n\n### 2 ###\n\n", " END2"),
        ),
    ],
)
def test_markers_are_the_next_that_do_not_occur(
    prompts: list[str], answers: list[str], markers: Markers
) -> None:
    pairs = zip(prompts, answers, strict=True)
    assert choose_markers([completion(p, answer=a) for p, a in pairs]) == markers


PIECES = st.lists(st.sampled_from(["\n\n", "###", "===", "---", "~~~", "END", " ", "x", "1"])).map(
    "".join
)


@given(st.lists(st.tuples(PIECES, PIECES), min_size=1, max_size=5))
def test_a_marker_is_first_found_where_it_belongs(pairs: list[tuple[str, str]]) -> None:
    materials = [completion(prompt, answer=answer) for prompt, answer in pairs]
    markers = choose_markers(materials)
    assert markers == choose_markers(reversed(materials))
    for made, (prompt, answer) in zip(materials, pairs, strict=True):
        line = render_completion(made, markers).line
        assert line["prompt"].split(markers.separator, 1) == [prompt, ""]
        assert line["completion"].split(markers.stop, 1) == [f" {answer}", ""]


def test_the_sentence_names_the_markers() -> None:
    sentence = Markers("\n\n===\n\n", " [END]").sentence()
    assert '"\\n\\n===\\n\\n"' in sentence
    assert '" [END]"' in sentence


def test_the_same_prompt_is_one_example_whatever_was_answered() -> None:
    swapped = {"content": USER["content"], "role": "user", "name": None}
    examples = [
        render_chat(material(USER, call_id="a")),
        render_chat(material(swapped, call_id="b", answer={"content": "No."})),
        render_chat(material(SYSTEM, USER, call_id="c")),
    ]
    assert [kept.call_id for kept in deduplicated(examples)] == ["a", "c"]


@given(st.lists(st.builds(example, st.text(max_size=3), st.sampled_from("abc"))))
def test_deduplication_is_idempotent_and_keeps_every_prompt(examples: list[Example]) -> None:
    once = deduplicated(examples)
    assert deduplicated(once) == once
    assert {kept.prompt for kept in once} == {given_.prompt for given_ in examples}
    assert len({kept.prompt for kept in once}) == len(once)


@pytest.mark.parametrize(
    ("examples", "limit", "share", "training", "validation"),
    [
        (10, None, "0.2", 9, 1),
        (12, None, "0.2", 10, 2),
        (11, None, "0.2", 10, 1),  # validation would take 2
        (10, None, "0", 10, 0),
        (0, None, "0.2", 0, 0),
        (100, 50, "0.2", 50, 10),
        (55, 50, "0.2", 50, 5),
        (30, 50, "0.2", 30, 0),
        (100, 9, "0.1", 9, 0),
        (100, 10, "0.1", 10, 1),
        (100, 0, "0.5", 0, 0),
        (3, None, "1", 2, 1),
    ],
)
def test_sizes_of_a_split(
    examples: int, limit: int | None, share: str, training: int, validation: int
) -> None:
    made = split([example(str(i)) for i in range(examples)], limit, Decimal(share))
    assert (len(made.training), len(made.validation)) == (training, validation)


@given(
    st.integers(0, 200),
    st.none() | st.integers(0, 250),
    st.decimals(0, 3, places=3, allow_nan=False),
)
def test_a_split_is_disjoint_and_takes_the_first(n: int, limit: int | None, share: Decimal) -> None:
    examples = [example(str(i)) for i in range(n)]
    made = split(examples, limit, share)
    used = made.training + made.validation
    assert used == tuple(examples[: len(used)])
    trained = len(made.training)
    if limit is None:
        assert len(used) == n
        assert len(made.validation) <= int(trained * share)
        # one less to train with, and its share would not cover the others
        assert n == 0 or trained - 1 + int((trained - 1) * share) < n
    else:
        assert trained == min(limit, n)
        assert len(made.validation) == min(int(trained * share), n - trained)


@pytest.mark.parametrize(
    ("limit", "share"), [(-1, "0.2"), (1, "-0.1"), (1, "NaN"), (None, "Infinity")]
)
def test_a_split_that_cannot_be(limit: int | None, share: str) -> None:
    with pytest.raises(AuditError) as error:
        split([], limit, Decimal(share))
    assert error.value.hint


def test_a_line_is_utf_8_with_a_line_end() -> None:
    line = encode_line({"prompt": "für\n", "completion": "\ud83d"})
    assert line == '{"prompt": "für\\n", "completion": "\ufffd"}\n'.encode()
    assert json.loads(line)["prompt"] == "für\n"


def test_rendering_leaves_the_material_alone() -> None:
    asked = material(SYSTEM, {"role": "user", "content": ["a", "b"], "name": None})
    before = replace(asked, messages=tuple(dict(message) for message in asked.messages))
    render_chat(asked)
    render_completion(asked, DEFAULT)
    assert asked == before
