"""What tasks of merging and scanning, and a replay at home, are given: made up by SQL."""

from __future__ import annotations

import hashlib
import pickle
import shutil
from collections.abc import Iterable
from pathlib import Path

import duckdb
import polars as pl

from auditor.engines.spark.merging import CELLS, merged
from auditor.engines.spark.reading import CALLS
from auditor.engines.spark.rows import packed, unpacked
from auditor.pipeline.days import WHOLE_DAYS, edges_in
from auditor.prices import open_book
from auditor.store import Store
from benchmarks import stores
from benchmarks.capacity_tasks import merge_of, rows_in

READINGS = """
    SELECT
        0::INTEGER AS bucket,
        (row_number() OVER (ORDER BY called_at, call_id) * $sources // ($calls + 1))::INTEGER
            AS source_id,
        * EXCLUDE (source_id, tags),
        false AS unnamed,
        NULL::VARCHAR AS request_json,
        NULL::VARCHAR AS answer_json,
        map_keys(tags) AS tag_names,
        map_values(tags) AS tag_values
    FROM calls
    ORDER BY hash(call_id)
"""
TAGGED = """
    COPY (
        SELECT * REPLACE (
            MAP {'team': 'team-' || hash(call_id) % 10, 'user': 'user-' || hash(call_id) % $values}
                AS tags
        )
        FROM calls
        ORDER BY hash(call_id)
    ) TO '@' (FORMAT parquet, COMPRESSION zstd)
"""
# A kind of calls a row in place of each kind once, as sources of many kinds leave it: the sums of
# all are what they were, and a replay takes what so many rows take.
EACH_CALL = """
    DELETE FROM day_cells;
    INSERT INTO day_cells BY NAME
    SELECT
        source_id, called_at::DATE AS called_on, requested_model, served_model, tier, endpoint,
        counted_by, failed, audio_tokens > 0 AS has_audio,
        CASE WHEN NOT failed THEN problem END AS problem, recorded_usd IS NOT NULL AS has_recorded,
        0 AS window_step, 0 AS prompt_step, 1 AS calls, input_tokens, cache_read_tokens,
        cache_write_tokens, output_tokens, reasoning_tokens, recorded_usd,
        called_at AS first_call_at, called_at AS last_call_at
    FROM calls
"""


def made(folder: Path, calls: int, days: int = 31) -> Path:
    """A store of so many made-up calls of so many days; its days are not added up."""
    path = folder / f"made-{calls}-{days}.duckdb"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    for left in folder.glob(f"{unfinished.name}*"):  # of a run that was stopped
        left.unlink()
    with Store.open(unfinished):
        pass  # the tables of today
    insert = stores.QUERY.read_text(encoding="utf-8")
    with duckdb.connect(str(unfinished)) as connection:
        for day in range(days):
            first, last = calls * day // days, calls * (day + 1) // days
            drawn = {"source_id": day, "first": first, "last": last, "calls": calls, "days": days}
            connection.execute(insert, drawn)
            named = {
                "id": day,
                "sha256": hashlib.sha256(str(day).encode()).hexdigest(),
                "name": f"logs/calls-{day:05}.jsonl",
                "bytes": 1000 * (last - first),
                "calls": last - first,
            }
            connection.execute(stores.SOURCE, named)
    _key_of(unfinished).replace(_key_of(path))
    unfinished.replace(path)
    return path


def _key_of(store: Path) -> Path:
    return store.with_name(f"{store.name}.key")


def bucket(folder: Path, calls: int, sources: int, piece: int, repeated: float = 0) -> Path:
    """The rows that one bucket gets: so many calls, ``piece`` at a time, of so many sources.

    Of each ten calls ``repeated`` * 10 are in the next source, too.
    """
    path = folder / f"rows-{calls}-{sources}-{piece}-{repeated:g}.pickle"
    if path.exists():
        return path
    with duckdb.connect(str(made(folder, calls)), read_only=True) as connection:
        frame = pl.DataFrame(connection.sql(READINGS, params={"calls": calls, "sources": sources}))
    again = frame.head(round(calls * repeated)).with_columns(
        (pl.col("source_id") + 1) % sources, pl.col("line") + calls
    )
    _write(path, CALLS, pl.concat([frame, again]).iter_slices(piece))
    return path


def cells(folder: Path, calls: int, sources: int) -> Path:
    """The rows of cells that the merging of one bucket hands on, as if of one source."""
    path = folder / f"cells-{calls}-{sources}.pickle"
    if not path.exists():
        rows = merged(rows_in(bucket(folder, calls, sources, calls)), merge_of(sources, folder))
        frames = [unpacked(data) for _, kind, _, data in rows if kind == CELLS]
        _write(
            path, CELLS, (f.with_columns(pl.lit(0, pl.Int32).alias("source_id")) for f in frames)
        )
    return path


def a_year(folder: Path, rows: int, sources: int = 365) -> Path:
    """A store of a year whose ``day_cells`` have so many rows, a call each."""
    path = folder / f"year-{rows}.duckdb"
    if not path.exists():
        whole = made(folder, rows, sources)
        unfinished = path.with_suffix(".part")
        shutil.copy(whole, unfinished)
        shutil.copy(_key_of(whole), _key_of(unfinished))
        edges = edges_in(open_book())
        with Store.open(unfinished) as store:
            store.run("ingest/begin_day_cells", **edges)
            none = {**WHOLE_DAYS, **edges}
            store.run("replay/added_calls", **none, sources=list(range(sources)))
            store.run("ingest/add_day_cells", sources=list(range(sources)))
        with duckdb.connect(str(unfinished)) as connection:
            connection.execute(EACH_CALL)
            connection.execute("CHECKPOINT")
        _key_of(unfinished).unlink()  # only who adds to a store needs it
        unfinished.replace(path)
    return path


def _write(path: Path, kind: str, frames: Iterable[pl.DataFrame]) -> None:
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        for turn, frame in enumerate(frames):
            pickle.dump((0, kind, turn, packed(frame)), file)
    unfinished.replace(path)


def tagged(folder: Path, calls: int, values: int) -> Path:
    """A folder with a file of calls as tasks write them; tag ``user`` has so many values."""
    files = folder / f"tagged-{calls}-{values}"
    if not files.exists():
        unfinished = files.with_suffix(".part")
        unfinished.mkdir(exist_ok=True)
        target = unfinished / "calls-0-made.parquet"
        with duckdb.connect(str(made(folder, calls)), read_only=True) as connection:
            connection.execute(TAGGED.replace("@", str(target)), {"values": values})
        unfinished.replace(files)
    return files
