"""The spellings of time that are found in logs (formats.md 0.9), and what is none."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from auditor.formats.times import read_time, read_time_as

VIENNA = ZoneInfo("Europe/Vienna")

SPELLINGS: dict[str, tuple[Any, str]] = {
    "epoch seconds": (1692699072, "2023-08-22 10:11:12"),
    "epoch seconds, float": (1778228371.293557, "2026-05-08 08:19:31.293557"),
    "epoch seconds, exact": (Decimal("1692699072.000001"), "2023-08-22 10:11:12.000001"),
    "epoch seconds, text": ("1692699072", "2023-08-22 10:11:12"),
    "epoch seconds, text of a float": ("1692699072.5", "2023-08-22 10:11:12.500000"),
    "epoch seconds, exponent": ("1.692699072e9", "2023-08-22 10:11:12"),
    "epoch milliseconds": (1702666185703, "2023-12-15 18:49:45.703000"),
    "epoch microseconds": (1692699072000001, "2023-08-22 10:11:12.000001"),
    "epoch nanoseconds, text": ("1692699072000001999", "2023-08-22 10:11:12.000001"),
    "epoch nanoseconds, float": (1.692699072e18, "2023-08-22 10:11:12"),
    ".NET ticks": (638515262814394150, "2024-05-17 07:04:41.439415"),
    "zulu": ("2023-08-22T10:11:12Z", "2023-08-22 10:11:12"),
    "offset": ("2023-08-22T12:11:12+02:00", "2023-08-22 10:11:12"),
    "offset without colon": ("2023-08-22T12:11:12+0200", "2023-08-22 10:11:12"),
    "offset in hours": ("2023-08-22 12:11:12 +02", "2023-08-22 10:11:12"),
    "offset to the west": ("2023-08-21T23:11:12-11:00", "2023-08-22 10:11:12"),
    "offset zero": ("2023-08-22 10:11:12+00:00", "2023-08-22 10:11:12"),
    "words UTC": ("2023-08-22 10:11:12 UTC", "2023-08-22 10:11:12"),
    "seven decimals": ("2023-11-16 18:15:46.6805900", "2023-11-16 18:15:46.680590"),
    "seven decimals, zulu": ("2024-07-02T06:31:31.4465902Z", "2024-07-02 06:31:31.446590"),
    "nine decimals": ("2023-08-22T10:11:12.123456789Z", "2023-08-22 10:11:12.123456"),
    "one decimal": ("2023-08-22T10:11:12.5Z", "2023-08-22 10:11:12.500000"),
    "decimal comma": ("2023-08-22 10:11:12,5", "2023-08-22 10:11:12.500000"),
    "no zone": ("2023-08-22 10:11:12.123456", "2023-08-22 10:11:12.123456"),
    "no seconds": ("2023-08-22 10:11", "2023-08-22 10:11:00"),
    "a day": ("2023-08-22", "2023-08-22 00:00:00"),
    "slashes, month first": ("08/12/2023, 15:20:01", "2023-08-12 15:20:01"),
    "slashes without comma": ("08/12/2023 15:20:01", "2023-08-12 15:20:01"),
    "RFC 1123": ("Tue, 22 Aug 2023 10:11:12 GMT", "2023-08-22 10:11:12"),
    "RFC 1123, offset": ("Tue, 22 Aug 2023 12:11:12 +0200", "2023-08-22 10:11:12"),
    "spaces around it": ("  2023-08-22T10:11:12Z ", "2023-08-22 10:11:12"),
    "leap day": ("2024-02-29", "2024-02-29 00:00:00"),
    "the beginning of 1970": (0, "1970-01-01 00:00:00"),
}

NO_MOMENTS: dict[str, tuple[Any, str]] = {
    "a word": ("yesterday", "its time, a text of 9 characters, is in no spelling we know"),
    "blanks": ("  ", "its time, a text of 0 characters, is in no spelling we know"),
    "day before month": (
        "2023-22-08 10:11:12",
        "its time, a text of 19 characters, is no moment: month must be in 1..12",
    ),
    "slashes, day first": (
        "22/08/2023, 10:11:12",
        "its time, a text of 20 characters, is no moment: month must be in 1..12",
    ),
    "no leap year": (
        "2023-02-29",
        "its time, a text of 10 characters, is no moment: day is out of range for month",
    ),
    "before all dates": (
        "0001-01-01T00:00:00+14:00",
        "its time, a text of 25 characters, is no moment: "
        "no call was made before 1970 or after 2199",
    ),
    "an offset of days": (
        "2023-08-22T10:11:12+99:00",
        "its time, a text of 25 characters, is no moment: ",
    ),
    "a zone with several meanings": (
        "Tue, 22 Aug 2023 10:11:12 CST",
        "its time, a text of 29 characters, is in no spelling we know",
    ),
    "dots": ("22.08.2023 10:11", "its time, a text of 16 characters, is in no spelling we know"),
    "negative": (-1, "its time, -1, is no moment after 1970"),
    "not a number": (float("nan"), "its time, NaN, is no moment after 1970"),
    "infinite": (float("inf"), "its time, Infinity, is no moment after 1970"),
    "400 digits": (
        10**399,
        "its time, 100000000000000000000000…, is no moment we can",
    ),
    "a truth": (True, "its time is neither a number nor text"),
    "a list": ([2023, 8, 22], "its time is neither a number nor text"),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_spelling_is_read_as_naive_utc(name: str) -> None:
    value, moment = SPELLINGS[name]
    assert str(read_time(value)) == moment


@pytest.mark.parametrize("name", NO_MOMENTS)
def test_what_is_no_moment_is_refused_with_a_reason(name: str) -> None:
    value, reason = NO_MOMENTS[name]
    with pytest.raises(ValueError) as refused:
        read_time(value)
    assert str(refused.value).startswith(reason)


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_is_no_time_and_no_error(value: Any) -> None:
    assert read_time(value) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2023-08-22 12:00:00", "2023-08-22 10:00:00"),
        ("2023-12-22 12:00:00", "2023-12-22 11:00:00"),
        ("2023-10-29 02:30:00", "2023-10-29 00:30:00"),  # twice that night: the first is taken
        ("2023-08-22 12:00:00Z", "2023-08-22 12:00:00"),
    ],
)
def test_only_a_time_without_offset_is_taken_in_the_zone(text: str, moment: str) -> None:
    assert str(read_time(text, VIENNA)) == moment


@pytest.mark.parametrize(
    ("format", "value", "moment"),
    [
        ("auto", 1692699072, "2023-08-22 10:11:12"),
        ("unix", "1692699072.25", "2023-08-22 10:11:12.250000"),
        ("unix", 1692699072, "2023-08-22 10:11:12"),
        ("unix_ms", 1000, "1970-01-01 00:00:01"),  # by its size it would be seconds
        ("unix_ms", "1.692699072e12", "2023-08-22 10:11:12"),
        ("%d.%m.%Y %H:%M", "22.08.2023 10:11", "2023-08-22 10:11:00"),
        ("[%Y-%d-%m %H:%M:%S]", "[2023-22-08 10:11:12]", "2023-08-22 10:11:12"),
        ("%Y-%m-%dT%H:%M:%S%z", "2023-08-22T12:11:12+0200", "2023-08-22 10:11:12"),
    ],
)
def test_a_mapping_may_say_how_times_are_written(format: str, value: Any, moment: str) -> None:
    assert str(read_time_as(format, UTC)(value)) == moment


@pytest.mark.parametrize("format", ["auto", "unix", "unix_ms", "%Y"])
def test_an_empty_cell_is_no_time_in_any_format(format: str) -> None:
    assert read_time_as(format)("") is None


@pytest.mark.parametrize(
    ("format", "value", "reason"),
    [
        ("%d.%m.%Y", "2023-08-22", "its time, a text of 10 characters, is not written as %d.%m.%Y"),
        ("unix", "1e999999", "its time, a text of 8 characters, is no number since 1970"),
        ("unix", "9" * 400, "is no number since 1970"),
        ("unix", "9" * 20, "is no moment we can place"),
        ("unix_ms", "noon", "its time, a text of 4 characters, is no number since 1970"),
        ("unix", "nan", "its time, a text of 3 characters, is no number since 1970"),
        ("unix", True, "its time, true, is no number since 1970"),
    ],
)
def test_a_time_in_another_spelling_is_refused(format: str, value: Any, reason: str) -> None:
    with pytest.raises(ValueError) as refused:
        read_time_as(format)(value)
    assert reason in str(refused.value)


def test_microseconds_are_kept_and_further_digits_are_cut_not_rounded() -> None:
    assert read_time("2023-12-31T23:59:59.9999999Z") == datetime(2023, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001
