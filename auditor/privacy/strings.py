"""The texts in a log, whatever its format: what is in the strings of its JSON, else its cells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

import msgspec

PARTS = re.compile(r"[\x00-\x08\x0b-\x1f\ufffd]+")
CELLS = re.compile(r'[",;|\t]+')
MOST_NESTED = 200
NESTED = ("{", "[")


def strings_of(stream: BinaryIO) -> Iterator[tuple[int, str, str]]:
    """Line, field and text, of every string of a log; names of fields count as texts too.

    A field is named by its path where its names are words of letters, else by its depth. A line
    that is no JSON is taken apart at quotes and delimiters, and searched as a whole besides.
    """
    for number, raw in enumerate(stream, 1):
        try:
            value = msgspec.json.decode(raw)
        except (ValueError, RecursionError):
            for place, text in enumerate(_pieces(raw.decode("utf-8", "replace")), 1):
                yield number, f"part {place}", text
        else:
            for field, text in leaves_of(value, "", 0):
                yield number, field, text


def _pieces(line: str) -> Iterator[str]:
    for part in PARTS.split(line):
        yield from (cell.strip() for cell in CELLS.split(part))


def leaves_of(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Path and text of each string in a JSON value, and of those in JSON within a string."""
    if depth > MOST_NESTED:
        return
    if isinstance(value, str):
        yield path, value
        if value.lstrip()[:1] in NESTED:
            with suppress(ValueError, RecursionError):
                yield from leaves_of(msgspec.json.decode(value), path, depth + 1)
    elif isinstance(value, dict):
        for name, part in value.items():
            shown = name if re.fullmatch(r"[A-Za-z_]{1,40}", name) else "*"
            yield f"{path} (name of a field)".strip(), name
            yield from leaves_of(part, f"{path}.{shown}".strip("."), depth + 1)
    elif isinstance(value, list):
        for part in value:
            yield from leaves_of(part, path, depth + 1)
