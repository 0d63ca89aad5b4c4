"""Cutting at a token, and dropping the beginning that prompts share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.finetune import Material, SharedPrefix, shorten, shorten_all
from auditor.tokens import count_text, split_at_token
from auditor.tokens.encodings import load_encoding

CL100K = "cl100k_base"
RULES = {"role": "system", "content": "Answer politely and in one sentence."}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def material(*messages: Any, prompts: tuple[Any, ...] = ()) -> Material:
    return Material("c", messages, prompts, {}, {"content": "ok"}, 10)


def test_a_text_is_cut_at_a_token() -> None:
    assert split_at_token("hello world again", 2, CL100K) == ("hello world", " again")
    assert split_at_token("hello", 0, CL100K) == ("", "hello")
    assert split_at_token("hello", -3, CL100K) == ("", "hello")
    assert split_at_token("hello", 1, CL100K) == ("hello", "")
    assert split_at_token("", 5, CL100K) == ("", "")


def test_a_character_of_several_tokens_is_not_broken() -> None:
    # each of these two takes three tokens in cl100k
    text = "\U0001f9ff\U0001f9ff"
    assert count_text(text, CL100K) == 6
    heads = [split_at_token(text, n, CL100K)[0] for n in range(7)]
    assert heads == ["", "", "", text[0], text[0], text[0], text]


def test_special_tokens_are_ordinary_text() -> None:
    head, tail = split_at_token("<|endoftext|>x", 3, CL100K)
    assert head + tail == "<|endoftext|>x"
    assert head == load_encoding(CL100K).decode(
        load_encoding(CL100K).encode_ordinary("<|endoftext|>x")[:3]
    )


def test_lone_surrogates_are_the_replacement_character() -> None:
    assert "".join(split_at_token("a\ud800b", 1, CL100K)) == "a\ufffdb"


@pytest.mark.parametrize("encoding", [CL100K, "o200k_base", "r50k_base"])
def test_a_run_that_kills_the_tokenizer_is_cut_too(encoding: str) -> None:
    text = "begin" + " " * 1_000_001 + "end"
    n = count_text(text, encoding) - 2
    head, tail = split_at_token(text, n, encoding)
    assert head + tail == text
    assert count_text(tail, encoding) == 2


@given(st.text(max_size=60), st.integers(0, 40), st.sampled_from([CL100K, "o200k_base"]))
def test_head_and_tail_are_the_text_and_the_head_is_as_long_as_it_may_be(
    text: str, n: int, encoding: str
) -> None:
    text = text.encode("utf-8", "replace").decode()
    head, tail = split_at_token(text, n, encoding)
    assert head + tail == text
    known = load_encoding(encoding)
    most = known.decode_bytes(known.encode_ordinary(text)[:n])
    assert most.startswith(head.encode())
    # one character more would be more than the tokens hold
    assert not tail or len((head + tail[0]).encode()) > len(most)


WORDS = st.lists(st.from_regex(r"\A[A-Z]?[a-z]{1,9}\Z"), min_size=1, max_size=12).map(" ".join)


@given(WORDS, st.integers(0, 30))
def test_dropped_and_kept_tokens_are_all(text: str, n: int) -> None:
    head, tail = split_at_token(text, n, CL100K)
    whole = count_text(text, CL100K)
    assert count_text(head, CL100K) == min(n, whole)
    assert count_text(head, CL100K) + count_text(tail, CL100K) == whole


@settings(max_examples=50)
@given(WORDS, WORDS, st.integers(0, 2))
def test_a_shared_beginning_costs_what_is_saved(shared: str, own: str, whole: int) -> None:
    """The tokens of the prefix are those by which the contents become shorter."""
    tokens = count_text(shared + "\n", CL100K)
    messages = [RULES] * whole + [user(f"{shared}\n{own}")]
    rest = shorten(messages, SharedPrefix(whole, tokens, CL100K))
    assert rest == (user(own),)
    assert count_text(f"{shared}\n{own}", CL100K) - tokens == count_text(own, CL100K)


def test_the_last_message_always_stays() -> None:
    messages = (RULES, user("hello world"))
    assert shorten(messages, SharedPrefix(2, 0, CL100K)) == (user(""),)
    assert shorten(messages, SharedPrefix(5, 3, CL100K)) == (user(""),)
    assert shorten(messages, SharedPrefix(1, 9, CL100K)) == (user(""),)
    assert shorten((), SharedPrefix(1, 9, CL100K)) == ()


def test_nothing_shared_changes_nothing() -> None:
    messages = (RULES, user(["a", "b"]))
    assert shorten(messages, SharedPrefix(0, 0, CL100K)) == messages


def test_contents_that_are_not_strings() -> None:
    two = SharedPrefix(0, 2, CL100K)
    parts = [{"type": "text", "text": "hello"}, {"type": "text", "text": " world again"}]
    image = [*parts, {"type": "image_url", "image_url": {"url": "data:,"}}]
    assert shorten((user(parts), RULES), two) == (user(" again"), RULES)
    assert shorten((user(image), RULES), two) == (user(image), RULES)
    assert shorten(("hello world again", "b"), two) == (" again", "b")
    assert shorten(([1, 2, 3],), two) == ([3],)


def test_calls_that_begin_otherwise_keep_their_prompt() -> None:
    prefix = SharedPrefix(1, 2, CL100K)
    common = [material(RULES, user(f"hello world {n}")) for n in range(3)]
    others = [
        material(user("hello world"), user("hello world 5")),  # another first message
        material(RULES, user("hello there 6")),  # another beginning
        material(RULES, {**RULES, "content": "hello world 7"}),  # another role
        material(RULES),  # too short
        material(RULES, user([{"type": "image_url"}])),  # no text
        material(prompts=("hello world", "hello world 8")),
    ]
    shortened, kept_whole = shorten_all([*others[:3], *common, *others[3:]], prefix)
    assert kept_whole == 6
    assert shortened[:3] + shortened[6:] == tuple(others)
    assert [made.messages for made in shortened[3:6]] == [(user(f" {n}"),) for n in range(3)]


def test_whole_messages_alone_do_not_look_at_the_next() -> None:
    made = [
        material(RULES, user("a")),
        material(RULES, {**RULES, "content": None}),
        material(RULES),
    ]
    shortened, kept_whole = shorten_all(made, SharedPrefix(1, 0, CL100K))
    assert kept_whole == 0
    assert [one.messages for one in shortened] == [
        (user("a"),),
        ({**RULES, "content": None},),
        ({**RULES, "content": ""},),
    ]


def test_of_equally_common_beginnings_the_smaller_is_dropped() -> None:
    made = [material(prompts=("b", "1")), material(prompts=("a", "2"))]
    for materials in (made, made[::-1]):
        shortened, kept_whole = shorten_all(materials, SharedPrefix(1, 0, CL100K))
        assert kept_whole == 1
        assert {one.prompts for one in shortened} == {("b", "1"), ("2",)}


def test_no_materials_and_none_that_fit() -> None:
    prefix = SharedPrefix(3, 0, CL100K)
    assert shorten_all([], prefix) == ((), 0)
    short = (material(RULES), replace(material(RULES), call_id="d"))
    assert shorten_all(short, prefix) == (short, 2)
