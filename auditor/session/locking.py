"""One nightly run at a time for a store: a lock of the system, which a killed run sets free.

The lock is on ``STORE.lock``; ``STORE.holder`` says who has it, for those who wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from auditor.errors import AuditError, printable
from auditor.reports import files
from auditor.terminal import say

LONGEST_HOLDER = 200


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
