"""The options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click

INCOMPLETE = 3
BROKEN_BUDGET = 4
UNEXPLAINED = 5
SHORTEST_KEY = 16
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


def db_option(
    required: bool, about: str = "The store, a DuckDB file. Made if it is not there."
) -> Callable[[F], F]:
    """``--db FILE``, and how long to wait where another process has it."""
    return options(
        click.option(
            "--db",
            type=click.Path(dir_okay=False, path_type=Path),
            required=required,
            envvar="AUDIT_DB",
            show_envvar=True,
            metavar="FILE",
            help=about,
        ),
        click.option(
            "--lock-timeout",
            envvar="AUDIT_LOCK_TIMEOUT",
            show_envvar=True,
            default="10 s",
            show_default=True,
            metavar="TIME",
            help="How long to wait for another process that has the store open.",
        ),
    )


def output_option(about: str, *, folders: bool = False) -> Callable[[F], F]:
    """``-o PATH`` of a command that writes one file, or a folder, and must be told which."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=folders, path_type=Path),
        required=True,
        metavar="PATH",
        help=about,
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
source_options = options(
    click.option("--as", "as_format", metavar="FORMAT", help="Read every file as this format."),
    click.option(
        "--exclude", multiple=True, metavar="GLOB", help="Leave files out by name. May be repeated."
    ),
    assume_model_option,
)
rereading_options = options(
    source_options,
    click.option(
        "--estimate",
        is_flag=True,
        help="Where nobody can count a call's tokens, take four characters (or bytes) a token.",
    ),
)
reading_options = options(
    rereading_options,
    click.option("--keep-text", is_flag=True, help="Store prompts and answers with the calls."),
    click.option(
        "--keep-identities",
        is_flag=True,
        help="Show users, keys, sessions and the like as logged, in place of pseudonyms.",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        metavar="N",
        help="Processes that read logs at once; one a core unless given.",
    ),
)
cluster_options = options(
    click.option(
        "--engine",
        type=click.Choice(["embedded", "spark"]),
        envvar="AUDIT_ENGINE",
        show_envvar=True,
        help="Who reads and scans: this process (embedded, unless given), or a cluster of Apache "
        "Spark.",
    ),
    click.option("--master", metavar="URL", help="Master of the cluster; local[*] unless given."),
    click.option("--remote", metavar="URL", help="Address of a cluster, sc:// (Spark Connect)."),
    click.option(
        "--spark-conf",
        multiple=True,
        metavar="NAME=VALUE",
        help="A setting of Spark. May be repeated.",
    ),
)
engine_options = options(
    cluster_options,
    click.option(
        "--calls",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="FOLDER",
        help="Where the engine puts the calls; all machines see it. FILE.calls unless given.",
    ),
    click.option(
        "--buckets",
        type=click.IntRange(1, 65_536),
        metavar="N",
        help="Buckets of a new store's calls; by the size of the logs unless given.",
    ),
)
rehash_option = click.option(
    "--rehash",
    is_flag=True,
    help="Read files again that are in the store and look as they were, to be sure.",
)
scenario_files_option = click.option(
    "--scenarios",
    "scenario_files",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A scenario of your own (TOML). May be repeated.",
)
scenario_options = options(
    click.option(
        "--scenario",
        "wanted",
        multiple=True,
        metavar="NAME",
        help="A scenario or group of scenarios; august-2023 unless given. May be repeated.",
    ),
    scenario_files_option,
)
from_option = click.option("--from", "from_date", type=Day(), metavar="DATE", help="First day.")
zone_option = click.option(
    "--tz",
    "zone",
    envvar="AUDIT_TZ",
    show_envvar=True,
    metavar="ZONE",
    help="Time zone of days and months, such as Europe/Berlin; UTC unless given.",
)
period_options = options(
    from_option,
    click.option("--to", "to_date", type=Day(), metavar="DATE", help="First day no longer in."),
    zone_option,
)
unpriced_option = click.option(
    "--allow-unpriced", metavar="N|N%", help="Unpriced calls that still count as complete."
)
allowance_options = options(allow_rejects_option, unpriced_option)


result_options = options(
    click.option(
        "--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True
    ),
    click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="PATH",
        help="Write to a file instead of standard output.",
    ),
)
names_option = click.option(
    "--names",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help='Names of workloads: a TOML file of lines "id" = "name".',
)


def hash_key() -> bytes | None:
    """The secret of AUDIT_HASH_KEY. There is no option for it: others can see command lines."""
    key = os.environ.get("AUDIT_HASH_KEY", "").encode("utf-8", "surrogateescape")
    if key and len(key) < SHORTEST_KEY:
        raise click.UsageError(
            f"AUDIT_HASH_KEY is shorter than {SHORTEST_KEY} characters: a key that can be guessed "
            "keeps no secret."
        )
    return key or None


def check_sources(logs: tuple[str, ...], db: Path | None, given: dict[str, Any]) -> None:
    """Refuse what names nothing to read, or has nowhere to write."""
    if not logs and db is None:
        raise click.UsageError("Name LOGS to read, or a store with --db.")
    check_result(given)


def check_result(given: dict[str, Any]) -> None:
    """Refuse a result that has nowhere to go: Parquet is for no terminal."""
    if given.get("format_") == "parquet" and given["output"] is None:
        raise click.UsageError("--format parquet needs -o PATH.")
