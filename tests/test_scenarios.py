"""Scenario files: what ships, what users may write, and which ones a run takes."""

from __future__ import annotations

from datetime import date

import pytest
from golden_files import FIXTURES

from auditor.errors import AuditError
from auditor.scenarios import Scenario, built_in, choose, load

OWN = FIXTURES / "scenarios"
AUGUST = [
    "babbage-002",
    "davinci-002",
    "ft-babbage-002",
    "ft-davinci-002",
    "ft-gpt-3.5-turbo",
    "gpt-3.5-turbo",
    "gpt-3.5-turbo-16k",
    "gpt-3.5-turbo-4k",
    "gpt-4",
    "gpt-4-32k",
    "gpt-4-8k",
]


def names(scenarios: tuple[Scenario, ...]) -> list[str]:
    return [scenario.name for scenario in scenarios]


def test_the_eleven_of_august_2023_are_taken_unless_others_are_asked_for() -> None:
    chosen = choose(built_in(), ())
    assert names(chosen) == AUGUST
    assert {scenario.prices_at for scenario in chosen} == {date(2023, 8, 22)}


def test_today_is_off_unless_asked_and_keeps_each_calls_date() -> None:
    chosen = choose(built_in(), ["today"])
    assert chosen
    assert {scenario.prices_at for scenario in chosen} == {None}


def test_what_assumes_a_window_says_so() -> None:
    (tuned,) = choose(built_in(), ["ft-gpt-3.5-turbo"])
    assert any("assumed" in note for note in tuned.notes)


def test_every_key_of_a_scenario_arrives() -> None:
    own = load(OWN / "everything.toml")
    assert own.name == "own.ladder-1"
    assert own.title == "A ladder of our own"
    assert own.models == ("gpt-4-0613", "gpt-4-32k-0613")
    assert own.prices_at == date(2023, 8, 22)
    assert (own.tier, own.group, own.notes) == ("batch", "house", ("first", "second"))


def test_what_a_scenario_leaves_out_has_a_default() -> None:
    own = load(OWN / "least.toml")
    assert (own.title, own.prices_at, own.tier) == ("least", None, "standard")
    assert (own.group, own.notes) == ("user", ())


def test_a_scenario_of_ones_own_joins_the_default_ones() -> None:
    known = (*built_in(), load(OWN / "least.toml"), load(OWN / "everything.toml"))
    assert names(choose(known, ())) == [*AUGUST, "least", "own.ladder-1"]
    assert names(choose(known, ["house", "gpt-4"])) == ["gpt-4", "own.ladder-1"]


@pytest.mark.parametrize("wanted", ["gpt", "gpt-4*", "GPT-4", ""])
def test_a_name_must_be_exact(wanted: str) -> None:
    with pytest.raises(AuditError, match="there is no scenario or group named"):
        choose(built_in(), [wanted])
