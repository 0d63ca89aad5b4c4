"""How much of a prompt is kept as links, and what the text of a message is."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from itertools import product

import polars as pl
import pytest

from auditor.records import Call, Text
from auditor.workload.hashing import HashKey, plain_number
from auditor.workload.heads import HEAD_TOKENS, HeadMaker, HeadSample, Sampled, rank_of
from auditor.workload.identity import leading_text, opening_of, text_of
from auditor.workload.pairs import observed_pairs


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [
        ((8_192, 1), (8_192,)),
        ((9_000, 1), (8_192,)),
        ((8_191, 1, 1), (8_191, 1)),
        ((8_190, 1, 1, 1), (8_190, 1, 1)),
        ((8_191, 5, 1), (8_191, 5)),
    ],
)
def test_parts_are_kept_until_they_have_the_tokens_of_a_head(
    lengths: tuple[int, ...], kept: tuple[int, ...]
) -> None:
    messages = tuple({"role": "user", "content": "a" + " a" * (n - 1)} for n in lengths)
    group = ("workload", date(2023, 8, 1), "cl100k_base")
    head = HeadMaker(HashKey(b"key")).head_of(Sampled(Text(messages), group, 1, 1, None, 7))
    assert tuple(len(part.links) // 4 for part in head.parts) == kept
    assert (head.messages, head.tokens) == (len(lengths), sum(kept))
    assert HEAD_TOKENS == 8_192


def test_the_text_of_a_message_leads_up_to_its_first_image() -> None:
    contents: tuple[tuple[object, str, str], ...] = (
        ("plain", "plain", "plain"),
        (None, "", ""),
        (["a", {"type": "text", "text": "b"}, {"type": "image"}, {"text": "c"}, "d"], "ab", "abcd"),
        ([{"type": "image"}, "a"], "", "a"),
        ([], "", ""),
    )
    for content, leading, whole in contents:
        message = {"role": "user", "content": content}
        assert (leading_text(message), text_of(message)) == (leading, whole)


def test_calls_are_sampled_by_their_id_and_else_by_what_the_log_says() -> None:
    named, nameless = Call(line=1, id="a"), Call(line=1)
    for key in (HashKey(b"k"), HashKey(b"other")):
        assert rank_of(named, 7, key) == plain_number("a") >> 1
    said: list[object] = [str(None), [None, None], str(nameless.usage), [None, None, [], 7]]
    key = HashKey(b"k")
    assert rank_of(nameless, 7, key) == key.number_of(b"rank", said) >> 1
    assert rank_of(nameless, 8, key) != rank_of(nameless, 7, key)


def test_a_sample_gives_the_calls_up_to_the_least_rank() -> None:
    group = ("workload", date(2023, 8, 1), "cl100k_base")
    sample = HeadSample({}, 3)
    for rank in (1, 2, 3):
        sample.add(Sampled(Text(()), group, rank, rank, None, 7))
    assert [call.rank for call in sample.take({group: 2})] == [1, 2]
    assert (len(sample), sample.characters) == (0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_a_sample_holds_the_smallest_ranks(seed: int) -> None:
    group = ("workload", date(2023, 8, 1), "cl100k_base")
    sample = HeadSample({}, 3)
    ranks = random.Random(seed).sample(range(12), 12)
    for rank in ranks:
        if sample.wants(group, rank, rank):
            sample.add(Sampled(Text(()), group, rank, rank, None, 7))
    assert sorted(rank for _, (rank, _) in sample.orders()) == [0, 1, 2]
    assert (len(sample), sample.characters) == (3, 21)


@pytest.mark.parametrize("seed", range(5))
def test_pairs_of_models_that_answered_the_same_prompt(seed: int) -> None:
    dice = random.Random(seed)
    rows = [
        (workload, prompt, model, dice.randint(1, 99))
        for prompt, workload in enumerate(["w1"] * 5 + ["w2"] * 9 + [None] * 2)
        for model in dice.sample(("a", "b", "c"), 2)
    ]
    names = ("workload", "prompt", "model", "output_tokens")
    found = observed_pairs(pl.DataFrame(rows, schema=names, orient="row"))
    assert [(one.workload, one.base, one.model) for one in found] == sorted(
        {(w, one.base, one.model) for one in found for w in (one.workload,)},
        key=lambda key: (key[0] is not None, key),
    )
    for one in found:
        own = [
            (base[3], other[3])
            for base, other in product(rows, rows)
            if base[1] == other[1] and (base[2], other[2]) == (one.base, one.model)
            and one.workload in (None, base[0])
        ]  # fmt: skip
        sums = tuple(map(sum, zip(*own, strict=True)))
        assert (one.prompts, one.base_tokens, one.model_tokens) == (len(own), *sums)
        assert one.ratio == round(Decimal(sums[1]) / sums[0], 6)
        singles = pl.Series([other / base for base, other in own])
        quartiles = [singles.quantile(share, "nearest") for share in (0.25, 0.5, 0.75)]
        assert [one.low, one.median, one.high] == quartiles


def test_an_opening_is_read_from_the_first_400_characters() -> None:
    assert opening_of(" " * 399 + "ab") == "a"
    assert opening_of("Call 4711 of  many, please, at once") == "Call 0 of many, please, "
