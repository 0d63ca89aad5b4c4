"""Reads several sources at once, each in a process of its own, and hands them over in order.

Only reading is shared out: what a worker sends back are the batches of ``reading``, and one process
writes the store. So the result cannot depend on how many there are. A worker that ends early, is
killed or finds a broken file ends the run, as it would here; workers end with the process that
began them, however that ends.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, cast

from auditor.errors import AuditError
from auditor.pipeline.placing import Full
from auditor.pipeline.reading import Batch, Manner, Reader, Source

WORTH_BYTES = 24 << 20
"""Less is read sooner than a process has begun."""
MOST_WAITING = 8
"""Batches of a source that wait for the sources before it."""

FullGroups = Callable[[], Full]
END = None


def read_in_order(
    sources: Sequence[Source], manner: Manner, jobs: int, full: FullGroups
) -> Generator[tuple[Source, Iterator[Batch]], None, None]:
    """Each source and its batches, which must be taken before the next is asked for.

    ``jobs`` processes read at most; this one alone where that is soonest. ``full`` is asked when a
    source is begun. Raises what ``Reader.batches`` raises.
    """
    jobs = min(jobs, len(sources))
    here = [source for source in sources if source.file.origin is not None]
    if jobs < 2 or here or sum(source.file.size for source in sources) < WORTH_BYTES:
        reader = Reader(manner)
        for source in sources:
            yield source, reader.batches(source, full())
        return
    with _workers(manner, jobs) as workers:
        desk = _Desk(sources, workers, full)
        for place, source in enumerate(sources):
            yield source, desk.batches(place)


@dataclass
class _Worker:
    """A process that reads, and which source it is at."""

    process: BaseProcess
    line: Connection
    place: int | None = None


@dataclass
class _Desk:
    """Hands sources out in order, and keeps what comes back early."""

    sources: Sequence[Source]
    workers: Sequence[_Worker]
    full: FullGroups
    begun: int = 0
    arrived: dict[int, deque[Batch | None]] = field(default_factory=dict)

    def batches(self, place: int) -> Iterator[Batch]:
        """The batches of the source at that place."""
        while True:
            self._hand_out()
            mine = self.arrived[place]
            while not mine:
                self._receive(place)
            batch = mine.popleft()
            if batch is END:
                del self.arrived[place]
                return
            yield batch

    def _hand_out(self) -> None:
        for worker in self.workers:
            if worker.place is None and self.begun < len(self.sources):
                worker.place = self.begun
                self.arrived[worker.place] = deque()
                _send(worker, (self.sources[worker.place], self.full()))
                self.begun += 1

    def _receive(self, place: int) -> None:
        """What is there of any source that may still wait, at least one thing."""
        listening = {
            worker.line: worker
            for worker in self.workers
            if worker.place is not None
            and (worker.place == place or len(self.arrived[worker.place]) < MOST_WAITING)
        }
        for line in wait(list(listening)):
            worker = listening[cast(Connection, line)]
            assert worker.place is not None
            try:
                what = worker.line.recv()
            except (EOFError, OSError):
                raise _ended(worker) from None
            if isinstance(what, BaseException):
                raise what
            self.arrived[worker.place].append(what)
            if what is END:
                worker.place = None
        self._hand_out()


def _send(worker: _Worker, what: object) -> None:
    try:
        worker.line.send(what)
    except OSError:
        raise _ended(worker) from None


def _ended(worker: _Worker) -> AuditError:
    worker.process.join(1)
    return AuditError(
        f"a process that read logs ended by itself (exit code {worker.process.exitcode})",
        hint="It was killed, or memory ran out: try again with --jobs 1. What was stored is safe.",
    )


@contextmanager
def _workers(manner: Manner, jobs: int) -> Iterator[list[_Worker]]:
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        workers = []
        for _ in range(jobs):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, manner), daemon=True)
            process.start()
            stack.callback(_end, process, ours)
            theirs.close()
            workers.append(_Worker(process, ours))
        yield workers


def _end(process: BaseProcess, line: Connection) -> None:
    line.close()
    process.terminate()
    process.join()


def _work(line: Connection, manner: Manner) -> None:
    """What a worker does until its line is cut."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that began it will end it
    reader = Reader(manner)
    try:
        while True:
            source, full = line.recv()
            for what in _told(reader, source, full):
                line.send(what)
    except (EOFError, OSError):
        return


def _told(reader: Reader, source: Source, full: Full) -> Iterator[Any]:
    try:
        yield from reader.batches(source, full)
    except AuditError as error:
        yield error
    else:
        yield END
