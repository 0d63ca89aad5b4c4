"""`python -m tests.mutation PATTERN…`: mutants of these files, the tests that cover them, a table.

    python -m tests.mutation --measure            which tests run which query, once
    python -m tests.mutation queries/replay/      all mutants of these queries
    python -m tests.mutation auditor/prices/      of these modules
    python -m tests.mutation --again              only those that survived the last time
    --quick                                       by the first tests alone where they run it
    --sample 0.3 --seed 7                         a part of them, always the same

Results are kept in ``.mutation/``; what survives for good is explained in SURVIVORS.md.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import coverage, running, targets
from .mutants import Mutant, of_python, of_sql
from .steps import Step

WORK = running.ROOT / ".mutation"
MAP = WORK / "covered.json"
RESULTS = WORK / "results.jsonl"
Key = tuple[str, int, str, str, int]


def main() -> int:
    asked = _asked()
    WORK.mkdir(exist_ok=True)
    if asked.measure:
        return _measure(asked)
    known = _known()
    mutants = [one for file in targets.files(asked.patterns) for one in _mutants(file)]
    if asked.sample < 1:
        dice = random.Random(asked.seed)
        mutants = [one for one in mutants if dice.random() < asked.sample]
    if asked.again:
        mutants = [one for one in mutants if known.get(_key(one)) == running.SURVIVED]
    elif not asked.anew:
        mutants = [one for one in mutants if _key(one) not in known]
    covered = json.loads(MAP.read_text("utf-8")) if MAP.exists() else {}
    plans = [_plan(one, covered, asked) for one in mutants]
    with tempfile.TemporaryDirectory() as folder:
        files = {test.split("::")[0] for plan in plans for test in plan.tests} | {*targets.FIRST}
        steps = running.prepare(sorted(files), Path(folder)) if any(p.steps for p in plans) else []
        if not steps:
            running.import_tests(sorted(files))
        if not _tried(plans, steps, known, asked):
            return 1
    _tell(known, targets.files(asked.patterns))
    return 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Who judges a mutant: the ``steps`` that run what it ``runs``, and ``tests``."""

    mutant: Mutant
    runs: frozenset[str]
    steps: bool
    tests: list[str]


def _plan(one: Mutant, covered: dict[str, dict[str, float]], asked: argparse.Namespace) -> Plan:
    runs = _runs(one)
    laws = targets.laws_of(one.file, runs, covered)
    tests = targets.tests_of(one.file, runs, covered)
    if asked.tests:
        return Plan(one, runs, steps=False, tests=asked.tests)
    if asked.quick and (laws or one.file.endswith(".py")):
        return Plan(one, runs, steps=False, tests=laws or tests)
    return Plan(one, runs, steps=True, tests=[*laws, *tests])


def _runs(one: Mutant) -> frozenset[str]:
    """The query or the functions in which a mutant is, as ``coverage`` names them."""
    if one.file.endswith(".sql"):
        return frozenset({one.file.removeprefix("queries/").removesuffix(".sql")})
    functions = frozenset(coverage.key(one.file, name) for name in running.changed(one))
    return functions or frozenset({one.file})


def _tried(
    plans: list[Plan], steps: list[Step], known: dict[Key, str], asked: argparse.Namespace
) -> bool:
    """Run every mutant, if the steps pass without one.

    Of the steps those that run the faulty piece: the ones that killed most in its file come first,
    and of the tests the one that killed last.
    """
    whole = Mutant("none", -1, 0, "", "", "")
    everything = [step.number for step in steps]
    if running.run(whole, everything, [], 300, WORK / "log")[0] != running.SURVIVED:
        say("the steps fail without a fault; see .mutation/log")
        return False
    kills: Counter[tuple[str, int]] = Counter()
    latest: dict[str, str] = {}
    for number, plan in enumerate(plans, 1):
        one, tests = plan.mutant, plan.tests
        own = [step for step in steps if plan.steps and step.runs & plan.runs]
        own.sort(key=lambda step: (-kills[one.file, step.number], step.seconds))
        if asked.quick and own:
            own, tests = targets.quickest(own), []
        if tests and (lead := latest.get(one.file)):
            tests = [lead, *(test for test in tests if test != lead)]
        start = time.monotonic()
        order = [step.number for step in own]
        outcome, killer = running.run(one, order, tests, asked.seconds, WORK / "log")
        if isinstance(killer, int):
            kills[one.file, killer] += 1
        elif killer:
            latest[one.file] = killer
        known[_key(one)] = outcome
        with RESULTS.open("a", encoding="utf-8") as results:
            results.write(json.dumps([*_key(one), outcome]) + "\n")
        took = f"{time.monotonic() - start:.1f} s"
        change = f"{one.was!r} -> {one.now!r}"
        say(f"{number}/{len(plans)} {outcome:8} {took:>7} {one.file}:{one.line} {change}")
    return True


def _key(mutant: Mutant) -> Key:
    return mutant.file, mutant.line, mutant.was, mutant.now, mutant.number


def _known() -> dict[Key, str]:
    if not RESULTS.exists():
        return {}
    rows = (json.loads(line) for line in RESULTS.read_text("utf-8").splitlines())
    return {tuple(row[:5]): row[5] for row in rows}


def _text(file: str) -> str:
    return (running.ROOT / file).read_text("utf-8")


@cache
def _mutants(file: str) -> list[Mutant]:
    make = of_sql if file.endswith(".sql") else of_python
    return make(file, _text(file))


def _measure(asked: argparse.Namespace) -> int:
    import pytest

    return int(
        pytest.main(["-n0", "-q", *(asked.tests or targets.JUDGES)], plugins=[coverage.Noted(MAP)])
    )


def _tell(known: dict[Key, str], files: list[str]) -> None:
    """The table: a row for each file, and which mutants survived."""
    total: Counter[str] = Counter()
    say("file | mutants | killed | survived")
    for file in files:
        own = {_key(one): known.get(_key(one)) for one in _mutants(file)}
        counts = Counter(outcome for outcome in own.values() if outcome)
        killed = counts[running.KILLED] + counts[running.TIMEOUT]
        survived = counts[running.SURVIVED]
        total += Counter(killed=killed, survived=survived)
        say(f"{file} | {killed + survived} | {killed} | {survived}")
    say(f"all | {total.total()} | {total['killed']} | {total['survived']}")
    for key, outcome in sorted(known.items()):
        if outcome == running.SURVIVED and key[0] in files:
            say(f"survived {key[0]}:{key[1]} {key[2]!r} -> {key[3]!r}")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("patterns", nargs="*", help="files, or what their paths begin with")
    parser.add_argument("--measure", action="store_true", help="which tests run which query")
    parser.add_argument("--again", action="store_true", help="those that survived the last time")
    parser.add_argument("--anew", action="store_true", help="those too that were run before")
    parser.add_argument(
        "--quick", action="store_true", help="few seconds of steps, and no tests where one runs it"
    )
    parser.add_argument("--tests", nargs="+", help="these in place of those that cover a file")
    parser.add_argument("--sample", type=float, default=1, help="a share of the mutants")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=120, help="the most that one may take")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
