"""The page of `audit report --html` as a test reads it: what each element says, and where."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "link", "input", "br", "img", "hr"}
NUMBER = re.compile(r"[+-]?[\d,]+(\.\d+)?( %|×)?")


@dataclass(frozen=True, slots=True)
class Said:
    """One figure: as read, as the file has it, and where it stands there."""

    text: str
    value: str
    at: str
    section: str


@dataclass
class Page(HTMLParser):
    """The parsed page."""

    html: str
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    figures: list[Said] = field(default_factory=list)
    drawn: list[tuple[str, str]] = field(default_factory=list)
    cells: list[tuple[str, bool]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(self.html)
        self.close()
        assert not self._open, f"not closed: {[tag for tag, _, _ in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append((tag, found))
        if tag not in VOID:
            self._open.append((tag, found, []))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        for _, _, said in self._open:
            said.append(data)
        if data.strip():
            self.texts.append(data.strip())

    def handle_endtag(self, tag: str) -> None:
        opened, attributes, said = self._open.pop()
        assert opened == tag, f"<{opened}> ends as </{tag}>"
        text = "".join(said).strip().replace("\N{MINUS SIGN}", "-")
        if tag == "data":
            value, at = attributes["value"], attributes["data-at"]
            self.figures.append(Said(text, value, at, self._section))
        elif tag == "text" and not any(a.get("class") == "axis" for _, a, _ in self._open):
            self.drawn += [(self._section, part) for part in text.split(" · ")]
        elif tag in ("td", "dd") and attributes.get("class", "") == "f":
            self.cells.append((text, any(one.text == text for one in self.figures[-1:])))

    @property
    def _section(self) -> str:
        return next((a["id"] for t, a, _ in self._open if t == "section" and "id" in a), "")


def number_of(text: str) -> Decimal | None:
    """The number that a text is, a per cent as its share; None for other text."""
    if not NUMBER.fullmatch(text):
        return None
    plain = text.replace(",", "").removesuffix("×")
    if plain.endswith(" %"):
        return Decimal(plain.removesuffix(" %")).scaleb(-2)
    return Decimal(plain)


def reads(text: str, value: str) -> bool:
    """Whether a text is the value, or the value rounded to as many decimals as the text has."""
    number = number_of(text)
    assert number is not None, text
    rounded = (
        Decimal(value).quantize(number, rounding=way) for way in (ROUND_HALF_EVEN, ROUND_HALF_UP)
    )
    return number in rounded


@dataclass(frozen=True)
class Folder:
    """The files of `audit report -o DIR`."""

    path: Path

    @cached_property
    def _manifest(self) -> dict[str, dict[str, object]]:
        found: dict[str, dict[str, object]] = json.loads((self.path / "manifest.json").read_text())
        return found

    @cached_property
    def rows(self) -> dict[str, list[dict[str, str]]]:
        """The rows of each CSV, as text."""
        found = {}
        for file in sorted(self.path.glob("*.csv")):
            with file.open(encoding="utf-8", newline="") as stream:
                found[file.stem] = list(csv.DictReader(stream))
        return found

    def cell(self, at: str) -> str:
        """What stands at a place that a figure of the page names."""
        report, row, column = at.split(":")
        if report == "manifest":
            return str(self._manifest[row][column])
        return self.rows[report][int(row)][column]

    def rounded(self, at: str) -> str | None:
        """The cell in cents that belongs to it, where the file has one."""
        report, row, column = at.split(":")
        if report == "manifest":
            return None
        return self.rows[report][int(row)].get(f"{column}_rounded")
