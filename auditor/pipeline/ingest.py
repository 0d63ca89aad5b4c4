"""Ingest: files to calls, a bundle of sources in one transaction, each call once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import polars as pl

from auditor.errors import AuditError, SourceError, StoreError
from auditor.formats import Format, recognise
from auditor.pipeline.booking import Booking
from auditor.pipeline.days import add_up_new
from auditor.pipeline.digests import Digests
from auditor.pipeline.elsewhere import BrokenSourceError, Engine, Looks, check_place
from auditor.pipeline.ingested import Ingested
from auditor.pipeline.keeping import Traced, check_keeping
from auditor.pipeline.placing import full_groups, merge_placed
from auditor.pipeline.readers import WORTH_BYTES, Readers, readers_of
from auditor.pipeline.reading import Batch, Gauge, Manner, Source, Tally
from auditor.prices import Book
from auditor.records import clean
from auditor.sources import LogFile
from auditor.store import Store
from auditor.workload import WORKLOAD_TAGS

CALLS_AT_ONCE = 4 * 122_880
"""Row groups of the store: with less than one at a time, all is written twice."""
BYTES_AT_ONCE = 1 << 28
MANY_CALLS = 20_000
"""A source that has so many goes straight into the store (see ``ingest/stage``)."""
BUNDLE_BYTES, BUNDLE_SOURCES = 1 << 30, 64
"""What one transaction takes in at most (or one larger source): some ten seconds of work."""


def ingest(
    store: Store,
    files: Iterable[LogFile],
    formats: Iterable[Format],
    gauge: Gauge,
    *,
    chosen: Format | None = None,
    keep_text: bool = False,
    keep_identities: bool = False,
    workload_tags: Iterable[str] = WORKLOAD_TAGS,
    sampling: bool = True,
    shows_ids: bool = False,
    jobs: int = 1,
    on_bytes: Callable[[int], None] | None = None,
    digests: Digests | None = None,
    book: Book | None = None,
    engine: Engine | None = None,
) -> Ingested:
    """Read what the store does not hold yet. Every file is wholly in afterwards, or not at all.

    ``chosen`` is the format of every file, as the user said. ``sampling`` keeps hashes of prompts,
    which only fine-tuning asks for. ``shows_ids``: ids of calls leave a store in memory, so nobody
    may guess what they are made of. ``jobs`` processes read at most, with the same result whatever
    their number. ``on_bytes`` is told the bytes dealt with. ``digests`` are those of files that
    need not be read to know them. ``keep_identities`` stores names of users and the like as logged,
    else as pseudonyms; a store goes on as it was begun. ``book`` says by which windows calls are
    told apart that are added up for replays.
    ``engine`` reads in place of this process. Raises SourceError, before anything is stored, when a
    file is of no known format; while reading, when one is broken. What was stored before stays.
    Raises StoreError when the store was begun otherwise than ``keep_identities`` says.
    """
    told = on_bytes or (lambda _: None)
    done = Ingested()
    check_keeping(store, keep_identities)
    check_place(store, engine)
    booking = Booking(store)
    digests = digests or Digests(store)
    traced = Traced(store)
    files = tuple(files)
    looks = Looks()
    if engine is not None:
        formats = tuple(formats)
        looks = engine.look(_unknown(files, booking, digests), formats, chosen)
        traced.take(looks)
    new = list(_not_yet_stored(store, files, done, booking, digests, jobs, told, traced, looks))
    digests.keep()
    planned = [
        Source(file, digest, format, digests.holds(file))
        for file, digest, format in _recognised(new, formats, chosen, done, looks)
    ]
    manner = Manner(
        gauge,
        store.hash_key,
        tuple(workload_tags),
        sampling,
        keep_text,
        keep_identities,
        secret_of_names=traced.key,
        secret_of_ids=traced.key if shows_ids else store.hash_key,
    )
    if engine is None:
        _take_in_all(store, planned, manner, jobs, booking, done, told)
    else:
        _take_in_elsewhere(store, engine, planned, looks, manner, book, booking, done, told)
    if planned:
        with store.transaction():
            store.run("ingest/tidy")
    add_up_new(store, book)
    booking.end()
    return done


def _take_in_all(
    store: Store,
    planned: Sequence[Source],
    manner: Manner,
    jobs: int,
    booking: Booking,
    done: Ingested,
    told: Callable[[int], None],
) -> None:
    """Bring all into the store. If one cannot be read those before it are, and its error rises."""
    with readers_of(planned, manner, jobs) as readers:
        for bundle in _bundles(planned):
            brought = Ingested()
            try:
                with store.transaction():
                    store.run("ingest/decide_keeping", identities=manner.keep_identities)
                    _take_in_bundle(store, bundle, readers, booking, brought, told)
            except StoreError:
                raise
            except AuditError as error:
                whole, failed = bundle[: brought.sources], error
                break
            done.add(brought)
        else:
            return
    if whole:
        _take_in_all(store, whole, manner, jobs, booking, done, lambda _: None)
    raise _with_count(failed, store, done)


def _with_count(failed: AuditError, store: Store, done: Ingested) -> AuditError:
    """The error, with what of this run is stored."""
    if done.sources and store.path is not None:
        failed.hint += f" Of this run {done.sources:,} before it are stored, none after it."
    return failed


def _take_in_elsewhere(
    store: Store,
    engine: Engine,
    planned: Sequence[Source],
    looks: Looks,
    manner: Manner,
    book: Book | None,
    booking: Booking,
    done: Ingested,
    told: Callable[[int], None],
) -> None:
    """The same as ``_take_in_all`` on other machines, all sources at once."""
    if not planned:
        return
    try:
        brought = engine.take_in(store, planned, looks, manner, book, told, booking.stored)
    except BrokenSourceError as broken:
        whole = planned[: broken.before]
        _take_in_elsewhere(store, engine, whole, looks, manner, book, booking, done, lambda _: None)
        raise _with_count(broken.error, store, done) from None
    done.add(brought)


def _bundles(sources: Iterable[Source]) -> Iterator[list[Source]]:
    """Sources that are taken in together. What was fetched stands alone, so as to be kept soon."""
    bundle: list[Source] = []
    size = 0
    for source in sources:
        size += source.file.size
        is_full = size > BUNDLE_BYTES or len(bundle) >= BUNDLE_SOURCES
        if bundle and (is_full or source.file.origin is not None):
            yield bundle
            bundle, size = [], source.file.size
        bundle.append(source)
    if bundle:
        yield bundle


def _take_in_bundle(
    store: Store,
    bundle: Sequence[Source],
    readers: Readers,
    booking: Booking,
    brought: Ingested,
    told: Callable[[int], None],
) -> None:
    """Bring some sources and what was sampled of them in, in the transaction that is open."""
    next_id = store.rows("ingest/next_source")[0]["source_id"]
    store.run("ingest/begin_heads")
    reading = readers.read(bundle, full_groups(store))
    for source_id, (source, batches) in enumerate(reading, next_id):
        _take_in(store, source_id, source, batches, brought, told)
        booking.stored(source.sha256)
    for placed in readers.placed():
        placed.stage(store)
    merge_placed(store)


def _take_in(
    store: Store,
    source_id: int,
    source: Source,
    batches: Iterator[Batch],
    done: Ingested,
    told: Callable[[int], None],
) -> None:
    """Bring one source into the store, in the transaction that is open."""
    store.run("ingest/begin")
    tally, sums = Tally(), []
    waiting: list[Batch] = []
    are_many = False
    for batch in batches:
        waiting.append(batch)
        if _are_enough(waiting):
            are_many = True
            _stage(store, source_id, waiting, are_many=are_many)
            waiting = []
        tally.add(batch.tally)
        sums.append(batch.buckets)
        told(batch.size)
    are_many = are_many or _calls_in(waiting) >= MANY_CALLS
    _stage(store, source_id, waiting, are_many=are_many)
    buckets = pl.concat(sums)
    named = {"source_id": source_id, "sha256": source.sha256, "name": clean(source.file.name)}
    if are_many:
        store.run("ingest/take_back", source_id=source_id)
    merge(store, buckets, **named)
    store.run(
        "ingest/finish",
        **named,
        format=source.format.name,
        bytes=source.file.weight,  # as it was found: it may be gone by now
        **asdict(tally),
    )
    arrived = store.rows("ingest/arrived", source_id=source_id)[0]
    if arrived["improved"]:
        store.run("ingest/give_way")
    done.sources += 1
    done.buckets += buckets.height
    done.calls += arrived["calls"] - arrived["improved"]
    done.conflicts += arrived["conflicts"]
    done.tally.add(tally)


def merge(store: Store, buckets: pl.DataFrame, *, source_id: int, sha256: str, name: str) -> None:
    """Bring what is staged of one source among the calls, each once, and say which are sums."""
    store.run("ingest/name_rows")
    store.run("ingest/superseded", name=name, sha256=sha256)
    shares = store.rows("ingest/shares")[0]
    if shares["any_stored"]:  # most often not, and each statement takes its time
        store.run("ingest/merge_superseded", source_id=source_id)
    store.run("ingest/merge", source_id=source_id)
    if buckets.height:
        store.show("batch_buckets", buckets)
        store.run("ingest/merge_buckets", source_id=source_id)


def _are_enough(batches: list[Batch]) -> bool:
    """Whether so many calls wait that they should be stored, or so many bytes of them."""
    size = sum(batch.calls.estimated_size() for batch in batches)
    return _calls_in(batches) >= CALLS_AT_ONCE or size >= BYTES_AT_ONCE


def _calls_in(batches: Iterable[Batch]) -> int:
    return sum(batch.calls.height for batch in batches)


def _stage(store: Store, source_id: int, batches: list[Batch], *, are_many: bool) -> None:
    if not batches:
        return
    store.show("batch_calls", pl.concat([batch.calls for batch in batches]))
    store.show("batch_rejects", pl.concat([batch.rejects for batch in batches]))
    store.run("ingest/batch_rows")
    store.run("ingest/stage", source_id=source_id, are_many=are_many)
    for batch in batches:
        if batch.placed is not None:
            batch.placed.stage(store)


def _not_yet_stored(
    store: Store,
    files: Iterable[LogFile],
    done: Ingested,
    booking: Booking,
    digests: Digests,
    jobs: int,
    told: Callable[[int], None],
    traced: Traced,
    looks: Looks,
) -> Iterator[tuple[LogFile, str]]:
    files = tuple(files)
    unhashed = [file for file in files if not digests.holds(file) and looks.of(file) is None]
    read = _all_hashed(unhashed, jobs, traced)
    stored = {row["sha256"] for row in store.rows("ingest/stored")}
    seen: dict[str, str] = {}
    for whole in files:
        held = booking.sources_of(whole)
        if held is not None:  # an object that is as it was when all of it was stored
            done.already += held
            told(whole.size)
            continue
        parts = [(file, digests.digest_of(file, read)) for file in looks.parts(whole)]
        booking.begin(whole, parts, stored)
        for file, digest in parts:
            if digest in seen:
                done.copies.append((file.name, seen[digest]))
            elif digest in stored:
                done.already += 1
            else:
                yield file, digest
            if digest in seen or digest in stored:
                told(file.weight)
            seen.setdefault(digest, file.name)


def _unknown(files: Iterable[LogFile], booking: Booking, digests: Digests) -> list[LogFile]:
    """Those of which the store cannot tell without a look what is in them."""
    new = (file for file in files if not digests.holds(file))
    return [file for file in new if booking.sources_of(file) is None]


def _all_hashed(
    files: Iterable[LogFile], jobs: int, digest_of: Callable[[LogFile], str]
) -> Callable[[LogFile], str]:
    """What says the digest of each: read by several threads at once, where that is worth it."""
    local = {(file.path, file.member): file for file in files if file.origin is None}
    if jobs < 2 or sum(file.weight for file in local.values()) < WORTH_BYTES:
        return digest_of
    with ThreadPoolExecutor(jobs) as pool:
        found = dict(zip(local, pool.map(digest_of, local.values()), strict=True))
    return lambda file: found.get((file.path, file.member)) or digest_of(file)


def _recognised(
    new: list[tuple[LogFile, str]],
    formats: Iterable[Format],
    chosen: Format | None,
    done: Ingested,
    looks: Looks,
) -> list[tuple[LogFile, str, Format]]:
    planned, errors = [], []
    known = tuple(formats) if new and not chosen and not looks.files else ()
    for file, digest in new:
        seen = looks.of(file)
        try:
            if seen is not None and seen.error is not None:
                raise seen.error
            found = seen.format if seen is not None else None
            planned.append((file, digest, chosen or found or recognise(file, known or formats)))
        except SourceError as error:
            if file.is_document and (len(new) > 1 or done.already):
                done.documents.append(file.name)
            else:
                errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        listed = "".join(f"\n  {error}" for error in errors)
        raise AuditError(
            f"{len(errors)} files cannot be read as logs:{listed}", hint=errors[0].hint
        )
    return planned
