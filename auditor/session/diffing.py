"""``audit diff``."""

from __future__ import annotations

from pathlib import Path

from auditor.pipeline.diffing import diff
from auditor.reports import difference
from auditor.session.common import check_output, put_out
from auditor.store import Store


def compare(a: Path, b: Path, *, format_: str, output: Path | None) -> None:
    """``audit diff``: two folders of reports, and why each total moved."""
    runs = difference.read_run(a), difference.read_run(b)
    if output is not None:
        check_output(output, frozenset())
    with Store.open(None) as store:
        result = diff(store, *runs)
    put_out(
        output,
        format_,
        lambda console: difference.show(result, console),
        lambda: difference.WRITERS[format_](result),
    )
