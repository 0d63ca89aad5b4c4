"""Calls that are grouped as they lie in the store: the answers are those of the general way."""

from __future__ import annotations

import importlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from helpers.logs import Line, capture, embedding, failure, uncounted, write
from helpers.runs import question, stored

from auditor.pipeline import replay as replayed
from auditor.pipeline.replay import PLAIN
from auditor.store import Store
from benchmarks import stores

pipeline = importlib.import_module("auditor.pipeline.replay")
COMPARED = ("coverage", "total", "spent", "rows", "basis", "books", "unpriced", "why_unpriced")
GATHERED = (
    "replay/steps_taken",
    "replay/charged",
    "replay/models",
    "replay/uncharged",
)
QUESTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"by": ("day",)},
    {"by": ("day", "model", "tier", "endpoint", "requested_model", "booking")},
    {"by": ("month", "model")},
    {"by": ("workload",)},
    {"by": ("day", "team"), "zone": "Asia/Kathmandu"},
    {"by": ("model", "tag:team")},
    {"by": ("day",), "zone": "Asia/Kathmandu"},
    {"by": ("month", "day"), "zone": "America/New_York"},
    {"by": ("day",), "zone": "Africa/Monrovia"},
    {"zone": "Australia/Lord_Howe"},
    {"by": ("day",), "from_date": date(2023, 8, 2), "zone": "Pacific/Kiritimati"},
    {"by": ("model",), "from_date": date(2023, 8, 2), "to_date": date(2023, 8, 3)},
    {"to_date": date(2023, 8, 2)},
    {"by": ("model",), "assume_model": "gpt-4-0613"},
)


def lines() -> list[Line]:
    """Calls of every kind there is, at times that zones part differently."""
    times = (
        None,
        "1971-12-31T23:20:00Z",
        "2023-08-01T00:00:00Z",
        "2023-08-01T18:14:59.999999Z",
        "2023-08-01T18:15:00Z",
        "2023-08-02T03:59:59.999999Z",
        "2023-08-02T04:00:00Z",
        "2023-08-31T23:59:59Z",
    )
    made: list[Line] = []
    for number, at in enumerate(times):
        for model, sent in (("gpt-3.5-turbo-0613", 3_900), ("gpt-4", 9_000), ("nobody-9", 10)):
            team = ("search", None, "day")[number % 3]
            made.append(capture(f"{model}-{number}", at, model, sent, 200, team=team))
        made += [
            failure(f"failed-{number}", at),
            uncounted(f"uncounted-{number}", at),
            embedding(at, "text-embedding-ada-002", 70 + number),
        ]
    return made


@pytest.mark.parametrize("asked", QUESTIONS, ids=str)
def test_both_ways_answer_alike(
    asked: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stored(write(tmp_path / "calls.jsonl", lines())) as store:
        plain = answers(store, asked)
        monkeypatch.setattr(pipeline, "_book", in_general(pipeline._book))
        assert answers(store, asked) == plain


def answers(store: Store, asked: dict[str, Any]) -> dict[str, Any]:
    result = replayed(store, question(**asked), once=GATHERED)
    frames = {name: frame.to_dicts() for name, frame in result.gathered.items()}
    return {name: getattr(result, name) for name in COMPARED} | frames


def in_general(book: Any) -> Any:
    """Books calls likewise, and says that they are not plain."""

    def booked(*given: Any, **more: Any) -> bool:
        book(*given, **more)
        return False

    return booked


def test_the_plain_way_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    run = Store.run

    def noted(store: Store, query: str, /, **values: Any) -> None:
        ran.append(query)
        run(store, query, **values)

    monkeypatch.setattr(Store, "run", noted)
    with stored(write(tmp_path / "calls.jsonl", lines())) as store:
        for by, name in (
            (sorted(PLAIN)[:6], "cells_plain"),
            (["team"], "cells_plain"),
            (["day", "workload"], "cells_plain"),
            (["team", "workload"], "cells"),
            (["source"], "cells"),
            (["midnight:60"], "cells"),
        ):
            ran.clear()
            replayed(store, question(by=tuple(by)))
            assert f"replay/{name}" in ran


def test_a_made_up_store_is_like_any_other(tmp_path: Path) -> None:
    path = stores.made(tmp_path / "made.duckdb", 2_000)
    assert stores.made(path, 2_000) == path
    with Store.open(path, to_read=True) as store:
        result = replayed(store, question(by=("model",)))
    assert result.coverage["counted"] == result.total["calls"] == 2_000
    assert result.total["unpriced"] == 0 < result.total["failed"]
    assert (result.coverage["first_day"], result.coverage["last_day"]) == (
        date(2024, 8, 1),
        date(2024, 8, 31),
    )
