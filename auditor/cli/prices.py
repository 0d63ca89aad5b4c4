"""``audit prices``."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from auditor.cli.options import (
    INCOMPLETE,
    Day,
    assume_model_option,
    check_sources,
    config_option,
    db_option,
    output_option,
    prices_option,
    result_options,
    unpriced_option,
)


@click.group()
def prices() -> None:
    """The price book against what the logs use."""


@prices.command()
@db_option(required=True)
@click.option(
    "--within",
    type=click.IntRange(0, 3650),
    default=90,
    show_default=True,
    metavar="DAYS",
    help="How far a retirement may be from the day of the run.",
)
@click.option(
    "--today", type=Day(), metavar="DATE", help="The day of the run; the clock's unless given."
)
@prices_option
@assume_model_option
@unpriced_option
@result_options
@config_option
def check(db: Path, today: date | None, **given: Any) -> None:
    """What the price book lacks, loses soon or is not sure of.

    Names in the logs without a price, names near their retirement, rows marked as not certain that
    money rests on, and names that an alias or a mapping led to their price. Exits with 3 if a name
    has no price (see --allow-unpriced), else with 0.
    """
    from auditor.session import checking

    check_sources((), db, given)
    known = checking.check(db, today=today or datetime.now(UTC).date(), **given)
    sys.exit(0 if known else INCOMPLETE)


@prices.command("import")
@click.argument("source", type=click.Choice(["genai-prices"]))
@output_option("The price book to write, a CSV file; only an import is written over.")
@click.option(
    "--snapshot",
    type=Day(),
    metavar="DATE",
    help="The day of which the installed package is; the day of the run unless given.",
)
@click.option(
    "--since",
    type=Day(),
    metavar="DATE",
    help="Take prices without a date to hold from this day on, not from the snapshot.",
)
@click.option(
    "--provider",
    "sellers",
    multiple=True,
    metavar="ID",
    help="Whose prices, by the package's id; the maker's of each model unless given. May be "
    "repeated: the first that knows a name has the word.",
)
@db_option(required=False)
@prices_option
@config_option
def import_(source: str, snapshot: date | None, output: Path, **given: Any) -> None:
    """Write the prices of the genai-prices package as a book that gives way to ours.

    Prints where our own book says something else, and what no book can state. With --db also the
    names that its calls bear are looked up. Nothing is fetched: it reads the installed package
    (pip install 'auditor[genai-prices]').
    """
    from auditor.session import importing

    importing.import_package(output, snapshot=snapshot or datetime.now(UTC).date(), **given)
