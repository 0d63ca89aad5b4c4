"""What is taken out of training material, and what looks like it and stays.

Keys are put together here, so that nobody takes them for real ones.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import AuditError
from auditor.finetune import Material, redact_all, redact_text
from auditor.finetune.redaction import _load_finders

RANDOM_20 = "aB3dE6gH9jK2mN5pQ8rS"
KEYS = {
    "openai 2023": f"sk-{RANDOM_20}T3BlbkFJ{RANDOM_20}",
    "openai project": f"sk-proj-{'aB3d-E6gH9jK2mN5pQ8rSxY_z' * 5}",
    "anthropic": f"sk-ant-api03-{RANDOM_20 * 4}AA",
    "aws id": "AKIA" + "ABCDEFGHIJ234567",
    "github": "ghp_" + "a1B2c3D4e5F6" * 3,
    "github fine-grained": "github_pat_" + "a1B2c3D4e5F6" * 6,
    "gitlab": "glpat-" + "a1B2c3D4e5F6g7H8i9J0",
    "google": "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "hugging face": "hf_" + "abcdefghijKLMNOPqrstuvwxyzabcdefgh",
    "slack": "xoxb-" + "123456789012-123456789012-abcdefGHIJKL",
    "stripe": "sk_live_" + "a1B2c3D4e5F6g7H8i9J0k1L2",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0." + RANDOM_20 * 2,
    "pem": "-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,AB\n\nMIIEpAIBAAKCAQEA\n"
    "-----END RSA PRIVATE KEY-----",
}
PHONES = [
    "+1 415 555 2671",
    "+14155552671",
    "(415) 555-2671",
    "415-555-2671",
    "1-800-555-0199",
    "+44 20 7946 0958",
    "020 7946 0958",
    "07400123456",
    "+49 30 901820",
    "030 901820",
    "0171 1234567",
    "01 42 68 53 00",
    "+81 3-1234-5678",
    "+41 44 668 18 00",
]
EMAILS = [
    "jane@example.com",
    "Jane.Doe+news@sub.example.co.uk",
    "o'brien@example.ie",
    "bob@corp.local",
    "m\u00fcller@m\u00fcller.de",
    "JANE_DOE@EXAMPLE.MUSEUM",
]
LOOKALIKES = [
    "2023-08-22",
    "2023-08-22T10:15:30.123456Z",
    "2023-08-22 10:15:30,123 INFO",
    "08/22/2023",
    "22.08.2023",
    "20230822101530",
    "1692698130",
    "1692698130123",
    "10:15-11:30",
    "4,096 tokens of 16385",
    "prompt_tokens: 1234567890",
    "$1,234,567.89",
    "12 345 678,90 EUR",
    "0.0015 / 1K, 0.002 / 1K",
    "order 100-2345678-1234567",
    "order #4155552671",
    "invoice 2023-000123",
    "ticket 555-0199",
    "DE89 3704 0044 0532 0130 00",
    "GB29 NWBK 6016 1331 9268 19",
    "FR14 2004 1010 0505 0001 3M02 606",
    "4111 1111 1111 1111",
    "192.168.100.200",
    "978-3-16-148410-0",
    "3.14159265358979",
    "550e8400-e29b-41d4-a716-446655440000",
    "lat 52.520008, lon 13.404954",
    "version 2.10.415.5552",
    "commit 3f2504e04f8911d39a0c0305e82c3301aabbccdd",
    "chatcmpl-7qyqpwdfhqwajicIEznoc6Q47XAyW",
    "sk-learn-tutorial-2023-edition-final",
    "sk-internationalization-guide",
    "task-20230822-101530-abcdef123456",
    "the bearer of good news in 2023",
    "numpy@1.26.0 and react@18.2.0",
    "C = A@B.T",
    "@app.route and '@example.com'",
]


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_keys(key: str) -> None:
    found = {"EMAIL": 0, "KEY": 1, "PHONE": 0}
    assert redact_text(f"use {key} now") == ("use [KEY] now", found)
    assert redact_text(f'{{"k":"{key}"}}')[0] == '{"k":"[KEY]"}'


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"Authorization: Bearer {RANDOM_20}==", "Authorization: Bearer [KEY]"),
        ("https://user:s3cretpw@db.example.com/x", "https://user:[KEY]@db.example.com/x"),
        (f"aws_secret_key = '{RANDOM_20 * 2}'", "aws_secret_key = '[KEY]'"),
    ],
)
def test_of_a_key_with_its_place_only_the_key_goes(text: str, redacted: str) -> None:
    assert redact_text(text) == (redacted, {"EMAIL": 0, "KEY": 1, "PHONE": 0})


@pytest.mark.parametrize("phone", PHONES)
def test_phones(phone: str) -> None:
    found = {"EMAIL": 0, "KEY": 0, "PHONE": 1}
    assert redact_text(f"call {phone} now") == ("call [PHONE] now", found)


@pytest.mark.parametrize("email", EMAILS)
@pytest.mark.parametrize(
    "around", ["{}", "<{}>", "'{}'", "[{}]", "**{}**", "`{}`", '{{"to":"{}"}}', "a,{};b", "to={}&x"]
)
def test_emails(email: str, around: str) -> None:
    redacted, counts = redact_text(around.format(email))
    assert redacted == around.format("[EMAIL]")
    assert counts == {"EMAIL": 1, "KEY": 0, "PHONE": 0}


def test_an_address_after_an_escaped_line_end() -> None:
    assert redact_text(r"Hi\njane@example.com\n")[0] == r"Hi\n[EMAIL]\n"


@pytest.mark.parametrize("text", LOOKALIKES)
def test_lookalikes_stay(text: str) -> None:
    assert redact_text(text) == (text, {"EMAIL": 0, "KEY": 0, "PHONE": 0})


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        # cannot be told from the real thing
        ("SKU 020-7946-0958", "SKU [PHONE]"),
        ("git@github.com:org/repo.git", "[EMAIL]:org/repo.git"),
    ],
)
def test_measured_false_positives(text: str, redacted: str) -> None:
    """2 of the 39 hand-written lookalikes of this module."""
    assert len(LOOKALIKES) == 37
    assert redact_text(text)[0] == redacted


def test_measured_misses() -> None:
    """Stay, because too much else looks like them."""
    for text in ("4155552671", "jane at example dot com", "password: hunter2", "(02) 9374"):
        assert redact_text(text)[0] == text


def test_the_regions_decide_about_numbers_without_a_country_code() -> None:
    assert redact_text("0171 1234567", regions=())[0] == "0171 1234567"
    assert redact_text("0171 1234567", regions=("DE",))[0] == "[PHONE]"


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from([*KEYS.values(), *PHONES, *EMAILS, *LOOKALIKES]), max_size=6),
    st.sampled_from([" and ", "\n", ", "]),
)
def test_redaction_is_idempotent_and_counts_what_it_writes(parts: list[str], join: str) -> None:
    once, counts = redact_text(join.join(parts))
    assert redact_text(once) == (once, {"EMAIL": 0, "KEY": 0, "PHONE": 0})
    assert {kind: once.count(f"[{kind}]") for kind in counts} == counts


def test_a_long_text_is_searched_to_its_end() -> None:
    """The matcher gives up after 65,535 candidates unless told otherwise."""
    text = "1-1 " * 70_000 + "+1 415 555 2671"
    assert redact_text(text, regions=())[0].endswith("1-1 [PHONE]")


@pytest.mark.parametrize("unit", ["eyJ", "sk-", "://", "@", "a@b.", "bearer ", "aws key ", "."])
def test_hostile_text_takes_no_quadratic_time(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    began = time.perf_counter()
    assert redact_text(text) == (text, {"EMAIL": 0, "KEY": 0, "PHONE": 0})
    assert time.perf_counter() - began < 5  # takes 0.2; the pattern for JWT left out took 10


def arguments(of: Material) -> Any:
    return json.loads(of.answer["tool_calls"][0]["function"]["arguments"])


def test_every_string_of_a_material() -> None:
    call = {
        "id": "jane@example.com",
        "function": {
            "name": "mail",
            "arguments": '{"to": "Hi\\n+1 415 555 2671", "jane@example.com": 1, "n": 1.50}',
        },
    }
    image = {"type": "image_url", "image_url": {"url": "https://a:b4d@example.com/"}}
    material = Material(
        call_id="jane@example.com",
        messages=(
            {"role": "user", "name": "bob@example.com", "content": "I am bob@example.com"},
            {"role": "user", "content": [{"type": "text", "text": KEYS["aws id"]}, image]},
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{bob@example.com"}},
        ),
        prompts=("call 415-555-2671", [1, 2]),
        extras={"tools": [{"function": {"description": "ask eve@example.com"}}]},
        answer={"content": None, "tool_calls": [call]},
        tokens=9,
    )
    (redacted,), counts = redact_all([material])
    assert counts == {"EMAIL": 5, "KEY": 1, "PHONE": 2}
    assert redacted.messages == (
        {"role": "user", "name": "[EMAIL]", "content": "I am [EMAIL]"},
        {"role": "user", "content": [{"type": "text", "text": "[KEY]"}, image]},
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{[EMAIL]"}},
    )
    assert redacted.prompts == ("call [PHONE]", [1, 2])
    assert redacted.extras == {"tools": [{"function": {"description": "ask [EMAIL]"}}]}
    assert redacted.answer["tool_calls"][0]["id"] == "jane@example.com"
    assert arguments(redacted) == {"to": "Hi\n[PHONE]", "[EMAIL]": 1, "n": 1.5}
    assert (redacted.call_id, redacted.tokens) == ("jane@example.com", 9)
    assert redact_all([redacted])[0] == (redacted,)


def test_arguments_without_a_find_keep_their_bytes_and_equal_keys_are_numbered() -> None:
    def made(text: str) -> Material:
        call = {"function": {"name": "f", "arguments": text}}
        return Material("c", (), (), {}, {"tool_calls": [call]}, 1)

    untouched = made('{"a":  1.50, "a": 2}')
    assert redact_all([untouched])[0] == (untouched,)
    (redacted,), _ = redact_all([made('{"a@b.io": 1, "c@d.io": [2]}')])
    assert arguments(redacted) == {"[EMAIL]": 1, "[EMAIL] 2": [2]}


@pytest.fixture
def fresh_finders() -> Iterator[None]:
    _load_finders.cache_clear()
    yield
    _load_finders.cache_clear()


@pytest.mark.usefixtures("fresh_finders")
@pytest.mark.parametrize("library", ["phonenumbers", "detect_secrets.plugins"])
def test_without_the_extra_there_is_a_hint(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(AuditError) as error:
        redact_all([])
    assert "auditor[redact]" in error.value.hint


@pytest.mark.usefixtures("fresh_finders")
def test_nothing_is_verified_over_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", no_network)
    monkeypatch.setattr(socket, "create_connection", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    assert redact_text("\n".join(KEYS.values()))[1]["KEY"] == len(KEYS)
