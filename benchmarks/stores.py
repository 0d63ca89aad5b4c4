"""Stores of made-up calls, laid down by SQL in the store's own tables: ten million in seconds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import duckdb

from auditor import finding
from auditor.formats import Format, known_formats
from auditor.pipeline import Digests, Ingested, cores, ingest
from auditor.pipeline.counting import Gauge
from auditor.pipeline.days import add_up_new
from auditor.prices import open_book
from auditor.store import Store

CALLS_A_SOURCE = 100_000
DAYS = 31
QUERY = Path(__file__).with_name("made_calls.sql")
SOURCE = """
    INSERT INTO sources
    VALUES ($id, $sha256, $name, 'captures', $bytes, $calls, $calls, 0, 0)
"""


class Opened:
    """A store that stays open until the process ends: to open it is no part of the work."""

    def __init__(self, path: str) -> None:
        self._opened = Store.open(Path(path), to_read=True)
        self.store = self._opened.__enter__()


def ingested(path: Path, logs: Path, *, formats: Iterable[Format] = ()) -> Ingested:
    """``audit ingest`` of logs into a store at ``path``, begun in this process."""
    book = open_book()
    known = (*known_formats(), *formats)
    with Store.open(path) as store:
        digests = Digests(store)
        found = finding.find([str(logs)], index=digests)
        gauge = Gauge(book, {})
        return ingest(store, found, known, gauge, jobs=cores(), book=book, digests=digests)


def millions(calls: int) -> str:
    """So many calls in a row's name: ``10 M``."""
    return f"{calls / 1_000_000:g} M"


def made(path: Path, calls: int) -> Path:
    """A store of so many calls at ``path``, unless one is there: a month, in files of 100,000."""
    if path.exists():
        return path
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    with Store.open(unfinished):
        pass  # the tables of today
    with duckdb.connect(str(unfinished)) as connection:
        insert = QUERY.read_text(encoding="utf-8")
        for source, first in enumerate(range(0, calls, CALLS_A_SOURCE)):
            last = min(first + CALLS_A_SOURCE, calls)
            connection.execute(
                insert,
                {"source_id": source, "first": first, "last": last, "calls": calls, "days": DAYS},
            )
            connection.execute(
                SOURCE,
                {
                    "id": source,
                    "sha256": hashlib.sha256(str(source).encode()).hexdigest(),
                    "name": f"logs/calls-{source:05}.jsonl",
                    "bytes": 1000 * (last - first),
                    "calls": last - first,
                },
            )
        connection.execute("CHECKPOINT")
    with Store.open(unfinished) as store:
        add_up_new(store, open_book())
    unfinished.with_name(f"{unfinished.name}.key").unlink()  # only who adds to a store needs it
    unfinished.replace(path)
    return path
