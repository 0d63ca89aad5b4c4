"""The members of a zip file, each a source of its own."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from auditor.containers import BrokenContainerError
from auditor.limits import FREE_BYTES, Limits, unpacks_to_too_much

ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP_MAGIC = b"PK\x05\x06"
NESTED = (".zip", ".gz", ".zst", ".bz2", ".tar", ".tgz", ".7z", ".xz", ".rar")


def is_zip(path: Path) -> bool:
    """Whether a file is a zip archive, by its first bytes."""
    try:
        with path.open("rb") as file:
            return file.read(4) in (ZIP_MAGIC, EMPTY_ZIP_MAGIC)
    except OSError:
        return False  # refused by name when it is read


def members(path: Path, limits: Limits) -> Iterator[tuple[str, int]]:
    """The files in an archive, in the order of their names, without hidden and empty ones.

    Yields the name of each, and the bytes that it takes in the archive.

    Raises BrokenContainerError for a broken archive and for a member that will not be unpacked,
    BeyondLimitError for a member, or a whole, that unpacks to too much.
    """
    with _archive(path) as archive:
        _check_sum(archive, path.stat().st_size, limits)
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            parts = info.filename.split("/")
            hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
            if info.is_dir() or hidden or not info.file_size:
                continue
            _check(info, limits)
            yield info.filename, info.compress_size


def _check_sum(archive: zipfile.ZipFile, size: int, limits: Limits) -> None:
    """Members may lie over each other, each of them in proportion to what all of them share."""
    unpacked = sum(info.file_size for info in archive.infolist())
    deflated = all(map(_is_deflated, archive.infolist()))
    _check_ratio(unpacked, size, limits.ratio_of(deflated=deflated), "the archive")


def _check(info: zipfile.ZipInfo, limits: Limits) -> None:
    if info.filename.lower().endswith(NESTED):
        raise BrokenContainerError(f"holds an archive, {info.filename}, which is not unpacked")
    if info.flag_bits & 1:
        raise BrokenContainerError(f"holds {info.filename}, which is encrypted")
    ratio = limits.ratio_of(deflated=_is_deflated(info))
    _check_ratio(info.file_size, info.compress_size, ratio, info.filename)


def _is_deflated(info: zipfile.ZipInfo) -> bool:
    return info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def _check_ratio(unpacked: int, packed: int, ratio: int, what: str) -> None:
    if unpacked > FREE_BYTES and unpacked > ratio * packed:
        raise unpacks_to_too_much(unpacked, packed, ratio, what)


@contextmanager
def member(path: Path, name: str, limits: Limits) -> Iterator[IO[bytes]]:
    """The bytes of a member. Never more than the archive says of it: zipfile checks that."""
    with _archive(path) as archive:
        _check(archive.getinfo(name), limits)
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
