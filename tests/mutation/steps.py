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


def checks(made: Path) -> list[Callable[[], None]]:
    """Calls of the tests in ``targets.FIRST``, on stores that are there.

    They are imported by then (``running.prepare``).
    """
    path: Any = sys.modules["test_money_path"]
    charges: Any = sys.modules["test_money_charges"]
    moved: Any = sys.modules["test_money_moves"]

    def gathered(check: Callable[[Any], None]) -> Callable[[], None]:
        return lambda: check(charges.gathered_from(made))

    def moves() -> None:
        with tempfile.TemporaryDirectory() as folder:
            moved.test_moves_cut_keep_and_train_as_the_oracle_does(made, Path(folder))

    each = path.test_each_call_whichever_way_it_is_grouped
    nameless = path.test_calls_without_a_name_are_of_the_assumed_model
    return [
        lambda: each(made, ()),
        lambda: each(made, ("source",)),
        lambda: path.check_dimensions(made, range(6)),
        lambda: path.check_dimensions(made, range(6), month="source_sha256"),
        lambda: nameless(made, ()),
        lambda: nameless(made, ("source",)),
        lambda: path.test_days_and_periods(made, "UTC"),
        lambda: path.test_days_and_periods(made, "Asia/Kathmandu"),
        lambda: path.test_the_totals_and_where_every_line_went(made),
        gathered(charges.test_charges_name_the_rates_and_the_cost),
        gathered(charges.test_meters_add_up_to_the_cost_of_each_call),
        gathered(charges.test_overflows_outcomes_and_steps),
        moves,
        lambda: charges.test_explain_multiplies_what_the_oracle_multiplies(made, "terra"),
        lambda: path.test_sums_are_priced_by_their_average_request(made),
    ]


def measure(folder: Path) -> None:
    """Make the stores, run every check once, and leave what it ran in the folder."""
    from helpers import money

    from .coverage import noted

    money.build(folder)
    found = []
    for number, check in enumerate(checks(folder)):
        runs: set[str] = set()
        start = time.process_time()
        with noted(runs):
            check()
        found.append(Step(number, time.process_time() - start, frozenset(runs)))
    (folder / "steps").write_bytes(pickle.dumps(found))


def first_that_fails(order: Sequence[int]) -> int | None:
    """Run these checks; the number of the one that sees the fault."""
    if not order:
        return None
    from helpers import money

    found = checks(money.MADE[0])
    for number in order:
        try:
            found[number]()
        except Exception:
            traceback.print_exc()
            return number
    return None
