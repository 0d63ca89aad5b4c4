"""Replay: the stored calls at their dated prices, and under every scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import polars as pl

from auditor.errors import AuditError
from auditor.prices import Book
from auditor.scenarios import Scenario
from auditor.scenarios.card import RateCard, epochs_of
from auditor.sql import names as query_names
from auditor.store import Store

MAX_DIMENSIONS = 4

Row = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """What is asked of the stored calls.

    ``from_date`` (included) and ``to_date`` (excluded) are days of ``zone``; None is no limit.
    ``by`` are up to four dimensions: day, month, model, requested_model, endpoint, tier, source,
    or any tag (``team``, ``tag:NAME``).
    """

    book: Book
    scenarios: tuple[Scenario, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"
    from_date: date | None = None
    to_date: date | None = None
    by: tuple[str, ...] = ()
    assume_model: str | None = None

    @cached_property
    def card(self) -> RateCard:
        """The price book resolved for this question."""
        return RateCard.of(self.scenarios, self.book, self.names)


@dataclass(frozen=True, slots=True)
class Replay:
    """The answer. Rows are dicts; money is Decimal, None where it is unknown.

    ``coverage``: queries/replay/coverage.sql and the totals of spent.sql; ``spent``: the actual
    cost by group; ``rows``: scenarios.sql, with the Scenario in place of its position;
    ``basis``: what the actual cost rests on; ``unpriced``: the calls without an actual cost;
    ``why_unpriced``: the calls that a scenario could not price, by reason.
    """

    question: Question
    coverage: Row
    total: Row
    spent: tuple[Row, ...]
    rows: tuple[Row, ...]
    basis: tuple[Row, ...]
    unpriced: tuple[Row, ...]
    why_unpriced: tuple[Row, ...]
    sources: tuple[Row, ...]


def replay(store: Store, question: Question) -> Replay:
    """Price the stored calls as asked. Reads the store and changes nothing in it."""
    price_cells(store, question)
    _check(store)
    spent = store.rows("replay/spent")
    return Replay(
        question=question,
        coverage=store.rows("replay/coverage", zone=question.zone)[0],
        total=spent[0],
        spent=tuple(spent[1:]) if question.by else (),
        rows=_named(store.rows("replay/scenarios"), question.scenarios),
        basis=tuple(store.rows("replay/basis")),
        unpriced=tuple(store.rows("replay/unpriced")),
        why_unpriced=_named(store.rows("replay/why_unpriced"), question.scenarios),
        sources=tuple(store.rows("ingest/sources")),
    )


def price_cells(store: Store, question: Question, call_id: str | None = None) -> None:
    """Lay down cells, cube, actual cost and ledger as temporary tables; of one call if named."""
    card = question.card
    store.run(
        "replay/cells",
        zone=question.zone,
        from_date=question.from_date,
        to_date=question.to_date,
        assume_model=question.assume_model,
        call_id=call_id,
        windows=card.windows.padded,
        thresholds=card.thresholds.padded,
        **{f"by_{n}": name for n, name in enumerate(_padded(question.by), 1)},
    )
    days = [row["price_date"] for row in store.rows("replay/dates")]
    store.show("epochs", epochs_of(days, question.book))
    store.run("replay/cube")
    store.show("names", card.of_logged(store.rows("replay/names")))
    store.run("replay/actual")
    store.show("card", card.of_scenarios(store.rows("replay/steps")))
    store.run("replay/ledger")
    positions = range(len(question.scenarios))
    store.show("asked", pl.DataFrame({"scenario": positions}, schema={"scenario": pl.Int32}))


def _padded(by: tuple[str, ...]) -> tuple[str, ...]:
    return (*by, *[""] * (MAX_DIMENSIONS - len(by)))


def _named(rows: list[Row], scenarios: tuple[Scenario, ...]) -> tuple[Row, ...]:
    """The rows with the Scenario in place of its position."""
    return tuple({**row, "scenario": scenarios[row["scenario"]]} for row in rows)


def _check(store: Store) -> None:
    """Run queries/checks: each returns the rows that must not exist. Raises AuditError."""
    for name in query_names("checks"):
        if broken := store.rows(name):
            shown = "; ".join(f"{key} = {value}" for key, value in broken[0].items())
            raise AuditError(
                f"the check {name} fails: {shown}",
                hint="This is a bug in audit: the figures are not to be trusted. Please report it "
                "with this line.",
            )
