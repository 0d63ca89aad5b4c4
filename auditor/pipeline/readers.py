"""Reads several sources at once, or parts of one, in other processes; hands them over in order.

Sources come in bundles, whose prompts are sampled together. Only reading is shared out: what a
worker sends back are the batches of ``reading``, and one process writes the store. So the result
cannot depend on how many there are. A worker that ends early, is killed or finds a broken file ends
the run, as it would here; workers end with the process that began them, however that ends.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, BinaryIO, Protocol, cast

from auditor.errors import AuditError
from auditor.pipeline.placing import Full, Placed, Ranks
from auditor.pipeline.reading import Batch, Manner, Part, Reader, Source, Work
from auditor.pipeline.workers import END, Worker, ended, few_collections, workers_begun

PART_BYTES = 16 << 20
WORTH_BYTES = 24 << 20
"""Less is read sooner than a process has begun."""
BATCHES_AHEAD = 6
MOST_WAITING = 8
"""Batches of a task that wait for the tasks before it."""


def cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


Opened = Iterator[tuple[Source, Iterator[Batch]]]
"""Each source and its batches, which must be taken before the next is asked for."""


class Readers(Protocol):
    """Those who read: this process, or several others."""

    def read(self, bundle: Sequence[Source], full: Full) -> Opened:
        """The sources, one after the other.

        ``full`` are the groups that take only smaller ranks. Raises what ``Reader.batches`` raises.
        """

    def placed(self) -> Iterator[Placed]:
        """What was sampled of the bundle, when it has been read, and not come with a batch."""


@contextmanager
def readers_of(sources: Sequence[Source], manner: Manner, jobs: int) -> Iterator[Readers]:
    """Who reads these sources soonest: ``jobs`` processes at most, or this one alone."""
    sizes = [source.file.size for source in sources if not source.is_table]
    fetched = any(source.file.origin is not None for source in sources)
    share = max(sum(sizes) // (2 * jobs), PART_BYTES)
    tasks = max(len(sizes), *(size // share for size in sizes), 0)
    with ExitStack() as stack:
        here = _Here(Reader(manner), is_ahead=jobs > 1)
        if min(jobs, tasks) < 2 or fetched or sum(sizes) < WORTH_BYTES:
            stack.enter_context(few_collections())
            yield here
        else:
            workers = stack.enter_context(workers_begun(manner, min(jobs, tasks)))
            yield _Desk(workers, share, here)


class _Here:
    """This process; with ``is_ahead`` another thread of it reads tables, ahead of the storing."""

    def __init__(self, reader: Reader, *, is_ahead: bool) -> None:
        self._reader = reader
        self._is_ahead = is_ahead

    def begin(self, full: Full) -> None:
        self._reader.placer.begin(full)

    def read(self, bundle: Sequence[Source], full: Full) -> Opened:
        self.begin(full)
        for source in bundle:
            yield source, self.batches(source)

    def batches(self, source: Source) -> Iterator[Batch]:
        batches = self._reader.batches(source)
        if self._is_ahead and source.is_table and source.file.size >= WORTH_BYTES:
            return _ahead(batches)
        return batches

    def placed(self) -> Iterator[Placed]:
        yield self._reader.placer.take()


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The batches, some of which are read while those before them are stored."""
    with ThreadPoolExecutor(1) as thread:
        begun = deque(thread.submit(next, batches, END) for _ in range(BATCHES_AHEAD))
        try:
            while (batch := begun.popleft().result()) is not END:
                begun.append(thread.submit(next, batches, END))
                yield batch
        finally:
            thread.shutdown(cancel_futures=True)


Task = tuple[Work, bool]
"""What is to be read, and whether it is the last of its source."""


def _tasks_of(sources: Iterable[Source], share: int) -> Iterator[Task]:
    """A source each; one that is more than its share, and can be, in parts. No tables."""
    for source in sources:
        if source.is_table:
            continue
        if source.format.by_line and source.file.size > share:
            yield from _parts_of(source)
        else:
            yield source, True


def _parts_of(source: Source) -> Iterator[Task]:
    """Runs of whole lines. The last is handed out when the whole is known to be what it was."""
    sizes: list[int] = []
    lines = 0
    with source.open(sizes.append) as stream:
        data = _lines(stream)
        while following := _lines(stream):
            yield Part(source, data, lines, sum(sizes)), False
            sizes.clear()
            lines += data.count(b"\n")
            data = following
    yield Part(source, data, lines, sum(sizes)), True


def _lines(stream: BinaryIO) -> bytes:
    return stream.read(PART_BYTES) + stream.readline()


@dataclass
class _Begun:
    """A task that was handed out, and what has come back of it: an error is the last of it.

    An error is raised when it is the task's turn: what comes before it is stored, as ever.
    """

    is_last: bool
    batches: deque[Batch | BaseException | None] = field(default_factory=deque)


class _Desk:
    """Hands tasks out in order, and keeps what comes back early. Tables are read here."""

    def __init__(self, workers: Sequence[Worker], share: int, here: _Here) -> None:
        self._workers = workers
        self._share = share
        self._here = here
        self._tasks: Iterator[Task] = iter(())
        self._ranks = Ranks({})
        self._begun: dict[int, _Begun] = {}
        self._next = 0

    def read(self, bundle: Sequence[Source], full: Full) -> Opened:
        self._tasks = _tasks_of(bundle, self._share)
        self._ranks = Ranks(full)
        self._tell("begin", full)
        self._here.begin(full)
        for source in bundle:
            yield source, self._here.batches(source) if source.is_table else self._batches()

    def placed(self) -> Iterator[Placed]:
        """Of all prompts that are held anywhere only those are cut that will be kept."""
        for ranks in self._ask("ranks"):
            self._ranks.add(ranks)
        yield from self._ask("take", self._ranks.least())
        yield from self._here.placed()

    def _tell(self, name: str, *given: Any) -> None:
        """Have each worker do that, without an answer."""
        for worker in self._workers:
            with suppress(OSError):  # it has ended: that is seen when it is asked for something
                worker.line.send((name, *given))

    def _ask(self, name: str, *given: Any) -> Iterator[Any]:
        """What each worker says to that; none of them is at a task."""
        self._tell(name, *given)
        for worker in self._workers:
            try:
                answer = worker.line.recv()
            except (EOFError, OSError):
                raise ended(worker) from None
            if isinstance(answer, BaseException):
                raise answer
            yield answer

    def _batches(self) -> Iterator[Batch]:
        """The batches of the next source."""
        while True:
            self._hand_out()
            task = min(self._begun)
            yield from self._batches_of(task)
            if self._begun.pop(task).is_last:
                return

    def _batches_of(self, task: int) -> Iterator[Batch]:
        mine = self._begun[task].batches
        while True:
            while not mine:
                self._receive(task)
            batch = mine.popleft()
            if batch is END:
                return
            if isinstance(batch, BaseException):
                raise batch
            yield batch

    def _hand_out(self) -> None:
        """A task to each worker that has none, as long as not too many wait to be taken."""
        for worker in self._workers:
            if worker.task is not None or len(self._begun) >= 2 * len(self._workers):
                continue
            try:
                task = next(self._tasks, None)
            except AuditError as error:  # the generator has ended with it
                self._begun[self._next] = _Begun(True, deque([error]))
                self._next += 1
                return
            if task is None:
                return
            work, is_last = task
            worker.task = self._next
            self._begun[self._next] = _Begun(is_last)
            self._next += 1
            try:
                worker.line.send(("batches", work))
            except OSError:
                self._lose(worker)

    def _receive(self, task: int) -> None:
        """What is there of any task that may still wait, at least one thing."""
        listening = {
            worker.line: worker
            for worker in self._workers
            if worker.task is not None
            and (worker.task == task or len(self._begun[worker.task].batches) < MOST_WAITING)
        }
        for line in wait(list(listening)):
            worker = listening[cast(Connection, line)]
            assert worker.task is not None
            try:
                what = worker.line.recv()
            except (EOFError, OSError):
                self._lose(worker)
                continue
            self._begun[worker.task].batches.append(what)
            if what is END or isinstance(what, BaseException):
                worker.task = None
            elif what.placed is not None:
                self._ranks.add(what.placed.heads)
        self._hand_out()

    def _lose(self, worker: Worker) -> None:
        """A worker that ended by itself."""
        assert worker.task is not None
        self._begun[worker.task].batches.append(ended(worker))
        self._workers = [other for other in self._workers if other is not worker]
