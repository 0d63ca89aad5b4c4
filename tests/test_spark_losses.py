"""Workers that are destroyed, drivers that are killed or interrupted: the store is right anyway.

``pytest -m spark -n0`` in an environment with the extra ``spark-local`` and Java 17.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.cluster import Cluster, Driver, cluster_of, why_no_spark
from helpers.logs import capture, write
from helpers.processes import until
from helpers.spark_runs import audit, running, said, tables, uncounted
from helpers.spark_status import Stage
from helpers.spread import Pair

NO_SPARK = why_no_spark()
pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(NO_SPARK is not None, reason=str(NO_SPARK)),
]
# of the driver of `audit ingest`, in the order in which they begin
READING, MERGING = 1, 2
BUCKETS = 24
FILES, LINES = 9, 10_000
CALLS = 60_000
"""Ids are drawn from so many: files share calls, of which some are read better than others."""


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_of(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def cluster(standing: Cluster) -> Cluster:
    """The cluster with two workers: of those that a test destroyed, others take the place."""
    while len(standing.workers) < 2:
        standing.add_worker()
    standing.wait_for_workers()
    return standing


@dataclass(frozen=True)
class Big:
    """Logs of which there is a while to read, and what comes of them in one process."""

    logs: Path
    said: str
    tables: dict[str, list[str]]
    figures: str


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Big:
    folder = tmp_path_factory.mktemp("big")
    logs = folder / "logs"
    dice = random.Random(20230822)
    for number in range(FILES):
        write(logs / f"{number}.jsonl", [drawn(dice) for _ in range(LINES)])
    assert sum(path.stat().st_size for path in logs.iterdir()) > 60e6
    first = audit("ingest", few(folder), "--db", "here.duckdb", folder=folder)
    assert first.exit_code == 0, first
    ended = audit("ingest", "logs", "--db", "here.duckdb", folder=folder)
    assert ended.exit_code == 0, ended
    figures = audit(*FIGURES, "here.duckdb", folder=folder)
    assert figures.exit_code == 0, figures
    return Big(logs, ended.err, tables(folder / "here.duckdb"), figures.out)


FIGURES = ("replay", "--format", "csv", "--by", "team,day", "--db")


def drawn(dice: random.Random) -> dict[str, object]:
    """A reading of a call; of two of the same the one that counts more is the fuller."""
    number = dice.randrange(CALLS)
    return capture(
        f"call-{number}",
        f"2023-08-{number % 28 + 1:02}T{number % 24:02}:10:00Z",
        sent=1_000 + number % 7,
        made=dice.choice((0, 5 + number % 50)),
        team="abc"[number % 3],
        text="Is it so? " * 30,
    )


def few(folder: Path) -> Path:
    """What a store holds before."""
    lines = [capture(f"call-{n}", made=3, team="a") for n in range(50)]
    return write(folder / "few" / "few.jsonl", lines)


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A store that an engine began, with a few calls."""
    pair = Pair(tmp_path, BUCKETS)
    pair.take_in_spread([few(tmp_path)])
    return pair.spread


def ingest(big: Big, db: Path, cluster: Cluster) -> tuple[str | Path, ...]:
    spark = ("--engine", "spark", "--master", cluster.url, "--db", db)
    return ("ingest", big.logs, *spark)


def check(big: Big, db: Path) -> None:
    """The store is as one process fills it, and there is no file but those of it."""
    found = tables(db)
    for name, rows in big.tables.items():
        assert found[name] == rows, f"{name} is another"
    assert audit(*FIGURES, db, folder=db.parent).out == big.figures
    assert uncounted(db) == []


def destroyed(cluster: Cluster, driver: Driver, stage: Stage) -> str:
    """Destroy a worker on which tasks of a stage were done, and return its executor."""
    executor = driver.status.executors_of(stage)[0]
    cluster.destroy(cluster.worker_of(driver.status, executor))
    return executor


def test_a_worker_is_lost_while_logs_are_read(
    cluster: Cluster, big: Big, begun: Path, tmp_path: Path
) -> None:
    driver = cluster.driver()
    with running(*ingest(big, begun, cluster), folder=tmp_path, env=driver.env) as session:
        stage = driver.status.wait_for_stage(READING, session, done=3, active=1)
        assert stage.tasks >= 8
        lost = destroyed(cluster, driver, stage)
        assert said(session) == big.said
        until(lambda: not session.pids(), "the end of the driver")
    assert list(driver.history.removed()) == [lost]
    endings = driver.history.endings()
    again = endings[stage.number, "Resubmitted"]
    assert again >= 1
    assert endings[stage.number, "Success"] == stage.tasks + again
    check(big, begun)


def test_a_worker_is_lost_while_calls_are_merged_and_written(
    cluster: Cluster, big: Big, begun: Path, tmp_path: Path
) -> None:
    driver = cluster.driver()
    with running(*ingest(big, begun, cluster), folder=tmp_path, env=driver.env) as session:
        stage = driver.status.wait_for_stage(MERGING, session, done=2, active=1)
        assert stage.tasks == BUCKETS and stage.done < BUCKETS
        lost = destroyed(cluster, driver, stage)
        assert said(session) == big.said
    assert list(driver.history.removed()) == [lost]
    # what it had read is gone: the rest of the stage does not find it, and it is read again
    assert driver.history.endings()[stage.number, "FetchFailed"] >= 1
    first, *others = [n for n, _, tasks in driver.history.attempts() if n == stage.number]
    assert others, f"stage {first} was not tried again"
    check(big, begun)


def test_a_driver_that_is_interrupted_or_dies_stores_nothing(
    cluster: Cluster, big: Big, begun: Path, tmp_path: Path
) -> None:
    before = tables(begun)
    counted = written(begun)

    driver = cluster.driver()
    with running(*ingest(big, begun, cluster), folder=tmp_path, env=driver.env) as session:
        driver.status.wait_for_stage(READING, session, done=1, active=1)
        session.began.send_signal(signal.SIGINT)
        session.began.wait(60)
        assert session.began.returncode == 130, session.log.read_text()
        # after the line of a terminal in which ^C stands
        assert session.log.read_text().strip() == "Interrupted. What was stored before stays."
        until(lambda: not session.pids(), "the end of the driver", seconds=30)
    assert tables(begun) == before
    assert written(begun) == counted

    driver = cluster.driver()
    with running(*ingest(big, begun, cluster), folder=tmp_path, env=driver.env) as session:
        driver.status.wait_for_stage(MERGING, session, done=4, active=1)
        assert written(begun) > counted
        session.kill()
    assert tables(begun) == before
    assert uncounted(begun), "nothing was written before it died"

    driver = cluster.driver()
    with running(*ingest(big, begun, cluster), folder=tmp_path, env=driver.env) as session:
        assert said(session) == big.said
    check(big, begun)


def written(db: Path) -> set[str]:
    return {path.name for path in db.with_name(f"{db.name}.calls").iterdir()}
