"""What a scenario file may say, what is refused and in which words, and what its moves take."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib.resources import files
from itertools import product
from pathlib import Path

import pytest
from helpers.runs import book

from auditor.errors import AuditError, ScenarioError
from auditor.scenarios import Scenario, choose, load
from auditor.scenarios.moves import Levers, Move, read_share
from auditor.scenarios.plans import plan_of, trainings_of

GOOD = 'name = "own"\nprices_at = 2023-08-22\n'
MODELS = 'models = ["gpt-4-0613"]\n'
MOVE = '[[move]]\nto = "gpt-4-0613"\n'


def read(folder: Path, text: str) -> Scenario:
    (folder / "own.toml").write_text(text, "utf-8")
    return load(folder / "own.toml")


REFUSED = {
    MODELS: "name is missing",
    'name = "own"\n' + MODELS: "prices_at is missing",
    GOOD + MODELS + "zoom = 1\nblur = 2": "blur is no key we know",
    GOOD: "either models or move is needed",
    GOOD + MODELS + MOVE: "either models or move is needed",
    GOOD.replace('"own"', "1") + MODELS: "name must be made of letters, digits and . _ -",
    GOOD.replace("own", "o w n") + MODELS: "name must be made of letters, digits and . _ -",
    GOOD + "models = []": "models must be a list of different model names",
    GOOD + 'models = "gpt-4"': "models must be a list of different model names",
    GOOD + "models = [4]": "models must be a list of different model names",
    GOOD + 'models = ["gpt-4", "gpt-4"]': "models must be a list of different model names",
    'name = "own"\nprices_at = "never"\n' + MODELS: "prices_at must be a date such as 2023-08-22",
    'name = "own"\nprices_at = 2023-08-22T10:00:00\n' + MODELS: "prices_at must be a date such",
    **{
        f"{GOOD}{MODELS}{key} = {value}": f"{key} must be a text"
        for key, value in product(("title", "tier", "group"), (1, '""'))
    },
    GOOD + MODELS + 'notes = "one"': "notes must be a list of texts",
    GOOD + MODELS + "notes = [1]": "notes must be a list of texts",
    GOOD + "move = 1": "move must be tables: [[move]]",
    GOOD + "move = []": "move must be tables: [[move]]",
    GOOD + "move = [1]": "move must be tables: [[move]]",
}
OF_MOVES = {
    "zoom = 1\nblur = 2": "blur is no key we know",
    'keep_prompt = "0.5"\ncut_tokens = 1': "keep_prompt and cut_tokens exclude each other",
    'training_tokens = 1\ntrained_at = "now"': "trained_at must be a date such as 2023-08-22",
    "trained_at = 2023-08-22T10:00:00": "trained_at must be a date such as 2023-08-22",
    "training_tokens = -1": "training_tokens must be a whole number of tokens",
    "training_tokens = 1.0": "training_tokens must be a whole number of tokens",
    "training_tokens = true": "training_tokens must be a whole number of tokens",
    "cut_tokens = 1000000000000001": "cut_tokens must be a whole number of tokens",
    "where = 1": "where must be { workload",
    "where = {}": "where must be { workload",
    'where = { team = "red" }': "where must be { workload",
    'where = { workload = "" }': "where names no workload",
    "where = { workload = [] }": "where names no workload",
    "where = { workload = [1] }": "where names no workload",
    'where = { workload = "w", model = "" }': "where names no model",
    'keep_prompt = "1.1"': "keep_prompt '1.1' is not from 0 to 1",
    'cut_calls = "-0.1"': "cut_calls '-0.1' is not from 0 to 1",
    'output_ratio = "9.1"': "output_ratio '9.1' is not from 0 to 9",
    'output_ratio = "NaN"': "output_ratio 'NaN' is not from 0 to 9",
    'keep_prompt = "Infinity"': "keep_prompt 'Infinity' is not from 0 to 1",
    'keep_prompt = "half"': "keep_prompt 'half' is no number such as 0.25 or 25%",
    'keep_prompt = "0.1234567"': "keep_prompt '0.1234567' has more than 6 decimals",
}
TO = {"": "to must be", "to = 1": "to must be", "to = []": "to must be", 'to = ""': "to must be"}
TO |= {"to = [1]": "to must be", 'to = ["gpt-4", ""]': "to must be"}
REFUSED |= {GOOD + MOVE + text: f"move 1: {problem}" for text, problem in OF_MOVES.items()}
REFUSED |= {f"{GOOD}{MOVE}[[move]]\n{text}": f"move 2: {problem}" for text, problem in TO.items()}
EACH_DAY = GOOD.replace("2023-08-22", '"call"')
REFUSED[EACH_DAY + MOVE + "training_tokens = 1"] = "move 1: trained_at is missing"


@pytest.mark.parametrize("text", REFUSED)
def test_what_a_scenario_cannot_say_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        read(tmp_path, text)
    assert refused.value.problem.startswith(REFUSED[text])
    assert refused.value.file == str(tmp_path / "own.toml")


def test_a_file_that_ships_is_named_by_its_name() -> None:
    class Broken:
        name = "broken.toml"

        def read_bytes(self) -> bytes:
            return b"= no TOML"

    with pytest.raises(ScenarioError) as refused:
        load(Broken())  # type: ignore[arg-type]
    assert refused.value.file == "broken.toml"
    assert (files("auditor.scenarios") / "data").is_dir()


def test_names_are_borne_once(tmp_path: Path) -> None:
    one = read(tmp_path, GOOD + MODELS)
    other = replace(one, name="other")
    twice = (([one, other, one], "own"), ([one, one, other, other], "other"))
    for known, name in twice:
        with pytest.raises(AuditError, match=f"two scenarios are named {name}"):
            choose(known, ())
    assert choose([one, other], ()) == (one, other)


def test_moves_arrive_whole(tmp_path: Path) -> None:
    text = EACH_DAY + MOVE + MOVE.replace('"gpt-4-0613"', '["a", "b"]')
    text += 'where = { workload = "w", model = ["m", "n"] }\nkeep_prompt = "25%"\n'
    text += 'cut_calls = "0"\noutput_ratio = 9\ntraining_tokens = 1000000000000000\n'
    text += "trained_at = 2023-08-22\n"
    plain, full = read(tmp_path, text).moves
    assert plain == Move((), ("gpt-4-0613",))
    levers = Levers(kept=Decimal("0.25"), cut_calls=Decimal(0), output=Decimal(9))
    day = date(2023, 8, 22)
    assert full == Move(("w",), ("a", "b"), levers, 10**15, day, ("m", "n"))
    trained = read(tmp_path, GOOD + MOVE + "training_tokens = 7\ncut_tokens = 3\n").moves
    assert trained == (Move((), ("gpt-4-0613",), Levers(cut_tokens=3), 7, day),)
    untrained = read(tmp_path, GOOD + MOVE + "trained_at = 2023-08-22\n").moves
    assert untrained == (plain,)


@pytest.mark.parametrize(
    ("text", "share"),
    [("0", 0), ("1", 1), ("100%", 1), (" 0.123456 ", "0.123456"), ("12.3456%", "0.123456"), (1, 1)],
)
def test_shares_are_read_exactly(text: str | int, share: str | int) -> None:
    assert read_share(text) == Decimal(share)


# --- what moves take

KINDS = tuple(product(("", "w1", "w2", "w3"), ("", "m1", "m2")))


@pytest.mark.parametrize("seed", range(8))
def test_a_call_goes_with_the_first_move_that_takes_it(seed: int) -> None:
    dice = random.Random(seed)
    moves = tuple(
        Move(
            tuple(dice.sample(("w1", "w2"), dice.choice((0, 1, 2)))),
            (f"target-{n}",),
            Levers(cut_tokens=n, cut_calls=Decimal(dice.choice(("0.5", "1"))), kept=Decimal("0.25"),
                   output=Decimal("1.000001")),
            served=tuple(dice.sample(("m1", "m2"), dice.choice((0, 0, 1)))),
        )
        for n in range(4)
    )  # fmt: skip
    scenario = Scenario("s", "s", (), None, None, "g", (), "", moves)
    for together in (False, True):
        expected = []
        for workload, served in KINDS:
            taken = [
                n
                for n, move in enumerate(moves)
                if (not move.workloads or workload in move.workloads)
                and (not move.served or served in move.served)
            ]
            if taken:
                levers = moves[taken[0]].levers
                expected.append({
                    "workload": workload, "served": served, "shown": "" if together else workload,
                    "move": taken[0], "cut_tokens": levers.cut_tokens,
                    "cut_by_all": levers.cut_calls == 1, "kept_ppm": 250_000,
                    "output_ppm": 1_000_001,
                })  # fmt: skip
        assert plan_of(scenario, KINDS, together=together).to_dicts() == expected


def test_training_is_needed_where_a_move_takes_a_call() -> None:
    day = date(2023, 8, 22)
    tuned = ("ft:gpt-3.5-turbo-0613",)
    moves = (
        Move(("w1",), tuned, training_tokens=5, trained_at=day),
        Move(("nobody",), tuned, training_tokens=6, trained_at=day),
        Move(("w2",), ("gpt-4-0613",)),
    )
    plain = Scenario("p", "p", ("gpt-4",), None, None, "g", (), "")
    scenario = replace(plain, moves=moves)
    found = trainings_of((plain, scenario), book(), {}, KINDS).to_dicts()
    rate = Decimal("0.000008")
    assert found == [{"scenario": 1, "move": 0, "training_tokens": 5, "training_usd": rate}]
    for models, words in ((("a", "b"), "not of a and b"), ((), "not of none")):
        bad = replace(plain, moves=(Move((), models, training_tokens=1, trained_at=day),))
        with pytest.raises(AuditError, match=words):
            trainings_of((bad,), book(), {}, KINDS)
    for name, words in (("gpt-4-0613", "on 2023-08-22$"), ("nobody", "on 2023-08-22: not in")):
        bad = replace(plain, moves=(Move((), (name,), training_tokens=1, trained_at=day),))
        with pytest.raises(AuditError, match=f"no price for training {words}"):
            trainings_of((bad,), book(), {}, KINDS)
