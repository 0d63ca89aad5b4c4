"""A store ten times as large: is the time linear in calls, and is memory bounded?"""

from __future__ import annotations

from pathlib import Path

from benchmarks import stores
from benchmarks.races import Contestant, Race

CALLS = 100_000_000
TIMES_LARGER = 10


def races(folder: Path, scale: float) -> list[Race]:
    """Fifty scenarios over all the calls, against a tenth of them. Peak memory says the rest."""
    folder.mkdir(parents=True, exist_ok=True)
    calls = int(CALLS * scale)
    large, small = (
        Contestant(
            "replaying:replayed",
            {"path": str(stores.made(folder / f"calls-{count}.duckdb", count)), "count": 50},
        )
        for count in (calls, calls // TIMES_LARGER)
    )
    return [
        Race(
            work=f"{stores.millions(calls)} calls in the store, 50 scenarios",
            against="ten times a tenth of them: linear in calls",
            limit=1.2,
            ours=large,
            theirs=small,
            share=1 / TIMES_LARGER,
            times=2,
        )
    ]
