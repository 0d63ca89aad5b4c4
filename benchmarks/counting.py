"""Counting tokens where usage is missing, against tiktoken's ``encode_ordinary``.

The text is this machine's own: sources and documents, cut into messages of the length that chat
messages have. *Never seen*: every message once. *History resent*: conversations of 10 to 30 turns
at once, each call sending all that was said before. Both sides get parsed calls and return the same
tokens: the OpenAI cookbook's recipe on their side, a ``Gauge`` on ours.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from auditor.pipeline.counting import Gauge
from auditor.prices import open_book
from auditor.records import Call, Text
from auditor.tokens import TextCounter
from auditor.tokens.encodings import load_encoding
from benchmarks.races import Contestant, Race, Work
from benchmarks.texts import pieces

MODELS = {"cl100k_base": "gpt-4-0613", "o200k_base": "gpt-4o-2024-08-06"}
NEVER_SEEN = 60_000_000
SAID = 8_000_000
AT_ONCE = 40
TURNS = (10, 30)
SYSTEM, QUESTION, ANSWER = (7.0, 0.6), (5.5, 1.0), (6.7, 0.8)
"""Lengths of messages in characters, log-normal: mean and deviation of the logarithm."""
SYSTEMS = 25

Said = dict[str, str]


def races(folder: Path, scale: float) -> list[Race]:
    """Four races: each encoding on text never seen and on history that is resent."""
    folder.mkdir(parents=True, exist_ok=True)
    new, history = folder / "never-seen.json", folder / "history.jsonl"
    write_messages(new, int(NEVER_SEEN * scale))
    write_conversations(history, int(SAID * scale))
    kinds = (
        ("text never seen", new, 4, "new"),
        ("logs that resend their history", history, 20, "history"),
    )
    return [
        Race(
            work=f"counting tokens where usage is missing: {kind}, {encoding}",
            against="tiktoken's encode_ordinary",
            limit=limit,
            ours=Contestant(f"counting:{name}_ours", {"path": str(path), "encoding": encoding}),
            theirs=Contestant(f"counting:{name}_theirs", {"path": str(path), "encoding": encoding}),
            faster=True,
            same=True,
        )
        for kind, path, limit, name in kinds
        for encoding in MODELS
    ]


def write_messages(path: Path, characters: int) -> None:
    """A JSON list of different texts, ``characters`` in all or as many as this machine has."""
    dice = random.Random(7)
    texts, written = [], 0
    for text in pieces(dice, *ANSWER):
        texts.append(text)
        written += len(text)
        if written >= characters:
            break
    path.write_text(json.dumps(texts), encoding="utf-8")


def write_conversations(path: Path, characters: int) -> None:
    """A line a call, ``[messages, answer]``: conversations in which ``characters`` are said."""
    dice = random.Random(7)
    systems = list(islice(pieces(dice, *SYSTEM), SYSTEMS))
    questions, answers = pieces(dice, *QUESTION), pieces(dice, *ANSWER)
    said, going = 0, list[tuple[list[Said], int]]()
    with path.open("w", encoding="utf-8") as file:
        while said < characters or going:
            while said < characters and len(going) < AT_ONCE:
                system = {"role": "system", "content": dice.choice(systems)}
                going.append(([system], dice.randint(*TURNS)))
            place = dice.randrange(len(going))
            messages, turns = going[place]
            messages.append({"role": "user", "content": next(questions)})
            answer = {"role": "assistant", "content": next(answers)}
            file.write(json.dumps([messages, answer]) + "\n")
            said += len(messages[-1]["content"]) + len(answer["content"])
            messages.append(answer)
            if len(messages) > 2 * turns:
                del going[place]


def new_ours(path: str, encoding: str) -> Work:
    """Each text once, by the counter that an ingest uses."""
    texts = json.loads(Path(path).read_text(encoding="utf-8"))
    count = TextCounter()
    count("ready", encoding)
    return lambda: sum(count(text, encoding) for text in texts)


def new_theirs(path: str, encoding: str) -> Work:
    """Each text once, by tiktoken."""
    texts = json.loads(Path(path).read_text(encoding="utf-8"))
    encode = load_encoding(encoding).encode_ordinary
    encode("ready")
    return lambda: sum(len(encode(text)) for text in texts)


def history_ours(path: str, encoding: str) -> Work:
    """Calls without usage, by a gauge."""
    model = MODELS[encoding]
    calls = [
        Call(
            line=number,
            served_model=model,
            text=Text(messages=tuple(messages), outputs=(answer,)),
        )
        for number, (messages, answer) in enumerate(_calls(path))
    ]
    gauge = Gauge(open_book(), {})
    TextCounter()("ready", encoding)

    def work() -> int:
        used = (gauge(call).usage for call in calls)
        return sum(usage.prompt_tokens + usage.produced_tokens for usage in used if usage)

    return work


def history_theirs(path: str, encoding: str) -> Work:
    """The same by the recipe of the OpenAI cookbook: three a message, three a request."""
    calls = list(_calls(path))
    encode = load_encoding(encoding).encode_ordinary
    encode("ready")

    def work() -> int:
        total = 0
        for messages, answer in calls:
            for message in messages:
                total += 3 + len(encode(message["role"])) + len(encode(message["content"]))
            total += 3 + len(encode(answer["content"]))
        return total

    return work


def _calls(path: str) -> Iterator[Any]:
    with Path(path).open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
