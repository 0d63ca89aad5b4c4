"""Reads counts and amounts out of cells and JSON values, exactly or not at all."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from auditor.formats.words import shown
from auditor.records import Usage

MAX_COUNT = 10**12
COUNT = re.compile(r"\d{1,16}(?:\.0*)?")
AMOUNT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
MONEY_DIGITS_BEFORE, MONEY_DIGITS_AFTER = 9, 24


def read_count(value: Any) -> int | None:
    """A whole number of tokens, 0 or more; None for an empty cell or null.

    ``434.0`` is 434, as spreadsheets write it. Raises ValueError for anything else.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise ValueError(f"{shown(value)} is no count of tokens")
    if isinstance(value, int):
        count = value
    elif isinstance(value, float) and value.is_integer():
        count = int(value)
    elif isinstance(value, str) and COUNT.fullmatch(value.strip()):
        count = int(value.strip().split(".")[0])
    else:
        raise ValueError(f"{shown(value)} is no count of tokens")
    if not 0 <= count <= MAX_COUNT:
        raise ValueError(f"{shown(value)} is no count of tokens")
    return count


def needed_count(value: Any) -> int:
    """As ``read_count``, where an empty cell is a ValueError too."""
    count = read_count(value)
    if count is None:
        raise ValueError("a count of tokens is missing")
    return count


def read_name(value: Any) -> str | None:
    """An id or the name of a model, of a number its digits; None for an empty cell or null.

    Raises ValueError for what is neither text nor a number.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("an id or the name of a model is neither text nor a number")
    return str(value)


def half_of_counts(sent: int | None, made: int | None, *about: object) -> str | None:
    """Why a call is uncounted of which a log holds one count; None where it holds both, or neither.

    A missing count is not zero. But an embedding makes no tokens, so it needs no count of them:
    ``about`` are the call's endpoint and models, which say whether it is one.
    """
    if made and sent is None:
        return "the log holds its output tokens, but not its input tokens"
    if sent and made is None and not any("embed" in str(word).lower() for word in about):
        return "the log holds its input tokens, but not its output tokens"
    return None


def known(usage: Usage) -> Usage | None:
    """The usage, or None where all of it is zero: no call is free of tokens."""
    return None if usage.is_zero else usage


def read_money(value: Any) -> str | None:
    """An amount as plain decimal text, every digit kept; None for an empty cell or null.

    Raises ValueError for what is no number, and for more digits than the store holds
    (9 before the point, 24 behind it).
    """
    if value is None or value == "":
        return None
    text = str(value).strip()
    if isinstance(value, bool) or not AMOUNT.fullmatch(text):
        raise ValueError(f"{shown(value)} is no amount of money")
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{shown(value)} is no amount of money") from None
    plain = f"{amount:f}"
    whole, _, fraction = plain.lstrip("+-").partition(".")
    if len(whole) > MONEY_DIGITS_BEFORE or len(fraction.rstrip("0")) > MONEY_DIGITS_AFTER:
        raise ValueError(f"{shown(value)} has more digits than an amount can hold")
    return plain
