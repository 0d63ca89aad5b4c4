"""Fine-tuning judged on real logs, worked by hand. Skipped where the logs are not there."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import question, stored, tuning

from auditor.pipeline import pairs_of, replay
from auditor.pipeline.finetune import tune
from auditor.reports.tuning import as_json
from auditor.scenarios import Levers, Move, Scenario

DATA = Path(__file__).parents[2] / "shared" / "data"
LLMDRIFT = DATA / "llmdrift"
AUTOGPT = DATA / "autogpt" / "calls.jsonl"

needs_llmdrift = pytest.mark.skipif(not LLMDRIFT.is_dir(), reason="shared/data/llmdrift is absent")
needs_autogpt = pytest.mark.skipif(not AUTOGPT.is_file(), reason="shared/data/autogpt is absent")

Row = dict[str, str]
Verdicts = dict[str, Any]


def verdicts(*logs: Path, **asked: Any) -> Verdicts:
    """``audit finetune --format json``, without the names of the sources."""
    with stored(*logs) as store:
        document: Verdicts = json.loads(as_json(tune(store, tuning(**asked))))
    del document["run"]["sources"]
    return document


def by_name(document: Verdicts) -> dict[str, Verdicts]:
    return {row["name"]: row for row in document["workloads"]}


def drift_rows() -> list[Row]:
    """All rows of both files. Some answers are longer than csv's default limit allows."""
    csv.field_size_limit(2**31 - 1)
    rows: list[Row] = []
    for file in sorted(LLMDRIFT.glob("*.csv")):
        with file.open(newline="", encoding="utf-8") as lines:
            rows += csv.DictReader(lines)
    return rows


def written(path: Path, rows: Iterable[Row]) -> Path:
    columns = ["model", "dataset", "query", "answer", "max_tokens", "cost", "timestamp"]
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, columns, extrasaction="ignore")
        out.writeheader()
        out.writerows(rows)
    return path


@needs_llmdrift
def test_the_verdicts_on_llmdrift_are_right_when_worked_by_hand() -> None:
    # composite: 500 prompts to each of four models in July 2023. GPT-3.5: 30,500 tokens in at
    # 0.0015 and 228,107 out at 0.002 per 1,000 = 0.04575 + 0.456214; GPT-4: 30,000 in at 0.03 and
    # 76,739 out at 0.06 = 0.9 + 4.60434. Together 6.006304 USD.
    # Fine-tuned: 60,500 x 0.012/1000 + 304,846 x 0.016/1000 = 0.726 + 4.877536 = 5.603536, which is
    # 0.402768 USD less for 2,000 calls: 0.201384 for 1,000. 100 examples of 17,387 tokens, 3 times,
    # are 52,161 tokens, 0.417288 USD: paid for by 0.417288 x 2000 / 0.402768 = 2072.1 calls, so
    # 2,073. All 2,000 were made on 2023-07-24, the last day of the logs: 1.04 days at that rate, so
    # the second day from the launch on 2023-08-22 on.
    found = verdicts(*sorted(LLMDRIFT.glob("*.csv")))
    composite = by_name(found)["composite"]
    assert composite["calls"] == 2000
    assert composite["input_tokens"] == 60_500
    assert composite["output_tokens"] == 304_846
    assert composite["actual_usd"] == "6.006304"
    assert composite["replayed_usd"] == "5.603536"
    assert composite["saving_usd_per_1k_calls"] == "0.201384"
    assert (composite["examples"], composite["epochs"]) == (100, 3)
    assert composite["training_tokens"] == 52_161
    assert composite["training_usd"] == "0.417288"
    assert composite["break_even_calls"] == 2073
    assert composite["break_even_days"] == 2
    assert composite["break_even_date"] == "2023-08-23"
    assert composite["verdict"] == "pays_back"
    # of these the 1,000 of GPT-3.5 cost 0.501964 now and 30,500 x 0.012/1000 + 228,107 x 0.016/1000
    # = 4.015712 moved: 3.513748 more
    assert (composite["dearer_calls"], composite["dearer_usd"]) == (1000, "3.513748")
    # every prompt begins with "Is " and a number: two tokens, and no more
    assert composite["possible_cut_tokens"] == 2
    # leetcode_easy: each prompt four times; 50 different ones are 50 examples, trained 3 times
    leetcode = by_name(found)["leetcode_easy"]
    assert (leetcode["calls"], leetcode["examples"], leetcode["epochs"]) == (200, 50, 3)
    assert {row["verdict"] for row in found["workloads"]} == {"pays_back"}


@needs_llmdrift
def test_against_gpt_3_5_alone_it_never_pays_on_llmdrift(tmp_path: Path) -> None:
    # GPT-3.5 0613 for composite: out 0.016 / 0.002 = 8 times dearer, and the prompts are a tenth
    # of the answers: answers alone cost more than all does now.
    rows = [row for row in drift_rows() if row["model"].endswith("gpt-3.5-turbo-0613")]
    found = verdicts(written(tmp_path / "small.csv", rows))
    assert {row["verdict"] for row in found["workloads"]} == {"never"}


@needs_llmdrift
def test_shuffled_or_split_logs_are_judged_the_same(tmp_path: Path) -> None:
    rows = drift_rows()
    random.Random(3).shuffle(rows)
    whole = verdicts(*sorted(LLMDRIFT.glob("*.csv")), drop=True, output=None)
    parts = [written(tmp_path / f"{number}.csv", rows[number::7]) for number in range(7)]
    assert verdicts(*parts, drop=True, output=None) == whole


def moved_to(model: str, ratio: Decimal) -> Scenario:
    """All calls on another model, with answers ``ratio`` times as long."""
    move = Move((), (model,), Levers(output=ratio))
    return Scenario("moved", "moved", (), date(2023, 7, 1), "standard", "user", (), "", (move,))


def cost_of(log: Path, scenario: Scenario) -> Decimal:
    with stored(log) as store:
        cost: Decimal = replay(store, question(scenarios=(scenario,))).rows[0]["cost_usd"]
        return cost


@needs_llmdrift
@pytest.mark.parametrize(
    ("small", "large", "ratio", "as_logged", "as_observed", "real"),
    [
        ("3.5-turbo-0613", "gpt-4-0613", "0.028425", "9.88683", "1.0774234545", "1.10325"),
        ("3.5-turbo-0301", "gpt-4-0314", "0.909791", "7.87212", "7.23734813388", "7.55949"),
    ],
)
def test_an_observed_output_ratio_predicts_what_the_same_length_does_not(
    tmp_path: Path, small: str, large: str, ratio: str, as_logged: str, as_observed: str, real: str
) -> None:
    """Learnt on every second prompt, tried on the others: 525 prompts that both models answered.

    GPT-4 of June answers the prime tests with one word. A replay that keeps the length of
    GPT-3.5's answers says 9.89 USD, the observed ratio 1.08, and GPT-4 really cost 1.10.
    """
    rows = [row for row in drift_rows() if row["model"].endswith((small, large))]
    half = {prompt: n % 2 for n, prompt in enumerate(sorted({row["query"] for row in rows}))}
    learn = written(tmp_path / "learn.csv", (r for r in rows if not half[r["query"]]))
    with stored(learn) as store:
        pairs = pairs_of(store, question(scenarios=()))
    (pair,) = (p for p in pairs if p.workload is None and p.model.endswith(large))
    others = [row for row in rows if half[row["query"]]]
    asked = written(tmp_path / "asked.csv", (r for r in others if r["model"].endswith(small)))
    truth = written(tmp_path / "truth.csv", (r for r in others if r["model"].endswith(large)))
    assert pair.prompts == 525
    assert pair.ratio == Decimal(ratio)
    assert cost_of(asked, moved_to(large, Decimal(1))) == Decimal(as_logged)
    assert cost_of(asked, moved_to(large, pair.ratio)) == Decimal(as_observed)
    with stored(truth) as store:
        assert replay(store, question(scenarios=())).total["cost_usd"] == Decimal(real)


@needs_autogpt
def test_auto_gpt_has_mostly_too_few_calls_of_a_kind() -> None:
    # 109 chat calls under 33 goals, each its own system message. Two kinds have 10 usable examples:
    # one of 10 calls, 13,521 tokens in and 2,141 out, all at the flat 0.002 of before 2023-06-13:
    # 0.031324 USD now; its answers alone are 2,141 x 0.016/1000 = 0.034256 fine-tuned: never. 10
    # examples are trained on 10 times. And one of 18 calls, 4,507 in and 413 out, 0.010552 USD now:
    # answers leave 0.010552 - 0.006608 = 0.003944 for prompts of 0.054084, so 92.7077 % must go.
    found = verdicts(AUTOGPT)
    rows = {row["verdict"]: row for row in found["workloads"]}
    assert len(found["workloads"]) == 33
    assert sum(row["calls"] for row in found["workloads"]) == 109
    assert sum(row["verdict"] == "too_few_calls" for row in found["workloads"]) == 31
    never, needs_cut = rows["never"], rows["needs_cut"]
    assert (never["calls"], never["examples"], never["epochs"]) == (10, 10, 10)
    assert never["actual_usd"] == "0.031324"
    assert never["replayed_usd"] == "0.196508"
    assert (needs_cut["calls"], needs_cut["examples"], needs_cut["epochs"]) == (18, 14, 7)
    assert needs_cut["actual_usd"] == "0.010552"
    assert needs_cut["required_cut_share"] == "0.927077"
    total = found["total"]
    # 104,814 x 0.012/1000 + 18,235 x 0.016/1000 = 1.257768 + 0.29176
    assert total["replayed_usd"] == "1.549528"
    assert total["verdict"] == "needs_cut"


@pytest.mark.slow
@needs_autogpt
def test_shuffled_or_split_auto_gpt_is_judged_the_same(tmp_path: Path) -> None:
    lines = AUTOGPT.read_text("utf-8").splitlines()
    random.Random(5).shuffle(lines)
    parts = []
    for number in range(5):
        part = tmp_path / f"{number}.jsonl"
        part.write_text("".join(f"{line}\n" for line in lines[number::5]), encoding="utf-8")
        parts.append(part)
    whole = verdicts(AUTOGPT, drop=True)
    assert verdicts(*parts, drop=True) == whole
