"""Processes that read: begun, told what to do, and ended with the one that began them."""

from __future__ import annotations

import gc
import multiprocessing
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from auditor.errors import AuditError
from auditor.pipeline.reading import Manner, Reader

ENDED = 128 + signal.SIGTERM
COLLECT_AFTER = 200_000
SIGNALS = (signal.SIGINT, signal.SIGTERM)
END = None
"""What is sent after the last batch of a task."""


@dataclass
class Worker:
    """A process that reads, and which task it is at."""

    process: BaseProcess
    line: Connection
    task: int | None = None


def ended(worker: Worker) -> AuditError:
    worker.process.join(1)
    return AuditError(
        f"a process that read logs ended by itself (exit code {worker.process.exitcode})",
        hint="It was killed, or memory ran out: try again with --jobs 1. What was stored is safe.",
    )


@contextmanager
def workers_begun(manner: Manner, jobs: int) -> Iterator[list[Worker]]:
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        workers = []
        for _ in range(jobs):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, manner), daemon=True)
            with _undisturbed():
                process.start()
            stack.callback(_end, process, ours)
            theirs.close()
            workers.append(Worker(process, ours))
        yield workers


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals wait until a process has begun: this one would leave it half begun.

    The other one is begun with them blocked (``_work``), so that it says nothing of them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told: list[int] = []
    before = {number: signal.signal(number, lambda *s: told.append(s[0])) for number in SIGNALS}
    if hasattr(signal, "pthread_sigmask"):
        # multiprocessing begins this with the first process, and then lets signals through
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        for one, handler in before.items():
            signal.signal(one, handler)
        for number in told:
            signal.raise_signal(number)


def _end(process: BaseProcess, line: Connection) -> None:
    line.close()
    process.terminate()
    process.join()


def _work(line: Connection, manner: Manner) -> None:
    """What a worker does until its line is cut."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began it will end it
    signal.signal(signal.SIGTERM, _told_to_end)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    try:
        reader = Reader(manner)
        with few_collections(), suppress(EOFError, OSError):
            while True:
                for what in _told(reader, *line.recv()):
                    line.send(what)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends as it is


def _told_to_end(*_: object) -> None:
    """Leave no file behind; once is enough."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(ENDED)


@contextmanager
def few_collections() -> Iterator[None]:
    """Python looks for garbage in cycles rarely: lines make much of what is soon free by itself.

    By its own measure it looks after every 700 objects: a quarter of the time of reading.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _told(reader: Reader, name: str, *given: Any) -> Iterator[Any]:
    """What is sent back: of ``begin`` nothing, of ``batches`` them and END, else the answer."""
    try:
        if name == "begin":
            reader.placer.begin(*given)
        elif name == "batches":
            yield from reader.batches(*given)
            yield END
        else:
            yield getattr(reader.placer, name)(*given)
    except AuditError as error:
        yield error
    except Exception as error:
        error.add_note(f"In a process that read logs:\n{traceback.format_exc()}")
        yield error
