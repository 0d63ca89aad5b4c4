"""What the parts of the page have in common: a chart, its tables, and the reports they are from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

from auditor.pipeline.reporting import Reported
from auditor.reports.figures import counted, places_for
from auditor.reports.page.cells import Sheet, Table
from auditor.reports.page.look import Look, Spec

REPORTS = (
    *("summary", "daily", "monthly", "bridge", "by_workload", "finetune", "finetune_grid"),
    *("window_fit", "overflow", "coverage", "unpriced", "training"),
)
ACTUAL = "actual"
MOST_ROWS = 100
MOST_SCENARIOS = 24

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture: a stable name for its file, a title, what it says, and how it is drawn."""

    name: str
    title: str
    says: str
    draw: Callable[[Look], Spec]


@dataclass(frozen=True, slots=True)
class Part:
    """A chart, if there is something to draw, and its tables.

    ``label`` names it in a choice, and ``group`` the choice.
    """

    chart: Chart | None
    tables: tuple[Table, ...]
    label: str = ""
    group: str = ""


@dataclass(frozen=True)
class Source:
    """The reports of a run, which are those of REPORTS, and what the verdicts in them tune."""

    reported: Reported
    target: str

    @cached_property
    def sheets(self) -> Mapping[str, Sheet]:
        """The rows of each report."""
        return {name: Sheet.of(self.reported.reports[name]) for name in REPORTS}

    @cached_property
    def places(self) -> int:
        """Decimals for reading: those that tell the costs of the scenarios apart."""
        return places_for(row["cost_usd"] for row in self.sheets["summary"].rows)

    @cached_property
    def tones(self) -> Mapping[str, str]:
        """Whether a scenario costs less or more than the same calls did; plain if in part."""
        found: dict[str, set[str]] = {}
        for row in self.sheets["summary"].rows:
            found.setdefault(row["name"], set()).add(tone_of(row["delta_usd"]))
        return {name: min(tones) if len(tones) == 1 else "plain" for name, tones in found.items()}

    @property
    def scenarios(self) -> tuple[str, ...]:
        """The scenarios in their order."""
        return tuple(one.name for one in self.reported.question.scenarios)

    @cached_property
    def has_closed(self) -> bool:
        """Whether some month is closed, so that rows are told apart by their booking."""
        return any(row["booking"] != "open" for row in self.sheets["summary"].rows)

    def booked(self, name: str, booking: str) -> str:
        """A name, and of which booking it is where months are closed."""
        return f"{name} ({booking})" if self.has_closed else name

    @property
    def cut_scenarios(self) -> str:
        """What to say where there are more scenarios than charts show; begins with a blank."""
        _, rest = cut(self.scenarios, MOST_SCENARIOS, "scenario", "daily.csv and bridge.csv")
        return f" {rest}" if rest else ""


def tone_of(amount: Decimal | None) -> str:
    """The tone of what is added to a cost."""
    return "plain" if not amount else "gain" if amount < 0 else "loss"


def has_something(row: Mapping[str, Any]) -> bool:
    """Whether a row is of any call; a correction may be of money alone."""
    return bool(row["calls"] or row["cost_usd"])


def cut(
    rows: Sequence[T], most: int, what: str, file: str, which: str = "the first"
) -> tuple[Sequence[T], str]:
    """The rows to show, and what to say of those that are not. ``what`` they are, as one."""
    if len(rows) <= most:
        return rows, ""
    return rows[:most], f"Shown are {which} {most} of {counted(len(rows), what)}; all: {file}."
