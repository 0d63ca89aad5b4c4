"""Finds log files, tells them apart by content, and opens them, compressed or not.

A source is one exported file. It is known by the SHA-256 of its bytes as they lie on disk, so a
file that moved, or was given twice, is the same source.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import os
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from glob import glob, has_magic
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import zstandard

from auditor import archives, containers
from auditor.containers import BOM, PARQUET_MAGIC, BrokenContainerError
from auditor.errors import SourceError

__all__ = ["BOM", "LogFile", "find", "standard_input"]

STDIN = "-"
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
BUFFER_BYTES = 1 << 20
DOCUMENTS = frozenset(("LICENSE", "LICENCE", "COPYING", "NOTICE", "README", "CHANGELOG"))
BZIP2_MAGIC = b"BZh"
PACKED = (GZIP_MAGIC, ZSTD_MAGIC, BZIP2_MAGIC, archives.ZIP_MAGIC)


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file to read. ``name`` is how results call it, the same on every machine.

    A file in a named folder is called by its path from that folder on, a named file by its own
    name and that of its folder where it was given. ``member`` is the file in the archive at
    ``path``: it is known by the digest of its own bytes, packed or not.
    """

    path: Path
    name: str
    member: str | None = None

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
                stream = containers.parquet_lines(stack.enter_context(_on_disk(self, stream)))
            else:
                stream = containers.as_lines(_decompressed(cast(BinaryIO, stream), magic))
            yield cast(BinaryIO, stream)
            if sha256 is not None and watched.sha256() != sha256:
                raise SourceError(
                    self.name,
                    None,
                    "changed while it was read",
                    hint="Run again when nothing writes to it; nothing of it was stored.",
                )

    @contextmanager
    def _raw(self) -> Iterator[IO[bytes]]:
        if self.member is None:
            with self.path.open("rb") as raw:
                yield raw
        else:
            with archives.member(self.path, self.member) as unpacked:
                yield unpacked

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
        name = (self.member or self.path.name).rpartition("/")[2].upper()
        return name.partition(".")[0] in DOCUMENTS and not name.endswith((".JSONL", ".CSV"))

    @property
    def size(self) -> int:
        """Bytes on disk."""
        with self.readable():
            if self.member is not None:
                return archives.packed_size(self.path, self.member)
            return self.path.stat().st_size

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


def _decompressed(raw: BinaryIO, magic: bytes) -> io.BufferedReader:
    if magic.startswith(GZIP_MAGIC):
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), BUFFER_BYTES)
    if magic.startswith(BZIP2_MAGIC):
        return io.BufferedReader(cast(Any, bz2.BZ2File(raw)), BUFFER_BYTES)
    if magic == ZSTD_MAGIC:
        return io.BufferedReader(_ZstdFrames(raw), BUFFER_BYTES)
    return cast(io.BufferedReader, raw)


@contextmanager
def _on_disk(file: LogFile, stream: IO[bytes]) -> Iterator[Path]:
    """Where a file that is not read from front to back lies: an archive's member is unpacked."""
    if file.member is None:
        yield file.path
        return
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        path = Path(folder) / "member"
        with path.open("wb") as copy:
            while block := stream.read(BUFFER_BYTES):
                copy.write(block)
        yield path


class _ZstdFrames(io.RawIOBase):
    """Reads zstd frames one after another and notices a file that ends inside one."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._compressed = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready and self._advance():
            pass
        taken = self._ready[: len(buffer)]
        buffer[: len(taken)] = taken
        self._ready = self._ready[len(taken) :]
        return len(taken)

    def _advance(self) -> bool:
        """Decompresses one more block; False at the end of the file."""
        block = self._compressed or self._raw.read(BUFFER_BYTES)
        if not block:
            if self._frame is not None:
                raise EOFError("it ends in the middle of a zstd frame")
            return False
        if self._frame is None:
            self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._ready = memoryview(self._frame.decompress(block))
        self._compressed = b""
        if self._frame.eof:
            self._compressed = self._frame.unused_data
            self._frame = None
        return True


def find(named: Iterable[str], exclude: Iterable[str] = ()) -> tuple[LogFile, ...]:
    """The files behind paths, folders (recursive) and globs, sorted by name, each path once.

    Hidden files, empty files and what ``exclude`` matches (globs on the name or the last part of
    it) are left out. Files that would be called the same are called by the path that the user
    gave. Raises SourceError for a path that is not there or no regular file, a folder without
    files or that cannot be listed, and when all files are excluded.
    """
    patterns = tuple(exclude)
    found: dict[tuple[Path, str | None], LogFile] = {}
    excluded = ""
    for name in named:
        for file in _unpacked(_behind(name)):
            if any(
                fnmatch(file.name, p) or fnmatch(file.name.rpartition("/")[2], p) for p in patterns
            ):
                excluded = name
            else:
                found.setdefault((_regular(file).path.resolve(), file.member), file)
    if excluded and not found:
        raise SourceError(
            excluded,
            None,
            "all files here are excluded",
            hint="Check the patterns of --exclude.",
        )
    return tuple(sorted(_told_apart(found.values()), key=lambda file: (file.name, str(file.path))))


def _unpacked(files: Iterable[LogFile]) -> Iterator[LogFile]:
    """The files, in place of each zip archive what it holds: ``logs.zip/day.jsonl``."""
    for file in files:
        if file.path.is_file() and archives.is_zip(file.path):
            with file.readable():
                held = tuple(archives.members(file.path))
            yield from (LogFile(file.path, f"{file.name}/{name}", name) for name in held)
        else:
            yield file


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
    return LogFile(file.path, f"{path}/{file.member}" if file.member else path, file.member)


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
