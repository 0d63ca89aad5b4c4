"""Converted calls as a folder of partitions: ``date=2023-08-14/calls.parquet``, one a day of UTC.

The folder appears as a whole. One of an earlier run is replaced, its days that are no longer there
among them; a folder that holds anything else is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from auditor.errors import AuditError
from auditor.partitions import folder_of, is_partition
from auditor.reports.files import parquet_bytes
from auditor.reports.folder import check_place, put_folder

FILE = "calls.parquet"
MARK = "audit_calls"  # the first column of what ``audit convert`` writes


def check_partitions(folder: Path, option: str = "-o") -> None:
    """Refuse what no folder of partitions can take the place of. Raises AuditError."""
    target = check_place(folder, option, "partitions")
    if target is None:
        return
    ours = _partitions_in(target)
    others = sorted(entry.name for entry in target.iterdir() if entry.name not in ours)
    if others:
        raise AuditError(
            f"{folder} holds other things than partitions of converted calls: {others[0]}",
            hint="Name a new or empty folder: partitions take the place of a whole folder.",
        )


def write_partitions(folder: Path, calls: pl.DataFrame, *, private: bool) -> int:
    """Write rows of ``ingest/converted`` in the place of ``folder``; returns how many partitions.

    Rows keep their order, ``called_at`` is their moment in UTC. Without rows there is one partition
    that has none, so that the columns are there. Raises AuditError; then all is as it was.
    """
    check_partitions(folder)  # again: the reading took its time
    day = pl.col("called_at").dt.date()
    days = calls.with_columns(day.alias("day")).partition_by("day", include_key=False, as_dict=True)
    named = {folder_of(key[0]): rows for key, rows in days.items()} or {folder_of(None): calls}

    def files() -> Iterator[tuple[str, bytes]]:
        for name in sorted(named):
            yield f"{name}/{FILE}", parquet_bytes(named[name])

    put_folder(folder, files(), _partitions_in, 0o600 if private else 0o644)
    return len(named)


def _partitions_in(folder: Path) -> frozenset[str]:
    """The partitions in a folder that hold converted calls and nothing else."""
    return frozenset(entry.name for entry in folder.iterdir() if _is_ours(entry))


def _is_ours(entry: Path) -> bool:
    if not is_partition(entry.name) or entry.is_symlink() or not entry.is_dir():
        return False
    return all(_is_converted(file) for file in entry.iterdir())


def _is_converted(file: Path) -> bool:
    if file.name != FILE or file.is_symlink() or not file.is_file():
        return False
    try:
        return MARK in pl.read_parquet_schema(file)
    except (OSError, pl.exceptions.PolarsError):
        return False
