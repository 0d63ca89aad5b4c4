"""Scans of calls that lie in files: each task groups the calls of some buckets, home adds up.

Tasks run the query of ``pipeline`` itself on their share. What it makes is sent as
``spread/sent_TABLE`` says, and put together by ``spread/gather_TABLE``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import polars as pl

from auditor.engines.spark.bench import bench
from auditor.engines.spark.cluster import Runner
from auditor.engines.spark.looking import bundled
from auditor.engines.spark.rows import (
    Row,
    own,
    packed,
    packed_all,
    parted,
    sharing,
    unpacked,
    unpacked_all,
)
from auditor.store import Store
from auditor.store.spread import CALLS

SCANS: Mapping[str, tuple[str, ...]] = {
    "replay/added_calls": ("added",),
    "replay/cells": ("cells",),
    "replay/kinds": ("kinds",),
    "replay/source_sums": ("source_sums",),
    "finetune/usable": ("usable", "tool_calls"),
    "finetune/answered": ("answered",),
}
"""What can be scanned elsewhere, and the tables that it makes."""
TOGETHER = "finetune/answered"
"""What is put together on the way home: there may be as much of it as there are calls."""
TASKS_A_SLOT = 2
SCANNED = "scanned"


@dataclass(frozen=True)
class Scan:
    """What a task scans: files, the tables that it needs beside them, and the queries."""

    files: tuple[str, ...]
    tables: Mapping[str, pl.DataFrame]
    views: tuple[str, ...]
    name: str
    values: Mapping[str, Any]
    parts: int


def scanned(task: Scan) -> Iterator[Row]:
    """The tables that the query makes of these calls."""
    with bench() as store:
        for name, frame in task.tables.items():
            store.show(name, frame)
        store.run("spread/shipped_sources")
        store.run("spread/calls", files=list(task.files))
        for view in task.views:
            store.run(view)
        store.run(task.name, **task.values)
        if task.name == TOGETHER:
            found = store.frame("spread/sent_answered")
            yield 0, SCANNED, 0, packed(found.clear())  # one there is in any case
            shares = found.with_columns((pl.col("prompt") % task.parts).alias("part"))
            for part, frame in parted(shares, "part", include_key=False):
                yield part, SCANNED, 0, packed(frame)
            return
        tables = SCANS[task.name]
        frames = (store.frame(f"spread/sent_{table}", **task.values) for table in tables)
        yield 0, SCANNED, 0, packed_all(*frames)


def answered_by_several(rows: Iterable[Row]) -> Iterator[Row]:
    """Of the answers to prompts those that are compared: the first of each of several models."""
    with bench() as store:
        for part, group in groupby(rows, key=lambda row: row[0]):
            store.show("partial", pl.concat([unpacked(row[3]) for row in group]))
            store.run("spread/gather_answered")
            store.run("spread/keep_several")
            yield part, SCANNED, 0, packed_all(store.frame("spread/sent_answered"))


def scan(
    cluster: Runner, store: Store, views: Sequence[str], name: str, values: Mapping[str, Any]
) -> bool:
    """Make the tables of a query by many tasks; False where there is nothing to share out."""
    spread = store.spread
    if spread is None or name not in SCANS or not spread.paths(CALLS):
        return False
    by_bucket = list(spread.of_buckets().values())
    share = max(len(by_bucket) // (cluster.slots * TASKS_A_SLOT), 1)
    tables = {"shipped_sources": store.frame("spread/known_sources")}
    if "replay/as_moved" in views:
        tables["plan"] = store.frame("spread/plan")
    runs = list(bundled([1] * len(by_bucket), share, share))
    files_of = partial(_files_of, by_bucket)
    tasks = [own(files=files_of(run)) for run in runs]
    given = {"tables": tables, "views": tuple(views), "name": name, "values": values}
    work = sharing(scanned, Scan, **given, parts=len(runs))
    then = ((answered_by_several, len(runs)),) if name == TOGETHER else ()
    found = [unpacked_all(data) for *_, data in cluster.run(work, tasks, "Scanning", then)]
    for table, frames in zip(SCANS[name], zip(*found, strict=True), strict=True):
        store.show("partial", pl.concat(frames))
        store.run(f"spread/gather_{table}")
    return True


def _files_of(by_bucket: Sequence[Sequence[str]], run: range) -> tuple[str, ...]:
    return tuple(file for n in run for file in by_bucket[n])
