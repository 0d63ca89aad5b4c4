"""Reads JSON that is no line of its own: a whole document, or documents one a line.

What such a file holds is counted by its entries (spans, requests, rows), not by its lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from auditor.formats.base import decode, refused
from auditor.limits import MAX_DOCUMENT_BYTES
from auditor.records import Reject


def documents(
    stream: BinaryIO, decode: Callable[[bytes], Any] = decode
) -> Iterator[tuple[bytes, Any, str | None]]:
    """The raw bytes, the value, and what is wrong, of every document.

    A file is one document a line, or, where its first line is none, one document. Blank lines
    are passed over. A single document above ``MAX_DOCUMENT_BYTES`` is refused.
    """
    first = True
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            yield line, decode(line), None
        except ValueError as error:
            if first:
                yield from _whole(number, line, stream, decode, str(error))
                return
            yield line, None, f"line {number}: {error}"
        first = False


def _whole(
    number: int,
    line: bytes,
    stream: BinaryIO,
    decode: Callable[[bytes], Any],
    problem: str,
) -> Iterator[tuple[bytes, Any, str | None]]:
    """The one document that a file is; if it is none, its first line is bad and others may do."""
    raw = line + stream.read(MAX_DOCUMENT_BYTES)
    if stream.read(1):
        yield line, None, f"a JSON document of more than {MAX_DOCUMENT_BYTES >> 20} MB"
        return
    try:
        yield raw, decode(raw), None
        return
    except ValueError as error:
        whole = str(error)
    lines = [rest for rest in raw.split(b"\n")[1:] if rest.strip()]
    if not any(_is_object(rest, decode) for rest in lines):
        yield line, None, whole
        return
    yield line, None, f"line {number}: {problem}"
    for at, rest in enumerate(raw.split(b"\n")[1:], number + 1):
        if rest.strip():
            try:
                yield rest, decode(rest), None
            except ValueError as error:
                yield rest, None, f"line {at}: {error}"


def _is_object(line: bytes, decode: Callable[[bytes], Any]) -> bool:
    try:
        return isinstance(decode(line), dict)
    except ValueError:
        return False


def entries_at(body: Mapping[str, Any], key: str) -> list[Any]:
    """Everything in the list at ``key``; what is no object is there to be refused."""
    value = body.get(key)
    return value if isinstance(value, list) else []


def no_object(number: int, value: object) -> Reject:
    """A Reject of an entry that is no object."""
    return refused(number, json.dumps(value, default=str).encode(), "an entry that is no object")
