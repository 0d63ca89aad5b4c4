"""Digests of files that are as they were: a night with nothing new reads nothing again."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from auditor import walking
from auditor.sources import LogFile, Members
from auditor.store import Store
from auditor.walking import Seen
from auditor.workload import HashKey

CERTAIN_NS = 10_000_000_000
"""A file that changed less than this before it was read may change again and look the same.

File systems count time in steps, of two seconds at the most (FAT); the rest is for clocks of
servers that differ a little. Git has the same rule for its index ("racy git").
"""
COLUMNS = {
    "file": pl.UInt64,
    "mark": pl.Binary,
    "member": pl.String,
    "size": pl.Int64,
    "sha256": pl.String,
}
Held = dict[str | None, tuple[int, str | None]]


class Digests:
    """What a store knows of files on disk: the digest of each as long as its stamp is the same.

    A stamp is all that the system changes with a file (see ``Seen.stamp``). Path and stamp are only
    kept as a keyed hash. Which sources are stored is not asked here: a digest says what is in a
    file, not whether anybody took it in. A store in memory keeps nothing.
    """

    def __init__(self, store: Store, *, trusting: bool = True) -> None:
        """``trusting`` is False to read every file again."""
        self._store = store
        self._key = HashKey(store.hash_key)
        self._held: dict[bytes, Held] = {}
        self._fresh: dict[bytes, str] = {}
        # before any file is read: what changes afterwards must look later
        self._now_ns = walking.now_beside(store.path) if store.path else None
        if store.path:
            store.run("ingest/begin_digests")
            if trusting:
                for row in store.rows("ingest/digests"):
                    held = self._held.setdefault(row["mark"], {})
                    held[row["member"]] = row["size"], row["sha256"]

    def members_of(self, seen: Seen) -> tuple[Members | None] | None:
        """See ``finding.Index``."""
        held = self._of(seen)
        if held is None:
            return None
        if None in held:
            return (None,)
        return (tuple((name, size) for name, (size, _) in held.items() if name is not None),)

    def found(self, seen: Seen, members: Members | None) -> None:
        """See ``finding.Index``."""
        now, mark = self._now_ns, self._mark_of(seen)
        if now is None or mark is None or seen.changed_at_ns + CERTAIN_NS > now:
            return
        holds = ((None, seen.size),) if members is None else members
        self._held[mark] = {name: (size, None) for name, size in holds}

    def digest_of(self, file: LogFile, read: Callable[[LogFile], str] = LogFile.sha256) -> str:
        """SHA-256 of a file's bytes; they are ``read`` only where it may have changed.

        Raises SourceError when it cannot be read.
        """
        if (known := self._known(file)) is not None:
            return known
        digest = read(file)
        held, mark = self._of(file.seen), self._mark_of(file.seen)
        if held is not None and mark is not None and file.member in held:
            if file.is_as_seen:
                held[file.member] = held[file.member][0], digest
                self._fresh[mark] = file.place
            else:
                del self._held[mark]
                self._fresh.pop(mark, None)
        return digest

    def holds(self, file: LogFile) -> bool:
        """Whether a file is what its digest says as long as it is as it was seen."""
        return self._known(file) is not None

    def _known(self, file: LogFile) -> str | None:
        return (self._of(file.seen) or {}).get(file.member, (0, None))[1]

    def keep(self) -> None:
        """Keep what was read."""
        rows = [
            (self._key.number_of(b"path", place), mark, member, size, digest)
            for mark, place in self._fresh.items()
            for member, (size, digest) in self._held[mark].items()
        ]
        self._fresh.clear()
        if rows:
            self._store.show("batch_digests", pl.DataFrame(rows, schema=COLUMNS, orient="row"))
            with self._store.transaction():
                self._store.run("ingest/keep_digests")

    def _of(self, seen: Seen | None) -> Held | None:
        mark = self._mark_of(seen)
        return None if mark is None else self._held.get(mark)

    def _mark_of(self, seen: Seen | None) -> bytes | None:
        if seen is None or self._now_ns is None or (stamp := seen.stamp) is None:
            return None
        return self._key.mark_of((seen.place, *stamp))
