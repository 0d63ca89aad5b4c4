"""The parts on money: what each scenario costs, over time, and what makes the difference."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from auditor.reports.notes import is_partly_compared
from auditor.reports.page.bars import Bar, bars
from auditor.reports.page.cells import Cell, Sheet, Table, drawn, table, text_of, times
from auditor.reports.page.panels import Panel, Point, panels
from auditor.reports.page.parts import (
    ACTUAL,
    MOST_SCENARIOS,
    Chart,
    Part,
    Source,
    cut,
    has_something,
    tone_of,
)

MOST_DAYS = 100
MOST_MONTHS = 12
MOST_TIMES = 62
PARTS = {
    "not_moved": "calls not moved",
    "overflow": "calls that do not fit",
    "unpriced": "calls without a price",
    "volume": "more or fewer calls",
    "model_mix": "other models",
    "tokens_per_call": "tokens per call",
    "rate": "other rates",
    "training": "training",
}


def summary(source: Source) -> Part:
    """The actual cost and each scenario."""
    sheet, places = source.sheets["summary"], source.places
    order = {name: place for place, name in enumerate((ACTUAL, *source.scenarios))}
    compared = ("compared_usd",) if is_partly_compared(sheet.rows) else ()
    rows: list[list[Cell]] = []
    shown: list[Bar] = []
    actual = {row["booking"]: drawn(row["cost_usd"]) for row in sheet.rows if row["name"] == ACTUAL}
    for place in sorted(range(len(sheet.rows)), key=lambda n: order[sheet.rows[n]["name"]]):
        row = sheet.rows[place]
        name = source.booked(row["name"], row["booking"])
        cost = sheet.money(place, "cost_usd", places)
        delta = sheet.money(place, "delta_usd", places, "+")
        is_actual = row["name"] == ACTUAL
        rows.append(
            [
                name,
                sheet.word(place, "title"),
                cost,
                *([""] * (len(compared) + 3) if is_actual else _compared(source, place, compared)),
                *(sheet.figure(place, column) for column in ("calls", "overflows", "unpriced")),
            ]
        )
        if row["cost_usd"] is None:
            continue
        tone = "plain" if is_actual else tone_of(row["delta_usd"])
        more = "" if is_actual else text_of(delta)
        length, mark = drawn(row["cost_usd"]), actual[row["booking"]]
        shown.append(Bar(name, text_of(cost), 0.0, length, tone, more, mark))
    title = "Cost of each scenario, USD, and its delta to the actual cost"
    chart = Chart(
        "scenarios",
        title,
        "The stroke across each bar is the actual cost. Blue: less than the same calls did cost; "
        "orange: more.",
        lambda look: bars(look, shown),
    )
    columns = "Actual of the same calls, Delta, Ratio, Calls, Overflows, Unpriced"
    columns = f"Cost, {'Compared, ' if compared else ''}{columns}"
    told = table("Cost of each scenario, USD", "Scenario, What it is", columns, rows)
    return Part(chart if shown else None, (told,))


def _compared(source: Source, place: int, compared: tuple[str, ...]) -> list[Cell]:
    """The cells of the calls that have both costs."""
    sheet = source.sheets["summary"]
    return [
        *(sheet.money(place, name, source.places) for name in (*compared, "actual_usd")),
        sheet.money(place, "delta_usd", source.places, "+"),
        sheet.figure(place, "ratio", times),
    ]


def training(source: Source) -> Table:
    """What scenarios train, once; in no cost but the bridge."""
    sheet = source.sheets["training"]
    rows: list[list[Cell]] = [
        [
            sheet.word(n, "name"),
            sheet.figure(n, "training_tokens"),
            sheet.money(n, "training_usd", source.places),
            sheet.money(n, "total_usd", source.places),
        ]
        for n in range(len(sheet.rows))
    ]
    title = "Training, once and before; in neither cost nor delta above"
    return table(title, "Scenario", "Billed tokens, Training, Cost with it", rows)


def over_time(source: Source) -> Part:
    """The cost of each day, or of each month of a long period."""
    by, name = ("day", "daily") if len(_days(source)) <= MOST_DAYS else ("month", "monthly")
    sheet = source.sheets[name]
    cells = {(_when(row, by), row["booking"], row["name"]): n for n, row in enumerate(sheet.rows)}
    moments = tuple(sorted({(when, booking) for when, booking, _ in cells if when}))
    scale = _days(source) if by == "day" else _months([when for when, _ in moments])
    title = f"Cost of each {by} by scenario, USD"
    names = source.scenarios[:MOST_SCENARIOS] or (ACTUAL,)
    shown = tuple(
        Panel(one, source.tones.get(one, "plain"), _points(source, sheet, cells, moments, one))
        for one in names
    )
    chart = Chart(
        "over-time",
        title,
        f"A panel for each scenario with a bar for each {by}; the stroke is the actual cost. Each "
        "panel has a scale of its own. Blue: less than the same calls did cost, in all; orange: "
        f"more.{source.cut_scenarios}",
        lambda look: panels(look, shown, scale),
    )
    told = _times(source, sheet, cells, by)
    return Part(chart if moments else None, (told,))


def _times(
    source: Source, sheet: Sheet, cells: Mapping[tuple[str, str, str], int], by: str
) -> Table:
    """A row for each day or month, and a column for each scenario."""
    names = (ACTUAL, *source.scenarios)
    with_calls = [key for key, n in cells.items() if has_something(sheet.rows[n])]
    found = sorted({(when, booking) for when, booking, _ in with_calls}, reverse=True)
    keys, rest = cut(found, MOST_TIMES, by, f"{sheet.name}.csv", "the last")
    rows: list[list[Cell]] = [
        [
            source.booked(when or "no date", booking),
            *(
                _cost(source, sheet, cells[when, booking, one])
                if (when, booking, one) in cells
                else ""
                for one in names
            ),
        ]
        for when, booking in reversed(keys)
    ]
    return table(f"Cost of each {by}, USD", by.capitalize(), ", ".join(names), rows, rest)


def _points(
    source: Source,
    sheet: Sheet,
    cells: Mapping[tuple[str, str, str], int],
    moments: tuple[tuple[str, str], ...],
    name: str,
) -> tuple[Point, ...]:
    found = []
    strokes: dict[str, float] = {}
    known = [(when, booking) for when, booking in moments if (when, booking, name) in cells]
    for when, booking in known:
        length = drawn(sheet.rows[cells[when, booking, ACTUAL]]["cost_usd"])
        strokes[when] = strokes.get(when, 0.0) + length
    for when, booking in known:
        at, beside = cells[when, booking, name], cells[when, booking, ACTUAL]
        said = (
            f"{source.booked(when, booking)}: {text_of(_cost(source, sheet, at))}, "
            f"actual {text_of(_cost(source, sheet, beside))}"
        )
        found.append(Point(when, drawn(sheet.rows[at]["cost_usd"]), strokes[when], said))
    return tuple(found)


def _cost(source: Source, sheet: Sheet, place: int) -> Cell:
    return sheet.money(place, "cost_usd", source.places)


def _when(row: Mapping[str, Any], by: str) -> str:
    return str(row[by]) if row[by] is not None else ""


def _days(source: Source) -> tuple[str, ...]:
    """Every day from the first to the last with calls, also those without."""
    days = {row["day"] for row in source.sheets["daily"].rows if row["day"] is not None}
    found = sorted(date.fromisoformat(str(day)) for day in days)
    if not found:
        return ()
    return tuple(str(found[0] + timedelta(days=n)) for n in range((found[-1] - found[0]).days + 1))


def _months(found: list[str]) -> tuple[str, ...]:
    """Every month from the first to the last, also those without calls."""
    if not found:
        return ()
    (year, month), last = map(int, found[0].split("-")), found[-1]
    months = [found[0]]
    while months[-1] < last:
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        months.append(f"{year:04}-{month:02}")
    return tuple(months)


def bridges(source: Source) -> tuple[Part, ...]:
    """From the actual cost to each scenario, and from each month to the next."""
    sheet = source.sheets["bridge"]
    found: dict[tuple[str, str, str], list[int]] = {}
    for place, row in enumerate(sheet.rows):
        found.setdefault((row["bridge"], row["from_name"], row["to_name"]), []).append(place)
    order = {name: place for place, name in enumerate(source.scenarios)}
    scenarios = sorted((k for k in found if k[0] == "scenario"), key=lambda k: order[k[2]])
    periods = sorted(k for k in found if k[0] == "period")
    return tuple(
        _bridge(source, sheet, key, found[key])
        for key in (*scenarios[:MOST_SCENARIOS], *periods[-MOST_MONTHS:])
    )


def _bridge(source: Source, sheet: Sheet, key: tuple[str, str, str], places: list[int]) -> Part:
    kind, begins, ends = key
    rows: list[list[Cell]] = []
    shown: list[Bar] = []
    before = 0.0
    for place in places:
        row = sheet.rows[place]
        part, is_total = row["part"], row["part"] in ("start", "end")
        name = {"start": begins, "end": ends}.get(part) or PARTS.get(part, part)
        if part == "start" and kind == "period" and not row["calls"]:
            name = f"{begins}: no calls logged"
        amount = sheet.money(place, "amount_usd", source.places, "-" if is_total else "+")
        running = sheet.money(place, "running_usd", source.places)
        calls = "" if part == "end" else sheet.figure(place, "calls")
        rows.append([name, part, calls, amount, running])
        after = drawn(row["running_usd"])
        if is_total:
            shown.append(Bar(name, text_of(amount), 0.0, after))
        elif row["amount_usd"]:
            tone = tone_of(row["amount_usd"])
            shown.append(Bar(name, text_of(amount), before, after, tone))
        before = after
    title = f"From {begins} to {ends}, USD"
    of_scenario = kind == "scenario"
    chart = Chart(
        f"bridge-{ends}" if of_scenario else f"bridge-from-{begins}-to-{ends}",
        title,
        f"What leads from {begins} to {ends}: a bar for each part, from where the one before "
        "ended. Parts that add nothing are left out.",
        lambda look: bars(look, shown),
    )
    told = table(title, "Step, Part", "Calls, Adds, Cost then", rows)
    label = ends if of_scenario else f"{begins} to {ends}"
    group = "From the actual cost to" if of_scenario else "From one period to the next"
    return Part(chart, (told,), label, group)
