"""Finds log files: behind paths, folders, patterns and addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from glob import glob, has_magic
from pathlib import Path
from typing import Protocol

from auditor import objects, walking
from auditor.errors import SourceError
from auditor.limits import Limits
from auditor.objects import Fetched
from auditor.partitions import Pruning
from auditor.sources import LogFile, Members, cannot_read, is_excluded, remote_log
from auditor.walking import Seen


class Index(Protocol):
    """What is known of files that are as they were when they were last read."""

    def members_of(self, seen: Seen) -> tuple[Members | None] | None:
        """What is in a file, in a tuple (None: it is no archive); None when it must be opened."""

    def found(self, seen: Seen, members: Members | None) -> None:
        """Take note of what is in a file."""


@contextmanager
def behind(
    named: Iterable[str],
    exclude: Iterable[str] = (),
    index: Index | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    pruning: Pruning | None = None,
) -> Iterator[tuple[LogFile, ...]]:
    """What ``find`` finds, addresses of object storage among the names.

    Objects are fetched when they are read, and gone from this machine afterwards. A zip archive
    among them is one file here: see ``LogFile.parts``.
    """
    names, patterns = tuple(named), tuple(exclude)
    with ExitStack() as stack:
        fetched = None
        if any(map(objects.is_address, names)):
            fetched = stack.enter_context(objects.Fetched.open())
        yield find(names, patterns, fetched, index, limits, pruning)


def find(
    named: Iterable[str],
    exclude: Iterable[str] = (),
    fetched: Fetched | None = None,
    index: Index | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    pruning: Pruning | None = None,
) -> tuple[LogFile, ...]:
    """The files behind paths, folders (recursive) and globs, sorted by name, each path once.

    Hidden files, empty files and what ``exclude`` matches (globs on the name or the last part of
    it) are left out. Files that would be called the same are called by the path that the user
    gave. Raises SourceError for a path that is not there or no regular file, a folder without
    files or that cannot be listed, and when all files are excluded. ``fetched`` finds the objects
    behind addresses. What ``index`` knows of is not opened, nor what ``pruning`` leaves out.
    ``limits`` hold when they are read.
    """
    patterns, pruning = tuple(exclude), pruning or Pruning()
    found: dict[tuple[str, str | None], LogFile] = {}
    excluded = ""
    for name in named:
        if fetched is not None and objects.is_address(name):
            files = (remote_log(one, limits) for one in fetched.find(name, patterns))
        else:
            files = (replace(file, limits=limits) for file in _behind(name))
        for file in _read_of(files, patterns, index, pruning):
            if is_excluded(file, patterns):
                excluded = name
            else:
                place = _regular(file.seen, file.name).place if file.seen else str(file.path)
                found.setdefault((place, file.member), file)
    if excluded and not found and not pruning.left_out:
        raise SourceError(
            excluded,
            None,
            "all files here are excluded",
            hint="Check the patterns of --exclude.",
        )
    for place, _ in found:  # by another path, perhaps
        pruning.left_out.pop(place, None)
    told_apart = _told_apart(found.values(), pruning.left_out.values())
    return tuple(sorted(told_apart, key=lambda file: (file.name, str(file.path))))


def _read_of(
    files: Iterable[LogFile], patterns: tuple[str, ...], index: Index | None, pruning: Pruning
) -> Iterator[LogFile]:
    """The files, or what their archives hold, without those of days outside the period."""
    for file in files:
        if file.origin is not None:
            path, place = file.origin.address.key, str(file.path)
        else:
            path, place = file.path.as_posix(), file.place
        if is_excluded(file, patterns) or not pruning.leaves_out(path, place, file.name):
            yield from (file,) if file.origin is not None else _parts(file, index)


def _parts(file: LogFile, index: Index | None) -> Iterable[LogFile]:
    """A file on disk, or what its archive holds; opened to see only where nobody knows."""
    seen = file.seen
    known = index.members_of(seen) if index and seen else None
    members = known[0] if known else file.members()
    if index and seen and not known:
        index.found(seen, members)
    return (file,) if members is None else file.as_parts(members)


def _regular(seen: Seen, name: str) -> Seen:
    if not seen.is_regular:
        raise SourceError(
            name,
            None,
            "is no regular file but a link to nothing, a pipe or a device",
            hint="Leave it out with --exclude; a stream can come on standard input, as `-`.",
        )
    return seen


def _told_apart(files: Iterable[LogFile], others: Iterable[str]) -> Iterator[LogFile]:
    """The files, those with the same name under the paths that the user gave.

    ``others`` are names of files that are not read: a period changes no name.
    """
    files = tuple(files)
    times = Counter((*(file.name for file in files), *others))
    for file in files:
        yield file if times[file.name] == 1 else _by_path(file)


def _by_path(file: LogFile) -> LogFile:
    path = file.path.as_posix()
    return replace(file, name=f"{path}/{file.member}" if file.member else path)


def _behind(name: str) -> Iterator[LogFile]:
    path = Path(name)
    if path.is_dir():
        files = list(_below(path, path.resolve().name))
    elif path.exists():
        files = [_at(path)]
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


def _below(folder: Path, name: str) -> Iterator[LogFile]:
    """The files in a folder and in the folders it holds or links to, each folder once."""
    prefix = f"{name}/" if name else ""
    try:
        for path, inside, seen in walking.below(folder, _cannot_list):
            yield LogFile(Path(path), prefix + inside, seen=seen)
    except OSError as error:
        raise cannot_read(str(error.filename), error) from error


def _cannot_list(error: OSError) -> None:
    raise SourceError(
        str(error.filename),
        None,
        f"cannot be listed: {error.strerror}",
        hint="Check the permissions of the folder.",
    ) from error


def _at(path: Path) -> LogFile:
    """The file at a path that was named itself."""
    name = _own_name(path)
    try:
        return LogFile(path, name, seen=walking.seen_at(str(path)))
    except OSError as error:
        raise cannot_read(name, error) from error


def _matching(pattern: str) -> Iterator[LogFile]:
    """Files that match, and what lies in the folders that match."""
    for hit in (Path(hit) for hit in sorted(glob(pattern, recursive=True))):  # noqa: PTH207
        if hit.is_dir():
            yield from _below(hit, hit.name)
        elif not hit.name.startswith("."):
            file = _at(hit)
            if file.seen and (file.seen.size or not file.seen.is_regular):
                yield file


def _own_name(path: Path) -> str:
    """What a file that was named itself is called: with its folder, where that was named too."""
    return "/".join(part for part in path.parts[-2:] if part not in ("/", "\\", ".."))
