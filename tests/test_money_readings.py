"""Which of two readings of a call is the better, and the identity of one without an id."""

# ruff: noqa: DTZ001 (the store keeps moments of UTC without a zone)

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import product
from typing import Any

from helpers.tables import for_each

Reading = dict[str, Any]
Columns = dict[str, str]
TOKENS = ("input", "cache_read", "cache_write", "output", "reasoning", "audio")

KINDS = {
    "counted_by": ("VARCHAR", ("provider", "tokenizer", "estimate", "nobody")),
    **{f"{name}_tokens": ("BIGINT", (0, 1, 2)) for name in TOKENS},
    "failed": ("BOOLEAN", (False, True)),
    "called_at": ("TIMESTAMP", (None, datetime(2023, 8, 22, 10), datetime(2023, 8, 22, 11, 1))),
    "served_model": ("VARCHAR", (None, "1-model", "gpt-4", "gpt-4-0613")),
    "requested_model": ("VARCHAR", (None, "1-model", "gpt-3.5-turbo", "gpt-4")),
    "endpoint": ("VARCHAR", ("chat", "completion")),
    "tier": ("VARCHAR", ("batch", "standard")),
    "max_tokens": ("BIGINT", (None, 0, 1, 2)),
    "recorded_usd": ("DECIMAL(38, 12)", (None, Decimal(0), Decimal("0.5"), Decimal(1))),
    "tags": ("MAP(VARCHAR, VARCHAR)", (None, {"a": "z"}, {"a": "y", "b": "x"}, {"b": "a"})),
    "problem": ("VARCHAR", (None, "!", "no usage", "no text")),
    "fingerprint": ("VARCHAR", ("f1", "f2")),
}
OF_QUALITY = (
    "counted_by", *(f"{name}_tokens" for name in TOKENS), "failed", "called_at", "served_model",
    "requested_model", "endpoint", "tier", "max_tokens", "recorded_usd", "tags", "problem",
)  # fmt: skip
OF_ROW = (
    "called_at", "requested_model", "served_model", "endpoint", "tier", "failed", "counted_by",
    *(f"{name}_tokens" for name in TOKENS), "max_tokens", "recorded_usd", "tags", "fingerprint",
)  # fmt: skip


def plain() -> Reading:
    return {name: values[0] for name, (_, values) in KINDS.items()}


def full() -> Reading:
    return {name: values[-1] for name, (_, values) in KINDS.items()}


def drawn(dice: random.Random) -> Reading:
    return {name: dice.choice(values) for name, (_, values) in KINDS.items()}


def neighbours() -> Iterator[Reading]:
    """Readings of which each differs from one of two in one field."""
    for base, (name, (_, values)) in product((plain(), full()), KINDS.items()):
        for value in values:
            yield {**base, name: value}


def of(macro: str, names: tuple[str, ...], mark: str = "") -> str:
    return f"{macro}({', '.join(mark + name for name in names)})"


def typed(names: tuple[str, ...], mark: str = "") -> Columns:
    return {mark + name: KINDS[name][0] for name in names}


def words(tags: dict[str, str] | None) -> str:
    inner = ", ".join(f"{key}={value}" for key, value in (tags or {}).items())
    return f"{{{inner}}}" if tags else ""


def merit(reading: Reading) -> tuple[Any, ...]:
    """What makes a reading better than another, the weightiest first."""
    who = ("nobody", "estimate", "tokenizer", "provider").index(reading["counted_by"])
    names = [f"{name}_tokens" for name in TOKENS]
    return (
        who,
        sum(reading[name] for name in names),
        not reading["failed"],
        *(str(reading[name] or "") for name in ("called_at", "served_model", "requested_model")),
        *(reading[name] for name in names[:5]),
        reading["endpoint"],
        reading["tier"],
        *(-1 if reading[n] is None else reading[n] for n in ("max_tokens", "recorded_usd")),
        len(reading["tags"] or ()),
        words(reading["tags"]),
        reading["problem"] or "",
    )


def test_the_better_reading_is_the_one_with_more_to_say() -> None:
    """In pairs that differ in one field, in two of which one speaks against the other, and any."""
    dice = random.Random(5)
    pairs = [(a, b) for a, b in product(neighbours(), (plain(), full()))]
    for name, other in product(OF_QUALITY, OF_QUALITY):
        one, two = KINDS[name][1], KINDS[other][1]
        if name.endswith("_tokens") and other.endswith("_tokens"):
            one = two = (0, 1)  # as many in all
        low, high = sorted(dice.sample(one, 2), key=lambda v: merit({**plain(), name: v}))
        down, up = sorted(dice.sample(two, 2), key=lambda v: merit({**plain(), other: v}))
        pairs.append(({**plain(), name: high, other: down}, {**plain(), name: low, other: up}))
    pairs += [(drawn(dice), drawn(dice)) for _ in range(60)]
    found = for_each(
        f"{of('quality', OF_QUALITY)} > {of('quality', OF_QUALITY, 'than_')}",
        typed(OF_QUALITY) | typed(OF_QUALITY, "than_"),
        [{**a, **{f"than_{name}": value for name, value in b.items()}} for a, b in pairs],
    )
    assert found == [merit(a) > merit(b) for a, b in pairs]


def identity(reading: Reading) -> str:
    """Written down anew: ids are kept in stores, so they must be the same for ever."""
    tokens = " ".join(str(reading[f"{name}_tokens"]) for name in TOKENS)
    of_log = (
        reading["called_at"],
        reading["requested_model"],
        reading["served_model"],
        reading["endpoint"],
        reading["tier"],
        "true" if reading["failed"] else "false",
        tokens if reading["counted_by"] == "provider" else "",
        reading["max_tokens"],
        None if reading["recorded_usd"] is None else f"{reading['recorded_usd']:.12f}",
        words(reading["tags"]),
        reading["fingerprint"],
    )
    text = "\x1f".join("" if one is None else str(one) for one in of_log)
    return f"row-{hashlib.md5(text.encode()).hexdigest()}-1"


def test_the_identity_of_a_row_is_the_hash_of_what_the_log_says() -> None:
    dice = random.Random(6)
    readings = [*neighbours(), *(drawn(dice) for _ in range(40))]
    ids = for_each(of("row_id", OF_ROW), typed(OF_ROW), readings)
    assert ids == [identity(reading) for reading in readings]


def test_ids_of_equal_rows_have_a_stem() -> None:
    row = identity(plain())
    equal = [row, row[:-1] + "2", row[:-1] + "12"]
    others = ["chatcmpl-" + "7" * 60, "", "row", "a-row-" + "7" * 60]
    rows = [{"id": id} for id in (*equal, *others)]
    assert for_each("id_stem(id)", {"id": "VARCHAR"}, rows) == [row[:-2]] * 3 + others
