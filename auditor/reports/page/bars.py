"""Charts of one bar a row. Names and figures stand beside the bars, in narrow windows above."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from auditor.reports.page.look import Look, Spec, shortened, spec, toned

NAME_SHARE = 0.26
FIGURE_LETTERS = 12
MORE_LETTERS = 15


@dataclass(frozen=True, slots=True)
class Bar:
    """One row. ``begins`` and ``ends`` are lengths for drawing; ``figure`` and ``more`` are read.

    ``tone`` is gain, loss or plain.
    """

    name: str
    figure: str
    begins: float
    ends: float
    tone: str = "plain"
    more: str = ""
    mark: float | None = None


def bars(look: Look, rows: Iterable[Bar]) -> Spec:
    """Bars on one scale that holds zero. A bar's ``mark`` draws a stroke across at that amount.

    Bars that begin where the one before ended are joined by a line, as in a waterfall.
    """
    shown = tuple(rows)
    left, right = _gutters(look, shown)
    text = 0.3 if look.is_narrow else 0.5
    top, bottom = (0.54, 0.86) if look.is_narrow else (0.2, 0.8)
    room = (look.width - right - look.size * FIGURE_LETTERS) if look.is_narrow else left - look.size
    values = [
        {
            "name": shortened(bar.name, room, look.size),
            "figure": f"{bar.figure} · {bar.more}" if look.is_narrow and bar.more else bar.figure,
            "more": "" if look.is_narrow else bar.more,
            "said": ", ".join(filter(None, (f"{bar.name}: {bar.figure}", bar.more))),
            "begins": bar.begins,
            "ends": bar.ends,
            "tone": bar.tone,
            "text": place + text,
            "top": place + top,
            "bottom": place + bottom,
            "next": place + 1 + top,
            "mark": bar.mark,
        }
        for place, bar in enumerate(shown)
    ]
    edges = [0.0, *(x for bar in shown for x in (bar.begins, bar.ends, bar.mark or 0.0))]
    low, high = min(edges), max(edges)
    along = {"domain": [low, high if high > low else low + 1], "nice": False, "zero": False}
    x: Spec = {
        "type": "quantitative",
        "axis": None,
        "scale": {**along, "range": [left, look.width - right]},
    }
    y: Spec = {
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [0, max(len(shown), 1)], "range": [0, _height(look, shown)]},
    }
    is_waterfall = any(bar.begins for bar in shown)
    joined = values[:-1] if is_waterfall and not look.is_narrow else []
    figures_end = look.width if look.is_narrow else look.width - _more(look, shown)
    return spec(
        look,
        data={"values": values},
        width=look.width,
        height=_height(look, shown),
        layer=[
            _strokes(look, "ends", joined, x, y, "bottom", "next", look.colours.muted, 1),
            {
                "mark": {"type": "rect", "cornerRadius": 1},
                "encoding": {
                    "x": {"field": "begins", **x},
                    "x2": {"field": "ends"},
                    "y": {"field": "top", **y},
                    "y2": {"field": "bottom"},
                    "color": toned(look),
                    "description": {"field": "said", "type": "nominal"},
                },
            },
            _strokes(look, "mark", [v for v in values if v["mark"]], x, y, "top", "bottom"),
            _words("name", 0, "left", y),
            _words("figure", figures_end, "right", y),
            _words("more", look.width, "right", y),
        ],
    )


def _gutters(look: Look, shown: tuple[Bar, ...]) -> tuple[float, float]:
    """Pixels left of the bars, for names, and right of them, for figures."""
    if look.is_narrow:
        return 0, 0
    return look.width * NAME_SHARE, look.size * FIGURE_LETTERS / 2 + 16 + _more(look, shown)


def _more(look: Look, shown: tuple[Bar, ...]) -> float:
    return look.size * MORE_LETTERS / 2 if any(bar.more for bar in shown) else 0


def _height(look: Look, shown: tuple[Bar, ...]) -> int:
    return (40 if look.is_narrow else 28) * max(len(shown), 1)


def _strokes(
    look: Look,
    field: str,
    values: list[Spec],
    x: Spec,
    y: Spec,
    begins: str,
    ends: str,
    colour: str = "",
    width: int = 2,
) -> Spec:
    """Upright strokes at an amount."""
    mark = {"type": "rule", "color": colour or look.colours.ink, "strokeWidth": width}
    return {
        "data": {"values": values},
        "mark": {**mark, "aria": False},
        "encoding": {
            "x": {"field": field, **x},
            "y": {"field": begins, **y},
            "y2": {"field": ends},
        },
    }


def _words(field: str, at: float, align: str, y: Spec) -> Spec:
    return {
        "mark": {"type": "text", "align": align, "baseline": "middle", "aria": False},
        "encoding": {
            "x": {"value": at},
            "y": {"field": "text", **y},
            "text": {"field": field, "type": "nominal"},
        },
    }
