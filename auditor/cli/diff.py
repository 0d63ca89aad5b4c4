"""``audit diff``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditor.cli.options import check_result, result_options


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@result_options
def diff(a: Path, b: Path, **given: Any) -> None:
    """Say why the totals of two runs differ.

    A and B are folders that `audit report` wrote, or their manifests: first the earlier one.
    """
    from auditor.session import diffing

    check_result(given)
    diffing.compare(a, b, **given)
