"""Random calls, priced by the tool and by an oracle that shares no line and no constant with it."""

from __future__ import annotations

import tempfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import oracle
import pytest
from helpers.logs import GARBAGE, Line, capture, embedding, failure, uncounted, write
from helpers.runs import Document, august_2023, question, replayed, stored
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.pipeline.reporting import chosen, report

UNKNOWN_NAMES = (
    "gpt-5000",
    "gpt-4-0613 ",
    "GPT-4",
    "gpt-4-turbo-of-ours",
    "ft:gpt-4-0613:acme::7p4lURel",
    "claude-2",
)
TURNING_POINTS = (
    date(2023, 3, 1),
    date(2023, 3, 14),
    date(2023, 6, 13),
    date(2023, 6, 27),
    date(2023, 8, 22),
    date(2023, 11, 6),
    date(2023, 12, 11),  # the announced move of an alias that never came
    date(2024, 2, 1),
    date(2024, 2, 16),
    date(2024, 5, 13),
    date(2024, 8, 6),
    date(2024, 9, 12),
    date(2024, 9, 13),
    date(2024, 10, 1),
    date(2024, 10, 2),
)
WINDOWS = (4096, 8192, 16384, 16385, 32768)

names = st.sampled_from((*oracle.NAMES, *UNKNOWN_NAMES))
days = st.one_of(
    st.dates(date(2023, 2, 1), date(2025, 1, 15)),
    st.builds(
        lambda day, shift: day + timedelta(days=shift),
        st.sampled_from(TURNING_POINTS),
        st.sampled_from((-1, 0, 1)),
    ),
)
clocks = st.sampled_from((time(0, 0), time(12, 30, 1), time(23, 59, 59, 999999)))
sizes = st.one_of(
    st.integers(1, 40_000),
    st.builds(
        lambda window, shift: window + shift,
        st.sampled_from(WINDOWS),
        st.integers(-2, 2),
    ),
)


@st.composite
def calls(draw: st.DrawFn) -> oracle.Call:
    """One call as the oracle knows it, with ``at``, ``n`` and ``kind`` for its line."""
    kind = draw(st.sampled_from(("chat",) * 8 + ("failure", "uncounted", "embedding")))
    counted = kind in ("chat", "embedding")
    sent = draw(sizes) if counted else 0
    made = draw(st.integers(0, 5_000)) if kind == "chat" else 0
    at = draw(st.none() | st.builds(datetime.combine, days, clocks))
    served = draw(st.none() | names) if counted else None
    on_edge = st.sampled_from([max(window - sent, 0) for window in WINDOWS])
    return {
        "kind": kind,
        "at": at.isoformat(timespec="microseconds") + "Z" if at else None,
        "day": at.date() if at else None,
        "served": served,
        "requested": draw(names if served is None else st.none() | names),
        "sent": sent,
        "made": made,
        "cached": draw(st.integers(0, sent)) if kind == "chat" and draw(st.booleans()) else 0,
        "reasoning": draw(st.integers(0, made)) if draw(st.booleans()) else 0,
        "max_tokens": draw(st.none() | st.integers(0, 9_000) | on_edge)
        if kind != "embedding"
        else None,
        "n": draw(st.sampled_from((None, 1, 3))),
        "state": {"failure": "failed", "uncounted": "uncounted"}.get(kind, "counted"),
        "embedding": kind == "embedding",
    }


def line_of(number: int, call: oracle.Call) -> Line:
    """The call as a line of a capture file."""
    id, at = f"call-{number}", call["at"]
    asked: dict[str, Any] = {key: call[key] for key in ("requested", "max_tokens", "n")}
    if call["kind"] == "failure":
        return failure(id, at, **asked)
    if call["kind"] == "uncounted":
        return uncounted(id, at, **asked)
    if call["kind"] == "embedding":
        return embedding(at, call["served"], call["sent"], **asked)
    more = {**asked, "cached": call["cached"], "reasoning": call["reasoning"]}
    return capture(id, at, call["served"], call["sent"], call["made"], **more)


def check_figures(found: Document, drawn: list[oracle.Call]) -> None:
    """The document says what the oracle says, to the last digit."""
    expected = oracle.actual(drawn)
    assert {key: found["actual"][key] for key in expected} == expected
    known = oracle.coverage(drawn)
    counted_by = {"provider": known.pop("provider"), "tokenizer": 0, "estimate": 0}
    assert found["coverage"]["counted_by"] == counted_by
    assert {key: found["coverage"][key] for key in known} == known
    rows = [{key: row[key] for key in row if key != "title"} for row in found["scenarios"]]
    assert rows == [oracle.scenario(drawn, name) for name in sorted(oracle.SCENARIOS)]


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    drawn=st.lists(calls(), min_size=1, max_size=12),
    repeated=st.lists(st.integers(0, 11), max_size=3),
    refused=st.lists(st.sampled_from(GARBAGE), max_size=2),
    blank=st.integers(0, 2),
)
def test_the_tool_says_what_the_oracle_says(
    drawn: list[oracle.Call], repeated: list[int], refused: list[str], blank: int
) -> None:
    lines: list[Line | str] = [line_of(number, call) for number, call in enumerate(drawn)]
    with_id = [line for line, call in zip(lines, drawn, strict=True) if not call["embedding"]]
    copies = [with_id[place % len(with_id)] for place in repeated if with_id]
    noise = [*refused, *[""] * blank]
    found = replayed([*lines, *copies, *noise])
    assert found["coverage"] | {"files": 1} == {
        **found["coverage"],
        "lines": len(lines) + len(copies) + len(noise),
        "duplicates": len(copies),
        "rejects": len(refused),
        "context": blank,
        "outside_period": 0,
    }
    check_figures(found, drawn)


@pytest.mark.slow
@settings(deadline=None, max_examples=8, derandomize=True)
@given(drawn=st.lists(calls(), min_size=1, max_size=12))
def test_the_bridge_to_each_scenario_is_what_the_oracle_says(drawn: list[oracle.Call]) -> None:
    """Every part, to the last digit; the summary, too."""
    lines = [line_of(number, call) for number, call in enumerate(drawn)]
    with (
        tempfile.TemporaryDirectory() as folder,
        stored(write(Path(folder) / "calls.jsonl", lines)) as store,
    ):
        found = report(store, question(), chosen(("bridge", "summary"))).reports
    for name in oracle.SCENARIOS:
        rows = [r for r in found["bridge"].frame.rows(named=True) if r["to_name"] == name]
        parts = {row["part"]: row["amount_usd"] for row in rows if row["amount_usd"]}
        end = parts.pop("end", 0)
        assert parts == oracle.bridge(drawn, name)
        (row,) = [r for r in found["summary"].frame.rows(named=True) if r["name"] == name]
        assert end == (row["cost_usd"] or 0)
        expected = oracle.scenario(drawn, name)
        assert oracle.text(row["cost_usd"]) == expected["cost_usd"]
        assert oracle.text(row["delta_usd"]) == expected["delta_usd"]


def test_the_oracle_knows_every_scenario_of_a_plain_run() -> None:
    assert sorted(oracle.SCENARIOS) == [scenario.name for scenario in august_2023()]


def test_the_oracle_agrees_with_figures_worked_out_by_hand() -> None:
    """1,000 prompt and 100 answer tokens of GPT-4 on the day of the announcement."""
    call = {
        "day": oracle.LAUNCH,
        "served": "gpt-4-0613",
        "requested": "gpt-4",
        "sent": 1000,
        "made": 100,
        "cached": 0,
        "max_tokens": 3096,
        "state": "counted",
        "embedding": False,
    }
    assert oracle.actual([call])["cost_usd"] == "0.036"
    kept = oracle.scenario([call], "gpt-3.5-turbo-4k")
    assert (kept["fits"], kept["cost_usd"], kept["delta_usd"]) == (1, "0.0017", "-0.0343")
    assert kept["ratio"] == "0.047222"
    beyond = oracle.scenario([{**call, "max_tokens": 3097}], "gpt-3.5-turbo-4k")
    assert (beyond["fits"], beyond["overflows"], beyond["cost_usd"]) == (0, 1, None)
