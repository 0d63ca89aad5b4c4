"""`python -m tests.mutation PATTERN…`: mutants of these files, the tests that cover them, a table.

    python -m tests.mutation --measure            which tests run which query, once
    python -m tests.mutation queries/replay/      all mutants of these queries
    python -m tests.mutation auditor/prices/      of these modules
    python -m tests.mutation --again              only those that survived the last time
    --quick                                       with test_money_path.py alone: then --again
    --sample 0.3 --seed 7                         a part of them, always the same

Results are kept in ``.mutation/``; what survives for good is explained in SURVIVORS.md.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from . import running, targets
from .mutants import Mutant, of_python, of_sql

WORK = running.ROOT / ".mutation"
MAP = WORK / "covered.json"
RESULTS = WORK / "results.jsonl"
Key = tuple[str, int, str, str, int]


def main() -> int:
    asked = _asked()
    WORK.mkdir(exist_ok=True)
    if asked.measure:
        return _measure()
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
    plans = {
        file: [] if asked.quick else targets.tests_of(file, covered)
        for file in {one.file for one in mutants}
    }
    with tempfile.TemporaryDirectory() as folder:
        files = {test.split("::")[0] for plan in plans.values() for test in plan}
        files.add(targets.FIRST)
        running.prepare(sorted(files), Path(folder))
        if not _tried(plans, mutants, known, asked.seconds):
            return 1
    _tell(known, targets.files(asked.patterns))
    return 0


def _tried(
    plans: dict[str, list[str]], mutants: list[Mutant], known: dict[Key, str], seconds: float
) -> bool:
    """Run every mutant, if the tests that are tried first pass without one."""
    whole = Mutant("none", -1, 0, "", "", "")
    if running.run(whole, [targets.FIRST], 300, WORK / "log") != running.SURVIVED:
        say(f"{targets.FIRST} fails without a fault; see .mutation/log")
        return False
    for number, one in enumerate(mutants, 1):
        outcome = running.run(one, plans[one.file], seconds, WORK / "log")
        known[_key(one)] = outcome
        with RESULTS.open("a", encoding="utf-8") as results:
            results.write(json.dumps([*_key(one), outcome]) + "\n")
        say(f"{number}/{len(mutants)} {outcome:8} {one.file}:{one.line} {one.was!r} -> {one.now!r}")
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


def _mutants(file: str) -> list[Mutant]:
    make = of_sql if file.endswith(".sql") else of_python
    return make(file, _text(file))


def _measure() -> int:
    import pytest

    from .coverage import Noted

    return int(pytest.main(["-n0", "-q", *targets.MEASURED], plugins=[Noted(MAP)]))


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
    parser.add_argument("--quick", action="store_true", help="test_money_path.py and nothing else")
    parser.add_argument("--sample", type=float, default=1, help="a share of the mutants")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=120, help="the most that one may take")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
