"""What holds of whatever file is read: it ends, nothing breaks, every line is accounted for."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType

from auditor.errors import AuditError
from auditor.finding import find
from auditor.formats import Block, Format, Frame, recognise
from auditor.formats.times import END_OF_REACH, EPOCH
from auditor.pipeline import Ingested, ingest
from auditor.pipeline.counting import Gauge
from auditor.records import Call, Reading, Reject
from auditor.sources import LogFile
from auditor.store import Store
from helpers.runs import book

MOST_SECONDS = 20
ENDPOINTS = {"chat", "completion", "response", "embedding", "other"}
KEY = b"the key of these tests, no secret"


class HangsError(BaseException):
    """What was read took longer than anything so small may; no ``except Exception`` hides it."""


@contextmanager
def ends_in_time(seconds: float = MOST_SECONDS) -> Iterator[None]:
    """Raises HangsError where what is inside takes longer."""
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise HangsError(f"more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def read_soundly(format: Format, path: Path) -> list[Reading] | None:
    """What a format reads in a file, None where it refuses the whole of it with an AuditError.

    Both ways of reading are gone, and both must see the same lines alike.
    """
    with ends_in_time():
        return read_untimed(format, path)


def read_untimed(format: Format, path: Path) -> list[Reading] | None:
    """As ``read_soundly``, for who watches the time himself."""
    log = LogFile(path, path.name)
    try:
        with log.open() as stream:
            readings = list(format.read(log, stream))
    except AuditError as error:
        assert error.hint
        return None
    check_lines(format, log, readings)
    for reading in readings:
        check_reading(reading)
    if format.blocks is not None:
        check_blocks(format, log, readings)
    return readings


def read_as_recognised(path: Path, formats: tuple[Format, ...]) -> list[Reading] | None:
    """As ``read_soundly``, under the format that claims the file."""
    try:
        format = recognise(LogFile(path, path.name), formats)
    except AuditError as error:
        assert error.hint
        return None
    return read_soundly(format, path)


def check_lines(format: Format, log: LogFile, readings: list[Reading]) -> None:
    """Every line once, in order; of what has no lines every entry."""
    at = 1
    for reading in readings:
        assert reading.line == at, f"{reading} comes where line {at} was to come"
        assert reading.lines >= 1
        at += reading.lines
    if format.unit == "line":
        with log.open() as stream:
            lines = sum(1 for _ in stream)
        assert at - 1 == lines, f"{at - 1} of {lines} lines are accounted for"


def check_reading(reading: Reading) -> None:
    if isinstance(reading, Reject):
        assert reading.reason.strip()
        assert len(reading.head) <= 1_000
    if isinstance(reading, Call):
        check_call(reading)


def check_call(call: Call) -> None:
    """A call of which everything is of its type and in its range."""
    texts = (call.id, call.requested_model, call.served_model, call.problem, call.recorded_usd)
    assert all(text is None or isinstance(text, str) for text in texts), call
    assert isinstance(call.tier, str) and call.tier, call
    assert call.endpoint in ENDPOINTS
    assert call.called_at is None or (
        isinstance(call.called_at, datetime) and EPOCH <= call.called_at < END_OF_REACH
    )
    for name, value in call.tags.items():
        assert isinstance(name, str) and isinstance(value, str), call.tags
    if call.usage is not None:
        for meter in call.usage.__slots__:
            count = getattr(call.usage, meter)
            assert type(count) is int and 0 <= count <= 10**12, (meter, count)
    assert call.max_tokens is None or (type(call.max_tokens) is int and call.max_tokens >= 0)
    assert isinstance(call.fingerprint, str)


def check_blocks(format: Format, log: LogFile, readings: list[Reading]) -> None:
    """The quicker way sees a call, a reject and a line without one where the other does."""
    assert format.blocks is not None
    calls: list[int] = []
    others: list[Reading] = []
    with log.open() as stream:
        for found in format.blocks(log, stream):
            if isinstance(found, Block):
                calls += found.columns["line"]
            elif isinstance(found, Frame):
                calls += found.calls["line"].to_list()
            elif isinstance(found, Call):
                calls.append(found.line)
            else:
                others.append(found)
    assert sorted(calls) == [one.line for one in readings if isinstance(one, Call)]
    rest = [one for one in readings if not isinstance(one, Call)]
    assert sorted(others, key=lambda one: one.line) == rest


def ingest_soundly(
    store: Store,
    logs: Path,
    formats: tuple[Format, ...],
    *,
    chosen: Format | None = None,
    jobs: int = 1,
    keep_text: bool = False,
) -> Ingested | None:
    """What an ingest did, None where it refused with an AuditError; the store adds up after it."""
    with ends_in_time(5 * MOST_SECONDS):
        try:
            done = ingest(
                store,
                find([str(logs)]),
                formats,
                Gauge(book(), {}),
                chosen=chosen,
                jobs=jobs,
                keep_text=keep_text,
                keep_identities=True,
            )
        except AuditError as error:
            assert error.hint
            return None
    check_sums(store)
    return done


def check_sums(store: Store) -> None:
    """Lines = calls + duplicates + rejects + context, of each source and of all."""
    assert store.rows("checks/lines_add_up") == []


KEPT_WITH_TEXT = {"calls": "EXCLUDE (problem)", "rejects": "EXCLUDE (reason, head)"}


def in_full(store: Store) -> dict[str, list[str]]:
    """Every row of the tables that tell of a log, without what only a store with texts quotes."""
    return {
        table: sorted(
            map(
                repr,
                store._connection.execute(
                    f"SELECT * {KEPT_WITH_TEXT.get(table, '')} FROM {table}"
                ).fetchall(),
            )
        )
        for table in ("sources", "calls", "rejects", "buckets", "workloads", "heads", "parts")
    }
