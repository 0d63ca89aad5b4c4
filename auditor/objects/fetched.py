"""Objects found, fetched into private files, and thrown away again.

Few of them lie on disk at a time: what was not asked for lately makes room, and is fetched again
where it is needed once more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path
from typing import Any

from auditor import leftovers
from auditor.errors import SourceError, printable
from auditor.objects.address import Address, address_of
from auditor.objects.asking import AbsentError, asked, check_installed, store_of

KEPT_BYTES = 1 << 30  # of fetched files, at a time
BLOCK_BYTES = 8 << 20
LISTED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One object as it was when it was listed, and the folder that it is fetched into.

    ``etag`` is what the store calls this very content, None where it calls it nothing.
    ``exclude`` are the patterns for what is in it, if it is an archive.
    """

    address: Address
    etag: str | None
    size: int
    cache: Fetched = field(compare=False, repr=False)
    exclude: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return str(self.address)

    @property
    def path(self) -> Path:
        """Where the object lies while it is held."""
        return self.cache.place_of(self)

    @contextmanager
    def held(self) -> Iterator[Path]:
        """The object on disk, for as long as it is needed. Raises SourceError."""
        with self.cache.held(self) as path:
            yield path

    def beside(self) -> tuple[RemoteFile, ...]:
        """The objects of the same folder, itself among them, but those that tell nothing."""
        return self.cache.beside(self.address)


class Fetched:
    """What this run fetched, in a folder that nobody else may read and that is gone after it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[Path, int] = {}  # how often each file on disk is in use, oldest first
        self._bytes = 0  # of all of them
        self._stores: dict[tuple[str, str], Any] = {}
        self._silent: frozenset[tuple[str, str | None]] = frozenset()

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Fetched]:
        """An empty folder of a run. Raises AuditError where the extra is not installed."""
        check_installed()
        with leftovers.elsewhere() as folder:
            yield cls(folder)

    def find(self, name: str, exclude: tuple[str, ...] = ()) -> tuple[RemoteFile, ...]:
        """The objects behind an address: one object, all below a prefix, or those of a pattern.

        In the order of their keys, without empty ones and hidden ones (below the prefix a part of
        the key begins with a dot). Raises SourceError when there are none, or on any refusal.
        """
        address = address_of(name)
        found: tuple[RemoteFile, ...] = ()
        if address.key and not address.key.endswith("/"):
            found = self._one(address)
        if not found:
            found = (self._matching if has_magic(address.key) else self.listed)(address)
        if not found:
            raise SourceError(
                printable(name),
                None,
                "there is no object here, and none below it",
                hint="Check the address, and that objects below it are neither empty nor hidden.",
            )
        return tuple(
            RemoteFile(file.address, file.etag, file.size, self, exclude) for file in found
        )

    def listed(self, address: Address, *, deep: bool = True) -> tuple[RemoteFile, ...]:
        """The objects below a prefix, or those that lie in it itself."""
        import obstore

        prefix = address.key.strip("/")
        store = self._store(address)

        def ask() -> list[Any]:
            if not deep:
                return list(obstore.list_with_delimiter(store, prefix or None)["objects"])
            stream = obstore.list(store, prefix or None, chunk_size=LISTED_AT_ONCE)
            return [meta for chunk in stream for meta in chunk]

        metas = sorted(asked(str(address), ask), key=lambda meta: str(meta["path"]))
        return tuple(
            self._file(address, meta)
            for meta in metas
            if meta["size"] and not _is_hidden(str(meta["path"])[len(prefix) :])
        )

    def pass_over(self, silent: Iterable[tuple[str, str | None]]) -> None:
        """Take note of objects (address and ETag) that are known to tell nothing of others."""
        self._silent = frozenset(silent)

    def beside(self, address: Address) -> tuple[RemoteFile, ...]:
        """The objects in the folder of an address that may tell something of each other."""
        folder = Address(address.scheme, address.bucket, address.key.rpartition("/")[0])
        found = self.listed(folder, deep=False)
        return tuple(file for file in found if (file.url, file.etag) not in self._silent)

    def _one(self, address: Address) -> tuple[RemoteFile, ...]:
        import obstore

        store = self._store(address)
        try:
            meta = asked(str(address), lambda: obstore.head(store, address.key))
        except AbsentError:
            return ()
        return (self._file(address, meta),)

    def _matching(self, pattern: Address) -> tuple[RemoteFile, ...]:
        """What a pattern matches, part by part of the key; ``**`` is any number of parts."""
        parts = pattern.key.rstrip("/").split("/")
        fixed = next(place for place, part in enumerate(parts) if has_magic(part))
        below = self.listed(Address(pattern.scheme, pattern.bucket, "/".join(parts[:fixed])))
        return tuple(f for f in below if _matches(f.address.key.split("/"), parts))

    def _file(self, address: Address, meta: Any) -> RemoteFile:
        where = Address(address.scheme, address.bucket, str(meta["path"]))
        return RemoteFile(where, _bare(meta["e_tag"]), int(meta["size"]), self)

    def place_of(self, file: RemoteFile) -> Path:
        """The path of an object in the folder, whatever characters its key has."""
        return self._folder / hashlib.sha256(file.url.encode("utf-8", "surrogatepass")).hexdigest()

    @contextmanager
    def held(self, file: RemoteFile) -> Iterator[Path]:
        """The object on disk; it stays there at least until it is let go."""
        path = self.place_of(file)
        if path not in self._held:
            self._make_room(file.size)
            self._fetch(file, path)
            self._bytes += file.size
        self._held[path] = self._held.pop(path, 0) + 1  # the last in line is the last to go
        try:
            yield path
        finally:
            self._held[path] -= 1

    def _make_room(self, size: int) -> None:
        if self._bytes + size <= KEPT_BYTES:
            return
        for path in [path for path, users in self._held.items() if not users]:
            self._bytes -= path.stat().st_size
            path.unlink()
            del self._held[path]
            if self._bytes + size <= KEPT_BYTES:
                return

    def _fetch(self, file: RemoteFile, path: Path) -> None:
        """Fetch exactly what was listed. Raises SourceError when it is something else by now."""
        import obstore

        with ExitStack() as on_failure:
            on_failure.callback(lambda: path.unlink(missing_ok=True))
            options: Any = {} if file.etag is None else {"if_match": f'"{file.etag}"'}
            store = self._store(file.address)
            try:
                got = asked(file.url, lambda: obstore.get(store, file.address.key, options=options))
            except AbsentError as gone:
                raise _moved(file, "vanished after it was listed") from gone
            meta = got.meta
            if (_bare(meta["e_tag"]), meta["size"]) != (file.etag, file.size):
                raise _moved(file, "changed after it was listed")
            if self._copied(file, iter(got.stream(min_chunk_size=BLOCK_BYTES)), path) != file.size:
                raise _moved(file, "broke off while it was fetched")
            on_failure.pop_all()

    def _copied(self, file: RemoteFile, stream: Iterator[Any], path: Path) -> int:
        """Write what arrives; the number of bytes."""
        size = 0
        try:
            path.touch(mode=0o600, exist_ok=False)
            with path.open("wb") as copy:
                while (block := asked(file.url, lambda: next(stream, None))) is not None:
                    size += copy.write(block)
        except OSError as error:
            raise SourceError(
                file.url,
                None,
                f"cannot be kept while it is read: {error.strerror or error}",
                hint="Make room in the folder of temporary files, or name another as TMPDIR.",
            ) from error
        return size

    def _store(self, address: Address) -> Any:
        place = (address.scheme, address.bucket)
        if place not in self._stores:
            self._stores[place] = store_of(address)
        return self._stores[place]


def _is_hidden(below: str) -> bool:
    return any(part.startswith(".") for part in below.split("/"))


def _matches(parts: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[skipped:], pattern[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def _bare(etag: str | None) -> str | None:
    """An ETag without the quotes that some answers have and others lack; a weak one is none."""
    return None if not etag or etag.startswith("W/") else etag.strip('"')


def _moved(file: RemoteFile, what: str) -> SourceError:
    return SourceError(
        printable(file.url),
        None,
        what,
        hint="Run again when nothing writes to it; nothing of it was stored.",
    )
