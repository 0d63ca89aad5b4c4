"""Names as logs write them: what they stand for, and what is refused rather than guessed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.prices import Book, open_book, price, price_call, resolve

DAY = date(2023, 9, 1)


@pytest.fixture(scope="module")
def book() -> Book:
    return open_book()


REFUSED = {
    "": "the name is empty",
    "   ": "the name is empty",
    " gpt-4": "the name has white space around it",
    "gpt-4\n": "the name has white space around it",
    "GPT-4": "not in the price book",
    "gpt-4-0613-FC": "not in the price book",
    "gpt-4-06": "not in the price book",
    "gpt-4-0613 ": "the name has white space around it",
    "gpt-3.5": "not in the price book",
    "gpt-35": "not in the price book",
    "gpt-35-turbo-9999": "not in the price book",
    "gpt-35-turbox": "not in the price book",
    "GPT_3_5_TURBO": "not in the price book",
    "unknown": "not in the price book",
    "azure/my-dep": "not in the price book",
    "azure/": "not in the price book",
    "openrouter/openai/gpt-4": "not in the price book",
    "openai/azure/gpt-4": "not in the price book",
    "anthropic/gpt-4": "not in the price book",
    "ft:": "not in the price book",
    "ft:gpt-3.5-turbo-0613:acme:7qTVM5AR": "not in the price book",
    "ft:gpt-3.5-turbo-0613:acme::id:ckpt-step-x": ("not in the price book"),
    "ft:gpt-4-0314:acme::id": "no row named ft:gpt-4-0314",
    "ft:my-model:acme::id": "no row named ft:my-model",
    "text-davinci-003:ft-acme-2023": "no row named text-davinci-003:ft-*",
    "gpt-35-turbo-0613.ft-xyz": "not in the price book",
    "gpt-4o": "no version of gpt-4o is known before 2024-05-13",
    "gpt-4-turbo-preview": "no version of gpt-4-turbo-preview is known before 2024-01-25",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_known_is_refused_with_a_reason(book: Book, name: str) -> None:
    found = resolve(name, DAY, book)
    priced = price(book, name, DAY)

    assert (found.how, found.model, found.snapshot) == ("refused", None, None)
    assert found.name == name
    assert found.reason == REFUSED[name]
    assert (priced.row, priced.reason) == (None, found.reason)


@given(st.sampled_from(("gpt-4", "gpt-3.5-turbo", "ada", "davinci-002")), st.text(min_size=1))
def test_a_known_name_with_a_tail_is_not_the_known_name(book: Book, known: str, tail: str) -> None:
    name = known + tail
    found = resolve(name, DAY, book)
    assert found.how == "refused" or name in book or book.entries(name) or found.fine_tuned


def test_the_flags_and_the_steps_say_what_was_read(book: Book) -> None:
    found = resolve("azure/gpt-35-turbo", DAY, book)

    assert (found.model, found.snapshot) == ("gpt-3.5-turbo", "gpt-3.5-turbo-0613")
    assert (found.how, found.router, found.azure, found.fine_tuned) == (
        "alias",
        "azure",
        True,
        False,
    )
    assert found.steps == (
        "azure/ is the prefix of a router",
        "gpt-35-turbo is Azure's spelling of gpt-3.5-turbo",
        "Azure does not say which version answered: the day decides",
        "gpt-3.5-turbo stood for gpt-3.5-turbo-0613 on 2023-09-01",
    )


@pytest.mark.parametrize(
    ("name", "how", "fine_tuned"),
    [
        ("gpt-4-0613", "exact", False),
        ("gpt-4", "alias", False),
        ("ft:gpt-3.5-turbo-0613", "exact", True),
        ("ft:gpt-3.5-turbo-0613:acme::id", "exact", True),
        ("ft:gpt-3.5-turbo:acme", "alias", True),
        ("curie:ft-acmeco-2021-03-03-21-44-20", "exact", True),
        ("babbage-002.ft-00ff", "exact", True),
        ("text-embedding-ada-002-v2", "respelled", False),
    ],
)
def test_exact_alias_and_fine_tuned(book: Book, name: str, how: str, fine_tuned: bool) -> None:
    found = resolve(name, DAY, book)
    assert (found.how, found.fine_tuned) == (how, fine_tuned)


@pytest.mark.parametrize("name", ["gpt-3.5-turbo", "gpt-4-turbo", "gpt-35-turbo", "ft:gpt-4o:acme"])
def test_an_alias_without_a_day_is_refused(book: Book, name: str) -> None:
    found = resolve(name, None, book)

    assert found.how == "refused"
    assert found.reason == "its version depends on the date, and the call has none"


def test_an_exact_name_without_a_day_is_known_but_not_priced(book: Book) -> None:
    found = resolve("gpt-4-0613", None, book)
    priced = price(book, "gpt-4-0613", None)

    assert (found.how, found.model) == ("exact", "gpt-4-0613")
    assert (priced.row, priced.reason) == (None, "the call has no date")


def test_another_spelling_needs_no_day(book: Book) -> None:
    found = resolve("text-embedding-ada-002-v2", None, book)
    assert (found.how, found.model) == ("respelled", "text-embedding-ada-002")


def test_the_users_map_comes_first_and_takes_one_step(book: Book) -> None:
    names = {"my-dep": "gpt-35-turbo-0613", "gpt-4": "my-dep"}
    found = resolve("my-dep", DAY, book, names)

    assert (found.name, found.model, found.mapped, found.azure) == (
        "my-dep",
        "gpt-3.5-turbo-0613",
        True,
        True,
    )
    assert found.steps[0] == "my-dep is mapped to gpt-35-turbo-0613 by the configuration"
    assert resolve("gpt-4", DAY, book, names).reason == "not in the price book"
    assert resolve(" my dep", DAY, book, {" my dep": "gpt-4"}).model == "gpt-4"


def test_the_16k_alias_is_not_priced_beyond_its_known_end(book: Book) -> None:
    priced = price(book, "gpt-3.5-turbo-16k", date(2024, 9, 13))
    assert priced.reason == "no version of gpt-3.5-turbo-16k is known from 2024-09-13 on"


@pytest.mark.parametrize(
    ("name", "on", "tier", "reason"),
    [
        ("gpt-4-0613", "2023-06-12", "standard", "no rate for gpt-4-0613 before 2023-06-13"),
        ("gpt-4-0613", "2026-10-23", "standard", "no rate for gpt-4-0613 from 2026-10-23 on"),
        ("gpt-4-0613", "2024-04-14", "batch", "no batch rate for gpt-4-0613 before 2024-04-15"),
        ("gpt-4-0613", "2024-06-01", "flex", "no flex rate for gpt-4-0613"),
        ("ft:gpt-4-0613", "2024-06-01", "standard", "the rate of ft:gpt-4-0613 is unknown"),
    ],
)
def test_a_rate_that_is_not_there_is_named_by_its_edges(
    book: Book, name: str, on: str, tier: str, reason: str
) -> None:
    priced = price(book, name, date.fromisoformat(on), tier)
    assert (priced.row, priced.reason) == (None, reason)


def test_long_prompts(book: Book) -> None:
    day = date(2026, 6, 1)
    edge = price(book, "gpt-5.4", day, prompt_tokens=272_000).row
    over = price(book, "gpt-5.4", day, prompt_tokens=272_001).row

    assert edge is not None and edge.above_input_tokens == 0
    assert over is not None and over.above_input_tokens == 272_000
    assert price(book, "gpt-5.5", day, prompt_tokens=272_000).row is not None
    assert price(book, "gpt-5.5", day, prompt_tokens=272_001).reason == (
        "the rate of gpt-5.5-2026-04-23 above 272000 prompt tokens is unknown"
    )


def test_the_served_model_is_priced_and_the_requested_one_only_without_it(book: Book) -> None:
    served = price_call(book, "gpt-3.5-turbo-0301", "gpt-4", DAY).row
    requested = price_call(book, None, "gpt-4", DAY).row

    assert served is not None and served.model == "gpt-3.5-turbo-0301"
    assert requested is not None and requested.model == "gpt-4"
    assert price_call(book, "mystery", "gpt-4", DAY).reason == "not in the price book"
    assert price_call(book, None, None, DAY).reason == "the call names no model"


def test_a_users_own_row_goes_before_every_reading_of_the_name(tmp_path: Path) -> None:
    whole = "ft:gpt-3.5-turbo-0613:acme::id"
    path = tmp_path / "mine.csv"
    path.write_text(
        "model,kind,effective_from,effective_to,input_per_1k_usd,cached_input_per_1k_usd,"
        "output_per_1k_usd,training_per_1k_usd,context_window,source,confidence,note,alias_of\n"
        f"{whole},fine-tuned,2023-09-01,,0.001,,0.001,,4096,contract,certain,,\n"
        "gpt-3.5-turbo-16k,base,2024-09-13,,0.003,,0.004,,16385,invoice,certain,,\n",
        encoding="utf-8",
    )
    book = open_book([path])

    assert resolve(whole, DAY, book).model == whole
    later = price(book, "gpt-3.5-turbo-16k", date(2024, 9, 13))
    assert later.row is not None and (later.row.book, later.resolution.how) == ("mine", "exact")


def test_a_users_book_may_say_what_an_alias_stood_for(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "model,kind,effective_from,effective_to,input_per_1k_usd,cached_input_per_1k_usd,"
        "output_per_1k_usd,training_per_1k_usd,context_window,source,confidence,note,alias_of\n"
        "gpt-4,base,2023-09-01,2023-10-01,0.03,,0.06,,8192,invoice,certain,,gpt-4-0314\n",
        encoding="utf-8",
    )
    book = open_book([path])

    assert resolve("gpt-4", date(2023, 8, 31), book).snapshot == "gpt-4-0613"
    assert resolve("gpt-4", DAY, book).snapshot == "gpt-4-0314"


def test_only_azure_hides_which_version_answered() -> None:
    """A router's prefix is not Azure's, and a name that says its version hides none."""
    book, day = open_book(), date(2023, 8, 22)
    names = ("openai/gpt-4", "azure/gpt-4", "azure/gpt-4-0613", "openai/gpt-4-0613")
    found = [resolve(name, day, book) for name in names]
    assert [one.azure for one in found] == [False, True, True, False]
    assert [any("Azure does not say" in step for step in one.steps) for one in found] == [
        False,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("name", ["gpt-4-0613", "", "of-nobody"])
def test_a_name_that_needs_no_reading_has_no_marks(book: Book, name: str) -> None:
    found = resolve(name, DAY, book)
    assert not (found.mapped or found.azure or found.fine_tuned or found.router)
