"""The benchmark of capacity: that each task does all of its work. Nothing is timed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from auditor.engines.spark.reading import read
from auditor.engines.spark.rows import packed, unpacked, unpacked_all
from benchmarks import capacity, capacity_data, capacity_logs, capacity_tasks, ingesting, results
from benchmarks.races import Contestant, Run, Timed

CALLS = 400
SMALL = 0.002


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("capacity")


def found(work: Callable[[], object]) -> dict[str, Any]:
    """What a task came to."""
    ended = work()
    assert isinstance(ended, Timed)
    result: dict[str, Any] = json.loads(str(ended.result))
    return result


@pytest.mark.parametrize("name", capacity_logs.NAMES)
def test_a_log_is_read_whole(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = [f"Text number {number}, not long." for number in range(100)]
    monkeypatch.setattr(ingesting, "pieces", lambda *_: iter(said))
    log = capacity_logs.write(tmp_path, name, SMALL)
    read = found(capacity_tasks.read_log(str(log), 4))
    assert read["amount"] == capacity_logs.calls_of(name, SMALL)
    assert read["pieces"] <= 4
    assert list(tmp_path.iterdir()) == [log]


@pytest.mark.parametrize(("is_sampled", "heads"), [(False, True), (True, False)])
def test_prompts_that_are_sampled_already_are_not_handed_on(
    is_sampled: bool, heads: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [f"Text number {number}, not long." for number in range(100)]
    monkeypatch.setattr(ingesting, "pieces", lambda *_: iter(said))
    log = capacity_logs.write(tmp_path, capacity_logs.TEXT, SMALL)
    full = capacity_tasks._full(read(capacity_tasks._read(log, 4)))
    rows = read(capacity_tasks._read(log, 4, full if is_sampled else None))
    sampled = [unpacked_all(row[3])[1].height for row in rows if row[1] == "heads"]
    assert (sum(sampled) > 0) is heads


@pytest.mark.parametrize("repeated", [0.0, 0.1])
def test_a_bucket_holds_each_call_once_in_whatever_pieces_it_comes(
    repeated: float, folder: Path
) -> None:
    merged = []
    for piece in (7, CALLS):
        rows = capacity_data.bucket(folder, CALLS, 5, piece, repeated)
        given = sum(unpacked(row[3]).height for row in capacity_tasks.rows_in(rows))
        assert given == CALLS + CALLS * repeated
        files = folder / "merged"
        merged.append(found(capacity_tasks.merge_bucket(str(rows), str(files), 5)))
        written = pl.read_parquet(capacity_tasks.task_files(str(files))[0])
        assert written["call_id"].n_unique() == written.height == CALLS
    for name in ("amount", "rows of cells", "file bytes"):
        assert merged[0][name] == merged[1][name]
    assert merged[0]["amount"] == CALLS


def test_cells_are_added_up_to_no_more(folder: Path) -> None:
    added = found(capacity_tasks.add_up(str(capacity_data.cells(folder, CALLS, 20))))
    assert 0 < added["made"] <= added["amount"]


@pytest.mark.parametrize("by", ["", "team", "user", "team,user"])
def test_a_scan_sees_every_call(by: str, folder: Path) -> None:
    files = str(capacity_data.tagged(folder, CALLS, 50))
    scanned = found(capacity_tasks.scan_files(files, by, 31))
    assert scanned["amount"] == CALLS
    assert ("user" in by) <= (scanned["cells"] >= 50)


def test_the_more_values_a_tag_has_the_more_cells_there_are(folder: Path) -> None:
    cells = [
        found(
            capacity_tasks.scan_files(str(capacity_data.tagged(folder, CALLS, values)), "user", 31)
        )["cells"]
        for values in (1, 20, CALLS)
    ]
    assert cells == sorted(set(cells))


def test_a_year_is_replayed_from_its_cells(folder: Path) -> None:
    year = capacity_data.a_year(folder, CALLS, 12)
    assert found(capacity_tasks.replay_at_home(str(year)))["calls"] == CALLS
    assert found(capacity_tasks.cells_of(str(year)))["amount"] == CALLS // 12


def test_a_contestant_may_take_its_own_time(folder: Path) -> None:
    log = capacity_logs.write(folder, "litellm", SMALL)
    run = Contestant("capacity_tasks:look_at", {"log": str(log)}).run()
    assert json.loads(run.result)["amount"] == log.stat().st_size


def test_few_rows_take_few_bytes() -> None:
    wide = pl.DataFrame({f"column_{n}": [n] for n in range(30)})
    by_column = io.BytesIO()
    wide.write_ipc_stream(by_column, compression="zstd")
    assert len(packed(wide)) * 3 < len(by_column.getvalue())
    assert unpacked(packed(wide)).equals(wide)
    assert unpacked(packed(wide.clear())).schema == wide.schema


def test_a_part_of_a_frame_brings_no_texts_of_the_others() -> None:
    tags = [[f"trace-{n * 7919:012x}"] for n in range(5_000)] + [[], None, [None, "x"]]
    whole = pl.DataFrame({"tags": tags}, schema={"tags": pl.List(pl.String)})
    for part in (whole.tail(5), whole.filter(pl.int_range(pl.len()) % 1_000 == 0)):
        assert len(packed(part)) < 1_000
        assert unpacked(packed(part)).equals(part)


def measured(unit: str, seconds: tuple[float, ...] = (2.0, 1.0, 4.0)) -> dict[str, Any]:
    figure = capacity.Figure(
        "work", Contestant("no:where"), unit, {"calls": "bytes a call", "cells": "cells"}
    )
    result = {"amount": 1000, "calls": 50_000, "cells": 1234, "taken": seconds}
    return capacity.Measured(figure, Run(2, 10, json.dumps(result))).as_json()


@pytest.mark.parametrize(
    ("unit", "value", "spread"),
    [
        ("calls a CPU second", 500.0, [250.0, 1000.0]),
        ("µs a call", 2000.0, [1000.0, 4000.0]),
        ("MB a CPU second", 0.0005, [0.00025, 0.001]),
    ],
)
def test_a_figure_is_the_median_in_its_unit(unit: str, value: float, spread: list[float]) -> None:
    row = measured(unit)
    assert row["ratio"] == pytest.approx(value, abs=5e-4)
    assert row["spread"] == pytest.approx(spread, abs=5e-4)
    assert row["against"] == "50 bytes a call; 1,234 cells"
    assert row["goal"] is row["met"] is None


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(results, "FILE", tmp_path / "RESULTS.md")
    yield tmp_path / "RESULTS.md"


def test_either_table_stays_when_the_other_is_renewed(file: Path) -> None:
    race = {"work": "a race", "against": "x", "ratio": 1.0, "spread": [1, 2], "goal": None}
    race |= {"met": None, "seconds": [1], "peak_mib": [2]}
    figure = measured("calls a CPU second")
    for rows in ([race], [figure], [race], [figure | {"work": "another"}]):
        results.write({"machine": results.machine(), "scale": 1, "rows": rows})
    text = file.read_text(encoding="utf-8")
    assert text.count("| a race | x | 1.00x |") == 1
    assert text.count("| another | 500 calls a CPU second | 250 to 1,000 | 50 bytes a call;") == 1
    assert "| work |" in text  # the head of the table of races
    assert "| work | 500" not in text
    assert text.count(results.MARK) == text.count(results.FIGURES) == 1
