"""What there is to see of workloads, and of prompts that several models answered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from auditor.errors import printable
from auditor.reports.figures import counted, n, plain, usd
from auditor.reports.table import bullet
from auditor.store import Store
from auditor.workload import Pair

SHOWN_CHARACTERS = 72
PLACES = 6


def show(store: Store, names: Mapping[str, str], console: Console) -> None:
    """Every workload by its cost; ``names`` are the user's, by id."""
    rows = store.rows("finetune/workloads")
    if not rows:
        console.print("There are no calls of chat or completion models.")
    for row in rows:
        console.print(_name(row, names), soft_wrap=True)
        for line in _about(row):
            console.print(Text(f"  {line}"), soft_wrap=True)


def _name(row: Mapping[str, Any], names: Mapping[str, str]) -> Text:
    workload = row["workload"]
    if workload is None:
        return Text("(neither tag nor text)", style="bold")
    name = names.get(workload) or row["label"]
    return Text(f"{workload} {printable(name)}".rstrip(), style="bold")


def _about(row: Mapping[str, Any]) -> Iterable[str]:
    prompts = f" of {counted(row['prompts'], 'prompt')}" if row["prompts"] else ""
    yield (
        f"{counted(row['calls'], 'call')}{prompts}, {n(row['input_tokens'])} tokens in, "
        f"{n(row['output_tokens'])} out, {usd(row['cost_usd'], PLACES)} USD"
    )
    found = [f"by {printable(row['found_by'])}"] if row["found_by"] else []
    if row["first_call_at"]:
        found.append(
            f"{row['first_call_at']:%Y-%m-%d %H:%M} to {row['last_call_at']:%Y-%m-%d %H:%M} UTC"
        )
    found.append(", ".join(printable(model) for model in row["models"] if model))
    yield "; ".join(filter(None, found))
    if row["request_json"] and (said := _opening(row["request_json"])):
        yield f"“{said}”"


def _opening(request: str) -> str:
    """The beginning of what was sent, where the store keeps it."""
    try:
        sent = json.loads(request)
    except ValueError:
        return ""
    messages = sent.get("messages") or [{"content": text} for text in sent.get("prompts") or ()]
    content = messages[0].get("content") if messages else ""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    folded = printable(" ".join(text.split()))
    return folded if len(folded) <= SHOWN_CHARACTERS else folded[: SHOWN_CHARACTERS - 1] + "…"


def pairs(found: Iterable[Pair], console: Console) -> None:
    """Pairs of models that answered the same prompts, all workloads together and each alone."""
    rows = tuple(found)
    if not rows:
        console.print("No prompt was answered by two models, or the logs hold no text.")
        return
    for row in rows:
        of = f"workload {row.workload}" if row.workload else "all workloads"
        quartiles = ", ".join(f"{value:.2f}" for value in (row.low, row.median, row.high))
        console.print(Text(f"{printable(row.model)} against {printable(row.base)}"), soft_wrap=True)
        console.print(
            Text(
                f"  {of}, {counted(row.prompts, 'prompt')}: {n(row.model_tokens)} / "
                f"{n(row.base_tokens)} tokens = {plain(row.ratio)}; quartiles {quartiles}"
            ),
            soft_wrap=True,
        )
    console.print()
    console.print(
        bullet(
            "output tokens of the first answer of each model to each prompt; the ratio is of the "
            "sums, the quartiles are those of single prompts."
        )
    )
