"""``audit`` as a process of its own, with the engine of a cluster and without, and what it left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from command import Run

from auditor.store import Store
from helpers.processes import Session, begin
from helpers.spread import KEY, TABLES, rows_of

PROGRAM = (sys.executable, "-m", "auditor")
SECONDS = 300


def settings(env: Mapping[str, str]) -> dict[str, str]:
    """Variables of a run: the hash key of all stores, and lines of a known width."""
    kept = {name: value for name, value in env.items() if not name.startswith("AUDIT_")}
    return kept | {"AUDIT_HASH_KEY": KEY.decode(), "COLUMNS": "100"}


def audit(*words: str | Path, folder: Path, env: Mapping[str, str] = os.environ) -> Run:
    """Run ``audit WORDS`` in ``folder`` to its end."""
    command = [*PROGRAM, *map(str, words)]
    ended = subprocess.run(
        command, cwd=folder, env=settings(env), capture_output=True, timeout=SECONDS, check=False
    )
    return Run(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


@contextmanager
def running(*words: str | Path, folder: Path, env: Mapping[str, str]) -> Iterator[Session]:
    """``audit WORDS`` while it runs; its log is what it said."""
    session = begin([*PROGRAM, *map(str, words)], folder / "audit.log", folder, settings(env))
    try:
        yield session
    finally:
        session.kill()


def said(session: Session) -> str:
    """What a run said that came to its end with exit code 0."""
    session.began.wait(SECONDS)
    text = session.log.read_text(encoding="utf-8")
    assert session.began.returncode == 0, text
    return text


def tables(db: Path) -> dict[str, list[str]]:
    """All that a store holds."""
    with Store.open(db, to_read=True) as store:
        return {table: rows_of(store, table) for table in TABLES}


def uncounted(db: Path) -> list[str]:
    """The files beside a store that belong to it and are no part of it."""
    with Store.open(db, to_read=True) as store:
        assert store.spread is not None
        counted = {file.path for file in store.spread.files}
        assert counted
        found = set(store.spread.folder.iterdir())
    assert counted <= found
    return sorted(path.name for path in found - counted)
