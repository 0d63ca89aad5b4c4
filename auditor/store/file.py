"""The file of a store: opened, damaged or in use, and who may read it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from auditor.errors import StoreBusyError, StoreError
from auditor.processes import described

IN_MEMORY = ":memory:"
OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    # DuckDB would fetch what a query seems to need, or load what another application fetched
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
NOT_OURS = "Name a file made by `audit ingest`, or a new one; this one was not touched."
MAGIC = b"DUCK"
MAGIC_AT = 8
WAL_BEGINS = b"\x64\x00\x62"  # as of DuckDB 2: its first entry is that of its version
DAMAGE = ("corrupt", "checksum", "could not read enough bytes", "reading past the end")
OTHERS = 0o077
HOLDER = re.compile(r"\(PID ([1-9][0-9]*)\)")


def connect(
    path: Path | None, to_read: bool, *, at: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """The store at a path; ``at`` is where it lies as long as it is made."""
    if path is None:
        return duckdb.connect(IN_MEMORY, config=OFFLINE)
    _check_magic(path)
    _check_wal(path)
    # absolute, so that a name like md:x or s3:x is a file and not a service on the network
    name = str((at or path).absolute())
    try:
        # a killed run leaves a log of its last steps beside the store: that is written in first
        left_over = path.with_name(f"{path.name}.wal").exists()
        return duckdb.connect(name, read_only=to_read and not left_over, config=OFFLINE)
    except duckdb.Error as error:
        text = first_line(str(error)).replace(name, str(path))
        said = text.replace(str(path), "").lower()
        if "lock on file" in said or "conflicting lock" in said or "used by another" in said:
            holder = HOLDER.search(text)
            by = f": {described(int(holder[1]))}" if holder else ""
            raise StoreBusyError(
                f"{path} is in use by another process{by}",
                hint="Wait for it to end, or give it longer with --lock-timeout TIME.",
            ) from error
        if "version" in said:
            raise StoreError(
                f"{path} is not a store this version of DuckDB can read: {text}",
                hint=NOT_OURS,
            ) from error
        if isinstance(error, duckdb.IOException) and not is_damage(said):
            raise StoreError(
                f"{path} cannot be opened: {text}",
                hint="Check the path, its permissions and the space on the disk.",
            ) from error
        raise damaged(str(path), text) from error


def _check_wal(path: Path) -> None:
    """Refuse a log of last steps that is none: DuckDB would pass over it, and over what it held."""
    wal = path.with_name(f"{path.name}.wal")
    try:
        with wal.open("rb") as file:
            head = file.read(len(WAL_BEGINS))
    except OSError:
        return
    if not WAL_BEGINS.startswith(head):
        raise StoreError(
            f"{path} is damaged: {wal.name} is not the log of its last steps",
            hint=f"Restore both from a copy. Or move {wal.name} away: what it held of logs is read "
            "again by the next `audit ingest`, a month that was just closed must be closed again.",
        )


def is_damage(text: str) -> bool:
    """Whether DuckDB says that a file is not what it wrote; it has a word of its own for none."""
    return any(word in text.lower() for word in DAMAGE)


def damaged(name: str, text: str) -> StoreError:
    return StoreError(
        f"{name} is damaged: {text}",
        hint="Restore it from a copy, or ingest the logs into a new store; what is damaged was "
        "not touched.",
    )


def _check_magic(path: Path) -> None:
    """Refuse a file that is there and is no DuckDB file.

    DuckDB itself would read a CSV, JSON or Parquet file as a store in memory, and lose what is
    written to it.
    """
    if path.is_fifo() or path.is_socket():
        raise StoreError(f"{path} is a pipe and no DuckDB file", hint=NOT_OURS)
    if not path.is_file():
        return
    try:
        with path.open("rb") as file:
            head = file.read(MAGIC_AT + len(MAGIC))
    except OSError as error:
        raise StoreError(
            f"{path} cannot be opened: {error.strerror or error}",
            hint="Check the path and its permissions.",
        ) from error
    if head[MAGIC_AT:] != MAGIC:
        raise StoreError(
            f"{path} is no DuckDB file",
            hint=NOT_OURS,
        )


def is_private(path: Path, wanted: bool) -> bool:
    """Whether only its owner may read a store; one that is there is narrowed if that is wanted."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
        if mode is None or not wanted or not mode & OTHERS:
            return wanted if mode is None else not mode & OTHERS
        _check_magic(path)
        path.chmod(mode & ~OTHERS)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be made readable by its owner alone: {error.strerror or error}",
            hint="Text is only kept in such a store: let its owner run this, or name a new one.",
        ) from error
    return True


@contextmanager
def privately(is_so: bool) -> Iterator[None]:
    """Inside, what DuckDB lays down (store, log, what it swaps out) is the owner's alone."""
    if not is_so:
        yield
        return
    before = os.umask(OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def first_line(text: str) -> str:
    return text.strip().splitlines()[0]
