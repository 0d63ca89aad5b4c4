"""One call explained on a terminal: tokens, name, price row, window, multiplication."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from auditor.errors import printable
from auditor.pipeline.explain import Explanation, Step
from auditor.prices import Row
from auditor.reports.figures import counted, grouped, plain
from auditor.scenarios import Move
from auditor.scenarios.card import OVERFLOWS

COUNTED_BY = {
    "provider": "reported by the provider",
    "tokenizer": "counted by our tokenizer, the log has no usage",
    "estimate": "estimated, four characters or bytes a token",
    "nobody": "not counted",
}


def show(explained: Explanation, console: Console) -> None:
    """Print how every figure of one call comes about."""
    call = explained.call

    def say(label: str, text: str) -> None:
        console.print(Text(f"{label:<11}{printable(text)}"), soft_wrap=True)

    say("Call", call["call_id"])
    say("Read from", f"{call['source_name']}:{call['line']} ({call['format']})")
    say("At", f"{call['called_at']} UTC" if call["called_at"] else "no time in the log")
    say(
        "Model", f"requested {call['requested_model'] or '–'}, served {call['served_model'] or '–'}"
    )
    say("Tier", call["tier"])
    if call["problem"]:
        say("Problem", call["problem"])
    if call["bucket_kind"]:
        say(
            "Bucket",
            f"a sum of {counted(call['requests'], 'request')} of {call['bucket_kind']}, "
            f"until {call['ends_at']} UTC; told apart by {call['grouped_by'] or 'nothing'}",
        )
    say("Tokens", f"{_meters(call)}; {COUNTED_BY[call['counted_by']]}")
    if call["recorded_usd"] is not None:
        say("Recorded", f"{plain(call['recorded_usd'])} USD in the log itself")
    console.print()
    console.print(Text("Actual cost", style="bold"))
    if call["failed"] and call["counted_by"] == "nobody":
        console.print(Text("  0 USD: it failed without usage, and costs nothing in any scenario"))
        return
    for step in explained.priced.resolution.steps:
        console.print(Text(f"  {printable(step)}"), soft_wrap=True)
    if explained.actual_usd is None:
        console.print(Text(f"  unpriced: {printable(explained.reason or '')}"), soft_wrap=True)
    else:
        if explained.priced.row and explained.meters:
            _row(explained.priced.row, console)
        _multiplied(explained.meters, explained.actual_usd, console)
    if not explained.movable:
        console.print(Text("\nNo scenario moves this kind of call."))
    for scenario in explained.steps:
        console.print()
        _scenario(scenario, explained, console)


def _scenario(step: Step, explained: Explanation, console: Console) -> None:
    console.print(Text(f"{step.scenario.name}: {step.scenario.title}", style="bold"))
    if step.route is None:
        console.print(Text(f"  stays where it is, at its actual cost: {plain(step.cost_usd)} USD"))
        return
    asked = explained.call["max_tokens"]
    answer = (
        f"{asked:,} asked for" if asked is not None else f"{explained.produced_tokens:,} produced"
    )
    need = f"{explained.prompt_tokens:,} sent + {answer}"
    if explained.call["bucket_kind"]:
        requests = counted(explained.call["requests"], "request")
        need += f" by {requests} = {explained.need_tokens:,} tokens each on the average"
    else:
        need += f" = {explained.need_tokens:,} tokens"
    if step.move:
        need += _levers(step.move)
    if step.route.outcome == OVERFLOWS:
        console.print(Text(f"  {need}: more than any of its windows; not replayed"), soft_wrap=True)
        return
    if step.cost_usd is None or step.route.row is None:
        console.print(Text(f"  unpriced: {step.route.reason or explained.reason}"))
        return
    console.print(
        Text(
            f"  {need}, fits the window of {step.route.row.context_window:,} of {step.route.target}"
        ),
        soft_wrap=True,
    )
    _row(step.route.row, console)
    _multiplied(step.meters, step.cost_usd, console)


def _levers(move: Move) -> str:
    """What a move changes in the tokens, in words."""
    levers = move.levers
    words = []
    if levers.kept != 1:
        words.append(f"{plain(levers.kept)} of the prompt kept")
    if levers.cut_tokens:
        share = "" if levers.cut_calls == 1 else f" of {plain(levers.cut_calls)} of the calls"
        words.append(f"{levers.cut_tokens:,} tokens cut off the front{share}")
    if levers.output != 1:
        words.append(f"answers {plain(levers.output)} times as long")
    return f" as logged; {', '.join(words)}" if words else ""


def _row(row: Row, console: Console) -> None:
    begin = row.effective_from.isoformat() if row.effective_from else "unknown"
    end = row.effective_to.isoformat() if row.effective_to else "open"
    tier = "" if row.tier == "standard" else f", tier {row.tier}"
    console.print(
        Text(
            f"  {row.book}.csv line {row.line}: {row.model}{tier}, {begin} to {end}, "
            f"{row.confidence}"
        ),
        soft_wrap=True,
    )
    console.print(Text(f"  source: {row.source}"), soft_wrap=True)


def _multiplied(meters: tuple[dict[str, Any], ...], total: Any, console: Console) -> None:
    for meter in meters:
        rate = plain(meter["rate_usd_per_1k"])
        amount = plain(meter["cost_usd"])
        tokens = f"{meter['meter']:<12}{grouped(meter['tokens']):>12}"
        console.print(Text(f"  {tokens} × {rate} / 1000 = {amount} USD"), soft_wrap=True)
    console.print(Text(f"  cost {plain(total)} USD"), soft_wrap=True)


def _meters(call: dict[str, Any]) -> str:
    names = ("input", "cache_read", "cache_write", "output", "reasoning", "audio")
    parts = [
        f"{call[f'{name}_tokens']:,} {name.replace('_', ' ')}"
        for name in names
        if call[f"{name}_tokens"] or name in ("input", "output")
    ]
    return ", ".join(parts)
