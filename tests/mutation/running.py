"""One mutant, one process: forked, with the fault in place of the file, and its tests.

What comes of it: ``killed`` (a test failed), ``survived``, ``invalid`` (DuckDB refuses the query,
or the module cannot be imported: no fault that anybody could make and keep), ``timeout`` (counts as
killed).
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

from .mutants import Mutant

ROOT = Path(__file__).resolve().parents[2]
KILLED, SURVIVED, INVALID, TIMEOUT = "killed", "survived", "invalid", "timeout"
CODES = {0: SURVIVED, 1: KILLED, 3: INVALID}
OPTIONS = ("-n0", "-x", "-q", "--no-header", "-p", "no:cacheprovider", "-m", "slow or not slow")


def run(mutant: Mutant, tests: Sequence[str], seconds: float, log: Path) -> str:
    """Run the tests against a mutant; what they wrote is in ``log``."""
    child = os.fork()
    if child == 0:
        os.setsid()
        with log.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        code = 1
        try:
            code = _tested(mutant, tests)
        finally:
            sys.stdout.flush()
            os._exit(code)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return CODES.get(code, KILLED)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return TIMEOUT


def _tested(mutant: Mutant, tests: Sequence[str]) -> int:
    import pytest
    from hypothesis import Phase, settings

    settings.register_profile("mutation", phases=(Phase.explicit, Phase.generate))
    settings.load_profile("mutation")
    with contextlib.ExitStack() as stack:
        if mutant.file.endswith(".sql"):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            _replace_query(mutant, Path(folder) / "queries")
        elif mutant.file.endswith(".py"):
            sys.meta_path.insert(0, _Mutated(mutant))
        return int(pytest.main([*OPTIONS, *tests]))


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


class _Mutated(importlib.abc.MetaPathFinder):
    """Finds one module in its mutant; all others as ever."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.path = str(ROOT / mutant.file)
        parts = Path(mutant.file).with_suffix("").parts
        self.name = ".".join(parts).removesuffix(".__init__")

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname != self.name:
            return None
        loader = _FromText(fullname, self.path)
        loader.text = self.mutant.text
        is_package = self.path.endswith("__init__.py")
        places = [str(Path(self.path).parent)] if is_package else None
        return importlib.util.spec_from_file_location(
            fullname, self.path, loader=loader, submodule_search_locations=places
        )


class _FromText(SourceFileLoader):
    """Loads a module from a text in place of its file."""

    text = ""

    def get_data(self, path: Any) -> bytes:
        return self.text.encode()

    def path_stats(self, path: Any) -> Any:
        raise OSError  # no compiled file of it is read or written


def prepare(tests: Sequence[str]) -> None:
    """Import what every mutant needs, once; for queries all tests too."""
    import duckdb  # noqa: F401
    import hypothesis  # noqa: F401
    import polars  # noqa: F401
    import pytest

    if tests:
        with contextlib.redirect_stdout(open(os.devnull, "w")):  # noqa: PTH123
            pytest.main(["-n0", "-q", "--collect-only", "-p", "no:cacheprovider", *tests])
