"""A replay on a terminal: where the lines went, what it cost, what it would have cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.pipeline.replay import Replay, period_of
from auditor.reports.bars import bar, heading, most_of, needed_by, with_bars
from auditor.reports.figures import counted, lines_went, n, named, places_of, ratio, usd
from auditor.reports.layout import bare_table, print_whole
from auditor.reports.notes import is_partly_compared, notes_of
from auditor.reports.rows import dimension_columns, result_rows

WIDE = 124
MAX_GROUP_WIDTH = 24
MOST_ROWS = 3_000
SHOWN_UNPRICED = 12


def show(result: Replay, console: Console) -> None:
    """Print a replay; in two tables where the terminal is narrower than 124 columns."""
    places = places_of(result)
    all_rows = result_rows(result)
    rows = all_rows[:MOST_ROWS]
    console.print(_heading(result, places))
    console.print()
    if result.spent:
        print_whole(_spent_table(result, places), console)
        console.print()
    if not rows:
        console.print("No scenario was asked for.")
    else:
        _print_scenarios(result, rows, places, console)
    console.print()
    if max(len(all_rows), len(result.spent)) > MOST_ROWS:
        console.print(
            Text(
                f"The tables end after {MOST_ROWS:,} rows; --format csv holds all "
                f"{n(len(all_rows))}.",
                style="bold",
            )
        )
        console.print()
    for note in notes_of(result, all_rows, places):
        console.print(bullet(note))
    if result.unpriced:
        console.print()
        print_whole(unpriced_table(result.unpriced[:SHOWN_UNPRICED]), console)
        if len(result.unpriced) > SHOWN_UNPRICED:
            console.print(Text("… and more: `audit show unpriced` lists them all."))


def _print_scenarios(
    result: Replay, rows: list[dict[str, Any]], places: int, console: Console
) -> None:
    """One table where the terminal has room for it, else two."""

    def one(width: int) -> Table:
        return _one_table(result, rows, places, width, console)

    def costs(width: int) -> Table:
        return _cost_table(result, rows, places, width, console)

    if console.width >= WIDE:
        bare = one(0)
        if needed_by(bare, console) <= console.width:
            print_whole(with_bars(bare, one, console), console)
            return
    print_whole(_fit_table(result, rows), console)
    console.print()
    print_whole(with_bars(costs(0), costs, console), console)


def _heading(result: Replay, places: int) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for label, text in _facts(result, places):
        grid.add_row(Text(label, style="bold"), Text(text))
    return grid


def _facts(result: Replay, places: int) -> Iterator[tuple[str, str]]:
    coverage, total = result.coverage, result.total
    yield "Period", f"{_period(*period_of(result))} ({result.question.zone})"
    parts = _sum(coverage, lines_went(coverage))
    yield (
        "Coverage",
        f"{counted(coverage['lines'], 'line')} of {counted(coverage['files'], 'file')} = {parts}",
    )
    parts = _sum(total, ("priced", "unpriced", "failed"))
    if coverage["outside_period"]:
        parts += f" + {n(coverage['outside_period'])} outside the period"
    yield "Calls", f"{n(coverage['counted'])} = {parts}"
    yield "Tokens", _counted(total)
    unpriced = total["unpriced"]
    missing = f" without {counted(unpriced, 'unpriced call')}" if unpriced else ""
    yield "Actual", f"{usd(total['cost_usd'], places)} USD{missing}"
    if total["recorded_calls"]:
        yield (
            "Recorded",
            f"{usd(total['recorded_usd'], places)} USD claimed by the logs for "
            f"{counted(total['recorded_calls'], 'call')}; "
            f"{usd(total['recorded_actual_usd'], places)} USD at dated prices",
        )


def _period(begin: date | None, end: date | None) -> str:
    if begin and end:
        return f"{begin} to {end}, end excluded"
    if begin:
        return f"from {begin} on"
    return f"before {end}" if end else "no dated calls"


def _sum(row: Mapping[str, Any], names: Iterable[str]) -> str:
    """``calls + duplicates``, each with its count: a name that ends in s is a plural."""
    return " + ".join(
        counted(row[name], name[:-1]) if name.endswith("s") else f"{n(row[name])} {name}"
        for name in names
    )


def _counted(total: Mapping[str, Any]) -> str:
    who = {
        "provider": "counted by the provider",
        "tokenizer": "by our tokenizer",
        "estimate": "by estimate",
    }
    counts = ", ".join(
        f"{counted(total[f'counted_by_{name}'], 'call')} {words}"
        for name, words in who.items()
        if total[f"counted_by_{name}"] or name == "provider"
    )
    return f"{n(total['input_tokens'])} in, {n(total['output_tokens'])} out; {counts}"


def _add_groups(table: Table, result: Replay) -> None:
    for place, name in enumerate(result.question.by, 1):
        longest = max((len(row[f"by_{place}"] or "(none)") for row in result.rows), default=0)
        width = min(max(longest, len(name)), MAX_GROUP_WIDTH)
        table.add_column(Text(name), overflow="fold", min_width=width)


def _groups(result: Replay, row: dict[str, Any]) -> list[Text]:
    return [_name(row[name]) for name in dimension_columns(result.question.by)]


def _one_table(
    result: Replay, rows: list[dict[str, Any]], places: int, width: int, console: Console
) -> Table:
    table = bare_table("What the same traffic would have cost, USD")
    _add_groups(table, result)
    table.add_column("scenario", no_wrap=True)
    for name in ("calls", "fits", "overflows", "unpriced", "tokens in", "tokens out"):
        table.add_column(name, justify="right", no_wrap=True)
    _add_money(table, rows)
    bars = _add_bars(table, rows, width, console)
    partly = is_partly_compared(rows)
    for row in rows:
        table.add_row(
            *_groups(result, row),
            _name(row["name"]),
            *_counts(row),
            *_money(row, places, partly),
            *bars(row),
        )
        _add_training(table, row, places, blank=6)
    return table


def _fit_table(result: Replay, rows: list[dict[str, Any]]) -> Table:
    table = bare_table("Which calls each scenario can take")
    _add_groups(table, result)
    table.add_column("scenario", no_wrap=True)
    for name in ("calls", "fits", "overflows", "unpriced", "tokens in", "tokens out"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*_groups(result, row), _name(row["name"]), *_counts(row))
    return table


def _cost_table(
    result: Replay, rows: list[dict[str, Any]], places: int, width: int, console: Console
) -> Table:
    table = bare_table("What the calls that fit would have cost, USD")
    _add_groups(table, result)
    table.add_column("scenario", no_wrap=True)
    _add_money(table, rows)
    bars = _add_bars(table, rows, width, console)
    partly = is_partly_compared(rows)
    for row in rows:
        table.add_row(
            *_groups(result, row), _name(row["name"]), *_money(row, places, partly), *bars(row)
        )
        _add_training(table, row, places)
    return table


def _add_training(table: Table, row: dict[str, Any], places: int, blank: int = 0) -> None:
    """What a scenario trains, on a line of its own, and the total with it."""
    if row.get("training_usd") is None:
        return
    for label, amount in (("training", row["training_usd"]), ("with training", row["total_usd"])):
        table.add_row(f"  {label}", *[""] * blank, Text(usd(amount, places), style="bold"))


def _spent_table(result: Replay, places: int) -> Table:
    table = bare_table("What it cost, USD")
    _add_groups(table, result)
    for name in ("calls", "failed", "unpriced", "tokens in", "tokens out", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    if result.total["recorded_calls"]:
        table.add_column("recorded", justify="right", no_wrap=True)
    for row in result.spent[:MOST_ROWS]:
        cells = [
            *(_name(row[f"by_{place}"]) for place in range(1, len(result.question.by) + 1)),
            *(Text(n(row[column])) for column in ("calls", "failed", "unpriced")),
            Text(n(row["input_tokens"])),
            Text(n(row["output_tokens"])),
            Text(usd(row["cost_usd"], places)),
        ]
        if result.total["recorded_calls"]:
            cells.append(Text(usd(row["recorded_usd"], places)))
        table.add_row(*cells)
    return table


def _counts(row: dict[str, Any]) -> list[Text]:
    return [
        Text(n(row["calls"])),
        Text(n(row["fits"])),
        Text(n(row["overflows"]), style="yellow" if row["overflows"] else ""),
        Text(n(row["unpriced"]), style="red" if row["unpriced"] else ""),
        Text(n(row["input_tokens"])),
        Text(n(row["output_tokens"])),
    ]


def _add_money(table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """The columns of ``_money``; ``compared`` where it differs from the cost."""
    names = ["cost", "compared", "actual, same calls", "delta", "ratio"]
    if not is_partly_compared(rows):
        names.remove("compared")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)


def _add_bars(
    table: Table, rows: Iterable[dict[str, Any]], width: int, console: Console
) -> Callable[[dict[str, Any]], list[Text]]:
    """A column of bars, if it has a width: the cost, and where the actual cost ends."""
    if not width:
        return lambda _: []
    ascii_only = console.options.ascii_only
    most = most_of(row[name] for row in rows for name in ("cost_usd", "actual_usd"))
    table.add_column(heading("cost", "actual", width, ascii_only=ascii_only), no_wrap=True)
    return lambda row: [bar(row["cost_usd"], row["actual_usd"], most, width, ascii_only=ascii_only)]


def _money(row: dict[str, Any], places: int, partly: bool) -> list[Text]:
    delta = row["delta_usd"]
    style = "" if not delta else "green" if delta < 0 else "red"
    compared = [Text(usd(row["compared_usd"], places))] if partly else []
    return [
        Text(usd(row["cost_usd"], places), style="bold"),
        *compared,
        Text(usd(row["actual_usd"], places)),
        Text(usd(delta, places, sign="+"), style=style),
        Text(ratio(row["ratio"])),
    ]


def bullet(note: str) -> Table:
    """A note as a list item."""
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_row("-", Text(note))
    return line


def unpriced_table(rows: Iterable[dict[str, Any]]) -> Table:
    """The calls without an actual cost: for each reason the models, calls and tokens."""
    table = bare_table("Unpriced: calls whose actual cost is not known")
    table.add_column("why, and which model", overflow="fold")
    for name in ("calls", "tokens in", "tokens out"):
        table.add_column(name, justify="right", no_wrap=True)
    by_reason: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_reason.setdefault(row["reason"], []).append(row)
    for reason, group in by_reason.items():
        table.add_row(_name(reason))
        for row in group:
            tier = "" if row["tier"] == "standard" else f" ({named(row['tier'])})"
            table.add_row(
                Padding(_name(row["model"]).append(tier), (0, 0, 0, 2)),
                n(row["calls"]),
                n(row["input_tokens"]),
                n(row["output_tokens"]),
            )
    return table


def _name(value: str | None) -> Text:
    return Text("(none)" if value is None else named(value))
