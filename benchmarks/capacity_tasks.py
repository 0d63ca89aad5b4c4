"""The tasks of ``--engine spark`` run by hand in one process: what one core of a cluster does.

Each function prepares, and returns the work, which takes its own time: seconds of CPU, of all
threads of the process, so that other work of the machine does not count. What it comes to is JSON
text: ``amount`` things that were dealt with, and further figures by name.
"""

from __future__ import annotations

import json
import os
import pickle
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from auditor.engines.spark import merging, reading
from auditor.engines.spark.looking import Look, look
from auditor.engines.spark.merging import Merge, added_up, merged
from auditor.engines.spark.reading import Piece, Read, read
from auditor.engines.spark.rows import Row, unpacked, unpacked_all
from auditor.engines.spark.scanning import Scan, scanned
from auditor.finding import find
from auditor.formats import known_formats
from auditor.pipeline import Question, replay
from auditor.pipeline.counting import Gauge
from auditor.pipeline.days import WHOLE_DAYS, edges_in
from auditor.pipeline.elsewhere import Looked
from auditor.pipeline.placing import Full
from auditor.pipeline.reading import Manner, Source
from auditor.pipeline.replay import AS_STORED
from auditor.prices import open_book
from auditor.scenarios import built_in, choose
from auditor.sources import LogFile
from auditor.store import Store
from benchmarks import stores
from benchmarks.races import Timed, Work

KEY = b"the key of a benchmark, whatever"
PART_BYTES = 64 << 20
TIMES = 3
WARM_LINES = 50
UNSAMPLED = -(1 << 63)


def timed(work: Callable[[], Mapping[str, Any]], times: int = TIMES) -> Timed:
    """The seconds of CPU that the work takes (the median), each of them, and what it came to."""
    taken = []
    for _ in range(times):
        begun = time.process_time()
        found = work()
        taken.append(time.process_time() - begun)
    return Timed(statistics.median(taken), json.dumps({**found, "taken": taken}))


def look_at(log: str) -> Work:
    """A look task at one log."""
    file = find([log])[0]
    task = Look(((0, file),), known_formats(), None, PART_BYTES)
    size = Path(log).stat().st_size
    return lambda: timed(lambda: {"amount": size, "rows": len(list(look(task)))})


def read_log(log: str, buckets: int, is_sampled: bool = False) -> Work:
    """A read task of one log; ``is_sampled`` where the store has prompts enough."""
    task = _read(Path(log), buckets)
    warm = Path(log).with_suffix(f".{os.getpid()}.warm{Path(log).suffix}")
    if warm.suffix != ".parquet":
        _copy_head(Path(log), warm)
        list(read(_read(warm, buckets)))
        warm.unlink()
    if is_sampled:
        task = _read(Path(log), buckets, _full(read(task)))
    return lambda: timed(lambda: _handed_on(read(task)))


def _copy_head(path: Path, target: Path) -> None:
    with path.open(encoding="utf-8") as whole, target.open("w", encoding="utf-8") as head:
        head.writelines(line for _, line in zip(range(WARM_LINES), whole, strict=False))


def _read(path: Path, buckets: int, full: Full | None = None) -> Read:
    source = _source(find([str(path)])[0])
    gauge = Gauge(open_book(), {})
    manner = Manner(gauge, KEY, (), sampling=True, keep_text=False, secret_of_names=KEY)
    return Read((Piece(0, source),), manner, full or {}, buckets, 0)


def _source(file: LogFile) -> Source:
    (row,) = look(Look(((0, file),), known_formats(), None, PART_BYTES))
    looked: Looked = unpacked_all(row[3])[1][0][1]
    assert looked.format is not None, f"{file.name}: {looked.error}"
    return Source(file, looked.sha256, looked.format)


def _full(rows: Iterator[Row]) -> Full:
    """All groups of prompts that these rows have, as full: no prompt is sampled any more."""
    heads = [unpacked_all(row[3])[1] for row in rows if row[1] == reading.HEADS]
    groups = pl.concat(heads).select("workload", "month", "encoding").unique().rows()
    return dict.fromkeys(groups, UNSAMPLED)


def _handed_on(rows: Iterator[Row]) -> dict[str, Any]:
    sizes: Counter[str] = Counter()
    records = pieces = 0
    for _, kind, _, data in rows:
        sizes[kind] += len(data)
        pieces += kind == reading.CALLS
        if kind == reading.TALLY:
            records += sum(counts[1] - counts[2] for _, counts in unpacked_all(data)[0])
    return {"amount": records, "pieces": pieces, **sizes}


def merge_bucket(rows: str, folder: str, sources: int, times: int = TIMES) -> Work:
    """The merging of one bucket, whose rows lie in a file, into a folder."""
    task = merge_of(sources, Path(folder))

    def work() -> dict[str, Any]:
        for old in task_files(folder):
            old.unlink()
        found: Counter[str] = Counter()
        cells = calls = 0
        for _, kind, _, data in merged(rows_in(Path(rows)), task):
            found[kind] += len(data)
            if kind == merging.CELLS:
                cells += unpacked(data).height
            elif kind == merging.MERGED:
                calls = merging.Merged(*unpacked_all(data)).calls
            elif kind == merging.FAILED:
                raise unpacked_all(data)[0]
        written = sum(path.stat().st_size for path in task_files(folder))
        return {"amount": calls, "rows of cells": cells, "file bytes": written, **found}

    return lambda: timed(work, times)


def task_files(folder: str) -> list[Path]:
    """The files of calls that tasks wrote there."""
    return sorted(Path(folder).glob("calls-*.parquet"))


def merge_of(sources: int, folder: Path) -> Merge:
    """How a bucket of a new store is merged."""
    folder.mkdir(parents=True, exist_ok=True)
    with Store.open(None) as store:
        closings = store.frame("spread/closings")
        sums = store.frame("spread/sums", buckets=1)
    return Merge(
        known=known(sources),
        new=tuple(range(sources)),
        closings=closings,
        sums=sums,
        files={},
        folder=str(folder),
        mark="0",
        edges=edges_in(open_book()),
    )


def known(sources: int) -> pl.DataFrame:
    """So many sources, as a store knows them."""
    numbers = range(sources)
    return pl.DataFrame(
        {
            "source_id": numbers,
            "sha256": [f"{number:064x}" for number in numbers],
            "name": [f"s3://logs/2024/08/calls-{number:06}.jsonl" for number in numbers],
        },
        schema={"source_id": pl.Int32, "sha256": pl.String, "name": pl.String},
    )


def rows_in(path: Path) -> Iterator[Row]:
    """Rows that were pickled one after another."""
    with path.open("rb") as file:
        while True:
            try:
                yield pickle.load(file)
            except EOFError:
                return


def add_up(rows: str) -> Work:
    """The adding up of the cells of one source, of many buckets."""
    given = list(rows_in(Path(rows)))
    amount = sum(unpacked(row[3]).height for row in given)

    def work() -> dict[str, Any]:
        made = [unpacked(row[3]) for row in added_up(iter(given))]
        size = sum(len(row[3]) for row in given)
        return {"amount": amount, "made": sum(frame.height for frame in made), "size": size}

    return lambda: timed(work)


def scan_files(files: str, by: str, sources: int) -> Work:
    """A scan task over the files of calls of a folder, grouped by day and ``by``."""
    paths = tuple(map(str, task_files(files)))
    edges = edges_in(open_book())
    tables = {"shipped_sources": known(sources)}
    names = [name for name in by.split(",") if name]
    if len(names) < 2:
        extra = {"extra": "".join(names)}
        task = Scan(paths, tables, (), "replay/added_calls", _plain(edges, extra), 1)
    else:
        asked = {f"by_{n}": name for n, name in enumerate(_padded(names), 1)}
        values = {**_plain(edges, {}), "assume_model": None, "call_id": None, **asked}
        task = Scan(paths, tables, (*AS_STORED, "replay/as_logged"), "replay/cells", values, 1)

    def work() -> dict[str, Any]:
        ((_, _, _, data),) = scanned(task)
        (frame,) = unpacked_all(data)
        return {"amount": int(frame["calls"].sum()), "cells": frame.height, "bytes": len(data)}

    return lambda: timed(work)


def _plain(edges: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    return {**WHOLE_DAYS, **edges, "sources": None, **extra}


def _padded(names: list[str]) -> list[str]:
    return [*names, *[""] * (6 - len(names))]


def replay_at_home(path: str) -> Work:
    """A replay of the scenarios of a store of which all calls are added up."""
    opened = stores.Opened(path)
    question = Question(book=open_book(), scenarios=choose(built_in(), ()))
    cells = opened.store.rows("replay/day_cells")
    assert cells[0]["are_whole"], "a replay would look at the calls"

    def work() -> dict[str, Any]:
        return {"amount": 1, "calls": int(replay(opened.store, question).coverage["calls"])}

    return lambda: timed(work)


def cells_of(store: str) -> Work:
    """The cells of one source: what is kept at home of the calls of a day."""
    opened = stores.Opened(store)
    edges = edges_in(open_book())

    def work() -> dict[str, Any]:
        opened.store.run("replay/added_calls", **WHOLE_DAYS, **edges, sources=[0])
        cells = opened.store.frame("spread/sent_added")
        return {"amount": int(cells["calls"].sum()), "cells": cells.height}

    return lambda: timed(work)
