"""``audit reconcile``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from auditor.cli.options import (
    INCOMPLETE,
    UNEXPLAINED,
    assume_model_option,
    check_result,
    config_option,
    db_option,
    prices_option,
    result_options,
    zone_option,
)


@click.command()
@click.option(
    "--invoice",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What was billed: a costs or usage export, or a CSV of day, line and amount.",
)
@db_option(required=True)
@click.option(
    "--line",
    "lines",
    multiple=True,
    metavar="LINE=MODEL,…",
    help="Which models a line of the invoice is about; * is all others. May be repeated.",
)
@click.option(
    "--tolerance",
    metavar="USD|N%",
    help="How much may differ, in USD or as a share of what is billed; 0 unless given.",
)
@click.option(
    "--boundary",
    type=click.IntRange(0, 720),
    metavar="MINUTES",
    help="How far from midnight a call may be billed on the other day; 15 unless given.",
)
@zone_option
@prices_option
@assume_model_option
@result_options
@config_option
def reconcile(invoice: Path, db: Path, **given: Any) -> None:
    """Hold what the provider billed against what the stored calls come to.

    The difference is split into classes that add up to it: other prices, rounding, days, our own
    counts, failed calls, calls without a price, what nobody logged and what was not billed.
    """
    from auditor.session import reconciling

    check_result(given)
    result = reconciling.run(invoice, db, **given)
    if result.is_above:
        sys.exit(UNEXPLAINED)
    sys.exit(0 if result.is_complete else INCOMPLETE)
