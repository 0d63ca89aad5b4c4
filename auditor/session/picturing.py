"""``audit report --html``, ``--png`` and ``--svg``."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from auditor.errors import AuditError
from auditor.pipeline.reporting import chosen
from auditor.reports import files, page
from auditor.reports.figures import counted
from auditor.reports.folder import check_folder, write_folder
from auditor.session.common import check_output, own_files
from auditor.session.engines import choice_of
from auditor.session.known import settings_of
from auditor.session.replaying import is_complete
from auditor.session.reporting import (
    answer,
    period_in_words,
    target_of,
    with_allowances,
)
from auditor.terminal import say


def write(
    db: Path,
    *,
    html: Path | None,
    folders: dict[str, Path],
    config: Path | None,
    lock_timeout: str,
    wanted: tuple[str, ...],
    scenario_files: tuple[Path, ...],
    prices: tuple[Path, ...],
    from_date: date | None,
    to_date: date | None,
    zone: str | None,
    assume_model: str | None,
    today: date,
    allow_rejects: str | None,
    allow_unpriced: str | None,
    **cluster: Any,
) -> bool:
    """The page and, by kind of picture, the folders of its charts. Each is there as a whole.

    Returns whether the figures are complete, within the allowances.
    Raises AuditError where the extra ``page`` is not installed.
    """
    page.check_installed()
    settings = with_allowances(settings_of(config), allow_rejects, allow_unpriced)
    choice = choice_of(settings, cluster)
    if html is not None:
        check_output(html, own_files(settings, db, *prices, *scenario_files))
        if html.is_dir():
            raise AuditError(
                f"-o {html} is a folder", hint="Name a file for the page, such as report.html."
            )
    for kind, folder in folders.items():
        check_folder(folder, f"--{kind}", (kind,))
    reported = answer(
        chosen(page.REPORTS),
        db,
        settings,
        choice,
        lock_timeout=lock_timeout,
        wanted=wanted,
        scenario_files=scenario_files,
        prices=prices,
        from_date=from_date,
        to_date=to_date,
        zone=zone,
        assume_model=assume_model,
        today=today,
        outputs=(html,),
    )
    target = target_of(settings).title
    if html is not None:
        files.write(html, page.page_of(reported, target))
        say(f"Wrote {html}, {period_in_words(reported)}.")
    for kind, folder in folders.items():
        pictures = page.pictures_of(reported, target, kind)
        write_folder(folder, pictures)
        say(f"Wrote {folder}: {counted(len(pictures) - 1, 'picture')} and their manifest.")
    return is_complete(reported.whole, settings.allow_rejects, settings.allow_unpriced)
