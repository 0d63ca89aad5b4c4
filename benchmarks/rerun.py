"""Reading a folder of logs again when nothing in it is new, as a nightly job does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.races import Contestant, Race, Work

FILES = 10_000
CALLS = 3
READ = 20
"""Files that are really taken in; of the others the store only learns their digests."""
SETTLED_SECONDS = 11
MOST_SECONDS = 1


def races(folder: Path, scale: float) -> list[Race]:
    """The row of the re-run; its files and its store are made below ``folder``."""
    logs, store = folder / "rerun" / "logs", folder / "rerun" / "store.duckdb"
    made = tuple(_write(logs, max(round(FILES * scale), READ)))
    for path in made[:READ]:
        _audit("ingest", str(path), "--db", str(store))
    _book(store, made[READ:])
    time.sleep(SETTLED_SECONDS)  # a file that has just been written is read again, to be safe
    _audit("ingest", str(logs), "--db", str(store))
    again = Contestant("rerun:replay", {"db": str(store), "logs": str(logs)})
    stored = Contestant("rerun:replay", {"db": str(store)})
    return [
        Race(
            work=f"re-running a nightly ingest with nothing new, {len(made):,} files",
            against="start-up: `audit replay` of the same store, without logs",
            limit=MOST_SECONDS,
            ours=again,
            theirs=stored,
            above=True,
            same=True,
        )
    ]


def replay(db: str, logs: str | None = None) -> Work:
    """``audit replay``, of a folder that the store holds already or of the store alone."""
    named = [logs] if logs else []
    command = [*named, "--db", db, "--scenario", "gpt-4", "--format", "csv"]
    return lambda: _audit("replay", *command)


def _write(folder: Path, count: int) -> Iterator[Path]:
    """So many small files, a folder a month."""
    begin = datetime(2023, 7, 1, tzinfo=UTC)
    for number in range(count):
        at = begin + timedelta(hours=number)
        path = folder / f"{at:%Y-%m}" / f"{at:%Y-%m-%dT%H}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (json.dumps(_call(f"call-{number}-{n}", at)) for n in range(CALLS))
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        yield path


def _call(id: str, at: datetime) -> dict[str, object]:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    choice = {"index": 0, "message": {"role": "assistant", "content": f"Answer {id}."}}
    return {
        "timestamp": at.isoformat(),
        "url": "https://api.openai.com/v1/chat/completions",
        "status_code": 200,
        "request": {"model": "gpt-4", "messages": [{"role": "user", "content": f"Ask {id}."}]},
        "response": {"id": id, "model": "gpt-4-0613", "choices": [choice], "usage": usage},
    }


def _book(store: Path, files: tuple[Path, ...]) -> None:
    """Tell the store of sources that nobody read: a source takes many times what a re-run does."""
    import hashlib

    import duckdb

    with duckdb.connect(str(store)) as connection:
        last = connection.sql("SELECT max(source_id) FROM sources").fetchall()[0][0]
        rows = [
            (last + number, hashlib.sha256(path.read_bytes()).hexdigest(), str(path))
            for number, path in enumerate(files, 1)
        ]
        connection.begin()
        connection.executemany(
            "INSERT INTO sources VALUES ($1, $2, $3, 'captures', 0, 0, 0, 0, 0)", rows
        )
        connection.commit()


def _audit(*args: str) -> str:
    """Run the program as a user does; what it prints."""
    return subprocess.run(
        [sys.executable, "-m", "auditor", *args],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if not name.startswith("AUDIT_")},
        text=True,
    ).stdout
