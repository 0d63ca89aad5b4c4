"""A small job of two stages for a cluster: rows are emitted for buckets, and summed in each.

``python spark_job.py '{"rows": 8, "buckets": 6, …}'`` prints the sums as JSON. ``holds`` names the
stage of which all tasks but the first ``free`` wait until there is a file ``gate``. It is run as a
program since functions of ``__main__`` reach the workers by value, without this folder.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

Batches = Iterator[Any]


@dataclass(frozen=True)
class Job:
    """Where it runs and what it does."""

    url: str
    rows: int = 8
    buckets: int = 6
    holds: str = ""
    gate: str = ""
    free: int = 0

    def text(self) -> str:
        return json.dumps(asdict(self))

    def sums(self) -> dict[int, int]:
        """What comes out, counted here."""
        found = dict.fromkeys(range(self.buckets), 0)
        for row in range(self.rows):
            for bucket in range(self.buckets):
                found[bucket] += (row + 1) ** (bucket + 1)
        return found


def emitting(job: Job) -> Callable[[Batches], Batches]:
    """Of each number a row for each bucket, with a power of the number as bytes."""
    held = waiting(job, "read")

    def emit(batches: Batches) -> Batches:
        held()
        for batch in batches:
            for row in batch.to_pydict()["id"]:
                buckets = list(range(job.buckets))
                blobs = [((row + 1) ** (bucket + 1)).to_bytes(16, "big") for bucket in buckets]
                yield type(batch).from_pydict({"bucket": buckets, "blob": blobs})

    return emit


def summing(job: Job) -> Callable[[Batches], Batches]:
    """The sum of each bucket that came to this task."""
    held = waiting(job, "reduce")

    def add(batches: Batches) -> Batches:
        held()
        sums: dict[int, int] = {}
        kind = None
        for batch in batches:
            kind = type(batch)
            columns = batch.to_pydict()
            for bucket, blob in zip(columns["bucket"], columns["blob"], strict=True):
                sums[bucket] = sums.get(bucket, 0) + int.from_bytes(blob, "big")
        if kind is not None:
            found = {"bucket": list(sums), "total": [str(total) for total in sums.values()]}
            yield kind.from_pydict(found)

    return add


def waiting(job: Job, stage: str) -> Callable[[], None]:
    """What a task of this stage does first."""
    if job.holds != stage:
        return lambda: None

    def wait() -> None:
        from pyspark import TaskContext

        context = TaskContext.get()
        if context is not None and context.partitionId() >= job.free:
            end = time.monotonic() + 120
            while not os.path.exists(job.gate):  # noqa: PTH110 - what needs no import but os
                if time.monotonic() > end:
                    raise TimeoutError("nobody opened the gate")
                time.sleep(0.05)

    return wait


def run(job: Job) -> dict[int, int]:
    """The sums, from a session that is begun for it."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    remote = job.url.startswith("sc://")
    spark = (builder.remote(job.url) if remote else builder.master(job.url)).getOrCreate()
    try:
        rows = (
            spark.range(0, job.rows, 1, job.rows)
            .mapInArrow(emitting(job), "bucket long, blob binary")
            .repartition(job.buckets, "bucket")
            .mapInArrow(summing(job), "bucket long, total string")
            .collect()
        )
    finally:
        spark.stop()
    return {row["bucket"]: int(row["total"]) for row in sorted(rows, key=lambda row: row["bucket"])}


if __name__ == "__main__":
    print(json.dumps(run(Job(**json.loads(sys.argv[1])))))  # noqa: T201
