"""``audit convert`` and ``audit count``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from auditor.cli.options import (
    INCOMPLETE,
    allow_rejects_option,
    check_sources,
    config_option,
    hash_key,
    output_option,
    prices_option,
    reading_options,
    result_options,
    source_options,
)


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOGS...")
@output_option("The Parquet file to write, with --partition the folder.", folders=True)
@click.option(
    "--partition",
    is_flag=True,
    help="Write a folder with a file for each day (UTC): date=2023-08-14/calls.parquet. It is "
    "replaced as a whole.",
)
@reading_options
@prices_option
@allow_rejects_option
@config_option
def convert(logs: tuple[str, ...], output: Path, partition: bool, **given: Any) -> None:
    """Write the calls of any logs as one Parquet file, which audit reads as it reads logs.

    Each call once, with all that the store would hold of it. No text unless --keep-text.
    """
    from auditor.session import converting

    if not partition and output.is_dir():
        raise click.BadParameter(
            f"{output} is a folder: name a file, or give --partition.",
            param_hint="'-o' / '--output'",
        )
    complete = converting.convert(logs, output, partition=partition, hash_key=hash_key(), **given)
    sys.exit(0 if complete else INCOMPLETE)


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOGS...")
@source_options
@prices_option
@result_options
@config_option
def count(logs: tuple[str, ...], **given: Any) -> None:
    """Our token count beside the provider's: how often they agree, and how far they are apart.

    Of the calls whose log has both usage and text. Nothing is stored.
    """
    from auditor.session import counting

    check_sources(logs, None, given)
    counting.count(logs, **given)
