"""The cluster that other tests stand on: a job gives the same sums when a worker is lost.

``pytest -m spark -n0`` in an environment with the extra ``spark-local`` (and Java 17), or with
``spark`` and pysail: what cannot be begun there is skipped.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers import spark_job
from helpers.cluster import (
    Cluster,
    Worker,
    cluster_of,
    connect_server,
    sail_server,
    why_no_sail,
    why_no_spark,
)
from helpers.processes import Session, begin
from helpers.spark_job import Job

pytestmark = pytest.mark.spark
NO_SPARK, NO_SAIL = why_no_spark(), why_no_sail()
spark = pytest.mark.skipif(NO_SPARK is not None, reason=str(NO_SPARK))
sail = pytest.mark.skipif(NO_SAIL is not None, reason=str(NO_SAIL))


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


@contextmanager
def running(job: Job, folder: Path, env: Mapping[str, str] = os.environ) -> Iterator[Session]:
    """The job in a process of its own."""
    command = [sys.executable, spark_job.__file__, job.text()]
    session = begin(command, folder / "job.log", folder, env)
    try:
        yield session
    finally:
        session.kill()


def sums(session: Session) -> dict[int, int]:
    """What the job printed when it has ended."""
    session.began.wait(180)
    text = session.log.read_text(encoding="utf-8")
    assert session.began.returncode == 0, text
    (line,) = (line for line in text.splitlines() if line.startswith("{"))
    return {int(bucket): total for bucket, total in json.loads(line).items()}


def gone(session: Session) -> bool:
    return session.began.poll() is not None and not session.pids()


@spark
def test_nothing_is_lost_and_nothing_is_left(tmp_path: Path) -> None:
    job = Job("")
    with cluster_of(tmp_path) as cluster:
        driver = cluster.driver()
        job = Job(cluster.url)
        with running(job, tmp_path, driver.env) as session:
            assert sums(session) == job.sums()
        assert driver.history.removed() == {}
        assert set(driver.history.endings()) == {(0, "Success"), (2, "Success")}
        sessions = [cluster.master, *(worker.session for worker in cluster.workers)]
    assert all(gone(one) for one in sessions)


@spark
def test_a_worker_is_lost_in_the_read_stage(cluster: Cluster, tmp_path: Path) -> None:
    job = Job(cluster.url, holds="read", gate=str(tmp_path / "gate"), free=4)
    driver = cluster.driver()
    with running(job, tmp_path, driver.env) as session:
        stage = driver.status.wait_for_stage(0, session, done=4, active=2)
        holders = driver.status.executors_of(stage)
        assert holders == driver.status.executors_of(stage, "RUNNING") == ["0", "1"]
        lost = cluster.worker_of(driver.status, holders[0])
        cluster.destroy(lost)
        burned(lost)
        Path(job.gate).touch()
        assert sums(session) == job.sums()
    assert list(driver.history.removed()) == [holders[0]]
    endings = driver.history.endings()
    # one was running there, and what was done there is done again
    assert endings[stage.number, "ExecutorLostFailure"] == 1
    assert endings[stage.number, "Resubmitted"] >= 1
    assert endings[stage.number, "Success"] == job.rows + endings[stage.number, "Resubmitted"]


@spark
def test_a_worker_is_lost_in_the_reduce_stage(cluster: Cluster, tmp_path: Path) -> None:
    job = Job(cluster.url, holds="reduce", gate=str(tmp_path / "gate"), free=2)
    driver = cluster.driver()
    with running(job, tmp_path, driver.env) as session:
        stage = driver.status.wait_for_stage(1, session, done=1, active=2)
        (read,) = (one for one in driver.status.stages() if one.begun and one != stage)
        holders = driver.status.executors_of(read)
        assert holders == ["0", "1"]
        lost = cluster.worker_of(driver.status, holders[0])
        held = sum(one["executorId"] == holders[0] for one in driver.status.tasks(read))
        cluster.destroy(lost)
        burned(lost)
        Path(job.gate).touch()
        assert sums(session) == job.sums()
    assert list(driver.history.removed()) == [holders[0]]
    endings = driver.history.endings()
    assert endings[stage.number, "ExecutorLostFailure"] == 1
    # what is left of the stage does not find what the lost worker held: that is read again
    assert endings[stage.number, "FetchFailed"] >= 1
    assert [tasks for _, _, tasks in driver.history.attempts()[2:-1]] == [held]


@spark
def test_a_worker_takes_the_place_of_a_lost_one(cluster: Cluster, tmp_path: Path) -> None:
    job = Job(cluster.url, holds="read", gate=str(tmp_path / "gate"), free=4)
    driver = cluster.driver()
    with running(job, tmp_path, driver.env) as session:
        stage = driver.status.wait_for_stage(0, session, done=4, active=2)
        for executor in driver.status.executors_of(stage):
            cluster.destroy(cluster.worker_of(driver.status, executor))
        cluster.add_worker()
        cluster.wait_for_workers()
        Path(job.gate).touch()
        assert sums(session) == job.sums()
    assert sorted(driver.history.removed()) == ["0", "1"]


@spark
def test_a_server_of_connect_runs_the_job_itself(tmp_path: Path) -> None:
    with connect_server(tmp_path) as server:
        job = Job(server.url)
        with running(job, tmp_path) as session:
            assert sums(session) == job.sums()
    assert gone(server.session)


@spark
def test_a_server_of_connect_runs_the_job_on_the_cluster(cluster: Cluster, tmp_path: Path) -> None:
    with connect_server(tmp_path, cluster) as server:
        assert server.driver is not None
        job = Job(server.url, holds="reduce", gate=str(tmp_path / "gate"), free=2)
        with running(job, tmp_path) as session:
            stage = server.driver.status.wait_for_stage(1, session, done=1, active=2)
            executors = server.driver.status.executors_of(stage)
            cluster.destroy(cluster.worker_of(server.driver.status, executors[0]))
            Path(job.gate).touch()
            assert sums(session) == job.sums()
    assert list(server.driver.history.removed()) == executors[:1]
    assert server.driver.history.endings()[stage.number, "FetchFailed"] >= 1


@sail
def test_sail_runs_the_job(tmp_path: Path) -> None:
    with sail_server(tmp_path) as server:
        job = Job(server.url)
        with running(job, tmp_path) as session:
            assert sums(session) == job.sums()
    assert gone(server.session)


def burned(worker: Worker) -> None:
    """Nothing of a worker is there any more."""
    assert gone(worker.session)
    assert not worker.local.exists()
