"""Local files as they were when they were found: where they really lie, and what tells a change.

Folders of ten thousand files are walked every night: one look at each file has to do.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
HAS_CHANGE_TIME = os.name != "nt"  # there ``st_ctime`` is the time of creation


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was at one moment. ``place`` is its path without links, as text.

    ``is_regular`` is False for a link to nothing, a pipe, a device.
    """

    place: str
    is_regular: bool
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0
    device: int = 0

    @property
    def stamp(self) -> tuple[int, ...] | None:
        """What changes with the file: size, both times, inode, device. None where nothing does.

        The time of change (ctime) is set by the system on every write, rename and touch, and by
        nobody else: a file whose old time of writing was restored has a new one. Windows does not
        tell it, so files have no stamp there.
        """
        if not HAS_CHANGE_TIME or not self.is_regular:
            return None
        return self.size, self.mtime_ns, self.ctime_ns, self.inode, self.device

    @property
    def changed_at_ns(self) -> int:
        """When the file was last written or otherwise changed, by the clock of its file system."""
        return max(self.mtime_ns, self.ctime_ns)


def seen_at(path: str, real: str | None = None) -> Seen:
    """What is at a path now; ``real`` is the path without links, unless its last part is one.

    Raises OSError where nobody may look.
    """
    try:
        found = os.lstat(path)
        if real is None or stat.S_ISLNK(found.st_mode):
            real = os.path.realpath(path)
            found = os.stat(path)  # noqa: PTH116
    except OSError as error:
        if error.errno not in NOTHING_THERE:
            raise
        return Seen(os.path.realpath(path), is_regular=False)
    return Seen(
        real,
        stat.S_ISREG(found.st_mode),
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_ino,
        found.st_dev,
    )


def below(folder: Path, on_error: Callable[[OSError], None]) -> Iterator[tuple[str, str, Seen]]:
    """The files in a folder and in the folders it holds or links to, each folder once.

    Yields the path, the path from ``folder`` on with ``/``, and the file as it is: hidden and empty
    ones left out, in the order of their names in each folder. ``on_error`` is told of a folder that
    cannot be listed. Raises OSError for a file that nobody may look at.
    """
    top = str(folder)
    visited = set()
    for here, folders, files in os.walk(top, onerror=on_error, followlinks=True):
        real = os.path.realpath(here)
        visited.add(real)
        folders[:] = [
            name
            for name in sorted(folders)
            if not name.startswith(".")
            and os.path.realpath(os.path.join(here, name)) not in visited  # noqa: PTH118
        ]
        inside = Path(here).relative_to(folder).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        beginning, real_beginning = (os.path.join(path, "") for path in (here, real))  # noqa: PTH118
        for name in sorted(files):
            if name.startswith("."):
                continue
            path = beginning + name
            seen = seen_at(path, real_beginning + name)
            if seen.size or not seen.is_regular:
                yield path, f"{prefix}{name}", seen


def now_beside(path: Path) -> int | None:
    """Now, in nanoseconds, by the clock of the file system that ``path`` is on.

    That clock stamps what is written there; ours may differ from it. None where nothing can be
    written.
    """
    try:
        with tempfile.TemporaryFile(dir=path.absolute().parent) as file:
            file.write(b"now")
            file.flush()
            return os.fstat(file.fileno()).st_mtime_ns
    except OSError:
        return None
