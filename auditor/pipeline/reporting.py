"""Reports: one SQL file each under queries/reports, whose head says what it needs and gives.

``By`` are the dimensions that the calls are grouped by (``...``: the user's follow), ``Once`` and
``Each`` the further queries it reads the rows of, ``Columns`` what each column is. Reports with the
same needs share one replay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import polars as pl

from auditor.errors import AuditError
from auditor.pipeline.closing import check_closed
from auditor.pipeline.replay import (
    MAX_DIMENSIONS,
    Question,
    Replay,
    Row,
    period_of,
    replay,
    with_closings,
)
from auditor.pipeline.spans import Span, frame_of, spans_of, widened
from auditor.sql import head
from auditor.sql import names as query_names
from auditor.store import Store

SECTION = "reports"
FOCUS = "focus"
MORE = "..."
VERDICTS = "verdicts"
GRID = "grid"
Fine = Callable[[], Mapping[str, pl.DataFrame]]
"""Gives the frames ``verdicts`` and ``grid`` of `audit finetune`."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A report as the head of its SQL file describes it."""

    name: str
    purpose: str
    grain: str
    by: tuple[str, ...]
    once: tuple[str, ...]
    each: tuple[str, ...]
    reads: tuple[str, ...]
    takes_more: bool
    is_parquet: bool
    columns: Mapping[str, str]
    section: str = SECTION

    @property
    def query(self) -> str:
        """The name of its query."""
        return f"{self.section}/{self.name}"

    @property
    def needs(self) -> tuple[tuple[str, ...], bool]:
        """Reports with equal needs share a replay: dimensions, and whether the user's follow."""
        return self.by, self.takes_more

    def dimensions(self, more: tuple[str, ...]) -> tuple[str, ...]:
        """What its calls are grouped by where the user asks for ``more``."""
        if not self.takes_more:
            return self.by
        own = {name for by in self.by for name in (by, f"tag:{by}")}
        return (*self.by, *(name for name in more if name not in own))


def definitions(section: str = SECTION) -> tuple[Definition, ...]:
    """Every report there is, by name; those of section ``focus`` are the export of that name."""
    return tuple(_definition(name) for name in query_names(section))


def focus_definitions(sub_account: str) -> tuple[Definition, ...]:
    """The files of the FOCUS export; a tag names the sub accounts."""
    return tuple(
        replace(one, by=(*one.by[:2], f"tag:{sub_account}", *one.by[3:]))
        for one in definitions(FOCUS)
    )


def _definition(query: str) -> Definition:
    found = head(query)
    section, _, name = query.partition("/")
    return Definition(
        name=name,
        section=section,
        purpose=found.words["Purpose"],
        grain=found.words["Grain"],
        by=tuple(name for name in found.listed("By") if name != MORE),
        once=found.listed("Once"),
        each=found.listed("Each"),
        reads=found.listed("Reads"),
        takes_more=MORE in found.listed("By"),
        is_parquet=found.words.get("File") == "Parquet",
        columns=found.columns,
    )


def chosen(names: Iterable[str], *, focus: bool = False) -> tuple[Definition, ...]:
    """The reports of these names, all if there are none. Raises AuditError for one unknown.

    With ``focus`` the files of that export are among them.
    """
    known = {one.name: one for one in (*definitions(), *(definitions(FOCUS) if focus else ()))}
    wanted = tuple(dict.fromkeys(names)) or tuple(known)
    for name in wanted:
        if name not in known:
            raise AuditError(
                f"there is no report named {name}", hint="`audit report --list` lists them."
            )
    return tuple(known[name] for name in wanted)


@dataclass(frozen=True, slots=True)
class Report:
    """One report: its rows as a frame, with the columns of its file."""

    definition: Definition
    frame: pl.DataFrame


@dataclass(frozen=True)
class Reported:
    """The reports of a run. ``whole`` is the replay of the asked period by booking.

    ``spans`` are the periods that the bridge compares, of which the first is only what the second
    is compared with. ``gathered`` are the rows of the queries that the reports asked for.
    """

    question: Question
    whole: Replay
    period: tuple[date | None, date | None]
    spans: tuple[Span, ...]
    reports: Mapping[str, Report]
    gathered: Mapping[str, pl.DataFrame]

    @cached_property
    def actual(self) -> Row:
        """The actual cost of the asked period; a row of replay/spent.sql."""
        return self.whole.total


def report(
    store: Store, question: Question, wanted: Iterable[Definition], fine: Fine | None = None
) -> Reported:
    """Answer the wanted reports. Reads the store and changes nothing in it.

    ``fine`` gives what the reports on fine-tuning read.
    """
    asked = tuple(wanted)
    question = with_closings(store, question)
    check_closed(store, question)
    whole = replay(store, replace(question, by=("booking",)))
    period = period_of(whole)
    asked_for = (question.from_date, question.to_date)
    spans = spans_of(*(period if any(asked_for) else widened(*period)))
    answered: dict[str, Report] = {}
    gathered: dict[str, pl.DataFrame] = {}
    for by, takes in dict.fromkeys(one.needs for one in asked):
        together = [one for one in asked if one.needs == (by, takes)]
        if by:
            gathered |= _lay_down(store, question, together, spans)
        elif any({VERDICTS, GRID} & set(one.reads) for one in together) and fine is not None:
            for name, frame in fine().items():
                store.show(name, frame)
        for one in together:
            answered[one.name] = Report(one, _rows(store, question, one, period))
    return Reported(
        question=question,
        whole=whole,
        period=period,
        spans=spans,
        reports={one.name: answered[one.name] for one in asked},
        gathered=gathered,
    )


def _lay_down(
    store: Store,
    question: Question,
    together: list[Definition],
    spans: tuple[Span, ...],
) -> Mapping[str, pl.DataFrame]:
    """Replay what some reports ask for, and show them its rows, which are returned."""
    asked = replace(question, by=together[0].dimensions(question.by))
    if any("spans" in one.reads for one in together) and spans and question.from_date:
        asked = replace(asked, from_date=spans[0].begins)
    store.show("spans", frame_of(spans))
    store.show("asked_scenarios", _names_of(question))
    store.show("windows", _windows_of(question))
    result = replay(
        store,
        asked,
        once=dict.fromkeys(name for one in together for name in one.once),
        each=dict.fromkeys(name for one in together for name in one.each),
        from_date=question.from_date,
        to_date=question.to_date,
    )
    for name, frame in result.gathered.items():
        store.show(name.partition("/")[2], frame)
    if {"replay/spent", "replay/scenarios"} <= result.gathered.keys():
        store.run("replay/measures")
    return result.gathered


def _names_of(question: Question) -> pl.DataFrame:
    rows = [(place, one.name, one.title) for place, one in enumerate(question.scenarios)]
    schema = {"scenario": pl.Int32, "name": pl.String, "title": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _windows_of(question: Question) -> pl.DataFrame:
    edges = question.card.windows.edges
    rows = list(enumerate((*edges, None)))
    schema = {"window_step": pl.Int32, "window_tokens": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _rows(
    store: Store,
    question: Question,
    one: Definition,
    period: tuple[date | None, date | None],
) -> pl.DataFrame:
    """The rows of a report; the columns of the user's dimensions are named as asked."""
    frame = store.frame(one.query, zone=question.zone, period_from=period[0], period_to=period[1])
    free = [f"by_{n}" for n in range(len(one.by) + 1, MAX_DIMENSIONS + 1)]
    taken = dict(zip(free, one.dimensions(question.by)[len(one.by) :], strict=False))
    unused = [name for name in free if name not in taken and name in frame.columns]
    own = {name: f"tag:{by}" if by in frame.columns else by for name, by in taken.items()}
    return frame.drop(unused).rename(own)
