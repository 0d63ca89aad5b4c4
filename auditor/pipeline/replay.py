"""Replay: the stored calls at their dated prices, and under every scenario."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import polars as pl

from auditor.errors import AuditError
from auditor.pipeline.days import are_added_up
from auditor.prices import Book, book_of_contents
from auditor.scenarios import Scenario
from auditor.scenarios.card import Prices, RateCard, epochs_of
from auditor.scenarios.plans import plan_of, trainings_of
from auditor.sql import names as query_names
from auditor.store import Store

MAX_DIMENSIONS = 6
ZONED = frozenset(("day", "month"))
PLAIN = ZONED | {"model", "requested_model", "endpoint", "tier", "booking"}
"""Dimensions that ``replay/cells_plain`` knows, beside a workload or a tag."""
HEAVY = ("source", "source_sha256")
EDGE = "midnight:"
AS_STORED = ("replay/logged_calls", "replay/booked_open")
"""The calls where none is a sum and no month is closed."""
MAX_BROKEN = 5
"""How many of the rows that break a check are named."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """What is asked of the stored calls.

    ``from_date`` (included) and ``to_date`` (excluded) are days of ``zone``; None is no limit.
    ``by`` are up to four dimensions: day, month, model, requested_model, endpoint, tier, source,
    workload, booking, or any tag (``team``, ``tag:NAME``). ``closed`` are the prices that months
    were closed with, by the first day of each (see ``with_closings``).
    """

    book: Book
    scenarios: tuple[Scenario, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"
    from_date: date | None = None
    to_date: date | None = None
    by: tuple[str, ...] = ()
    assume_model: str | None = None
    closed: Mapping[date, Prices] = field(default_factory=dict)

    @cached_property
    def card(self) -> RateCard:
        """The price book resolved for this question."""
        return RateCard.of(self.scenarios, Prices(self.book, self.names), self.closed)


@dataclass(frozen=True, slots=True)
class Replay:
    """The answer. Rows are dicts; money is Decimal, None where it is unknown.

    ``coverage``: queries/replay/coverage.sql and the totals of spent.sql; ``spent``: the actual
    cost by group; ``rows``: scenarios.sql, with the Scenario in place of its position;
    ``basis``: what the actual cost rests on; ``books``: which price book it comes from;
    ``unpriced``: the calls without an actual cost;
    ``why_unpriced``: the calls that a scenario could not price, by reason; ``training``:
    training.sql, what scenarios with moves train before, and what they come to with it;
    ``kinds``: the workloads and models of the store, where a scenario has moves; ``gathered``: the
    results of further queries, by their names.
    """

    question: Question
    coverage: Row
    total: Row
    spent: tuple[Row, ...]
    rows: tuple[Row, ...]
    basis: tuple[Row, ...]
    books: tuple[Row, ...]
    unpriced: tuple[Row, ...]
    why_unpriced: tuple[Row, ...]
    sources: tuple[Row, ...]
    training: tuple[Row, ...]
    kinds: frozenset[tuple[str, str]]
    gathered: Mapping[str, pl.DataFrame]


def replay(
    store: Store,
    question: Question,
    *,
    once: Iterable[str] = (),
    each: Iterable[str] = (),
    **values: Any,
) -> Replay:
    """Price the stored calls as asked. Reads the store and changes nothing in it.

    ``each`` are queries to gather rows with after every scan of the calls (a scan has some of the
    scenarios), ``once`` after the first; ``values`` are what these ask for.
    """
    question = with_closings(store, question)
    once, each = tuple(once), tuple(each)
    given = {**values, "zone": question.zone}
    frames: dict[str, list[pl.DataFrame]] = {name: [] for name in (*once, *each)}
    rows: list[Row] = []
    why_unpriced: list[Row] = []
    training: list[Row] = []
    kinds = frozenset(kinds_of(store) if any(s.moves for s in question.scenarios) else ())
    needed = trainings_of(question.scenarios, question.book, question.names, kinds)
    store.show("trainings", needed)
    for number, positions in enumerate(passes(question)):
        price_cells(store, question, positions)
        check(store)
        rows += store.rows("replay/scenarios")
        why_unpriced += store.rows("replay/why_unpriced")
        training += store.rows("replay/training")
        for name in (*once, *each) if number == 0 else each:
            frames[name].append(store.frame(name, **given))
        if number == 0:
            spent = store.rows("replay/spent")
            coverage = store.rows("replay/coverage", zone=question.zone)[0]
            check_coverage(store, question, coverage)
            basis = store.rows("replay/basis")
            books = store.rows("replay/books")
            unpriced = store.rows("replay/unpriced")
    rows.sort(key=lambda row: (_group(row), row["scenario"]))
    why_unpriced.sort(key=lambda row: (row["scenario"], -row["calls"], row["reason"]))
    return Replay(
        question=question,
        coverage=coverage,
        total=spent[0],
        spent=tuple(spent[1:]) if question.by else (),
        rows=_named(rows, question.scenarios),
        basis=tuple(basis),
        books=tuple(books),
        unpriced=tuple(unpriced),
        why_unpriced=_named(why_unpriced, question.scenarios),
        sources=tuple(store.rows("ingest/sources")),
        training=_named(training, question.scenarios),
        kinds=kinds,
        gathered={name: pl.concat(found) for name, found in frames.items()},
    )


def period_of(result: Replay) -> tuple[date | None, date | None]:
    """The half-open period of the figures, in days of the zone: as asked, else as the calls lie."""
    asked, coverage = result.question, result.coverage
    last = coverage["last_day"]
    return (
        asked.from_date or coverage["first_day"],
        asked.to_date or (last + timedelta(days=1) if last else None),
    )


def passes(question: Question) -> list[tuple[int, ...]]:
    """The positions of the scenarios that can be replayed in one scan of the calls.

    Scenarios without moves see the calls as they are, all in one scan. What a move sends and asks
    for is judged call by call, so each scenario with moves has a scan of its own.
    """
    plain = tuple(n for n, scenario in enumerate(question.scenarios) if not scenario.moves)
    moving = ((n,) for n, scenario in enumerate(question.scenarios) if scenario.moves)
    found: list[tuple[int, ...]] = [*([plain] if plain else []), *moving]
    return found or [()]


def price_cells(
    store: Store,
    question: Question,
    positions: tuple[int, ...],
    *,
    call_id: str | None = None,
    by_workload: bool = True,
) -> None:
    """Lay down cells, cube, actual cost and ledger as temporary tables; of one call if named.

    ``positions`` are scenarios of which at most one has moves. It sees each workload, or all calls
    as one workload named '' if not ``by_workload``.
    """
    card = question.card
    are_plain = _book(store, question, one_call=call_id is not None)
    moving = next((question.scenarios[n] for n in positions if question.scenarios[n].moves), None)
    if moving is None:
        considered = "replay/as_logged"
    else:
        store.show("plan", plan_of(moving, kinds_of(store), together=not by_workload))
        considered = "replay/as_moved"
    store.run(considered)
    extra = tuple(name for name in question.by if name not in PLAIN)
    asked = {
        "zone": question.zone,
        "from_date": question.from_date,
        "to_date": question.to_date,
        "assume_model": question.assume_model,
        "call_id": call_id,
        "sources": None,
        "windows": card.windows.padded,
        "thresholds": card.thresholds.padded,
        "extra": extra[0] if extra else "",
        "in_quarters": question.zone != "UTC" and not ZONED.isdisjoint(question.by),
        **{f"by_{n}": name for n, name in enumerate(_padded(question.by), 1)},
    }
    if are_plain and moving is None and call_id is None and _is_light(extra):
        if not extra and _are_summed(store, question):
            store.run("replay/added_days", **asked)
        else:
            store.scan("replay/added_calls", (), **asked)
        store.run("replay/cells_plain", **asked)
    elif are_plain and call_id is None:
        store.scan("replay/cells", (*AS_STORED, considered), **asked)
    else:
        store.run("replay/cells", **asked)
    days = [row["price_date"] for row in store.rows("replay/dates")]
    store.show("epochs", epochs_of(days, (prices.book for prices in card.prices.values())))
    store.run("replay/cube")
    store.show("names", card.of_logged(store.rows("replay/names")))
    store.run("replay/actual")
    store.show("card", card.of_scenarios(store.rows("replay/steps"), positions))
    store.run("replay/ledger")
    store.show("asked", pl.DataFrame({"scenario": positions}, schema={"scenario": pl.Int32}))


def _are_summed(store: Store, question: Question) -> bool:
    """Whether what was added up when the calls were read is all that the question needs."""
    in_days_of_utc = question.zone == "UTC" or (
        ZONED.isdisjoint(question.by) and question.from_date is question.to_date is None
    )
    if not in_days_of_utc:
        return False
    card = question.card
    return are_added_up(store, card.windows.edges, card.thresholds.edges)


def _is_light(extra: tuple[str, ...]) -> bool:
    """Whether ``replay/cells_plain`` can group by these too: one at most, a workload or a tag."""
    return not extra or (
        len(extra) == 1 and extra[0] not in HEAVY and not extra[0].startswith(EDGE)
    )


def _book(store: Store, question: Question, *, one_call: bool) -> bool:
    """Say which calls are counted, and how they are booked; whether all are, as they are stored.

    One call alone is shown as it is now, whatever it replaced and whatever it is counted beside.
    """
    has_sums = bool(store.rows("replay/sums")[0]["buckets"])
    if not has_sums:
        store.run("replay/logged_calls")
    elif one_call:
        store.run("replay/logged_one")
    else:
        store.run("replay/logged_sums")
    if not question.closed:
        store.run("replay/booked_open")
        return not has_sums
    store.run("replay/booked_now")
    if not one_call:
        store.run("replay/booked_closed")
    return False


def with_closings(store: Store, question: Question) -> Question:
    """The question, with the prices that the store's closed months were closed with.

    One that has them already is not asked of the store again: each month is a price book to read.
    """
    if question.closed:
        return question
    closed = {
        row["month"]: Prices(
            book_of_contents(
                (book["name"], bytes(book["content"]))
                for book in store.rows("close/books", month=row["month"])
            ),
            json.loads(row["models"]),
        )
        for row in store.rows("close/closings")
    }
    return replace(question, closed=closed) if closed else question


def kinds_of(store: Store) -> list[tuple[str, str]]:
    """The kinds of stored calls: workload and model, as ``plan_of`` wants them."""
    store.scan("replay/kinds", ())
    return [(row["workload"], row["served"]) for row in store.rows("replay/workloads")]


def _group(row: Row) -> list[tuple[bool, str]]:
    """The dimensions of a row as they are sorted: none first."""
    values = (row[f"by_{place}"] for place in range(1, MAX_DIMENSIONS + 1))
    return [(value is not None, value or "") for value in values]


def _padded(by: tuple[str, ...]) -> tuple[str, ...]:
    return (*by, *[""] * (MAX_DIMENSIONS - len(by)))


def _named(rows: list[Row], scenarios: tuple[Scenario, ...]) -> tuple[Row, ...]:
    """The rows with the Scenario in place of its position."""
    return tuple({**row, "scenario": scenarios[row["scenario"]]} for row in rows)


def check(store: Store, *names: str) -> None:
    """Run queries, those of queries/checks unless named: each returns the rows that must not exist.

    Raises AuditError, which names the first few of them.
    """
    for name in names or query_names("checks"):
        if broken := store.rows(name):
            shown = [
                "; ".join(f"{key} = {value}" for key, value in row.items())
                for row in broken[:MAX_BROKEN]
            ]
            more = len(broken) - len(shown)
            rows = " | ".join([*shown, *([f"and {more} more"] if more else [])])
            raise AuditError(
                f"the check {name} fails: {rows}",
                hint="This is a bug in audit, or somebody wrote to the store: the figures are not "
                "to be trusted. Please report it with this line.",
            )


def check_coverage(store: Store, question: Question, coverage: Row) -> None:
    """Whether all calls are in the figures, but for those outside the period. Raises AuditError."""
    has_period = question.from_date is not None or question.to_date is not None
    store.show("covered", pl.DataFrame([{**coverage, "has_period": has_period}]))
    check(store, "checks/once/coverage_adds_up")


def check_stored(store: Store, *, closing: bool = False) -> None:
    """Look at every stored call, which a replay need not: queries/checks/store.

    With ``closing`` those of queries/checks/close too, which are slow. Raises AuditError.
    """
    store.scan("replay/source_sums", ())
    check(store, *query_names("checks/store"), *(query_names("checks/close") if closing else ()))
