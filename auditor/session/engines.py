"""Which engine reads and scans: this process, or a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor import leftovers
from auditor.errors import AuditError
from auditor.pipeline.elsewhere import Engine
from auditor.store import Store

SPARK = "spark"
OPTIONS = ("engine", "master", "remote", "calls", "buckets", "spark_conf")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says of the engine."""

    engine: str
    master: str | None
    remote: str | None
    calls: Path | None
    buckets: int | None
    spark_conf: tuple[str, ...]


def taken_out(given: dict[str, Any]) -> Asked:
    """What of the options given is about the engine; the rest stays."""
    asked = Asked(**{name: given.pop(name) for name in OPTIONS})
    of_spark = asked.master, asked.remote, asked.calls, asked.buckets, asked.spark_conf
    if asked.engine != SPARK and any(of_spark):
        raise AuditError(
            "--master, --remote, --calls, --buckets and --spark-conf are of --engine spark",
            hint="Add --engine spark, or leave them out.",
        )
    if asked.master and asked.remote:
        raise AuditError(
            "--master and --remote are two ways to a cluster",
            hint="Give --remote for an address sc://, --master for any other.",
        )
    if asked.engine == SPARK and given.get("keep_text"):
        raise AuditError(
            "--keep-text keeps prompts in the store, --engine spark calls in files beside it",
            hint="Keep the text of one workload with the embedded engine, or leave it where it is.",
        )
    return asked


@contextmanager
def engine_for(asked: Asked, store: Store) -> Iterator[Engine | None]:
    """The engine, its session open; None where this process reads. It scans the store's calls."""
    if asked.engine != SPARK:
        yield None
        return
    from auditor.engines.spark.connecting import Address, connected
    from auditor.engines.spark.engine import SparkEngine, Spreading

    address = Address(asked.master, asked.remote, _settings(asked.spark_conf))
    with ExitStack() as stack:
        folder, named = _folder(asked, store, stack)
        cluster = stack.enter_context(connected(address))
        engine = SparkEngine(cluster, Spreading(folder, named, asked.buckets))
        store.scanner = engine
        try:
            yield engine
        finally:
            store.scanner = None


def _folder(asked: Asked, store: Store, stack: ExitStack) -> tuple[Path, str]:
    """Where the calls go, and how the store names it: beside it by its name alone."""
    if asked.calls is not None:
        return asked.calls.absolute(), str(asked.calls.absolute())
    if store.path is None:
        folder = stack.enter_context(leftovers.elsewhere())
        return folder, str(folder)
    name = f"{store.path.name}.calls"
    return store.path.absolute().with_name(name), name


def _settings(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    for name, mark, _ in pairs:
        if not name or not mark:
            raise AuditError(
                f"--spark-conf {name} is no setting",
                hint="Give NAME=VALUE, such as spark.executor.memory=8g.",
            )
    return {name.strip(): value.strip() for name, _, value in pairs}
