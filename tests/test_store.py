"""The store: transactions, types, and what it refuses to open."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.errors import StoreError
from auditor.store import Store


def rows_of(path: Path) -> int:
    with Store.open(path) as store:
        return len(store.rows("ingest/sources"))


def book_a_source(store: Store, source_id: int) -> None:
    store.run("ingest/begin")
    counts = dict.fromkeys(("bytes", "lines", "records", "rejects", "context"), 0)
    named = {"sha256": "x", "name": "log", "format": "blank"}
    store.run("ingest/finish", source_id=source_id, **named, **counts)


def test_what_a_transaction_did_is_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    with Store.open(path) as store, store.transaction():
        book_a_source(store, 1)
    assert rows_of(path) == 1


@pytest.mark.parametrize("reason", [RuntimeError, KeyboardInterrupt])
def test_a_transaction_that_fails_leaves_nothing(
    reason: type[BaseException], tmp_path: Path
) -> None:
    path = tmp_path / "store.duckdb"
    with Store.open(path) as store, pytest.raises(reason), store.transaction():
        book_a_source(store, 1)
        raise reason
    assert rows_of(path) == 0


def test_a_store_in_memory_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.open(None) as store, store.transaction():
        book_a_source(store, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_must_exist_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    with pytest.raises(StoreError, match="there is no store at"), Store.open(path, to_read=True):
        pass
    assert not path.exists()


@pytest.mark.parametrize("name", ["md:store", "s3:store", "sqlite:store", ":memory:", "a b.csv"])
def test_a_store_may_have_any_name_and_is_a_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(name)
    with Store.open(path) as store, store.transaction():
        book_a_source(store, 1)
    assert rows_of(path) == 1
    assert path.is_file()


@pytest.mark.parametrize("name", ["log.csv", "log.json", "log.parquet", "log.jsonl", "log"])
@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b'{"a": 1}\n', b"PAR1PAR1PAR1"])
def test_a_file_that_is_no_store_is_refused_and_left_alone(
    name: str, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is no DuckDB file"), Store.open(path):
        pass
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("zone", "known"),
    [
        ("UTC", True),
        ("Europe/Vienna", True),
        ("Europe/Atlantis", False),
        ("", False),
        ("CEST", False),
    ],
)
def test_a_zone_is_known_by_its_name(zone: str, known: bool) -> None:
    with Store.open(None) as store:
        assert store.has_time_zone(zone) is known
