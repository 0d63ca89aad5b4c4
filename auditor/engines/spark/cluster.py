"""The cluster: how it is reached, that it reckons as we need it, and how a job runs on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from auditor.engines.spark.rows import SCHEMA, Row, as_batches, rows_of

if TYPE_CHECKING:
    import pyarrow as pa

Task = TypeVar("Task")
Batches = Iterable[Any]
Onward = Callable[[Iterable[Row]], Iterator[Row]]

FORCED = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
}


@dataclass(frozen=True)
class Cluster:
    """An open session on a cluster. ``slots``: how many tasks it does at once, if known."""

    session: Any
    slots: int

    def run(
        self,
        first: Callable[[Task], Iterator[Row]],
        tasks: Sequence[Task],
        words: str,
        then: Sequence[tuple[Onward, int]] = (),
    ) -> Iterator[Row]:
        """The rows of all tasks; after each step of ``then``, those of it by their place.

        A step sees all rows of a place together, sorted by place, kind and turn; its number says in
        how many parts places are worked on.
        """
        frame = self.session.range(0, len(tasks), 1, len(tasks))
        frame = frame.mapInArrow(partial(_begun, first, tuple(tasks)), SCHEMA)
        for step, parts in then:
            frame = (
                frame.repartition(parts, "place")
                .sortWithinPartitions("place", "kind", "turn")
                .mapInArrow(partial(_gone_on, step), SCHEMA)
            )
        yield from rows_of(frame.toArrow().to_batches())


def _begun(
    first: Callable[[Task], Iterator[Row]], tasks: tuple[Task, ...], batches: Batches
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for number in batch.column(0).to_pylist():
            yield from as_batches(first(tasks[number]))


def _gone_on(step: Onward, batches: Batches) -> Iterator[pa.RecordBatch]:
    yield from as_batches(step(rows_of(batches)))
