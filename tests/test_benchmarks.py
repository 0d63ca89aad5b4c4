"""What the benchmarks say of their races. Nothing here is timed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as command
from benchmarks import results
from benchmarks.races import Contestant, Outcome, Race, Run


def outcome(limit: float = 2, *, faster: bool = False, share: float = 1) -> Outcome:
    """Ours took 2, 3 and 4 seconds, theirs 1, 2 and 3."""
    one = Contestant("nowhere:nothing")
    race = Race("work", "others", limit, one, one, faster=faster, share=share)
    ours, theirs = (
        tuple(Run(seconds, 10, "") for seconds in taken) for taken in ((2, 3, 4), (1, 2, 3))
    )
    return Outcome(race, ours, theirs)


class Ended:
    """A race that was run already."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    def run(self) -> Outcome:
        return self.outcome


@pytest.mark.parametrize(
    ("given", "ratio", "is_met"),
    [
        (outcome(), 1.5, True),
        (outcome(1.4), 1.5, False),
        (outcome(0.6, faster=True), 0.667, True),
        (outcome(6, faster=True, share=0.1), 6.667, True),
        (outcome(1.4, share=0.1), 0.15, True),
    ],
)
def test_a_ratio_is_that_of_the_medians(given: Outcome, ratio: float, is_met: bool) -> None:
    row = results.row_of(Ended(given))
    assert (row["ratio"], row["met"]) == (ratio, is_met)


def test_a_race_without_a_goal_meets_none() -> None:
    row = results.row_of(Ended(outcome(math.inf)))
    assert row["goal"] is None
    assert row["met"] is None
    assert results.line_of(row) == "work: 1.50x (1.33 to 2.00) of others"


def test_what_is_written_by_hand_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FILE", tmp_path / "RESULTS.md")
    measured: dict[str, Any] = {
        "machine": results.machine(),
        "scale": 1,
        "rows": [results.row_of(Ended(outcome()))],
    }
    results.write(measured)
    file = tmp_path / "RESULTS.md"
    file.write_text(file.read_text(encoding="utf-8") + "\nBy hand.\n", encoding="utf-8")
    results.write({**measured, "scale": 0.5})
    text = file.read_text(encoding="utf-8")
    assert (
        text.count("| work | others | 1.50x | 1.33 to 2.00 | <= 2x | yes | 3 / 2 | 10 / 10 |") == 1
    )
    assert "At 0.5 of the size" in text
    assert text.endswith("\nBy hand.\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--scale", "0"], "no number above 0"),
        (["--rows", "("], "no regular expression"),
        (["--times", "0"], "--times must be 1 or more"),
        (["nothing"], "there is no part nothing"),
    ],
)
def test_wrong_options_are_refused(
    words: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", *words])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
