"""``audit report``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from auditor.cli.options import (
    assume_model_option,
    config_option,
    db_option,
    period_options,
    prices_option,
    scenario_options,
)

FORMATS = ("csv", "json", "parquet", "focus")
FOCUS_VERSIONS = ("1.2", "1.4")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@db_option(required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder for the files. It is replaced as a whole; other things in it are kept.",
)
@click.option("--list", "listing", is_flag=True, help="List the reports and their columns.")
@scenario_options
@prices_option
@click.option(
    "--by",
    multiple=True,
    metavar="DIM,...",
    help="Further columns for the reports of cost: model, team, workload, key, tag:NAME and others "
    "that `audit replay --by` knows. Up to four.",
)
@period_options
@click.option(
    "--format",
    "formats",
    type=click.Choice(FORMATS),
    multiple=True,
    default=("csv",),
    show_default=True,
    help="May be repeated. focus: charges for FinOps tools, in CSV.",
)
@click.option(
    "--focus-version",
    type=click.Choice(FOCUS_VERSIONS),
    default="1.2",
    show_default=True,
    help="Version of FOCUS.",
)
@click.option(
    "--focus-sub-account",
    metavar="TAG",
    help="The tag that names the sub accounts of FOCUS; project unless given.",
)
@assume_model_option
@config_option
def report(names: tuple[str, ...], db: Path | None, listing: bool, **given: Any) -> None:
    """Write reports for finance: a folder of files and their manifest.

    NAMEs are reports; all of them unless given.
    """
    if listing:
        from auditor.session import showing

        showing.show_reports(names)
        return
    from auditor.session import reporting

    if db is None:
        raise click.UsageError("Name a store with --db; `audit ingest LOGS --db FILE` fills one.")
    if given["output"] is None:
        raise click.UsageError("Name a folder for the reports with -o.")
    if names and set(given["formats"]) == {"focus"}:
        raise click.UsageError("NAMEs have no file in FOCUS: add --format csv, or leave them out.")
    reporting.write(names, db, today=datetime.now(UTC).date(), **given)
