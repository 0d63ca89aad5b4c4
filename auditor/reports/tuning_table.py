"""The verdicts on fine-tuning on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.finetune import is_completion_model
from auditor.pipeline.tuning import Tuning
from auditor.reports.bars import bar, heading, most_of, with_bars
from auditor.reports.figures import NOTHING, counted, n, named, places_for, plain, prices_of, usd
from auditor.reports.layout import bare_table, print_whole
from auditor.reports.table import WIDE, bullet
from auditor.reports.tuning import (
    NOT_SAID,
    counted_from,
    dearer,
    label_of,
    percent,
    verdict_of,
    why,
    with_tools,
)

MOST_ROWS = 40
STYLES = {"pays_back": "green", "never": "red", "needs_cut": "yellow"}
NAME_WIDTH = 22
PAYS_BELOW = "pays below"
WIDE_BARS = 12
ROOM_FOR_BARS = 140


def show(result: Tuning, console: Console) -> None:
    """Print the verdicts; in several tables where the terminal is narrower than 124 columns."""
    rows = [row for row in (result.total, *result.rows) if row is not None][:MOST_ROWS]
    places = places_for(row[name] for row in rows for name in ("against_usd", "replayed_usd"))
    console.print(_heading(result))
    console.print()
    if not rows:
        console.print("No chat or completion model was called in this period.")
        return
    if console.width >= WIDE:
        print_whole(_one_table(result, rows, places, console), console)
    else:
        _print_costs(result, rows, places, console)
        console.print()
        console.print(_verdict_table(result, rows))
    if any(row["beginnings"] for row in rows):
        console.print()
        print_whole(_beginnings_table(result, rows), console)
    if result.grid and result.grid_of:
        console.print()
        print_whole(_grid_table(result, places), console)
    console.print()
    if len(result.rows) >= MOST_ROWS:
        console.print(Text(f"The tables end after {MOST_ROWS:,} rows; --format csv holds all."))
    for note in _notes(result, places):
        console.print(bullet(note))


def _print_costs(
    result: Tuning, rows: Sequence[Mapping[str, Any]], places: int, console: Console
) -> None:
    def costs(width: int) -> Table:
        return _cost_table(result, rows, places, width, console)

    print_whole(with_bars(costs(0), costs, console), console)


def _heading(result: Tuning) -> Table:
    asked = result.question
    grid = Table.grid(padding=(0, 2, 0, 0))
    facts = [
        ("Train", f"{asked.model} ({asked.target.title}), {prices_of(asked.target)}"),
        ("Against", _against(result)),
        ("Period", _period(result)),
        ("Assumed", _assumed(result)),
    ]
    for label, text in facts:
        grid.add_row(Text(label, style="bold"), Text(text))
    return grid


def _against(result: Tuning) -> str:
    other = result.question.against
    return f"{other.name}: {other.title}, {prices_of(other)}" if other else "the actual cost"


def _period(result: Tuning) -> str:
    zone = result.question.base.zone
    if result.period.begins is None or result.period.ends is None:
        return f"no dated calls ({zone})"
    days = counted(result.period.days or 0, "day")
    return f"{result.period.begins} to {result.period.ends}, end excluded ({zone}): {days}"


def _assumed(result: Tuning) -> str:
    """The levers in force, all of them."""
    asked = result.question
    prompts = (
        "without what all prompts of a workload share"
        if asked.drop
        else "as logged"
        if asked.kept == 1
        else f"cut to {plain(asked.kept)} of their tokens"
    )
    answers = (
        "as long as observed where both models answered, else as logged"
        if asked.output is None
        else "as long as logged"
        if asked.output == 1
        else f"{plain(asked.output)} times as long as logged"
    )
    epochs = f"{counted(asked.epochs, 'epoch')}" if asked.epochs else "OpenAI's default epochs"
    again = f", again every {asked.retrain_days} days" if asked.retrain_days else ""
    rate = plain(result.training.usd_per_token.scaleb(3))
    return (
        f"prompts {prompts}; answers {answers}; training on up to {asked.examples:,} examples of "
        f"at most {result.training.limit:,} tokens, {epochs}, {rate} USD per 1,000 tokens{again}"
    )


def _one_table(
    result: Tuning, rows: Sequence[Mapping[str, Any]], places: int, console: Console
) -> Table:
    table = bare_table("Is fine-tuning worth it? USD")
    _add_cost_columns(table, result, rows)
    width = WIDE_BARS if console.width >= ROOM_FOR_BARS else 0
    bars = _add_bars(table, result, rows, width, console)
    _add_training_columns(table)
    for row in rows:
        table.add_row(*_cost_cells(result, row, places), *bars(row), *_training_cells(result, row))
    return table


def _cost_table(
    result: Tuning,
    rows: Sequence[Mapping[str, Any]],
    places: int,
    width: int,
    console: Console,
) -> Table:
    table = bare_table("What each workload costs, fine-tuned too, and what 1,000 calls save, USD")
    _add_cost_columns(table, result, rows)
    bars = _add_bars(table, result, rows, width, console)
    for row in rows:
        table.add_row(*_cost_cells(result, row, places), *bars(row))
    return table


def _add_bars(
    table: Table,
    result: Tuning,
    rows: Sequence[Mapping[str, Any]],
    width: int,
    console: Console,
) -> Callable[[Mapping[str, Any]], list[Text]]:
    """A column of bars, if it has a width: the cost once tuned, and where the other one ends.

    The whole traffic has none: against it no workload would be seen.
    """
    if not width:
        return lambda _: []
    ascii_only = console.options.ascii_only
    most = most_of(
        row[name]
        for row in rows
        if row is not result.total
        for name in ("replayed_usd", "against_usd")
    )
    asked = result.question.against
    other = asked.name if asked else "actual"
    table.add_column(heading("tuned", other, width, ascii_only=ascii_only), no_wrap=True)
    return lambda row: [
        Text("")
        if row is result.total
        else bar(row["replayed_usd"], row["against_usd"], most, width, ascii_only=ascii_only)
    ]


def _verdict_table(result: Tuning, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = bare_table("Is it worth the training?")
    table.add_column("workload", overflow="fold", min_width=NAME_WIDTH)
    _add_training_columns(table)
    for row in rows:
        table.add_row(_label(result, row), *_training_cells(result, row))
    return table


def _add_cost_columns(table: Table, result: Tuning, rows: Sequence[Mapping[str, Any]]) -> None:
    other = result.question.against
    longest = max(len(_label(result, row)) for row in rows)
    width = min(max(longest, len("workload")), NAME_WIDTH)
    table.add_column("workload", overflow="fold", min_width=width, max_width=width)
    for name in (
        "calls",
        "tokens in",
        "out",
        other.name if other else "actual",
        "tuned",
        "saved/1k",
    ):
        table.add_column(name, justify="right", no_wrap=True)


def _cost_cells(result: Tuning, row: Mapping[str, Any], places: int) -> list[Text]:
    saving = row["saving_usd_per_1k_calls"]
    style = "" if not saving else "green" if saving > 0 else "red"
    return [
        _label(result, row),
        Text(n(row["compared_calls"] or row["calls"])),
        Text(n(row["input_tokens"])),
        Text(n(row["output_tokens"])),
        Text(usd(row["against_usd"], places)),
        Text(usd(row["replayed_usd"], places), style="bold"),
        Text(usd(saving, places, sign="+"), style=style),
    ]


def _add_training_columns(table: Table) -> None:
    for name in ("ex x epochs", "training"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")


def _training_cells(result: Tuning, row: Mapping[str, Any]) -> list[Text]:
    style = STYLES.get(row["verdict"], "")
    return [
        Text(f"{n(row['examples'])} x {row['epochs']}"),
        Text(usd(row["training_usd"], 2)),
        Text(verdict_of(result, row), style=style),
    ]


def _label(result: Tuning, row: Mapping[str, Any]) -> Text:
    if row is result.total:
        return Text("all calls", style="bold")
    label = label_of(result, row)
    name = row.get("name")
    if label is None:
        return Text("(neither tag nor text)")
    return Text(named(name)) if name else Text(label)


def _beginnings_table(result: Tuning, rows: Sequence[Mapping[str, Any]]) -> Table:
    """What could be cut at most: the tokens with which the prompts of a workload begin."""
    table = bare_table("What prompts begin with: tokens shared by so many of them")
    table.add_column("workload", overflow="fold", min_width=NAME_WIDTH, max_width=NAME_WIDTH)
    for name in ("measured", "100 %", "99 %", "90 %", "of the prompt"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        at = {level.level: level.cut_tokens for level in row["beginnings"]}
        if at:
            share = row["possible_cut_share"]
            table.add_row(
                _label(result, row),
                n(row["heads"]),
                *(n(at.get(level)) for level in (100, 99, 90)),
                NOTHING if share is None else percent(share, ROUND_FLOOR),
            )
    return table


def _grid_table(result: Tuning, places: int) -> Table:
    """Saved over the period when less is sent and answers differ, and where that turns."""
    whose = _label(result, result.grid_of or {}).plain
    table = bare_table(
        f"Saved with {whose} fine-tuned, before the cost of training, USD. Rows: share of each "
        "prompt still sent; columns: length of answers against logged ones"
    )
    table.add_column("prompt", justify="right", no_wrap=True, min_width=len(PAYS_BELOW))
    outputs = list(dict.fromkeys(row["output"] for row in result.grid))
    for output in outputs:
        table.add_column(f"{plain(output)}x", justify="right", no_wrap=True)
    cells = {(row["kept"], row["output"]): row for row in result.grid}
    for kept in dict.fromkeys(row["kept"] for row in result.grid):
        savings = [cells[kept, output]["saving_usd"] for output in outputs]
        table.add_row(
            percent(kept, ROUND_FLOOR),
            *(
                Text(usd(saving, places, sign="+"), style="green" if saving > 0 else "red")
                for saving in savings
            ),
        )
    flips = [cells[kept, output]["flip_kept"] for output in outputs]
    table.add_row(PAYS_BELOW, *(Text(_flip(flip), style="bold") for flip in flips))
    return table


def _flip(kept: Decimal | None) -> str:
    if kept is None or kept <= 0:
        return "never"
    return percent(kept, ROUND_FLOOR) if kept < 1 else "any"


def _notes(result: Tuning, places: int) -> Iterator[str]:
    asked = result.question
    yield f"{NOT_SAID}."
    if result.past:
        yield f"{result.past}."
    if asked.only:
        for row in result.rows:
            yield f"{_label(result, row).plain}: {why(result, row)}."
    else:
        for row in result.rows[:MOST_ROWS]:
            if row["verdict"] == "pays_back" and row["dearer_calls"]:
                yield f"{_label(result, row).plain}: {dearer(row)}."
    if any(row["verdict"] == "pays_back" for row in result.rows) and result.period.ends:
        yield (
            f"pay-back dates count from {counted_from(result)} on, with as many calls a day as "
            "from the first call of a workload to the end of the period."
        )
    if result.total:
        dropped = "; only what all prompts have in common is dropped there" if asked.drop else ""
        yield f"all calls: as if one model were trained for all of them{dropped}."
    if overflows := sum(row["overflows"] for row in result.rows):
        yield (
            f"{counted(overflows, 'call')}, prompt and requested answer, are too long for "
            f"{asked.model} and are left out of every figure."
        )
    if any(row["beginnings"] for row in result.rows):
        yield (
            "what prompts begin with is an upper bound of what training can replace; it is "
            "measured on up to 500 calls of each workload and month, drawn by the hash of their "
            "ids."
        )
    if is_completion_model(result.training.model):
        yield (
            f"an example of {result.training.model} is the prompt as it was counted, a separator "
            "of two tokens, the answer and a stop sequence of one: there is no official rendering "
            "of a chat."
        )
    if any(row["with_tools"] for row in result.rows):
        whole = {"with_tools": sum(row["with_tools"] for row in result.rows)}
        yield f"{with_tools(result, whole)}."
    rule = result.training.rule
    if rule and rule.confidence != "certain" and rule.note:
        yield f"{rule.model}: {rule.note}."
    if asked.output is None:
        blind = sum(not row["observed"] for row in result.rows)
        if blind:
            yield (
                f"{counted(blind, 'workload')} without a prompt that {asked.model} and another "
                "model both answered: answers there as long as logged."
            )
    yield from (f"{asked.target.name}: {note}." for note in _target_notes(result))
    if result.mix:
        yield _mix(result, result.mix, places)


def _target_notes(result: Tuning) -> Iterator[str]:
    """The notes of the target, but the one on training and cuts that these tables answer."""
    return (note for note in result.question.target.notes if "no training cost" not in note)


def _mix(result: Tuning, mix: Mapping[str, Any], places: int) -> str:
    moves = result.mix_scenario.moves if result.mix_scenario else ()
    moved = sum(not move.served for move in moves)
    dearer = (
        " More in this period: training pays back after it."
        if mix["total_usd"] and mix["actual_usd"] and mix["total_usd"] > mix["actual_usd"]
        else ""
    )
    return (
        f"moving {'the one workload that pays' if moved == 1 else f'{moved:,} workloads that pay'} "
        "back and leaving the rest: "
        f"{usd(mix['cost_usd'], places)} USD and {usd(mix['training_usd'], places)} USD of "
        f"training, {usd(mix['total_usd'], places)} USD together, in place of "
        f"{usd(mix['actual_usd'], places)} USD (--write-scenario keeps it as a file).{dearer}"
    )
