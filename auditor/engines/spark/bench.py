"""What a task works with: a store of its own in memory, on one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from auditor.store import Store


@contextmanager
def bench() -> Iterator[Store]:
    """An empty store for one task: of the others on its machine each has its own."""
    with Store.open(None) as store:
        store.run("spread/one_thread")
        yield store
