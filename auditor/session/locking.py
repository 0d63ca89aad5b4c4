"""Who may go on: a store that another process has open is waited for, and who has it is named.

Of nightly runs one at a time works on a store, from beginning to end: it holds a lock of the
system, which a killed run sets free, on ``STORE.lock``; ``STORE.holder`` says who has it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from auditor.config.nightly import WAIT_HINT, wait_seconds
from auditor.errors import AuditError, StoreBusyError, printable
from auditor.reports import files
from auditor.store import Store
from auditor.terminal import say

LONGEST_HOLDER = 200
RETRY_SECONDS = 0.25


@contextmanager
def opened(
    db: Path | None,
    lock_timeout: str,
    *,
    to_read: bool = False,
    hash_key: bytes | None = None,
    private: bool = False,
) -> Iterator[Store]:
    """The store at ``db`` (see ``Store.open``), waited for up to ``lock_timeout``: "10 s".

    Raises StoreBusyError, which names who has it, where that was not long enough.
    """
    seconds = seconds_of(lock_timeout)
    with waited_for(db, seconds, to_read=to_read, hash_key=hash_key, private=private) as store:
        yield store


def store_for(
    db: Path | None,
    lock_timeout: str,
    logs: tuple[str, ...],
    hash_key: bytes | None,
    reading: Mapping[str, Any],
) -> AbstractContextManager[Store]:
    """The store that logs go into, or that is only read; its owner's alone if text is kept."""
    private = bool(logs and reading.get("keep_text"))
    return opened(db, lock_timeout, to_read=not logs, hash_key=hash_key, private=private)


def seconds_of(lock_timeout: str) -> int:
    """What ``--lock-timeout`` gives. Raises AuditError where it is no time."""
    try:
        return wait_seconds(lock_timeout)
    except ValueError as error:
        raise AuditError(f"--lock-timeout: {error}", hint=f"Give {WAIT_HINT}") from None


@contextmanager
def waited_for(
    db: Path | None,
    seconds: int,
    *,
    to_read: bool = False,
    hash_key: bytes | None = None,
    private: bool = False,
) -> Iterator[Store]:
    """As ``opened``."""
    tries = int(seconds / RETRY_SECONDS)
    with ExitStack() as stack:
        for left in range(tries, -1, -1):
            try:
                opening = Store.open(db, to_read=to_read, hash_key=hash_key, private=private)
                store = stack.enter_context(opening)
                break
            except StoreBusyError as busy:
                if not left:
                    raise
                if left == tries:
                    say(f"Waiting up to {seconds} s: {busy}.")
                time.sleep(RETRY_SECONDS)
        yield store


def lock_files(db: Path) -> tuple[Path, Path]:
    """The files beside a store: the lock, and who holds it."""
    store = db.resolve()
    return store.with_name(f"{store.name}.lock"), store.with_name(f"{store.name}.holder")


@contextmanager
def only_run(db: Path, holder: str, seconds: int) -> Iterator[None]:
    """Hold the lock of a store; wait up to ``seconds`` for another run that has it.

    ``holder`` says who we are. Raises AuditError, which says who holds it, and when the lock
    cannot be made.
    """
    from filelock import FileLock, Timeout

    lock_file, holder_file = lock_files(db)
    lock = FileLock(lock_file)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if seconds:
                say(f"Waiting for another nightly run: {_held_by(holder_file)}.")
            lock.acquire(timeout=seconds)
    except Timeout:
        raise AuditError(
            f"another nightly run holds {db}: {_held_by(holder_file)}",
            hint="Wait for it to end, or give it longer with lock_timeout in audit.toml.",
        ) from None
    except OSError as error:
        raise AuditError(
            f"the lock {lock_file.name} of {db} cannot be made: {error.strerror or error}",
            hint="Check the folder of the store and its permissions.",
        ) from error
    try:
        files.write(holder_file, f"{holder}\n")
        yield
    finally:
        with suppress(OSError):
            holder_file.unlink(missing_ok=True)
        lock.release()


def _held_by(holder_file: Path) -> str:
    try:
        said = holder_file.read_text(encoding="utf-8", errors="replace")[:LONGEST_HOLDER]
    except OSError:
        said = ""
    return printable(said.strip()) or "it does not say who it is"
