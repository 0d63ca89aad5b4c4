"""The store: one DuckDB file, or none at all. The only room that imports duckdb.

Queries run as they stand in ``queries/``; values reach them by ``$name`` alone. A store is
written by one process at a time. What one ``transaction`` does happens wholly or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import duckdb
import polars as pl

from auditor import leftovers, secret
from auditor.errors import StoreError
from auditor.sql import query
from auditor.store.file import (
    NOT_OURS,
    connect,
    damaged,
    first_line,
    is_damage,
    is_private,
    privately,
)
from auditor.store.spread import CALLS, REJECTS, Spread, spread_of

SCHEMA_VERSION = 6
UPGRADABLE = 2
ADDED = {
    "closing": "closings",
    "buckets": "buckets",
    "day_cells": "day_cells",
    "keeping": "keeping",
    "spread": "spread_files",
}
"""What older stores lack: the query of schema that makes it, a table of it."""

OF_THE_WORLD = (
    duckdb.IOException,
    duckdb.TransactionException,
    duckdb.OutOfMemoryException,
    duckdb.FatalException,
    duckdb.InternalException,
)
INTERRUPTED = (
    "Query interrupted",
    "INTERRUPT Error",
    "failed: KeyboardInterrupt",  # while it asked us for a frame
    "failed: SystemExit",
)


class Scanner(Protocol):
    """Scans the calls of a store elsewhere, on several machines at once."""

    def scan(self, store: Store, views: Sequence[str], name: str, **values: Any) -> bool:
        """Do what ``store.run(name, **values)`` does after the ``views``; False if it cannot be."""


class Store:
    """An open store. Use as a context manager; leaving it closes the file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path | None) -> None:
        self._connection = connection
        self._name = str(path or "the store in memory")
        self.path = path
        self.hash_key = secret.IN_MEMORY
        self.is_private = False
        """Whether only the owner may read it, and what comes to lie beside it."""
        self.key_of_names: bytes | None = None
        """The key for names; None where sources make it (``secret.of_sources``)."""
        self.spread: Spread | None = None
        """Where the calls lie, if not in the store."""
        self.scanner: Scanner | None = None
        """Who scans the calls, if not this process."""

    @classmethod
    @contextmanager
    def open(
        cls,
        path: Path | None,
        *,
        to_read: bool = False,
        hash_key: bytes | None = None,
        private: bool = False,
    ) -> Iterator[Store]:
        """The store at ``path``, made when it is not there; in memory when ``path`` is None.

        ``to_read`` wants a store that is there and changes nothing in it; several processes may
        read at once. ``hash_key`` takes the place of the key beside the store, which only adding
        to it needs: ``hash_key`` of the store. ``private`` lets its owner alone read it, if need be
        from now on. Raises StoreError when there is none to read, when
        it is in use by another process, damaged, of another application, of another version of
        this one, or was filled with another key.
        """
        if path is not None and to_read and not path.exists():
            raise StoreError(
                f"there is no store at {path}",
                hint="Fill one first: `audit ingest LOGS --db FILE`.",
            )
        owners_alone = path is not None and is_private(path, private)
        with privately(owners_alone):
            if path is not None and not to_read:
                leftovers.clear(path.resolve())
                if not path.exists():
                    _make(path, hash_key)
            connection = connect(path, to_read)
        try:
            store = cls(connection, path)
            store.is_private = owners_alone
            _prepare(store, path, to_read, hash_key)
            yield store
        finally:
            with privately(owners_alone):
                connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens, or nothing."""
        self._connection.begin()
        try:
            with self._failures():
                yield
                self._connection.commit()
        except BaseException:
            with suppress(duckdb.Error):  # a failed commit has rolled back already
                self._connection.rollback()
            raise

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turns what the world does to a store into StoreError; what is a bug of ours stays one."""
        try:
            with privately(self.is_private):
                yield
        except duckdb.Error as error:
            if _is_interrupt(error):
                raise KeyboardInterrupt from error
            if is_damage(str(error)):
                raise damaged(self._name, first_line(str(error))) from error
            if not isinstance(error, OF_THE_WORLD):
                raise
            raise StoreError(
                f"{self._name}: {first_line(str(error))}",
                hint="Check the space on the disk and that the file is sound; what was stored "
                "before this run stays as it was.",
            ) from error
        except (RuntimeError, pl.exceptions.PolarsError) as error:
            if _is_interrupt(error):
                raise KeyboardInterrupt from error
            raise

    def run(self, name: str, /, **values: Any) -> None:
        """Run ``queries/NAME.sql``; each of its statements gets the values it names."""
        with self._failures():
            for statement in self._connection.extract_statements(query(name)):
                wanted = {key: _fit(values[key]) for key in statement.named_parameters}
                self._connection.execute(statement, wanted)

    def scan(self, name: str, views: Sequence[str], /, **values: Any) -> None:
        """As ``run`` of a query that makes a table of the calls, with ``views`` that are laid down.

        It may happen elsewhere, where the calls lie, if nothing but the calls is read.
        """
        if self.scanner is None or not self.scanner.scan(self, views, name, **values):
            self.run(name, **values)

    def rows(self, name: str, /, **values: Any) -> list[dict[str, Any]]:
        """The result of ``queries/NAME.sql``, one dict a row; money as Decimal."""
        with self._failures():
            self._connection.execute(query(name), {key: _fit(values[key]) for key in values})
            columns = [column[0] for column in self._connection.description]
            return [dict(zip(columns, row, strict=True)) for row in self._connection.fetchall()]

    def frame(self, name: str, /, **values: Any) -> pl.DataFrame:
        """The result of ``queries/NAME.sql`` as a frame; it takes of the values those it names.

        Money comes as Decimal, to be written or shown again: what is done with it is done in SQL.
        """
        with self._failures():
            (statement,) = self._connection.extract_statements(query(name))
            wanted = {key: _fit(values[key]) for key in statement.named_parameters}
            return pl.DataFrame(self._connection.sql(query(name), params=wanted))

    def types(self, name: str, /, **values: Any) -> dict[str, str]:
        """The DuckDB type of each column that ``queries/NAME.sql`` returns."""
        self._connection.execute(query(name), values)
        return {column[0]: str(column[1]) for column in self._connection.description}

    def texts(self) -> Iterator[tuple[str, list[str]]]:
        """Every text in the store: ``table.column`` and what is in it, each text once.

        Names and values of tags count as texts, and so do bytes as DuckDB writes them.
        """
        for listed in self.rows("schema/listing"):
            name = listed["name"]
            table = self._connection.table(name)
            for column, kind in zip(table.columns, map(str, table.types), strict=True):
                cell: Any = duckdb.ColumnExpression(column)
                if kind.startswith("MAP("):
                    parts = [
                        duckdb.FunctionExpression(f"map_{w}", cell) for w in ("keys", "values")
                    ]
                elif kind in ("VARCHAR", "VARCHAR[]"):
                    parts = [cell]
                elif kind == "BLOB":
                    parts = [cell.cast("VARCHAR")]
                else:
                    continue
                for part in parts:
                    with self._failures():
                        frame = pl.DataFrame(table.select(part.alias("text")).distinct())
                    found = frame["text"]
                    if isinstance(found.dtype, pl.List):
                        found = found.explode().unique()
                    yield f"{name}.{column}", found.drop_nulls().sort().to_list()

    def show(self, name: str, frame: pl.DataFrame) -> None:
        """Let queries read a frame as the table ``name``, until another takes its place."""
        with self._failures():
            self._connection.register(name, _ArrowStream(frame))

    def write_file(self, name: str, path: Path) -> None:
        """Write the table ``name`` as a Parquet file."""
        with self._failures():
            self._connection.table(name).write_parquet(str(path), compression="zstd")

    def look_up_spread(self) -> None:
        """Read where the calls lie, and let queries read them there."""
        self.spread = spread_of(self.rows, self.path)
        if self.spread is None:
            return
        for kind in (CALLS, REJECTS):
            if files := self.spread.paths(kind):
                self.run(f"spread/{kind}", files=files)

    def has_time_zone(self, zone: str) -> bool:
        """Whether ``zone`` is a time zone that the store can reckon with."""
        return bool(self.rows("schema/time_zone", zone=zone))


def _fit(value: Any) -> Any:
    """A value as DuckDB takes it: what is no UTF-8 in a text, as in a file name, is written out."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    return list(map(_fit, value)) if isinstance(value, list | tuple) else value


class _ArrowStream:
    """Shows DuckDB a frame as an Arrow stream and nothing else, which needs no pyarrow."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


def _is_interrupt(error: Exception) -> bool:
    """Whether a signal came within a query: DuckDB and who reads its result have several words."""
    text = str(error)
    return isinstance(error, duckdb.InterruptException) or any(one in text for one in INTERRUPTED)


def _make(path: Path, hash_key: bytes | None) -> None:
    """A new store and its key. It is there as a whole or not at all, whenever this process ends."""
    target = path.resolve()
    if not target.parent.is_dir():
        return  # connect says so
    key = hash_key or secret.make(path)
    try:
        with leftovers.beside(target) as folder:
            new = folder / "new"
            connection = connect(path, False, at=new)
            try:
                _fill(Store(connection, path), key)
            finally:
                connection.close()
            with suppress(FileExistsError):  # another run was sooner
                leftovers.put(new, target)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be made: {error.strerror or error}",
            hint="Check the path, its permissions and the space on the disk.",
        ) from error


def _prepare(store: Store, path: Path | None, to_read: bool, hash_key: bytes | None) -> None:
    tables = {row["name"] for row in store.rows("schema/listing")}
    if not tables and to_read:
        raise StoreError(
            f"{path} holds nothing yet",
            hint="Fill it first: `audit ingest LOGS --db FILE`.",
        )
    if tables:
        _check_version(store, path, known="about" in tables)
    if path is not None and not to_read:
        store.hash_key = hash_key or (secret.read(path) if tables else secret.make(path))
    elif hash_key:
        store.hash_key = hash_key
    if hash_key or (path is not None and not to_read):
        store.key_of_names = store.hash_key
    if not tables:
        _fill(store, store.hash_key)
    else:
        missing = [part for part, table in ADDED.items() if table not in tables]
        if to_read:
            for part in missing:
                store.run(f"schema/no_{part}")
        else:
            _check_key(store, path)
            if missing:
                with store.transaction():
                    for part in missing:
                        store.run(f"schema/{part}", identities=True)
                    store.run("schema/upgrade", version=SCHEMA_VERSION)
    store.run("schema/macros")
    store.look_up_spread()


def _fill(store: Store, key: bytes) -> None:
    """The tables of a new store."""
    with store.transaction():
        store.run("schema/tables", key_check=secret.check_of(key))
        for part in ADDED:
            store.run(f"schema/{part}", identities=None)


def _check_key(store: Store, path: Path | None) -> None:
    if store.rows("schema/about")[0]["key_check"] != secret.check_of(store.hash_key):
        raise StoreError(
            f"{path} was filled with another hash key",
            hint="Set AUDIT_HASH_KEY to the key of this store, or unset it and put the key file "
            f"{secret.beside(Path(str(path))).name} back beside it; nothing was changed.",
        )


def _check_version(store: Store, path: Path | None, known: bool) -> None:
    try:
        found = store.rows("schema/about") if known else []
    except duckdb.BinderException:
        found = []
    if not found or found[0]["application"] != "audit":
        raise StoreError(
            f"{path} is a DuckDB file of something else",
            hint=NOT_OURS,
        )
    version = found[0]["schema_version"]
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} is of schema version {version}; this audit knows {SCHEMA_VERSION}",
            hint="Use the newer audit that wrote it, or ingest the logs into a new store.",
        )
    if version < UPGRADABLE:
        raise StoreError(
            f"{path} is of schema version {version}; this audit needs {SCHEMA_VERSION}",
            hint="Ingest the logs again into a new store; this one was not touched.",
        )
