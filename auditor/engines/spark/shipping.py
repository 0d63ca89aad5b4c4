"""This very code as a file for the machines of a cluster, so that all run the same."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from auditor import leftovers, sql

NAME = "auditor"
LEFT_OUT = ("__pycache__", "queries")


@contextmanager
def package_file() -> Iterator[Path]:
    """A zip file of the package, queries included, there as long as the context is open."""
    with leftovers.elsewhere() as folder:
        path = folder / f"{NAME}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            _add(archive, files(NAME), NAME, LEFT_OUT)
            _add(archive, sql.folder(), f"{NAME}/queries", ())
        yield path


def _add(
    archive: zipfile.ZipFile, folder: Traversable, name: str, left_out: tuple[str, ...]
) -> None:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        inside = f"{name}/{item.name}"
        if item.name in left_out:
            continue
        if item.is_dir():
            _add(archive, item, inside, left_out)
        else:
            archive.writestr(inside, item.read_bytes())
