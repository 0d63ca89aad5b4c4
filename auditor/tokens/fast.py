"""A faster counter in front of tiktoken, where the extra ``fast`` is installed: the same tokens.

toktok-rs (MIT) has the ranks of cl100k and o200k inside and a splitter of its own for each. Against
tiktoken every code point was compared in all contexts that tell its class (letter, number, mark,
white space): they differ where Unicode 17, which toktok follows, gave a class to a code point that
Unicode 16, which tiktoken follows, leaves unassigned. A text with such a code point goes to
tiktoken. ``tests/test_tokens_fast.py`` makes the comparison anew.
"""

from __future__ import annotations

import functools
import re
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

# Only what was compared is used: another release may follow another Unicode, and no check that is
# quick enough for every start would notice.
COMPARED = {"toktok-rs": ("0.3.0",), "tiktoken": ("0.13.0", "0.14.0")}
FAST_ENCODINGS = ("cl100k_base", "o200k_base")

# Letters, numbers and marks of Unicode 17 that Unicode 16 does not assign; U+0295, whose class may
# change between the two; U+017F, which only tiktoken takes for the s of 's; lone surrogates, which
# toktok refuses.
_DIFFER_BELOW_10000 = (
    "\u017f\u0295\u088f\u0c5c\u0cdc\u1acf-\u1add\u1ae0-\u1aeb\ua7ce-\ua7cf\ua7d2\ua7d4\ua7f1"
    "\ud800-\udfff"
)
_DIFFER_ABOVE = (
    "\U00010940-\U00010959\U00010ec5-\U00010ec7\U00010efa-\U00010efb\U00011b60-\U00011b67"
    "\U00011db0-\U00011ddb\U00011de0-\U00011de9\U00016ea0-\U00016eb8\U00016ebb-\U00016ed3"
    "\U00016ff2-\U00016ff6\U000187f8-\U000187ff\U00018d09-\U00018d1e\U00018d80-\U00018df2"
    "\U0001e6c0-\U0001e6de\U0001e6e0-\U0001e6f5\U0001e6fe-\U0001e6ff\U0002b73a-\U0002b73f"
    "\U0002cea2-\U0002cead\U000323b0-\U00033479"
)
# Two steps, since the first reads ten times as many characters a second as the second.
_MAY_DIFFER = re.compile(f"[{_DIFFER_BELOW_10000}\U00010000-\U0010ffff]")
_DIFFERS = re.compile(f"[{_DIFFER_BELOW_10000}{_DIFFER_ABOVE}]")


class FastEncoding(Protocol):
    """What is used of toktok's tokenizer, which threads may share."""

    def count(self, text: str) -> int:
        """Tokens of a text, names of special tokens being ordinary text."""

    def encode_ordinary(self, text: str) -> list[int]:
        """The tokens themselves."""


@functools.cache
def fast_encoding(name: str) -> FastEncoding | None:
    """The fast form of an encoding, None where there is none or no compared release of it."""
    if name not in FAST_ENCODINGS or not all(map(_is_compared, COMPARED)):
        return None
    try:
        import toktok
    except ImportError:
        return None
    encoding: FastEncoding = toktok._encoding(name)
    return encoding


def may_differ(text: str) -> bool:
    """Whether ``text`` holds a code point for which the two counters may have different rules."""
    if text.isascii():
        return False
    found = _MAY_DIFFER.search(text)
    return found is not None and _DIFFERS.search(text, found.start()) is not None


def _is_compared(package: str) -> bool:
    try:
        return version(package) in COMPARED[package]
    except PackageNotFoundError:
        return False
