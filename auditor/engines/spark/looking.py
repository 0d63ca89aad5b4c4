"""The first look at sources: their digest, their format, and where they may be cut."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditor import containers
from auditor.compression import is_packed
from auditor.engines.spark.portable import arriving
from auditor.engines.spark.rows import BROKEN, Row, packed_all
from auditor.errors import AuditError, SourceError
from auditor.formats import Format, recognise
from auditor.pipeline.elsewhere import Looked, Split
from auditor.sources import LogFile

HEAD_BYTES = 1 << 20  # as much as `LogFile.open` sees when it judges


@dataclass(frozen=True, slots=True)
class Look:
    """What a task looks at. ``part_bytes``: so large are the parts of what may be cut."""

    files: tuple[tuple[int, LogFile], ...]
    formats: tuple[Format, ...]
    chosen: Format | None
    part_bytes: int


def look(task: Look) -> Iterator[Row]:
    """A row for each file: the members of an archive and what was seen, or the error."""
    with arriving() as arrive:
        for number, file in task.files:
            here = arrive(file)
            try:
                members = here.members() if here.seen is None and here.member is None else None
                parts = (here,) if members is None else tuple(here.as_parts(members))
                seen = [(part.member, _looked(part, task)) for part in parts]
                yield 0, "looked", number, packed_all(members, seen)
            except AuditError as error:
                yield 0, BROKEN, number, packed_all(error)


def _looked(file: LogFile, task: Look) -> Looked:
    digest, trace = file.digest_and_trace()
    format, error = task.chosen, None
    if format is None:
        try:
            format = recognise(file, task.formats)
        except SourceError as problem:
            error = problem
    splits: tuple[Split, ...] = ()
    if format is not None and format.by_line and file.size > task.part_bytes:
        splits = tuple(_splits(file, task.part_bytes))
    return Looked(digest, trace, format, error, splits)


def _splits(file: LogFile, part_bytes: int) -> Iterator[Split]:
    """Whole lines of a plain file, about ``part_bytes`` at a time; none where it is not plain."""
    if file.member is not None:
        return
    with file.readable(), file.on_disk() as path, path.open("rb") as raw:
        head = raw.read(HEAD_BYTES)
        if is_packed(head[:4]) or not containers.is_plain(head):
            return
        raw.seek(0)
        offset = lines = 0
        while data := raw.read(part_bytes):
            data += raw.readline()
            yield Split(offset, len(data), lines, digest_of(data))
            offset += len(data)
            lines += data.count(b"\n")


def digest_of(data: bytes) -> bytes:
    """What tells the bytes of a part from others."""
    return hashlib.blake2b(data, digest_size=16).digest()


def checked(file: LogFile, split: Split) -> bytes:
    """The bytes of a part. Raises SourceError when they are not what was looked at."""
    with file.readable(), file.on_disk() as path, path.open("rb") as raw:
        raw.seek(split.offset)
        data = raw.read(split.size)
    if digest_of(data) != split.digest:
        raise file.changed()
    return data


def bundled(sizes: Sequence[int], share: int, most: int) -> Iterator[range]:
    """Runs of neighbours of about ``share`` bytes each, of ``most`` at most."""
    begin = held = 0
    for n, size in enumerate(sizes):
        if n > begin and (held + size > share or n - begin >= most):
            yield range(begin, n)
            begin, held = n, 0
        held += size
    if begin < len(sizes):
        yield range(begin, len(sizes))
