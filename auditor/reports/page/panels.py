"""A small chart for each scenario: its cost over time, with the actual cost as a stroke."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.reports.page.look import Look, Spec, shortened, spec, toned

GAP = 26
AXIS = 40
HEIGHT = 92
WIDEST_BAR = 28
COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Point:
    """The cost of a day or month, for drawing; ``said`` holds what is read.

    Points of one day are stacked, and have the same ``actual``.
    """

    when: str
    cost: float
    actual: float
    said: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One scenario over time; ``tone`` is gain, loss or plain."""

    name: str
    tone: str
    points: tuple[Point, ...]


def panels(look: Look, shown: tuple[Panel, ...], times: tuple[str, ...]) -> Spec:
    """Panels beside each other, each with a scale of its own that begins at zero."""
    columns = 1 if look.is_narrow else COLUMNS
    width = (look.width - (columns - 1) * GAP) / columns - AXIS
    return spec(
        look,
        concat=[_panel(look, panel, times, width) for panel in shown],
        columns=columns,
        bounds="flush",
        spacing={"row": 68, "column": GAP + AXIS},
    )


def _panel(look: Look, panel: Panel, times: tuple[str, ...], width: float) -> Spec:
    values = [
        {
            "tone": panel.tone,
            "when": point.when,
            "cost": point.cost,
            "actual": point.actual,
            "said": point.said,
        }
        for point in panel.points
    ]
    span = min(width, WIDEST_BAR * len(times))
    x: Spec = {
        "field": "when",
        "type": "ordinal",
        "scale": {
            "domain": list(times),
            "range": [0, span],
            "paddingInner": 0.15,
            "paddingOuter": 0,
        },
        "axis": None,
    }
    y: Spec = {
        "type": "quantitative",
        "scale": {"zero": True, "nice": True},
        "axis": {"tickCount": 3, "title": None},
    }
    small = look.size - 1
    return {
        "data": {"values": values},
        "width": width,
        "height": HEIGHT,
        "layer": [
            {
                "mark": {"type": "bar"},
                "encoding": {
                    "x": x,
                    "y": {"field": "cost", **y},
                    "color": toned(look),
                    "description": {"field": "said", "type": "nominal"},
                },
            },
            {
                "mark": {
                    "type": "tick",
                    "color": look.colours.ink,
                    "opacity": 1,
                    "thickness": 1.5,
                    "bandSize": max(span / len(times) - 0.5, 2),
                    "aria": False,
                },
                "encoding": {"x": x, "y": {"field": "actual", **y}},
            },
            _word(shortened(panel.name, width, look.size), 0, -16, "left"),
            _word(times[0], 0, HEIGHT + 14, "left", small, look.colours.muted),
            _word(
                times[-1] if len(times) > 1 else "",
                max(span, 13 * look.size),
                HEIGHT + 14,
                "right",
                small,
                look.colours.muted,
            ),
        ],
    }


def _word(
    text: str, x: float, y: float, align: str, size: int | None = None, colour: str | None = None
) -> Spec:
    style = {"fontSize": size, "color": colour} if size and colour else {}
    return {
        "data": {"values": [{"text": text}]},
        "mark": {"type": "text", "align": align, "baseline": "middle", "aria": False, **style},
        "encoding": {
            "x": {"value": x},
            "y": {"value": y},
            "text": {"field": "text", "type": "nominal"},
        },
    }
