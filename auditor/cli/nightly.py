"""``audit nightly``."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click

from auditor.cli.options import (
    BROKEN_BUDGET,
    INCOMPLETE,
    Day,
    config_option,
    hash_key,
    rehash_option,
)

EXIT_CODES = {"fine": 0, "incomplete": INCOMPLETE, "broken": BROKEN_BUDGET}


@click.command()
@config_option
@click.option(
    "--today",
    type=Day(),
    metavar="DATE",
    help="The day of the run, which no forecast measures; the clock's unless given.",
)
@rehash_option
@click.option(
    "--lock-timeout",
    metavar="TIME",
    help="How long to wait for another run, in place of audit.toml's lock_timeout.",
)
def nightly(
    config: Path | None, today: date | None, rehash: bool, lock_timeout: str | None
) -> None:
    """Read new logs, write the reports and check the budgets, as audit.toml says.

    Prints one line. Exits with 4 if a budget is broken, else with 3 if the figures are incomplete.
    """
    from auditor.session import nightly as nights

    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    holder = f"pid {os.getpid()} on {platform.node()} since {now} UTC"
    state = nights.run(
        config=config,
        today=today,
        now=now,
        holder=holder,
        hash_key=hash_key(),
        rehash=rehash,
        lock_timeout=lock_timeout,
    )
    sys.exit(EXIT_CODES[state])
