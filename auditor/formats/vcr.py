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
from io import BytesIO
from typing import Any, BinaryIO

from auditor.errors import AuditError
from auditor.formats.base import Format, Sample, refused
from auditor.formats.documents import entries_at, no_object
from auditor.formats.http_bodies import http_call
from auditor.formats.shapes.terms import body_at, text_at
from auditor.limits import MAX_BODY_BYTES, MAX_YAML_BYTES
from auditor.records import Reading
from auditor.sources import LogFile

MERGE = "tag:yaml.org,2002:merge"
BEGINNING = re.compile(rb"(?m)^(?:http_)?interactions:[ \t]*\r?$")
GZIP = b"\x1f\x8b"
OF_A_SCALAR = (ValueError, LookupError, AttributeError, TypeError, ArithmeticError)
"""What the parser raises where a tag (``!!timestamp x``) does not fit what it stands before."""


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
    raw = stream.read(MAX_YAML_BYTES + 1)
    head = raw.partition(b"\n")[0]
    if len(raw) > MAX_YAML_BYTES:
        yield refused(1, head, f"a YAML document of more than {MAX_YAML_BYTES >> 20} MB")
        return
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(raw)
        node = loader.get_single_node()
        if node is not None and _weight(node, {}) > MAX_YAML_BYTES:
            yield refused(1, head, "YAML whose aliases make far more of it than it is")
            return
        document = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, *OF_A_SCALAR, RecursionError) as error:
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


def _weight(node: Any, known: dict[int, int]) -> int:
    """Characters of a YAML node, those behind an alias each time; too many where it has no end.

    Too many as well where keys are merged (``<<``): no recorder does, and that may double at every
    level while it is read.
    """
    if isinstance(node.value, str):
        return len(node.value) + 1
    if (weight := known.get(id(node))) is None:
        known[id(node)] = MAX_YAML_BYTES + 1  # what is found again inside itself
        parts = [one for part in node.value for one in (part if type(part) is tuple else (part,))]
        merges = any(part.tag == MERGE for part in parts)
        weight = MAX_YAML_BYTES + 1 if merges else 1 + sum(_weight(p, known) for p in parts)
        known[id(node)] = weight
    return weight


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
            body = _unpacked(body)
        body = body.decode("utf-8", "replace")
    return body


def _unpacked(body: bytes) -> bytes:
    try:
        with gzip.open(BytesIO(body)) as packed:
            found = packed.read(MAX_BODY_BYTES + 1)
    except (EOFError, OSError, zlib.error):
        raise ValueError("its body is gzip that cannot be unpacked") from None
    if len(found) > MAX_BODY_BYTES:
        raise ValueError(f"its body unpacks to more than {MAX_BODY_BYTES >> 20} MB")
    return found


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
