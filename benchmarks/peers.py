"""Pricing stored calls: against the functions of other packages that price one call at a time."""

from __future__ import annotations

import importlib.metadata
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from auditor.pipeline import Question, replay
from auditor.prices import open_book
from benchmarks import stores
from benchmarks.races import Contestant, Race, Work

CALLS = 10_000_000
GIVEN = 20_000
"""Calls that a peer is given, of all: it would take an hour for them."""
FASTER = {"litellm": 1_000, "genai-prices": 100}
SAME_PRICES = ("gpt-3.5-turbo-0125", "gpt-4-turbo-2024-04-09", "gpt-4-0613")
"""Models that never changed their price, so that packages that know today's only agree."""
SHARE_OF_ERROR = Decimal("1e-9")  # litellm adds up floats

SAMPLE = """
    SELECT served_model, input_tokens, output_tokens, called_at
    FROM calls
    WHERE served_model IN (SELECT unnest($models::VARCHAR[])) AND tier = 'standard'
    ORDER BY source_id, line
    LIMIT $count
"""

Pricer = Callable[[str, int, int, datetime], Any]


def races(folder: Path, scale: float) -> list[Race]:
    """One row for each of the packages that is installed. Raises where its sums are not ours."""
    folder.mkdir(parents=True, exist_ok=True)
    calls = int(CALLS * scale)
    path = stores.made(folder / f"calls-{calls}.duckdb", calls)
    given = min(GIVEN, calls)
    there = [name for name in FASTER if _is_installed(name)]
    for name in there:
        _check_sums(name, path, given)
    return [
        Race(
            work=f"against peers, same calls priced: {name} {importlib.metadata.version(name)}",
            against=f"its function called for each of {given:,} of them",
            limit=FASTER[name],
            faster=True,
            ours=Contestant("peers:ours", {"path": str(path)}),
            theirs=Contestant("peers:theirs", {"path": str(path), "name": name, "count": given}),
            share=given / calls,
            times=3,
        )
        for name in there
    ]


def missing() -> tuple[str, ...]:
    """Rows that cannot be measured here, and why."""
    return tuple(
        f"against peers, same calls priced: {name} is not installed here"
        for name in FASTER
        if not _is_installed(name)
    )


def ours(path: str) -> Work:
    """The actual cost of all calls of a store that is open."""
    question = Question(book=open_book(), scenarios=())
    opened = stores.Opened(path)
    return lambda: replay(opened.store, question).total["cost_usd"]


def theirs(path: str, name: str, count: int) -> Work:
    """The first calls of the store, each priced by itself."""
    rows, price = _sample(path, count), PRICERS[name]()
    for row in rows[:10]:
        price(*row)

    def work() -> str:
        return json.dumps({model: str(cost) for model, cost in _sums(rows, price).items()})

    return work


def _sample(path: str, count: int) -> list[tuple[str, int, int, datetime]]:
    with duckdb.connect(path, read_only=True) as connection:
        rows = connection.execute(SAMPLE, {"models": list(SAME_PRICES), "count": count}).fetchall()
    return [(model, sent, made, at.replace(tzinfo=UTC)) for model, sent, made, at in rows]


def _sums(rows: list[tuple[str, int, int, datetime]], price: Pricer) -> dict[str, Any]:
    sums: dict[str, Any] = {}
    for row in rows:
        sums[row[0]] = sums.get(row[0], 0) + price(*row)
    return sums


def _check_sums(name: str, path: Path, count: int) -> None:
    """That the peer and our price book ask the same for the same calls."""
    rows = _sample(str(path), count)
    tokens: Counter[tuple[str, str]] = Counter()
    for model, sent, made, _ in rows:
        tokens[model, "input"] += sent
        tokens[model, "output"] += made
    for model, cost in _sums(rows, PRICERS[name]()).items():
        expected = sum(
            rate * tokens[model, meter] / 1000 for meter, rate in _rates(model, rows[0][3])
        )
        if abs(Decimal(cost) - expected) > expected * SHARE_OF_ERROR:
            raise AssertionError(f"{name} prices {model} at {cost}, we at {expected}")


def _rates(model: str, at: datetime) -> Iterator[tuple[str, Decimal]]:
    from auditor.prices import price

    row = price(open_book(), model, at.date()).row
    if row is None or row.input_per_1k_usd is None or row.output_per_1k_usd is None:
        raise AssertionError(f"the book has no price for {model}")
    yield "input", row.input_per_1k_usd
    yield "output", row.output_per_1k_usd


def _litellm() -> Pricer:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the network for prices
    from litellm import cost_per_token

    def price(model: str, sent: int, made: int, at: datetime) -> float:
        asked, answered = cost_per_token(
            model=model, prompt_tokens=sent, completion_tokens=made, custom_llm_provider="openai"
        )
        return float(asked + answered)

    return price


def _genai_prices() -> Pricer:
    from genai_prices import Usage, calc_price

    def price(model: str, sent: int, made: int, at: datetime) -> Decimal:
        usage = Usage(input_tokens=sent, output_tokens=made)
        return calc_price(
            usage, model, provider_id="openai", genai_request_timestamp=at
        ).total_price

    return price


PRICERS: dict[str, Callable[[], Pricer]] = {"litellm": _litellm, "genai-prices": _genai_prices}


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
