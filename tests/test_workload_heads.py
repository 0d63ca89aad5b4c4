"""How much of a prompt is kept as links, and what the text of a message is."""

from __future__ import annotations

from datetime import date

import pytest

from auditor.records import Text
from auditor.workload.hashing import HashKey
from auditor.workload.heads import HEAD_TOKENS, HeadMaker, Sampled
from auditor.workload.identity import leading_text, text_of


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
