"""``audit verify-privacy``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from auditor.cli.options import config_option, db_option

FOUND = 1
SHORTEST, USUAL = 6, 16


@click.command("verify-privacy")
@click.argument(
    "outputs", nargs=-1, metavar="[OUTPUTS]...", type=click.Path(path_type=Path, exists=False)
)
@click.option(
    "--logs", multiple=True, required=True, metavar="LOGS", help="What was read. May be repeated."
)
@db_option(
    required=False,
    about="The store that is searched: the texts of all tables, and the bytes of the file.",
)
@click.option(
    "--length",
    type=click.IntRange(min=SHORTEST),
    default=USUAL,
    show_default=True,
    metavar="N",
    help="So many characters in a row are a finding.",
)
@click.option(
    "--exclude", multiple=True, metavar="GLOB", help="Leave logs out by name. May be repeated."
)
@config_option
def verify_privacy(outputs: tuple[Path, ...], db: Path | None, **given: Any) -> None:
    """Search a store and OUTPUTS for the texts of the logs they were made of.

    OUTPUTS are files and folders that audit wrote: reports, pages, converted calls. What is meant
    to be there (models, ids of providers, tags that name nobody, names of files) is no finding.
    Ends with 1 if anything else is found, and says where, without showing it.
    """
    from auditor.session import verifying

    if db is None and not outputs:
        raise click.UsageError("Name a store with --db, or OUTPUTS to search.")
    if not verifying.run(outputs, db=db, **given):
        sys.exit(FOUND)
