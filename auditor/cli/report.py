"""``audit report``."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from auditor.cli.options import (
    INCOMPLETE,
    allowance_options,
    assume_model_option,
    cluster_options,
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
    help="The folder for the files. It is replaced as a whole; other things in it are kept. "
    "With --html the file of the page.",
)
@click.option("--html", is_flag=True, help="One page to look at in place of the files: -o FILE.")
@click.option(
    "--png",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder for the charts of the page as PNG pictures.",
)
@click.option(
    "--svg",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The same as SVG.",
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
    help="csv unless given. May be repeated. focus: charges for FinOps tools, in CSV.",
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
@cluster_options
@allowance_options
@config_option
def report(
    names: tuple[str, ...],
    db: Path | None,
    listing: bool,
    html: bool,
    png: Path | None,
    svg: Path | None,
    **given: Any,
) -> None:
    """Write reports for finance: a folder of files, or a page to look at.

    NAMEs are reports; all of them unless given.
    """
    if listing:
        from auditor.session import showing

        showing.show_reports(names)
        return
    if db is None:
        raise click.UsageError("Name a store with --db; `audit ingest LOGS --db FILE` fills one.")
    today = datetime.now(UTC).date()
    if html or png or svg:
        folders = _folders(png, svg)
        page = _page(names, html, given)
        from auditor.session import picturing

        complete = picturing.write(db, html=page, folders=folders, today=today, **given)
        sys.exit(0 if complete else INCOMPLETE)
    from auditor.session import reporting

    if given["output"] is None:
        raise click.UsageError("Name a folder for the reports with -o.")
    if names and set(given["formats"]) == {"focus"}:
        raise click.UsageError("NAMEs have no file in FOCUS: add --format csv, or leave them out.")
    complete = reporting.write(names, db, today=today, **given)
    sys.exit(0 if complete else INCOMPLETE)


def _folders(png: Path | None, svg: Path | None) -> dict[str, Path]:
    """The folders of the charts by their kind."""
    folders = {kind: folder for kind, folder in (("png", png), ("svg", svg)) if folder}
    if png and svg and png.resolve() == svg.resolve():
        raise click.UsageError("--png and --svg each take a folder of their own.")
    return folders


def _page(names: tuple[str, ...], html: bool, given: dict[str, Any]) -> Path | None:
    """Where the page goes. Takes from ``given`` what only the files of reports know."""
    output, by, formats = (given.pop(name) for name in ("output", "by", "formats"))
    for name in ("focus_version", "focus_sub_account"):
        given.pop(name)
    for option, value in (("NAMEs", names), ("--by", by), ("--format", formats)):
        if value:
            raise click.UsageError(
                f"{option} choose among the files of reports; the page and its charts "
                "show the same whatever they are."
            )
    if html and output is None:
        raise click.UsageError("Name a file for the page: --html -o report.html.")
    if output is not None and not html:
        raise click.UsageError(
            "-o is the folder of the CSV files or, with --html, the page; --png and --svg name "
            "their folders themselves. Write files and pictures in two runs."
        )
    page: Path | None = output
    return page
