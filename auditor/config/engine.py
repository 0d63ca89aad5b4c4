"""``[engine]`` of audit.toml: who reads logs and scans calls.

Keys: ``name`` ("embedded" or "spark"), ``master`` or ``remote`` (where the cluster is), ``calls``
(the folder that calls go into, seen by all machines), ``buckets`` (of a new store),
``[engine.conf]`` (settings of Spark, by name).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditor.config.tables import Table
from auditor.errors import ConfigError

EMBEDDED, SPARK = "embedded", "spark"
NAMES = (EMBEDDED, SPARK)
KEYS = ("name", "master", "remote", "calls", "buckets", "conf")
MOST_BUCKETS = 65_536


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engine, and where it is: ``master`` or ``remote``; neither is this machine."""

    name: str = EMBEDDED
    master: str | None = None
    remote: str | None = None
    calls: Path | None = None
    buckets: int | None = None
    conf: Mapping[str, str] = field(default_factory=dict)


def engine_of(file: str, entries: Any, folder: Path) -> EngineChoice:
    """The table ``[engine]``. Raises ConfigError."""
    if not isinstance(entries, dict):
        raise ConfigError(file, None, "engine must be a table", hint="Write [engine].")
    table = Table(file, "[engine]", entries)
    table.check_keys(KEYS, ("name",))
    known = f"Known keys: {', '.join(KEYS)}."
    if entries["name"] not in NAMES:
        raise table.error("name", f"must be one of {', '.join(NAMES)}", 'Write name = "spark".')
    texts = {key: table.text(key, known) for key in ("master", "remote") if key in entries}
    if len(texts) == 2:
        raise table.error("remote", "and master are two ways to a cluster", "Give one of the two.")
    calls = folder / table.text("calls", known) if "calls" in entries else None
    buckets = entries.get("buckets")
    if buckets is not None and (type(buckets) is not int or not 1 <= buckets <= MOST_BUCKETS):
        raise table.error("buckets", f"must be a whole number up to {MOST_BUCKETS:,}", known)
    conf = entries.get("conf", {})
    if not isinstance(conf, dict) or not all(isinstance(v, str) for v in conf.values()):
        raise table.error(
            "conf", "must be a table of texts", 'Write "spark.executor.memory" = "8g" under it.'
        )
    return EngineChoice(entries["name"], calls=calls, buckets=buckets, conf=conf, **texts)
