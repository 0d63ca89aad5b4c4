"""Clocks that are wrong or set, and machines in other time zones: the figures are the same."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import COMPLETE, Run, audit
from helpers.kills import ALLOWED, DB, INGEST, REPLAY, listing, logs_in, rows_of, within
from helpers.logs import capture, write
from helpers.nights import ENV

from auditor import walking

pytestmark = pytest.mark.slow

HOUR_NS = 3_600_000_000_000
ZONES = ["UTC", "Pacific/Kiritimati", "America/St_Johns"]


def run(folder: Path, *args: str) -> Run:
    done = audit(*args, folder=folder, env={**ENV, "TZ": os.environ.get("TZ", "")})
    assert done.exit_code == COMPLETE, done
    return done


@pytest.fixture
def local_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Sets the zone of this process; that of the machine is back at the end."""
    yield monkeypatch
    monkeypatch.undo()
    if hasattr(time, "tzset"):
        time.tzset()


def all_said(folder: Path) -> tuple[str, dict[str, bytes]]:
    """A replay by day, and the reports of a store."""
    by_day = (*REPLAY, "--db", DB, "--by", "day,month", "--format", "json")
    said = run(folder, *by_day).out
    run(folder, "report", "daily", "coverage", *ALLOWED, "--db", DB, "-o", "out")
    return said, within(listing(folder), "out")


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="no zone of a process to set")
def test_the_zone_of_the_machine_moves_no_call(
    tmp_path: Path, local_zone: pytest.MonkeyPatch
) -> None:
    """A call a minute from midnight, a month's end and the night that clocks were set."""
    found = []
    for number, zone in enumerate(ZONES):
        folder = tmp_path / str(number)
        logs_in(folder / "logs")
        late = ("2023-07-31T23:59:30Z", "2023-08-01T00:00:30", "2023-03-12T02:30:00", None)
        write(folder / "logs" / "f.jsonl", [capture(f"f-{at}", at) for at in late])
        local_zone.setenv("TZ", zone)
        time.tzset()
        run(folder, *INGEST)
        found.append((all_said(folder), rows_of(folder / DB)))
    assert found[0] == found[1] == found[2]


def test_a_clock_that_is_set_back_or_forward_costs_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logs written tomorrow, by the clock of today, and stamps that look older than they are."""
    folders = [tmp_path / name for name in ("as ever", "moved")]
    for folder in folders:
        logs_in(folder / "logs")
        run(folder, *INGEST)
    moved = folders[1]
    clock = walking.now_beside
    for hours in (-30, 30, -5):
        tomorrow = time.time() + hours * 3600
        write(moved / "logs" / f"g{hours}.jsonl", [capture(f"g-{hours}")])
        for log in (moved / "logs").iterdir():
            os.utime(log, (tomorrow, tomorrow))

        def shifted(path: Path, by: int = hours * HOUR_NS) -> int | None:
            now = clock(path)
            return None if now is None else now + by

        monkeypatch.setattr(walking, "now_beside", shifted)
        assert "1 new call" in run(moved, *INGEST).err
        grown = moved / "logs" / f"g{hours}.jsonl"
        text = grown.read_text(encoding="utf-8")
        grown.write_text(text + text.replace("g-", "h-"), encoding="utf-8")
        assert "1 new call, 1 duplicate" in run(moved, *INGEST).err
        monkeypatch.undo()
    for hours in (-30, 30, -5):
        write(folders[0] / "logs" / f"g{hours}.jsonl", [capture(f"g-{hours}")])
        both = [capture(f"{letter}-{hours}") for letter in "gh"]
        run(folders[0], *INGEST)
        write(folders[0] / "logs" / f"g{hours}.jsonl", both)
        run(folders[0], *INGEST)
    assert all_said(folders[0]) == all_said(moved)
