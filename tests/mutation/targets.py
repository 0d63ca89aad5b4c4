"""What is mutated, and which tests judge it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .running import ROOT

FIRST = "tests/test_money_path.py"
"""Made for this: small, exact, and tried on every mutant before all others, without pytest."""
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
)
"""The files whose tests are timed, and tried on a query that they run."""
MOST_SECONDS = 6.0
"""What the tests of one query may take together: the quickest come first, the rest is left out."""

PRICES = (
    "tests/test_prices_span.py",
    "tests/test_prices_book.py",
    "tests/test_prices_names.py",
    "tests/test_prices_loader.py",
    "tests/test_august_2023_exam.py",
    "tests/test_prices_fallback.py",
    "tests/test_prices_data.py",
)
SCENARIOS = (
    "tests/test_scenarios.py",
    "tests/test_oracle_tiers.py",
    "tests/test_oracle.py",
    "tests/test_closing.py",
)
WORKLOAD = (
    "tests/test_workload_identity.py",
    "tests/test_finetune_oracle.py",
    "tests/test_finetune_promises.py",
    "tests/test_finetune_laws.py",
)
BY_ROOM = {
    "auditor/prices/": PRICES,
    "auditor/scenarios/": SCENARIOS,
    "auditor/workload/": WORKLOAD,
}


def files(patterns: Iterable[str]) -> list[str]:
    """The files of the money path whose paths begin with one of these; all where none is given."""
    known = [
        *(ROOT / "queries" / "replay").glob("*.sql"),
        ROOT / "queries" / "schema" / "macros.sql",
        *(path for room in BY_ROOM for path in (ROOT / room).glob("*.py")),
    ]
    wanted = tuple(patterns) or ("",)
    names = sorted(path.relative_to(ROOT).as_posix() for path in known)
    return [name for name in names if name.startswith(wanted)]


def tests_of(file: str, covered: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The tests that judge a mutant of that file, the quickest first."""
    for room, tests in BY_ROOM.items():
        if file.startswith(room):
            return list(tests)
    name = file.removeprefix("queries/").removesuffix(".sql")
    chosen: list[str] = []
    spent = 0.0
    for test, seconds in sorted(covered.get(name, {}).items(), key=lambda pair: pair[1]):
        spent += seconds
        if test.startswith(FIRST):
            continue
        if spent > MOST_SECONDS:
            break
        chosen.append(test)
    return chosen
