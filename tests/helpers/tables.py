"""The tables that queries of replay read, drawn at random, and sums of their rows in Python."""

# ruff: noqa: DTZ001 (the store keeps moments of UTC without a zone)

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from auditor.store import Store

Row = dict[str, Any]
BY = tuple(f"by_{n}" for n in range(1, 7))
METERS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
RATES = ("input_usd", "cache_read_usd", "cache_write_usd", "output_usd")
KEY_OF_NAMES = ("closing", "epoch", "requested_model", "served_model", "tier", "prompt_step")
KEY_OF_CARD = (
    "closing", "epoch", "tier", "window_step", "prompt_step", "moved_window_step",
    "moved_prompt_step", "move",
)  # fmt: skip
NO_DAY = date(1, 1, 1)
ACTUAL = {
    "cell": "BIGINT", "closing": "DATE", "epoch": "DATE", "requested_model": "VARCHAR",
    "served_model": "VARCHAR", "tier": "VARCHAR", "state": "VARCHAR", "movable": "BOOLEAN",
    "counted_by": "VARCHAR", "has_recorded": "BOOLEAN", "workload": "VARCHAR", "move": "INTEGER",
    "window_step": "INTEGER", "prompt_step": "INTEGER", "moved_window_step": "INTEGER",
    "moved_prompt_step": "INTEGER", **dict.fromkeys(BY, "VARCHAR"), "problem": "VARCHAR",
    "calls": "HUGEINT", **dict.fromkeys(METERS, "HUGEINT"), "reasoning_tokens": "HUGEINT",
    **dict.fromkeys((f"cut_{meter}" for meter in METERS[:3]), "HUGEINT"),
    "prompt_tokens": "HUGEINT", "produced_tokens": "HUGEINT", "recorded_usd": "DECIMAL(38, 24)",
    "first_call_at": "TIMESTAMP", "last_call_at": "TIMESTAMP", "model": "VARCHAR",
    "basis": "VARCHAR", "book": "VARCHAR", "line": "BIGINT", "certain": "BOOLEAN",
    "actual_usd": "DECIMAL(38, 12)", "reason": "VARCHAR",
}  # fmt: skip
NAMES = {name: ACTUAL[name] for name in KEY_OF_NAMES} | dict.fromkeys(RATES, "DECIMAL(18, 12)")
CARD = {
    "scenario": "INTEGER", **{name: ACTUAL[name] for name in KEY_OF_CARD}, "stays": "BOOLEAN",
    **dict.fromkeys(("outcome", "target", "priced_as", "reason"), "VARCHAR"),
    **dict.fromkeys(("kept", "cut_calls", "output"), "DECIMAL(7, 6)"),
    **dict.fromkeys(RATES, "DECIMAL(18, 12)"),
}  # fmt: skip
LEDGER = {
    "scenario": "INTEGER", "cell": "BIGINT", "outcome": "VARCHAR", "target": "VARCHAR",
    "priced_as": "VARCHAR", "workload": "VARCHAR", **dict.fromkeys(BY, "VARCHAR"),
    "calls": "HUGEINT", "prompt_tokens": "DECIMAL(28, 6)", "produced_tokens": "DECIMAL(27, 6)",
    "prompt_usd": "DECIMAL(38, 12)", "cut_usd": "DECIMAL(38, 18)", "output_usd": "DECIMAL(38, 12)",
    "answers_usd": "DECIMAL(38, 18)", "replayed_usd": "DECIMAL(38, 18)",
    "actual_usd": "DECIMAL(38, 12)", "reason": "VARCHAR",
}  # fmt: skip


def put(store: Store, name: str, columns: Mapping[str, str], rows: Iterable[Row]) -> None:
    """A temporary table of these rows; what a row does not have is NULL."""
    typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    store._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({typed})")
    values = [row.get(column) for row in rows for column in columns]
    if values:
        row = f"({', '.join('?' for _ in columns)})"
        count = len(values) // len(columns)
        store._connection.execute(f"INSERT INTO {name} VALUES {', '.join([row] * count)}", values)


def for_each(expression: str, columns: Mapping[str, str], rows: Iterable[Row]) -> list[Any]:
    """What an expression says of each of these rows."""
    with Store.open(None) as store:
        put(store, "given", columns, rows)
        found = store._connection.execute(f"SELECT {expression} FROM given ORDER BY rowid")
        return [row[0] for row in found.fetchall()]


def usd(dice: random.Random, digits: int) -> Decimal:
    return Decimal(dice.randint(1, 10**6)).scaleb(-digits)


def drawn_actual(seed: int, count: int) -> list[Row]:
    """Cells of every state; names are '' where a log has none, as in the cube.

    A third are like one before in all but what is added up.
    """
    dice = random.Random(seed)
    pick = dice.choice
    rows = []
    for cell in range(count):
        state = pick(("counted",) * 5 + ("failed", "audio", "uncounted"))
        tokens = drawn_tokens(dice)
        rated = state == "counted" and dice.random() < 0.8
        known = usd(dice, 12) if rated and dice.random() < 0.9 else Decimal(0) if rated else None
        rows.append({
            "cell": cell,
            "closing": pick((NO_DAY, NO_DAY, date(2023, 7, 1))),
            "epoch": pick((NO_DAY, date(2023, 6, 13), date(2023, 8, 22))),
            "requested_model": pick(("", "asked", "both")),
            "served_model": pick(("", "", "served", "both")),
            "tier": pick(("standard", "standard", "batch")),
            "state": state,
            "movable": dice.random() < 0.8,
            "counted_by": pick(("provider", "tokenizer", "estimate", "nobody")),
            "has_recorded": (recorded := dice.random() < 0.3),
            "workload": pick(("", "w")),
            "move": pick((-1, 0)),
            **{f"{name}_step": pick((0, 1)) for name in ("window", "prompt")},
            **{f"moved_{name}_step": pick((0, 1)) for name in ("window", "prompt")},
            "by_1": pick(("", "2023-08-21", "2023-08-22", "2023-08-23")),
            "by_2": pick(("", "b")),
            **{name: pick(("", "c")) if dice.random() < 0.3 else "" for name in BY[2:]},
            "problem": pick(("no usage", "no text")),
            "calls": dice.randint(1, 5),
            **tokens,
            "recorded_usd": usd(dice, 24) if recorded else None,
            "last_call_at": datetime(2023, 8, dice.randint(20, 23), dice.randint(0, 23)),
            "model": (model := pick(("m1", "m2", None)) if known is None else pick(("m1", "m2"))),
            "basis": pick(("exact", "alias", "router")) if model else None,
            "book": pick(("openai.csv", "ours.csv")) if model else None,
            "line": pick((7, 8)) if model else None,
            "certain": pick((True, False)) if model else None,
            "actual_usd": Decimal(0) if state == "failed" else known,
            "reason": pick(("nobody knows", "no rate")) if known is None else "",
        })  # fmt: skip
        if dice.random() < 0.33:
            twin = {**dice.choice(rows), **drawn_tokens(dice), "cell": cell}
            twin["calls"] = dice.randint(1, 5)
            if twin["actual_usd"]:
                twin["actual_usd"] = usd(dice, 12)
            rows[-1] = twin
    return rows


def drawn_tokens(dice: random.Random) -> Row:
    some = dice.choice((0, 1, 1, 1, 1))
    names = (*METERS, "reasoning_tokens")
    tokens = {name: some * dice.choice((0, 0, 1, 70, 1_000_003)) for name in names}
    return {
        **tokens,
        **{f"cut_{name}": dice.choice((0, tokens[name])) for name in METERS[:3]},
        "prompt_tokens": sum(tokens[name] for name in METERS[:3]),
        "produced_tokens": tokens["output_tokens"] + tokens["reasoning_tokens"],
    }


def drawn_names(seed: int, actual: Iterable[Row]) -> list[Row]:
    """A rate card for these cells; some meters have the same rates, some none."""
    dice = random.Random(seed)
    keys = {tuple(row[name] for name in KEY_OF_NAMES) for row in actual}
    rows = []
    for key in sorted(keys):
        rates = {name: usd(dice, 9) for name in RATES}
        rows.append({**dict(zip(KEY_OF_NAMES, key, strict=True)), **rates})
    return rows


def drawn_ledger(seed: int, actual: Iterable[Row], scenarios: Iterable[int]) -> list[Row]:
    """What scenarios do with the cells that they can move; some stay where they are."""
    dice = random.Random(seed)
    rows = []
    for scenario in scenarios:
        for cell in actual:
            if not cell["movable"] or cell["state"] == "failed":
                continue
            outcome = dice.choice(("fits", "fits", "overflows", "unpriced"))
            outcome = outcome if cell["state"] == "counted" else "unpriced"
            stays = outcome == "fits" and cell["actual_usd"] is not None and dice.random() < 0.2
            moved = outcome == "fits" and not stays
            prompt, output = usd(dice, 12), usd(dice, 12)
            levered = usd(dice, 18) if dice.random() < 0.5 else prompt + output
            known = outcome != "unpriced" and not stays
            rows.append({
                **{name: cell[name] for name in ("cell", "workload", *BY, "calls", "actual_usd")},
                "scenario": scenario,
                "outcome": outcome,
                "target": dice.choice(("t1", "t2")) if known else None,
                "priced_as": dice.choice(("m1", "m2")) if known else None,
                "prompt_tokens": Decimal(dice.randint(0, 10**9)).scaleb(-6) if moved
                else Decimal(cell["prompt_tokens"]),
                "produced_tokens": Decimal(dice.randint(0, 10**9)).scaleb(-6) if moved
                else Decimal(cell["produced_tokens"]),
                "prompt_usd": prompt if moved else None,
                "output_usd": output if moved else None,
                "replayed_usd": levered if moved else cell["actual_usd"] if stays else None,
                "reason": dice.choice(("no rate", "no text")) if outcome == "unpriced" else None,
            })  # fmt: skip
    return rows


def drawn_card(seed: int, actual: Iterable[Row], scenarios: Iterable[int]) -> list[Row]:
    """A rate card of scenarios for these cells, with levers of moves."""
    dice = random.Random(seed)
    keys = sorted({tuple(row[name] for name in KEY_OF_CARD) for row in actual})
    return [
        {
            "scenario": scenario,
            **dict(zip(KEY_OF_CARD, key, strict=True)),
            "stays": dice.random() < 0.3,
            **{name: usd(dice, 6) for name in ("kept", "cut_calls", "output")},
            **{name: usd(dice, 9) for name in RATES},
        }
        for scenario in scenarios
        for key in keys
    ]


def groups(rows: Iterable[Row], key: Callable[[Row], Row]) -> list[tuple[Row, list[Row]]]:
    """Rows by what ``key`` makes of each of them."""
    found: dict[tuple[Any, ...], tuple[Row, list[Row]]] = {}
    for row in rows:
        own = key(row)
        found.setdefault(tuple(own.values()), (own, []))[1].append(row)
    return list(found.values())


def whole(rows: Iterable[Row], name: str, only: Callable[[Row], Any] = lambda row: True) -> int:
    return sum(row[name] for row in rows if only(row))


def money(
    rows: Iterable[Row], name: str, only: Callable[[Row], Any] = lambda row: True
) -> Decimal | None:
    """The sum of what is known; None where nothing is."""
    known = [row[name] for row in rows if only(row) and row[name] is not None]
    return sum(known, Decimal(0)) if known else None


def first(*values: Any) -> tuple[tuple[bool, Any], ...]:
    """To sort by: what is not there comes before everything else."""
    return tuple((value is not None, value) for value in values)


def last(*values: Any) -> tuple[tuple[bool, Any], ...]:
    """To sort by: what is not there comes after everything else."""
    return tuple((value is None, value) for value in values)
