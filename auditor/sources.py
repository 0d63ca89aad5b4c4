"""Log files: tells them apart by content, and opens them, compressed or not.

A source is one exported file, here or in object storage. It is known by the SHA-256 of its bytes
as they lie there, so a file that moved, or was given twice, is the same source.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard

from auditor import archives, compression, containers, leftovers, walking
from auditor.bounded import Lines
from auditor.containers import BOM, PARQUET_MAGIC, BrokenContainerError
from auditor.errors import LimitError, SourceError
from auditor.limits import BeyondLimitError, Limits
from auditor.objects import RemoteFile
from auditor.walking import Seen

__all__ = ["BOM", "LogFile", "standard_input"]

STDIN = "-"
BUFFER_BYTES = 1 << 20
TRACE = b"\x00audit: names of a run without a store\x00"
Members = tuple[tuple[str, int], ...]
"""What an archive holds: the name of each file, and the bytes that it takes there."""

DOCUMENTS = frozenset(("LICENSE", "LICENCE", "COPYING", "NOTICE", "README", "CHANGELOG"))
PACKED = (*compression.MAGICS, archives.ZIP_MAGIC)


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file to read. ``name`` is how results call it, the same on every machine.

    A file in a named folder is called by its path from that folder on, a named file by its own
    name and that of its folder where it was given, an object by its address. ``member`` is the file
    in the archive at ``path``: it is known by the digest of its own bytes, packed or not. What is
    in object storage has an ``origin``, and is at ``path`` only while it is read. ``seen`` is the
    file on disk, or the archive, as it was when it was found; a file that has it is no archive.
    ``packed`` is how many bytes a member takes in its archive, where that is known. ``limits`` are
    those of the run (``auditor.limits``).
    """

    path: Path
    name: str
    member: str | None = None
    origin: RemoteFile | None = None
    seen: Seen | None = field(default=None, compare=False, repr=False)
    packed: int | None = field(default=None, compare=False, repr=False)
    limits: Limits = field(default=Limits(), compare=False, repr=False)

    @contextmanager
    def open(
        self, on_bytes: Callable[[int], None] | None = None, *, sha256: str | None = None
    ) -> Iterator[BinaryIO]:
        """Lines of UTF-8: decompressed, without a byte order mark, one record a line.

        ``on_bytes`` is told how many bytes of the file on disk were read since it was last told.
        What is not laid out in lines is laid out so: see ``auditor.containers``. Raises
        SourceError when the file cannot be read, its archive is broken, or, at the end, when what
        was read is not what has the digest ``sha256``; LimitError when it unpacks to too much.
        """
        with self.readable(), self._raw() as raw, ExitStack() as stack:
            watched = _Watched(raw, on_bytes, hashing=sha256 is not None)
            longest = self.limits.max_line_bytes
            stream: io.BufferedReader = Lines(watched, longest)
            magic = stream.peek(4)[:4]
            if self.member is not None and magic.startswith(PACKED):
                raise BrokenContainerError("is an archive inside an archive")
            if magic == PARQUET_MAGIC:
                path = stack.enter_context(_unpacked(self, stream))
                ratio = self.limits.ratio_of(deflated=False)
                stream = containers.parquet_lines(path, longest, ratio)
            elif compression.is_packed(magic):
                unpacked = compression.decompressed(cast(BinaryIO, stream), magic, self.limits)
                stream = containers.as_lines(unpacked, longest)
            else:
                size = self.seen.size if self.seen and self.member is None else None
                stream = containers.as_lines(stream, longest, size)
            yield cast(BinaryIO, stream)
            if sha256 is not None and watched.sha256() != sha256:
                raise self.changed()
            if magic == PARQUET_MAGIC and self.member is None and not _is_at(raw, self.path):
                raise self.changed()  # what was read there is not what was opened

    def changed(self) -> SourceError:
        """The error of a file that is not what it was when it was found."""
        return SourceError(
            self.name,
            None,
            "changed while it was read",
            hint="Run again when nothing writes to it; nothing of it was stored.",
        )

    @property
    def is_as_seen(self) -> bool:
        """Whether nothing that the system changes with a file has changed since it was found."""
        try:
            return walking.seen_at(str(self.path)) == self.seen
        except OSError:
            return False

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
                with archives.member(path, self.member, self.limits) as unpacked:
                    yield unpacked

    def parts(self) -> tuple[LogFile, ...]:
        """The file, or in place of a zip archive what it holds: ``logs.zip/day.jsonl``."""
        if self.member is not None or self.seen is not None:
            return (self,)
        return self.parts_of(self.members())

    def parts_of(self, held: Members | None) -> tuple[LogFile, ...]:
        """The file as what it is known to hold; None is a file that is no archive."""
        if held is None:
            return (self,)
        patterns = self.origin.exclude if self.origin else ()
        return tuple(part for part in self.as_parts(held) if not is_excluded(part, patterns))

    def members(self) -> Members | None:
        """What a zip archive holds, None for a file that is none: the file is opened to see."""
        with self.readable(), self.on_disk() as path:
            if not path.is_file() or not archives.is_zip(path):
                return None
            return tuple(archives.members(path, self.limits))

    def as_parts(self, members: Members) -> Iterator[LogFile]:
        """An archive as what it is known to hold."""
        for name, size in members:
            yield replace(self, name=f"{self.name}/{name}", member=name, packed=size)

    def beside(self) -> tuple[LogFile, ...]:
        """The files of its folder, itself among them, without hidden ones, by name."""
        if self.origin is not None:
            return tuple(remote_log(one, self.limits) for one in self.origin.beside())
        found = (path for path in self.path.parent.iterdir() if path.is_file())
        shown = sorted(path for path in found if not path.name.startswith("."))
        return tuple(LogFile(path, path.name, limits=self.limits) for path in shown)

    @property
    def stamp(self) -> tuple[int, str]:
        """What tells whether it is as it was: its size and when it was written, or its ETag."""
        if self.origin is not None:
            return self.origin.size, self.origin.etag or ""
        found = self.path.stat()
        return found.st_size, str(found.st_mtime_ns)

    def sha256(self) -> str:
        """The digest of the bytes on disk."""
        return self.digest_and_trace()[0]

    def digest_and_trace(self) -> tuple[str, str]:
        """The digest of the bytes on disk, and the trace: that of the bytes and a word behind them.

        Reports show digests. Who knows a digest cannot tell the trace, which takes the bytes.
        """
        digest = hashlib.sha256()
        with self.readable(), self._raw() as raw:
            while block := raw.read(BUFFER_BYTES):
                digest.update(block)
        traced = digest.copy()
        traced.update(TRACE)
        return digest.hexdigest(), traced.hexdigest()

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

    @property
    def weight(self) -> int:
        """Bytes on disk, as far as known without another look: what progress is told."""
        if self.member is not None and self.packed is not None:
            return self.packed
        return self.seen.size if self.seen and self.member is None else self.size

    @property
    def place(self) -> str:
        """Its path without links, or that of its archive, as text."""
        return self.seen.place if self.seen else str(self.path.resolve())

    @contextmanager
    def readable(self) -> Iterator[None]:
        """Turns what goes wrong with the file inside into SourceError."""
        try:
            yield
        except BeyondLimitError as error:
            raise LimitError(self.name, error.line, str(error), key=error.key) from error
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
            raise cannot_read(self.name, error) from error


class _Watched(io.RawIOBase):
    """Passes reads on, tells how many bytes went by, and if asked knows their digest."""

    def __init__(
        self, raw: IO[bytes], told: Callable[[int], None] | None, *, hashing: bool
    ) -> None:
        self._raw = raw
        self._told = told or (lambda _: None)
        self._hash = hashlib.sha256() if hashing else None

    def sha256(self) -> str | None:
        """The digest of the whole file: what was read so far, and what is left of it."""
        if self._hash is None:
            return None
        while block := self._raw.read(BUFFER_BYTES):
            self._hash.update(block)
        return self._hash.hexdigest()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        if self._hash is not None:
            self._hash.update(data)
        self._told(len(data))
        return len(data)


def _is_at(raw: IO[bytes], path: Path) -> bool:
    """Whether an open file is still the one at a path."""
    return os.path.samestat(os.fstat(raw.fileno()), path.stat())


@contextmanager
def _unpacked(file: LogFile, stream: IO[bytes]) -> Iterator[Path]:
    """Where a file that is not read from front to back lies: an archive's member is unpacked."""
    if file.member is None:
        yield file.path  # where it is held as long as it is open
        return
    with leftovers.elsewhere() as folder:
        path = folder / "member"
        with path.open("wb") as copy:
            while block := stream.read(BUFFER_BYTES):
                copy.write(block)
        yield path


def remote_log(origin: RemoteFile, limits: Limits = Limits()) -> LogFile:  # noqa: B008 - frozen
    return LogFile(origin.path, origin.url, None, origin, limits=limits)


def is_excluded(file: LogFile, patterns: Iterable[str]) -> bool:
    last = file.name.rpartition("/")[2]
    return any(fnmatch(file.name, one) or fnmatch(last, one) for one in patterns)


def cannot_read(name: str, error: OSError) -> SourceError:
    return SourceError(
        name,
        None,
        f"cannot be read: {error.strerror or error}",
        hint="Check the path and its permissions; nothing of it was stored.",
    )


@contextmanager
def standard_input(limits: Limits = Limits()) -> Iterator[LogFile]:  # noqa: B008 - frozen
    """What comes on standard input, laid down in a temporary file for as long as it is read."""
    if sys.stdin is None:
        raise SourceError(STDIN, None, "standard input is closed", hint="Name a file, or pipe one.")
    with leftovers.elsewhere() as folder:
        path = folder / "stdin"
        with path.open("wb") as copy:
            while block := sys.stdin.buffer.read(BUFFER_BYTES):
                copy.write(block)
        yield LogFile(path, "<stdin>", limits=limits)
