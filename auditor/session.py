"""One run of a command: settings together, store open, result shown. Between cli and pipeline."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from auditor import config, formats, pipeline, scenarios, sources, terminal
from auditor.config import Allowance, Config
from auditor.errors import AuditError, ConfigError
from auditor.formats.mapped import from_mapping
from auditor.pipeline.counting import Gauge
from auditor.prices import Book, open_book
from auditor.reports import catalogue, explanation, files, table
from auditor.reports.figures import counted
from auditor.scenarios import Scenario
from auditor.store import Store
from auditor.terminal import say

FILE_WIDTH = 160
SHOWN_REJECTS = 3
DIMENSIONS = ("day", "month", "model", "requested_model", "endpoint", "tier", "source")


def replay(
    logs: tuple[str, ...],
    db: Path | None,
    *,
    config: Path | None,
    wanted: tuple[str, ...],
    scenario_files: tuple[Path, ...],
    prices: tuple[Path, ...],
    by: tuple[str, ...],
    from_date: date | None,
    to_date: date | None,
    zone: str | None,
    assume_model: str | None,
    allow_rejects: str | None,
    allow_unpriced: str | None,
    format_: str,
    output: Path | None,
    **reading: Any,
) -> bool:
    """``audit replay``. Returns whether the figures are complete, within the allowances."""
    settings = _settings(config)
    question = pipeline.Question(
        book=_book(settings, prices),
        scenarios=_scenarios(settings, scenario_files, wanted),
        names=settings.models,
        zone=zone or settings.timezone,
        from_date=from_date,
        to_date=to_date,
        by=_dimensions(by),
        assume_model=assume_model,
    )
    if from_date and to_date and from_date >= to_date:
        raise AuditError(
            f"--from {from_date} is not before --to {to_date}",
            hint="--to is the first day that is no longer in: 2023-09-01 for all of August.",
        )
    own = _own_files(settings, db, *prices, *scenario_files)
    if output is not None:
        _check_output(output, own)
    allowed_rejects = _allowance("--allow-rejects", allow_rejects, settings.allow_rejects)
    allowed_unpriced = _allowance("--allow-unpriced", allow_unpriced, settings.allow_unpriced)
    with Store.open(db, to_read=not logs) as store:
        if not store.has_time_zone(question.zone):
            raise AuditError(
                f"{question.zone} is no time zone",
                hint="Give a name such as Europe/Berlin or UTC, with --tz or in audit.toml.",
            )
        if logs:
            _ingest(
                store,
                logs,
                settings,
                question.book,
                own,
                output,
                assume_model=assume_model,
                **reading,
            )
        result = pipeline.replay(store, question)
        if result.coverage["rejects"]:
            _say_rejects(store, db, result.coverage["rejects"])
    _write(result, format_, output)
    return _is_complete(result, allowed_rejects, allowed_unpriced)


def ingest(
    logs: tuple[str, ...],
    db: Path,
    *,
    config: Path | None,
    prices: tuple[Path, ...],
    allow_rejects: str | None,
    **reading: Any,
) -> bool:
    """``audit ingest``. Returns whether all lines were read, within the allowance."""
    settings = _settings(config)
    allowed = _allowance("--allow-rejects", allow_rejects, settings.allow_rejects)
    own = _own_files(settings, db, *prices)
    with Store.open(db) as store:
        done = _ingest(store, logs, settings, _book(settings, prices), own, None, **reading)
    if not allowed.allows(done.tally.rejects, done.tally.lines):
        say(f"{counted(done.tally.rejects, 'line')} rejected: `audit show rejects --db {db}`.")
        return False
    return True


def explain(
    call_id: str,
    db: Path,
    *,
    config: Path | None,
    wanted: tuple[str, ...],
    scenario_files: tuple[Path, ...],
    prices: tuple[Path, ...],
    assume_model: str | None,
) -> None:
    """``audit explain``."""
    settings = _settings(config)
    question = pipeline.Question(
        book=_book(settings, prices),
        scenarios=_scenarios(settings, scenario_files, wanted),
        names=settings.models,
        assume_model=assume_model,
    )
    with Store.open(db, to_read=True) as store:
        explained = pipeline.explain(store, question, call_id)
    terminal.show(lambda console: explanation.show(explained, console))


def show_scenarios(
    *, config: Path | None, wanted: tuple[str, ...], scenario_files: tuple[Path, ...]
) -> None:
    """``audit show scenarios``: every one that is known, or those wanted."""
    known = _known_scenarios(_settings(config), scenario_files)
    chosen = scenarios.choose(known, wanted) if wanted else known
    terminal.show(lambda console: catalogue.scenarios(chosen, console))


def show_prices(
    models: tuple[str, ...], at: date | None, *, config: Path | None, prices: tuple[Path, ...]
) -> None:
    """``audit show prices``."""
    settings = _settings(config)
    book = _book(settings, prices)
    terminal.show(lambda console: catalogue.prices(book, models, at, settings.models, console))


def show_formats(*, config: Path | None) -> None:
    """``audit show formats``."""
    known = _formats(_settings(config))
    terminal.show(lambda console: catalogue.formats(known, console))


def show_models(db: Path, *, config: Path | None, prices: tuple[Path, ...]) -> None:
    """``audit show models``."""
    _show_actual(db, config, prices, None, catalogue.models)


def show_unpriced(
    db: Path, *, config: Path | None, prices: tuple[Path, ...], assume_model: str | None
) -> None:
    """``audit show unpriced``."""
    _show_actual(db, config, prices, assume_model, catalogue.unpriced)


def show_rejects(db: Path) -> None:
    """``audit show rejects``."""
    with Store.open(db, to_read=True) as store:
        terminal.show(lambda console: catalogue.rejects(store, console))


def _show_actual(
    db: Path,
    config: Path | None,
    prices: tuple[Path, ...],
    assume_model: str | None,
    show: Callable[[Store, Console], None],
) -> None:
    """Price the stored calls as logged, then show something of it."""
    settings = _settings(config)
    question = pipeline.Question(
        book=_book(settings, prices),
        scenarios=(),
        names=settings.models,
        assume_model=assume_model,
    )
    with Store.open(db, to_read=True) as store:
        pipeline.replay(store, question)
        terminal.show(lambda console: show(store, console))


def _settings(path: Path | None) -> Config:
    return config.load(path, Path.cwd())


def _book(settings: Config, prices: Iterable[Path]) -> Book:
    return open_book((*settings.prices, *prices))


def _known_scenarios(settings: Config, extra: Iterable[Path]) -> tuple[Scenario, ...]:
    own = (scenarios.load(path) for path in (*settings.scenarios, *extra))
    return (*scenarios.built_in(), *own)


def _scenarios(
    settings: Config, extra: Iterable[Path], wanted: Iterable[str]
) -> tuple[Scenario, ...]:
    return scenarios.choose(_known_scenarios(settings, extra), wanted)


def _formats(settings: Config) -> tuple[formats.Format, ...]:
    known = formats.known_formats()
    file = settings.file or ""
    for name in sorted(settings.formats.keys() & {format.name for format in known}):
        raise ConfigError(
            file,
            None,
            f"[formats.{name}] has the name of a format that audit knows",
            hint="Give yours a name of its own.",
        )
    own = (from_mapping(name, entries, file) for name, entries in settings.formats.items())
    return (*known, *own)


def _dimensions(by: Iterable[str]) -> tuple[str, ...]:
    """Dimensions as asked; ``team`` and other plain words are tags."""
    names = tuple(dict.fromkeys(by))
    if len(names) > pipeline.MAX_DIMENSIONS:
        raise AuditError(
            f"--by was given {len(names)} times", hint=f"{pipeline.MAX_DIMENSIONS} are possible."
        )
    if any(not name or name == "tag:" for name in names):
        raise AuditError(
            "--by names nothing", hint=f"Give one of {', '.join(DIMENSIONS)}, or a tag."
        )
    return names


def _allowance(option: str, text: str | None, default: Allowance) -> Allowance:
    if text is None:
        return default
    try:
        return Allowance.read(text)
    except ValueError as error:
        raise AuditError(f"{option}: {error}", hint="Give a count, or a share of all.") from None


def _ingest(
    store: Store,
    logs: tuple[str, ...],
    settings: Config,
    book: Book,
    own: frozenset[Path],
    output: Path | None,
    *,
    as_format: str | None,
    exclude: tuple[str, ...],
    assume_model: str | None,
    estimate: bool,
    keep_text: bool,
) -> pipeline.Ingested:
    known = _formats(settings)
    chosen = next((one for one in known if one.name == as_format), None)
    if as_format and chosen is None:
        raise AuditError(
            f"there is no format named {as_format}", hint="`audit show formats` lists them."
        )
    gauge = Gauge(book, settings.models, assume_model=assume_model, estimate=estimate)
    with ExitStack() as stack:
        named = (name for name in logs if name != sources.STDIN)
        found = tuple(f for f in sources.find(named, exclude) if f.path.resolve() not in own)
        if output is not None and output.resolve() in {f.path.resolve() for f in found}:
            raise AuditError(f"-o {output} is one of the logs", hint="Write the result elsewhere.")
        if sources.STDIN in logs:
            found = (*found, stack.enter_context(sources.standard_input()))
        on_bytes = stack.enter_context(terminal.progress(sum(file.size for file in found)))
        done = pipeline.ingest(
            store, found, known, gauge, chosen=chosen, keep_text=keep_text, on_bytes=on_bytes
        )
    _report(done)
    return done


def _own_files(settings: Config, db: Path | None, *given: Path) -> frozenset[Path]:
    """What belongs to the run itself: never a log, and never written over by a result."""
    store = (db, db.with_name(f"{db.name}.wal")) if db else ()
    config = (Path(settings.file),) if settings.file else ()
    files = (*store, *config, *settings.prices, *settings.scenarios, *given)
    return frozenset(file.resolve() for file in files)


def _check_output(output: Path, own: frozenset[Path]) -> None:
    """Refuse before the work is done what could not be written, or should not be."""
    if not output.absolute().parent.is_dir():
        raise AuditError(f"there is no folder {output.parent}", hint="Make it, or mend -o.")
    if output.resolve() in own:
        raise AuditError(
            f"-o {output} is the store or a file that this run reads",
            hint="Write the result elsewhere.",
        )


def _report(done: pipeline.Ingested) -> None:
    duplicates = done.tally.records - done.calls
    say(
        f"Read {counted(done.sources, 'file')}: {counted(done.calls, 'new call')}, "
        f"{counted(duplicates, 'duplicate')}, {counted(done.tally.rejects, 'reject')}."
        + (f" {counted(done.already, 'file')} known already." if done.already else "")
    )
    if done.conflicts:
        say(
            f"{counted(done.conflicts, 'duplicate')} with other token counts than the call it "
            "repeats: the fuller reading stays."
        )
    for copy, original in done.copies:
        say(f"{original} and {copy} are the same byte for byte: read once.")


def _say_rejects(store: Store, db: Path | None, count: int) -> None:
    """The first rejects on standard error, and where the others are."""
    console = Console(stderr=True, highlight=False)
    catalogue.rejects(store, console, most=SHOWN_REJECTS)
    if db is not None:
        say(f"All rejects: `audit show rejects --db {db}`.")
    elif count > SHOWN_REJECTS:
        say("For all rejects keep a store with --db FILE, then `audit show rejects --db FILE`.")


def _write(result: pipeline.Replay, format_: str, output: Path | None) -> None:
    if format_ == "table" and output is None:
        terminal.show(lambda console: table.show(result, console))
        return
    if format_ == "table":
        content: str | bytes = terminal.drawn(lambda c: table.show(result, c), FILE_WIDTH)
    else:
        content = files.WRITERS[format_](result)
    if output is not None:
        files.write(output, content)
    elif isinstance(content, str):
        sys.stdout.buffer.write(content.encode("utf-8"))
        sys.stdout.buffer.flush()


def _is_complete(result: pipeline.Replay, rejects: Allowance, unpriced: Allowance) -> bool:
    coverage, total = result.coverage, result.total
    complete = True
    if not coverage["calls"]:
        say("There are no calls.")
    if not rejects.allows(coverage["rejects"], coverage["lines"]):
        say(f"Incomplete: {counted(coverage['rejects'], 'line')} rejected.")
        complete = False
    if not unpriced.allows(total["unpriced"], total["calls"]):
        say(f"Incomplete: {counted(total['unpriced'], 'call')} without an actual cost.")
        complete = False
    by_scenario = _unpriced_by_scenario(result)
    short = [
        name for name, count in by_scenario.items() if not unpriced.allows(count, total["calls"])
    ]
    if short:
        most = counted(max(by_scenario[name] for name in short), "call")
        up_to = "" if len(short) == 1 else "up to "
        say(f"Incomplete: {up_to}{most} unpriced in {', '.join(short)}.")
        complete = False
    return complete


def _unpriced_by_scenario(result: pipeline.Replay) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in result.rows:
        name = row["scenario"].name
        counts[name] = counts.get(name, 0) + row["unpriced"]
    return counts
