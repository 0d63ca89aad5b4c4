"""OpenAI's published encodings, built from rank data inside the package: no network, ever.

Patterns, special tokens and checksums are the published ones (tiktoken 0.14.0,
``tiktoken_ext/openai_public.py``). ``data/README.md`` says where the rank data comes from.
"""

from __future__ import annotations

import functools
import hashlib
import lzma
from binascii import b2a_base64
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar

from auditor.errors import TokenizerError
from auditor.tokens.errors import UncountableError

if TYPE_CHECKING:
    import tiktoken

Counted = TypeVar("Counted")

_R50K_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
_CL100K_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
_O200K_PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_WHOLE_TEXT_PATTERN = r"(?s:.+)"


@dataclass(frozen=True, slots=True)
class EncodingSpec:
    """One encoding. ``rank_count`` ranks are read from ``data/<data>.xz``.

    ``sha256`` pins the bytes of the ``.tiktoken`` file that OpenAI publishes.
    """

    data: str
    rank_count: int
    sha256: str
    pattern: str
    special_tokens: tuple[tuple[str, int], ...]


ENCODINGS = {
    "r50k_base": EncodingSpec(
        data="p50k_base",  # r50k's ranks are p50k's below 50256
        rank_count=50256,
        sha256="306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930",
        pattern=_R50K_PATTERN,
        special_tokens=(("<|endoftext|>", 50256),),
    ),
    "p50k_base": EncodingSpec(
        data="p50k_base",
        rank_count=50281,
        sha256="94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069",
        pattern=_R50K_PATTERN,
        special_tokens=(("<|endoftext|>", 50256),),
    ),
    "cl100k_base": EncodingSpec(
        data="cl100k_base",
        rank_count=100256,
        sha256="223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        pattern=_CL100K_PATTERN,
        special_tokens=(
            ("<|endoftext|>", 100257),
            ("<|fim_prefix|>", 100258),
            ("<|fim_middle|>", 100259),
            ("<|fim_suffix|>", 100260),
            ("<|endofprompt|>", 100276),
        ),
    ),
    "o200k_base": EncodingSpec(
        data="o200k_base",
        rank_count=199998,
        sha256="446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        pattern=_O200K_PATTERN,
        special_tokens=(("<|endoftext|>", 199999), ("<|endofprompt|>", 200018)),
    ),
}


@functools.cache
def load_encoding(name: str) -> tiktoken.Encoding:
    """The encoding called ``name``, loaded once a process.

    Raises TokenizerError when the name is unknown, or when the rank data inside the package is
    missing or does not match the published checksum.
    """
    import tiktoken

    spec = _spec(name)
    return tiktoken.Encoding(
        name,
        pat_str=spec.pattern,
        mergeable_ranks=_read_ranks(name),
        special_tokens=dict(spec.special_tokens),
    )


@functools.cache
def load_whole_text_encoding(name: str) -> tiktoken.Encoding:
    """As ``load_encoding``, but a text is merged as one piece: it is not split into words first.

    For pieces whose bounds are known and which are too long for the splitting pattern.
    """
    import tiktoken

    return tiktoken.Encoding(
        f"{name}_whole_text",
        pat_str=_WHOLE_TEXT_PATTERN,
        mergeable_ranks=_read_ranks(name),
        special_tokens={},
    )


def unbroken(count: Callable[[str], Counted], text: str) -> Counted:
    """``count(text)``, a tokenizer's own function.

    Raises UncountableError where the tokenizer panics, so that one text ends no ingest: the
    PanicException of a library in Rust is no Exception.
    """
    try:
        return count(text)
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        reason = f"a text of {len(text):,} characters, on which the tokenizer broke down"
        raise UncountableError(reason) from error


def pack_ranks(tokens_by_rank: list[bytes]) -> bytes:
    """The layout of a data file before compression: every length (one byte each), then every token.

    A length of 0 marks a rank that is not used (p50k leaves out 50256, its end of text).
    """
    return bytes(map(len, tokens_by_rank)) + b"".join(tokens_by_rank)


def canonical_file(tokens_by_rank: list[bytes]) -> bytes:
    """The ``.tiktoken`` file as OpenAI publishes it: base64 of the token, a space, its rank."""
    return b"".join(
        b"%b %d\n" % (b2a_base64(token, newline=False), rank)
        for rank, token in enumerate(tokens_by_rank)
        if token
    )


def _spec(name: str) -> EncodingSpec:
    try:
        return ENCODINGS[name]
    except KeyError:
        known = ", ".join(ENCODINGS)
        raise TokenizerError(
            f"there is no encoding {name!r}", hint=f"the known encodings are {known}"
        ) from None


def _read_ranks(name: str) -> dict[bytes, int]:
    spec = _spec(name)
    source = files("auditor.tokens") / "data" / f"{spec.data}.xz"
    try:
        packed = lzma.decompress(source.read_bytes())
    except (OSError, lzma.LZMAError) as error:
        raise _damaged(name, str(error)) from error
    tokens = _unpack_ranks(packed, ENCODINGS[spec.data].rank_count)[: spec.rank_count]
    if hashlib.sha256(canonical_file(tokens)).hexdigest() != spec.sha256:
        raise _damaged(name, "its ranks do not match OpenAI's published checksum")
    return {token: rank for rank, token in enumerate(tokens) if token}


def _unpack_ranks(packed: bytes, rank_count: int) -> list[bytes]:
    tokens = []
    start = rank_count
    for length in packed[:rank_count]:
        tokens.append(packed[start : start + length])
        start += length
    return tokens


def _damaged(name: str, problem: str) -> TokenizerError:
    return TokenizerError(
        f"the encoding {name} cannot be loaded: {problem}",
        hint="the installation is damaged: install auditor again",
    )
