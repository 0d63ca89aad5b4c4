"""``audit reconcile``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from auditor import finding, pipeline
from auditor.config import Config
from auditor.errors import AuditError
from auditor.formats.invoices import Amount, amounts_in, check_sums, period_of
from auditor.pipeline.closing import check_closed
from auditor.pipeline.counting import Gauge
from auditor.pipeline.reconcile import (
    BOUNDARY_MINUTES,
    Asked,
    Reconciled,
    reconcile,
)
from auditor.pipeline.tolerance import Tolerance
from auditor.reports import reconciliation
from auditor.reports.figures import counted
from auditor.session.common import (
    check_not_stored,
    check_output,
    check_zone,
    own_files,
    put_out,
    question_of,
)
from auditor.session.known import formats_of, settings_of
from auditor.session.locking import opened
from auditor.sources import LogFile
from auditor.store import Store
from auditor.terminal import say


def run(
    invoice: Path,
    db: Path,
    *,
    config: Path | None,
    lock_timeout: str,
    prices: tuple[Path, ...],
    lines: tuple[str, ...],
    tolerance: str | None,
    boundary: int | None,
    zone: str | None,
    assume_model: str | None,
    format_: str,
    output: Path | None,
) -> Reconciled:
    """``audit reconcile``: why the invoice and the stored calls differ."""
    settings = settings_of(config)
    question = question_of(settings, prices, zone=zone, assume_model=assume_model)
    own = own_files(settings, db, *prices, invoice)
    if output is not None:
        check_output(output, own)
    (file,) = _only(finding.find([str(invoice)], limits=settings.limits), invoice)
    amounts = amounts_in(file)
    own_boundary = settings.reconcile.boundary_minutes
    default = BOUNDARY_MINUTES if own_boundary is None else own_boundary
    asked = Asked(
        question,
        amounts,
        {**settings.reconcile.lines, **_lines_of(lines)},
        _tolerance_of(tolerance, settings),
        default if boundary is None else boundary,
        period_of(file),
    )
    with opened(db, lock_timeout, to_read=True) as store:
        check_zone(store, question.zone)
        check_not_stored(store, output)
        check_closed(store, question)
        _check_lines(asked.lines, amounts)
        if amounts is not None:
            result = reconcile(store, asked)
        else:
            with Store.open(None) as sums:
                _take_in(sums, file, settings, question)
                result = reconcile(store, asked, sums)
    put_out(
        output,
        format_,
        lambda console: reconciliation.show(result, console),
        lambda: reconciliation.WRITERS[format_](result),
    )
    _say_state(result)
    return result


def _only(found: tuple[LogFile, ...], invoice: Path) -> tuple[LogFile]:
    if len(found) != 1:
        raise AuditError(
            f"{invoice} holds {len(found)} files", hint="Name one file: the invoice of one seller."
        )
    return (found[0],)


def _take_in(sums: Store, file: LogFile, settings: Config, question: pipeline.Question) -> None:
    """The provider's sums into a store of their own."""
    chosen = check_sums(file, formats_of(settings))
    gauge = Gauge(question.book, settings.models, assume_model=question.assume_model)
    pipeline.ingest(sums, [file], [chosen], gauge, chosen=chosen, sampling=False)


def _lines_of(given: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """``LINE=MODEL,MODEL`` of --line. A line may hold ``=``: models do not."""
    found: dict[str, tuple[str, ...]] = {}
    for text in given:
        line, equals, models = text.rpartition("=")
        named = tuple(name.strip() for name in models.split(",") if name.strip())
        if not equals or not named:
            raise AuditError(
                f"--line {text} does not say which models the line is about",
                hint="Write --line 'Chat models=gpt-3.5-turbo,gpt-4'; * is all that is left.",
            )
        found[line.strip()] = named
    return found


def _tolerance_of(given: str | None, settings: Config) -> Tolerance:
    text = settings.reconcile.tolerance if given is None else given
    if text is None:
        return Tolerance()
    try:
        return Tolerance.read(text)
    except ValueError as error:
        where = "--tolerance" if given is not None else "[reconcile] tolerance"
        raise AuditError(f"{where}: {error}", hint="Give 12.50 (USD), or 0.5%.") from None


def _check_lines(lines: Iterable[str], amounts: tuple[Amount, ...] | None) -> None:
    """Say which lines that were named the invoice has not: perhaps they are spelt otherwise."""
    if amounts is None:
        return
    known = {amount.line for amount in amounts}
    for line in sorted(set(lines) - known):
        say(f"The invoice has no line {line!r}.")


def _say_state(result: Reconciled) -> None:
    total = result.total
    missing = []
    if total["unpriced"]:
        missing.append(f"{counted(total['unpriced'], 'call')} without an actual cost")
    if total["billed_unpriced"]:
        missing.append(f"{counted(total['billed_unpriced'], 'billed request')} without a price")
    if result.undated:
        missing.append(f"{counted(result.undated, 'call')} without a day")
    for what in missing:
        say(f"Incomplete: {what}.")
    if result.is_above:
        say("More is unexplained than the tolerance allows.")
