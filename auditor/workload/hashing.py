"""Keyed hashes of prompts: equal texts have equal hashes, and nothing else can be read from them.

BLAKE2b with a key (RFC 7693) is a pseudo-random function: who does not have the key cannot even
confirm a guess. Who has both the key and a store could try texts out, token by token where
``links`` are kept; that is why the key never lies in the store. Each use has its own domain
(``person``), so that hashes of one kind say nothing of another.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

ID_BYTES = 6
LINK_BYTES = 4
MOST_REMEMBERED, LONGEST_REMEMBERED = 1_000, 1 << 16
"""Texts that are remembered, and characters of each: many calls share a system message."""
SAID = {"role", "content"}
NOT_PLAIN = (TypeError, ValueError, RecursionError, msgspec.MsgspecError)
"""What the fast encoder says to lone surrogates and numbers of many digits."""


def canonical(value: object) -> bytes:
    """A value of a log as bytes: the same for the same value, whatever the order of its keys."""
    try:
        return msgspec.json.encode(value, order="sorted")
    except NOT_PLAIN:
        return json.dumps(value, separators=(",", ":"), sort_keys=True, default=str).encode()


class HashKey:
    """A secret of any length, and the hashes made with it."""

    def __init__(self, secret: bytes) -> None:
        # BLAKE2b takes keys of at most 64 bytes
        self._key = secret if len(secret) <= 64 else hashlib.blake2b(secret).digest()
        self._known_beginning = lru_cache(MOST_REMEMBERED)(self._beginning)
        self._known_part = lru_cache(MOST_REMEMBERED)(self._part)

    def id_of(self, *parts: object) -> str:
        """A short name: 12 hexadecimal digits (48 bits)."""
        return self._hash(b"workload", canonical(parts), ID_BYTES).hex()

    def number_of(self, domain: bytes, value: object) -> int:
        """A number of 64 bits."""
        return int.from_bytes(self._hash(domain, canonical(value), 8), "little")

    def number_of_prompt(self, messages: Sequence[Any], prompts: Sequence[Any]) -> int:
        """``number_of(b"prompt", [messages, prompts])``.

        Many prompts begin with one system message, so the hash of such a beginning is kept.
        """
        if len(messages) > 1 and not prompts and _is_short_text(messages[0]):
            try:
                begun = self._known_beginning(messages[0]["role"], messages[0]["content"]).copy()
                rest = msgspec.json.encode(messages[1:], order="sorted")
            except NOT_PLAIN:
                pass
            else:
                begun.update(b"," + rest[1:] + b",[]]")
                return int.from_bytes(begun.digest(), "little")
        return self.number_of(b"prompt", [messages, prompts])

    def _beginning(self, role: str, content: str) -> Any:
        """The state of the hash of a prompt after its first message."""
        first = msgspec.json.encode({"role": role, "content": content}, order="sorted")
        return hashlib.blake2b(b"[[" + first, key=self._key, digest_size=8, person=b"prompt")

    def number_of_part(self, message: Mapping[str, Any]) -> int:
        """``number_of(b"part", message)``; that of a system message is kept."""
        if message.get("role") == "system" and _is_short_text(message):
            return self._known_part(message["role"], message["content"])
        return self.number_of(b"part", message)

    def _part(self, role: str, content: str) -> int:
        return self.number_of(b"part", {"role": role, "content": content})

    def mark_of(self, parts: tuple[str | int, ...]) -> bytes:
        """What tells a state of a file from any other: 16 bytes."""
        return self._hash(b"file", canonical(parts), 16)

    def fingerprint_of(self, text: str) -> str:
        """What tells a text from others: 32 hexadecimal digits."""
        data = text.encode("ascii", "backslashreplace")
        return self._hash(b"fingerprint", data, 16).hex()

    def pseudonym_of(self, kind: str, name: str, *, digits: int) -> str:
        """What stands for a name that is not to be kept: so many hexadecimal digits."""
        return self._hash(b"pseudonym", canonical((kind, name)), digits // 2).hex()

    def links(self, start: object, tokens: Sequence[int]) -> bytes:
        """For each token four bytes: the hash of ``start`` and of all tokens up to it."""
        state = hashlib.blake2b(key=self._key, digest_size=LINK_BYTES, person=b"link")
        state.update(canonical(start))
        update, copy = state.update, state.copy  # looked up once: this loop is the cost of sampling
        packed = map(struct.Struct("<I").pack, tokens)
        return b"".join([copy().digest() for _ in map(update, packed)])

    def _hash(self, domain: bytes, data: bytes, size: int) -> bytes:
        return hashlib.blake2b(data, key=self._key, digest_size=size, person=domain).digest()


def _is_short_text(message: Mapping[str, Any]) -> bool:
    """Whether a message is a text of somebody, and nothing else."""
    if message.keys() != SAID:
        return False
    role, content = message["role"], message["content"]
    return type(role) is type(content) is str and len(content) <= LONGEST_REMEMBERED


def plain_number(value: Any) -> int:
    """64 bits without a key, for what is no secret: the order in which calls are sampled."""
    return int.from_bytes(hashlib.blake2b(canonical(value), digest_size=8).digest(), "little")
