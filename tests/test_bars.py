"""Bars in tables: as long as the amounts, never in the way of a figure."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from command import audit
from golden_files import FIXTURES
from hypothesis import given
from hypothesis import strategies as st

from auditor.reports.bars import bar, heading, most_of

AMOUNTS = st.decimals(0, 1000, places=6)


@given(amount=AMOUNTS, mark=st.none() | AMOUNTS, rest=AMOUNTS, width=st.integers(5, 40))
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_bar_is_as_long_as_its_amount(
    amount: Decimal, mark: Decimal | None, rest: Decimal, width: int, ascii_only: bool
) -> None:
    most = max(amount, mark or Decimal(0)) + rest
    drawn = bar(amount, mark, most, width, ascii_only=ascii_only).plain
    assert len(drawn) <= width
    assert drawn.isascii() or not ascii_only
    if most and mark is None and not ascii_only:
        assert drawn.count("█") == int(amount * width / most)
    if most and mark is not None:
        assert drawn.index("|" if ascii_only else "┃") == min(int(mark * width / most), width - 1)


@pytest.mark.parametrize(
    ("amount", "mark", "drawn"),
    [
        ("8", None, "████████"),
        ("4", "6", "████  ┃"),
        ("4", "2", "██┃█"),
        ("0.25", "8", "▎      ┃"),
        ("8", "0", "┃███████"),
        ("0", None, ""),
    ],
)
def test_bars_by_hand(amount: str, mark: str | None, drawn: str) -> None:
    marked = Decimal(mark) if mark else None
    assert bar(Decimal(amount), marked, Decimal(8), 8, ascii_only=False).plain == drawn


def test_what_has_no_cost_has_no_bar() -> None:
    assert bar(None, Decimal(1), Decimal(1), 8, ascii_only=False).plain == ""
    assert bar(Decimal(0), Decimal(0), Decimal(0), 8, ascii_only=False).plain == ""
    assert most_of([None, Decimal(2), Decimal(1)]) == 2
    assert most_of([None]) == 0
    assert heading("cost", "actual", 14, ascii_only=True) == "cost, | actual"
    assert heading("cost", "actual", 13, ascii_only=True) == "cost"


@pytest.mark.parametrize("command", ["replay logs", "finetune calls.jsonl"])
@pytest.mark.parametrize("columns", [60, 76, 80, 100, 124, 160])
def test_a_bar_is_never_in_the_way(command: str, columns: int) -> None:
    """No figure is cut, and no line is longer than the terminal because of a bar."""
    folder = FIXTURES / ("small" if "replay" in command else "tuning")
    out = audit(*command.split(), folder=Path(folder), columns=columns).out
    assert "…" not in out.replace("… and more", "")
    with_bars = [line for line in out.splitlines() if "┃" in line]
    assert all(len(line) <= columns for line in with_bars)
    room = (100, 124, 160) if "replay" in command else (76, 80, 100, 160)
    assert bool(with_bars) == (columns in room)
