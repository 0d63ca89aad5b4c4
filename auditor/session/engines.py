"""Which engine reads and scans: this process, or a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from auditor import leftovers, terminal
from auditor.config import Config
from auditor.config.engine import SPARK, EngineChoice
from auditor.errors import AuditError
from auditor.pipeline.elsewhere import Engine
from auditor.store import Store

OPTIONS = ("engine", "master", "remote", "calls", "buckets", "spark_conf")


def choice_of(settings: Config, given: dict[str, Any]) -> EngineChoice:
    """The engine as audit.toml and the options say; these are taken out of what is given."""
    name, master, remote, calls, buckets, conf = (given.pop(name, None) for name in OPTIONS)
    choice = settings.engine
    if name is not None and name != choice.name:
        choice = EngineChoice(name)
    of_spark = {"master": master, "remote": remote, "calls": calls, "buckets": buckets}
    said = {option: value for option, value in of_spark.items() if value is not None}
    if choice.name != SPARK and (said or conf):
        raise AuditError(
            "--master, --remote, --calls, --buckets and --spark-conf are of --engine spark",
            hint="Add --engine spark, or leave them out.",
        )
    if master and remote:
        raise AuditError(
            "--master and --remote are two ways to a cluster",
            hint="Give --remote for an address sc://, --master for any other.",
        )
    if master or remote:
        choice = replace(choice, master=None, remote=None)
    choice = replace(choice, **said, conf={**choice.conf, **_settings(conf or ())})
    check_text(choice, keep_text=bool(given.get("keep_text")))
    return choice


def check_text(choice: EngineChoice, *, keep_text: bool) -> None:
    """Refuse what an engine of many machines does not do. Raises AuditError."""
    if choice.name == SPARK and keep_text:
        raise AuditError(
            "the text of calls is kept in a store, and --engine spark keeps calls in files",
            hint="Keep the text of some logs with the embedded engine, in a store of their own.",
        )


@contextmanager
def engine_for(choice: EngineChoice, store: Store) -> Iterator[Engine | None]:
    """The engine, its session open; None where this process reads. It scans the store's calls."""
    if choice.name != SPARK:
        yield None
        return
    from auditor.engines.spark import connecting
    from auditor.engines.spark.engine import SparkEngine, Spreading

    address = connecting.Address(choice.master, choice.remote, choice.conf)
    with ExitStack() as stack:
        folder = _folder(choice, store, stack)
        told = stack.enter_context(terminal.tasks())
        cluster = stack.enter_context(connecting.connected(address, told))
        engine = SparkEngine(cluster, Spreading(folder, choice.buckets))
        store.scanner = engine
        try:
            yield engine
        finally:
            store.scanner = None


def _folder(choice: EngineChoice, store: Store, stack: ExitStack) -> str:
    """Where the calls of a new store go: beside it, by their name alone, unless told otherwise."""
    if choice.calls is None:
        if store.path is not None:
            return f"{store.path.name}.calls"
        return str(stack.enter_context(leftovers.elsewhere()))
    if store.path is not None:
        return str(choice.calls.absolute())
    choice.calls.mkdir(parents=True, exist_ok=True)
    return str(stack.enter_context(leftovers.beside(choice.calls.absolute() / "run")))


def _settings(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    for name, mark, _ in pairs:
        if not name or not mark:
            raise AuditError(
                f"--spark-conf {name} is no setting",
                hint="Give NAME=VALUE, such as spark.executor.memory=8g.",
            )
    return {name.strip(): value.strip() for name, _, value in pairs}
