"""The tests of the money path without pytest, and what each of them runs."""

from __future__ import annotations

import pickle
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """``runs`` are queries and functions, as in ``coverage``."""

    number: int
    seconds: float
    runs: frozenset[str]


def checks(money: Any, made: Path) -> list[Callable[[], None]]:
    """Calls of the tests of test_money_path, on stores that are there."""

    def gathered(check: Callable[[Any], None]) -> Callable[[], None]:
        return lambda: check(money.gathered_from(made))

    def moves() -> None:
        with tempfile.TemporaryDirectory() as folder:
            money.test_moves_cut_keep_and_train_as_the_oracle_does(made, Path(folder))

    each = money.test_each_call_whichever_way_it_is_grouped
    nameless = money.test_calls_without_a_name_are_of_the_assumed_model
    return [
        lambda: each(made, ()),
        lambda: each(made, ("source",)),
        lambda: money.check_dimensions(made, range(6)),
        lambda: money.check_dimensions(made, range(6), month="source_sha256"),
        lambda: nameless(made, ()),
        lambda: nameless(made, ("source",)),
        lambda: money.test_days_and_periods(made, "UTC"),
        lambda: money.test_days_and_periods(made, "Asia/Kathmandu"),
        lambda: money.test_the_totals_and_where_every_line_went(made),
        gathered(money.test_charges_name_the_rates_and_the_cost),
        gathered(money.test_meters_add_up_to_the_cost_of_each_call),
        gathered(money.test_overflows_outcomes_and_steps),
        moves,
        lambda: money.test_explain_multiplies_what_the_oracle_multiplies(made, "terra"),
        lambda: money.test_sums_are_priced_by_their_average_request(made),
    ]


def measure(folder: Path) -> None:
    """Make the stores, run every check once, and leave what it ran in the folder."""
    from .coverage import noted

    money = sys.modules["test_money_path"]
    money.build(folder)
    found = []
    for number, check in enumerate(checks(money, folder)):
        runs: set[str] = set()
        start = time.process_time()
        with noted(runs):
            check()
        found.append(Step(number, time.process_time() - start, frozenset(runs)))
    (folder / "steps").write_bytes(pickle.dumps(found))


def first_that_fails(order: Sequence[int]) -> int | None:
    """Run these checks; the number of the one that sees the fault."""
    money = sys.modules["test_money_path"]
    found = checks(money, money.MADE[0])
    for number in order:
        try:
            found[number]()
        except Exception:
            traceback.print_exc()
            return number
    return None
