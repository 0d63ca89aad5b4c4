"""Made-up traffic: many workloads, each with a template of its own and calls that fill it."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

BEGIN = datetime(2023, 8, 1, tzinfo=UTC)
DAYS = 31
SYLLABLES = tuple(a + b for a in "bdklmnrst" for b in "aeiou")
CALLS_A_FILE = 50_000
DIGITS = string.ascii_letters + string.digits  # ids of providers are random, and do not compress


def write(folder: Path, calls: int, workloads: int, seed: int = 7) -> None:
    """``calls`` captures in files of ``folder``: chat calls with text and usage."""
    dice = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = ["".join(dice.choices(SYLLABLES, k=dice.randint(1, 4))) for _ in range(5_000)]
    templates = [_words(dice, vocabulary, dice.randint(50, 900)) for _ in range(workloads)]
    lines = _lines(dice, vocabulary, templates, calls)
    for number in range(-(-calls // CALLS_A_FILE)):
        with (folder / f"calls-{number:04}.jsonl").open("w", encoding="utf-8") as file:
            for _, line in zip(range(CALLS_A_FILE), lines, strict=False):
                file.write(json.dumps(line) + "\n")


def _lines(
    dice: random.Random, vocabulary: list[str], templates: list[str], calls: int
) -> Iterator[dict[str, Any]]:
    for _ in range(calls):
        template = templates[int(len(templates) * dice.random() ** 2)]
        question = _words(dice, vocabulary, dice.randint(5, 60))
        answer = _words(dice, vocabulary, dice.randint(5, 60))
        at = BEGIN + timedelta(days=DAYS) * dice.random()
        sent, made = (len(template) + len(question)) // 3, len(answer) // 3
        model = dice.choice(("gpt-3.5-turbo-0613", "gpt-4-0613"))
        yield {
            "timestamp": at.isoformat(),
            "request": {
                "model": model,
                "messages": [
                    {"role": "system", "content": template},
                    {"role": "user", "content": question},
                ],
            },
            "response": {
                "id": f"chatcmpl-{''.join(dice.choices(DIGITS, k=29))}",
                "object": "chat.completion",
                "model": model,
                "choices": [{"index": 0, "message": {"role": "assistant", "content": answer}}],
                "usage": {
                    "prompt_tokens": sent,
                    "completion_tokens": made,
                    "total_tokens": sent + made,
                },
            },
        }


def _words(dice: random.Random, vocabulary: list[str], count: int) -> str:
    return " ".join(dice.choices(vocabulary, k=count))
