"""Hashes of prompts, made anew with hashlib: short cuts come to the same, and sizes are kept."""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import pytest

from auditor.workload.hashing import HashKey, canonical, plain_number

SECRETS = (b"", b"k", b"k" * 64, b"k" * 65)
LONG = 1 << 16
SAID: tuple[dict[str, Any], ...] = (
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": "Be short."},
    {"role": "system", "content": "x" * LONG},
    {"role": "system", "content": "x" * (LONG + 1)},
    {"role": "system", "content": [{"type": "text", "text": "Be short."}]},
    {"role": "system", "content": None},
    {"role": "system", "content": "Be short.", "name": "n"},
    {"content": "Be short.", "role": "system"},
    {"role": "system", "content": "lone \ud800"},
    {"role": 1, "content": "Be short."},
)


def text_of(value: Any) -> bytes:
    try:
        text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def hashed(secret: bytes, domain: bytes, data: bytes, size: int) -> bytes:
    key = secret if len(secret) <= 64 else hashlib.blake2b(secret).digest()
    return hashlib.blake2b(data, key=key, digest_size=size, person=domain).digest()


def number(secret: bytes, domain: bytes, value: Any) -> int:
    return int.from_bytes(hashed(secret, domain, text_of(value), 8), "little")


@pytest.mark.parametrize("secret", SECRETS, ids=len)
def test_every_message_and_prompt_has_the_hash_of_its_text(secret: bytes) -> None:
    """Twice: what is remembered is the same; and whatever comes after a known beginning."""
    key = HashKey(secret)
    for _ in range(2):
        for message in SAID:
            assert canonical(message) == text_of(message)
            assert key.number_of_part(message) == number(secret, b"part", message)
            for rest in ([], [SAID[1]], [SAID[1], SAID[0]], [SAID[8]]):
                for prompts in ([], ["Is it so?"]):
                    found = key.number_of_prompt([message, *rest], prompts)
                    assert found == number(secret, b"prompt", [[message, *rest], prompts])
    assert key.number_of_prompt([], ["a"]) == number(secret, b"prompt", [[], ["a"]])


@pytest.mark.parametrize("secret", SECRETS, ids=len)
def test_names_and_marks_are_as_long_as_they_say(secret: bytes) -> None:
    key = HashKey(secret)
    parts = ("system", "Be short.")
    assert key.id_of(*parts) == hashed(secret, b"workload", text_of(parts), 6).hex()
    assert key.mark_of(("a", 1)) == hashed(secret, b"file", text_of(("a", 1)), 16)
    assert key.fingerprint_of("ä") == hashed(secret, b"fingerprint", b"\\xe4", 16).hex()
    for digits in (8, 12):
        name = key.pseudonym_of("team", "red", digits=digits)
        data = text_of(("team", "red"))
        assert name == hashed(secret, b"pseudonym", data, digits // 2).hex()
        assert len(name) == digits


def test_links_are_four_bytes_a_token_and_know_all_before_it() -> None:
    """The width is that of every store: another one could not be compared with it."""
    tokens = [1, 1, 70_000]
    made = HashKey(b"k").links("start", tokens)
    expected = [
        hashed(b"k", b"link", b'"start"' + b"".join(struct.pack("<I", n) for n in tokens[:end]), 4)
        for end in (1, 2, 3)
    ]
    assert made == b"".join(expected)
    assert HashKey(b"k").links("start", []) == b""


def test_the_order_of_sampling_needs_no_key() -> None:
    data = hashlib.blake2b(b'["a",1]', digest_size=8).digest()
    assert plain_number(["a", 1]) == int.from_bytes(data, "little")
