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
from typing import Any

import msgspec

ID_BYTES = 6
LINK_BYTES = 4
MOST_BEGUN, LONGEST_KEPT = 1_000, 1 << 16
SAID = {"role", "content"}


def canonical(value: object) -> bytes:
    """A value of a log as bytes: the same for the same value, whatever the order of its keys."""
    try:
        return msgspec.json.encode(value, order="sorted")
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        # lone surrogates, numbers of many digits
        return json.dumps(value, separators=(",", ":"), sort_keys=True, default=str).encode()


class HashKey:
    """A secret of any length, and the hashes made with it."""

    def __init__(self, secret: bytes) -> None:
        # BLAKE2b takes keys of at most 64 bytes
        self._key = secret if len(secret) <= 64 else hashlib.blake2b(secret).digest()
        self._begun: dict[tuple[str, str], Any] = {}
        self._parts: dict[tuple[str, str], int] = {}

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
        if len(messages) < 2 or prompts or messages[0].keys() != SAID:
            return self.number_of(b"prompt", [messages, prompts])
        begun = self._beginning(messages[0])
        if begun is None:
            return self.number_of(b"prompt", [messages, prompts])
        try:
            rest = msgspec.json.encode(messages[1:], order="sorted")
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
            return self.number_of(b"prompt", [messages, prompts])
        begun.update(b"," + rest[1:] + b",[]]")
        return int.from_bytes(begun.digest(), "little")

    def number_of_part(self, message: Mapping[str, Any]) -> int:
        """``number_of(b"part", message)``; that of a system message, which many share, is kept."""
        role, content = message.get("role"), message.get("content")
        if role != "system" or type(content) is not str or message.keys() != SAID:
            return self.number_of(b"part", message)
        known = self._parts.get((role, content))
        if known is None:
            known = self.number_of(b"part", message)
            if len(content) <= LONGEST_KEPT:
                if len(self._parts) >= MOST_BEGUN:
                    self._parts.clear()
                self._parts[role, content] = known
        return known

    def _beginning(self, message: Mapping[str, Any]) -> Any:
        """The state of the hash of a prompt after its first message, None where that is no text."""
        role, content = message["role"], message["content"]
        if type(role) is not str or type(content) is not str or len(content) > LONGEST_KEPT:
            return None
        state = self._begun.get((role, content))
        if state is None:
            try:
                first = msgspec.json.encode(message, order="sorted")
            except (ValueError, msgspec.MsgspecError):
                return None
            state = hashlib.blake2b(b"[[" + first, key=self._key, digest_size=8, person=b"prompt")
            if len(self._begun) >= MOST_BEGUN:
                self._begun.clear()
            self._begun[role, content] = state
        return state.copy()

    def mark_of(self, parts: tuple[str | int, ...]) -> bytes:
        """What tells a state of a file from any other: 16 bytes."""
        return self._hash(b"file", canonical(parts), 16)

    def fingerprint_of(self, text: str) -> str:
        """What tells a text from others: 32 hexadecimal digits."""
        data = text.encode("ascii", "backslashreplace")
        return self._hash(b"fingerprint", data, 16).hex()

    def links(self, start: object, tokens: Sequence[int]) -> bytes:
        """For each token four bytes: the hash of ``start`` and of all tokens up to it."""
        state = hashlib.blake2b(key=self._key, digest_size=LINK_BYTES, person=b"link")
        state.update(canonical(start))
        update, copy = state.update, state.copy  # looked up once: this loop is the cost of sampling
        packed = map(struct.Struct("<I").pack, tokens)
        return b"".join([copy().digest() for _ in map(update, packed)])

    def _hash(self, domain: bytes, data: bytes, size: int) -> bytes:
        return hashlib.blake2b(data, key=self._key, digest_size=size, person=domain).digest()


def plain_number(value: Any) -> int:
    """64 bits without a key, for what is no secret: the order in which calls are sampled."""
    return int.from_bytes(hashlib.blake2b(canonical(value), digest_size=8).digest(), "little")
