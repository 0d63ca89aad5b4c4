"""A second oracle: every call of a store or a log, priced in Decimal by a reading of its own.

It shares nothing with the tool. Of the price book it takes the rows as they lie in the CSV, of the
scenarios the TOML; what they mean is written down here anew: which row a name and a day lead to
(reference/facts.md, section 5), what each meter costs (section 6), which calls fit a window (7.4,
7.5). ``oracle`` has prices that are typed in from the announcements, for fewer models.

A call is a dict, as a row of the table ``calls`` with ``requests`` and ``day``:

    day                       date (UTC), None where the log has none
    served_model, requested_model
    input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens
    audio_tokens, max_tokens
    counted_by                provider, tokenizer, estimate, nobody
    failed, endpoint, tier
    requests                  of how many requests it is the sum; 1 for a call
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PRICES = ROOT / "auditor" / "prices"
SCENARIOS = ROOT / "auditor" / "scenarios" / "data"
MOVABLE = ("chat", "completion", "response")
METERS = ("input", "cache_read", "cache_write", "output", "reasoning")

Call = dict[str, Any]
Row = dict[str, str]


@cache
def prices() -> tuple[Row, ...]:
    with (PRICES / "openai.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def calendar() -> dict[str, tuple[Row, ...]]:
    """What each name stood for: of rows that are an alias, and of names without a row."""
    with (PRICES / "names.csv").open(encoding="utf-8", newline="") as file:
        named = [(row["name"], row["model"], row) for row in csv.DictReader(file)]
    named += [(row["model"], row["alias_of"], row) for row in prices() if row["alias_of"]]
    found: dict[str, tuple[Row, ...]] = {}
    for name, target, row in named:
        found[name] = (*found.get(name, ()), {**row, "target": target})
    return found


@cache
def priced_names() -> frozenset[str]:
    return frozenset(row["model"] for row in prices())


def holds(row: Row, day: date) -> bool:
    start, end = row["effective_from"], row["effective_to"]
    return (not start or start <= str(day)) and (not end or str(day) < end)


@cache
def models_of(name: str, day: date | None) -> tuple[str, ...]:
    """The rows that a name leads to, the one to ask first; none where nobody can say."""
    known = priced_names() | calendar().keys()
    if not name or name != name.strip():
        return ()
    form, base = "{}", name
    if name not in known:
        router, _, rest = name.partition("/")
        base = rest if router in ("openai", "azure", "openaichat") and rest else name
        if base not in known:
            form, base = spelling(base)
    own = form.format(base)
    entries = calendar().get(own, ())
    if own in priced_names() and not entries:
        return (own,)
    now = [row["target"] for row in entries if day and holds(row, day)]
    if day and any(row["model"] == own and holds(row, day) for row in prices()):
        return (own, *now)
    if not entries:
        entries = calendar().get(base, ())
    else:
        form = "{}"
    always = [row for row in entries if not row["effective_from"] and not row["effective_to"]]
    found = [row for row in entries if holds(row, day)] if day else always
    targets = [form.format(row["target"]) for row in found]
    return tuple(target for target in targets[:1] if target in priced_names())


def spelling(name: str) -> tuple[str, str]:
    """The row of a fine-tuned model, with {} for its base, and the base; Azure's gpt-35 is 3.5."""
    form = "{}"
    if found := re.fullmatch(r"ft:([^:]+)(?::[^:]+(?::[^:]*:[^:]+(?::ckpt-step-\d+)?)?)?", name):
        return "ft:{}", found[1]
    if found := re.fullmatch(r"([^:]+):ft-[^:]+", name):
        return "{}:ft-*", found[1]
    if found := re.fullmatch(r"([^:]+)\.ft-[0-9a-f]+(?:-.+)?", name):
        form, name = "ft:{}", found[1]
    if name == "gpt-35-turbo" or re.fullmatch(r"gpt-35-turbo-.+", name):
        name = name.replace("gpt-35", "gpt-3.5", 1)
    return form, name


@cache
def rate_row(name: str, day: date | None, tier: str, prompt: int) -> Row | None:
    """The row that rates a call; None where there is none, or where it says that nobody knows."""
    if day is None:
        return None
    for model in models_of(name, day):
        rows = [
            row
            for row in prices()
            if row["model"] == model
            and (row["tier"] or "standard") == tier
            and holds(row, day)
            and prompt > int(row["above_input_tokens"] or -1)
        ]
        if rows:
            row = max(rows, key=lambda one: int(one["above_input_tokens"] or 0))
            return row if row["input_per_1k_usd"] else None
    return None


def cost(call: Call, row: Row) -> Decimal | None:
    """Tokens times rates; None where tokens were produced that have no rate."""
    sent = row["input_per_1k_usd"]
    rates = {
        "input": sent,
        "cache_read": row["cached_input_per_1k_usd"] or sent,
        "cache_write": row["cache_write_per_1k_usd"] or sent,
        "output": row["output_per_1k_usd"],
        "reasoning": row["output_per_1k_usd"],
    }
    total = Decimal(0)
    for meter in METERS:
        tokens = call[f"{meter}_tokens"]
        if tokens and not rates[meter]:
            return None
        total += tokens * Decimal(rates[meter] or 0)
    return total / 1000


def prompt_of(call: Call) -> int:
    return int(sum(call[f"{meter}_tokens"] for meter in METERS[:3]))


def made_of(call: Call) -> int:
    return int(call["output_tokens"] + call["reasoning_tokens"])


def state(call: Call) -> str:
    if call["audio_tokens"]:
        return "audio"
    if call["counted_by"] != "nobody":
        return "counted"
    return "failed" if call["failed"] else "uncounted"


def each(tokens: int, call: Call) -> int:
    """Of a sum the average request, rounded up."""
    return -(-tokens // int(call["requests"]))


def actual(call: Call) -> Decimal | None:
    if state(call) == "failed":
        return Decimal(0)
    name = call["served_model"] or call["requested_model"] or ""
    row = rate_row(name, call["day"], call["tier"], each(prompt_of(call), call))
    return cost(call, row) if row and state(call) == "counted" else None


@cache
def scenarios() -> dict[str, dict[str, Any]]:
    found = (tomllib.loads(file.read_text("utf-8")) for file in SCENARIOS.glob("*.toml"))
    return {one["name"]: one for one in sorted(found, key=lambda one: (one["group"], one["name"]))}


def is_moved(call: Call) -> bool:
    """Whether a scenario can move it: answered, and by what a chat model could answer."""
    return call["endpoint"] in MOVABLE and state(call) != "failed"


def under(call: Call, name: str) -> tuple[str, Decimal | None]:
    """What a scenario does with a call that can be moved: fits (at a cost), overflows, unpriced."""
    scenario = scenarios()[name]
    on_its_day = scenario["prices_at"] == "call"
    day = call["day"] if on_its_day else scenario["prices_at"]
    tier = scenario.get("tier", "standard")
    asked = made_of(call) if call["max_tokens"] is None else call["max_tokens"]
    need = each(prompt_of(call) + call["audio_tokens"] + asked, call)
    for model in scenario["models"]:
        prompt = each(prompt_of(call), call)
        row = rate_row(model, day, call["tier"] if tier == "call" else tier, prompt)
        is_dated = row is not None and (row["effective_from"] or not on_its_day)
        if state(call) != "counted" or row is None or not is_dated or not row["context_window"]:
            return "unpriced", None
        if need <= int(row["context_window"]):
            replayed = cost(call, row)
            return ("unpriced", None) if replayed is None else ("fits", replayed)
    return "overflows" if state(call) == "counted" else "unpriced", None


def spent(calls: Iterable[Call]) -> dict[str, Any]:
    """The actual cost of these calls: the columns of a report's row ``actual``."""
    calls = list(calls)
    costs = [actual(call) for call in calls]
    known = [amount for call, amount in zip(calls, costs, strict=True) if state(call) != "failed"]
    count = sum(call["requests"] for call in calls)
    failed = sum(call["requests"] for call in calls if state(call) == "failed")
    pairs = zip(calls, costs, strict=True)
    unpriced = sum(call["requests"] for call, amount in pairs if amount is None)
    return {
        "calls": count,
        "failed": failed,
        "priced": count - failed - unpriced,
        "unpriced": unpriced,
        "input_tokens": sum(map(prompt_of, calls)),
        "output_tokens": sum(map(made_of, calls)),
        "cost_usd": total(known),
    }


def replayed(calls: Iterable[Call], name: str) -> dict[str, Any]:
    """These calls under a scenario: the columns of its row in a replay or report."""
    found = [(call, *under(call, name), actual(call)) for call in calls if is_moved(call)]
    fits = [one for one in found if one[1] == "fits"]
    compared = [one for one in fits if one[3] is not None]
    asked, paid = total(one[2] for one in compared), total(one[3] for one in compared)
    counted = {
        outcome: sum(call["requests"] for call, said, *_ in found if said == outcome)
        for outcome in ("fits", "overflows", "unpriced")
    }
    return {
        "calls": sum(counted.values()),
        **counted,
        "input_tokens": sum(prompt_of(one[0]) for one in fits),
        "output_tokens": sum(made_of(one[0]) for one in fits),
        "cost_usd": total(one[2] for one in fits),
        "compared_calls": sum(one[0]["requests"] for one in compared),
        "compared_usd": asked,
        "actual_usd": paid,
        "delta_usd": asked - paid if asked is not None and paid is not None else None,
        "ratio": rounded(asked / paid) if paid and asked is not None else None,
    }


def total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None where nothing is: unknown is not zero."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def rounded(amount: Decimal, digits: str = "0.000001") -> Decimal:
    return amount.quantize(Decimal(digits), ROUND_HALF_UP)
