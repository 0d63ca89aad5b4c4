"""Counts and amounts are read exactly or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.formats.cells import known, needed_count, read_count, read_money
from auditor.formats.words import ExactNumber
from auditor.records import Usage

COUNTS: dict[Any, int | None] = {
    None: None,
    "": None,
    0: 0,
    7: 7,
    434.0: 434,
    "434": 434,
    " 434 ": 434,
    "434.": 434,
    "434.000": 434,
    "0007": 7,
    ExactNumber("434.0"): 434,
    10**12: 10**12,
    str(10**12): 10**12,
}
NO_COUNTS = (
    -1,
    "-1",
    434.5,
    "434.5",
    "1e3",
    "1,083",
    "1 083",
    "many",
    "12 tokens",
    "+5",
    True,
    "True",
    [7],
    {"n": 7},
    float("nan"),
    float("inf"),
    10**12 + 1,
    "9" * 400,
    10**399,
)


@pytest.mark.parametrize("value", COUNTS, ids=repr)
def test_a_count_is_a_whole_number_however_it_is_written(value: Any) -> None:
    assert read_count(value) == COUNTS[value]


@pytest.mark.parametrize("value", NO_COUNTS, ids=lambda value: repr(value)[:20])
def test_what_is_no_whole_number_of_tokens_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="is no count of tokens"):
        read_count(value)


@pytest.mark.parametrize("value", [None, ""])
def test_a_needed_count_must_be_there(value: Any) -> None:
    with pytest.raises(ValueError, match="a count of tokens is missing"):
        needed_count(value)


def test_no_call_is_free_of_tokens() -> None:
    assert known(Usage(0, 0)) is None
    assert known(Usage(0, 0, cache_read_tokens=1)) == Usage(0, 0, cache_read_tokens=1)


AMOUNTS: dict[Any, str | None] = {
    None: None,
    "": None,
    0: "0",
    "0.0": "0.0",
    "0.008229": "0.008229",
    " 1.5 ": "1.5",
    "-0.25": "-0.25",
    "+0.25": "0.25",
    ".5": "0.5",
    "5.": "5",
    "1e-7": "0.0000001",
    "2E-06": "0.000002",
    "1.5e3": "1500",
    ExactNumber("0.1"): "0.1",
    "0.10000000000000000000": "0.10000000000000000000",
    "1.2345678901234567e-7": "0.00000012345678901234567",
    "0.123456789012345678901234": "0.123456789012345678901234",
    "999999999.9": "999999999.9",
    0.1: "0.1",
}
NO_AMOUNTS = ("free", "$0.10", "0,10", "1_000", "NaN", "Infinity", "1e", "--1", True, [1], "0x1f")
TOO_LONG = ("1e14", "1e999", "0.1234567890123456789012345", "1e-25", "9" * 15)


@pytest.mark.parametrize("value", AMOUNTS, ids=repr)
def test_an_amount_keeps_every_digit(value: Any) -> None:
    assert read_money(value) == AMOUNTS[value]


@pytest.mark.parametrize("value", NO_AMOUNTS, ids=repr)
def test_what_is_no_amount_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="is no amount of money"):
        read_money(value)


@pytest.mark.parametrize("value", TOO_LONG)
def test_digits_that_the_store_cannot_hold_are_refused_not_rounded(value: str) -> None:
    with pytest.raises(ValueError, match="has more digits than an amount can hold"):
        read_money(value)
