"""An engine of many machines fills a store as this process does: the same rows in every table.

Here its cluster is one process (helpers.one_process); tests/test_spark_engine.py has a real one.
"""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest
from helpers.logs import Line, capture, failure, uncounted, write
from helpers.one_process import OneProcess
from helpers.spread import Pair, rows_of

from auditor.errors import AuditError, SourceError, StoreError

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SAMPLES = sorted(path for path in (FIXTURES / "formats").iterdir() if path.is_dir())
MODELS = ("gpt-4-0613", "gpt-3.5-turbo-0613", "no-such-model")


def drawn_line(dice: random.Random) -> Line | str:
    """A line that may be a reading of any of 150 calls, fuller or not, or no call at all."""
    number = dice.randint(0, 150)
    name = None if dice.random() < 0.3 else f"id-{number}"
    at = f"2023-08-{number % 28 + 1:02}T{number % 24:02}:10:00Z"
    kind = dice.random()
    if kind < 0.06:
        return "{not json"
    if kind < 0.12:
        return failure(name, at)
    if kind < 0.18:
        return uncounted(name, at)
    return capture(
        name,
        at if dice.random() < 0.95 else None,
        dice.choice(MODELS) if dice.random() < 0.2 else MODELS[0],
        sent=dice.choice((100, 100, 2_000)),
        made=dice.choice((5, 50)),
        team="abc"[number % 3],
    )


def drawn_nights(folder: Path, dice: random.Random) -> list[list[Path]]:
    """The files of some nights."""
    nights = []
    for night in range(3):
        files = []
        for number in range(dice.randint(1, 3)):
            path = folder / f"{night}-{number}.jsonl"
            write(path, [drawn_line(dice) for _ in range(dice.randint(3, 60))])
            files.append(path)
        nights.append(files)
    return nights


@pytest.mark.parametrize("seed", range(6))
def test_night_after_night_both_stores_are_the_same(seed: int, tmp_path: Path) -> None:
    """Whatever arrives twice, fuller or worse, in which file, in how many parts and buckets."""
    dice = random.Random(seed)
    pair = Pair(
        tmp_path, dice.choice((1, 3, 8)), dice.choice((6_000, 1 << 26)), OneProcess(4, seed)
    )
    logs = tmp_path / "logs"
    logs.mkdir()
    for files in drawn_nights(logs, dice):
        here, spread = pair.take_in(files)
        assert here == spread
        pair.check()
    pair.check_figures("team", "month")


def test_a_night_with_nothing_new_does_nothing(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.take_in([FIXTURES / "logs" / "support"])
    written = sorted(pair.calls.iterdir())
    pair.cluster.jobs.clear()
    _, spread = pair.take_in([FIXTURES / "logs" / "support"])
    assert not spread.sources and spread.already
    assert sorted(pair.calls.iterdir()) == written
    assert [words for words, _ in pair.cluster.jobs] in ([], ["Looking"])


def test_a_bucket_of_many_files_becomes_one(tmp_path: Path) -> None:
    pair = Pair(tmp_path, buckets=1)
    most = 0
    for night in range(18):
        path = tmp_path / f"{night}.jsonl"
        write(path, [capture(f"{night}-{n}") for n in range(3)])
        pair.take_in([path])
        most = max(most, len(list(pair.calls.iterdir())))
    pair.check()
    assert 10 < most <= 17 and len(list(pair.calls.iterdir())) < 10


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda path: path.name)
def test_every_format_is_read_the_same(folder: Path, tmp_path: Path) -> None:
    files = [path for path in sorted(folder.iterdir()) if path.suffix not in (".md", ".toml")]
    pair = Pair(tmp_path)
    try:
        here = pair.take_in_here(files)
    except AuditError as error:
        with pytest.raises(type(error)) as refused:
            pair.take_in_spread(files)
        assert (str(refused.value), refused.value.hint) == (str(error), error.hint)
        return
    assert pair.take_in_spread(files) == here
    pair.check()
    pair.check_figures("source", "workload")


@pytest.mark.parametrize(
    ("by", "zone"),
    [
        ((), "UTC"),
        (("team",), "UTC"),
        (("day", "team"), "Europe/Berlin"),
        (("source", "tag:user"), "America/New_York"),
        (("workload", "model", "month"), "UTC"),
    ],
)
def test_the_month_of_the_fixtures_by_all_that_one_may_ask(
    by: tuple[str, ...], zone: str, month: Pair
) -> None:
    month.check_figures(*by, zone=zone)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    pair = Pair(tmp_path_factory.mktemp("month"), buckets=3, part_bytes=10_000)
    here, spread = pair.take_in([FIXTURES / "logs"])
    assert here == spread
    pair.check()
    return pair


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real logs in {DATA}")
@pytest.mark.parametrize(
    "name", ["autogpt", "azure_llm_2023", "llmdrift", "mooncake", "openllmetry"]
)
def test_real_logs_are_read_the_same(name: str, tmp_path: Path) -> None:
    pair = Pair(tmp_path, part_bytes=1 << 20)
    here, spread = pair.take_in([DATA / name])
    assert here == spread
    pair.check()
    pair.check_figures("model", "day")


def test_a_broken_file_leaves_those_before_it(tmp_path: Path) -> None:
    """As one machine does it: the files before are in, none after, and the error says so."""
    for number, name in enumerate("abc"):
        lines = [json.dumps(capture(f"{number}-{k}")) + "\n" for k in range(9_000)]
        data = gzip.compress("".join(lines).encode(), mtime=0)
        (tmp_path / f"{name}.jsonl.gz").write_bytes(data[:-30] if name == "b" else data)
    pair = Pair(tmp_path / "stores")
    pair.folder.mkdir()
    files = sorted(tmp_path.glob("*.gz"))
    with pytest.raises(SourceError) as here:
        pair.take_in_here(files)
    with pytest.raises(SourceError) as spread:
        pair.take_in_spread(files)
    assert (str(spread.value), spread.value.hint) == (str(here.value), here.value.hint)
    assert "1 before it are stored" in spread.value.hint
    with pair.opened() as (one, store):
        for table in ("sources", "calls", "rejects", "heads", "parts", "workloads"):
            assert rows_of(store, table) == rows_of(one, table)
        assert len(rows_of(store, "calls")) == 9_000
        assert store.spread is not None
        counted = {file.path for file in store.spread.files}
    assert set(pair.calls.iterdir()) == counted, "files of the failed run are left"


def test_what_a_killed_run_wrote_is_cleared_away(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.take_in([FIXTURES / "logs" / "support"])
    before = set(pair.calls.iterdir())
    for name in ("calls-0-0123.parquet", "rejects-1-4567.parquet", "notes.txt"):
        (pair.calls / name).write_bytes(b"half of")
    write(tmp_path / "more.jsonl", [capture("more")])
    pair.take_in([tmp_path / "more.jsonl"])
    pair.check()
    left = {path.name for path in set(pair.calls.iterdir()) - before}
    assert not left & {"calls-0-0123.parquet", "rejects-1-4567.parquet"}
    assert "notes.txt" in left, "what is not ours stays"


def test_who_began_a_store_goes_on_with_it(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.take_in([FIXTURES / "logs" / "support"])
    more = write(tmp_path / "more.jsonl", [capture("more")])
    here, spread = pair.here, pair.spread
    here.rename(tmp_path / "kept")
    spread.rename(here)
    with pytest.raises(StoreError, match="lie in files"):
        pair.take_in_here([more])
    here.unlink()
    (tmp_path / "kept").rename(spread)
    with pytest.raises(StoreError, match="filled without --engine"):
        pair.take_in_spread([more])


def test_a_missing_file_of_calls_is_said(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.take_in([FIXTURES / "logs" / "support"])
    next(pair.calls.glob("calls-*")).unlink()
    with pytest.raises(StoreError, match=r"calls-\d+-"):
        pair.check_figures("team")
