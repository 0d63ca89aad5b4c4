"""Tokens of plain text."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence

from auditor.tokens.encodings import load_encoding, load_whole_text_encoding

CountText = Callable[[str, str], int]
"""Tokens of a text (first) in an encoding (second): ``count_text`` or a ``TextCounter``."""

Prompt = str | Sequence[int]
"""A prompt of a completion or an embedding: text, or token ids."""

# tiktoken dies of a run of about 1,000,000 white-space characters (a stack overflow in its regex
# engine, raised as a PanicException, which is no Exception). Runs of this length are taken out.
LONGEST_SAFE_RUN = 100_000

# White space as the patterns mean it (Unicode's White_Space; Python's \s has \x1c to \x1f besides).
_BLANKS = r"\t\v\f \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_NEWLINES = "\r\n"


def count_text(text: str, encoding: str) -> int:
    """Tokens of ``text`` in ``encoding``.

    Names of special tokens in the text are ordinary text. Lone surrogates are counted as the
    replacement character, as tiktoken does. Raises TokenizerError when the encoding cannot be
    loaded.
    """
    return len(encode_text(text, encoding))


def encode_text(text: str, encoding: str) -> list[int]:
    """The tokens of ``text`` in ``encoding``, under the rules of ``count_text``."""
    if len(text) < LONGEST_SAFE_RUN:
        return load_encoding(encoding).encode_ordinary(text)
    return [
        token
        for part, whole in split_at_long_runs(text, encoding, LONGEST_SAFE_RUN)
        for token in (load_whole_text_encoding if whole else load_encoding)(
            encoding
        ).encode_ordinary(part)
    ]


def count_prompts(
    prompts: Iterable[Prompt], encoding: str, *, count: CountText = count_text
) -> int:
    """Tokens of legacy completion or embedding prompts: the plain sum, nothing is added.

    A prompt may be a list of token ids, which counts its length. Source: OpenAI's API description
    (an array of prompts adds up).
    """
    return sum(
        count(prompt, encoding) if isinstance(prompt, str) else len(prompt) for prompt in prompts
    )


def split_at_long_runs(text: str, encoding: str, longest: int) -> Iterator[tuple[str, bool]]:
    """Parts of ``text`` whose tokens add up to those of the text; True marks an unsplittable part.

    Why it is exact. Let a run be white space that no earlier alternative of the pattern can reach
    into or read beyond: any white space for r50k and p50k, white space without newlines for cl100k
    and o200k (whose punctuation takes newlines that follow it, and where ``\\s*[\\r\\n]`` takes
    blanks that come before a newline). Such a run always begins a new piece. If a character that
    is not white space follows it, ``\\s+(?!\\S)`` makes one piece of all but its last character,
    and that last one begins the next piece. The run at the end of a text is one piece. If a newline
    follows, the pattern takes both without backtracking and the run needs no help.
    """
    blanks = f"[{_BLANKS}]" if encoding in ("cl100k_base", "o200k_base") else rf"[{_BLANKS}\r\n]"
    done = 0
    for run in re.finditer(f"{blanks}{{{longest},}}", text):
        start, end = run.span()
        at_end = end == len(text)
        if at_end and encoding != "o200k_base":
            break  # \s++$ takes it, with the newlines before it, and without backtracking
        if not at_end and text[end] in _NEWLINES:
            continue
        middle_end = end if at_end else end - 1
        yield text[done:start], False
        yield text[start:middle_end], True
        done = middle_end
    yield text[done:], False


class TextCounter:
    """``count_text`` that remembers: conversations resend their history with every call.

    Holds at most ``capacity_characters`` characters of text, the least recently used go first.
    """

    def __init__(self, capacity_characters: int = 32_000_000) -> None:
        self._capacity = capacity_characters
        self._held = 0
        self._counts: OrderedDict[tuple[str, str], int] = OrderedDict()

    def __call__(self, text: str, encoding: str) -> int:
        key = (text, encoding)
        known = self._counts.get(key)
        if known is not None:
            self._counts.move_to_end(key)
            return known
        tokens = count_text(text, encoding)
        self._counts[key] = tokens
        self._held += len(text)
        while self._held > self._capacity:
            (oldest, _), _ = self._counts.popitem(last=False)
            self._held -= len(oldest)
        return tokens
