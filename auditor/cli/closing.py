"""``audit close``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from auditor.cli.options import (
    assume_model_option,
    config_option,
    db_option,
    hash_key,
    prices_option,
    unpriced_option,
    zone_option,
)


@click.command()
@click.argument("month", metavar="MONTH")
@db_option(required=True)
@click.option("--reopen", "again", is_flag=True, help="Open the month again.")
@zone_option
@prices_option
@assume_model_option
@unpriced_option
@config_option
def close(month: str, db: Path, **given: Any) -> None:
    """Close a month (2023-08): its figures do not move any more.

    Its calls and its price book stay as they are; what arrives later is a correction, in a row of
    its own.
    """
    from auditor.session import closing

    closing.close_month(month, db, hash_key=hash_key(), today=datetime.now(UTC).date(), **given)
