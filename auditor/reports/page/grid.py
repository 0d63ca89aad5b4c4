"""The heat map of prompt cut against answer length, with the line where the saving turns."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.reports.page.look import Look, Spec, spec, toned

CELL = 38
STRONGEST = 0.6


@dataclass(frozen=True, slots=True)
class GridCell:
    """One cell: its place, what it says, and how far it is from zero (for its colour alone)."""

    row: int
    column: int
    text: str
    said: str
    saving: float


def grid(
    look: Look,
    cells: tuple[GridCell, ...],
    kept: tuple[str, ...],
    ratios: tuple[str, ...],
    flips: tuple[str, ...],
) -> Spec:
    """Cells, the labels of their rows and columns, and the flip line across.

    ``kept`` are the labels of the rows from the top; ``flips`` say for each column at which share
    the saving turns. The line runs along the cells, between those that save and those that do not.
    """
    colours = look.colours
    strongest = max((abs(cell.saving) for cell in cells), default=0.0) or 1.0
    margin = 1.3 if look.is_narrow else 0.9
    values: list[Spec] = [
        {
            "x": cell.column,
            "x2": cell.column + 1,
            "y": cell.row,
            "y2": cell.row + 1,
            "cx": cell.column + 0.5,
            "cy": cell.row + 0.5,
            "text": cell.text,
            "said": cell.said,
            "tone": "gain" if cell.saving > 0 else "loss" if cell.saving < 0 else "plain",
            "depth": abs(cell.saving) / strongest,
        }
        for cell in cells
    ]
    foot = len(kept) + 0.45
    line = [
        {"x": x, "y": _turn(cells, column)}
        for column in range(len(ratios))
        for x in (column, column + 1)
    ]
    heads: list[Spec] = [
        {"x": -0.12, "y": place + 0.5, "text": text} for place, text in enumerate(kept)
    ]
    foot = len(kept) + 0.45
    heads.append({"x": -0.12, "y": foot, "text": "turns at"})
    tops: list[Spec] = [
        {"x": place + 0.5, "y": -0.3, "text": text} for place, text in enumerate(ratios)
    ]
    tops += [{"x": place + 0.5, "y": foot, "text": text} for place, text in enumerate(flips)]
    across = {
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [-margin, max(len(ratios), 1)], "nice": False},
    }
    down = {
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [-0.6, len(kept) + 0.8], "reverse": True, "nice": False},
    }
    small = look.size - (3 if look.is_narrow else 0)
    layers: list[Spec] = [
        {
            "mark": {"type": "rect", "stroke": colours.paper, "strokeWidth": 1},
            "encoding": {
                "x": {"field": "x", **across},
                "x2": {"field": "x2"},
                "y": {"field": "y", **down},
                "y2": {"field": "y2"},
                "color": toned(look),
                "opacity": {
                    "field": "depth",
                    "type": "quantitative",
                    "legend": None,
                    "scale": {"domain": [0, 1], "range": [0.08, STRONGEST]},
                },
                "description": {"field": "said", "type": "nominal"},
            },
        },
        _words(values, "cx", "cy", across, down, "center", small),
        _words(heads, "x", "y", across, down, "right", small),
        _words(tops, "x", "y", across, down, "center", small),
        {
            "data": {"values": line},
            "mark": {
                "type": "line",
                "color": colours.ink,
                "strokeWidth": 3,
                "aria": False,
            },
            "encoding": {
                "x": {"field": "x", **across},
                "y": {"field": "y", **down},
                "order": {"field": "x", "type": "quantitative"},
            },
        },
    ]
    return spec(
        look,
        data={"values": values},
        width=look.width,
        height=CELL * (len(kept) + 1.4),
        layer=layers,
    )


def _words(
    values: list[Spec],
    x: str,
    y: str,
    across: Spec,
    down: Spec,
    align: str,
    size: int,
) -> Spec:
    return {
        "data": {"values": values},
        "mark": {
            "type": "text",
            "align": align,
            "baseline": "middle",
            "fontSize": size,
            "aria": False,
        },
        "encoding": {
            "x": {"field": x, **across},
            "y": {"field": y, **down},
            "text": {"field": "text", "type": "nominal"},
        },
    }


def _turn(cells: tuple[GridCell, ...], column: int) -> int:
    """The row from which on the cells of a column save; they save more from row to row."""
    return sum(1 for cell in cells if cell.column == column and cell.saving <= 0)
