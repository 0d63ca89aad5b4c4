"""What the commands have in common: settings, price book, scenarios, the reading of logs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from auditor import config, finding, formats, pipeline, scenarios, secret, sources, terminal
from auditor.config import Allowance, Config
from auditor.errors import AuditError
from auditor.limits import Limits
from auditor.partitions import Pruning
from auditor.pipeline.counting import Gauge
from auditor.pipeline.elsewhere import Engine
from auditor.prices import Book
from auditor.reports import catalogue, files
from auditor.reports.figures import counted
from auditor.scenarios import Scenario
from auditor.session.known import book_of, formats_of, formats_when_asked
from auditor.sources import LogFile
from auditor.store import Store
from auditor.terminal import say
from auditor.workload import WORKLOAD_TAGS

SHOWN_REJECTS = 3
FILE_WIDTH = 160
DIMENSIONS = (
    "day",
    "month",
    "model",
    "requested_model",
    "endpoint",
    "tier",
    "source",
    "workload",
    "booking",
)


def dimensions_of(
    by: Iterable[str], most: int = pipeline.MAX_DIMENSIONS, option: str = "--by"
) -> tuple[str, ...]:
    """Dimensions as asked, at most so many; ``team`` and other plain words are tags."""
    names = tuple(dict.fromkeys(name for given in by for name in _parted(given)))
    if len(names) > most:
        raise AuditError(f"{option} names {len(names)} dimensions", hint=f"{most} are possible.")
    if any(not name or name == "tag:" for name in names):
        raise AuditError(
            f"{option} names nothing", hint=f"Give one of {', '.join(DIMENSIONS)}, or a tag."
        )
    return names


def format_named(known: Iterable[formats.Format], name: str | None) -> formats.Format | None:
    """The format that --as names; None where it names none. Raises AuditError for one unknown."""
    chosen = next((one for one in known if one.name == name), None)
    if name and chosen is None:
        raise AuditError(
            f"there is no format named {name}", hint="`audit show formats` lists them."
        )
    return chosen


def say_tags_of_nothing(by: Iterable[str], values: Iterable[Iterable[str | None]]) -> None:
    """Name the dimensions of which no call has a value: tags, perhaps not spelt as logged."""
    for name, found in zip(by, values, strict=True):
        if name not in DIMENSIONS and not any(value is not None for value in found):
            say(f"No call has the tag {name.removeprefix('tag:')}: is it spelt as logged?")


def _parted(given: str) -> list[str]:
    """``team,tag:user,model`` are three dimensions; a comma of a tag's name is ``\\,``."""
    return [name.replace(r"\,", ",") for name in re.split(r"(?<!\\),", given)]


def allowance_of(option: str, text: str | None, default: Allowance) -> Allowance:
    if text is None:
        return default
    try:
        return Allowance.read(text)
    except ValueError as error:
        raise AuditError(f"{option}: {error}", hint="Give a count, or a share of all.") from None


def own_files(settings: Config, db: Path | None, *given: Path) -> frozenset[Path]:
    """What belongs to the run itself: never a log, and never written over by a result."""
    store = (db, db.with_name(f"{db.name}.wal"), secret.beside(db)) if db else ()
    config = (Path(settings.file),) if settings.file else ()
    files = (*store, *config, *settings.prices, *settings.scenarios, *given)
    return frozenset(file.resolve() for file in files)


def question_of(
    settings: Config,
    prices: Iterable[Path],
    *,
    scenarios: tuple[Scenario, ...] = (),
    by: tuple[str, ...] = (),
    zone: str | None = None,
    from_date: date | None = None,
    to_date: date | None = None,
    assume_model: str | None = None,
) -> pipeline.Question:
    """What is asked of the calls, with the settings where the command line is silent."""
    return pipeline.Question(
        book=book_of(settings, prices),
        scenarios=scenarios,
        names=settings.models,
        zone=zone or settings.timezone,
        from_date=from_date,
        to_date=to_date,
        by=by,
        assume_model=assume_model,
    )


def check_not_stored(store: Store, *outputs: Path | None) -> None:
    """Refuse to write over a log that the store was filled from."""
    if not any(outputs):
        return
    stored = {row["sha256"] for row in store.rows("ingest/stored")}
    for output in outputs:
        if output and output.is_file() and LogFile(output, str(output)).sha256() in stored:
            raise AuditError(
                f"{output} is one of the logs in the store", hint="Write the result elsewhere."
            )


def check_period(from_date: date | None, to_date: date | None, end: str = "--to") -> None:
    """Refuse a period without a day; ``end`` is what the option of its end is called."""
    if from_date and to_date and from_date >= to_date:
        raise AuditError(
            f"--from {from_date} is not before {end} {to_date}",
            hint=f"{end} is the first day that is no longer in: 2023-09-01 for all of August.",
        )


def check_zone(store: Store, zone: str) -> None:
    """Refuse a time zone that nobody knows."""
    if not store.has_time_zone(zone):
        raise AuditError(
            f"{zone} is no time zone",
            hint="Give a name such as Europe/Berlin or UTC, with --tz or in audit.toml.",
        )


def check_output(output: Path, own: frozenset[Path]) -> None:
    """Refuse before the work is done what could not be written, or should not be."""
    if not output.absolute().parent.is_dir():
        raise AuditError(f"there is no folder {output.parent}", hint="Make it, or mend -o.")
    if output.resolve() in own:
        raise AuditError(
            f"-o {output} is the store or a file that this run reads",
            hint="Write the result elsewhere.",
        )


@contextmanager
def logs_in(
    logs: tuple[str, ...],
    exclude: tuple[str, ...],
    own: frozenset[Path],
    *outputs: Path | None,
    index: finding.Index | None = None,
    limits: Limits,
    pruning: Pruning | None = None,
) -> Iterator[tuple[LogFile, ...]]:
    """The files behind what the user named, standard input among them; none is an output.

    What ``index`` knows is not opened, what ``pruning`` leaves out is not read. An output that is a
    folder holds none of them.
    """
    pruning = pruning or Pruning()
    with ExitStack() as stack:
        named = (name for name in logs if name != sources.STDIN)
        behind = stack.enter_context(finding.behind(named, exclude, index, limits, pruning))
        ours = {str(path) for path in own}
        found = tuple(file for file in behind if file.place not in ours)
        for place in ours:
            pruning.left_out.pop(place, None)
        logs_found = {*(file.place for file in found), *pruning.left_out}
        for output in outputs:
            if output is not None:
                _check_no_log(output, logs_found)
        if sources.STDIN in logs:
            found = (*found, stack.enter_context(sources.standard_input(limits)))
        yield found


def _check_no_log(output: Path, logs: Iterable[str]) -> None:
    place = str(output.resolve())
    for log in logs:
        if log == place:
            raise AuditError(f"{output} is one of the logs", hint="Write the result elsewhere.")
        if log.startswith(f"{place}{os.sep}"):
            raise AuditError(
                f"{output} holds logs that are read", hint="Write the result elsewhere."
            )


def take_in(
    store: Store,
    logs: tuple[str, ...],
    settings: Config,
    book: Book,
    own: frozenset[Path],
    *outputs: Path | None,
    as_format: str | None,
    exclude: tuple[str, ...],
    assume_model: str | None,
    estimate: bool,
    keep_text: bool,
    keep_identities: bool = False,
    jobs: int | None = None,
    sampling: bool = True,
    shows_ids: bool = False,
    rehash: bool = False,
    engine: Engine | None = None,
    pruning: Pruning | None = None,
) -> pipeline.Ingested:
    """Read what the store does not hold yet, and say so. ``rehash`` trusts no stamp of a file.

    ``pruning`` leaves files of days outside the asked period out, unless the store holds sums.
    """
    # mappings are checked whatever is new
    checked = formats_of(settings) if as_format or settings.formats else None
    chosen = format_named(checked or (), as_format)
    gauge = Gauge(book, settings.models, assume_model=assume_model, estimate=estimate)

    def read(named: tuple[str, ...], pruning: Pruning | None) -> pipeline.Ingested:
        with ExitStack() as stack:
            digests = pipeline.Digests(store, trusting=not rehash)
            limits = settings.limits
            behind = logs_in(
                named, exclude, own, *outputs, index=digests, limits=limits, pruning=pruning
            )
            found = stack.enter_context(behind)
            on_bytes = None
            if engine is None:  # else it says itself how far it is
                size = sum(file.weight for file in found)
                on_bytes = stack.enter_context(terminal.progress(size))
            done = pipeline.ingest(
                store,
                found,
                checked or formats_when_asked(settings),
                gauge,
                chosen=chosen,
                keep_text=keep_text,
                keep_identities=keep_identities,
                workload_tags=settings.workload_tags or WORKLOAD_TAGS,
                sampling=sampling,
                shows_ids=shows_ids,
                jobs=jobs or pipeline.cores(),
                book=book,
                on_bytes=on_bytes,
                digests=digests,
                engine=engine,
            )
        _report(done)
        return done

    done = read(logs, pruning)
    if pruning is None or not pruning.left_out:
        return done
    left_out = counted(len(pruning.left_out), "file")
    if not store.rows("replay/sums")[0]["buckets"]:
        say(f"Left out {left_out}: the days of their folders lie outside the period.")
        return done
    # a bucket may reach beyond the period, and calls there decide whether it counts
    say(f"There are sums over many requests: {left_out} of days outside the period are read, too.")
    return read(tuple(name for name in logs if name != sources.STDIN), None)


def _report(done: pipeline.Ingested) -> None:
    duplicates = done.tally.records - done.calls
    say(
        f"Read {counted(done.sources, 'file')}: {counted(done.calls, 'new call')}, "
        f"{counted(duplicates, 'duplicate')}, {counted(done.tally.rejects, 'reject')}."
        + (f" {counted(done.already, 'file')} known already." if done.already else "")
    )
    if done.buckets:
        say(f"{counted(done.buckets, 'record')} of them: sums over many requests, no single calls.")
    if done.conflicts:
        say(
            f"{counted(done.conflicts, 'duplicate')} with other token counts than the call it "
            "repeats: the fuller reading stays."
        )
    for document in done.documents:
        say(f"Left out {document}: it is no log.")
    for copy, original in done.copies:
        say(f"{original} and {copy} are the same byte for byte: read once.")


def say_rejects(store: Store, db: Path | None, count: int) -> None:
    """The first rejects on standard error, and where the others are."""
    console = Console(stderr=True, highlight=False)
    catalogue.rejects(store, console, most=SHOWN_REJECTS)
    if db is not None:
        say(f"All rejects: `audit show rejects --db {db}`.")
    elif count > SHOWN_REJECTS:
        say("For all rejects keep a store with --db FILE, then `audit show rejects --db FILE`.")


def scenario_of(known: dict[str, Scenario], option: str, name: str) -> Scenario:
    """The scenario that an option names."""
    if name not in known:
        raise AuditError(
            f"{option}: there is no scenario named {name}",
            hint="`audit show scenarios` lists them.",
        )
    return known[name]


def share_of(option: str, text: str, most: int) -> Decimal:
    """The share that an option gives, up to ``most``."""
    try:
        return scenarios.read_share(text, Decimal(most))
    except ValueError as error:
        raise AuditError(
            f"{option}: {error}", hint="Give a share such as 0.25 or 25%, of six decimals at most."
        ) from None


def names_of(path: Path | None) -> dict[str, str]:
    """What the user calls workloads."""
    return config.load_names(path) if path is not None else {}


def put_out(
    output: Path | None, format_: str, render: terminal.Render, write: Callable[[], str | bytes]
) -> None:
    """A result to where it is to go: ``render`` draws it as a table, ``write`` makes the rest."""
    if format_ == "table" and output is None:
        terminal.show(render)
        return
    content = terminal.drawn(render, FILE_WIDTH) if format_ == "table" else write()
    if output is not None:
        files.write(output, content)
    elif isinstance(content, str):
        sys.stdout.buffer.write(content.encode("utf-8"))
        sys.stdout.buffer.flush()
