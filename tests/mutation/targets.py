"""What is mutated, and which tests judge it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from .steps import Step

ROOT = Path(__file__).resolve().parents[2]
FIRST = (
    "tests/test_money_path.py",
    "tests/test_money_charges.py",
    "tests/test_money_moves.py",
)
"""Made for this: small, exact, and tried on mutants before all others, without pytest."""
MEASURED = (
    "tests/test_every_call.py",
    "tests/test_replay_plain.py",
    "tests/test_oracle.py",
    "tests/test_oracle_tiers.py",
    "tests/test_day_cells.py",
    "tests/test_laws_sums.py",
    "tests/test_laws_edges.py",
    "tests/test_report_laws.py",
    "tests/test_scenarios.py",
    "tests/test_closing.py",
    "tests/test_diff.py",
    "tests/test_buckets.py",
    "tests/test_price_check.py",
    "tests/test_focus.py",
    "tests/test_reconcile.py",
    "tests/test_budgets.py",
)
"""The files whose tests are timed, and tried on what they run; those of rooms come to them."""
MOST_SECONDS = 2.5
"""What the tests of one query may take together: the quickest come first, the rest is left out."""
QUICK_SECONDS = 5.0
"""What the steps of one mutant may take where only the first look is asked for."""

PRICES = (
    "tests/test_prices_span.py",
    "tests/test_prices_book.py",
    "tests/test_prices_names.py",
    "tests/test_prices_loader.py",
    "tests/test_august_2023_exam.py",
    "tests/test_prices_fallback.py",
    "tests/test_prices_data.py",
    "tests/test_prices_agreement.py",
    "tests/test_prices_import.py",
    "tests/test_prices_package.py",
    "tests/test_prices_table.py",
)
SCENARIOS = (
    "tests/test_scenario_files.py",
    "tests/test_scenario_card.py",
    "tests/test_scenarios.py",
    "tests/test_oracle_tiers.py",
    "tests/test_oracle.py",
    "tests/test_closing.py",
)
WORKLOAD = (
    "tests/test_workload_hashing.py",
    "tests/test_workload_heads.py",
    "tests/test_workload_prefix.py",
    "tests/test_workload_identity.py",
    "tests/test_finetune_oracle.py",
    "tests/test_finetune_promises.py",
    "tests/test_finetune_laws.py",
)
MACROS = "queries/schema/macros.sql"
OF_MACROS = ("tests/test_money_macros.py", "tests/test_money_readings.py")
LAWS = (
    "tests/test_money_cells.py",
    "tests/test_money_rates.py",
    "tests/test_money_sums.py",
    "tests/test_money_ledger.py",
    "tests/test_money_spans.py",
    "tests/test_money_logged.py",
)
"""Each query alone on drawn rows: of a query that one of them runs they are asked first."""
BY_ROOM = {
    "auditor/prices/": PRICES,
    "auditor/scenarios/": SCENARIOS,
    "auditor/workload/": WORKLOAD,
}
JUDGES = tuple(dict.fromkeys((*LAWS, *MEASURED, *PRICES, *SCENARIOS, *WORKLOAD)))


def files(patterns: Iterable[str]) -> list[str]:
    """The files of the money path whose paths begin with one of these; all where none is given."""
    known = [
        *(ROOT / "queries" / "replay").glob("*.sql"),
        ROOT / MACROS,
        *(path for room in BY_ROOM for path in (ROOT / room).glob("*.py")),
    ]
    wanted = tuple(patterns) or ("",)
    names = sorted(path.relative_to(ROOT).as_posix() for path in known)
    return [name for name in names if name.startswith(wanted)]


def tests_of(
    file: str, runs: Iterable[str], covered: Mapping[str, Mapping[str, float]]
) -> list[str]:
    """The tests that judge a mutant of that file: those that run the query or one of the functions.

    The quickest come first. Of what is in no function those that run anything of the file; where
    nothing is known, all tests of its room.
    """
    found: dict[str, float] = {}
    names = list(runs)
    if names == [file]:
        names = [name for name in covered if name.startswith(f"{file}:")]
    for name in names:
        found.update(covered.get(name, {}))
    if not found:
        of_room = (tests for room, tests in BY_ROOM.items() if file.startswith(room))
        return [test for tests in of_room for test in tests]
    chosen: list[str] = []
    spent = 0.0
    for test, seconds in sorted(found.items(), key=lambda pair: pair[1]):
        if test.startswith(FIRST):
            continue
        spent += seconds
        if spent > MOST_SECONDS:
            break
        chosen.append(test)
    return chosen


def laws_of(
    file: str, runs: Iterable[str], covered: Mapping[str, Mapping[str, float]]
) -> list[str]:
    """Tests that are about that query alone."""
    if file == MACROS:
        return list(OF_MACROS)
    found = {test: seconds for name in runs for test, seconds in covered.get(name, {}).items()}
    return sorted((test for test in found if test.startswith(LAWS)), key=lambda test: found[test])


def quickest(steps: Iterable[Step]) -> list[Step]:
    """The first of these that take some seconds together, but one at least."""
    chosen: list[Step] = []
    for step in steps:
        if chosen and sum(one.seconds for one in chosen) + step.seconds > QUICK_SECONDS:
            break
        chosen.append(step)
    return chosen
