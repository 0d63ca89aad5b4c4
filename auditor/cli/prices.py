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
