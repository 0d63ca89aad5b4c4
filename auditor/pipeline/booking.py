"""Books which objects of stores are wholly in, so that the next run need not fetch them."""

from __future__ import annotations

from collections.abc import Iterable

from auditor.objects import RemoteFile
from auditor.records import clean
from auditor.sources import LogFile
from auditor.store import Store

Name = tuple[str, str | None, int]


class Booking:
    """What the store knows of objects: their address, ETag and size, and how many sources they are.

    An object is booked once the last source in it is stored. Not booked, and so fetched again by
    every run, is one that its store gives no ETag, one in which a document was left out, and an
    archive of which --exclude left out some.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[Name, int] | None = None
        self._missing: dict[RemoteFile, set[str]] = {}
        self._sources: dict[RemoteFile, int] = {}
        self._waiting: dict[str, list[RemoteFile]] = {}

    def sources_of(self, file: LogFile) -> int | None:
        """The number of sources in an object that is booked as it is; None for any other file."""
        if file.origin is None:
            return None
        if self._known is None:
            self._store.run("ingest/begin_fetched")
            rows = self._store.rows("ingest/fetched")
            self._known = {(row["url"], row["etag"], row["size"]): row["sources"] for row in rows}
        return self._known.get((clean(file.origin.url), file.origin.etag, file.origin.size))

    def begin(self, whole: LogFile, parts: Iterable[tuple[LogFile, str]], stored: set[str]) -> None:
        """Take note of what is in an object, and of the digests that the store has."""
        origin = whole.origin
        if origin is None or origin.etag is None:
            return
        held = tuple(parts)
        if origin.exclude and [file for file, _ in held] != [whole]:
            return
        missing = {digest for _, digest in held} - stored
        self._missing[origin], self._sources[origin] = missing, len(held)
        for digest in missing:
            self._waiting.setdefault(digest, []).append(origin)

    def stored(self, digest: str) -> None:
        """A source is in: book the objects that it was the last missing part of."""
        for origin in self._waiting.pop(digest, ()):
            self._missing[origin].discard(digest)
            if not self._missing[origin]:
                self._book(origin)

    def end(self) -> None:
        """Book the objects of which nothing was new."""
        nothing_new = [origin for origin, missing in self._missing.items() if not missing]
        if nothing_new:
            with self._store.transaction():
                for origin in nothing_new:
                    self._book(origin)

    def _book(self, origin: RemoteFile) -> None:
        del self._missing[origin]
        self._store.run(
            "ingest/book_fetched",
            url=clean(origin.url),
            etag=origin.etag,
            size=origin.size,
            sources=self._sources[origin],
        )
