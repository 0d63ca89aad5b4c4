"""The faster counter gives the tokens of tiktoken, for every text; without it all is the same."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import polars as pl
import pytest
from command import audit
from helpers.counters import only_tiktoken, plain_count, plain_tokens
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditor.tokens import count_text, encode_text, fast
from auditor.tokens.encodings import ENCODINGS, canonical_file, load_encoding

toktok = pytest.importorskip("toktok", reason="the extra 'fast' is not installed")

REPOSITORY = Path(__file__).resolve().parents[1]
RECORDINGS = REPOSITORY.parent / "shared" / "data"
NAMES = fast.FAST_ENCODINGS
SURROGATES = range(0xD800, 0xE000)

# In each of these the tokens around a code point depend on its class, even though no token joins it
# with a neighbour: "(self" is one token unless what stands before it takes the bracket, "'s" is one
# unless the apostrophe belongs to what stands before, digits go in threes, two blanks stay together
# only before a third.
SHAPES = (
    "{}(self",
    "!!{}(self",
    "{}1234",
    "12{}345",
    "{}'s",
    "  {}x",
    "'{}the",
    "x'{}the",
    "'{}'s",
)
TOGETHER = 256
ONE_OF = 61

LETTERS = "aAbz\u017f\u0295ßéЖжאب中の한กǅʰª\u0627"
MARKS = "\u0301\u0308\u20e3\ufe0f\u200d\u0e49\u093f"
BLANKS = " \t\n\r\v\f\x85\xa0\u1680\u2009\u2028\u202f\u3000\x1c\x1f\u200b\ufeff"
REST = "0159²½①٣'\u2019\"!/()_<|>\x00\x7f\u0378\U000323b0\U00010940\U00016d40\ud800\udfff"
EMOJI = ("👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇳🇴", "1️⃣")
WORDS = (
    "'s",
    "'LL",
    "'\u017f",
    "don't",
    "HTTPServer",
    "<|endoftext|>",
    "<|fim_prefix|>",
    "<|im_start|>",
)
HOSTILE = st.lists(
    st.one_of(
        st.sampled_from((*LETTERS, *MARKS, *BLANKS, *REST, *EMOJI, *WORDS)),
        st.text(max_size=4),
        st.builds(
            str.__mul__, st.sampled_from((*LETTERS, *MARKS, *BLANKS, *REST)), st.integers(2, 300)
        ),
    ),
    max_size=20,
).map("".join)


@pytest.fixture(autouse=True)
def installed_and_compared() -> None:
    """Else tiktoken would be compared with itself."""
    assert all(fast.fast_encoding(name) is not None for name in NAMES), "not a compared release"


@pytest.mark.parametrize("name", NAMES)
@given(text=HOSTILE)
@settings(max_examples=300, deadline=None)
@example("<|endoftext|><|endofprompt|>")
@example("x\ud800'\u017f")
@example("a\x00b\x00\x00")
@example("")
def test_hostile_text_has_the_tokens_of_tiktoken(name: str, text: str) -> None:
    assert encode_text(text, name) == plain_tokens(text, name)
    assert count_text(text, name) == plain_count(text, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@given(text=HOSTILE)
@settings(max_examples=20_000, deadline=None)
def test_much_hostile_text_has_the_tokens_of_tiktoken(name: str, text: str) -> None:
    assert encode_text(text, name) == plain_tokens(text, name)


@pytest.mark.parametrize("name", NAMES)
def test_code_points_that_are_classed_otherwise_go_to_tiktoken(name: str) -> None:
    """One of many, and all at the bounds of what goes to tiktoken."""
    bounds = {
        near
        for code in range(1, sys.maxunicode)
        if fast.may_differ(chr(code)) != fast.may_differ(chr(code - 1))
        for near in (code - 1, code)
    }
    assert differing(name, {*range(0, sys.maxunicode, ONE_OF), *bounds}) == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_of_all_code_points_only_those_that_differ_go_to_tiktoken(name: str) -> None:
    assert differing(name, range(sys.maxunicode + 1)) == set()


@pytest.mark.slow
def test_no_more_code_points_go_to_tiktoken_than_differ() -> None:
    routed = {
        code
        for code in range(sys.maxunicode + 1)
        if fast.may_differ(chr(code)) and code not in SURROGATES
    }
    differs = set().union(*(differing(name, routed, kept=False) for name in NAMES))
    # these two differ in no shape that we know, and by the tables of the two they could
    assert routed - differs == {0x017F, 0x0295}


def differing(name: str, codes: Iterable[int], *, kept: bool = True) -> set[int]:
    """The code points whose tokens in some shape differ; ``kept``: of those that toktok counts."""
    quick, oracle = fast.fast_encoding(name), load_encoding(name)
    assert quick is not None
    chosen = [code for code in sorted(codes) if code not in SURROGATES]
    if kept:
        chosen = [code for code in chosen if not fast.may_differ(chr(code))]
    found = set()
    for shape in SHAPES:
        for place in range(0, len(chosen), TOGETHER):
            some = {code: shape.format(chr(code)) for code in chosen[place : place + TOGETHER]}
            text = "\n".join(some.values())
            if quick.encode_ordinary(text) != oracle.encode_ordinary(text):
                found |= {
                    code
                    for code, one in some.items()
                    if quick.encode_ordinary(one) != oracle.encode_ordinary(one)
                }
    return found


@pytest.mark.parametrize("name", NAMES)
def test_its_ranks_are_the_published_ones(name: str) -> None:
    spec = ENCODINGS[name]
    tokens = [bytes(token) for token in toktok._encoding(name).token_byte_values()]
    assert len(tokens) == spec.rank_count
    assert hashlib.sha256(canonical_file(tokens)).hexdigest() == spec.sha256


RUNS = (
    " ",
    "\t",
    "\n",
    "\r\n",
    " \t",
    "\u3000",
    "\xa0",
    " \n",
    "a",
    "A",
    "1",
    "!",
    "/",
    "中",
    "😀",
)
SHAPES_OF_RUNS = ("{}", "{}x", "x{}", "\n{}x", "!{}\n")


@pytest.mark.parametrize("name", NAMES)
def test_long_runs_have_the_tokens_of_tiktoken(name: str) -> None:
    for run in (*RUNS, "A\u0301", "'s", "\x00", "\u0301"):
        for shape in SHAPES_OF_RUNS:
            text = shape.format(run * 3_000)
            assert encode_text(text, name) == plain_tokens(text, name), (run, shape)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("run", RUNS)
def test_a_megabyte_of_one_character_has_the_tokens_of_tiktoken(name: str, run: str) -> None:
    for shape in SHAPES_OF_RUNS:
        text = shape.format(run * 1_000_001)
        assert encode_text(text, name) == plain_tokens(text, name), shape


@pytest.mark.parametrize("name", NAMES)
def test_the_fixtures_have_the_tokens_of_tiktoken(name: str) -> None:
    texts = set()
    for file in sorted((REPOSITORY / "fixtures").rglob("*")):
        if file.is_file():
            texts |= {*file.read_bytes().decode("utf-8", "replace").splitlines()}
    assert len(texts) > 1_000
    assert_same(texts, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_recorded_text_has_the_tokens_of_tiktoken(name: str) -> None:
    files = sorted(RECORDINGS.rglob("*.jsonl"))
    if not files:
        pytest.skip(f"no recordings in {RECORDINGS}")
    texts = set()
    for file in files:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                texts |= {*strings(line)}
    assert_same(texts, name)


def strings(line: str) -> Iterator[str]:
    """All strings within a line of JSON, and the line."""
    yield line
    try:
        left = [json.loads(line)]
    except ValueError:
        return
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list):
            left += value


def assert_same(texts: Iterable[str], name: str) -> None:
    ordered = sorted(texts)
    with only_tiktoken():
        plain = [count_text(text, name) for text in ordered]
    assert [count_text(text, name) for text in ordered] == plain


def test_threads_share_a_counter() -> None:
    texts = [
        f"thread {number}: " + "HTTPServer don't 世界 " * (number % 7) for number in range(2000)
    ]
    alone = [count_text(text, "o200k_base") for text in texts]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda text: count_text(text, "o200k_base"), texts)) == alone


@pytest.mark.parametrize("package", ["toktok-rs", "tiktoken"])
@pytest.mark.parametrize("found", ["99.0", None])
def test_a_release_that_was_not_compared_is_not_used(
    package: str, found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        if name != package:
            return fast.COMPARED[name][0]
        if found is None:
            raise PackageNotFoundError(name)
        return found

    monkeypatch.setattr(fast, "version", version)
    assert fast.fast_encoding.__wrapped__("cl100k_base") is None
    monkeypatch.setattr(fast, "version", lambda name: fast.COMPARED[name][-1])
    assert fast.fast_encoding.__wrapped__("cl100k_base") is not None


@pytest.mark.parametrize("name", sorted(set(ENCODINGS) - set(NAMES)))
def test_what_it_does_not_know_is_left_to_tiktoken(name: str) -> None:
    assert fast.fast_encoding(name) is None
    assert count_text("hello world", name) == 2


def test_calls_are_the_same_with_and_without(tmp_path: Path) -> None:
    text = "It\u2019s \u017fo\U000323b0 '\u017f <|endoftext|> 中文 don't 12345\n\n   x"
    messages = [{"role": "system", "content": text * 3}, {"role": "user", "content": text}]
    lines = [
        {
            "timestamp": "2024-05-01T00:00:00Z",
            "request": {"model": model, "messages": messages * (1 + number)},
            "response": {
                "model": model,
                "choices": [{"message": {"role": "assistant", "content": text * number}}],
            },
        }
        for model in ("gpt-4-0613", "gpt-4o-2024-05-13")
        for number in range(3)
    ]
    (tmp_path / "calls.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    words = ("convert", "calls.jsonl", "-o")
    quick = audit(*words, "fast.parquet", folder=tmp_path)
    with only_tiktoken():
        plain = audit(*words, "plain.parquet", folder=tmp_path)
    assert quick.exit_code == plain.exit_code == 0, quick
    assert (tmp_path / "fast.parquet").read_bytes() == (tmp_path / "plain.parquet").read_bytes()
    counted = pl.read_parquet(tmp_path / "fast.parquet")["counted_by"]
    assert counted.to_list() == ["tokenizer"] * len(lines)
