"""``audit prices check``."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from auditor.pipeline.price_check import check_prices
from auditor.reports import price_check
from auditor.reports.figures import counted
from auditor.session.common import (
    allowance_of,
    check_not_stored,
    check_output,
    check_zone,
    own_files,
    put_out,
    question_of,
)
from auditor.session.known import settings_of
from auditor.session.locking import opened
from auditor.terminal import say


def check(
    db: Path,
    *,
    config: Path | None,
    lock_timeout: str,
    prices: tuple[Path, ...],
    assume_model: str | None,
    within: int,
    today: date,
    allow_unpriced: str | None,
    format_: str,
    output: Path | None,
) -> bool:
    """``audit prices check``. Returns whether the book knows what the logs use, as allowed."""
    settings = settings_of(config)
    question = question_of(settings, prices, assume_model=assume_model)
    allowed = allowance_of("--allow-unpriced", allow_unpriced, settings.allow_unpriced)
    if output is not None:
        check_output(output, own_files(settings, db, *prices))
    with opened(db, lock_timeout, to_read=True) as store:
        check_zone(store, question.zone)
        check_not_stored(store, output)
        found = check_prices(store, question, today, within)
    put_out(
        output,
        format_,
        lambda console: price_check.show(found, console),
        lambda: price_check.WRITERS[format_](found),
    )
    if allowed.allows(found.unknown_calls, found.result.total["calls"]):
        return True
    say(f"Incomplete: {counted(found.unknown_calls, 'call')} of names that the book lacks.")
    return False
