"""The rows of a report as the page shows them: each figure with the cell of the file it is from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from auditor.errors import printable
from auditor.pipeline.reporting import Report
from auditor.reports.figures import NOTHING, digits, n, ratio, usd

CENTS = 2
MOST_LETTERS = 400
MINUS = "\N{MINUS SIGN}"
Reading = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: ``text`` for reading, ``value`` as the file has it, ``at`` where it stands.

    ``at`` is ``REPORT:ROW:COLUMN``, with rows of the file counted from 0 below its head.
    """

    text: str
    value: str
    at: str

    @property
    def is_rounded(self) -> bool:
        """Whether the file has more digits than the text."""
        return self.text.replace(",", "").replace(MINUS, "-").lstrip("+") != self.value


Cell = str | Figure


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column; figures stand to the right."""

    title: str
    is_figure: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the page; ``rest`` says what of it is left out, and where that is."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    rest: str = ""


def table(title: str, words: str, figures: str, rows: list[list[Cell]], rest: str = "") -> Table:
    """A table whose columns are those of ``words``, then of ``figures``, each parted by commas."""
    columns = [Column(name) for name in _parted(words)]
    columns += [Column(name, is_figure=True) for name in _parted(figures)]
    return Table(title, tuple(columns), tuple(map(tuple, rows)), rest)


def _parted(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a report, to take figures from."""

    name: str
    rows: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, report: Report) -> Sheet:
        """The rows in the order of the file."""
        return cls(report.definition.name, tuple(report.frame.rows(named=True)))

    def places(self, **wanted: Any) -> list[int]:
        """The numbers of the rows with these values."""
        return [
            place
            for place, row in enumerate(self.rows)
            if all(row[name] == value for name, value in wanted.items())
        ]

    def figure(self, place: int, column: str, reading: Reading = n) -> Cell:
        """The figure of a cell; a dash where the cell is empty."""
        value = self.rows[place][column]
        if value is None:
            return NOTHING
        text = reading(value).replace("-", MINUS)
        return Figure(text, digits(value) or "", f"{self.name}:{place}:{column}")

    def money(self, place: int, column: str, places: int, sign: str = "-") -> Cell:
        """The amount of a cell, read with so many decimals: in cents as the file rounds it."""
        cents = self.rows[place].get(f"{column}_rounded")
        exact = cents is None or places != CENTS
        return self.figure(place, column, lambda v: usd(v if exact else cents, places, sign))

    def word(self, place: int, column: str) -> str:
        """The text of a cell, cut where it is very long.

        Control characters are written out: none may reach the page, and XML cannot hold them.
        """
        text = printable(str(self.rows[place][column] or ""))
        return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


def text_of(cell: Cell) -> str:
    """What a cell says."""
    return cell if isinstance(cell, str) else cell.text


def drawn(amount: Decimal | int | None) -> float:
    """How long a bar is. Lengths alone are floats; nothing that is read comes from them."""
    return float(amount or 0)


def share(value: Decimal) -> str:
    """A share as per cent, two decimals."""
    return f"{value:.2%}".replace("%", " %")


def times(value: Decimal) -> str:
    """A ratio such as ``0.27x``."""
    return ratio(value).replace("x", "×")
