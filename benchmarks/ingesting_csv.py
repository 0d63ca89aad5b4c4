"""Ingest of tables of counts, against DuckDB's reading of the same file into a table."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from auditor.formats.mapped import from_mapping
from benchmarks import stores
from benchmarks.races import Contestant, Race, Work

WORK = "ingest, token CSV of 5 M rows"
ROWS = 5_000_000
BEGIN = datetime(2023, 8, 1)  # noqa: DTZ001 - UTC, written with a Z
MODELS = ("gpt-3.5-turbo-0613", "gpt-4-0613", "gpt-4o-mini-2024-07-18")
MAPPING = {"id": "id", "time": "time", "model": "model", "input": "input", "output": "output"}
TYPES = {
    "with-ids": {
        "id": "VARCHAR",
        "time": "TIMESTAMP",
        "model": "VARCHAR",
        "input": "BIGINT",
        "output": "BIGINT",
    },
    "without-ids": {
        "TIMESTAMP": "TIMESTAMP",
        "ContextTokens": "BIGINT",
        "GeneratedTokens": "BIGINT",
    },
}


def races(folder: Path, scale: float) -> list[Race]:
    """A table with random ids under a mapping, and one without ids, as Azure's trace of 2023."""
    rows = round(ROWS * scale)
    tables = folder / f"tables-{rows}"
    with_ids, without_ids = tables / "with-ids.csv", tables / "without-ids.csv"
    if not tables.exists():
        tables.mkdir(parents=True)
        _write(rows, with_ids, without_ids)
    return [
        Race(
            WORK,
            f"DuckDB read_csv into a table, {path.stem.replace('-', ' ')}",
            2,
            Contestant("ingesting_csv:ours", {"path": str(path)}),
            Contestant("ingesting_csv:theirs", {"path": str(path)}),
            same=True,
        )
        for path in (with_ids, without_ids)
    ]


def _write(rows: int, with_ids: Path, without_ids: Path) -> None:
    with with_ids.open("w") as one, without_ids.open("w") as other:
        one.write(",".join(TYPES["with-ids"]) + "\n")
        other.write(",".join(TYPES["without-ids"]) + "\n")
        for name, at, model, sent, made in _calls(rows):
            one.write(f"{name},{at.isoformat(timespec='milliseconds')}Z,{model},{sent},{made}\n")
            other.write(f"{at.isoformat(' ', 'microseconds')}0,{sent},{made}\n")


def _calls(count: int) -> Iterator[tuple[str, datetime, str, int, int]]:
    dice = random.Random(7)
    at = BEGIN
    for _ in range(count):
        at += timedelta(microseconds=dice.randrange(1_000_000))
        name = f"chatcmpl-{dice.getrandbits(116):029x}"
        yield name, at, dice.choice(MODELS), dice.randrange(10, 6_000), dice.randrange(1, 800)


def ours(path: str) -> Work:
    """``audit ingest`` into a new store."""
    formats = (from_mapping("mine", MAPPING, "audit.toml"),)

    def work() -> int:
        with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
            return stores.ingested(Path(folder) / "store.duckdb", Path(path), formats=formats).calls

    return work


def theirs(path: str) -> Work:
    """The same file into a table of a new database, its columns named and typed."""
    types = TYPES[Path(path).stem]

    def work() -> int:
        with (
            tempfile.TemporaryDirectory(dir=Path(path).parent) as folder,
            duckdb.connect(str(Path(folder) / "table.duckdb")) as connection,
        ):
            table = connection.read_csv(path, header=True, sep=",", columns=types)
            table.create("calls")
            (calls,) = connection.sql("SELECT count(*) FROM calls").fetchall()[0]
            return int(calls)

    return work
