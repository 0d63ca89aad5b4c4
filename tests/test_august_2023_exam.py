"""The August 2023 exam: every rate of 2023-08-22 under every name that logs use, and both sides
of every date on which an OpenAI price or alias turned.

No price book of the field passed it in 2026: they keep today's price under the old name.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from auditor.prices import Book, Priced, open_book, price

EXAM_DAY = date(2023, 8, 22)
UNPRICED = "unpriced"

SHEET = {
    "GPT-3.5 Turbo 4K": ("0.0015", "0.002", None, 4096),
    "GPT-3.5 Turbo 16K": ("0.003", "0.004", None, 16385),
    "GPT-4 8K": ("0.03", "0.06", None, 8192),
    "GPT-4 32K": ("0.06", "0.12", None, 32768),
    "fine-tuned GPT-3.5 Turbo": ("0.012", "0.016", "0.008", 4096),
    "fine-tuned davinci-002": ("0.012", "0.012", "0.006", 16384),
    "fine-tuned babbage-002": ("0.0016", "0.0016", "0.0004", 16384),
    "davinci-002": ("0.002", "0.002", None, 16384),
    "babbage-002": ("0.0004", "0.0004", None, 16384),
}

SPELLINGS = {
    "GPT-3.5 Turbo 4K": (
        "gpt-3.5-turbo",
        "gpt-3.5-turbo-0613",
        "gpt-3.5-turbo-0301",
        "openai/gpt-3.5-turbo",
        "openaichat/gpt-3.5-turbo-0613",
        "gpt-35-turbo",
        "gpt-35-turbo-0301",
        "gpt-35-turbo-0613",
        "azure/gpt-35-turbo",
        "azure/gpt-35-turbo-0613",
    ),
    "GPT-3.5 Turbo 16K": (
        "gpt-3.5-turbo-16k",
        "gpt-3.5-turbo-16k-0613",
        "openai/gpt-3.5-turbo-16k",
        "gpt-35-turbo-16k",
        "gpt-35-turbo-16k-0613",
        "azure/gpt-35-turbo-16k",
    ),
    "GPT-4 8K": (
        "gpt-4",
        "gpt-4-0314",
        "gpt-4-0613",
        "openai/gpt-4",
        "azure/gpt-4",
        "openaichat/gpt-4-0613",
    ),
    "GPT-4 32K": ("gpt-4-32k", "gpt-4-32k-0314", "gpt-4-32k-0613", "openai/gpt-4-32k"),
    "fine-tuned GPT-3.5 Turbo": (
        "ft:gpt-3.5-turbo-0613",
        "ft:gpt-3.5-turbo-0613:acme",
        "ft:gpt-3.5-turbo-0613:acme::7qTVM5AR",
        "ft:gpt-3.5-turbo-0613:acme:support-bot:7qTVM5AR",
        "ft:gpt-3.5-turbo-0613:acme::7qTVM5AR:ckpt-step-120",
        "ft:gpt-3.5-turbo",
        "ft:gpt-3.5-turbo:org_id",
        "ft:gpt-3.5-turbo:acme::7qTVM5AR",
        "openai/ft:gpt-3.5-turbo-0613:acme::7qTVM5AR",
        "gpt-35-turbo-0613.ft-b044a9d3cf9c4228b5d393567f693b83",
        "gpt-35-turbo-0613.ft-b044a9d3cf9c4228b5d393567f693b83-support",
        "gpt-35-turbo.ft-b044a9d3cf9c4228",
        "azure/gpt-35-turbo-0613.ft-b044a9d3cf9c4228",
    ),
    "fine-tuned davinci-002": (
        "ft:davinci-002",
        "ft:davinci-002:acme::7qTVM5AR",
        "davinci-002.ft-b044a9d3cf9c4228",
    ),
    "fine-tuned babbage-002": (
        "ft:babbage-002",
        "ft:babbage-002:acme:labels:7qTVM5AR",
        "babbage-002.ft-b044a9d3cf9c4228-labels",
    ),
    "davinci-002": ("davinci-002", "openai/davinci-002"),
    "babbage-002": ("babbage-002", "openai/babbage-002"),
}


@pytest.fixture(scope="module")
def book() -> Book:
    return open_book()


@pytest.mark.parametrize(
    ("model", "name"), [(model, name) for model, names in SPELLINGS.items() for name in names]
)
def test_the_rates_of_2023_08_22(book: Book, model: str, name: str) -> None:
    rate_in, rate_out, training, window = SHEET[model]
    row = price(book, name, EXAM_DAY).row

    assert row is not None
    assert row.input_per_1k_usd == Decimal(rate_in)
    assert row.cached_input_per_1k_usd is None
    assert row.output_per_1k_usd == Decimal(rate_out)
    assert row.training_per_1k_usd == (training and Decimal(training))
    assert row.context_window == window


TURNS = [
    # 1.1
    ("gpt-3.5-turbo", "2023-03-01", UNPRICED, "0.002 - 0.002"),
    ("gpt-3.5-turbo-0301", "2023-03-01", UNPRICED, "0.002 - 0.002"),
    # 1.2
    ("gpt-3.5-turbo", "2023-06-13", "0.002 - 0.002", "0.0015 - 0.002"),
    ("gpt-3.5-turbo-0301", "2023-06-13", "0.002 - 0.002", "0.0015 - 0.002"),
    ("gpt-35-turbo", "2023-06-13", "0.002 - 0.002", "0.0015 - 0.002"),
    ("gpt-3.5-turbo-0613", "2023-06-13", UNPRICED, "0.0015 - 0.002"),
    ("gpt-3.5-turbo-16k", "2023-06-13", UNPRICED, "0.003 - 0.004"),
    ("gpt-3.5-turbo-16k-0613", "2023-06-13", UNPRICED, "0.003 - 0.004"),
    ("gpt-4-0613", "2023-06-13", UNPRICED, "0.03 - 0.06"),
    ("text-embedding-ada-002", "2023-06-13", "0.0004 - -", "0.0001 - -"),
    ("text-embedding-ada-002-v2", "2023-06-13", "0.0004 - -", "0.0001 - -"),
    # 1.3: the snapshots are in POINTS below
    ("gpt-3.5-turbo", "2023-06-27", "0.0015 - 0.002", "0.0015 - 0.002"),
    ("gpt-4", "2023-06-27", "0.03 - 0.06", "0.03 - 0.06"),
    ("gpt-4-32k", "2023-06-27", "0.06 - 0.12", "0.06 - 0.12"),
    # 1.4
    ("ft:gpt-3.5-turbo-0613:acme::id", "2023-08-22", UNPRICED, "0.012 - 0.016"),
    ("ft:gpt-3.5-turbo:acme", "2023-08-22", UNPRICED, "0.012 - 0.016"),
    ("ft:babbage-002:acme::id", "2023-08-22", UNPRICED, "0.0016 - 0.0016"),
    ("ft:davinci-002:acme::id", "2023-08-22", UNPRICED, "0.012 - 0.012"),
    ("babbage-002", "2023-08-22", UNPRICED, "0.0004 - 0.0004"),
    ("davinci-002", "2023-08-22", UNPRICED, "0.002 - 0.002"),
    # 1.5
    ("ft:gpt-3.5-turbo-0613:acme::id", "2023-11-06", "0.012 - 0.016", "0.003 - 0.006"),
    ("ft:gpt-3.5-turbo:acme", "2023-11-06", "0.012 - 0.016", "0.003 - 0.006"),
    ("ft:gpt-3.5-turbo-1106:acme::id", "2023-11-06", UNPRICED, "0.003 - 0.006"),
    ("ft:babbage-002", "2023-11-06", "0.0016 - 0.0016", "0.0016 - 0.0016"),
    ("gpt-3.5-turbo-1106", "2023-11-06", UNPRICED, "0.001 - 0.002"),
    ("gpt-3.5-turbo", "2023-11-06", "0.0015 - 0.002", "0.0015 - 0.002"),
    ("gpt-3.5-turbo-0613", "2023-11-06", "0.0015 - 0.002", "0.0015 - 0.002"),
    ("gpt-4-1106-preview", "2023-11-06", UNPRICED, "0.01 - 0.03"),
    ("gpt-4-vision-preview", "2023-11-06", UNPRICED, "0.01 - 0.03"),
    ("gpt-4-1106-vision-preview", "2023-11-06", UNPRICED, "0.01 - 0.03"),
    ("ft:gpt-4-0613:acme::id", "2023-11-06", UNPRICED, UNPRICED),
    # 1.6: announced, taken back
    ("gpt-3.5-turbo", "2023-12-11", "0.0015 - 0.002", "0.0015 - 0.002"),
    # 1.7
    ("ada", "2024-01-04", "0.0004 - 0.0004", UNPRICED),
    ("babbage", "2024-01-04", "0.0005 - 0.0005", UNPRICED),
    ("curie", "2024-01-04", "0.002 - 0.002", UNPRICED),
    ("davinci", "2024-01-04", "0.02 - 0.02", UNPRICED),
    ("text-davinci-003", "2024-01-04", "0.02 - 0.02", UNPRICED),
    ("ada:ft-acme-2021-03-03-21-44-20", "2024-01-04", "0.0016 - 0.0016", UNPRICED),
    ("babbage:ft-acme-2021-03-03-21-44-20", "2024-01-04", "0.0024 - 0.0024", UNPRICED),
    ("curie:ft-acmeco-2021-03-03-21-44-20", "2024-01-04", "0.012 - 0.012", UNPRICED),
    ("davinci:ft-acme-2021-03-03-21-44-20", "2024-01-04", "0.12 - 0.12", UNPRICED),
    # alias calendar, section 5
    ("gpt-4-turbo-preview", "2024-01-25", UNPRICED, "0.01 - 0.03"),
    # 1.8
    ("gpt-3.5-turbo-0125", "2024-02-01", UNPRICED, "0.0005 - 0.0015"),
    ("ft:gpt-3.5-turbo-0125:acme::id", "2024-02-01", UNPRICED, "0.003 - 0.006"),
    ("gpt-3.5-turbo", "2024-02-01", "0.0015 - 0.002", "0.0015 - 0.002"),
    ("gpt-3.5-turbo", "2024-02-16", "0.0015 - 0.002", "0.0005 - 0.0015"),
    ("gpt-35-turbo", "2024-02-16", "0.0015 - 0.002", "0.0005 - 0.0015"),
    ("ft:gpt-3.5-turbo:acme", "2024-02-16", "0.003 - 0.006", "0.003 - 0.006"),
    # 1.9
    ("gpt-4-0613 batch", "2024-04-15", UNPRICED, "0.015 - 0.03"),
    ("gpt-3.5-turbo batch", "2024-04-15", UNPRICED, "0.00025 - 0.00075"),
    ("gpt-3.5-turbo-1106 batch", "2024-04-15", UNPRICED, "0.001 - 0.002"),
    ("ft:gpt-3.5-turbo-0613:acme::id batch", "2024-05-07", UNPRICED, "0.0015 - 0.003"),
    ("ft:babbage-002 batch", "2024-05-07", UNPRICED, "0.0008 - 0.0009"),
    # 1.10
    ("gpt-4o", "2024-05-13", UNPRICED, "0.005 - 0.015"),
    ("gpt-4o-2024-05-13", "2024-05-13", UNPRICED, "0.005 - 0.015"),
    ("gpt-4o-mini", "2024-07-18", UNPRICED, "0.00015 - 0.0006"),
    ("gpt-4o-2024-08-06", "2024-08-06", UNPRICED, "0.0025 - 0.01"),
    ("gpt-4o", "2024-08-06", "0.005 - 0.015", "0.005 - 0.015"),
    # 1.11
    ("ft:gpt-4o-mini-2024-07-18:acme::id", "2024-07-23", UNPRICED, "0.0003 - 0.0012"),
    ("ft:gpt-4o-2024-08-06:acme::id", "2024-08-20", UNPRICED, "0.00375 - 0.015"),
    # the end of the 0301, 0613 and 16k snapshots
    ("gpt-3.5-turbo-0301", "2024-09-13", "0.0015 - 0.002", UNPRICED),
    ("gpt-3.5-turbo-0613", "2024-09-13", "0.0015 - 0.002", UNPRICED),
    ("gpt-3.5-turbo-16k", "2024-09-13", "0.003 - 0.004", UNPRICED),
    ("ft:gpt-3.5-turbo-0613:acme::id", "2024-09-13", "0.003 - 0.006", "0.003 - 0.006"),
    # 1.12
    ("gpt-4o-2024-08-06", "2024-10-01", "0.0025 - 0.01", "0.0025 0.00125 0.01"),
    ("gpt-4o-mini", "2024-10-01", "0.00015 - 0.0006", "0.00015 0.000075 0.0006"),
    ("o1-preview", "2024-10-01", "0.015 - 0.06", "0.015 0.0075 0.06"),
    ("o1-mini", "2024-10-01", "0.003 - 0.012", "0.003 0.0015 0.012"),
    ("ft:gpt-4o-2024-08-06", "2024-10-01", "0.00375 - 0.015", "0.00375 0.001875 0.015"),
    ("ft:gpt-4o-mini-2024-07-18", "2024-10-01", "0.0003 - 0.0012", "0.0003 0.00015 0.0012"),
    ("gpt-4o-2024-05-13", "2024-10-01", "0.005 - 0.015", "0.005 - 0.015"),
    # 1.13
    ("gpt-4o", "2024-10-01", "0.005 - 0.015", "0.005 - 0.015"),
    ("gpt-4o", "2024-10-02", "0.005 - 0.015", "0.0025 0.00125 0.01"),
    # 1.14: no new training, the same inference
    ("ft:babbage-002", "2024-10-28", "0.0016 - 0.0016", "0.0016 - 0.0016"),
    ("ft:davinci-002", "2024-10-28", "0.012 - 0.012", "0.012 - 0.012"),
    # 1.15
    ("o1-mini", "2025-01-31", "0.003 0.0015 0.012", "0.0011 0.00055 0.0044"),
    ("o3-mini", "2025-01-31", UNPRICED, "0.0011 0.00055 0.0044"),
    # 1.16
    ("gpt-4.1", "2025-04-14", UNPRICED, "0.002 0.0005 0.008"),
    ("gpt-4.1-mini", "2025-04-14", UNPRICED, "0.0004 0.0001 0.0016"),
    ("gpt-4.1-nano", "2025-04-14", UNPRICED, "0.0001 0.000025 0.0004"),
    ("ft:gpt-4.1:acme::id", "2025-04-14", UNPRICED, "0.003 0.00075 0.012"),
    ("ft:gpt-4.1-mini-2025-04-14:acme::id", "2025-04-14", UNPRICED, "0.0008 0.0002 0.0032"),
    ("ft:gpt-4.1-nano-2025-04-14:acme::id", "2025-05-07", UNPRICED, "0.0002 0.00005 0.0008"),
    ("ft:o4-mini-2025-04-16:acme::id", "2025-05-07", UNPRICED, "0.004 0.001 0.016"),
    # 1.17
    ("o3", "2025-06-10", "0.01 0.0025 0.04", "0.002 0.0005 0.008"),
    ("o3 batch", "2025-06-10", "0.005 - 0.02", "0.001 - 0.004"),
    # 1.18: closed to new organisations, the same inference
    ("ft:gpt-4o-2024-08-06", "2026-05-07", "0.00375 0.001875 0.015", "0.00375 0.001875 0.015"),
    # 1.19
    ("gpt-3.5-turbo", "2026-10-23", "0.0005 - 0.0015", UNPRICED),
    ("ft:gpt-3.5-turbo-0125", "2026-10-23", "0.003 - 0.006", UNPRICED),
    ("ft:gpt-3.5-turbo:acme", "2026-10-23", "0.003 - 0.006", UNPRICED),
    ("gpt-4", "2026-10-23", "0.03 - 0.06", UNPRICED),
    ("gpt-4-turbo", "2026-10-23", "0.01 - 0.03", UNPRICED),
    ("gpt-4o-2024-05-13", "2026-10-23", "0.005 - 0.015", UNPRICED),
    ("o1", "2026-10-23", "0.015 0.0075 0.06", UNPRICED),
    ("o3-mini", "2026-10-23", "0.0011 0.00055 0.0044", UNPRICED),
    ("o4-mini", "2026-10-23", "0.0011 0.000275 0.0044", UNPRICED),
    ("gpt-4.1-nano", "2026-10-23", "0.0001 0.000025 0.0004", UNPRICED),
    ("gpt-4o-2024-08-06", "2027-01-14", "0.0025 0.00125 0.01", UNPRICED),
    ("gpt-4o-mini", "2027-01-14", "0.00015 0.000075 0.0006", UNPRICED),
    ("gpt-4.1", "2027-01-14", "0.002 0.0005 0.008", UNPRICED),
    ("gpt-4.1-mini", "2027-01-14", "0.0004 0.0001 0.0016", UNPRICED),
    # 1.20: the promise of the price ends, no other price is known
    ("gpt-5.6-sol", "2026-08-21", "0.005 0.0005 0.03", "0.004 0.0004 0.02"),
    ("gpt-5.6-terra", "2026-07-30", "0.0025 0.00025 0.015", "0.002 0.0002 0.012"),
    ("gpt-5.6-luna", "2026-07-30", "0.001 0.0001 0.006", "0.0002 0.00002 0.0012"),
]


def rates(priced: Priced) -> str:
    """Input, cached input and output, each as the book writes it; ``-`` is blank."""
    if priced.row is None:
        assert priced.reason
        return UNPRICED
    row = priced.row
    found = (row.input_per_1k_usd, row.cached_input_per_1k_usd, row.output_per_1k_usd)
    return " ".join("-" if rate is None else f"{rate:f}" for rate in found)


@pytest.mark.parametrize(("call", "turn", "before", "after"), TURNS)
def test_both_sides_of_every_turning_point(
    book: Book, call: str, turn: str, before: str, after: str
) -> None:
    name, _, tier = call.partition(" ")
    day = date.fromisoformat(turn)

    assert rates(price(book, name, day - timedelta(days=1), tier or "standard")) == before
    assert rates(price(book, name, day, tier or "standard")) == after


POINTS = [
    ("gpt-3.5-turbo", "2023-06-27", "gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613"),
    ("gpt-3.5-turbo", "2023-11-06", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-0613"),
    ("gpt-3.5-turbo", "2023-12-11", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-0613"),
    ("gpt-3.5-turbo", "2024-02-16", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-0125"),
    ("gpt-4", "2023-06-27", "gpt-4-0314", "gpt-4-0613"),
    ("gpt-4o", "2024-10-02", "gpt-4o-2024-05-13", "gpt-4o-2024-08-06"),
    ("ft:gpt-3.5-turbo:acme", "2024-02-16", "ft:gpt-3.5-turbo-0613", "ft:gpt-3.5-turbo-0125"),
]


@pytest.mark.parametrize(("alias", "turn", "before", "after"), POINTS)
def test_what_an_alias_stood_for(
    book: Book, alias: str, turn: str, before: str, after: str
) -> None:
    day = date.fromisoformat(turn)

    assert price(book, alias, day - timedelta(days=1)).resolution.snapshot == before
    assert price(book, alias, day).resolution.snapshot == after


@pytest.mark.parametrize(("turn", "before", "after"), [("2024-02-16", 4096, 16385)])
def test_the_window_of_the_alias_grew_with_its_snapshot(
    book: Book, turn: str, before: int, after: int
) -> None:
    day = date.fromisoformat(turn)
    earlier, later = (price(book, "gpt-3.5-turbo", on).row for on in (day - timedelta(days=1), day))

    assert earlier is not None and earlier.context_window == before
    assert later is not None and later.context_window == after


def test_training_a_gpt_3_5_turbo_never_became_cheaper(book: Book) -> None:
    for day in (date(2023, 8, 22), date(2023, 11, 5), date(2023, 11, 6), date(2024, 9, 12)):
        row = price(book, "ft:gpt-3.5-turbo-0613", day).row
        assert row is not None and row.training_per_1k_usd == Decimal("0.008")


def test_three_epochs_over_a_hundred_thousand_tokens_cost_2_dollars_40(book: Book) -> None:
    row = price(book, "ft:gpt-3.5-turbo-0613", EXAM_DAY).row

    assert row is not None and row.training_per_1k_usd is not None
    thousands, epochs = 100, 3
    assert thousands * epochs * row.training_per_1k_usd == Decimal("2.40")
