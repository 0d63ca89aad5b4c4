"""Cells of a price book at the edge of what is kept, and names taken apart."""

from __future__ import annotations

from decimal import Decimal

import pytest

from auditor.errors import PriceBookError
from auditor.prices.spelling import Spelling, read
from auditor.prices.table import Record
from auditor.prices.writing import plain_rate


@pytest.mark.parametrize(
    "cell", ["123456789", "1234.123456789", "123456789.123456789", "0.123456789", "0", "007"]
)
def test_nine_digits_on_either_side_are_kept(cell: str) -> None:
    assert Record("book.csv", 2, {"rate": cell}).usd("rate") == Decimal(cell)


@pytest.mark.parametrize("cell", ["1234567890", "0.1234567890", "1234567890.1", "1.0000000000"])
def test_a_tenth_is_refused_even_if_it_is_zero(cell: str) -> None:
    with pytest.raises(PriceBookError, match="more digits than can be kept"):
        Record("book.csv", 2, {"rate": cell}).usd("rate")


PLAIN = {"100": "100", "1.50": "1.5", "2.000": "2", "1E+2": "100", "1E-9": "0.000000001", "0": "0"}


@pytest.mark.parametrize("rate", PLAIN)
def test_rates_are_written_with_the_digits_that_they_have(rate: str) -> None:
    assert plain_rate(Decimal(rate)) == PLAIN[rate]


def test_a_refused_word_is_told_the_words_that_are_known() -> None:
    with pytest.raises(PriceBookError) as refused:
        Record("book.csv", 2, {"tier": "slow"}).choice("tier", ("", "batch"))
    assert refused.value.hint == "Write one of: nothing, batch."


def tuned(name: str, base: str, row: str = "ft:{}", *, azure: bool = False) -> Spelling:
    return Spelling(base, row, azure, (f"{name} is a fine-tuned {base}",))


SPELLINGS = {
    "gpt-4-0613": Spelling("gpt-4-0613"),
    "ft:gpt-3.5-turbo-0613": Spelling("gpt-3.5-turbo-0613", "ft:{}"),
    "ft:davinci-002:acme": tuned("ft:davinci-002:acme", "davinci-002"),
    "curie:ft-acme-2023": tuned("curie:ft-acme-2023", "curie", "{}:ft-*"),
    "gpt-35-turbo-0613.ft-0a1b-x": tuned(
        "gpt-35-turbo-0613.ft-0a1b-x", "gpt-3.5-turbo-0613", azure=True
    ),
    "gpt-35-turbo": Spelling(
        "gpt-3.5-turbo", azure=True, steps=("gpt-35-turbo is Azure's spelling of gpt-3.5-turbo",)
    ),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_names_are_taken_apart(name: str) -> None:
    """A step is told only where the name does not say the row as it is."""
    assert read(name) == SPELLINGS[name]
