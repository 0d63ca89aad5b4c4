"""The parts on what lies under the figures: windows, lines of the files, calls without a price."""

from __future__ import annotations

from auditor.reports.page.bars import Bar, bars
from auditor.reports.page.cells import Cell, Table, drawn, share, table, text_of
from auditor.reports.page.parts import MOST_ROWS, Chart, Part, Source, cut


def windows(source: Source) -> Part:
    """How long the calls are against the context windows, and what outgrows each scenario."""
    sheet = source.sheets["window_fit"]
    rows: list[list[Cell]] = []
    shown: list[Bar] = []
    for place, row in enumerate(sheet.rows):
        window = row["window_tokens"]
        name = f"up to {window:,} tokens" if window else "longer than every window"
        calls = sheet.figure(place, "calls")
        part = sheet.figure(place, "share", share)
        rows.append(
            [
                name,
                calls,
                part,
                sheet.figure(place, "fitting_share", share),
                sheet.figure(place, "input_tokens"),
                sheet.figure(place, "output_tokens"),
                sheet.money(place, "actual_usd", source.places),
            ]
        )
        tone = "plain" if window else "loss"
        bar = Bar(name, text_of(calls), 0.0, drawn(row["calls"]), tone, text_of(part))
        shown.append(bar)
    title = "Calls by the smallest context window that they fit"
    chart = Chart(
        "windows",
        title,
        "A bar for each window: calls that fit it and no smaller one, and their share.",
        lambda look: bars(look, shown),
    )
    columns = "Calls, Share, Fit this or smaller, Tokens in, Tokens out, Actual cost"
    told = table(title, "Window", columns, rows)
    has_calls = any(row["calls"] for row in sheet.rows)
    return Part(chart if has_calls else None, (told, _overflows(source)))


def _overflows(source: Source) -> Table:
    sheet = source.sheets["overflow"]
    outgrown = [n for n, row in enumerate(sheet.rows) if row["overflows"]]
    found, rest = cut(outgrown, MOST_ROWS, "row", "overflow.csv")
    rows: list[list[Cell]] = [
        [
            sheet.word(n, "name"),
            source.booked(sheet.word(n, "model") or "no model", sheet.rows[n]["booking"]),
            sheet.figure(n, "overflows"),
            sheet.figure(n, "calls"),
            sheet.figure(n, "overflow_share", share),
            sheet.money(n, "overflow_actual_usd", source.places),
        ]
        for n in found
    ]
    columns = "Do not fit, Of calls, Share, Actual cost of these"
    title = "Calls that outgrow the windows of a scenario: no saving, they stay where they are"
    return table(title, "Scenario, Model", columns, rows, rest)


def coverage(source: Source) -> tuple[Table, ...]:
    """Where the lines went, and which calls have no price."""
    sheet, unpriced = source.sheets["coverage"], source.sheets["unpriced"]
    counts = ("lines", "calls", "buckets", "duplicates", "rejects", "context")
    order = sorted(range(len(sheet.rows)), key=lambda n: (-sheet.rows[n]["rejects"], n))
    listed, rest = cut(order, MOST_ROWS, "file", "coverage.csv")
    files: list[list[Cell]] = [
        [
            sheet.word(n, "source"),
            sheet.word(n, "format"),
            *(sheet.figure(n, c) for c in counts),
        ]
        for n in listed
    ]
    found, more = cut(list(range(len(unpriced.rows))), MOST_ROWS, "row", "unpriced.csv")
    words = ("name", "model", "tier", "reason")
    without: list[list[Cell]] = [
        [
            *(unpriced.word(n, name) for name in words),
            *(unpriced.figure(n, name) for name in ("calls", "input_tokens", "output_tokens")),
        ]
        for n in found
    ]
    return (
        table(
            "Calls without a price: in no total",
            "Actual or scenario, Model, Tier, Why",
            "Calls, Tokens in, Tokens out",
            without,
            more,
        ),
        table(
            "Lines of each file: calls, buckets, duplicates, rejects and context are all of them",
            "File, Format",
            "Lines, Calls, Buckets, Duplicates, Rejects, Context",
            files,
            rest,
        ),
    )
