"""Stores whose calls lie in Parquet files of their own, which many machines write and read.

What is in the store says which files count: one that a run left behind is no part of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Rows = Callable[[str], list[dict[str, Any]]]
CALLS, REJECTS = "calls", "rejects"


@dataclass(frozen=True, slots=True)
class SpreadFile:
    """One file: what is in it (``calls`` or ``rejects``), of which bucket, and how many rows."""

    kind: str
    bucket: int
    path: Path
    rows: int


@dataclass(frozen=True, slots=True)
class Spread:
    """How the calls of a store are spread over the ``buckets`` in ``folder``.

    Its files begin with their kind and ``mark``: another store may have files there too.
    """

    folder: Path
    buckets: int
    mark: str
    files: tuple[SpreadFile, ...]

    def paths(self, kind: str) -> list[str]:
        """The files of one kind."""
        return [str(file.path) for file in self.files if file.kind == kind]

    def of_buckets(self) -> dict[int, list[str]]:
        """The files of calls by bucket."""
        found: dict[int, list[str]] = {}
        for file in self.files:
            if file.kind == CALLS:
                found.setdefault(file.bucket, []).append(str(file.path))
        return found


def spread_of(rows: Rows, store: Path | None) -> Spread | None:
    """How the calls of the ``store`` are spread; None where they are in it."""
    begun = rows("spread/begun")
    if not begun:
        return None
    folder = Path(begun[0]["folder"])
    if store is not None:
        folder = store.absolute().parent / folder
    files = (
        SpreadFile(row["kind"], row["bucket"], folder / row["file"], row["rows"])
        for row in rows("spread/files")
    )
    return Spread(folder, begun[0]["buckets"], begun[0]["mark"], tuple(files))
