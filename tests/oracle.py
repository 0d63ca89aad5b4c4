"""An independent oracle: the figures of a replay, in Decimal and plain Python, a call at a time.

It knows nothing of the tool. Prices (USD per 1,000 tokens) and windows are typed in from
reference/facts.md, sections 1, 2 and 5. A call is a dict:

    day            date (UTC), or None
    served, requested   model names, or None
    sent, made     prompt and produced tokens; cached is part of sent, reasoning part of made
    max_tokens     as requested, or None
    state          "counted", "failed" (no usage, no cost) or "uncounted" (nobody knows its tokens)
    embedding      True where no chat model could answer the call
    tier           as the answer reports it, "standard" where it is absent
    written        the part of sent that was written to a cache, 0 where it is absent
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar

Call = dict[str, Any]
Row = TypeVar("Row", bound=tuple[Any, ...])
EVER, NEVER = date.min, date.max
MARCH_1, MARCH_14, JUNE_13 = date(2023, 3, 1), date(2023, 3, 14), date(2023, 6, 13)
JUNE_27, LAUNCH, DEVDAY = date(2023, 6, 27), date(2023, 8, 22), date(2023, 11, 6)
FEB_1, MOVE_TO_0125, GONE = date(2024, 2, 1), date(2024, 2, 16), date(2024, 9, 13)
BATCH, TERRA_CUT = date(2024, 4, 15), date(2026, 7, 30)
CACHING, MOVE_TO_0806 = date(2024, 10, 1), date(2024, 10, 2)

# model: (first day, first day no longer, input, cached input, output); None for cached: as input,
# None for output: the model produces none
PRICES: dict[str, list[tuple[date, date, str, str | None, str | None]]] = {
    "gpt-3.5-turbo-0301": [
        (MARCH_1, JUNE_13, "0.002", None, "0.002"),
        (JUNE_13, GONE, "0.0015", None, "0.002"),
    ],
    "gpt-3.5-turbo-0613": [(JUNE_13, GONE, "0.0015", None, "0.002")],
    "gpt-3.5-turbo-16k-0613": [(JUNE_13, GONE, "0.003", None, "0.004")],
    "gpt-3.5-turbo-1106": [(DEVDAY, NEVER, "0.001", None, "0.002")],
    "gpt-3.5-turbo-0125": [(FEB_1, NEVER, "0.0005", None, "0.0015")],
    "gpt-4-0314": [(MARCH_14, NEVER, "0.03", None, "0.06")],
    "gpt-4-0613": [(JUNE_13, NEVER, "0.03", None, "0.06")],
    "gpt-4-32k": [(MARCH_14, NEVER, "0.06", None, "0.12")],
    "babbage-002": [(LAUNCH, NEVER, "0.0004", None, "0.0004")],
    "davinci-002": [(LAUNCH, NEVER, "0.002", None, "0.002")],
    "ft:gpt-3.5-turbo-0613": [
        (LAUNCH, DEVDAY, "0.012", None, "0.016"),
        (DEVDAY, NEVER, "0.003", None, "0.006"),
    ],
    "ft:gpt-3.5-turbo-0125": [(FEB_1, NEVER, "0.003", None, "0.006")],
    "ft:babbage-002": [(LAUNCH, NEVER, "0.0016", None, "0.0016")],
    "ft:davinci-002": [(LAUNCH, NEVER, "0.012", None, "0.012")],
    "gpt-4o-2024-05-13": [(date(2024, 5, 13), NEVER, "0.005", None, "0.015")],
    "gpt-4o-2024-08-06": [
        (date(2024, 8, 6), CACHING, "0.0025", None, "0.01"),
        (CACHING, NEVER, "0.0025", "0.00125", "0.01"),
    ],
    "o1-mini": [
        (date(2024, 9, 12), CACHING, "0.003", None, "0.012"),
        (CACHING, date(2025, 1, 31), "0.003", "0.0015", "0.012"),
    ],
    "text-embedding-ada-002": [
        (date(2022, 12, 15), JUNE_13, "0.0004", None, None),
        (JUNE_13, NEVER, "0.0001", None, None),
    ],
    "gpt-5.4-2026-03-05": [(date(2026, 3, 5), NEVER, "0.0025", "0.00025", "0.015")],
    "gpt-5.5-2026-04-23": [(date(2026, 4, 23), NEVER, "0.005", "0.0005", "0.03")],
    "gpt-5.6-terra": [
        (EVER, TERRA_CUT, "0.0025", "0.00025", "0.015"),
        (TERRA_CUT, NEVER, "0.002", "0.0002", "0.012"),
    ],
}
# the same for the whole of a request with more tokens sent than that; None: nobody knows the rate
LONG: dict[str, tuple[int, list[tuple[date, date, str | None, str | None, str | None]]]] = {
    "gpt-5.4-2026-03-05": (272_000, [(date(2026, 3, 5), NEVER, "0.005", "0.0005", "0.0225")]),
    "gpt-5.5-2026-04-23": (272_000, [(date(2026, 4, 23), NEVER, None, None, None)]),
    "gpt-5.6-terra": (
        272_000,
        [
            (EVER, TERRA_CUT, "0.005", "0.0005", "0.0225"),
            (TERRA_CUT, NEVER, "0.004", "0.0004", "0.018"),
        ],
    ),
}
# a write to the cache costs that much of the input rate; as input where no model stands here
WRITES = {"gpt-5.6-terra": Decimal("1.25")}
# (model, tier): as above. A tier that is not here has no price, least of all the standard one
TIERS: dict[tuple[str, str], list[tuple[date, date, str, str | None, str | None]]] = {
    ("gpt-3.5-turbo-0125", "batch"): [(BATCH, NEVER, "0.00025", None, "0.00075")],
    ("gpt-3.5-turbo-1106", "batch"): [(BATCH, NEVER, "0.001", None, "0.002")],
    ("gpt-4-0613", "batch"): [(BATCH, NEVER, "0.015", None, "0.03")],
    ("gpt-4o-2024-08-06", "batch"): [(date(2024, 8, 6), NEVER, "0.00125", None, "0.005")],
}
TURBO = [
    (MARCH_1, JUNE_27, "gpt-3.5-turbo-0301"),
    (JUNE_27, MOVE_TO_0125, "gpt-3.5-turbo-0613"),
    (MOVE_TO_0125, NEVER, "gpt-3.5-turbo-0125"),
]
GPT_4 = [(MARCH_14, JUNE_27, "gpt-4-0314"), (JUNE_27, NEVER, "gpt-4-0613")]
# name in a log: (first day, first day no longer, model of PRICES)
NAMES: dict[str, list[tuple[date, date, str]]] = {
    **{model: [(EVER, NEVER, model)] for model in PRICES if not model.startswith("ft:")},
    "gpt-3.5-turbo": TURBO,
    "gpt-35-turbo": TURBO,
    "gpt-3.5-turbo-16k": [(JUNE_13, GONE, "gpt-3.5-turbo-16k-0613")],
    "gpt-35-turbo-16k-0613": [(EVER, NEVER, "gpt-3.5-turbo-16k-0613")],
    "gpt-4": GPT_4,
    "openai/gpt-4": GPT_4,
    "azure/gpt-4-0613": [(EVER, NEVER, "gpt-4-0613")],
    "gpt-4o": [
        (date(2024, 5, 13), MOVE_TO_0806, "gpt-4o-2024-05-13"),
        (MOVE_TO_0806, NEVER, "gpt-4o-2024-08-06"),
    ],
    "ft:gpt-3.5-turbo-0613:acme::7p4lURel": [(EVER, NEVER, "ft:gpt-3.5-turbo-0613")],
    "gpt-35-turbo-0613.ft-0a1b2c3d-desk": [(EVER, NEVER, "ft:gpt-3.5-turbo-0613")],
    "ft:gpt-3.5-turbo:acme:desk:7p4lURel": [
        (LAUNCH, MOVE_TO_0125, "ft:gpt-3.5-turbo-0613"),
        (MOVE_TO_0125, NEVER, "ft:gpt-3.5-turbo-0125"),
    ],
    "ft:davinci-002:acme:tags:7p4lURel:ckpt-step-90": [(EVER, NEVER, "ft:davinci-002")],
    "ft:babbage-002:acme::7p4lURel": [(EVER, NEVER, "ft:babbage-002")],
}
# scenario: its ladder of (input, output, window), all at 2023-08-22
TURBO_4K, TURBO_16K = ("0.0015", "0.002", 4096), ("0.003", "0.004", 16385)
GPT_4_8K, GPT_4_32K = ("0.03", "0.06", 8192), ("0.06", "0.12", 32768)
SCENARIOS = {
    "babbage-002": [("0.0004", "0.0004", 16384)],
    "davinci-002": [("0.002", "0.002", 16384)],
    "ft-babbage-002": [("0.0016", "0.0016", 16384)],
    "ft-davinci-002": [("0.012", "0.012", 16384)],
    "ft-gpt-3.5-turbo": [("0.012", "0.016", 4096)],
    "gpt-3.5-turbo": [TURBO_4K, TURBO_16K],
    "gpt-3.5-turbo-16k": [TURBO_16K],
    "gpt-3.5-turbo-4k": [TURBO_4K],
    "gpt-4": [GPT_4_8K, GPT_4_32K],
    "gpt-4-32k": [GPT_4_32K],
    "gpt-4-8k": [GPT_4_8K],
}
# what the windows of each ladder are windows of
TARGETS = {
    "babbage-002": ["babbage-002"],
    "davinci-002": ["davinci-002"],
    "ft-babbage-002": ["ft:babbage-002"],
    "ft-davinci-002": ["ft:davinci-002"],
    "ft-gpt-3.5-turbo": ["ft:gpt-3.5-turbo-0613"],
    "gpt-3.5-turbo": ["gpt-3.5-turbo-0613", "gpt-3.5-turbo-16k-0613"],
    "gpt-3.5-turbo-16k": ["gpt-3.5-turbo-16k-0613"],
    "gpt-3.5-turbo-4k": ["gpt-3.5-turbo-0613"],
    "gpt-4": ["gpt-4-0613", "gpt-4-32k"],
    "gpt-4-32k": ["gpt-4-32k"],
    "gpt-4-8k": ["gpt-4-0613"],
}


def actual_cost(call: Call) -> Decimal | None:
    """What the call cost on its day; None where nobody knows."""
    if call["state"] == "failed":
        return Decimal(0)
    name = call["served"] or call["requested"]
    model = _on(NAMES.get(name, []), call["day"])
    rates = _rates(model[2], call) if model else None
    if call["state"] == "uncounted" or rates is None or (call["made"] and rates[4] is None):
        return None
    if rates[2] is None or model is None:
        return None
    sent, cached, made = (Decimal(rate or 0) for rate in (rates[2], rates[3] or rates[2], rates[4]))
    written = call.get("written", 0)
    full = call["sent"] - call["cached"] - written
    writes = written * sent * WRITES.get(model[2], 1)
    cost: Decimal = full * sent + call["cached"] * cached + writes + call["made"] * made
    return cost / 1000


def _rates(model: str, call: Call) -> tuple[Any, ...] | None:
    """The row of the model, the call's tier and its length, on its day."""
    tier = call.get("tier", "standard")
    if tier != "standard":
        return _on(TIERS.get((model, tier), []), call["day"])
    edge, long_rows = LONG.get(model, (0, []))
    long_row = _on(long_rows, call["day"]) if call["sent"] > edge else None
    return long_row or _on(PRICES[model], call["day"])


def scenario_cost(call: Call, ladder: list[tuple[str, str, int]]) -> Decimal | None:
    """What the call costs on the first window that it fits; None where it fits none."""
    need = call["sent"] + (call["made"] if call["max_tokens"] is None else call["max_tokens"])
    for sent, made, window in ladder:
        if need <= window:
            cost: Decimal = call["sent"] * Decimal(sent) + call["made"] * Decimal(made)
            return cost / 1000
    return None


def coverage(calls: list[Call]) -> dict[str, Any]:
    """Where the calls went."""
    unpriced = sum(actual_cost(call) is None for call in calls)
    failed = sum(call["state"] == "failed" for call in calls)
    return {
        "calls": len(calls),
        "failed": failed,
        "priced": len(calls) - failed - unpriced,
        "unpriced": unpriced,
        "undated": sum(call["day"] is None for call in calls),
        "not_moved": sum(call["embedding"] and call["state"] != "failed" for call in calls),
        "provider": sum(call["state"] == "counted" for call in calls),
    }


def actual(calls: list[Call]) -> dict[str, Any]:
    """The actual cost of all calls."""
    costs = [actual_cost(call) for call in calls if call["state"] != "failed"]
    return {
        "calls": len(calls),
        "unpriced": costs.count(None),
        "input_tokens": sum(call["sent"] for call in calls),
        "output_tokens": sum(call["made"] for call in calls),
        "cost_usd": text(total(costs)),
    }


def scenario(calls: list[Call], name: str) -> dict[str, Any]:
    """All calls under one scenario of August 2023."""
    moved = [call for call in calls if call["state"] != "failed" and not call["embedding"]]
    counted = [call for call in moved if call["state"] == "counted"]
    costs = [(call, scenario_cost(call, SCENARIOS[name])) for call in counted]
    fits = [(call, cost) for call, cost in costs if cost is not None]
    compared = [(actual_cost(call), cost) for call, cost in fits if actual_cost(call) is not None]
    paid, asked = total(paid for paid, _ in compared), total(cost for _, cost in compared)
    return {
        "name": name,
        "calls": len(moved),
        "fits": len(fits),
        "overflows": len(costs) - len(fits),
        "unpriced": len(moved) - len(counted),
        "input_tokens": sum(call["sent"] for call, _ in fits),
        "output_tokens": sum(call["made"] for call, _ in fits),
        "cost_usd": text(total(cost for _, cost in fits)),
        "actual_usd": text(paid),
        "delta_usd": text(None if paid is None or asked is None else asked - paid),
        "ratio": text(rounded(asked / paid) if paid and asked is not None else None),
        "compared_calls": len(compared),
        "compared_usd": text(asked),
    }


def bridge(calls: list[Call], name: str) -> dict[str, Decimal]:
    """What leads from the actual cost to a scenario's, a part a call."""
    parts: dict[str, Decimal] = {}
    for call in calls:
        if call["state"] == "failed":
            continue
        paid = actual_cost(call)
        _add(parts, "start", paid)
        if call["embedding"]:
            _add(parts, "not_moved", None if paid is None else -paid)
            continue
        is_counted = call["state"] == "counted"
        asked = scenario_cost(call, SCENARIOS[name]) if is_counted else None
        if asked is None:
            _add(parts, "overflow" if is_counted else "unpriced", None if paid is None else -paid)
        elif paid is None:
            _add(parts, "unpriced", asked)
        else:
            model = _on(NAMES[call["served"] or call["requested"]], call["day"])
            same = model is not None and model[2] == _target(call, name)
            _add(parts, "rate" if same else "model_mix", asked - paid)
    return {part: amount for part, amount in parts.items() if amount}


def _add(parts: dict[str, Decimal], part: str, amount: Decimal | None) -> None:
    parts[part] = parts.get(part, Decimal(0)) + (amount or 0)


def _target(call: Call, name: str) -> str:
    """The model whose window takes the call."""
    ladder = zip(SCENARIOS[name], TARGETS[name], strict=True)
    return next(model for rung, model in ladder if scenario_cost(call, [rung]) is not None)


def total(costs: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None where nothing is, because unknown is not zero."""
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if known else None


def rounded(ratio: Decimal) -> Decimal:
    return ratio.quantize(Decimal("0.000001"), ROUND_HALF_UP)


def text(amount: Decimal | None) -> str | None:
    """Every digit that the amount has, and no more."""
    if amount is None:
        return None
    plain = f"{amount:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _on(rows: Iterable[Row], day: date | None) -> Row | None:
    """The row of that day: rows begin with their first day and the first day no longer."""
    return next((row for row in rows if day is not None and row[0] <= day < row[1]), None)
