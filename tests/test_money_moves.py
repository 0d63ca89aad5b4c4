"""Moves cut, keep and train: each call held against a reckoning of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import book_oracle as oracle
import pytest
from helpers.money import CALLS, opened, stores
from helpers.runs import question

from auditor import scenarios
from auditor.pipeline import replay
from auditor.pipeline.replay import price_cells

MOVED = """
name = "moved"
prices_at = 2023-08-22

[[move]]
where = { model = "gpt-4-0613" }
to = ["gpt-3.5-turbo-0613", "gpt-3.5-turbo-16k-0613"]
keep_prompt = "0.75"
output_ratio = "1.25"

[[move]]
where = { model = "gpt-5.6-terra" }
to = "gpt-4-32k"
cut_tokens = 139
cut_calls = "0.5"

[[move]]
where = { model = "gpt-3.5-turbo-0613" }
to = "ft:gpt-3.5-turbo-0613"
cut_tokens = 200
cut_calls = "1"
training_tokens = 43797

[[move]]
where = { model = "gpt-3.5-turbo" }
to = "gpt-4-0613"
"""
LADDERS = {
    "gpt-4-0613": (("gpt-3.5-turbo-0613", "gpt-3.5-turbo-16k-0613"), 0, "1", "0.75", "1.25"),
    "gpt-5.6-terra": (("gpt-4-32k",), 139, "0.5", "1", "1"),
    "gpt-3.5-turbo-0613": (("ft:gpt-3.5-turbo-0613",), 200, "1", "1", "1"),
    "gpt-3.5-turbo": (("gpt-4-0613",), 0, "1", "1", "1"),
}


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    with stores() as folder:
        yield folder


def moved(call: oracle.Call) -> tuple[str, Decimal | None]:
    """What that scenario does with a call; what it needs is rounded up to whole tokens."""
    paid, of = oracle.actual(call), call["served_model"] or call["requested_model"]
    if of not in LADDERS:
        return (
            ("fits", paid)
            if oracle.state(call) == "counted" and paid is not None
            else (
                "unpriced",
                None,
            )
        )
    models, cut, share, kept, ratio = LADDERS[of]
    left = min(cut, oracle.prompt_of(call))
    off = {}
    for meter in ("cache_read", "cache_write", "input"):  # a cache holds the front of a prompt
        off[meter] = min(left, call[f"{meter}_tokens"])
        left -= off[meter]
    sent = oracle.prompt_of(call) - (sum(off.values()) if share == "1" else 0)
    need = up(sent, kept) + (
        up(oracle.made_of(call), ratio) if call["max_tokens"] is None else call["max_tokens"]
    )
    for model in models:
        row = oracle.rate_row(model, date(2023, 8, 22), "standard", 0)
        assert row is not None
        if need <= int(row["context_window"]):
            nothing = dict.fromkeys((f"{meter}_tokens" for meter in oracle.METERS), 0)
            prompt = oracle.cost({**call, "output_tokens": 0, "reasoning_tokens": 0}, row)
            answers = oracle.cost({**nothing, "output_tokens": oracle.made_of(call)}, row)
            cuts = oracle.cost({**nothing, **{f"{m}_tokens": n for m, n in off.items()}}, row)
            assert prompt is not None and answers is not None and cuts is not None
            cost = prompt * Decimal(kept) - cuts * Decimal(share) + answers * Decimal(ratio)
            return "fits", cost
    return "overflows", None


def up(tokens: int, share: str) -> int:
    return -int(-(tokens * Decimal(share)) // 1)


def test_moves_cut_keep_and_train_as_the_oracle_does(made: Path, tmp_path: Path) -> None:
    (tmp_path / "moved.toml").write_text(MOVED, "utf-8")
    plan = scenarios.load(tmp_path / "moved.toml")
    with opened(made / CALLS, by_call=True) as (store, calls):
        asked = question(scenarios=(plan,), by=("tag:one",))
        answer = replay(store, asked)
        (whole,) = replay(store, question(scenarios=(plan,))).rows
        price_cells(store, asked, (0,))
        ledger = store._connection.sql(
            "SELECT by_1, replayed_usd, prompt_usd, cut_usd, output_usd, answers_usd, "
            "prompt_tokens, produced_tokens FROM ledger WHERE outcome = 'fits'"
        ).fetchall()
    assert whole["cost_usd"] == oracle.total(row["cost_usd"] for row in answer.rows)
    assert whole["actual_usd"] == oracle.total(row["actual_usd"] for row in answer.rows)
    of = {call["call_id"]: call for call in calls}
    rows = {row["by_1"]: row for row in answer.rows}
    assert rows.keys() == of.keys()
    for id, row in rows.items():
        call = of[id]
        outcome, cost = moved(call) if oracle.is_moved(call) else ("", None)
        outcomes = {name: int(outcome == name) for name in ("fits", "overflows", "unpriced")}
        assert ({name: row[name] for name in outcomes}, row["cost_usd"]) == (outcomes, cost), id
    assert ledger
    for id, cost, prompt, cut, output, answers, sent, made_tokens in ledger:
        call = of[id]
        assert cost == moved(call)[1]
        name = call["served_model"] or call["requested_model"]
        if name not in LADDERS:
            assert (prompt, cut, output, answers) == (None, None, None, None)
            assert (sent, made_tokens) == (oracle.prompt_of(call), oracle.made_of(call))
            continue
        _, most, share, kept, ratio = LADDERS[name]
        assert cost == prompt * Decimal(kept) - cut + answers
        assert answers == output * Decimal(ratio)
        off = min(most, oracle.prompt_of(call)) * Decimal(share)
        assert sent == oracle.prompt_of(call) * Decimal(kept) - off
        assert made_tokens == oracle.made_of(call) * Decimal(ratio)
    (trained,) = answer.training
    assert trained["training_usd"] == 43797 * Decimal("0.008") / 1000
    assert trained["total_usd"] == trained["training_usd"] + oracle.total(
        row["cost_usd"] for row in rows.values()
    )
