"""VCR cassettes: what vcrpy and Ruby's VCR recorded of HTTP, one YAML document (extra ``vcr``).

vcrpy: ``interactions[]`` with ``request`` (``uri``, ``body`` text or null) and ``response``
(``body.string``, ``headers`` as lists, ``status.code``); pydantic-ai writes ``parsed_body``
objects. Ruby: ``http_interactions[]`` with ``body.string`` (or ``base64_string``) on both sides
and ``recorded_at`` (RFC 1123). Bodies may be bytes (``!!binary``), and those packed with gzip.
What is numbered are interactions. The time is ``recorded_at`` or the answer's Date header; no
other header is read. Usage is the body's own. Interactions that ask no model's API are Context.

A cassette is a recording of a test: it was paid for once, however often the test ran since.
Sure: read in real cassettes. PyYAML (MIT, wheels with libyaml) is loaded only for such a file.
"""

from __future__ import annotations

import gzip
import re
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from auditor.errors import AuditError
from auditor.formats.base import Format, Sample, refused
from auditor.formats.documents import entries_at, no_object
from auditor.formats.http_bodies import http_call
from auditor.formats.shapes.terms import body_at, text_at
from auditor.records import Reading
from auditor.sources import LogFile

MAX_BYTES = 64 << 20  # YAML is read whole, into some twenty times its size
BEGINNING = re.compile(rb"(?m)^(?:http_)?interactions:[ \t]*\r?$")
GZIP = b"\x1f\x8b"


def claims(start: Sample) -> bool:
    """True where a line says ``interactions:`` or ``http_interactions:``, and no more."""
    return BEGINNING.search(start.head) is not None


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every interaction as a Call, as Context where it asks no model, or as a Reject.

    Raises AuditError where the YAML parser is not installed.
    """
    try:
        import yaml
    except ImportError:
        raise AuditError(
            f"{file.name}: a VCR cassette is YAML, and no parser for it is installed",
            hint="Install it with `pip install 'auditor[vcr]'`, or leave the file out.",
        ) from None
    raw = stream.read(MAX_BYTES + 1)
    head = raw.partition(b"\n")[0]
    if len(raw) > MAX_BYTES:
        yield refused(1, head, f"a YAML document of more than {MAX_BYTES >> 20} MB")
        return
    try:
        document = yaml.load(raw, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # what the parser says of it may quote it
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1} cannot be read" if mark else "it cannot be read"
        yield refused(1, head, f"not YAML: {where}")
        return
    if not isinstance(document, dict):
        yield refused(1, head, "no cassette with interactions")
        return
    found = entries_at(document, "interactions") or entries_at(document, "http_interactions")
    for number, interaction in enumerate(found, 1):
        is_entry = isinstance(interaction, Mapping)
        yield _reading(number, interaction) if is_entry else no_object(number, interaction)


def _reading(number: int, interaction: Mapping[str, Any]) -> Reading:
    asked, answered = body_at(interaction, "request"), body_at(interaction, "response")
    url = text_at(asked, "uri") or ""
    status = answered.get("status")
    try:
        return http_call(
            number,
            url=url,
            status=status.get("code") if isinstance(status, dict) else status,
            time=interaction.get("recorded_at") or _date(answered),
            sent=_body(asked),
            received=_body(answered),
        )
    except ValueError as error:
        return refused(number, url.partition("?")[0].encode("utf-8", "replace"), str(error))


def _date(answered: Mapping[str, Any]) -> Any:
    headers = body_at(answered, "headers")
    values = next((headers[name] for name in headers if str(name).lower() == "date"), None)
    return values[0] if isinstance(values, list) and values else values


def _body(side: Mapping[str, Any]) -> Any:
    """A body as an object or as text."""
    if isinstance(side.get("parsed_body"), dict):
        return side["parsed_body"]
    body = side.get("body")
    if isinstance(body, dict):
        packed = body.get("base64_string")
        body = b64decode(packed) if isinstance(packed, str) else body.get("string")
    if isinstance(body, bytes):
        if body.startswith(GZIP):
            try:
                body = gzip.decompress(body)
            except (EOFError, OSError, zlib.error):
                raise ValueError("its body is gzip that cannot be unpacked") from None
        body = body.decode("utf-8", "replace")
    return body


FORMAT = Format(
    "vcr",
    "VCR cassettes of vcrpy and Ruby",
    claims,
    read,
    container="YAML",
    unit="interaction",
    ids="`id` of the answer",
    times="`recorded_at`, else the answer's `Date`",
    counts="usage of the answer, else its text",
    note="needs `pip install 'auditor[vcr]'`",
)
