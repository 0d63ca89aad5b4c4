"""The hash key of a store: a secret that lies beside the store and never in it.

With it prompts become hashes that nobody without it can look up (see ``auditor.workload.hashing``).
It is only needed to add logs to a store, never to read from one. ``AUDIT_HASH_KEY`` takes its place
where several machines or stores are to use the same one. A store in memory, which nobody else sees,
uses a fixed key, so that ids are the same at every run; but names of people are hashed with a key
that only who has the logs can have (``of_sources``), for a report of such a run is handed on.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from auditor import leftovers
from auditor.errors import StoreError

IN_MEMORY = b"audit: a store in memory"
SECRET_BYTES = 32


def beside(store: Path) -> Path:
    """Where the hash key of a store lies: ``FILE.key``."""
    return store.with_name(f"{store.name}.key")


def check_of(secret: bytes) -> str:
    """What a store remembers of its key, to notice another one; the key cannot be had from it."""
    key = hashlib.blake2b(secret).digest()
    return hashlib.blake2b(key=key, digest_size=8, person=b"key check").hexdigest()


def of_sources(traces: Iterable[str]) -> bytes:
    """The key for names in a run that keeps no store: the same for the same sources.

    ``traces`` are those of ``LogFile.trace``, in any order. They are not the digests of the files,
    which reports show.
    """
    lines = "\n".join(sorted(set(traces)))
    return hashlib.blake2b(lines.encode(), person=b"sources").digest()


def known(store: Path, given: bytes | None) -> bytes | None:
    """The key of a store as far as it is there: the one given, else the one beside it."""
    if given is not None or not beside(store).exists():
        return given
    return read(store)


def make(store: Path) -> bytes:
    """The key beside a new store: the one that is there, else a new one, readable by its owner."""
    path = beside(store)
    leftovers.clear(path)
    if path.exists():
        return read(store)
    fresh = secrets.token_hex(SECRET_BYTES).encode()
    try:
        # it takes its place as a whole: half a key would lock everybody out
        with leftovers.beside(path) as folder:
            new = folder / "key"
            with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(fresh + b"\n")
                file.flush()
                os.fsync(file.fileno())
            leftovers.put(new, path)
    except FileExistsError:  # another run was sooner
        return read(store)
    except OSError as error:
        raise StoreError(
            f"the hash key {path} cannot be written: {error.strerror or error}",
            hint="Check the folder, its permissions and the space on the disk, or set "
            "AUDIT_HASH_KEY.",
        ) from error
    return fresh


def read(store: Path) -> bytes:
    """The key beside a store. Raises StoreError when it is not there or says nothing."""
    path = beside(store)
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise StoreError(
            f"the hash key of {store} cannot be read: {path}: {error.strerror or error}",
            hint="Put the key file back beside the store, or set AUDIT_HASH_KEY to the key it was "
            "filled with. Without it logs cannot be added; what is stored can still be read.",
        ) from error
    if not secret:
        raise StoreError(
            f"the hash key {path} is empty", hint="Restore it from a copy, beside its store."
        )
    return secret
