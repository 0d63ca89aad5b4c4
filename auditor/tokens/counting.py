"""Tokens of plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from auditor.tokens.encodings import Counted, load_encoding, load_whole_text_encoding, unbroken
from auditor.tokens.errors import UncountableError
from auditor.tokens.fast import FastEncoding, fast_encoding, may_differ

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
    replacement character, as tiktoken does. The extra ``fast`` changes no count. Raises
    TokenizerError when the encoding cannot be loaded, UncountableError when tiktoken breaks
    down.
    """
    tokens = _quickly(text, encoding, lambda fast: fast.count)
    return len(_tiktokens(text, encoding)) if tokens is None else tokens


def encode_text(text: str, encoding: str) -> list[int]:
    """The tokens of ``text`` in ``encoding``, under the rules of ``count_text``."""
    tokens = _quickly(text, encoding, lambda fast: fast.encode_ordinary)
    return _tiktokens(text, encoding) if tokens is None else tokens


def _quickly(
    text: str, encoding: str, way: Callable[[FastEncoding], Callable[[str], Counted]]
) -> Counted | None:
    """What the faster counter says; None where it is not there, may differ or breaks down."""
    fast = fast_encoding(encoding)
    if fast is None or may_differ(text):
        return None
    try:
        return unbroken(way(fast), text)
    except UncountableError:
        return None


def _tiktokens(text: str, encoding: str) -> list[int]:
    if len(text) < LONGEST_SAFE_RUN:
        return unbroken(load_encoding(encoding).encode_ordinary, text)
    tokens = []
    for part, whole in split_at_long_runs(text, encoding, LONGEST_SAFE_RUN):
        known = (load_whole_text_encoding if whole else load_encoding)(encoding)
        tokens += unbroken(known.encode_ordinary, part)
    return tokens


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
    # only where a run begins: else a run that is a little too short is tried again at every blank
    for run in re.finditer(f"(?<!{blanks}){blanks}{{{longest},}}", text):
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

    Holds at most ``capacity_characters`` characters of text. When half of that is new, all that was
    not asked for since the half before is forgotten.
    """

    def __init__(self, capacity_characters: int = 32_000_000) -> None:
        self._half = capacity_characters // 2
        self._held = 0
        self._recent: dict[tuple[str, str], int] = {}
        self._before: dict[tuple[str, str], int] = {}

    def __call__(self, text: str, encoding: str) -> int:
        tokens = self._recent.get((text, encoding))
        return self._remember(text, encoding) if tokens is None else tokens

    def _remember(self, text: str, encoding: str) -> int:
        tokens = self._before.get((text, encoding))
        if tokens is None:
            tokens = count_text(text, encoding)
        if len(text) > self._half:
            return tokens
        self._held += len(text)
        if self._held > self._half:
            self._before, self._recent, self._held = self._recent, {}, len(text)
        self._recent[text, encoding] = tokens
        return tokens
