"""Scans of calls that lie in files: each task groups the calls of some buckets, home adds up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from auditor.engines.spark.cluster import Runner
from auditor.engines.spark.looking import bundled
from auditor.engines.spark.rows import Row, packed, unpacked
from auditor.store import Store

RESULTS = {"replay/added_calls": "added", "replay/cells": "cells"}
"""What can be scanned elsewhere, and the table that it makes."""
TASKS_A_SLOT = 2


@dataclass(frozen=True)
class Scan:
    """What a task scans: files, the tables that it needs beside them, and the queries."""

    files: tuple[str, ...]
    tables: Mapping[str, pl.DataFrame]
    views: tuple[str, ...]
    name: str
    values: Mapping[str, Any]


def scanned(task: Scan) -> Iterator[Row]:
    """The rows of the table that the query makes of these calls."""
    with Store.open(None) as store:
        store.run("spread/one_thread")
        for name, frame in task.tables.items():
            store.show(name, frame)
        store.run("spread/shipped_sources")
        store.run("spread/calls", files=list(task.files))
        for view in task.views:
            store.run(view)
        store.run(task.name, **task.values)
        yield 0, "scanned", 0, packed(store.frame(f"spread/sent_{RESULTS[task.name]}"))


def scan(
    cluster: Runner, store: Store, views: Sequence[str], name: str, values: Mapping[str, Any]
) -> bool:
    """Make the table of a query by many tasks; False where there is nothing to share out."""
    spread = store.spread
    if spread is None or name not in RESULTS or not spread.paths("calls"):
        return False
    by_bucket = list(spread.of_buckets().values())
    share = max(len(by_bucket) // (cluster.slots * TASKS_A_SLOT), 1)
    tables = {"shipped_sources": store.frame("spread/known_sources")}
    if "replay/as_moved" in views:
        tables["plan"] = store.frame("spread/plan")
    tasks = [
        Scan(
            tuple(path for files in by_bucket[run.start : run.stop] for path in files),
            tables,
            tuple(views),
            name,
            values,
        )
        for run in bundled([1] * len(by_bucket), share, share)
    ]
    found = [unpacked(data) for *_, data in cluster.run(scanned, tasks, "Scanning")]
    table = RESULTS[name]
    store.show("partial", pl.concat(found))
    store.show("gathered", store.frame(f"spread/add_{table}"))
    store.run(f"spread/put_{table}")
    return True
