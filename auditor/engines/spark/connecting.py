"""Reaching a cluster: a master (classic Spark) or an address ``sc://`` (Spark Connect)."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditor import leftovers
from auditor.engines.spark.cluster import Cluster, Told
from auditor.engines.spark.failures import in_words
from auditor.engines.spark.reaching import check_master, check_remote
from auditor.engines.spark.shipping import digest, package_file
from auditor.errors import AuditError

LOCAL = "local[*]"
CONNECT_SLOTS = 32
"""How many tasks at once we reckon with where a server does not tell."""
PYTHON = "spark.pyspark.python"
LOGGERS = ("py4j", "pyspark")
FORCED = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
}
"""As what we hand over is meant; a cluster that keeps other ways is refused."""
OURS = {
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.maxResultSize": "0",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.adaptive.enabled": "false",
}


@dataclass(frozen=True)
class Address:
    """Where the cluster is: a ``master`` URL or a ``remote`` (``sc://``); neither: this machine.

    ``settings`` are further settings of Spark, by name.
    """

    master: str | None = None
    remote: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def connected(address: Address, told: Told) -> Iterator[Cluster]:
    """A session. Raises AuditError where there is none to be had, or it reckons otherwise.

    ``told`` hears how far a job is.
    """
    with package_file() as package, leftovers.elsewhere() as folder:
        _be_quiet()
        said = folder / "said"
        try:
            with _kept_aside(said):
                session, code = _session(address, package)
        except Exception as error:
            raise in_words(error, said.read_text("utf-8", "replace")) from error
        try:
            _check(session)
            slots = _slots(session, address)
            yield Cluster(session, slots, address.remote is not None, told, code)
        finally:
            with suppress(Exception):  # it may be gone, and what was to be said is said
                session.stop()


def _be_quiet() -> None:
    """What pyspark warns and logs is for who writes programs: errors reach us as such."""
    warnings.filterwarnings("ignore", module="pyspark")
    for name in LOGGERS:
        logging.getLogger(name).addHandler(logging.NullHandler())


def _session(address: Address, package: Path) -> tuple[Any, str | None]:
    """The session, and the digest of our code where the cluster does not take it from us."""
    try:
        from pyspark.sql import SparkSession
        from pyspark.util import is_remote_only
    except ImportError:
        raise AuditError(
            "--engine spark needs the package pyspark",
            hint="pip install 'auditor[spark]' for a cluster that speaks Spark Connect (sc://), or "
            "'auditor[spark-local]' for any master; never both in one environment.",
        ) from None
    if address.remote is not None:
        check_remote(address.remote)
    elif is_remote_only():
        raise AuditError(
            "only the client of Spark Connect is installed here, which reaches no --master",
            hint="Give --remote sc://HOST; or, in another environment: "
            "pip install 'auditor[spark-local]'.",
        )
    else:
        check_master(address.master or LOCAL)
    builder = SparkSession.builder.appName("audit")
    for name, value in {**OURS, **FORCED, **address.settings}.items():
        builder = builder.config(name, value)
    if address.remote is not None:
        session = builder.remote(address.remote).getOrCreate()
        return session, _sent(session, package)
    master = address.master or LOCAL
    session = builder.master(master).getOrCreate()
    context = session.sparkContext
    if python := address.settings.get(PYTHON) or (sys.executable if _is_local(master) else None):
        context.pythonExec = python
    if not _is_local(master):  # there it is imported as it is here
        context.addPyFile(str(package))
    return session, None


def _sent(session: Any, package: Path) -> str | None:
    """Send our code to a server; its digest where the server takes none, as Sail does not."""
    from pyspark.errors.exceptions.connect import SparkConnectException

    try:
        session.addArtifacts(str(package), pyfile=True)
    except SparkConnectException as error:
        if "artifact" not in str(error).lower():
            raise
        return digest()
    return None


def _is_local(master: str) -> bool:
    """Whether tasks run on this machine alone."""
    return master == "local" or master.startswith("local[")


@contextmanager
def _kept_aside(file: Path) -> Iterator[None]:
    """What a process that is begun inside says goes into a file, for good.

    The driver of Spark is one, and talks much.
    """
    streams = (sys.stdout, sys.stderr)
    ours = [(number, os.dup(number)) for number in (1, 2)]
    for stream in streams:
        stream.flush()
    try:
        with file.open("wb") as target:
            for number, _ in ours:
                os.dup2(target.fileno(), number)
        yield
    finally:
        for stream in streams:
            stream.flush()
        for number, copy in ours:
            os.dup2(copy, number)
            os.close(copy)


def _check(session: Any) -> None:
    for name, value in FORCED.items():
        found = session.conf.get(name)
        if found.lower() != value.lower():
            raise AuditError(
                f"the cluster has {name} = {found}, and cannot be told {value}",
                hint="Ask who runs it to let sessions set it: figures would not be the same.",
            )


def _slots(session: Any, address: Address) -> int:
    if address.remote is not None:
        return CONNECT_SLOTS
    return int(session.sparkContext.defaultParallelism)
