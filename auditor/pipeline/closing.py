"""Closing a month: its calls and its prices stay as they are, what arrives later is a correction.

What is kept is which calls a month had and the price book as it was, not figures: so every report,
by whatever dimension, comes out of a closed month as it did on the day it was closed. The totals
are kept besides, and every run reckons them again and compares.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from auditor import __version__
from auditor.errors import AuditError
from auditor.pipeline.replay import Question, Row, check_stored, replay, with_closings
from auditor.pipeline.spans import MONTH, Span
from auditor.prices import contents_of
from auditor.store import Store

COUNTS = ("calls", "unpriced", "input_tokens", "output_tokens")


def close(
    store: Store,
    question: Question,
    month: Span,
    today: date,
    allows: Callable[[int, int], bool],
) -> Row:
    """Close a month, in days of the question's zone; the row of ``closings_of`` that it then has.

    ``allows`` says whether so many unpriced calls of so many still make a month. Raises AuditError
    when the month is closed already or not over, when other months are closed in another zone, or
    when calls have no price; then nothing is changed.
    """
    for known in store.rows("close/closings"):
        if known["month"] == month.begins:
            raise AuditError(
                f"{month.name} is closed since {known['closed_on']}",
                hint="What came later is in the reports as a correction. `audit close MONTH "
                "--reopen` opens it again.",
            )
        if known["zone"] != question.zone:
            raise AuditError(
                f"the months of this store are closed in {known['zone']}, not in {question.zone}",
                hint=f"Close this one in the same zone: --tz {known['zone']}.",
            )
    if month.ends > today:
        raise AuditError(
            f"{month.name} is not over", hint=f"It can be closed from {month.ends} on."
        )
    found = replay(
        store,
        replace(question, scenarios=(), by=(), from_date=month.begins, to_date=month.ends),
    ).total
    bounds = {"month": month.begins, "ends": month.ends, "zone": question.zone}
    if store.rows("close/sums", **bounds)[0]["sums"]:
        raise AuditError(
            f"{month.name} holds sums of a provider's export, which is closed by the provider",
            hint="Close a store of single calls; `audit reconcile` compares it with the sums.",
        )
    if not allows(found["unpriced"], found["calls"]):
        raise AuditError(
            f"{found['unpriced']:,} of the {found['calls']:,} calls of {month.name} have no price",
            hint="`audit show unpriced` says why. Bring a book with --prices, or close all the "
            "same with --allow-unpriced.",
        )
    check_stored(store, closing=True)
    with store.transaction():
        store.run(
            "close/close",
            **bounds,
            closed_on=today,
            tool=f"audit {__version__}",
            models=json.dumps(dict(question.names), sort_keys=True),
            assume_model=question.assume_model,
            actual_usd=found["cost_usd"] or 0,
            **{
                name: found[name] for name in ("calls", "unpriced", "input_tokens", "output_tokens")
            },
        )
        for place, (file, content) in enumerate(contents_of(question.book)):
            store.run(
                "close/keep_book",
                month=month.begins,
                place=place,
                name=file.name,
                sha256=file.sha256,
                content=content,
            )
    return next(row for row in closings_of(store, question) if row["month"] == month.begins)


def reopen(store: Store, month: Span) -> None:
    """Open a closed month again. Raises AuditError when it is not closed."""
    if month.begins not in {row["month"] for row in store.rows("close/closings")}:
        raise AuditError(
            f"{month.name} is not closed", hint="`audit show closings --db FILE` lists what is."
        )
    with store.transaction():
        store.run("close/reopen", month=month.begins)


def closings_of(store: Store, question: Question) -> list[Row]:
    """The closed months with what came later; queries/close/corrections.sql."""
    return _reckoned(store, question, "close/corrections")


def check_closed(store: Store, question: Question) -> None:
    """Reckon the closed months again. Raises AuditError when one has moved."""
    if not with_closings(store, question).closed:
        return
    for row in _reckoned(store, question, "close/moved"):
        raise AuditError(
            f"{row['month'].strftime(MONTH)} was closed by {row['tool']} with "
            f"{row['closed_calls']:,} calls and {row['closed_usd'].normalize():f} USD; this audit "
            f"reckons {row['calls']:,} calls and {row['actual_usd'].normalize():f} USD",
            hint="A closed month must not move. Use the version that closed it, or open the month "
            "again with `audit close MONTH --reopen` and close it anew.",
        )


def _reckoned(store: Store, question: Question, query: str) -> list[Row]:
    """The rows of a query on the closed months, after a scan by month and booking."""
    closings = store.rows("close/closings")
    if not closings:
        return []
    asked = replace(
        question,
        scenarios=(),
        by=("month", "booking"),
        zone=closings[0]["zone"],
        from_date=None,
        to_date=None,
    )
    spent = replay(store, asked, once=("replay/spent",)).gathered["replay/spent"]
    store.show("spent", spent)
    return store.rows(query)
