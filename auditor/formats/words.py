"""How a reason speaks of a value: its kind and size, never the value, unless it is a number.

A refused line may hold a prompt or a key where a count should be, and reasons are shown to people
who may not see those. Digits of a text are only shown as long as they can be no telephone number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

SHOWN_CHARACTERS = 24
SMALL_NUMBER = re.compile(r"[+-]?[0-9]{1,5}(?:\.[0-9]{0,3})?")
CODE = re.compile(r"[A-Za-z]{3,5}")


class ExactNumber(str):
    """A JSON number with a fraction or an exponent, as it was written."""

    __slots__ = ()


def shown(value: Any) -> str:
    """A value that is wrong where it stands, in the words of JSON: ``a text of 12 characters``."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    is_text = isinstance(value, str) and not isinstance(value, ExactNumber)
    if is_text and not SMALL_NUMBER.fullmatch(value):
        return f"a text of {len(value)} character{'' if len(value) == 1 else 's'}"
    if isinstance(value, float):
        value = json.dumps(value)
    text = f'"{value}"' if is_text else str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def currency_shown(value: Any) -> str:
    """A currency if it is written like one, else its kind."""
    is_code = isinstance(value, str) and CODE.fullmatch(value)
    return str(value) if is_code else shown(value)
