"""``audit nightly``: read what is new, write the reports, check the budgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from glob import escape, has_magic
from pathlib import Path

from auditor.config import Config
from auditor.config.nightly import Nightly
from auditor.errors import AuditError, ConfigError
from auditor.objects import is_address
from auditor.pipeline import check_stored
from auditor.pipeline.reporting import FOCUS, chosen, focus_definitions
from auditor.reports import focus, manifest, nightly, page
from auditor.reports.folder import NIGHTLY, REPORTS, check_folder, holds, put_right, write_folder
from auditor.reports.nightly import Verdict
from auditor.session.common import check_zone, dimensions_of, own_files, question_of, take_in
from auditor.session.engines import check_text, engine_for
from auditor.session.known import scenarios_of, settings_of
from auditor.session.locking import lock_files, only_run, seconds_of, waited_for
from auditor.session.replaying import missing_of
from auditor.session.reporting import answered, period_in_words, target_of
from auditor.terminal import put, say

BUDGETS = "budgets"


def run(
    *,
    config: Path | None,
    today: date | None,
    now: datetime,
    holder: str,
    hash_key: bytes | None,
    rehash: bool = False,
    lock_timeout: str | None = None,
) -> str:
    """``audit nightly``. Returns the state: ``fine``, ``incomplete`` or ``broken``.

    ``now`` is the moment of the run in UTC without a zone; ``today`` takes the place of its day.
    ``holder`` says who runs. ``rehash`` reads files again that look as they were.
    ``lock_timeout`` takes the place of the one in audit.toml.
    """
    settings = settings_of(config)
    plan = _plan_of(settings, config)
    if plan.page is not None:
        page.check_installed()
    check_text(settings.engine, keep_text=plan.keep_text)
    account = focus.Account.of(settings.focus, settings.file or "")
    tables = tuple(name for name in plan.formats if name != FOCUS)
    asked = (
        *(chosen((*plan.reports, BUDGETS) if plan.reports else ())),
        *(focus_definitions(account.sub_account) if FOCUS in plan.formats else ()),
    )
    question = question_of(
        settings,
        (),
        scenarios=scenarios_of(settings, (), plan.scenarios),
        by=dimensions_of(plan.by, most=4, option="[nightly] by"),
        from_date=plan.from_date,
        to_date=plan.to_date,
        assume_model=plan.assume_model,
    )
    seconds = plan.lock_seconds if lock_timeout is None else seconds_of(lock_timeout)
    check_folder(plan.output, "output", (REPORTS, NIGHTLY))
    with (
        only_run(plan.db, holder, seconds),
        waited_for(plan.db, seconds, hash_key=hash_key, private=plan.keep_text) as store,
        engine_for(settings.engine, store) as engine,
    ):
        check_zone(store, question.zone)
        put_right(plan.output)
        day = today or store.rows("schema/today", moment=now, zone=question.zone)[0]["day"]
        done = take_in(
            store,
            _logs(plan),
            settings,
            question.book,
            own_files(settings, plan.db, *lock_files(plan.db), *_below(plan.output)),
            as_format=None,
            exclude=plan.exclude,
            assume_model=plan.assume_model,
            estimate=plan.estimate,
            keep_text=plan.keep_text,
            keep_identities=plan.keep_identities,
            rehash=rehash,
            engine=engine,
        )
        check_stored(store)
        always = replace(question, from_date=None, to_date=None)
        store.show("account", account.frame)
        reported = answered(store, settings, question, asked, day, budgets_of=always)
        verdict = Verdict(
            missing=missing_of(reported.whole, settings.allow_rejects, settings.allow_unpriced),
            budgets=tuple(reported.reports[BUDGETS].frame.rows(named=True)),
        )
        further = {nightly.FILE: nightly.as_json(reported, verdict)}
        if plan.page is not None:
            # the page shows all together, whatever the reports are split by
            whole = replace(question, by=())
            seen = answered(store, settings, whole, chosen(page.REPORTS), day, budgets_of=always)
            further[plan.page] = page.page_of(seen, target_of(settings).title).encode()
        version = plan.focus_version if FOCUS in plan.formats else None
        files = manifest.files_of(reported, tables, version, further, NIGHTLY)
        if not holds(plan.output, files):
            write_folder(plan.output, files)
    for name, scope in verdict.of_nothing:
        say(
            f"Budget {name}: no call of the store is in its scope ({scope}). Is it spelt as logged?"
        )
    put(nightly.in_a_line(reported, verdict, period_in_words(reported), done.calls))
    return verdict.state


def _plan_of(settings: Config, config: Path | None) -> Nightly:
    if settings.nightly is not None:
        return settings.nightly
    if settings.file is None:
        raise AuditError(
            "there is no audit.toml here",
            hint="Write one with a [nightly] table, or name it with --config; the README has one.",
        )
    raise ConfigError(
        settings.file,
        None,
        "has no [nightly] table",
        hint="Write [nightly] with logs, db and output; the README has one.",
    )


def _logs(plan: Nightly) -> tuple[str, ...]:
    """The logs beside audit.toml; what is a pattern in its folder's name is none."""
    return tuple(name if is_address(name) else _beside(plan, name) for name in plan.logs)


def _beside(plan: Nightly, name: str) -> str:
    if has_magic(name) and not (plan.folder / name).exists():
        return str(Path(escape(str(plan.folder))) / name)
    return str(plan.folder / name)


def _below(folder: Path) -> Iterator[Path]:
    """The files of the last run: never a log, wherever the logs are."""
    return (path for path in folder.rglob("*") if path.is_file())
