"""The members of a zip file, each a source of its own."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from auditor.containers import BrokenContainerError

ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP_MAGIC = b"PK\x05\x06"
MAX_RATIO = 200  # text that deflate shrinks further than this is made to
FREE_BYTES = 10_000_000  # below which no ratio harms
NESTED = (".zip", ".gz", ".zst", ".bz2", ".tar", ".tgz", ".7z", ".xz", ".rar")


def is_zip(path: Path) -> bool:
    """Whether a file is a zip archive, by its first bytes."""
    try:
        with path.open("rb") as file:
            return file.read(4) in (ZIP_MAGIC, EMPTY_ZIP_MAGIC)
    except OSError:
        return False  # refused by name when it is read


def members(path: Path) -> Iterator[tuple[str, int]]:
    """The files in an archive, in the order of their names, without hidden and empty ones.

    Yields the name of each, and the bytes that it takes in the archive.

    Raises BrokenContainerError for a broken archive and for a member that will not be unpacked.
    """
    with _archive(path) as archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            parts = info.filename.split("/")
            hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
            if info.is_dir() or hidden or not info.file_size:
                continue
            _check(info)
            yield info.filename, info.compress_size


def _check(info: zipfile.ZipInfo) -> None:
    if info.filename.lower().endswith(NESTED):
        raise BrokenContainerError(f"holds an archive, {info.filename}, which is not unpacked")
    if info.flag_bits & 1:
        raise BrokenContainerError(f"holds {info.filename}, which is encrypted")
    if info.file_size > FREE_BYTES and info.file_size > MAX_RATIO * max(info.compress_size, 1):
        raise BrokenContainerError(
            f"holds {info.filename}, which unpacks to {info.file_size:,} bytes, more than "
            f"{MAX_RATIO} times what it is packed in: a zip bomb"
        )


@contextmanager
def member(path: Path, name: str) -> Iterator[IO[bytes]]:
    """The bytes of a member. Never more than the archive says of it: zipfile checks that."""
    with _archive(path) as archive:
        _check(archive.getinfo(name))
        with archive.open(name) as stream:
            yield stream


def packed_size(path: Path, name: str) -> int:
    """Bytes that a member takes in the archive."""
    with _archive(path) as archive:
        return archive.getinfo(name).compress_size


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, KeyError) as error:
        raise BrokenContainerError(f"is a broken zip file: {error}") from error
