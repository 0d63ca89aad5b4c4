"""``audit finetune`` says what an oracle says that shares no line and no constant with it."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import finetune_oracle as oracle
from finetune_oracle import Levers
from helpers.logs import Line, write
from helpers.runs import Document, stored
from helpers.tunes import chat, traffic, tuned, tuned_store
from hypothesis import example, given, settings
from hypothesis import strategies as st

NOT_OF_THE_ORACLE = ("workload", "why")

shares = st.sampled_from(("1", "0.75", "0.125", "0.1", "0.333333", "0"))
ratios = st.sampled_from(("1", "1", "0.5", "1.25", "0.999999", "2", "0"))
levers = st.builds(
    Levers,
    keep=shares.map(Fraction),
    output=ratios.map(Fraction),
    drop=st.booleans(),
    against_gpt_4=st.booleans(),
    examples=st.sampled_from((10, 20, 100)),
    epochs=st.sampled_from((None, None, 1, 7)),
    retrain=st.sampled_from((None, None, 1, 30)),
).map(lambda asked: asked if not asked.drop else Levers(**{**asked.__dict__, "keep": Fraction(1)}))


def asked_of(asked: Levers) -> dict[str, Any]:
    """The levers as the tool takes them."""
    return {
        "kept": Decimal(oracle.text(asked.keep)),
        "output": Decimal(oracle.text(asked.output)),
        "drop": asked.drop,
        "against": "gpt-4" if asked.against_gpt_4 else None,
        "examples": asked.examples,
        "epochs": asked.epochs,
        "retrain_days": asked.retrain,
    }


def comparable(row: Document) -> Document:
    """A row without what only one side knows."""
    return {k: v for k, v in row.items() if k not in NOT_OF_THE_ORACLE and not k.startswith("_")}


def in_order(rows: list[Document]) -> list[Document]:
    return sorted(map(comparable, rows), key=lambda row: json.dumps(row, sort_keys=True))


def check(found: Document, lines: list[Line], asked: Levers) -> None:
    """The document says what the oracle says, to the last digit."""
    total, rows = oracle.rows(lines, asked)
    assert in_order(found["workloads"]) == in_order(rows)
    assert (found["total"] and comparable(found["total"])) == (total and comparable(total))
    mix = oracle.mix(lines, asked)
    shown = found["mix"] and {
        **{key: found["mix"][key] for key in (mix or {}) if key != "moved"},
        "moved": len(found["mix"]["moved"]),
    }
    assert shown == mix


ALL_VERDICTS = [
    Levers(output=Fraction(1, 2), examples=20),
    Levers(drop=True, against_gpt_4=True),
    Levers(keep=Fraction(1, 10), output=Fraction(3, 4), retrain=30),
]


def test_the_example_has_every_verdict_and_mixes() -> None:
    lines = traffic(105, (40, 30, 30, 25))
    verdicts = {row["verdict"] for asked in ALL_VERDICTS for row in oracle.rows(lines, asked)[1]}
    assert verdicts == {"pays_back", "never", "needs_cut", "too_few_calls", "does_not_fit"}
    assert [oracle.mix(lines, asked) is not None for asked in ALL_VERDICTS] == [False, True, True]


@settings(deadline=None, max_examples=3, derandomize=True)
@example(seed=105, counts=[40, 30, 30, 25], asked=ALL_VERDICTS)
@given(
    seed=st.integers(0, 10**6),
    counts=st.lists(st.integers(1, 45), min_size=1, max_size=5),
    asked=st.lists(levers, min_size=2, max_size=2),
)
def test_the_verdicts_are_those_of_the_oracle(
    seed: int, counts: list[int], asked: list[Levers]
) -> None:
    lines = traffic(seed, counts)
    with TemporaryDirectory() as folder, stored(write(Path(folder) / "a.jsonl", lines)) as store:
        for one in asked:
            check(tuned_store(store, **asked_of(one)), lines, one)


def yes_or_no(number: int, **more: Any) -> Line:
    """A call of one workload whose prompts share a beginning."""
    text = f"Say yes or no. Is it {number}?"
    return chat(f"c{number}", [{"role": "user", "content": text}], task="t", **more)


def test_what_a_call_is_compared_with_is_not_cut() -> None:
    """12 x (1000 x 0.03 + 100 x 0.06) / 1000: dropping the prefix must not cheapen GPT-4."""
    found = tuned([yes_or_no(n) for n in range(12)], against="gpt-4", drop=True)
    assert found["total"]["possible_cut_tokens"] > 0
    assert found["total"]["against_usd"] == "0.432"


def test_the_cut_that_is_needed_is_said_where_nothing_can_be_trained() -> None:
    """Answers without tokens are no examples: there is nothing to train again."""
    calls = [yes_or_no(n, made=0) for n in range(12)]
    for again in (None, 1):
        (row,) = tuned(calls, retrain_days=again)["workloads"]
        assert (row["verdict"], row["required_cut_share"]) == ("too_few_calls", "0.875")


def test_undated_calls_cannot_be_trained_again_by_the_day() -> None:
    """The verdict is as without: GPT-4 prompts pay on FT 3.5 even with no dates to count by."""
    calls = [yes_or_no(n, at=None) for n in range(12)]
    (plain,) = tuned(calls, against="gpt-4")["workloads"]
    (again,) = tuned(calls, against="gpt-4", retrain_days=1)["workloads"]
    assert plain["verdict"] == "pays_back" and plain["break_even_date"] is None
    assert again == plain
