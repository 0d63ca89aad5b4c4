"""One mutant, one process: forked, with the fault in place of the file, and its tests.

What comes of it: ``killed`` (a test failed), ``survived``, ``invalid`` (DuckDB refuses the query,
no fault that anybody could make and keep), ``outside`` (in no function,
default or constant of a module: not tried), ``timeout`` (counts as killed).
"""

from __future__ import annotations

import contextlib
import inspect
import os
import pickle
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from .mutants import Mutant
from .steps import Step, first_that_fails, measure

ROOT = Path(__file__).resolve().parents[2]
KILLED, SURVIVED, INVALID, TIMEOUT = "killed", "survived", "invalid", "timeout"
OUTSIDE = "outside"
CODES = {0: SURVIVED, 1: KILLED, 3: INVALID, 4: OUTSIDE}
STEPS = 100
"""The code of a process that the first step has killed."""
KILLER = "killer"
"""The file in which the test stands that killed the last mutant."""
CONSTANTS = (int, str, bytes, tuple, frozenset, dict, Decimal, Fraction, date)
OPTIONS = (
    "-n0", "-x", "-q", "--no-header", "-p", "no:cacheprovider", "-m", "slow or not slow",
    "-W", "ignore::pytest.PytestAssertRewriteWarning",
)  # fmt: skip


def run(
    mutant: Mutant, order: Sequence[int], tests: Sequence[str], seconds: float, log: Path
) -> tuple[str, int | str | None]:
    """Run steps, then tests against a mutant: what came of it, and which step or test killed it.

    What they wrote is in ``log``.
    """
    log.with_name(KILLER).unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        os.setsid()
        with log.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        code = 1
        try:
            code = _tested(mutant, order, tests, log.with_name(KILLER))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            if code >= STEPS:
                return KILLED, code - STEPS
            killer = log.with_name(KILLER)
            return CODES.get(code, KILLED), killer.read_text() if killer.exists() else None
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return TIMEOUT, None


class _Killer:
    """A pytest plugin that writes down which test fails."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.file.write_text(report.nodeid)


def _tested(mutant: Mutant, order: Sequence[int], tests: Sequence[str], killer: Path) -> int:
    import pytest
    from hypothesis import Phase, settings

    settings.register_profile("mutation", phases=(Phase.explicit, Phase.generate))
    settings.load_profile("mutation")
    with contextlib.ExitStack() as stack:
        if mutant.file.endswith(".sql"):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            _replace_query(mutant, Path(folder) / "queries")
        elif mutant.text and not _swap(mutant):
            return 4
        step = first_that_fails(order)
        if step is not None:
            return STEPS + step
        return int(pytest.main([*OPTIONS, *tests], plugins=[_Killer(killer)])) if tests else 0


def _replace_query(mutant: Mutant, folder: Path) -> None:
    """Let ``auditor.sql`` read a folder in which this one query is another."""
    import duckdb

    import auditor.sql
    from auditor.store import Store

    shutil.copytree(ROOT / "queries", folder)
    name = mutant.file.removeprefix("queries/").removesuffix(".sql")
    (folder / f"{name}.sql").write_text(mutant.text, "utf-8")
    auditor.sql.folder = lambda: folder
    auditor.sql.query.cache_clear()
    auditor.sql.head.cache_clear()
    refused = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)

    def watched(method: Any) -> Any:
        def call(self: Store, asked: str, /, *args: Any, **values: Any) -> Any:
            try:
                return method(self, asked, *args, **values)
            except refused:
                if asked == name or name == "schema/macros":
                    os._exit(3)
                raise

        return call

    for word in ("run", "rows", "frame", "types"):
        setattr(Store, word, watched(getattr(Store, word)))


def _swap(mutant: Mutant) -> bool:
    """Give the functions of the imported module the code that they have in the mutant.

    False where the fault is in something else than functions, their defaults and constants.
    """
    name = ".".join(Path(mutant.file).with_suffix("").parts).removesuffix(".__init__")
    module = sys.modules[name]
    found = {key: _function(module, key) for key in changed(mutant)}
    if not found or None in found.values():
        return _replace_constants(mutant, module)
    for key, code in changed(mutant).items():
        found[key].__code__ = code
    return True


def _replace_constants(mutant: Mutant, module: ModuleType) -> bool:
    """Run the mutant as a module, and take over its constants and defaults, wherever they went."""
    fresh = ModuleType(module.__name__)
    fresh.__file__ = module.__file__
    exec(compile(mutant.text, mutant.file, "exec"), vars(fresh))
    done = False
    for name, new in vars(fresh).items():
        old = vars(module).get(name)
        if isinstance(new, type) and isinstance(old, type):
            for inner, method in vars(new).items():
                done |= _took_defaults(vars(old).get(inner), method)
        elif isinstance(new, FunctionType):
            done |= _took_defaults(old, new)
        elif not name.startswith("__") and isinstance(new, CONSTANTS) and new != old:
            for other in list(sys.modules.values()):
                if vars(other).get(name) is old:
                    setattr(other, name, new)
            done = True
    return done


def _took_defaults(old: Any, new: Any) -> bool:
    if not isinstance(old, FunctionType) or not isinstance(new, FunctionType):
        return False
    pairs = ((old.__defaults__, new.__defaults__), (old.__kwdefaults__, new.__kwdefaults__))
    if all(_same(a, b) for a, b in pairs):
        return False
    old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__
    return True


def _same(a: Any, b: Any) -> bool:
    return repr(a) == repr(b)


def changed(mutant: Mutant) -> dict[str, CodeType]:
    """The functions of a module that are others in the mutant, by their qualified names."""
    before = _codes(compile((ROOT / mutant.file).read_text("utf-8"), mutant.file, "exec"))
    after = _codes(compile(mutant.text, mutant.file, "exec"))
    return {key: code for key, code in after.items() if code != before.get(key)}


def _codes(code: CodeType) -> dict[str, CodeType]:
    """The code of functions by their qualified names; of those within others that of the outer."""
    found: dict[str, CodeType] = {}
    for one in code.co_consts:
        if isinstance(one, CodeType):
            is_class = "__qualname__" in one.co_names and not one.co_flags & inspect.CO_NEWLOCALS
            found |= _codes(one) if is_class else {one.co_qualname: one}
    return found


def _function(module: ModuleType, name: str) -> Any:
    found: Any = module
    for part in name.split("."):
        found = vars(found).get(part)
        if found is None:
            return None
    for word in ("__wrapped__", "__func__", "fget", "func"):
        found = getattr(found, word, found)
    return found if hasattr(found, "__code__") else None


def import_tests(tests: Sequence[str]) -> None:
    """Once, so that every mutant finds them and what they need in memory."""
    import pytest

    with contextlib.redirect_stdout(open(os.devnull, "w")):  # noqa: PTH123
        pytest.main(["-n0", "-q", "--collect-only", "-p", "no:cacheprovider", *tests])


def prepare(tests: Sequence[str], folder: Path) -> list[Step]:
    """Once: import the tests, make the stores of the money path, and see what each step runs."""
    import_tests(tests)
    import book_oracle
    from helpers import money
    from helpers.runs import book

    child = os.fork()  # a child, so that no thread of an engine lives when mutants are forked
    if child == 0:
        try:
            measure(folder)
            calls = []
            for name in (money.CALLS, money.SUMS):
                with money.opened(folder / name) as (_, found):
                    calls += found
            (folder / "calls").write_bytes(pickle.dumps(calls))
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    money.MADE.append(folder)
    for call in pickle.loads((folder / "calls").read_bytes()):  # what the oracle looks up is kept
        book_oracle.actual(call)
        for name in book_oracle.scenarios():
            book_oracle.under(call, name)
    book()
    steps: list[Step] = pickle.loads((folder / "steps").read_bytes())
    return steps
