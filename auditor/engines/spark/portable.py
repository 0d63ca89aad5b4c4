"""Log files on their way to another machine, which fetches what is in object storage itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import cast

from auditor.objects import Fetched
from auditor.sources import LogFile

Arrival = Callable[[LogFile], LogFile]
"""Makes of a file that was sent one that can be opened."""


def sent(file: LogFile) -> LogFile:
    """The file without what belongs to this process, which its folder does."""
    if file.origin is None:
        return replace(file, path=file.path.absolute())
    return replace(file, origin=replace(file.origin, cache=cast(Fetched, None)))


@contextmanager
def arriving() -> Iterator[Arrival]:
    """Opens what arrives; what was fetched is gone afterwards."""
    with ExitStack() as stack:
        fetched: Fetched | None = None  # opened where it is needed

        def arrive(file: LogFile) -> LogFile:
            nonlocal fetched
            if file.origin is None:
                return file
            fetched = fetched or stack.enter_context(Fetched.open())
            origin = replace(file.origin, cache=fetched)
            return replace(file, origin=origin, path=origin.path)

        yield arrive
