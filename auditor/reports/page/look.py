"""How charts look: sizes, type and colours, of the page and of pictures for slides.

Colours are of Okabe and Ito (2008), which people who see colours differently can tell apart; no
chart relies on them alone. Those of the page are names of its style sheet, so that they follow the
reader's light or dark mode.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

Spec = dict[str, Any]
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
LETTER = 0.6
"""Width of a letter against the size of the type, on average, with a little to spare."""


@dataclass(frozen=True, slots=True)
class Colours:
    """What a chart is drawn with: ``gain`` is less than the actual cost, ``loss`` more."""

    ink: str = "#1b1f24"
    muted: str = "#5b6470"
    line: str = "#d9dde2"
    paper: str = "#ffffff"
    plain: str = "#8b95a1"
    gain: str = "#0072b2"
    loss: str = "#d55e00"


OF_PAGE = Colours(
    **{name: f"var(--{name})" for name in ("ink", "muted", "line", "plain", "gain", "loss")},
    paper="transparent",
)


@dataclass(frozen=True, slots=True)
class Look:
    """For what a chart is drawn; ``width`` and ``size``, of the type, are in pixels."""

    width: int
    size: int
    is_narrow: bool = False
    colours: Colours = OF_PAGE


WIDE = Look(width=880, size=13)
NARROW = Look(width=360, size=14, is_narrow=True)
SLIDE = Look(width=880, size=14, colours=Colours())


def spec(look: Look, **parts: Any) -> Spec:
    """A Vega-Lite specification with this look."""
    colours, size = look.colours, look.size
    return {
        "$schema": SCHEMA,
        "background": colours.paper,
        "padding": 4,
        **parts,
        "config": {
            "font": FONT,
            "view": {"stroke": None},
            "title": {
                "color": colours.ink,
                "fontSize": size + 4,
                "anchor": "start",
                "offset": 20,
                "frame": "bounds",
                "subtitleColor": colours.muted,
                "subtitleFontSize": size - 1,
                "subtitlePadding": 8,
            },
            "text": {"color": colours.ink, "fontSize": size},
            "axis": {
                "labelColor": colours.muted,
                "labelFontSize": size - 1,
                "titleColor": colours.muted,
                "titleFontSize": size - 1,
                "titleFontWeight": "normal",
                "gridColor": colours.line,
                "domainColor": colours.line,
                "tickColor": colours.line,
                "domain": False,
                "ticks": False,
                "labelPadding": 6,
            },
        },
    }


def toned(look: Look) -> Spec:
    """The colour of a mark by its field ``tone``: gain, loss or plain."""
    colours = look.colours
    return {
        "field": "tone",
        "type": "nominal",
        "legend": None,
        "scale": {
            "domain": ["plain", "gain", "loss"],
            "range": [colours.plain, colours.gain, colours.loss],
        },
    }


def shortened(text: str, width: float, size: int) -> str:
    """Text that fits so many pixels; what is cut off ends in an ellipsis."""
    most = width / (size * LETTER)
    taken = 0.0
    for place, letter in enumerate(text):
        taken += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if taken > most:
            return text[: max(place - 1, 1)].rstrip() + "…"
    return text
