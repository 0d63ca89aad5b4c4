"""This very code as a file for the machines of a cluster, so that all run the same."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from auditor import leftovers, sql

NAME = "auditor"
LEFT_OUT = ("__pycache__", "queries")


OTHER_CODE = "the code of audit that is installed there is another"


@contextmanager
def package_file() -> Iterator[Path]:
    """A zip file of the package, queries included, there as long as the context is open."""
    with leftovers.elsewhere() as folder:
        path = folder / f"{NAME}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in _package():
                archive.writestr(name, data)
        yield path


@cache
def digest() -> str:
    """What tells this code from others."""
    found = hashlib.sha256()
    for name, data in _package():
        found.update(f"{len(name)} {name} {len(data)} ".encode() + data)
    return found.hexdigest()


def check_digest(expected: str | None) -> None:
    """Raise RuntimeError where this is not the code that is expected; None: it was sent along."""
    if expected is not None and expected != digest():
        raise RuntimeError(OTHER_CODE)


def _package() -> Iterator[tuple[str, bytes]]:
    yield from _files(files(NAME), NAME, LEFT_OUT)
    yield from _files(sql.folder(), f"{NAME}/queries", ())


def _files(
    folder: Traversable, name: str, left_out: tuple[str, ...]
) -> Iterator[tuple[str, bytes]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        inside = f"{name}/{item.name}"
        if item.name in left_out:
            continue
        if item.is_dir():
            yield from _files(item, inside, left_out)
        else:
            yield inside, item.read_bytes()
