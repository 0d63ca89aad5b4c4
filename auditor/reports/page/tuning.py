"""The parts on fine-tuning: workloads with their verdicts, and where the saving turns."""

from __future__ import annotations

from decimal import Decimal

from auditor.reports.page.bars import Bar, bars
from auditor.reports.page.cells import Cell, Sheet, drawn, share, table, text_of
from auditor.reports.page.grid import GridCell, grid
from auditor.reports.page.parts import ACTUAL, MOST_ROWS, Chart, Part, Source, cut, has_something

MOST_BARS = 20
VERDICTS = {
    "pays_back": ("pays back", "gain"),
    "needs_cut": ("needs a cut", "plain"),
    "never": ("never pays", "loss"),
    "too_few_calls": ("too few calls", "plain"),
    "does_not_fit": ("does not fit", "plain"),
}


def workloads(source: Source) -> Part:
    """Workloads by money, with what fine-tuning would do for them."""
    sheet, fine = source.sheets["by_workload"], source.sheets["finetune"]
    judged = {row["workload"]: n for n, row in enumerate(fine.rows)}
    spent = [n for n in sheet.places(name=ACTUAL) if has_something(sheet.rows[n])]
    spent.sort(key=lambda n: (-(sheet.rows[n]["cost_usd"] or Decimal(0)), n))
    rows: list[list[Cell]] = []
    shown: list[Bar] = []
    listed, rest = cut(spent, MOST_ROWS, "workload", "by_workload.csv and finetune.csv")
    for place in listed:
        row = sheet.rows[place]
        own = sheet.word(place, "label") or sheet.word(place, "workload")
        name = source.booked(own or "no workload", row["booking"])
        cost = sheet.money(place, "cost_usd", source.places)
        at = judged.get(row["workload"]) if row["workload"] else None
        word, tone = (
            VERDICTS.get(fine.rows[at]["verdict"], ("", "")) if at is not None else ("", "")
        )
        rows.append(
            [
                name,
                *_verdict(fine, at, word),
                sheet.figure(place, "calls"),
                cost,
                *_judged(source, fine, at),
            ]
        )
        if len(shown) < MOST_BARS and row["cost_usd"] is not None:
            cost_drawn = drawn(row["cost_usd"])
            shown.append(Bar(name, text_of(cost), 0.0, cost_drawn, tone or "plain", word))
    title = "Workloads by actual cost, USD, and whether fine-tuning pays"
    chart = Chart(
        "workloads",
        title,
        "A bar for each workload, the dearest first"
        + (f", {MOST_BARS} of them" if len(spent) > MOST_BARS else "")
        + ". Blue: fine-tuning pays; orange: it never does; grey: see the verdict.",
        lambda look: bars(look, shown),
    )
    told = table(
        "Workloads by actual cost, USD",
        "Workload, Verdict, Why",
        "Calls, Actual cost, Actual of compared calls, The same calls tuned, Training once, "
        "Calls to pay it back",
        rows,
        rest,
    )
    return Part(chart if shown else None, (told,))


def _verdict(fine: Sheet, at: int | None, word: str) -> list[Cell]:
    return ["", ""] if at is None else [word, fine.word(at, "why")]


def _judged(source: Source, fine: Sheet, at: int | None) -> list[Cell]:
    names = ("actual_usd", "replayed_usd", "training_usd")
    if at is None:
        return [""] * (len(names) + 1)
    money = (fine.money(at, name, source.places) for name in names)
    return [*money, fine.figure(at, "break_even_calls")]


def tuning(source: Source) -> Part:
    """Prompt cut against answer length, for the whole traffic."""
    sheet = source.sheets["finetune_grid"]
    kept = sorted({row["prompt_kept"] for row in sheet.rows}, reverse=True)
    ratios = sorted({row["output_ratio"] for row in sheet.rows})
    at = {(row["prompt_kept"], row["output_ratio"]): n for n, row in enumerate(sheet.rows)}
    cells: list[GridCell] = []
    rows: list[list[Cell]] = []
    flips: list[Decimal | None] = []
    for down, left in enumerate(kept):
        line: list[Cell] = [sheet.figure(at[left, ratios[0]], "prompt_kept", _percent)]
        for right, length in enumerate(ratios):
            place = at[left, length]
            saving = sheet.money(place, "saving_usd", source.places, "+")
            line.append(saving)
            said = f"{text_of(saving)} USD: {text_of(line[0])} of each prompt, answers × {length:f}"
            amount = drawn(sheet.rows[place]["saving_usd"])
            cells.append(GridCell(down, right, text_of(saving), said, amount))
        rows.append(line)
    turns: list[Cell] = ["turns cheaper below"]
    for length in ratios:
        place = at[kept[0], length]
        turns.append(sheet.figure(place, "flip_kept", share))
        flips.append(sheet.rows[place]["flip_kept"])
    lengths = tuple(f"× {_short(length)}" for length in ratios)
    title = "What fine-tuning all calls would save, USD, before training"
    shares = tuple(text_of(line[0]) for line in rows)
    flip_texts = tuple(
        _flip(flip, text_of(turn)) for flip, turn in zip(flips, turns[1:], strict=True)
    )
    chart = Chart(
        "fine-tuning",
        title,
        "Rows: share of each prompt that is still sent. Columns: length of the answers against "
        "logged ones. Cheaper below the line; the last row says at which share it turns.",
        lambda look: grid(look, tuple(cells), shares, lengths, flip_texts),
    )
    told = table(
        f"Saving on {source.target}, USD",
        "Prompt still sent",
        ",".join(f"answers {one}" for one in lengths),
        [*rows, turns] if rows else [],
    )
    return Part(chart if rows else None, (told,))


def _flip(share_kept: Decimal | None, text: str) -> str:
    """Where the saving turns, in words where that is at no prompt."""
    if share_kept is None:
        return ""
    return "always" if share_kept > 1 else "never" if share_kept <= 0 else text


def _percent(value: Decimal) -> str:
    return f"{_short(value * 100)} %"


def _short(value: Decimal) -> str:
    return f"{value.normalize():f}"
