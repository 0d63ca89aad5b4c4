"""Charts drawn by Vega-Lite, offline, inside this process: nothing is left to run on the page."""

from __future__ import annotations

import importlib
from textwrap import wrap
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

from auditor.errors import AuditError
from auditor.reports.page.look import LETTER, NARROW, SLIDE, WIDE, Spec
from auditor.reports.page.parts import Chart

SCALE = 2
MARGIN = 24
NAMESPACE = "{http://www.w3.org/2000/svg}"
SHAPES = frozenset({"svg", "g", "path", "rect", "line", "text", "tspan", "defs", "clipPath"})
AXIS = "axis"
UNUSED = ("role", "aria-roledescription", "aria-hidden", "class", "pointer-events", "version")


def check_installed() -> None:
    """Refuse before the work is done where a package of the extra ``page`` is missing."""
    for name in ("jinja2", "markupsafe", "vl_convert"):
        needed(name)


def needed(name: str) -> ModuleType:
    """A package of the extra ``page``. Raises AuditError where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise AuditError(
            f"the page and its charts need the package {error.name or name}",
            hint="pip install 'auditor[page]'",
        ) from error


def _svg(drawing: Spec) -> str:
    svg: str = needed("vl_convert").vegalite_to_svg(drawing, allowed_base_urls=[])
    return svg


def svg_file(chart: Chart, period: str) -> bytes:
    """A chart as an SVG file for slides, with its title, what it says, and the period."""
    return f"{_svg(_slide(chart, period))}\n".encode()


def png_file(chart: Chart, period: str) -> bytes:
    """The same as PNG, at twice the size for screens of today."""
    drawing = _slide(chart, period)
    png: bytes = needed("vl_convert").vegalite_to_png(drawing, scale=SCALE, allowed_base_urls=[])
    return png


def _slide(chart: Chart, period: str) -> Spec:
    lines = wrap(chart.says, int(SLIDE.width / (SLIDE.size * LETTER)))
    title = {"text": chart.title, "subtitle": [*lines, period]}
    return {**chart.draw(SLIDE), "title": title, "padding": MARGIN}


def for_page(chart: Chart, place: int) -> tuple[str, str]:
    """A chart as SVG elements for wide windows and for narrow ones.

    ``place`` tells its ids from those of the other charts. What Vega-Lite wrote is read as XML and
    only shapes and text of it are kept.
    """
    wide, narrow = (
        _element(_svg(chart.draw(look)), f"c{place}{size}")
        for size, look in (("w", WIDE), ("n", NARROW))
    )
    return wide, narrow


def _element(svg: str, prefix: str) -> str:
    root = ElementTree.fromstring(svg)
    _tidy(root, prefix)
    width, height = root.attrib.pop("width"), root.attrib.pop("height")
    root.set("viewBox", f"0 0 {width} {height}")
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    return ElementTree.tostring(root, encoding="unicode")


def _tidy(element: ElementTree.Element, prefix: str) -> None:
    """Leave shapes and text: no roles, no unseen parts; what a mark says becomes its title."""
    element.tag = element.tag.removeprefix(NAMESPACE)
    if element.tag not in SHAPES:
        raise AuditError(
            f"a chart holds <{element.tag}>", hint="This is a defect of audit: tell its makers."
        )
    said = element.attrib.pop("aria-label", "")
    is_axis = "role-axis-label" in element.attrib.get("class", "")
    for name in UNUSED:
        element.attrib.pop(name, None)
    if is_axis:
        element.set("class", AXIS)
    for name, value in element.attrib.items():
        if name == "id":
            element.set(name, prefix + value)
        elif value.startswith("url(#"):
            element.set(name, value.replace("url(#", f"url(#{prefix}"))
    for child in list(element):
        if _is_unseen(child):
            element.remove(child)
        else:
            _tidy(child, prefix)
    if said and element.tag in ("path", "rect"):
        title = ElementTree.Element("title")
        title.text = said
        element.insert(0, title)


def _is_unseen(element: ElementTree.Element) -> bool:
    if element.attrib.get("display") == "none":
        return True
    return element.tag == f"{NAMESPACE}path" and not _drawn(element.attrib)


def _drawn(attributes: dict[str, Any]) -> bool:
    return bool(attributes.get("d")) and attributes.get("class") != "background"
