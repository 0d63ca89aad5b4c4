"""Counting with tiktoken alone, as where the extra ``fast`` is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from auditor.tokens import count_text, encode_text


@contextmanager
def only_tiktoken() -> Iterator[None]:
    """What is counted within is counted by tiktoken."""
    with patch("auditor.tokens.counting.fast_encoding", return_value=None):
        yield


def plain_count(text: str, encoding: str) -> int:
    """``count_text`` by tiktoken."""
    with only_tiktoken():
        return count_text(text, encoding)


def plain_tokens(text: str, encoding: str) -> list[int]:
    """``encode_text`` by tiktoken."""
    with only_tiktoken():
        return encode_text(text, encoding)
