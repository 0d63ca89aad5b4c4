"""The commands. Parse, call the pipeline, show, exit; nothing else.

Exit codes: 0 complete, 1 error, 2 usage, 3 finished but incomplete, 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click

from auditor import __version__
from auditor.errors import AuditError, printable

INCOMPLETE = 3
INTERRUPTED = 130
FORMATS = ("table", "json", "csv", "md", "parquet")

F = TypeVar("F", bound=Callable[..., Any])


class Day(click.ParamType[date]):
    """A date such as 2023-08-22."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date such as 2023-08-22", param, ctx)


def options(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator."""

    def decorate(command: F) -> F:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def db_option(required: bool) -> Callable[[F], F]:
    """``--db FILE``."""
    return click.option(
        "--db",
        type=click.Path(dir_okay=False, path_type=Path),
        required=required,
        envvar="AUDIT_DB",
        show_envvar=True,
        metavar="FILE",
        help="The store, a DuckDB file. Made if it is not there.",
    )


config_option = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="AUDIT_CONFIG",
    show_envvar=True,
    metavar="FILE",
    help="Settings; audit.toml of the current folder unless given.",
)
prices_option = click.option(
    "--prices",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A price book of your own; its rows win over ours. May be repeated.",
)
assume_model_option = click.option(
    "--assume-model", metavar="NAME", help="The model of calls whose log names none."
)
allow_rejects_option = click.option(
    "--allow-rejects", metavar="N|N%", help="Rejected lines that still count as complete."
)
reading_options = options(
    click.option("--as", "as_format", metavar="FORMAT", help="Read every file as this format."),
    click.option(
        "--exclude", multiple=True, metavar="GLOB", help="Leave files out by name. May be repeated."
    ),
    assume_model_option,
    click.option(
        "--estimate",
        is_flag=True,
        help="Where nobody can count a call's tokens, take four characters (or bytes) a token.",
    ),
    click.option("--keep-text", is_flag=True, help="Store prompts and answers with the calls."),
)
scenario_options = options(
    click.option(
        "--scenario",
        "wanted",
        multiple=True,
        metavar="NAME",
        help="A scenario or group of scenarios; august-2023 unless given. May be repeated.",
    ),
    click.option(
        "--scenarios",
        "scenario_files",
        multiple=True,
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="A scenario of your own (TOML). May be repeated.",
    ),
)
period_options = options(
    click.option("--from", "from_date", type=Day(), metavar="DATE", help="First day."),
    click.option("--to", "to_date", type=Day(), metavar="DATE", help="First day no longer in."),
    click.option(
        "--tz",
        "zone",
        envvar="AUDIT_TZ",
        show_envvar=True,
        metavar="ZONE",
        help="Time zone of days and months, such as Europe/Berlin; UTC unless given.",
    ),
)
allowance_options = options(
    allow_rejects_option,
    click.option(
        "--allow-unpriced", metavar="N|N%", help="Unpriced calls that still count as complete."
    ),
)


def _hash_key() -> bytes | None:
    """The secret of AUDIT_HASH_KEY. There is no option for it: others can see command lines."""
    return os.environ.get("AUDIT_HASH_KEY", "").encode("utf-8", "surrogateescape") or None


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
    "tag (team, tag:NAME). Up to four.",
)
@period_options
@reading_options
@allowance_options
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PATH",
    help="Write to a file instead of standard output.",
)
@config_option
def replay(logs: tuple[str, ...], db: Path | None, **given: Any) -> None:
    """Price real traffic under every scenario.

    LOGS are files, folders or patterns; - is standard input. Without --db nothing is kept. With
    --db only new files are read, and `audit replay --db FILE` alone replays what is stored.
    """
    from auditor.session import replaying

    if not logs and db is None:
        raise click.UsageError("Name LOGS to read, or a store with --db.")
    if given["format_"] == "parquet" and given["output"] is None:
        raise click.UsageError("--format parquet needs -o PATH.")
    complete = replaying.replay(logs, db, hash_key=_hash_key(), **given)
    sys.exit(0 if complete else INCOMPLETE)


@cli.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOGS...")
@db_option(required=True)
@reading_options
@prices_option
@allow_rejects_option
@config_option
def ingest(logs: tuple[str, ...], db: Path, **given: Any) -> None:
    """Read logs into a store; what it holds already is skipped."""
    from auditor.session import replaying

    complete = replaying.ingest(logs, db, hash_key=_hash_key(), **given)
    sys.exit(0 if complete else INCOMPLETE)


@cli.command()
@click.argument("call_id", metavar="CALL_ID")
@db_option(required=True)
@scenario_options
@prices_option
@assume_model_option
@config_option
def explain(call_id: str, db: Path, **given: Any) -> None:
    """Show how each figure of one call comes about.

    CALL_ID is the provider's id, or SOURCE:LINE.
    """
    from auditor.session import showing

    showing.explain(call_id, db, **given)


@cli.group()
def show() -> None:
    """What audit knows, and what it refused."""


@show.command("scenarios")
@scenario_options
@config_option
def show_scenarios(**given: Any) -> None:
    """The scenarios: name, models, date of the prices, title."""
    from auditor.session import showing

    showing.show_scenarios(**given)


@show.command("prices")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--at", type=Day(), metavar="DATE", help="Only what holds on that day.")
@prices_option
@config_option
def show_prices(models: tuple[str, ...], at: date | None, **given: Any) -> None:
    """Rows of the price book: rates, dates, window, source.

    MODEL is any name as found in logs; without one all rows are shown.
    """
    from auditor.session import showing

    showing.show_prices(models, at, **given)


@show.command("formats")
@config_option
def show_formats(**given: Any) -> None:
    """The log formats audit reads, and how to describe a table of your own."""
    from auditor.session import showing

    showing.show_formats(**given)


@show.command("models")
@db_option(required=True)
@prices_option
@config_option
def show_models(db: Path, **given: Any) -> None:
    """The models of the stored calls, and the price each name led to."""
    from auditor.session import showing

    showing.show_models(db, **given)


@show.command("rejects")
@db_option(required=True)
def show_rejects(db: Path) -> None:
    """The refused lines: file, line, reason and first bytes."""
    from auditor.session import showing

    showing.show_rejects(db)


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
    with errors_as_sentences():
        _open_output()
        cli.main(prog_name="audit", standalone_mode=False)


def _open_output() -> None:
    """Output that is closed is thrown away; what its encoding lacks is written out."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
