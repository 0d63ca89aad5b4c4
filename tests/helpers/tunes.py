"""Runs of ``audit finetune`` through the Python API, and logs with several workloads."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from auditor.pipeline.finetune import tune
from auditor.reports.tuning import as_json
from auditor.store import Store
from helpers.logs import Line, capture, failure, uncounted, write
from helpers.runs import Document, stored, tuning

TEXT = (
    "classify the ticket below as refund or other answer with one word only über naïve "
    "日本語 🙂 don't 2023 a,b;c customer says: plan-B"
)
WORDS = TEXT.split()
MODELS = ("gpt-3.5-turbo-0613", "gpt-3.5-turbo-16k-0613", "gpt-4-0613", "house-model-7")


def tuned_store(store: Store, **asked: Any) -> Document:
    """``audit finetune --db FILE --format json``."""
    document: Document = json.loads(as_json(tune(store, tuning(**asked))))
    return document


def tuned(*files: Iterable[Line | str], **asked: Any) -> Document:
    """``audit finetune --format json`` of one capture file for each of the lists of lines."""
    with tempfile.TemporaryDirectory() as folder:
        for number, lines in enumerate(files):
            write(Path(folder) / f"{number:03}.jsonl", lines)
        with stored(Path(folder)) as store:
            return tuned_store(store, **asked)


def judged(document: Document) -> Document:
    """What must not depend on how the calls lie in files, nor on the hash key."""
    kept = {key: value for key, value in document.items() if key not in ("run", "grid", "mix")}
    mix = document["mix"] and {k: v for k, v in document["mix"].items() if k != "moved"}
    return {**kept, "mix": mix, "cells": (document["grid"] or {}).get("cells")}


def chat(id: str, messages: Sequence[Line], **more: Any) -> Line:
    """One answered call with these messages; ``task`` tags it, ``finish`` is how it ended."""
    task, finish = more.pop("task", None), more.pop("finish", "stop")
    line = capture(id, **more)
    line["request"]["messages"] = list(messages)
    for choice in line["response"]["choices"]:
        choice["finish_reason"] = finish
    return line | ({"tags": {"task": task}} if task else {})


def said(dice: random.Random, most: int) -> str:
    """Some words."""
    return " ".join(dice.choice(WORDS) for _ in range(dice.randint(1, most)))


def workload(number: int, seed: int, count: int) -> list[Line]:
    """Calls of one workload, with whatever a log may have of calls."""
    dice = random.Random(f"{seed}-{number}")
    found_by = dice.choice(("task", "system", "opening"))
    template, model = f"Task {'abcdefgh'[number]}: {said(dice, 12)}", dice.choice(MODELS)
    shots = [
        {
            "role": role,
            "content": said(dice, 6),
            **({"name": "example"} if dice.random() < 0.3 else {}),
        }
        for role in ("user", "assistant") * dice.randint(0, 2)
    ]
    size, answer = dice.choice((40, 900, 3500, 4090, 9000)), dice.choice((1, 20, 300))
    odd = dice.choice((0.0, 0.0, 0.04, 0.3))
    lines: list[Line] = []
    for place in range(count):
        name = f"call-{seed}-{number}-{place}"
        variable = said(dice, 4) if dice.random() > 0.2 else "the same again"
        body = [*shots, {"role": "user", "content": f"{template} {variable}"}]
        if found_by == "system":
            body = [
                {"role": "system", "content": template},
                *shots,
                {"role": "user", "content": variable},
            ]
        if dice.random() < odd:
            body = body[-1:] if found_by != "system" else [body[0], body[-1]]
        day = dice.choice(("08-2", "09-1", "10-1")) + str(dice.randint(2, 9))
        at = f"2023-{day}T10:{dice.randint(10, 59)}:00Z"
        more: dict[str, Any] = {
            "requested": model,
            "max_tokens": dice.choice((None, None, None, 5, 300, 4096)),
            "n": dice.choice((None,) * 9 + (2,)),
        }
        kind = dice.random()
        if kind < 0.05:
            lines.append(failure(name, at, **more))
        elif kind < 0.08:
            lines.append(uncounted(name, at, **more))
        else:
            lines.append(
                chat(
                    name,
                    body,
                    task=f"task {number}" if found_by == "task" else None,
                    finish=dice.choice(("stop",) * 9 + ("length",)),
                    at=at if dice.random() > 0.03 else None,
                    model=model if dice.random() > 0.1 else dice.choice(MODELS),
                    sent=max(size + dice.randint(-30, 30), 1),
                    made=dice.choice((0, 1, answer, answer + place)),
                    **more,
                )
            )
    return lines + [dice.choice(lines) for _ in range(dice.choice((0, 0, 3)))]


def traffic(seed: int, counts: Sequence[int] = (30, 12, 9, 40)) -> list[Line]:
    """Calls of several workloads, shuffled."""
    lines = [line for number, n in enumerate(counts) for line in workload(number, seed, n)]
    random.Random(seed).shuffle(lines)
    return lines
