"""What replays need of the calls of a day, added up as soon as they are read (``day_cells``)."""

from __future__ import annotations

from collections.abc import Iterable

from auditor.prices import Book
from auditor.scenarios.card import Staircase, edges_of
from auditor.store import Store


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
    windows, thresholds = edges_of(book) if book else (Staircase(()), Staircase(()))
    edges = {"windows": windows.padded, "thresholds": thresholds.padded}
    store.run("ingest/begin_day_cells", **edges)
    sources = [row["source_id"] for row in store.rows("ingest/unsummed")]
    store.run(
        "replay/added_calls",
        **edges,
        sources=sources,
        from_date=None,
        to_date=None,
        zone="UTC",
        extra="",
        in_quarters=False,
    )
    store.run("ingest/add_day_cells", sources=sources)


def are_added_up(store: Store, windows: Iterable[int], thresholds: Iterable[int]) -> bool:
    """Whether all stored calls are added up, and by these edges among others."""
    return any(
        row["are_whole"]
        and set(windows) <= set(row["windows"])
        and set(thresholds) <= set(row["thresholds"])
        for row in store.rows("replay/day_cells")
    )
