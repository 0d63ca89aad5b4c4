"""An independent oracle of ``audit finetune``: its figures from the lines of a log, by fractions.

It knows nothing of the tool but its tokenizer. Prices of August 2023 (USD per 1,000 tokens),
windows and the epochs rule are typed in from reference/facts.md, sections 0 to 4. It reads capture
lines as dicts; every model here writes cl100k. Rows are of workloads, told apart by a readable key.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from auditor.tokens import count_message, encode_text

Line = dict[str, Any]
Row = dict[str, Any]

BOOK = {
    "gpt-3.5-turbo-0613": ("0.0015", "0.002"),
    "gpt-3.5-turbo-16k-0613": ("0.003", "0.004"),
    "gpt-4-0613": ("0.03", "0.06"),
}
TUNED_IN, TUNED_OUT, TRAINING = Fraction("0.012"), Fraction("0.016"), Fraction("0.008")
TUNED_WINDOW = EXAMPLE_LIMIT = 4096
GPT_4_LADDER = (
    (8192, Fraction("0.03"), Fraction("0.06")),
    (32768, Fraction("0.06"), Fraction("0.12")),
)
UNIT, MILLION = 10**18, 10**6
LEVELS = (100, 99, 90)


@dataclass(frozen=True)
class Levers:
    """What is asked of the tool."""

    keep: Fraction = Fraction(1)
    output: Fraction = Fraction(1)
    drop: bool = False
    against_gpt_4: bool = False
    examples: int = 100
    epochs: int | None = None
    retrain: int | None = None


def read(lines: Iterable[Line]) -> list[Row]:
    """The calls of capture lines, each once. Failures have no tokens and belong nowhere."""
    calls: dict[str, Row] = {}
    for line in lines:
        answer, asked = line["response"] or {}, line["request"]
        name = answer.get("id") or line["x_request_id"]
        failed = line["status_code"] >= 400
        usage = answer.get("usage")
        said = asked["messages"] if answer and not failed else None
        answers = answer.get("choices", [])
        calls[name] = {
            "id": name,
            "failed": failed,
            "day": date.fromisoformat(line["timestamp"][:10]) if line["timestamp"] else None,
            "model": answer.get("model") or asked["model"],
            "sent": usage["prompt_tokens"] if usage else 0,
            "made": usage["completion_tokens"] if usage else 0,
            "limit": asked.get("max_tokens"),
            "counted": usage is not None,
            "whole": len(answers) == 1 and answers[0].get("finish_reason") != "length",
            "said": said,
            "prompt": json.dumps(said, sort_keys=True) if said else None,
            "key": key_of(line.get("tags", {}), said),
        }
    return list(calls.values())


def key_of(tags: dict[str, str], said: list[Line] | None) -> tuple[str, str, str] | None:
    """How a call is found, the tag's value, and what else tells its workload from others."""
    for tag in ("workload", "prompt_name", "task"):
        if tags.get(tag, "").strip():
            return f"tag {tag}", tags[tag].strip(), ""
    for message in said or []:
        if message["role"] == "system" and message["content"]:
            return "system message", "", message["content"]
    for message in said or []:
        if message["content"]:
            text = re.sub(r"\d+", "0", " ".join(message["content"].split()))
            return "opening", "", text[:24]
    return None


def epochs_for(examples: int) -> int:
    """OpenAI's default: three, more where there are few examples, fewer where very many."""
    if examples == 0:
        return 0
    if examples * 3 < 100:
        return min(25, 100 // examples)
    return max(1, 25000 // examples) if examples * 3 > 25000 else 3


def beginning(prompts: list[list[Line]], percent: int) -> Row:
    """The longest beginning that so many of 100 prompts have, by trying all of all of them."""
    needed = -(-len(prompts) * percent // 100)
    counts: dict[Any, int] = {}
    for messages in prompts:
        for begun in {key for key, _ in _beginnings(messages)}:
            counts[begun] = counts.get(begun, 0) + 1
    found = [
        (whole, then, cut, counts[key])
        for messages in prompts
        for key, (whole, then, cut) in _beginnings(messages)
        if counts[key] >= needed
    ]
    whole, then, cut, holding = max(found, default=(0, 0, 0, len(prompts)))
    return {
        "at_percent": percent,
        "cut_tokens": cut,
        "whole_messages": whole,
        "then_tokens": then,
        "holding_calls": holding,
        "measured_calls": len(prompts),
        "encoding": "cl100k_base",
    }


def _beginnings(messages: list[Line]) -> Iterable[tuple[Any, tuple[int, int, int]]]:
    """Every beginning of a prompt: whole messages (not the last), then tokens of the next."""
    before: list[str] = []
    cost = 0
    for place, message in enumerate(messages):
        yield (tuple(before), "", ()), (place, 0, cost)
        tokens = encode_text(message["content"], "cl100k_base")
        who = json.dumps([message["role"], message.get("name")])
        for then in range(1, len(tokens) + 1):
            yield (tuple(before), who, tuple(tokens[:then])), (place, then, cost + then)
        before.append(json.dumps(message, sort_keys=True))
        cost += count_message(message, "cl100k_base")


def period(lines: Iterable[Line]) -> tuple[int | None, date | None]:
    """Days from the first call to the last, failures too, and the day after it."""
    dated = sorted(call["day"] for call in read(lines) if call["day"])
    if not dated:
        return None, None
    return (dated[-1] - dated[0]).days + 1, dated[-1] + timedelta(days=1)


def rows(lines: Iterable[Line], asked: Levers) -> tuple[Row | None, list[Row]]:
    """The row of the whole traffic and those of its workloads, as the JSON shows them."""
    calls = [call for call in read(lines) if not call["failed"]]
    _, ends = period(lines)
    keys = {call["key"] for call in calls}
    found = [
        _row([call for call in calls if call["key"] == key], key, asked, ends, LEVELS)
        for key in keys
    ]
    total = _row(calls, None, asked, ends, LEVELS[:1]) if calls else None
    return {**total, "workload": "all"} if total else None, found


def _row(
    calls: list[Row],
    key: tuple[str, str, str] | None,
    asked: Levers,
    ends: date | None,
    levels: tuple[int, ...],
) -> Row:
    first = min((call["day"] for call in calls if call["day"]), default=None)
    days = (ends - first).days if first and ends else None
    prompts = [call["said"] for call in calls if call["said"] and call["counted"]]
    begun = [beginning(prompts, level) for level in levels] if prompts else []
    best = max(
        begun,
        key=lambda at: (at["cut_tokens"] * at["holding_calls"], at["at_percent"]),
        default=None,
    )
    cut = best["cut_tokens"] if best else 0
    share = (
        Fraction(best["holding_calls"] * MILLION // best["measured_calls"], MILLION)
        if best
        else Fraction(0)
    )
    drop = cut if asked.drop else 0

    # where some prompts begin otherwise nobody knows which: none fits for being cut
    states = [(call, *_fate(call, asked, drop if share == 1 else 0)) for call in calls]
    compared = [(call, other) for call, fits, other in states if fits and other is not None]
    sent = sum(call["sent"] for call, _ in compared)
    made = sum(call["made"] for call, _ in compared)
    known = [cost for call, _ in compared if (cost := actual(call)) is not None]
    prompt_usd, output_usd = sent * TUNED_IN / 1000, made * TUNED_OUT / 1000
    answers = output_usd * asked.output
    cut_usd = sum(min(drop, call["sent"]) for call, _ in compared) * TUNED_IN / 1000 * share
    cost = prompt_usd * asked.keep - cut_usd + answers
    other = sum((other for _, other in compared), Fraction(0))

    extra: dict[str, list[Fraction]] = {}
    for call, other_cost in compared:
        name = call["model"]
        extra.setdefault(name, []).append(_moved(call, asked, drop, share) - (other_cost or 0))
    dearer = [costs for costs in extra.values() if sum(costs) > 0]

    usable, tokens, examples = training(calls, asked, drop)
    epochs = asked.epochs or epochs_for(examples) if examples else 0
    trained = tokens * epochs
    price = trained * TRAINING / 1000
    again = Fraction(0)
    if asked.retrain and days:
        again = Fraction(up(price * days / asked.retrain * UNIT), UNIT)

    fits = sum(fit for _, fit, _ in states)
    overflows = sum(call["counted"] for call in calls) - fits
    saving = other - cost
    verdict = "needs_cut"
    if overflows > fits:
        verdict = "does_not_fit"
    elif usable < 10 or not compared:
        verdict = "too_few_calls"
    elif saving > again:
        verdict = "pays_back"
    elif answers + again >= other:
        verdict = "never"
    pays = verdict == "pays_back"
    after = up(price * len(compared) / saving) if pays else None
    after_days = up(Fraction(after * days, len(compared))) if after is not None and days else None
    missing = max(prompt_usd + answers + again - other, Fraction(0))
    return {
        "workload": None if key is None else key,
        "name": key[1] or None if key else None,
        "calls": len(calls),
        "input_tokens": sent,
        "output_tokens": made,
        "actual_usd": text(sum(known, Fraction(0))) if known else None,
        "against_usd": text(other) if compared else None,
        "examples": examples,
        "epochs": epochs,
        "training_tokens": trained,
        "training_usd": text(price) if examples else None,
        "replayed_usd": text(cost) if compared else None,
        "saving_usd_per_1k_calls": text(
            Fraction(nearest(saving * 1000 / len(compared) * UNIT), UNIT)
        )
        if compared
        else None,
        "break_even_calls": after,
        "break_even_days": after_days,
        "break_even_date": str(ends + timedelta(days=max(after_days, 1) - 1))
        if after_days is not None and ends
        else None,
        "required_cut_share": text(Fraction(up(missing / prompt_usd * MILLION), MILLION))
        if prompt_usd
        else None,
        "possible_cut_tokens": cut if best else None,
        "possible_cut_share": text(
            min(Fraction(int(cut * share * len(compared) * MILLION / sent), MILLION), Fraction(1))
        )
        if sent and best
        else None,
        "verdict": verdict,
        "found_by": key[0] if key else None,
        "compared_calls": len(compared),
        "actual_calls": len(known),
        "dearer_calls": sum(map(len, dearer)),
        "dearer_usd": text(sum((sum(costs, Fraction(0)) for costs in dearer), Fraction(0)))
        if dearer
        else None,
        "overflows": overflows,
        "unpriced": sum(not call["counted"] for call in calls),
        "measured_calls": len(prompts),
        "output_ratio": text(asked.output),
        "history": None,
        "beginnings": begun,
        "_saving": saving,
        "_days": days,
        "_moved": sum(
            (_moved(call, asked, drop, share) for call, fit, _ in states if fit), Fraction(0)
        ),
    }


def _moved(call: Row, asked: Levers, drop: int, share: Fraction) -> Fraction:
    """The cost of one call on the fine-tuned model."""
    left = asked.keep * int(call["sent"]) - share * min(drop, int(call["sent"]))
    return (TUNED_IN * left + TUNED_OUT * asked.output * int(call["made"])) / 1000


def _fate(call: Row, asked: Levers, drop: int) -> tuple[bool, Fraction | None]:
    """Whether a call fits the fine-tuned model, and what it is compared with."""
    if not call["counted"]:
        return False, None
    wanted = up(call["made"] * asked.output) if call["limit"] is None else call["limit"]
    fits = left_of(call, asked, drop) + wanted <= TUNED_WINDOW
    return fits, on_gpt_4(call) if asked.against_gpt_4 else actual(call)


def left_of(call: Row, asked: Levers, drop: int) -> int:
    """The tokens of a prompt that are still sent."""
    return up((call["sent"] - min(drop, call["sent"])) * asked.keep)


def actual(call: Row) -> Fraction | None:
    """What a counted call cost on its day, all of which have the same prices here."""
    if call["model"] not in BOOK or call["day"] is None or not call["counted"]:
        return None
    sent, made = map(Fraction, BOOK[call["model"]])
    return (sent * int(call["sent"]) + made * int(call["made"])) / 1000


def on_gpt_4(call: Row) -> Fraction | None:
    """What it would have cost on the first GPT-4 that it fits, at launch."""
    need = call["sent"] + (call["made"] if call["limit"] is None else call["limit"])
    for window, sent, made in GPT_4_LADDER:
        if need <= window:
            return (sent * int(call["sent"]) + made * int(call["made"])) / 1000
    return None


def training(calls: list[Row], asked: Levers, drop: int) -> tuple[int, int, int]:
    """Usable prompts, the billed tokens of one epoch, and how many were drawn."""
    once: dict[Any, tuple[int, str, int]] = {}
    for call in calls:
        short = call["limit"] is None or call["made"] < call["limit"]
        if call["counted"] and call["whole"] and call["made"] and short:
            digest = hashlib.md5(call["id"].encode()).digest()
            tokens = left_of(call, asked, drop) + call["made"] + 1
            drawn = (int.from_bytes(digest[8:], "little"), call["id"], tokens)
            prompt = call["prompt"] or ("alone", call["id"])
            once[prompt] = min(once.get(prompt, drawn), drawn)
    chosen = sorted(once.values())[: asked.examples]
    return len(once), sum(min(EXAMPLE_LIMIT, tokens) for *_, tokens in chosen), len(chosen)


def mix(lines: list[Line], asked: Levers) -> Row | None:
    """The replay of what the verdicts recommend: what pays back moved, the rest as it is."""
    calls = [call for call in read(lines) if not call["failed"]]
    moved = [
        row for row in rows(lines, asked)[1] if row["verdict"] == "pays_back" and row["workload"]
    ]
    if not moved:
        return None
    keys = {row["workload"] for row in moved}
    stay = [
        cost for call in calls if call["key"] not in keys and (cost := actual(call)) is not None
    ]
    tokens = sum(
        row["training_tokens"]
        * (up(Fraction(row["_days"], asked.retrain)) if asked.retrain and row["_days"] else 1)
        for row in moved
    )
    cost = sum(stay, Fraction(0)) + sum((row["_moved"] for row in moved), Fraction(0))
    return {
        "moved": len(moved),
        "calls": len(calls),
        "cost_usd": text(cost),
        "training_tokens": tokens,
        "training_usd": text(tokens * TRAINING / 1000),
        "total_usd": text(cost + tokens * TRAINING / 1000),
    }


def up(amount: Fraction) -> int:
    """The next whole number."""
    return -(-Fraction(amount).numerator // Fraction(amount).denominator)


def nearest(amount: Fraction) -> int:
    """The nearest whole number, a half away from zero."""
    half = abs(amount) + Fraction(1, 2)
    whole = half.numerator // half.denominator
    return whole if amount >= 0 else -whole


def text(amount: Fraction) -> str:
    """Every digit that the amount has, and no more. It must have an end."""
    with localcontext(prec=200):
        exact = Decimal(amount.numerator) / Decimal(amount.denominator)
        assert Fraction(exact) == amount
        shown = f"{exact:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
