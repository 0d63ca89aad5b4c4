"""A folder of files that appears as a whole: the new ones all at once, or the old ones stay.

The files are written beside the folder and then take its place in one step where the system has one
(Linux), else in two. What else lies in the folder is taken along: linked into the new one before
the two change places, so that a run that is killed leaves nothing out. What such a run left beside
the folder is cleared away by the next.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from auditor import leftovers
from auditor.errors import AuditError

MANIFEST = "manifest.json"
REPORTS, NIGHTLY = "reports", "nightly"
AT_FDCWD = -100
RENAME_EXCHANGE = 2


def check_folder(folder: Path, option: str = "-o", takes: Collection[str] = (REPORTS,)) -> None:
    """Refuse what cannot be a folder of reports: one that holds other things and no manifest.

    ``option`` is what named it, ``takes`` which kinds of folders may be replaced (``holds`` of
    their manifests). Raises AuditError before any work is done.
    """
    target = check_place(folder, option)
    if target is None:
        return
    manifest = _manifest(target)
    if not manifest:
        raise AuditError(
            f"{folder} holds other things than reports",
            hint="Name a new or empty folder: reports take the place of a whole folder.",
        )
    held = manifest.get("holds", REPORTS)
    if held not in takes:
        raise AuditError(
            f"{folder} holds what a run of another kind wrote ({held})",
            hint="Name a folder of its own: it would be replaced as a whole.",
        )


def check_place(folder: Path, option: str = "-o", what: str = REPORTS) -> Path | None:
    """Refuse where no folder of ``what`` can be. Returns what must be looked into, None if nothing.

    Raises AuditError before any work is done.
    """
    target = folder.resolve()
    if not target.parent.is_dir():
        raise AuditError(f"there is no folder {folder.parent}", hint=f"Make it, or mend {option}.")
    if not target.exists():
        return None
    if not target.is_dir():
        raise AuditError(f"{option} {folder} is a file", hint=f"Name a folder for the {what}.")
    if Path.cwd().resolve().is_relative_to(target):
        raise AuditError(
            f"{option} {folder} is the folder you are in",
            hint=f"Name one inside it, such as {what}: it is replaced as a whole.",
        )
    return target if any(target.iterdir()) else None


def _written(folder: Path) -> frozenset[str]:
    """The files that an earlier run put into the folder; none where none did."""
    manifest = _manifest(folder)
    return frozenset((*manifest["files"], MANIFEST)) if manifest else frozenset()


def _manifest(folder: Path) -> Mapping[str, Any]:
    """The manifest that an earlier run put into the folder; empty where none did."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        is_ours = manifest["schema"].startswith("audit.report/") and manifest["files"].keys()
        return manifest if is_ours else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether the folder was written with exactly these files, and they are as they were."""
    if _written(folder) != frozenset(files):
        return False
    try:
        return all((folder / name).read_bytes() == content for name, content in files.items())
    except OSError:
        return False


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put the files in the place of ``folder``. Raises AuditError; then all is as it was.

    ``files`` have a manifest, which names them all.
    """
    put_folder(folder, files.items(), _written)


def put_folder(
    folder: Path,
    files: Iterable[tuple[str, bytes]],
    ours: Callable[[Path], Collection[str]],
    mode: int | None = None,
) -> None:
    """Put files, by their paths, in the place of ``folder``.

    Raises AuditError; then all is as it was. ``ours`` says what in a folder of before is of
    an earlier run and goes; all else is taken along. ``mode`` is who may read the files.
    """
    target = folder.resolve()
    try:
        put_right(target)
        with leftovers.beside(target) as held:
            new = held / "new"
            new.mkdir()
            for file, content in files:
                (new / file).parent.mkdir(exist_ok=True)
                with (new / file).open("wb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
                if mode is not None:
                    (new / file).chmod(mode)
                    (new / file).parent.chmod(mode | (mode & 0o444) >> 2)  # who reads may enter
            if target.exists():
                _link_others(target, new, ours)
                new.chmod(stat.S_IMODE(target.stat().st_mode))
            _take_place(new, target)
            if new.exists():
                _bring_along(new, target, ours)
    except OSError as error:
        raise AuditError(
            f"{folder} cannot be written: {error.strerror or error}",
            hint="Check the folder, its permissions and the space on the disk; "
            "what was there before stays.",
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


def _others(
    old: Path, new: Path, ours: Callable[[Path], Collection[str]]
) -> list[tuple[Path, Path]]:
    """What is not of an earlier run, with its place in the new folder, where nothing is yet."""
    goes = ours(old)
    pairs = ((entry, new / entry.name) for entry in sorted(old.iterdir()))
    return [pair for pair in pairs if pair[0].name not in goes and not os.path.lexists(pair[1])]


def _link_others(old: Path, new: Path, ours: Callable[[Path], Collection[str]]) -> None:
    """Have what others put into the old folder in the new one too, before it takes its place."""
    for entry, place in _others(old, new, ours):
        _link(entry, place)


def _link(entry: Path, place: Path) -> None:
    if entry.is_symlink():
        place.symlink_to(entry.readlink())
    elif entry.is_dir():
        place.mkdir()
        for inner in entry.iterdir():
            _link(inner, place / inner.name)
        shutil.copystat(entry, place)
    elif entry.is_file():
        try:
            os.link(entry, place)
        except OSError:  # a file system without links
            shutil.copy2(entry, place)


def _bring_along(old: Path, target: Path, ours: Callable[[Path], Collection[str]]) -> None:
    """Move what came into the old folder meanwhile; nothing of it is lost."""
    for entry, place in _others(old, target, ours):
        shutil.move(entry, place)


def put_right(folder: Path) -> None:
    """Clear away what killed runs left; what one took away between its two steps comes back."""
    target = folder.resolve()
    for left in leftovers.left_beside(target):
        if not target.exists() and (left / "old").is_dir():
            (left / "old").rename(target)
        shutil.rmtree(left, ignore_errors=True)
