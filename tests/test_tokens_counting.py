"""Counting plain text: as tiktoken counts, and where tiktoken dies, exactly all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from helpers.counters import only_tiktoken, plain_count, plain_tokens
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditor.pipeline.counting import NOBODY, TOKENIZER, Gauge
from auditor.prices import open_book
from auditor.records import Call, Text
from auditor.tokens import (
    TextCounter,
    UncountableError,
    count_prompts,
    count_text,
    encode_text,
    split_at_token,
)
from auditor.tokens.counting import LONGEST_SAFE_RUN, split_at_long_runs
from auditor.tokens.encodings import (
    ENCODINGS,
    load_encoding,
    load_whole_text_encoding,
    unbroken,
)
from auditor.tokens.fast import FAST_ENCODINGS
from auditor.workload.hashing import HashKey
from auditor.workload.heads import HeadMaker, Sampled

NAMES = tuple(ENCODINGS)
# Where no faster counter knows the encoding, both are one.
COUNTED = (*((count_text, name) for name in NAMES), *((plain_count, n) for n in FAST_ENCODINGS))
BLANKS = ("\t", "\n", "\u3000")
Count = Callable[[str, str], int]
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
    assert count_text(text, name) == plain_count(text, name) == tiktoken_count(text, name)


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


RARER_SHAPES = ("\n{}x", "!\n{}\nx", "x{}y{}")


@pytest.mark.parametrize(("count", "name"), COUNTED)
@pytest.mark.parametrize(
    "shape",
    ["{}x", "a{}", *(pytest.param(s, marks=pytest.mark.slow) for s in RARER_SHAPES)],
)
def test_long_runs_count_as_tiktoken_counts_them_where_it_can(
    count: Count, name: str, shape: str
) -> None:
    text = shape.replace("{}", " " * (LONGEST_SAFE_RUN + 1))
    assert count(text, name) == tiktoken_count(text, name)


@pytest.mark.parametrize(("count", "name"), COUNTED)
@pytest.mark.parametrize("blank", [" ", *(pytest.param(b, marks=pytest.mark.slow) for b in BLANKS)])
def test_a_run_that_kills_tiktoken_is_counted(count: Count, name: str, blank: str) -> None:
    run = blank * 1_000_001
    # The last blank of the run belongs to what follows it, unless it is a newline, which only
    # r50k and p50k leave alone.
    assert count(f"{run}x", name) > 1_000_001 // 128
    if blank != "\n":
        whole = load_whole_text_encoding(name).encode_ordinary(run[:-1])
        assert count(f"{run}x", name) == len(whole) + tiktoken_count(f"{blank}x", name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("blanks", [" \t", "\u3000 \u2028", "\n ", " \xa0"])
def test_a_mixed_megabyte_of_white_space_is_counted(name: str, blanks: str) -> None:
    run = blanks * (1_000_001 // len(blanks))
    for text in (f"x{run}", f"!\n{run}\n{run}x"):
        assert count_text(text, name) == plain_count(text, name) > 1_000_001 // 128


def test_many_runs_a_little_too_short_are_searched_once() -> None:
    """As many steps as the square of their length would take minutes."""
    text = (" " * (LONGEST_SAFE_RUN - 1) + "x") * 20
    assert [part for part, _ in split_at_long_runs(text, "p50k_base", LONGEST_SAFE_RUN)] == [text]


class PanicException(BaseException):
    """As pyo3 names it."""


class Broken:
    """An encoding in place of a tokenizer's."""

    def __init__(self, error: type[BaseException]) -> None:
        self._error = error

    def encode_ordinary(self, text: str) -> list[int]:
        if "kill" in text:
            raise self._error("StackOverflow")
        return [0] * len(text.split())

    def count(self, text: str) -> int:
        return len(self.encode_ordinary(text))


def break_tiktoken(monkeypatch: pytest.MonkeyPatch, error: type[BaseException]) -> None:
    for room in ("counting", "cutting"):
        monkeypatch.setattr(f"auditor.tokens.{room}.load_encoding", lambda _name: Broken(error))


def test_what_breaks_tiktoken_is_uncountable(monkeypatch: pytest.MonkeyPatch) -> None:
    break_tiktoken(monkeypatch, PanicException)
    with only_tiktoken():
        with pytest.raises(
            UncountableError, match="a text of 8 characters, on which the tokenizer"
        ):
            count_text("kill  it", "cl100k_base")
        with pytest.raises(UncountableError):
            split_at_token("kill  it", 1, "cl100k_base")
        assert count_text("spare it", "cl100k_base") == 2


def test_what_breaks_the_faster_counter_is_left_to_tiktoken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = Broken(PanicException)
    monkeypatch.setattr("auditor.tokens.counting.fast_encoding", lambda _name: broken)
    assert encode_text("kill it", "cl100k_base") == plain_tokens("kill it", "cl100k_base")
    assert count_text("kill it", "cl100k_base") == plain_count("kill it", "cl100k_base")
    assert encode_text("spare it", "cl100k_base") == [0, 0]


def test_a_call_that_breaks_tiktoken_is_counted_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    break_tiktoken(monkeypatch, PanicException)
    gauge = Gauge(open_book(), {})

    def call(said: str) -> Call:
        text = Text(messages=({"role": "user", "content": said},), outputs=({"content": "yes"},))
        return Call(line=1, served_model="gpt-4-0613", text=text)

    said = Text(messages=({"role": "user", "content": "kill it"},))
    sampled = Sampled(said, ("workload", date(2023, 8, 1), "cl100k_base"), 1, 1, None, 7)
    with only_tiktoken():
        killed, spared = gauge(call("kill it")), gauge(call("spare it"))
        head = HeadMaker(HashKey(b"key")).head_of(sampled)
    assert (killed.usage, killed.by) == (None, NOBODY)
    assert killed.problem is not None
    assert "on which the tokenizer broke down" in killed.problem
    assert spared.by == TOKENIZER
    assert [(part.tokens, part.links) for part in head.parts] == [(None, b"")]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, SystemExit])
def test_only_a_panic_is_caught(error: type[BaseException]) -> None:
    with pytest.raises(error):
        unbroken(Broken(error).encode_ordinary, "kill")


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


def test_a_text_counter_forgets_what_was_not_asked_for_lately(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def spy(text: str, _encoding: str) -> int:
        asked.append(text)
        return len(text)

    monkeypatch.setattr("auditor.tokens.counting.count_text", spy)
    counter = TextCounter(capacity_characters=8)
    for text in ("aa", "bb", "cc", "aa", "dd", "aa", "bb", "aa", "d" * 5, "d" * 5, "aa"):
        assert counter(text, "cl100k_base") == len(text)
    assert asked == ["aa", "bb", "cc", "dd", "bb", "d" * 5, "d" * 5]


@given(texts=st.lists(st.text("ab", max_size=4), max_size=60), capacity=st.integers(0, 20))
def test_a_text_counter_holds_no_more_than_it_may(texts: list[str], capacity: int) -> None:
    counter = TextCounter(capacity)
    for text in texts:
        assert counter(text, "cl100k_base") == count_text(text, "cl100k_base")
        held = {**counter._before, **counter._recent}
        assert sum(len(text) for text, _ in held) <= capacity
