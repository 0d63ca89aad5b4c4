"""What replays need of the calls of a day, added up as soon as they are read (``day_cells``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from auditor.prices import Book
from auditor.scenarios.card import Staircase, edges_of
from auditor.store import Store

WHOLE_DAYS: Mapping[str, Any] = {
    "from_date": None,
    "to_date": None,
    "zone": "UTC",
    "extra": "",
    "in_quarters": False,
}
"""How ``replay/added_calls`` is asked for what is added up when calls are read."""


def add_up_new(store: Store, book: Book | None) -> None:
    """Add up, by the windows of ``book``, the stored calls that are not added up.

    A store in memory is asked once as a rule, and looks at its calls.
    """
    if store.path is None:
        return
    state = store.rows("replay/day_cells")
    if not state or not state[0]["are_whole"]:
        with store.transaction():
            _add_up(store, book)


def _add_up(store: Store, book: Book | None) -> None:
    edges = edges_in(book)
    store.run("ingest/begin_day_cells", **edges)
    sources = [row["source_id"] for row in store.rows("ingest/unsummed")]
    store.run("replay/added_calls", **WHOLE_DAYS, **edges, sources=sources)
    store.run("ingest/add_day_cells", sources=sources)


def edges_in(book: Book | None) -> dict[str, list[int]]:
    """The edges by which calls are told apart that are added up, as queries want them."""
    windows, thresholds = edges_of(book) if book else (Staircase(()), Staircase(()))
    return {"windows": windows.padded, "thresholds": thresholds.padded}


def are_added_up(store: Store, windows: Iterable[int], thresholds: Iterable[int]) -> bool:
    """Whether all stored calls are added up, and by these edges among others."""
    return any(
        row["are_whole"]
        and set(windows) <= set(row["windows"])
        and set(thresholds) <= set(row["thresholds"])
        for row in store.rows("replay/day_cells")
    )
