"""The cluster: how a job runs on it, how far it is, and what to say when it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from auditor.engines.spark.failures import in_words
from auditor.engines.spark.rows import SCHEMA, Row, as_batches, rows_of
from auditor.engines.spark.shipping import check_digest

if TYPE_CHECKING:
    import pyarrow as pa

Task = TypeVar("Task")
Batches = Iterable[Any]
Onward = Callable[[Iterable[Row]], Iterator[Row]]
Told = Callable[[str, int, int], None]
"""Is told what is being done, and how many tasks of how many are done."""
LOOK_SECONDS = 0.5


class Runner(Protocol):
    """What runs jobs; ``slots`` is how many tasks it does at once, as far as that is known."""

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
        how many parts places are worked on. Raises AuditError where the job cannot be done.
        """


@dataclass
class Cluster:
    """An open session on a cluster. ``told`` hears how far a job is.

    ``code`` is the digest of the code that must be installed there; None where it was sent along.
    """

    session: Any
    slots: int
    is_remote: bool
    told: Told = lambda *_: None
    code: str | None = None
    _stages: dict[int, tuple[int, int]] = field(default_factory=dict)

    def run(
        self,
        first: Callable[[Task], Iterator[Row]],
        tasks: Sequence[Task],
        words: str,
        then: Sequence[tuple[Onward, int]] = (),
    ) -> Iterator[Row]:
        """See ``Runner``."""
        frame = self.session.range(0, len(tasks), 1, len(tasks))
        frame = frame.mapInArrow(partial(_begun, self.code, first, tuple(tasks)), SCHEMA)
        for step, parts in then:
            frame = (
                frame.repartition(parts, "place")
                .sortWithinPartitions("place", "kind", "turn")
                .mapInArrow(partial(_gone_on, step), SCHEMA)
            )
        yield from rows_of(self._done(frame, words).to_batches())

    def _done(self, frame: Any, words: str) -> pa.Table:
        """The result, when it is there; until then it is said how far the job is."""
        self._stages.clear()
        thread = ThreadPoolExecutor(1)
        result = thread.submit(frame.toArrow)
        try:
            with self._heard(words):
                while not wait((result,), LOOK_SECONDS).done:
                    self._look(words)
                return result.result()
        except Exception as error:
            raise in_words(error) from error
        except BaseException:  # interrupted, or told to end
            self._cancel()
            raise
        finally:
            thread.shutdown(wait=False)  # the end of the session ends what does not heed us

    @contextmanager
    def _heard(self, words: str) -> Iterator[None]:
        """A server tells by itself how far it is; elsewhere ``_look`` asks."""
        if not self.is_remote:
            yield
            return

        def heard(stages: Iterable[Any] | None, **_: Any) -> None:
            for stage in stages or ():
                self._stages[stage.stage_id] = stage.num_completed_tasks, stage.num_tasks
            self._tell(words)

        self.session.registerProgressHandler(heard)
        try:
            yield
        finally:
            self.session.removeProgressHandler(heard)

    def _look(self, words: str) -> None:
        if self.is_remote:
            return
        tracker = self.session.sparkContext.statusTracker()
        for number in tracker.getActiveStageIds():
            if stage := tracker.getStageInfo(number):
                self._stages[number] = stage.numCompletedTasks, stage.numTasks
        self._tell(words)

    def _tell(self, words: str) -> None:
        stages = tuple(self._stages.values())
        self.told(words, sum(done for done, _ in stages), sum(tasks for _, tasks in stages))

    def _cancel(self) -> None:
        """Have the cluster give up what it is at."""
        with suppress(Exception):
            if self.is_remote:
                self.session.interruptAll()
            else:
                self.session.sparkContext.cancelAllJobs()


def _begun(
    code: str | None,
    first: Callable[[Task], Iterator[Row]],
    tasks: tuple[Task, ...],
    batches: Batches,
) -> Iterator[pa.RecordBatch]:
    check_digest(code)
    for batch in batches:
        for number in batch.column(0).to_pylist():
            yield from as_batches(first(tasks[number]))


def _gone_on(step: Onward, batches: Batches) -> Iterator[pa.RecordBatch]:
    yield from as_batches(step(rows_of(batches)))
