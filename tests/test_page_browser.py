"""The page in a real browser: drawn, silent, alone, usable by keyboard, at every width.

Skipped where no Chromium is installed; .ci/run installs Debian's.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from helpers.logs import capture, uncounted, write
from helpers.runs import question, stored, tuning
from test_page_hostile import HOSTILE

from auditor.pipeline.reporting import chosen, report
from auditor.reports import page
from auditor.session.reporting import frames_of

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(NAMES)} is installed"),
]

DESKTOP, PHONE = 1280, 390
VISIBLE_TEXTS = """() => [...document.querySelectorAll('figure svg')]
    .filter(svg => svg.getBoundingClientRect().width > 0)
    .map(svg => ({
        box: svg.getBoundingClientRect().toJSON(),
        marks: svg.querySelectorAll('path, rect, line').length,
        texts: [...svg.querySelectorAll('text')].filter(text => text.textContent).map(text => ({
            text: text.textContent, box: text.getBoundingClientRect().toJSON()
        }))
    }))"""


@dataclass
class Seen:
    """A page in the browser, what it said to the console, and what it asked for."""

    tab: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a month of calls in workloads with hostile names."""
    folder = tmp_path_factory.mktemp("browser")
    lines = [
        {
            **capture(f"call-{n}", f"2023-08-{1 + n % 31:02}T10:00:00Z", sent=200 * n),
            "tags": {"workload": HOSTILE[n % len(HOSTILE)]},
        }
        for n in range(93)
    ]
    lines.append(uncounted("uncounted", "2023-08-06T10:00:00Z", requested="gpt-4"))
    with stored(write(folder / "calls.jsonl", lines)) as store:
        answered = report(
            store, question(), chosen(page.REPORTS), lambda: frames_of(store, tuning())
        )
    path = folder / "report.html"
    path.write_text(page.page_of(answered, "the tuned model"), encoding="utf-8")
    return path


def opened(browser: Any, file: Path, width: int = DESKTOP, **settings: Any) -> Seen:
    context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
    seen = Seen(context.new_page())
    seen.tab.on("console", lambda message: seen.said.append(message.text))
    seen.tab.on("pageerror", lambda error: seen.said.append(str(error)))
    seen.tab.on("dialog", lambda dialog: seen.said.append(dialog.message))
    seen.tab.on("request", lambda request: seen.asked.append(request.url))
    seen.tab.goto(file.as_uri(), wait_until="load")
    return seen


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_charts_are_drawn_and_nothing_leaves_the_page(browser: Any, file: Path, width: int) -> None:
    seen = opened(browser, file, width)
    charts = seen.tab.evaluate(VISIBLE_TEXTS)
    assert len(charts) == 7  # of the bridges one for each choice
    for chart in charts:
        assert chart["marks"] >= 3
        assert len(chart["texts"]) > 3
        assert chart["box"]["height"] > 60
    assert seen.said == []
    assert seen.asked == [file.as_uri()]
    assert seen.tab.evaluate("window.hacked") is None
    assert seen.tab.evaluate("document.scripts.length") == 0


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_words_in_charts_stay_inside_and_apart(browser: Any, file: Path, width: int) -> None:
    for chart in opened(browser, file, width).tab.evaluate(VISIBLE_TEXTS):
        texts, frame = chart["texts"], chart["box"]
        for place, one in enumerate(texts):
            assert one["box"]["left"] >= frame["left"] - 1, one["text"]
            assert one["box"]["right"] <= frame["right"] + 1, one["text"]
            for other in texts[:place]:
                assert not overlap(one["box"], other["box"]), (one["text"], other["text"])


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two boxes share more than their line spacing."""
    across = min(one["right"], other["right"]) - max(one["left"], other["left"])
    down = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
    return across > 1 and down > min(one["height"], other["height"]) * 0.4


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_page_is_as_wide_as_the_window(browser: Any, file: Path, width: int) -> None:
    tab = opened(browser, file, width).tab
    for details in tab.query_selector_all("details:not([open]) > summary"):
        if details.is_visible():
            details.click()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_it_works_by_keyboard(browser: Any, file: Path) -> None:
    tab = opened(browser, file).tab
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    assert tab.evaluate("document.activeElement.getBoundingClientRect().left") > 0
    chosen_title = ".choice .panel:visible h3"
    before = tab.locator(chosen_title).first.inner_text()
    tab.locator(".choice input").first.focus()
    tab.keyboard.press("ArrowRight")
    assert tab.locator(chosen_title).first.inner_text() != before
    tab.locator("summary").first.focus()
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.parentElement.open")
    reached = tab.evaluate(
        "[...document.querySelectorAll('a, input, summary, [tabindex=\"0\"]')]"
        ".every(element => element.tabIndex >= 0)"
    )
    assert reached


def test_every_digit_can_be_shown(browser: Any, file: Path) -> None:
    tab = opened(browser, file).tab
    size = "getComputedStyle(document.querySelector('#cost data.r')).fontSize"
    exact = "getComputedStyle(document.querySelector('#cost data.r'), '::after').content"
    assert (tab.evaluate(size), tab.evaluate(exact)) != ("0px", "none")
    tab.locator(".digits input").focus()
    tab.keyboard.press("Space")
    assert tab.evaluate(size) == "0px"
    value = tab.evaluate("document.querySelector('#cost data.r').value")
    assert tab.evaluate(exact).strip('"') == value


def test_dark_mode_changes_paper_words_and_charts(browser: Any, file: Path) -> None:
    look = (
        "(() => [getComputedStyle(document.body).backgroundColor,"
        "getComputedStyle(document.querySelector('svg text')).fill,"
        "getComputedStyle(document.querySelector('svg path')).fill])()"
    )
    light = opened(browser, file, color_scheme="light").tab.evaluate(look)
    dark = opened(browser, file, color_scheme="dark").tab.evaluate(look)
    assert all(one != other for one, other in zip(light, dark, strict=True)), (light, dark)


def test_every_chart_says_what_it_shows_and_has_its_table(browser: Any, file: Path) -> None:
    tab = opened(browser, file).tab
    for image in tab.query_selector_all("[role=img]"):
        assert len(image.get_attribute("aria-label")) > 40
    beside = tab.evaluate(
        "[...document.querySelectorAll('figure')].every(figure =>"
        " figure.closest('.panel, section').querySelector('table tbody tr'))"
    )
    assert beside
    named = tab.evaluate(
        "[...document.querySelectorAll('table')].every(table =>"
        " table.caption.textContent && table.querySelector('thead th[scope=col]')"
        " && table.querySelector('tbody th[scope=row]'))"
    )
    assert named


def test_it_prints(browser: Any, file: Path) -> None:
    tab = opened(browser, file, color_scheme="dark").tab
    assert tab.pdf(format="A4").startswith(b"%PDF")
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.locator(".wide:visible").count() == 7
