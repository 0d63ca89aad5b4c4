"""Counting plain text: as tiktoken counts, and where tiktoken dies, exactly all the same."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditor.tokens import TextCounter, count_prompts, count_text
from auditor.tokens.counting import LONGEST_SAFE_RUN, split_at_long_runs
from auditor.tokens.encodings import ENCODINGS, load_encoding, load_whole_text_encoding

NAMES = tuple(ENCODINGS)
NASTY_TEXT = st.lists(
    st.one_of(
        st.sampled_from(
            (" ", "  ", "\t", "\n", "\r\n", "\n\n", "\xa0", "\u3000", "\x1c", "\x85", "\u2028")
        ),
        st.sampled_from(("a", "Ab", "1234", "!", "/", "'s", "\u0301", "é", "中", "!\u0301", "😀")),
        st.text(max_size=3),
    ),
    max_size=25,
).map("".join)


def tiktoken_count(text: str, encoding: str) -> int:
    return len(load_encoding(encoding).encode(text, disallowed_special=()))


@pytest.mark.parametrize("name", NAMES)
@given(text=NASTY_TEXT)
@settings(max_examples=150, deadline=None)
@example("<|endoftext|><|fim_prefix|>")
@example("\ud800 lone \udfff")
@example("\ud83d\ude00")
def test_counts_are_those_of_tiktoken(name: str, text: str) -> None:
    assert count_text(text, name) == tiktoken_count(text, name)


@pytest.mark.parametrize("name", NAMES)
@given(text=NASTY_TEXT, longest=st.integers(1, 4))
@settings(max_examples=400, deadline=None)
@example(text="!\n\n   x", longest=2)
@example(text="\n   \n   x", longest=2)
@example(text="a\u0301\n   ", longest=2)
@example(text="a   \n", longest=2)
@example(text="\n   ", longest=2)
def test_taking_out_runs_of_white_space_changes_no_token(
    name: str, text: str, longest: int
) -> None:
    """The proof behind LONGEST_SAFE_RUN, on runs short enough for tiktoken itself."""
    tokens: list[int] = []
    for part, whole in split_at_long_runs(text, name, longest):
        encoding = load_whole_text_encoding(name) if whole else load_encoding(name)
        tokens += encoding.encode_ordinary(part)
    assert tokens == load_encoding(name).encode_ordinary(text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", ["{}x", "a{}", "\n{}x", "!\n{}\nx", "x{}y{}"])
def test_long_runs_count_as_tiktoken_counts_them_where_it_can(name: str, shape: str) -> None:
    text = shape.replace("{}", " " * (LONGEST_SAFE_RUN + 1))
    assert count_text(text, name) == tiktoken_count(text, name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("blank", [" ", "\t", "\n"])
def test_a_run_that_kills_tiktoken_is_counted(name: str, blank: str) -> None:
    run = blank * 1_000_001
    # The last blank of the run belongs to what follows it, unless it is a newline, which only
    # r50k and p50k leave alone.
    assert count_text(f"{run}x", name) > 1_000_001 // 128
    if blank != "\n":
        whole = load_whole_text_encoding(name).encode_ordinary(run[:-1])
        assert count_text(f"{run}x", name) == len(whole) + tiktoken_count(f"{blank}x", name)


def test_special_tokens_in_text_are_ordinary_text() -> None:
    assert count_text("<|endoftext|>", "cl100k_base") == 7


def test_a_lone_surrogate_counts_three_tokens() -> None:
    assert count_text("\ud800", "cl100k_base") == tiktoken_count("\ufffd", "cl100k_base")


def test_prompts_add_up_and_token_ids_count_themselves() -> None:
    assert count_prompts(["hello", "hello world", [1, 2, 3]], "r50k_base") == 1 + 2 + 3
    assert count_prompts([], "r50k_base") == 0


def test_a_text_counter_counts_as_count_text_and_counts_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def spy(text: str, encoding: str) -> int:
        asked.append(text)
        return count_text(text, encoding)

    monkeypatch.setattr("auditor.tokens.counting.count_text", spy)
    counter = TextCounter()
    assert [counter("hello world", "cl100k_base") for _ in range(3)] == [2, 2, 2]
    assert counter("hello world", "r50k_base") == 2
    assert asked == ["hello world", "hello world"]


def test_a_text_counter_forgets_the_least_recently_used_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def spy(text: str, _encoding: str) -> int:
        asked.append(text)
        return len(text)

    monkeypatch.setattr("auditor.tokens.counting.count_text", spy)
    counter = TextCounter(capacity_characters=10)
    for text in ("aaaa", "bbbb", "aaaa", "cccc", "aaaa", "bbbb", "d" * 11, "d" * 11):
        assert counter(text, "cl100k_base") == len(text)
    assert asked == ["aaaa", "bbbb", "cccc", "bbbb", "d" * 11, "d" * 11]
