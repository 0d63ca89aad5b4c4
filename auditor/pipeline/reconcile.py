"""Reconcile: what the provider billed against what the calls come to, and why they differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import polars as pl

from auditor.errors import AuditError
from auditor.formats.invoices import Amount
from auditor.pipeline.replay import Question, Row, check, price_cells, with_closings
from auditor.pipeline.tolerance import Tolerance
from auditor.prices import resolve
from auditor.scenarios.card import RATE_COLUMNS, rates_of
from auditor.store import Store

BOUNDARY_MINUTES = 15
MOST_DECIMALS = 9
EVERYTHING = "*"
NO_MODEL = "(no model)"
MONEY = pl.Decimal(38, 24)
KEYS = ("day", "requested_model", "served_model", "priced_as")
CLASSES = (
    *("price_usd", "rounding_usd", "day_boundary_usd", "counted_by_us_usd"),
    *("failed_usd", "no_price_usd", "not_logged_usd", "not_billed_usd"),
)
BILLED: dict[str, Any] = {
    "place": pl.Int64,
    "recorded_usd": MONEY,
    "cost_usd": MONEY,
    "requests": pl.Int64,
    "unpriced": pl.Int64,
    "half_usd": MONEY,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is compared: the invoice, and what its lines are called.

    ``amounts`` are those of the invoice; None where it is a store of sums. ``period`` is from when
    to when it speaks (UTC) where it says so of times without a line, too. ``lines`` map the text
    of a line to the models that it is about, as logs or the book name them; ``*`` is all that no
    other line is about. ``question`` has names, book and zone; ``boundary`` are the minutes around
    midnight within which a call may be billed on the other day.
    """

    question: Question
    amounts: tuple[Amount, ...] | None
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tolerance: Tolerance = field(default_factory=Tolerance)
    boundary: int = BOUNDARY_MINUTES
    period: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The answer. ``rows``: queries/reconcile/rows.sql, ``items``: items.sql, ``total`` its total.

    ``begins`` and ``ends`` (excluded) are the days of the invoice, ``lines`` how many it has.
    ``undated`` calls of the store have no day, so they are compared with nothing.
    """

    asked: Asked
    begins: date
    ends: date
    lines: int
    undated: int
    total: Row
    items: tuple[Row, ...]
    rows: tuple[Row, ...]

    @property
    def is_above(self) -> bool:
        """Whether more is unexplained than the tolerance."""
        return bool(self.total["is_above"])

    @property
    def is_complete(self) -> bool:
        """Whether everything that is compared has a price and a day."""
        return not (self.total["unpriced"] or self.total["billed_unpriced"] or self.undated)


@dataclass(frozen=True, slots=True)
class _Bill:
    """The billed rows: days and names of each, and the frame of their amounts."""

    spans: tuple[tuple[date, date], ...]
    lines: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    frame: pl.DataFrame


def reconcile(store: Store, asked: Asked, sums: Store | None = None) -> Reconciled:
    """Compare the calls of ``store`` with the invoice. Reads the stores and changes nothing.

    ``sums`` is a store of the provider's sums, in place of amounts. Raises AuditError when the
    days of the invoice are not days of the zone, or overlap.
    """
    if asked.question.zone != "UTC" and (
        sums is not None or any(amount.in_utc for amount in asked.amounts or ())
    ):
        raise AuditError(
            f"this invoice is of days of UTC, not of {asked.question.zone}",
            hint="Compare it in its own days: --tz UTC.",
        )
    bill = _amounts(asked) if sums is None else _summed(sums, asked)
    billed = _checked(sorted(set(bill.spans)), asked.question.zone)
    spans = _without_gaps(billed, asked.period)
    if not spans:
        raise AuditError("the invoice bills nothing", hint="Export it again, for other days.")
    begins, ends = spans[0][0], spans[-1][1]
    day = timedelta(days=1)
    logged, undated = _logged(store, asked, begins - day, ends + day)
    naming = _Naming(asked)
    items_of_bill = naming.of_bill(bill)
    place_of = {span: n for n, span in enumerate(spans)}
    store.show(
        "spans",
        pl.DataFrame(
            [(n, *span) for n, span in enumerate(spans)],
            schema={"span": pl.Int64, "begins": pl.Date, "ends": pl.Date},
            orient="row",
        ),
    )
    store.show("billed", bill.frame)
    store.show(
        "billed_items",
        pl.DataFrame(
            {
                "place": range(len(bill.spans)),
                "span": [place_of[span] for span in bill.spans],
                "item": items_of_bill,
            },
            schema={"place": pl.Int64, "span": pl.Int64, "item": pl.String},
        ),
    )
    store.show("logged_costs", logged)
    keys = sorted(set(logged.select(KEYS).iter_rows()))
    models = {key[-1] for key in keys}
    store.show(
        "items",
        pl.DataFrame(
            [(*key, naming.of_call(key[0], key[1:])) for key in keys],
            schema={"day": pl.Date, **dict.fromkeys((*KEYS[1:], "item"), pl.String)},
            orient="row",
        ),
    )
    store.show("alternatives", _alternatives(asked.question, models))
    for step in ("compared", "moved", "reconciled"):
        store.run(f"reconcile/{step}")
    check(store, "reconcile/check")
    total, *items = store.rows(
        "reconcile/items",
        tolerance_usd=asked.tolerance.usd,
        tolerance_ppm=asked.tolerance.ppm,
    )
    return Reconciled(
        asked=asked,
        begins=begins,
        ends=ends,
        lines=len(bill.spans),
        undated=undated,
        total=total,
        items=tuple(items),
        rows=tuple(store.rows("reconcile/rows")),
    )


class _Naming:
    """Which item of the invoice a line and a call belong to."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._question = asked.question
        self._by_model: dict[str, str] = {}
        self._has_rest = False

    def of_bill(self, bill: _Bill) -> list[str]:
        """The item of each billed row; remembers which models it is about."""
        return [
            self._of_line(line, names, span[0])
            for line, names, span in zip(bill.lines, bill.names, bill.spans, strict=True)
        ]

    def _of_line(self, line: str, names: tuple[str, ...], on: date) -> str:
        """Named by the user, else by the model that it speaks of, else what it calls itself."""
        models = self._asked.lines.get(line)
        if models is None and not line:
            models = (EVERYTHING,)
        if models is not None:
            self._has_rest |= EVERYTHING in models
            item = line or EVERYTHING
            for model in models:
                for name in self._known_as(model, on) or [model]:
                    self._claim(name, item)
            return item
        for name in names:
            known = self._known_as(name, on)
            if known:
                claimed = (self._by_model[one] for one in known if one in self._by_model)
                item = next(claimed, name)
                for one in known:
                    self._by_model.setdefault(one, item)
                return item
        return self._by_model.setdefault(names[0], names[0])

    def _claim(self, model: str, item: str) -> None:
        other = self._by_model.setdefault(model, item)
        if other != item:
            raise AuditError(
                f"two lines of the invoice are about {model}: {_said(other)} and {_said(item)}",
                hint="Give each model to one line: --line 'LINE=MODEL,MODEL'.",
            )

    def _known_as(self, name: str, on: date) -> list[str]:
        """The name, its row in the book and the snapshot it stands for then; none if unknown."""
        found = resolve(name, on, self._question.book, self._question.names)
        if found.model is None:
            return []
        return list(dict.fromkeys((name, found.model, found.snapshot or found.model)))

    def of_call(self, day: date, key: Sequence[str]) -> str:
        """The item of a call with these names on that day: by its price, by what served it."""
        requested, served, priced_as = key
        names = [name for name in (priced_as, served, requested) if name]
        for name in names:
            for one in (name, *self._known_as(name, day)):
                if one in self._by_model:
                    return self._by_model[one]
        if self._has_rest:
            return self._by_model[EVERYTHING]
        return next((one for name in names for one in self._known_as(name, day)[-1:]), None) or (
            names[0] if names else NO_MODEL
        )


def _said(item: str) -> str:
    return "the line without a name" if item == EVERYTHING else item


def _amounts(asked: Asked) -> _Bill:
    """The rows of an invoice of amounts."""
    amounts = asked.amounts or ()
    spans, names, rows = [], [], []
    for place, amount in enumerate(amounts):
        moments = (amount.begins_at, amount.ends_at)
        spans.append((moments[0].date(), _end_of(moments[1])))
        names.append(_names_in(amount.line))
        half = Decimal("0.5").scaleb(-min(amount.decimals, MOST_DECIMALS))
        rows.append((place, Decimal(amount.usd), None, None, 0, half))
    finest = min((row[5] for row in rows), default=Decimal(0))
    rows = [(*row[:5], finest) for row in rows]
    return _Bill(
        tuple(spans),
        tuple(amount.line for amount in amounts),
        tuple(names),
        pl.DataFrame(rows, schema=BILLED, orient="row"),
    )


def _end_of(moment: Any) -> date:
    """The first day that is no more in."""
    day: date = moment.date()
    return (
        day
        if moment == moment.replace(hour=0, minute=0, second=0, microsecond=0)
        else (day + timedelta(days=1))
    )


def _names_in(line: str) -> tuple[str, ...]:
    """What may be a model in the text of a line: ``gpt-4o-2024-08-06, input`` names one.

    The whole line, what stands before its first comma, its first word.
    """
    words = (line, line.split(",")[0].strip(), line.replace(",", " ").strip().split(" ")[0])
    return tuple(dict.fromkeys(word for word in words if word)) or (line,)


def _summed(sums: Store, asked: Asked) -> _Bill:
    """The rows of an invoice of sums: what they come to at our prices, or at the seller's."""
    frame, _ = _logged(sums, asked, None, None)
    finest = Decimal("0.5").scaleb(-MOST_DECIMALS)
    rows = [
        (
            place,
            row["recorded_usd"] if row["has_recorded"] else None,
            None if row["unpriced"] and row["has_recorded"] else row["cost_usd"],
            row["answered"],
            0 if row["has_recorded"] else row["unpriced"],
            finest if row["has_recorded"] else Decimal(0),
        )
        for place, row in enumerate(frame.iter_rows(named=True))
    ]
    days = frame["day"].to_list()
    names = [
        tuple(name for name in (row["served_model"], row["requested_model"]) if name) or ("",)
        for row in frame.iter_rows(named=True)
    ]
    return _Bill(
        tuple((day, day + timedelta(days=1)) for day in days),
        tuple(one[0] for one in names),
        tuple(names),
        pl.DataFrame(rows, schema=BILLED, orient="row"),
    )


def _logged(
    store: Store, asked: Asked, begins: date | None, ends: date | None
) -> tuple[pl.DataFrame, int]:
    """queries/reconcile/logged.sql of these days, and how many calls of the store have no day."""
    question = replace(
        with_closings(store, asked.question),
        scenarios=(),
        by=("day", f"midnight:{asked.boundary}"),
        from_date=begins,
        to_date=ends,
    )
    price_cells(store, question, ())
    check(store)
    undated = store.rows("replay/coverage", zone=question.zone)[0]["undated"]
    return store.frame("reconcile/logged"), undated


def _checked(spans: list[tuple[date, date]], zone: str) -> list[tuple[date, date]]:
    """The spans, none of which overlaps another."""
    for before, after in pairwise(spans):
        if after[0] < before[1]:
            raise AuditError(
                f"the invoice has two spans that overlap: {before[0]} to {before[1]} and "
                f"{after[0]} to {after[1]} ({zone})",
                hint="Compare days with days and months with months, in the zone of the invoice.",
            )
    return spans


def _without_gaps(
    spans: list[tuple[date, date]], period: tuple[datetime, datetime] | None
) -> list[tuple[date, date]]:
    """The spans, and the time between and around them for which nothing was billed."""
    found: list[tuple[date, date]] = []
    edges = [(spans[0][0], spans[0][0]), (spans[-1][1], spans[-1][1])] if spans else []
    if period is not None:
        begins, ends = period[0].date(), _end_of(period[1])
        edges += [(begins, begins), (ends, ends)]
    reached = min((edge[0] for edge in edges), default=date.min)
    for begins, ends in sorted([*spans, *edges]):
        if begins > reached:
            found.append((reached, begins))
        if ends > begins:
            found.append((begins, ends))
        reached = max(reached, ends)
    return found


def _alternatives(question: Question, models: Iterable[str]) -> pl.DataFrame:
    """What else the book says that these models cost: other days, other tiers."""
    rows = [
        (model, place, f"{row.tier} since {row.effective_from or 'ever'}", *rates_of(row).values())
        for model in sorted(models)
        for place, row in enumerate(question.book.of(model))
        if not row.above_input_tokens
    ]
    schema: dict[str, Any] = {
        "model": pl.String,
        "place": pl.Int64,
        "label": pl.String,
        **RATE_COLUMNS,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
