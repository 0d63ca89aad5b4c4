"""``audit close``, and ``audit show closings``."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from auditor import terminal
from auditor.errors import AuditError
from auditor.pipeline.closing import check_closed, close, closings_of, reopen
from auditor.pipeline.spans import month_of
from auditor.reports import closings
from auditor.session.common import allowance_of, check_zone, question_of
from auditor.session.known import settings_of
from auditor.session.locking import opened
from auditor.terminal import say


def close_month(
    month: str,
    db: Path,
    *,
    again: bool,
    config: Path | None,
    lock_timeout: str,
    prices: tuple[Path, ...],
    zone: str | None,
    assume_model: str | None,
    allow_unpriced: str | None,
    hash_key: bytes | None,
    today: date,
) -> None:
    """``audit close``: close the month, or open it ``again``."""
    settings = settings_of(config)
    allowed = allowance_of("--allow-unpriced", allow_unpriced, settings.allow_unpriced)
    try:
        span = month_of(month)
    except ValueError as error:
        raise AuditError(str(error), hint="Write the year and the month: 2023-08.") from None
    question = question_of(settings, prices, zone=zone, assume_model=assume_model)
    if not db.exists():
        raise AuditError(
            f"there is no store at {db}", hint="Fill one first: `audit ingest LOGS --db FILE`."
        )
    with opened(db, lock_timeout, hash_key=hash_key) as store:
        if again:
            reopen(store, span)
            say(f"{span.name} is open again.")
            return
        check_zone(store, question.zone)
        check_closed(store, question)
        row = close(store, question, span, today, allowed.allows)
    terminal.show(lambda console: closings.closed(row, console))


def show_closings(db: Path, *, config: Path | None, lock_timeout: str) -> None:
    """``audit show closings``."""
    question = question_of(settings_of(config), ())
    with opened(db, lock_timeout, to_read=True) as store:
        rows = closings_of(store, question)
    terminal.show(lambda console: closings.show(rows, console))
