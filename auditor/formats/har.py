"""HAR: what a browser or a proxy recorded of HTTP, one JSON document (HTTP Archive 1.2).

``log.entries[]`` with ``startedDateTime`` (ISO 8601), ``request.url``, ``request.postData.text``,
``response.status`` and ``response.content`` (``text``, and ``encoding`` base64). What is numbered
are entries. Usage is the body's own. Entries that ask no model's API are Context; an answer of
which the recorder kept no text is listed without usage. Headers are not read: they hold keys.

Documented (HAR 1.2 specification); no real file of model calls was seen.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from auditor.formats.base import Format, Sample, refused
from auditor.formats.documents import documents, entries_at, no_object
from auditor.formats.http_bodies import http_call
from auditor.formats.shapes.terms import body_at, text_at
from auditor.records import Reading
from auditor.sources import LogFile


def claims(start: Sample) -> bool:
    """True where a document begins with ``log`` and names entries or the recorder."""
    head = start.head.lstrip()
    words = (b'"entries"', b'"creator"', b'"pages"')
    return head[:1] == b"{" and b'"log"' in head[:40] and any(word in head for word in words)


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every entry as a Call, as Context where it asks no model, or as a Reject."""
    number = 0
    for raw, document, problem in documents(stream):
        log = body_at(document, "log") if isinstance(document, dict) else {}
        if problem is None and "entries" not in log:
            problem = "no HAR document with entries"
        if problem is not None:
            number += 1
            yield refused(number, raw, problem)
            continue
        for entry in entries_at(log, "entries"):
            number += 1
            is_entry = isinstance(entry, Mapping)
            yield _reading(number, entry) if is_entry else no_object(number, entry)


def _reading(number: int, entry: Mapping[str, Any]) -> Reading:
    asked, answered = body_at(entry, "request"), body_at(entry, "response")
    url = text_at(asked, "url") or ""
    try:
        return http_call(
            number,
            url=url,
            status=answered.get("status") or None,
            time=entry.get("startedDateTime"),
            sent=text_at(body_at(asked, "postData"), "text"),
            received=_content(body_at(answered, "content")),
        )
    except ValueError as error:
        return refused(number, url.partition("?")[0].encode("utf-8", "replace"), str(error))


def _content(content: Mapping[str, Any]) -> str | None:
    text = text_at(content, "text")
    if text is None or content.get("encoding") != "base64":
        return text
    try:
        return b64decode(text, validate=True).decode("utf-8", "replace")
    except (Error, ValueError):
        raise ValueError("its content is not the base64 that it says it is") from None


FORMAT = Format(
    "har",
    "HTTP archive of a browser or proxy",
    claims,
    read,
    container="HAR, a JSON document",
    unit="entry",
    ids="`id` of the answer",
    times="`startedDateTime`",
    counts="usage of the answer, else its text",
)
