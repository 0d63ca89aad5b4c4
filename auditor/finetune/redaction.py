"""E-mail addresses, keys and phone numbers out of training material, offline.

Phone numbers are found by ``phonenumbers``, keys by the patterns of ``detect-secrets`` (only its
patterns: what verifies a key over the network is never called). Both come with the extra
``redact``. What ``detect-secrets`` 1.5 misses is added here, each with its source. Redaction is
help, not proof: names, addresses and whatever is written unusually stay.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from auditor.errors import AuditError
from auditor.finetune.examples import Material

KINDS = ("EMAIL", "KEY", "PHONE")
REGIONS = ("US", "GB", "DE", "FR")
"""Where a number without a country code may be from; any country code is understood."""

# Strings that are no prose: a replacement would break the format or find chance matches.
_STRUCTURE = frozenset(
    ("role", "type", "id", "tool_call_id", "image_url", "input_audio", "audio", "file")
)

# After the HTML standard's "valid e-mail address", with at least one dot and a last label that
# begins with two letters (a@1.2.3 is a version, A@B.T a product of matrices), with Latin letters
# beyond ASCII (RFC 6531), and without the characters that stand around an address more often than
# in it (= / ? & ` * | { } and the like). A local part has at most 64 characters (RFC 5321,
# 4.5.3.1.1). The finder of linkify-it-py was tried: it misses an address in quotes, in square
# brackets and between asterisks, and takes "email": into it.
_LATIN = r"A-Za-z0-9\u00c0-\u024f"
_LABEL = rf"[{_LATIN}](?:[{_LATIN}-]{{0,61}}[{_LATIN}])?"
_AT_DOMAIN = re.compile(rf"@(?:{_LABEL}\.){{1,10}}(?=[A-Za-z\u00c0-\u024f]{{2}}){_LABEL}")
_LOCAL_PART = re.compile(rf"[{_LATIN}._%+'-]+\Z")
_LONGEST_LOCAL_PART = 64

# Sixteen letters and digits in a row, one of them a digit: chance, not a name with hyphens.
_RANDOM = r"(?=[A-Za-z0-9._~+/-]{0,40}?(?=[A-Za-z]{0,15}[0-9])[A-Za-z0-9]{16})"
_MORE_KEYS = (
    # Private keys whole (RFC 7468); detect-secrets only finds their first line.
    re.compile(
        r"-----BEGIN (?P<kind>[A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?)-----"
        r"(?:[^-]|-(?!----)){0,20000}(?:-----END (?P=kind)-----)?"
    ),
    # OpenAI, Anthropic and those who write keys like them: gitleaks has one rule for each, detect-
    # secrets knows the OpenAI form of 2023 only.
    re.compile(rf"(?<![A-Za-z0-9])sk-{_RANDOM}[A-Za-z0-9_-]{{20,}}"),
    # Signed tokens (RFC 7519): two or three parts, the first the base64 of '{"'.
    re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"),
    # gitleaks: github-fine-grained-pat, gcp-api-key, huggingface-access-token.
    re.compile(r"github_pat_[A-Za-z0-9_]{22,}"),
    re.compile(r"AIza[A-Za-z0-9_-]{35,}"),
    re.compile(r"(?<![A-Za-z0-9])hf_[A-Za-z]{34,}"),
)
# RFC 6750, 2.1.
_BEARER = re.compile(rf"(?i:\bbearer)\s{{1,3}}({_RANDOM}[A-Za-z0-9._~+/-]{{16,}}=*)")
_REST_OF_KEY = re.compile(r"[A-Za-z0-9_=-]*")


@dataclass(frozen=True, slots=True)
class _Finders:
    """What the libraries bring. ``matcher`` is ``phonenumbers.PhoneNumberMatcher``.

    Of the patterns for keys, a match of the ``whole`` ones is a key, of the ``grouped`` ones the
    last group is, where there is one.
    """

    matcher: Any
    valid: int
    strict: int
    whole: tuple[re.Pattern[str], ...]
    grouped: tuple[re.Pattern[str], ...]


def redact_text(text: str, regions: tuple[str, ...] = REGIONS) -> tuple[str, dict[str, int]]:
    """A text with ``[EMAIL]``, ``[KEY]``, ``[PHONE]`` in it, and how many of each were found.

    A phone number is one that libphonenumber calls valid and, without a country code, groups as its
    region does; a bare run of digits only when it begins with 0 (others are ids, times, amounts).
    Raises AuditError without the extra ``redact``.
    """
    counts: Counter[str] = Counter()
    return _redacted(text, regions, counts), _by_kind(counts)


def redact_all(
    materials: Iterable[Material], regions: tuple[str, ...] = REGIONS
) -> tuple[tuple[Material, ...], dict[str, int]]:
    """Materials with every string of their messages, prompts, answers and extras redacted.

    Arguments of functions that are a JSON document are redacted inside it, keys too, and stay one.
    Roles, types, ids and media stay. Prompts of token ids stay. Returns the counts of all, by kind.
    Raises AuditError without the extra ``redact``.
    """
    counts: Counter[str] = Counter()
    redacted = tuple(_material(material, regions, counts) for material in materials)
    _load_finders()  # without materials the extra is needed all the same
    return redacted, _by_kind(counts)


def _material(material: Material, regions: tuple[str, ...], counts: Counter[str]) -> Material:
    def clean(value: Any) -> Any:
        return _value(value, regions, counts)

    return replace(
        material,
        messages=tuple(clean(message) for message in material.messages),
        prompts=tuple(clean(prompt) for prompt in material.prompts),
        extras=clean(material.extras),
        answer=clean(material.answer),
    )


def _value(value: Any, regions: tuple[str, ...], counts: Counter[str]) -> Any:
    if isinstance(value, str):
        return _redacted(value, regions, counts)
    if isinstance(value, list):
        return [_value(part, regions, counts) for part in value]
    if not isinstance(value, dict):
        return value
    redacted = {}
    for key, part in value.items():
        if key in _STRUCTURE and isinstance(part, str | dict):
            redacted[key] = part
        elif key == "arguments" and isinstance(part, str):
            redacted[key] = _arguments(part, regions, counts)
        else:
            redacted[key] = _value(part, regions, counts)
    return redacted


def _arguments(text: str, regions: tuple[str, ...], counts: Counter[str]) -> str:
    """A JSON document stays one: text between escapes is not what the eye sees."""
    try:
        document = json.loads(text)
        if isinstance(document, dict | list):
            redacted = _document(document, regions, counts)
            changed = redacted != document
            return json.dumps(redacted, ensure_ascii=False) if changed else text
    except (ValueError, RecursionError):
        pass
    return _redacted(text, regions, counts)


def _document(value: Any, regions: tuple[str, ...], counts: Counter[str]) -> Any:
    """Every string of a JSON value, keys too; keys that would become equal are numbered."""
    if isinstance(value, str):
        return _redacted(value, regions, counts)
    if isinstance(value, list):
        return [_document(part, regions, counts) for part in value]
    if not isinstance(value, Mapping):
        return value
    redacted: dict[str, Any] = {}
    for key, part in value.items():
        name = base = _redacted(key, regions, counts)
        number = 2
        while name in redacted:
            name, number = f"{base} {number}", number + 1
        redacted[name] = _document(part, regions, counts)
    return redacted


def _redacted(text: str, regions: tuple[str, ...], counts: Counter[str]) -> str:
    """Keys first: they may hold what looks like the others. Then addresses, then numbers."""
    finders = _load_finders()
    text = _replace(text, _keys(text, finders), "KEY", counts)
    text = _replace(text, _emails(text), "EMAIL", counts)
    return _replace(text, _phones(text, regions, finders), "PHONE", counts)


def _replace(text: str, spans: Iterable[tuple[int, int]], kind: str, counts: Counter[str]) -> str:
    """The text with each span replaced; spans that overlap are one."""
    parts = []
    done = 0
    for start, end in _merged(spans):
        parts += [text[done:start], f"[{kind}]"]
        counts[kind] += 1
        done = end
    return "".join([*parts, text[done:]])


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    current: tuple[int, int] | None = None
    for start, end in sorted(spans):
        if current is not None and start < current[1]:
            current = (current[0], max(end, current[1]))
            continue
        if current is not None:
            yield current
        current = (start, end)
    if current is not None:
        yield current


def _keys(text: str, finders: _Finders) -> Iterator[tuple[int, int]]:
    for pattern in (*finders.whole, *_MORE_KEYS):
        for match in pattern.finditer(text):
            # Some patterns know the least length of a key only: its rest must not stay.
            rest = _REST_OF_KEY.match(text, match.end())
            yield match.start(), rest.end() if rest else match.end()
    for pattern in (*finders.grouped, _BEARER):
        for match in pattern.finditer(text):
            yield match.span(match.lastindex or 0)


def _emails(text: str) -> Iterator[tuple[int, int]]:
    for match in _AT_DOMAIN.finditer(text):
        at = match.start()
        local = _LOCAL_PART.search(text, max(0, at - _LONGEST_LOCAL_PART), at)
        if local is None:
            continue
        start = local.start()
        if text[max(0, start - 1)] == "\\" and text[start] in "nrtbf":
            start += 1  # the line end of a text that is itself escaped
        while start < at and text[start] == "'":
            start += 1
        if start < at:
            yield start, match.end()


def _phones(text: str, regions: tuple[str, ...], finders: _Finders) -> Iterator[tuple[int, int]]:
    tries = len(text) + 1  # else the matcher gives up a long text full of other digits
    for found in finders.matcher(text, None, finders.valid, tries):
        yield found.start, found.end
    for region in regions:
        for found in finders.matcher(text, region, finders.strict, tries):
            if not found.raw_string.isdigit() or found.raw_string.startswith("0"):
                yield found.start, found.end


def _by_kind(counts: Counter[str]) -> dict[str, int]:
    return {kind: counts[kind] for kind in KINDS}


@functools.cache
def _load_finders() -> _Finders:
    try:
        import phonenumbers
        from detect_secrets.plugins import (
            aws,
            azure_storage_key,
            basic_auth,
            discord,
            github_token,
            gitlab_token,
            mailchimp,
            pypi_token,
            sendgrid,
            slack,
            square_oauth,
            stripe,
            telegram_token,
            twilio,
        )
    except ImportError as error:
        raise AuditError(
            f"redaction needs a library that is not installed ({error.name})",
            hint="pip install 'auditor[redact]'",
        ) from error
    # Left out: guesses by entropy or by words such as "password" (prose is full of them), public
    # IP addresses, Artifactory (any word in capitals that begins with APA), and npm, OpenAI, JWT
    # (their patterns take quadratic time on hostile text; _MORE_KEYS has the last two).
    whole = (
        azure_storage_key.AzureStorageKeyDetector,
        discord.DiscordBotTokenDetector,
        github_token.GitHubTokenDetector,
        gitlab_token.GitLabTokenDetector,
        mailchimp.MailchimpDetector,
        pypi_token.PypiTokenDetector,
        sendgrid.SendGridDetector,
        slack.SlackDetector,
        square_oauth.SquareOAuthDetector,
        stripe.StripeDetector,
        telegram_token.TelegramBotTokenDetector,
        twilio.TwilioKeyDetector,
    )
    grouped = (aws.AWSKeyDetector, basic_auth.BasicAuthDetector)
    return _Finders(
        matcher=phonenumbers.PhoneNumberMatcher,
        valid=phonenumbers.Leniency.VALID,
        strict=phonenumbers.Leniency.STRICT_GROUPING,
        whole=tuple(pattern for detector in whole for pattern in detector.denylist),
        grouped=tuple(pattern for detector in grouped for pattern in detector.denylist),
    )
