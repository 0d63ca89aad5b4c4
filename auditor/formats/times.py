"""Reads the moments that logs hold, in the spellings they are known to use, as naive UTC."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any

from auditor.formats.words import shown

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC, as everywhere in the store
END_OF_REACH = datetime(2200, 1, 1)  # noqa: DTZ001
OUT_OF_REACH = "no call was made before 1970 or after 2199"
TICKS_AT_EPOCH = 621_355_968_000_000_000
# What a count since 1970 counts, told by its size: (below, microseconds a unit, offset).
# Seconds below 10^11 reach the year 5138; .NET ticks (100 ns since the year 1) lie between
# today's microseconds and today's nanoseconds.
UNITS = (
    (10**11, Decimal(1_000_000), 0),
    (10**14, Decimal(1_000), 0),
    (10**17, Decimal(1), 0),
    (10**18, Decimal("0.1"), TICKS_AT_EPOCH),
    (10**20, Decimal("0.001"), 0),
)
ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?\s*"
    r"(Z|UTC|[+-]\d\d(?::?\d\d)?)?",
)
NUMBER = re.compile(r"\d{1,40}(?:\.\d*)?(?:[eE][+-]?\d{1,2})?")
# RFC 1123 and its kin end in a zone that has one meaning; CEST or CST would be guesses.
MAIL = re.compile(r"[A-Za-z]{3}.* (?:GMT|UTC|UT|[+-]\d{4})$")
US_SLASHES = re.compile(r"(\d\d)/(\d\d)/(\d{4}),? (\d\d):(\d\d):(\d\d)")


def read_time(value: Any, zone: tzinfo = UTC) -> datetime | None:
    """The moment that ``value`` names, as naive UTC; None when it names none (null or empty).

    Numbers count seconds, milliseconds, microseconds or nanoseconds since 1970, or .NET ticks:
    their size tells which. Text is ISO 8601 with any number of decimals, RFC 1123,
    ``MM/DD/YYYY, HH:MM:SS``, or such a number. Text without an offset is taken to be in ``zone``.
    Raises ValueError with a short reason.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise ValueError("its time is neither a number nor text")
    if isinstance(value, int | float | Decimal):
        return _since_1970(Decimal(str(value)))
    if not isinstance(value, str):
        raise ValueError("its time is neither a number nor text")
    text = value.strip()
    return _written(text, zone)


def read_time_as(format: str, zone: tzinfo = UTC) -> Callable[[Any], datetime | None]:
    """A reader for one agreed spelling: ``auto``, ``unix``, ``unix_ms`` or a strptime pattern.

    ``unix`` and ``unix_ms`` are seconds and milliseconds since 1970, whatever their size.
    """
    if format == "auto":
        return lambda value: read_time(value, zone)
    if format in ("unix", "unix_ms"):
        unit = Decimal(1_000_000 if format == "unix" else 1_000)
        return lambda value: _from_microseconds(_number(value) * unit) if value != "" else None
    return lambda value: _patterned(value, format, zone)


def check_time_format(format: str) -> None:
    """Raises ValueError when ``read_time_as`` could never read a time that way."""
    if format in ("auto", "unix", "unix_ms"):
        return
    if "%" not in format:
        raise ValueError(f"{format!r} is neither auto, unix, unix_ms nor a pattern with %")
    try:
        written = EPOCH.replace(tzinfo=UTC).strftime(format)
        datetime.strptime(written, format)  # noqa: DTZ007
    except (ValueError, re.error):
        raise ValueError(f"{format!r} is no pattern that strptime can read") from None


def _patterned(value: Any, pattern: str, zone: tzinfo) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        return _to_utc(datetime.strptime(str(value).strip(), pattern), zone)  # noqa: DTZ007
    except ValueError:
        raise ValueError(f"its time, {shown(value)}, is not written as {pattern}") from None


def _number(value: Any) -> Decimal:
    text = str(value).strip()
    if isinstance(value, bool) or not NUMBER.fullmatch(text):
        raise ValueError(f"its time, {shown(value)}, is no number since 1970")
    return Decimal(text)


def _since_1970(number: Decimal) -> datetime:
    if not number.is_finite() or number < 0:
        raise ValueError(f"its time, {shown(number)}, is no moment after 1970")
    for below, microseconds, offset in UNITS:
        if number < below:
            return _from_microseconds((number - offset) * microseconds)
    raise ValueError(f"its time, {shown(number)}, is no moment we can place")


def _from_microseconds(number: Decimal) -> datetime:
    try:
        return _within_reach(EPOCH + timedelta(microseconds=int(number)))
    except (OverflowError, ValueError, InvalidOperation):
        raise ValueError(f"its time, {shown(number)}, is no moment we can place") from None


def _written(text: str, zone: tzinfo) -> datetime:
    if match := ISO.fullmatch(text):
        year, month, day, hour, minute, second, decimals, offset = match.groups()
        micros = int((decimals or "0")[:6].ljust(6, "0"))
        parts = (year, month, day, hour or 0, minute or 0, second or 0)
        return _moment(text, parts, micros, offset, zone)
    if match := US_SLASHES.fullmatch(text):
        month, day, year, *clock = match.groups()
        return _moment(text, (year, month, day, *clock), 0, None, zone)
    if NUMBER.fullmatch(text):
        return _since_1970(_number(text))
    if MAIL.search(text):
        try:
            return _to_utc(parsedate_to_datetime(text), zone)
        except (ValueError, TypeError, IndexError):
            pass
    raise ValueError(f"its time, {shown(text)}, is in no spelling we know")


def _moment(
    text: str, parts: Iterable[str | int], micros: int, offset: str | None, zone: tzinfo
) -> datetime:
    try:
        year, month, day, hour, minute, second = map(int, parts)
        moment = datetime(year, month, day, hour, minute, second, micros)  # noqa: DTZ001
        return _to_utc(moment, _offset(offset) if offset else zone)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"its time, {shown(text)}, is no moment: {error}") from None


def _offset(text: str) -> tzinfo:
    if text in ("Z", "UTC"):
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if span >= timedelta(days=1):
        raise ValueError(f"its offset {text} is a day or more")
    return timezone(-span if text[0] == "-" else span)


def _to_utc(moment: datetime, zone: tzinfo) -> datetime:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    try:
        return _within_reach(aware.astimezone(UTC).replace(tzinfo=None))
    except OverflowError:
        raise ValueError(OUT_OF_REACH) from None


def _within_reach(moment: datetime) -> datetime:
    if not EPOCH <= moment < END_OF_REACH:
        raise ValueError(OUT_OF_REACH)
    return moment
