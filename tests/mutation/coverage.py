"""Which queries and functions of the money path are run, and a pytest plugin that notes it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import auditor.sql
import auditor.store

from .targets import BY_ROOM

ROOT = Path(__file__).resolve().parents[2]


def key(file: str, qualified: str) -> str:
    """A function of a module; one that is defined within another counts as the outer one."""
    return f"{file}:{qualified.split('.<locals>')[0]}"


@contextmanager
def noted(found: set[str]) -> Iterator[None]:
    """Add the names of queries and the keys of functions that are run meanwhile."""
    original = auditor.sql.query
    files: dict[str, str] = {}

    def query(name: str) -> str:
        found.add(name)
        return original(name)

    def called(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            name = frame.f_code.co_filename
            file = files.get(name)
            if file is None:
                path = Path(name)
                own = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else ""
                file = files[name] = own if own.startswith(tuple(BY_ROOM)) else ""
            if file:
                found.add(key(file, frame.f_code.co_qualname))

    setattr(auditor.store, "query", query)  # noqa: B010
    sys.setprofile(called)
    try:
        yield
    finally:
        sys.setprofile(None)
        setattr(auditor.store, "query", original)  # noqa: B010


class Noted:
    """``found`` is {query or function: {test: seconds}}.

    What a fixture runs is of each test of its file that comes after: it may be one of all of them.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.found: dict[str, dict[str, float]] = {}
        self.running: set[str] = set()
        self.of_file: dict[str, set[str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        with noted(self.of_file.setdefault(item.nodeid.split("::")[0], set())):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        self.running = set()
        with noted(self.running):
            return (yield)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" and report.passed:
            for name in self.running | self.of_file[report.nodeid.split("::")[0]]:
                self.found.setdefault(name, {})[report.nodeid] = round(report.duration, 2)

    def pytest_sessionfinish(self) -> None:
        known = json.loads(self.file.read_text("utf-8")) if self.file.exists() else {}
        for name, tests in self.found.items():
            known[name] = known.get(name, {}) | tests
        self.file.write_text(json.dumps(known, indent=1, sort_keys=True), "utf-8")
