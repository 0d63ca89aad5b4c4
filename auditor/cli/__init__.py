"""The commands. Parse, call the pipeline, show, exit; nothing else.

Exit codes: 0 complete, 1 error, 2 usage, 3 finished but incomplete, 4 a budget is broken, 5 an
invoice differs by more than the tolerance (both whether complete or not), 130 interrupted, 143
told to end.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import click

from auditor import __version__
from auditor.cli.closing import close
from auditor.cli.convert import convert, count
from auditor.cli.diff import diff
from auditor.cli.finetune import finetune
from auditor.cli.nightly import nightly
from auditor.cli.options import (
    INCOMPLETE,
    Day,
    allow_rejects_option,
    allowance_options,
    assume_model_option,
    check_sources,
    config_option,
    db_option,
    engine_options,
    hash_key,
    names_option,
    period_options,
    prices_option,
    reading_options,
    rehash_option,
    result_options,
    scenario_options,
)
from auditor.cli.prices import prices
from auditor.cli.reconcile import reconcile
from auditor.cli.report import report
from auditor.cli.verifying import verify_privacy
from auditor.errors import AuditError, printable

INTERRUPTED = 130
ENDED = 143


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="audit")
def cli() -> None:
    """What your real LLM API traffic cost, and what it would have cost elsewhere.

    Point it at the request logs you exported: audit replay logs/
    """


@cli.command()
@click.argument("logs", nargs=-1, metavar="[LOGS]...")
@db_option(required=False)
@scenario_options
@prices_option
@click.option(
    "--by",
    multiple=True,
    metavar="DIM",
    help="A row for each day, month, model, requested_model, endpoint, tier, source, workload or "
    "tag (team, tag:NAME). Up to six; commas part them.",
)
@period_options
@reading_options
@rehash_option
@engine_options
@allowance_options
@result_options
@config_option
def replay(logs: tuple[str, ...], db: Path | None, **given: Any) -> None:
    """Price real traffic under every scenario.

    LOGS are files, folders, patterns or addresses (s3://, gs://, az://); - is standard input.
    Without --db nothing is kept. With --db only new files are read, and `audit replay --db FILE`
    alone replays what is stored.
    """
    from auditor.session import replaying

    check_sources(logs, db, given)
    complete = replaying.replay(logs, db, hash_key=hash_key(), **given)
    sys.exit(0 if complete else INCOMPLETE)


@cli.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOGS...")
@db_option(required=True)
@reading_options
@rehash_option
@engine_options
@prices_option
@allow_rejects_option
@config_option
def ingest(logs: tuple[str, ...], db: Path, **given: Any) -> None:
    """Read logs into a store; what it holds already is skipped."""
    from auditor.session import replaying

    complete = replaying.ingest(logs, db, hash_key=hash_key(), **given)
    sys.exit(0 if complete else INCOMPLETE)


cli.add_command(finetune)
cli.add_command(nightly)
cli.add_command(prices)
cli.add_command(reconcile)
cli.add_command(report)
cli.add_command(close)
cli.add_command(convert)
cli.add_command(count)
cli.add_command(diff)
cli.add_command(verify_privacy)


@cli.command()
@click.argument("call_id", metavar="CALL_ID")
@db_option(required=True)
@scenario_options
@prices_option
@assume_model_option
@config_option
def explain(call_id: str, db: Path, **given: Any) -> None:
    """Show how each figure of one call comes about.

    CALL_ID is the id as the log has it, or SOURCE:LINE.
    """
    from auditor.session import showing

    showing.explain(call_id, db, hash_key=hash_key(), **given)


@cli.group()
def show() -> None:
    """What audit knows, and what it refused."""


@show.command("scenarios")
@scenario_options
@config_option
def show_scenarios(**given: Any) -> None:
    """The scenarios: name, models, date of the prices, title."""
    from auditor.session import listing

    listing.show_scenarios(**given)


@show.command("prices")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--at", type=Day(), metavar="DATE", help="Only what holds on that day.")
@prices_option
@config_option
def show_prices(models: tuple[str, ...], at: date | None, **given: Any) -> None:
    """Rows of the price book: rates, dates, window, source.

    MODEL is any name as found in logs; without one all rows are shown.
    """
    from auditor.session import listing

    listing.show_prices(models, at, **given)


@show.command("formats")
@config_option
def show_formats(**given: Any) -> None:
    """The log formats audit reads, and how to describe a table of your own."""
    from auditor.session import listing

    listing.show_formats(**given)


@show.command("models")
@db_option(required=True)
@prices_option
@config_option
def show_models(db: Path, **given: Any) -> None:
    """The models of the stored calls, and the price each name led to."""
    from auditor.session import showing

    showing.show_models(db, **given)


@show.command("workloads")
@db_option(required=True)
@names_option
@prices_option
@assume_model_option
@config_option
def show_workloads(db: Path, **given: Any) -> None:
    """What the stored calls are for: how each workload was found, its calls, times and cost."""
    from auditor.session import showing

    showing.show_workloads(db, **given)


@show.command("pairs")
@db_option(required=True)
@config_option
def show_pairs(db: Path, **given: Any) -> None:
    """Models that answered the same prompts, and how long their answers are against each other."""
    from auditor.session import showing

    showing.show_pairs(db, **given)


@show.command("closings")
@db_option(required=True)
@config_option
def show_closings(db: Path, **given: Any) -> None:
    """The closed months, and what came into each of them later."""
    from auditor.session import closing

    closing.show_closings(db, **given)


@show.command("rejects")
@db_option(required=True)
def show_rejects(db: Path, **given: Any) -> None:
    """The refused lines: file, line and reason."""
    from auditor.session import showing

    showing.show_rejects(db, **given)


@show.command("unpriced")
@db_option(required=True)
@prices_option
@assume_model_option
@config_option
def show_unpriced(db: Path, **given: Any) -> None:
    """The stored calls whose actual cost is not known, and why."""
    from auditor.session import showing

    showing.show_unpriced(db, **given)


@contextmanager
def errors_as_sentences() -> Iterator[None]:
    """The one place where errors become words on a terminal and exit codes."""
    try:
        yield
    except AuditError as error:
        click.echo(f"Error: {_fit_to_print(str(error))}", err=True)
        click.echo(f"Hint: {_fit_to_print(error.hint)}", err=True)
        sys.exit(1)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # whoever read our output has seen enough; nothing more can be said to it
        sys.stdout = None
        sys.exit(1)
    except OSError as error:
        click.echo(f"Error: the output cannot be written: {error.strerror or error}", err=True)
        click.echo("Hint: Check the space on the disk, or write to a file with -o.", err=True)
        sys.stdout = None
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted. What was stored before stays.", err=True)
        sys.exit(INTERRUPTED)


def _fit_to_print(text: str) -> str:
    """File names may hold anything: what would steer the terminal is written out."""
    return "\n".join(map(printable, text.split("\n")))


def main() -> None:
    """The ``audit`` program."""
    with _ending_in_order(), errors_as_sentences():
        _open_output()
        cli.main(prog_name="audit", standalone_mode=False)


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """A service that is told to end (SIGTERM) puts away what it fetched before it does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told = []

    def end(*_: object) -> None:
        told.append(ENDED)
        sys.exit(ENDED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except SystemExit as ended:
        # a query that is broken off does not say which signal did it
        sys.exit(ENDED if told else ended.code)
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _open_output() -> None:
    """Output that is closed is thrown away; what its encoding lacks is written out."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
