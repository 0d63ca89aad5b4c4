"""Which call a row is, wherever it lies and however it is read: by its id, else by its fields."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import book, formats

from auditor.finding import find
from auditor.formats import columnar
from auditor.formats.mapped import from_mapping
from auditor.pipeline import Ingested, ingest
from auditor.pipeline.counting import Gauge
from auditor.store import Store

MAPPING = {"id": "id", "time": "at", "model": "model", "input": "in", "output": "out"}
HEAD = "id,at,model,in,out\n"
PLAIN = "2023-08-22T10:00:00Z,gpt-4-0613,10,5\n"
QUOTED = '2023-08-22T10:00:00Z,"gpt-4-0613",10,5\n'
FIELDS = ("2023-08-22 10:00:00", "", "gpt-4-0613", "chat", "standard", "false", "10 0 0 5 0 0")
HASH = hashlib.md5("\x1f".join((*FIELDS, "", "", "{}", "")).encode()).hexdigest()


@pytest.fixture(
    autouse=True,
    params=[(1, 1), (1 << 30, 1), (1 << 30, 1 << 30)],
    ids=["large source", "source of some size", "small source"],
)
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls of a large source go straight into the store: here of any source, or of none."""
    module = sys.modules["auditor.pipeline.ingest"]
    for name, calls in zip(("CALLS_AT_ONCE", "MANY_CALLS"), request.param, strict=True):
        monkeypatch.setattr(module, name, calls)


def take_in(store: Store, folder: Path, *tables: str, **how: Any) -> list[Ingested]:
    """Tables of the mapping, each ingested on its own."""
    done = []
    known = (*formats(), from_mapping("mine", MAPPING, "audit.toml"))
    for number, table in enumerate(tables):
        path = folder / f"table-{number}.csv"
        path.write_text(HEAD + table)
        done.append(ingest(store, find([str(path)]), known, Gauge(book(), {}), **how))
    return done


def calls(store: Store) -> list[tuple[str, int]]:
    rows = store.rows("ingest/converted", keyed=True)
    return sorted((row["call_id"], row["line"]) for row in rows)


@pytest.mark.parametrize("keep_text", [False, True])
def test_a_call_without_id_is_known_by_its_fields(tmp_path: Path, keep_text: bool) -> None:
    with Store.open(None) as store:
        take_in(store, tmp_path, f",{PLAIN}", keep_text=keep_text)
        assert calls(store) == [(f"row-{HASH}-1", 2)]


def test_equal_rows_are_counted_on_however_they_are_written(tmp_path: Path) -> None:
    """One of them cannot be read as a column: it is not therefore another call, nor the same."""
    with Store.open(None) as store:
        first, again = take_in(
            store, tmp_path, f",{PLAIN},{QUOTED}\n,{PLAIN}", f",{QUOTED}" + f",{PLAIN}" * 3
        )
        assert (first.calls, again.calls) == (3, 1)
        assert [name for name, _ in calls(store)] == [f"row-{HASH}-{n}" for n in (1, 2, 3, 4)]


def test_an_id_that_looks_like_ours_is_the_call_that_it_names(tmp_path: Path) -> None:
    """As in a table that was made of what a store held, with rows of others among it."""
    table = f",{PLAIN}row-{HASH}-2,{PLAIN}row-{HASH}-1,{PLAIN},{PLAIN}"
    with Store.open(None) as store:
        (done,) = take_in(store, tmp_path, table)
        assert done.calls == 2
        assert [name for name, _ in calls(store)] == [f"row-{HASH}-{n}" for n in (1, 2)]


def test_the_best_reading_of_an_id_stays(tmp_path: Path) -> None:
    worse, better = "a,2023-08-22T10:00:00Z,gpt-4-0613,10,4\n", f"a,{PLAIN}"
    for table in (worse + better, better + worse, better + worse + better):
        with Store.open(None) as store:
            (done,) = take_in(store, tmp_path, table + f"b,{PLAIN}", keep_identities=True)
            assert (done.calls, done.conflicts) == (2, 1)
            assert calls(store) == [
                ("a", 2 + table.index(better) // len(worse)),
                ("b", 2 + table.count("\n")),
            ]


def test_how_many_are_stored_at_once_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = ["", "a", "b", "", "a", "c", "", "b"]
    table = "".join(f"{name},{(PLAIN, QUOTED)[n % 3 == 2]}" for n, name in enumerate(ids * 5))
    found = []
    for block, at_once in ((1 << 20, 1 << 20), (100, 1), (1, 3)):
        monkeypatch.setattr(columnar, "BLOCK_BYTES", block)
        monkeypatch.setattr(sys.modules["auditor.pipeline.reading"], "BATCH_RECORDS", 2)
        monkeypatch.setattr(sys.modules["auditor.pipeline.ingest"], "CALLS_AT_ONCE", at_once)
        with Store.open(None) as store:
            take_in(store, tmp_path, table, table.replace("b,", "d,"))
            found.append(store.rows("ingest/converted", keyed=True))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 4 + 15
