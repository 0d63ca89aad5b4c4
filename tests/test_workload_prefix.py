"""Shared beginnings of drawn prompts, held against every beginning tried one after the other."""

from __future__ import annotations

import random
import struct
from collections import Counter
from fractions import Fraction
from math import ceil
from typing import Any

import polars as pl
import pytest

from auditor.workload.prefix import LEVELS, measure_prefixes

Message = tuple[int, ...]
PERCENT = {100: Fraction(1), 99: Fraction(99, 100), 90: Fraction(9, 10)}


def drawn(dice: random.Random) -> dict[str, list[tuple[str, list[Message]]]]:
    """Of each workload its heads: an encoding, and messages of few tokens that are often shared."""
    found = {}
    for workload in ("w1", "w2", "w3"):
        pool = [tuple(dice.choice((1, 2)) for _ in range(dice.randint(0, 6))) for _ in range(3)]
        common = dice.choice(pool)
        heads = []
        for _ in range(dice.choice((1, 3, 10, 21))):
            body = dice.choice(pool) if dice.random() < 0.15 else common
            tail = tuple(dice.choice((1, 2, 2, 2)) for _ in range(dice.randint(0, 4)))
            messages = [body] * dice.choice((1, 1, 1, 2)) + [(*common[:2], *tail)]
            heads.append((dice.choice(("cl", "cl", "o2")), messages))
        found[workload] = heads
    return found


def frames(drawn_heads: dict[str, list[tuple[str, list[Message]]]], dark: set[Message]) -> Any:
    """The tables: a message is hashed to a number, its links are numbers of its beginnings."""
    numbers: dict[Any, int] = {}

    def number(value: Any) -> int:
        return numbers.setdefault(value, len(numbers) + 1)

    heads, parts = [], {}
    for workload, own in drawn_heads.items():
        for encoding, messages in own:
            keys = [number(("part", message)) for message in messages]
            heads.append((workload, encoding, len(messages), keys))
            for key, message in zip(keys, messages, strict=True):
                ends = range(1, len(message) + 1)
                links = b"".join(struct.pack("<I", number(message[:end])) for end in ends)
                tokens = None if message in dark else len(message) + 4
                parts[key, encoding] = (key, encoding, tokens, links)
    kinds: dict[str, Any] = {"workload": pl.String, "encoding": pl.String, "messages": pl.Int32}
    of_parts: dict[str, Any] = {"part": pl.UInt64, "encoding": pl.String, "tokens": pl.Int32}
    return (
        pl.DataFrame(heads, schema=kinds | {"parts": pl.List(pl.UInt64)}, orient="row"),
        pl.DataFrame(list(parts.values()), schema=of_parts | {"links": pl.Binary}, orient="row"),
    )


def expected(own: list[tuple[str, list[Message]]], level: Fraction, dark: set[Message]) -> Any:
    """Message by message, then token by token, as long as enough of all heads go along."""
    counts = Counter(encoding for encoding, _ in own)
    encoding = min(counts, key=lambda name: (-counts[name], name))
    path = [messages for name, messages in own if name == encoding]
    needed = ceil(len(path) * level)
    holding, whole, cut = len(path), 0, 0
    on_path = path
    while True:
        longer = [one for one in on_path if len(one) > whole + 1]
        most = Counter(one[whole] for one in longer if one[whole] not in dark)
        best = [message for message, count in most.items() if count >= needed]
        if not best:
            break
        on_path = [one for one in longer if one[whole] == best[0]]
        holding, whole, cut = len(on_path), whole + 1, cut + len(best[0]) + 4
    then = 0
    for depth in range(1, 12):
        beginnings = Counter(
            one[whole][:depth] for one in on_path if len(one) > whole and len(one[whole]) >= depth
        )
        shared = [count for count in beginnings.values() if count >= needed]
        if not shared:
            break
        then, holding = depth, shared[0]
    return encoding, len(own), holding, whole, then, cut + then


@pytest.mark.parametrize("seed", range(25))
def test_beginnings_are_as_long_as_enough_prompts_share_them(seed: int) -> None:
    dice = random.Random(seed)
    heads = drawn(dice)
    dark = {dice.choice(heads["w1"])[1][0]} if seed % 3 == 0 else set()
    found = measure_prefixes(*frames(heads, dark))
    names = ("encoding", "heads", "holding", "whole_messages", "then_tokens", "cut_tokens")
    answers = [
        (row["workload"], row["level"], *(row[name] for name in names))
        for row in found.iter_rows(named=True)
    ]
    assert answers == [
        (workload, percent, *expected(heads[workload], level, dark))
        for workload in sorted(heads)
        for percent, level in PERCENT.items()
    ]
    assert set(LEVELS) == set(PERCENT.values())


def test_a_prompt_is_followed_as_far_as_its_parts_are_kept() -> None:
    heads, parts = frames({"w": [("cl", [(1, 2), (1,)])] * 2}, set())
    found = measure_prefixes(heads.with_columns(pl.lit(5, pl.Int32).alias("messages")), parts)
    assert found["whole_messages"].to_list() == [2, 2, 2]
    assert found["then_tokens"].to_list() == [0, 0, 0]
