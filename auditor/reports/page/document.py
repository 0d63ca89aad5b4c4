"""The page: one HTML file with its charts and tables, that loads nothing and runs nothing.

A Content-Security-Policy allows its own style sheet, by hash, and nothing else. Whatever comes
from logs is text: Jinja2 escapes all that is put into the page, but the charts, which
``drawing`` has built as XML.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib.resources import files
from itertools import groupby
from typing import Any

from auditor.errors import printable
from auditor.pipeline.reporting import Reported
from auditor.reports.figures import counted, lines_went
from auditor.reports.files import run_of
from auditor.reports.manifest import with_manifest
from auditor.reports.notes import notes_of
from auditor.reports.page.cells import Figure
from auditor.reports.page.costs import bridges, over_time, summary, training
from auditor.reports.page.coverage import coverage, windows
from auditor.reports.page.drawing import for_page, needed, png_file, svg_file
from auditor.reports.page.parts import ACTUAL, Chart, Part, Source
from auditor.reports.page.tuning import tuning, workloads

KINDS = {"png": png_file, "svg": svg_file}


def page_of(reported: Reported, target: str) -> str:
    """The page of these reports, which are those of REPORTS. The same reports, the same bytes.

    ``target`` names what the reports on fine-tuning tune. Raises AuditError where the extra
    ``page`` is not installed.
    """
    jinja2 = needed("jinja2")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(_text_of),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    markup = needed("markupsafe").Markup
    source = Source(reported, target)
    style = _text_of("page.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    places = iter(range(1_000_000))

    def draw(part: Part) -> dict[str, Any] | None:
        if part.chart is None:
            return None
        wide, narrow = for_page(part.chart, next(places))
        chart = part.chart
        return {
            "title": chart.title,
            "says": chart.says,
            "wide": markup(wide),
            "narrow": markup(narrow),
        }

    chosen = groupby(bridges(source), key=lambda part: part.group)
    text: str = environment.get_template("page.html.j2").render(
        style=markup(style),
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'",
        draw=draw,
        period=_period(reported),
        headline=_headline(source),
        summary=summary(source),
        training=training(source),
        over_time=over_time(source),
        bridges=[(group, list(parts)) for group, parts in chosen],
        cut_scenarios=source.cut_scenarios.strip(),
        workloads=workloads(source),
        tuning=tuning(source),
        target=target,
        history=_history(source),
        windows=windows(source),
        coverage=coverage(source),
        totals=_totals(reported),
        notes=list(_notes(reported, source)),
        run=run_of(reported.question, reported.question.scenarios, reported.whole.sources),
        zone=reported.question.zone,
    )
    return text


def pictures_of(reported: Reported, target: str, kind: str) -> dict[str, bytes]:
    """Every chart as a file of that kind, ``png`` or ``svg``, and the manifest that names them."""
    charts = list(charts_of(Source(reported, target)))
    period = f"{_period(reported)} ({reported.question.zone})"
    contents = {f"{chart.name}.{kind}": KINDS[kind](chart, period) for chart in charts}
    listed = {f"{chart.name}.{kind}": {"title": chart.title} for chart in charts}
    return with_manifest(reported, contents, listed, holds=kind)


def charts_of(source: Source) -> Iterator[Chart]:
    """Every chart that has something to show, in the order of the page."""
    parts = (summary(source), over_time(source), *bridges(source), workloads(source))
    for part in (*parts, tuning(source), windows(source)):
        if part.chart is not None:
            yield part.chart


def _text_of(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _period(reported: Reported) -> str:
    begins, ends = reported.period
    if begins is None:
        return "no dated calls"
    return f"{begins} to {ends}, end excluded"


def _headline(source: Source) -> dict[str, Any]:
    """The actual cost: one figure, and those that it is made of where months are closed."""
    sheet, bridge = source.sheets["summary"], source.sheets["bridge"]
    actual = sheet.places(name=ACTUAL)
    costs = [(sheet.rows[n]["booking"], sheet.money(n, "cost_usd", source.places)) for n in actual]
    starts = bridge.places(bridge="scenario", part="start")
    whole = bridge.money(starts[0], "running_usd", source.places) if starts else None
    is_one = len(costs) == 1 or whole is None
    return {
        "total": [cost for _, cost in costs] if is_one else [whole],
        "parts": [] if is_one else costs,
        "counts": [
            (name, [sheet.figure(n, name) for n in actual])
            for name in ("calls", "failed", "unpriced")
        ],
    }


def _totals(reported: Reported) -> list[tuple[str, Figure]]:
    """Counts of lines of the whole store, as the manifest has them."""
    coverage = reported.whole.coverage
    names = ("files", "lines", *lines_went(coverage), "outside_period")
    return [
        (
            name.replace("_", " "),
            Figure(f"{coverage[name]:,}", str(coverage[name]), f"manifest:coverage:{name}"),
        )
        for name in names
    ]


def _history(source: Source) -> str:
    """Why the advice on fine-tuning cannot be followed today, if so."""
    sheet = source.sheets["finetune"]
    return next((sheet.word(n, "history") for n in range(len(sheet.rows))), "")


def _notes(reported: Reported, source: Source) -> Iterator[str]:
    """What a reader must know; the first note of a replay speaks of its own output."""
    whole = reported.whole
    for note in list(notes_of(whole, whole.rows, source.places))[1:]:
        yield printable(note)
    rejects = whole.coverage["rejects"]
    if rejects:
        yield (
            f"{counted(rejects, 'line')} could not be read and are in no figure; `audit show "
            "rejects --db FILE` says which, and why."
        )
