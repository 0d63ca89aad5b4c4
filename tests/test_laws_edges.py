"""Laws at the edges, each with the smallest log that once broke it."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.logs import capture, write
from helpers.runs import document_of, replayed, take_in

from auditor.store import Store


@pytest.mark.parametrize("tag", ["name", "title", "calls", "cost_usd"])
def test_a_dimension_may_be_called_like_a_column_of_the_result(tag: str) -> None:
    line = {**capture(), "tags": {tag: "ours"}}
    found = replayed([line], by=(tag,))
    assert "ours" in found["scenarios"][0].values()
    assert found["actual"]["calls"] == found["actual"]["by"][0]["calls"] == 1


def test_two_tags_that_read_the_same_once_cleaned_stop_no_run() -> None:
    tags = {"\ud800": "a lone surrogate", "\\ud800": "the same, written out"}
    found = replayed([{**capture(), "tags": tags}])["coverage"]
    assert found["calls"] + found["rejects"] == 1


@pytest.mark.parametrize(
    ("at", "zone"),
    [("9999-12-31T23:59:59Z", "UTC"), ("0001-01-01T00:00:00Z", "America/New_York")],
)
def test_a_date_at_the_edge_of_the_calendar_stops_no_run(at: str, zone: str) -> None:
    found = replayed([capture(at=at)], zone=zone)["coverage"]
    assert found["calls"] + found["rejects"] == 1


def test_the_order_of_ingests_does_not_move_a_call_between_sources(tmp_path: Path) -> None:
    files = [
        write(tmp_path / "a.jsonl", [capture("both")]),
        write(tmp_path / "b.jsonl", [capture("both"), capture("only b")]),
    ]
    groups = []
    for order in (files, files[::-1]):
        with Store.open(None) as store:
            for file in order:
                take_in(store, file)
            groups.append(document_of(store, by=("source",))["actual"]["by"])
    assert groups[0] == groups[1]
