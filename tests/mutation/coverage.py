"""A pytest plugin that notes which test runs which query, and for how long."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import auditor.sql
import auditor.store


class Noted:
    """``found`` is {query: {test: seconds}}."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.found: dict[str, dict[str, float]] = {}
        self.running: set[str] = set()
        self.original = auditor.sql.query

    def query(self, name: str) -> str:
        self.running.add(name)
        return self.original(name)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        self.running = set()
        setattr(auditor.store, "query", self.query)  # noqa: B010
        try:
            return (yield)
        finally:
            setattr(auditor.store, "query", self.original)  # noqa: B010

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" and report.passed:
            for name in self.running:
                self.found.setdefault(name, {})[report.nodeid] = round(report.duration, 2)
            self.write()

    def write(self) -> None:
        self.file.write_text(json.dumps(self.found, indent=1, sort_keys=True), "utf-8")
