"""A folder of files that appears as a whole: the new ones all at once, or the old ones stay.

The files are written beside the folder and then take its place in one step where the system has
one (Linux), else in two. What else lies in the folder is taken along.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from auditor.errors import AuditError

MANIFEST = "manifest.json"
AT_FDCWD = -100
RENAME_EXCHANGE = 2


def check_folder(folder: Path, option: str = "-o") -> None:
    """Refuse what cannot be a folder of reports: one that holds other things and no manifest.

    ``option`` is what named it. Raises AuditError before any work is done.
    """
    target = folder.resolve()
    if not target.parent.is_dir():
        raise AuditError(f"there is no folder {folder.parent}", hint=f"Make it, or mend {option}.")
    if not target.exists():
        return
    if not target.is_dir():
        raise AuditError(f"{option} {folder} is a file", hint="Name a folder for the reports.")
    if Path.cwd().resolve().is_relative_to(target):
        raise AuditError(
            f"{option} {folder} is the folder you are in",
            hint="Name one inside it, such as reports: it is replaced as a whole.",
        )
    if any(target.iterdir()) and not _is_ours(target):
        raise AuditError(
            f"{folder} holds other things than reports",
            hint="Name a new or empty folder: reports take the place of a whole folder.",
        )


def _is_ours(folder: Path) -> bool:
    return _written(folder) is not None


def _written(folder: Path) -> frozenset[str] | None:
    """The files that an earlier run put into the folder; None where none did."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if not manifest["schema"].startswith("audit.report/"):
            return None
        return frozenset((*manifest["files"], MANIFEST))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether the folder was written with exactly these files, and they are as they were."""
    if _written(folder) != frozenset(files):
        return False
    try:
        return all((folder / name).read_bytes() == content for name, content in files.items())
    except OSError:
        return False


def write_folder(folder: Path, files: Mapping[str, bytes], *, alone: bool = False) -> None:
    """Put the files in the place of ``folder``. Raises AuditError; then all is as it was.

    ``files`` have a manifest, which names them all. ``alone``: no other process writes this
    folder (a lock is held), and ``put_right`` was called.
    """
    target = folder.resolve()
    try:
        with _workplace(target, alone) as workplace:
            new = workplace / "new"
            new.mkdir()
            for file, content in files.items():
                with (new / file).open("wb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
            _take_place(new, target)
            if new.exists():
                _bring_along(new, target)
    except OSError as error:
        raise AuditError(
            f"{folder} cannot be written: {error.strerror or error}",
            hint="Check the folder, its permissions and the space on the disk; "
            "what was there before stays.",
        ) from error


@contextmanager
def _workplace(target: Path, alone: bool) -> Iterator[Path]:
    """A folder beside the target to work in, which is gone afterwards."""
    if not alone:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as name:
            yield Path(name)
        return
    place = _place_beside(target)
    place.mkdir()
    try:
        yield place
    finally:
        shutil.rmtree(place)


def _place_beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.next")


def put_right(folder: Path) -> None:
    """Put right what a killed run, alone as this one, left beside the folder.

    The old folder takes its place again, or what else lay in it comes along. Raises AuditError.
    """
    target = folder.resolve()
    place = _place_beside(target)
    try:
        for old in (place / "old", place / "new"):
            if _is_ours(old) and target.exists():
                _bring_along(old, target)
            elif _is_ours(old):
                old.rename(target)
        if place.exists():
            shutil.rmtree(place)
    except OSError as error:
        raise AuditError(
            f"{place.name} beside {folder}, left by a killed run, cannot be put right: "
            f"{error.strerror or error}",
            hint="Check the folder and its permissions.",
        ) from error


def _take_place(new: Path, target: Path) -> None:
    """``new`` is at ``target`` afterwards, and what was there at ``new``."""
    if not target.exists():
        new.rename(target)
    elif not _exchange(new, target):
        old = new.with_name("old")
        target.rename(old)
        try:
            new.rename(target)
        except OSError:
            old.rename(target)
            raise
        old.rename(new)


def _exchange(one: Path, other: Path) -> bool:
    """Two folders change places in one step; False where the system cannot do that."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        exchange = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    paths = (os.fsencode(one), os.fsencode(other))
    return bool(
        exchange(AT_FDCWD, paths[0], AT_FDCWD, paths[1], ctypes.c_uint(RENAME_EXCHANGE)) == 0
    )


def _bring_along(old: Path, target: Path) -> None:
    """Move what is not of an earlier run into the new folder; nothing of it is lost."""
    ours = _written(old) or frozenset()
    for entry in sorted(old.iterdir()):
        if entry.name not in ours and not (target / entry.name).exists():
            shutil.move(entry, target / entry.name)
