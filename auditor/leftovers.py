"""Folders for what is not finished yet; what a killed run left in its own the next one clears away.

Who makes such a folder holds a lock of the system on it for as long as it is there. A killed
process holds none, and a lock is seen from other containers, too, where the process is not. Where
the system or the file system has no such locks, nothing is cleared away.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

TEMPORARY = "audit-unfinished-"
RANDOM = re.compile(r"[a-z0-9_]{8}")


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A private folder beside a file or folder that is to take its place there."""
    with _folder(target.parent, _prefix(target)) as folder:
        yield folder


@contextmanager
def elsewhere() -> Iterator[Path]:
    """A private folder where temporary files lie (TMPDIR)."""
    place = Path(tempfile.gettempdir())
    for left in _left(place, TEMPORARY):
        shutil.rmtree(left, ignore_errors=True)
    with _folder(place, TEMPORARY) as folder:
        yield folder


def put(new: Path, target: Path) -> None:
    """Give a new file its name. Raises FileExistsError where another has it."""
    try:
        os.link(new, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise FileExistsError(str(target)) from None
        new.rename(target)


def left_beside(target: Path) -> Iterator[Path]:
    """What killed runs left beside ``target``; each is held while it is looked at."""
    yield from _left(target.parent, _prefix(target))


def clear(target: Path) -> None:
    """Clear away what killed runs left beside ``target``."""
    for left in left_beside(target):
        shutil.rmtree(left, ignore_errors=True)


def _prefix(target: Path) -> str:
    return f".{target.name}.audit-"


@contextmanager
def _folder(place: Path, prefix: str) -> Iterator[Path]:
    while True:
        made = tempfile.TemporaryDirectory(prefix=prefix, dir=place, ignore_cleanup_errors=True)
        with made as name:
            folder = Path(name)
            with _held(folder, wait=True) as is_held:
                # another run may have cleared it away before it was held
                if is_held is None or folder.exists():
                    yield folder
                    return


def _left(place: Path, prefix: str) -> Iterator[Path]:
    try:
        found = [entry for entry in os.scandir(place) if entry.name.startswith(prefix)]
    except OSError:
        return
    for entry in found:
        if not RANDOM.fullmatch(entry.name.removeprefix(prefix)):
            continue
        with suppress(OSError):
            if not stat.S_ISDIR(entry.stat(follow_symlinks=False).st_mode):
                continue
        with _held(Path(entry.path), wait=False) as is_held:
            if is_held:
                yield Path(entry.path)


@contextmanager
def _held(folder: Path, *, wait: bool) -> Iterator[bool | None]:
    """Whether the lock of a folder is ours now; None where there are no locks."""
    if fcntl is None:
        yield None
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            is_held: bool | None = True
        except BlockingIOError:
            is_held = False
        except OSError:
            is_held = None
        yield is_held
    finally:
        os.close(handle)
