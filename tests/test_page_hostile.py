"""Names from logs are text on the page, whatever they hold, and the page loads and runs nothing."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from helpers.logs import capture, write
from helpers.pages import Page
from helpers.runs import question, stored, tuning

from auditor.errors import printable
from auditor.pipeline.reporting import Reported, chosen, report
from auditor.reports import page
from auditor.reports.page import REPORTS
from auditor.session.reporting import frames_of

HOSTILE = (
    "<script>window.hacked = true</script>",
    "</script><script>window.hacked = true</script>",
    "</style><img src=x onerror='window.hacked = true'>",
    '" onmouseover="window.hacked = true',
    "<!-- --!> <![CDATA[ ]]>",
    "{{ 7 * 7 }} {% raw %} ${7 * 7} #{7 * 7}",
    "datum.x['y'] + toString()",
    "=HYPERLINK('http://example.invalid')",
    "&amp;&lt;b&gt; &#60;",
    "url(#clip) var(--ink)",
    "long " * 400,
    "\u05d0\u05d1\u05d2 \u202ekcab\u202c \u200f",
    "line\u2028break\u2029 \u0000 \u001b[31m \u0008 \ufffe",
    "全角文字の名前" * 12,
    "",
    "   ",
)
ALLOWED_TAGS = {
    *("html", "head", "meta", "title", "link", "style", "body", "a", "header", "p", "h1", "h2"),
    *("h3", "nav", "ul", "li", "label", "input", "main", "section", "dl", "dt", "dd", "div"),
    *("data", "figure", "figcaption", "table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("bdi", "details", "summary", "fieldset", "legend", "code", "footer", "span"),
    *("svg", "g", "path", "rect", "line", "text", "defs", "clippath"),
}
URLS = {"href", "src", "srcset", "action", "data", "poster", "xlink:href", "formaction"}


@cache
def reported(folder: Path) -> Reported:
    lines = [
        {
            **capture(f"call-{n}", model=None if n % 3 else f"{name} model", requested=name),
            "tags": {"workload": name, "team": name},
        }
        for n, name in enumerate(HOSTILE)
    ]
    known = [
        {**capture(f"known-{n}", sent=5000 + n), "tags": {"workload": name}}
        for n, name in enumerate(HOSTILE)
    ]
    log = write(folder / "logs" / "<b onclick=alert(1)>&'.jsonl", [*lines, *known, "<script>"])
    with stored(log) as store:
        return report(store, question(), chosen(REPORTS), lambda: frames_of(store, tuning()))


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    return reported(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def shown(answered: Reported) -> Page:
    return Page(page.page_of(answered, "<i>target</i>"))


def test_names_make_no_elements_and_no_attributes(shown: Page) -> None:
    assert {tag for tag, _ in shown.tags} <= ALLOWED_TAGS
    for tag, attributes in shown.tags:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert "style" not in attributes


def test_nothing_on_the_page_points_elsewhere(shown: Page) -> None:
    for _, attributes in shown.tags:
        for name in URLS & attributes.keys():
            assert attributes[name] == "data:," or attributes[name].startswith("#")
        for name, value in attributes.items():
            if name not in ("content", "aria-label", "title"):
                assert not re.search(r"url\((?!#c\d+[wn])", value), (name, value)
    style = shown.html.partition("<style>")[2].partition("</style>")[0]
    assert not re.search(r"@import|url\(", style)


def test_the_policy_allows_the_style_sheet_and_nothing_else(shown: Page) -> None:
    import base64
    import hashlib

    style = shown.html.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(a["content"] for _, a in shown.tags if "http-equiv" in a)
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    assert shown.html.index("http-equiv") < shown.html.index("<style>")


def test_every_name_stands_on_the_page_as_it_is(shown: Page) -> None:
    told = [" ".join(text.split()) for text in shown.texts]
    for name in HOSTILE:
        wanted = " ".join(printable(name).split())
        assert not wanted or any(text in (wanted, f"{wanted[:399]}…") for text in told), name


def test_nothing_unseen_is_left_in_the_page(shown: Page) -> None:
    """Control characters and marks that turn the direction of the text are written out."""
    strange = {letter for letter in shown.html if not letter.isprintable()}
    assert strange <= {"\n"}


def test_charts_are_well_formed_and_hold_shapes_and_text_alone(answered: Reported) -> None:
    pictures = page.pictures_of(answered, "<i>target</i>", "svg")
    drawings = [content for name, content in pictures.items() if name.endswith(".svg")]
    assert len(drawings) > 10
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        found = {element.tag.rpartition("}")[2] for element in root.iter()}
        shapes = {"svg", "g", "path", "rect", "line", "text", "tspan", "defs", "clipPath"}
        assert found <= shapes
        assert b"var(--" not in drawing.replace(b"var(--ink)</text>", b"").replace(
            b"url(#clip) var(--ink)", b""
        )
