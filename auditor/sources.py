"""Finds log files, tells them apart by content, and opens them, compressed or not.

A source is one exported file, here or in object storage. It is known by the SHA-256 of its bytes
as they lie there, so a file that moved, or was given twice, is the same source.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from glob import glob, has_magic
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import zstandard

from auditor import archives, compression, containers, objects
from auditor.containers import BOM, PARQUET_MAGIC, BrokenContainerError
from auditor.errors import SourceError
from auditor.objects import Fetched, RemoteFile

__all__ = ["BOM", "LogFile", "behind", "find", "standard_input"]

STDIN = "-"
BUFFER_BYTES = 1 << 20
DOCUMENTS = frozenset(("LICENSE", "LICENCE", "COPYING", "NOTICE", "README", "CHANGELOG"))
PACKED = (*compression.MAGICS, archives.ZIP_MAGIC)


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file to read. ``name`` is how results call it, the same on every machine.

    A file in a named folder is called by its path from that folder on, a named file by its own
    name and that of its folder where it was given, an object by its address. ``member`` is the file
    in the archive at ``path``: it is known by the digest of its own bytes, packed or not. What is
    in object storage has an ``origin``, and is at ``path`` only while it is read.
    """

    path: Path
    name: str
    member: str | None = None
    origin: RemoteFile | None = None

    @contextmanager
    def open(
        self, on_bytes: Callable[[int], None] | None = None, *, sha256: str | None = None
    ) -> Iterator[BinaryIO]:
        """Lines of UTF-8: decompressed, without a byte order mark, one record a line.

        ``on_bytes`` is told how many bytes of the file on disk were read since it was last told.
        What is not laid out in lines is laid out so: see ``auditor.containers``. Raises
        SourceError when the file cannot be read, its archive is broken, or, at the end, when what
        was read is not what has the digest ``sha256``.
        """
        with self.readable(), self._raw() as raw, ExitStack() as stack:
            watched = _Watched(raw, on_bytes)
            stream = io.BufferedReader(cast(Any, watched), BUFFER_BYTES)
            magic = stream.peek(4)[:4]
            if self.member is not None and magic.startswith(PACKED):
                raise BrokenContainerError("is an archive inside an archive")
            if magic == PARQUET_MAGIC:
                stream = containers.parquet_lines(stack.enter_context(_unpacked(self, stream)))
            else:
                stream = containers.as_lines(
                    compression.decompressed(cast(BinaryIO, stream), magic)
                )
            yield cast(BinaryIO, stream)
            if sha256 is not None and watched.sha256() != sha256:
                raise SourceError(
                    self.name,
                    None,
                    "changed while it was read",
                    hint="Run again when nothing writes to it; nothing of it was stored.",
                )

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """Where it lies, if need be after it was fetched. Raises SourceError when it cannot be."""
        with self.origin.held() if self.origin else nullcontext(self.path) as path:
            yield path

    @contextmanager
    def _raw(self) -> Iterator[IO[bytes]]:
        with self.on_disk() as path:
            if self.member is None:
                with path.open("rb") as raw:
                    yield raw
            else:
                with archives.member(path, self.member) as unpacked:
                    yield unpacked

    def parts(self) -> tuple[LogFile, ...]:
        """The file, or in place of a zip archive what it holds: ``logs.zip/day.jsonl``."""
        with self.readable(), self.on_disk() as path:
            if self.member is not None or not path.is_file() or not archives.is_zip(path):
                return (self,)
            held = tuple(archives.members(path))
        parts = (LogFile(self.path, f"{self.name}/{name}", name, self.origin) for name in held)
        patterns = self.origin.exclude if self.origin else ()
        return tuple(part for part in parts if not _is_excluded(part, patterns))

    def beside(self) -> tuple[LogFile, ...]:
        """The files of its folder, itself among them, without hidden ones, by name."""
        if self.origin is not None:
            return tuple(map(_remote, self.origin.beside()))
        found = (path for path in self.path.parent.iterdir() if path.is_file())
        shown = sorted(path for path in found if not path.name.startswith("."))
        return tuple(LogFile(path, path.name) for path in shown)

    @property
    def stamp(self) -> tuple[int, str]:
        """What tells whether it is as it was: its size and when it was written, or its ETag."""
        if self.origin is not None:
            return self.origin.size, self.origin.etag or ""
        found = self.path.stat()
        return found.st_size, str(found.st_mtime_ns)

    def sha256(self) -> str:
        """The digest of the bytes on disk."""
        digest = hashlib.sha256()
        with self.readable(), self._raw() as raw:
            while block := raw.read(BUFFER_BYTES):
                digest.update(block)
        return digest.hexdigest()

    @property
    def is_document(self) -> bool:
        """Whether it is called like what lies beside logs and is none: a licence, a README."""
        name = (self.member or self.name).rpartition("/")[2].upper()
        return name.partition(".")[0] in DOCUMENTS and not name.endswith((".JSONL", ".CSV"))

    @property
    def size(self) -> int:
        """Bytes on disk."""
        if self.origin is not None and self.member is None:
            return self.origin.size
        with self.readable(), self.on_disk() as path:
            if self.member is not None:
                return archives.packed_size(path, self.member)
            return path.stat().st_size

    @contextmanager
    def readable(self) -> Iterator[None]:
        """Turns what goes wrong with the file inside into SourceError."""
        try:
            yield
        except BrokenContainerError as error:
            raise SourceError(
                self.name,
                None,
                str(error),
                hint="Unpack or export it again as JSON lines in UTF-8; nothing of it was stored.",
            ) from error
        except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
            raise SourceError(
                self.name,
                None,
                f"the compressed file is broken: {error}",
                hint="Export or copy the file again; nothing of it was stored.",
            ) from error
        except OSError as error:
            raise SourceError(
                self.name,
                None,
                f"cannot be read: {error.strerror or error}",
                hint="Check the path and its permissions; nothing of it was stored.",
            ) from error


class _Watched(io.RawIOBase):
    """Passes reads on, tells how many bytes went by, and knows their digest."""

    def __init__(self, raw: IO[bytes], told: Callable[[int], None] | None) -> None:
        self._raw = raw
        self._told = told or (lambda _: None)
        self._hash = hashlib.sha256()

    def sha256(self) -> str:
        """The digest of the whole file: what was read so far, and what is left of it."""
        while block := self._raw.read(BUFFER_BYTES):
            self._hash.update(block)
        return self._hash.hexdigest()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        self._hash.update(data)
        self._told(len(data))
        return len(data)


@contextmanager
def _unpacked(file: LogFile, stream: IO[bytes]) -> Iterator[Path]:
    """Where a file that is not read from front to back lies: an archive's member is unpacked."""
    if file.member is None:
        yield file.path  # where it is held as long as it is open
        return
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        path = Path(folder) / "member"
        with path.open("wb") as copy:
            while block := stream.read(BUFFER_BYTES):
                copy.write(block)
        yield path


@contextmanager
def behind(named: Iterable[str], exclude: Iterable[str] = ()) -> Iterator[tuple[LogFile, ...]]:
    """What ``find`` finds, addresses of object storage among the names.

    Objects are fetched when they are read, and gone from this machine afterwards. A zip archive
    among them is one file here: see ``LogFile.parts``.
    """
    names, patterns = tuple(named), tuple(exclude)
    with ExitStack() as stack:
        fetched = None
        if any(map(objects.is_address, names)):
            fetched = stack.enter_context(objects.Fetched.open())
        yield find(names, patterns, fetched)


def find(
    named: Iterable[str], exclude: Iterable[str] = (), fetched: Fetched | None = None
) -> tuple[LogFile, ...]:
    """The files behind paths, folders (recursive) and globs, sorted by name, each path once.

    Hidden files, empty files and what ``exclude`` matches (globs on the name or the last part of
    it) are left out. Files that would be called the same are called by the path that the user
    gave. Raises SourceError for a path that is not there or no regular file, a folder without
    files or that cannot be listed, and when all files are excluded. ``fetched`` finds the objects
    behind addresses.
    """
    patterns = tuple(exclude)
    found: dict[tuple[Path, str | None], LogFile] = {}
    excluded = ""
    for name in named:
        if fetched is not None and objects.is_address(name):
            files: Iterable[LogFile] = map(_remote, fetched.find(name, patterns))
        else:
            files = (part for file in _behind(name) for part in file.parts())
        for file in files:
            if _is_excluded(file, patterns):
                excluded = name
            else:
                path = file.path if file.origin else _regular(file).path
                found.setdefault((path.resolve(), file.member), file)
    if excluded and not found:
        raise SourceError(
            excluded,
            None,
            "all files here are excluded",
            hint="Check the patterns of --exclude.",
        )
    return tuple(sorted(_told_apart(found.values()), key=lambda file: (file.name, str(file.path))))


def _remote(origin: RemoteFile) -> LogFile:
    return LogFile(origin.path, origin.url, None, origin)


def _is_excluded(file: LogFile, patterns: Iterable[str]) -> bool:
    last = file.name.rpartition("/")[2]
    return any(fnmatch(file.name, one) or fnmatch(last, one) for one in patterns)


def _regular(file: LogFile) -> LogFile:
    if not file.path.is_file():
        raise SourceError(
            file.name,
            None,
            "is no regular file but a link to nothing, a pipe or a device",
            hint="Leave it out with --exclude; a stream can come on standard input, as `-`.",
        )
    return file


def _told_apart(files: Iterable[LogFile]) -> Iterator[LogFile]:
    """The files, those with the same name under the paths that the user gave."""
    files = tuple(files)
    times = Counter(file.name for file in files)
    for file in files:
        yield file if times[file.name] == 1 else _by_path(file)


def _by_path(file: LogFile) -> LogFile:
    path = file.path.as_posix()
    return replace(file, name=f"{path}/{file.member}" if file.member else path)


def _behind(name: str) -> Iterator[LogFile]:
    path = Path(name)
    if path.is_dir():
        files = list(_below(path, Path(path.resolve().name)))
    elif path.exists():
        files = [LogFile(path, _own_name(path))]
    elif has_magic(name):
        files = list(_matching(name))
    else:
        raise SourceError(
            name, None, "there is no such file or folder", hint="Check the path for a typing error."
        )
    if not files:
        raise SourceError(
            name,
            None,
            "no log files here",
            hint="Name a folder, file or pattern that holds exported request logs.",
        )
    yield from files


def _below(folder: Path, name: Path) -> Iterator[LogFile]:
    """The files in a folder and in the folders it holds or links to, each folder once."""
    visited = set()
    for path, folders, files in os.walk(folder, onerror=_cannot_list, followlinks=True):
        here = Path(path)
        visited.add(here.resolve())
        folders[:] = [
            below
            for below in sorted(folders)
            if not below.startswith(".") and (here / below).resolve() not in visited
        ]
        for file in sorted(files):
            if _is_candidate(here / file):
                yield LogFile(here / file, (name / here.relative_to(folder) / file).as_posix())


def _cannot_list(error: OSError) -> None:
    raise SourceError(
        str(error.filename),
        None,
        f"cannot be listed: {error.strerror}",
        hint="Check the permissions of the folder.",
    ) from error


def _matching(pattern: str) -> Iterator[LogFile]:
    """Files that match, and what lies in the folders that match."""
    for hit in (Path(hit) for hit in sorted(glob(pattern, recursive=True))):  # noqa: PTH207
        if hit.is_dir():
            yield from _below(hit, Path(hit.name))
        elif _is_candidate(hit):
            yield LogFile(hit, _own_name(hit))


def _own_name(path: Path) -> str:
    """What a file that was named itself is called: with its folder, where that was named too."""
    return "/".join(part for part in path.parts[-2:] if part not in ("/", "\\", ".."))


def _is_candidate(file: Path) -> bool:
    """All but hidden and empty files; links to nothing and pipes stay, to be refused by name."""
    return not file.name.startswith(".") and not (file.is_file() and file.stat().st_size == 0)


@contextmanager
def standard_input() -> Iterator[LogFile]:
    """What comes on standard input, laid down in a temporary file for as long as it is read."""
    if sys.stdin is None:
        raise SourceError(STDIN, None, "standard input is closed", hint="Name a file, or pipe one.")
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        path = Path(folder) / "stdin"
        with path.open("wb") as copy:
            while block := sys.stdin.buffer.read(BUFFER_BYTES):
                copy.write(block)
        yield LogFile(path, "<stdin>")
