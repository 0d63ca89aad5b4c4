"""Cutting a text at a token."""

from __future__ import annotations

from auditor.tokens.counting import LONGEST_SAFE_RUN, split_at_long_runs
from auditor.tokens.encodings import load_encoding, load_whole_text_encoding, unbroken


def split_at_token(text: str, n: int, encoding: str) -> tuple[str, str]:
    """The first ``n`` tokens of ``text`` and the rest; together they are the text.

    A token may end in the middle of a character: the cut then moves left to the start of that
    character. Names of special tokens are ordinary text. Lone surrogates come back as the
    replacement character, as which they are counted. Raises TokenizerError when the encoding cannot
    be loaded, UncountableError when the tokenizer breaks down.
    """
    text = _without_lone_surrogates(text)
    if n <= 0:
        return "", text
    left = n
    begin = 0
    for part, whole in _parts(text, encoding):
        known = (load_whole_text_encoding if whole else load_encoding)(encoding)
        tokens = unbroken(known.encode_ordinary, part)
        if left < len(tokens):
            # Whole characters only: what is left of a broken one at the end is ignored.
            cut = begin + len(known.decode_bytes(tokens[:left]).decode("utf-8", "ignore"))
            return text[:cut], text[cut:]
        left -= len(tokens)
        begin += len(part)
    return text, ""


def _parts(text: str, encoding: str) -> list[tuple[str, bool]]:
    if len(text) < LONGEST_SAFE_RUN:
        return [(text, False)]
    return list(split_at_long_runs(text, encoding, LONGEST_SAFE_RUN))


def _without_lone_surrogates(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
