"""Tiers, cached input, cache writes and long prompts: the tool beside the oracle, and by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import oracle
import pytest
from helpers.logs import capture, envelope
from helpers.runs import replayed
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = (
    "gpt-3.5-turbo-0125",
    "gpt-3.5-turbo-1106",
    "gpt-4-0613",
    "gpt-4o-2024-08-06",
    *oracle.LONG,
)
TIERS = ("standard", "batch", "flex", "priority", "scale")
EDGES = (date(2024, 4, 15), date(2024, 8, 6), date(2024, 10, 1), date(2026, 3, 5), oracle.TERRA_CUT)
days = st.builds(
    lambda day, shift: day + timedelta(days=shift), st.sampled_from(EDGES), st.sampled_from((-1, 0))
)
lengths = st.integers(1, 5_000) | st.integers(271_998, 272_003) | st.just(900_000)


@st.composite
def calls(draw: st.DrawFn) -> oracle.Call:
    sent = draw(lengths)
    cached = draw(st.just(0) | st.integers(0, sent))
    return {
        "day": draw(days),
        "served": draw(st.sampled_from(NAMES)),
        "requested": None,
        "sent": sent,
        "made": draw(st.integers(0, 3_000)),
        "cached": cached,
        "written": draw(st.just(0) | st.integers(0, sent - cached)),
        "tier": draw(st.sampled_from(TIERS)),
        "max_tokens": None,
        "state": "counted",
        "embedding": False,
    }


@settings(deadline=None, max_examples=20, derandomize=True)
@given(drawn=st.lists(calls(), min_size=1, max_size=15))
def test_the_tool_prices_tiers_writes_and_lengths_as_the_oracle_does(
    drawn: list[oracle.Call],
) -> None:
    lines = [
        capture(
            f"call-{number}",
            f"{call['day']}T12:00:00Z",
            call["served"],
            call["sent"],
            call["made"],
            **{key: call[key] for key in ("cached", "written", "tier")},
        )
        for number, call in enumerate(drawn)
    ]
    found = replayed(lines, scenarios=())
    expected = oracle.actual(drawn)
    assert {key: found["actual"][key] for key in expected} == expected


TERRA = {"at": "2026-08-01T12:00:00Z", "model": "gpt-5.6-terra", "made": 1_000}
BY_HAND: dict[str, tuple[dict[str, Any], str]] = {
    # (272,000 - 2,000 - 10,000) × 2 + 2,000 × 0.2 + 10,000 × 2.5 + 1,000 × 12, USD per million
    "at the threshold": ({**TERRA, "sent": 272_000, "cached": 2_000, "written": 10_000}, "0.5574"),
    # one token more, long rates for ALL: 260,001 × 4 + 2,000 × 0.4 + 10,000 × 5 + 1,000 × 18
    "above it": ({**TERRA, "sent": 272_001, "cached": 2_000, "written": 10_000}, "1.108804"),
    # 1,000 × 2 + 1,000 × 12
    "nothing cached": ({**TERRA, "sent": 1_000}, "0.014"),
    # batch is half: 1,000 × 1.25 + 100 × 5
    "batch": (
        {"at": "2025-01-01T00:00:00Z", "model": "gpt-4o-2024-08-06", "tier": "batch"},
        "0.00175",
    ),
    # default is standard: 1,000 × 2.5 + 100 × 10
    "default": (
        {"at": "2025-01-01T00:00:00Z", "model": "gpt-4o-2024-08-06", "tier": "default"},
        "0.0035",
    ),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_rates_worked_out_by_hand(case: str) -> None:
    call, expected = BY_HAND[case]
    found = replayed([capture(**call)], scenarios=())
    assert Decimal(found["actual"]["cost_usd"]) == Decimal(expected)


@pytest.mark.parametrize("tier", ["flex", "priority", "scale", "ultra"])
def test_a_tier_without_a_row_is_unpriced_and_says_so(tier: str) -> None:
    line = capture(at="2025-01-01T00:00:00Z", model="gpt-4o-2024-08-06", tier=tier)
    found = replayed([line], scenarios=())
    assert found["actual"]["cost_usd"] is None
    (row,) = found["unpriced"]
    assert (row["tier"], row["reason"]) == (tier, f"no {tier} rate for gpt-4o-2024-08-06")


def test_a_long_prompt_of_an_unknown_rate_is_unpriced_not_priced_as_a_short_one() -> None:
    line = capture(at="2026-05-01T00:00:00Z", model="gpt-5.5-2026-04-23", sent=272_001)
    found = replayed([line], scenarios=())
    assert found["actual"]["cost_usd"] is None
    assert "above 272000 prompt tokens is unknown" in found["unpriced"][0]["reason"]


CLAUDE: dict[str, dict[str, Any]] = {
    "standard": {},
    "standard-1h-cache": {"cache_creation": {"ephemeral_1h_input_tokens": 40}},
    "standard-mixed-cache": {
        "cache_creation": {"ephemeral_1h_input_tokens": 10, "ephemeral_5m_input_tokens": 30}
    },
    "batch-1h-cache": {
        "service_tier": "batch",
        "cache_creation": {"ephemeral_1h_input_tokens": 40, "ephemeral_5m_input_tokens": 0},
    },
    "fast": {"speed": "fast", "cache_creation": {"ephemeral_5m_input_tokens": 40}},
    "priority-fast": {"speed": "fast", "service_tier": "priority"},
}


@pytest.mark.parametrize("tier", CLAUDE)
def test_what_changes_the_rates_of_claude_is_its_tier(tier: str) -> None:
    usage = {"input_tokens": 100, "cache_creation_input_tokens": 40, "output_tokens": 5}
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5",
        "content": [{"type": "text", "text": "Yes."}],
        "usage": {**usage, **CLAUDE[tier]},
    }
    found = replayed([envelope("2026-11-25T00:00:00Z", {"messages": []}, body)], scenarios=())
    (row,) = found["unpriced"]
    assert (row["tier"], row["input_tokens"], row["output_tokens"]) == (tier, 140, 5)
