"""Names the process that is in the way."""

from __future__ import annotations

from pathlib import Path, PurePath

from auditor.errors import printable

LONGEST = 200


def described(pid: int) -> str:
    """``pid 4711 (audit ingest logs --db august.duckdb)``, as far as the system tells."""
    command = _command(pid)
    return f"pid {pid} ({command})" if command else f"pid {pid}"


def _command(pid: int) -> str:
    """What was called, without the interpreter; empty where nobody knows."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    words = raw.decode("utf-8", "replace").rstrip("\0").split("\0")
    if PurePath(words[0]).name.startswith("python"):
        words = words[1:]
    if words[:2] == ["-m", "auditor"]:
        words = ["audit", *words[2:]]
    if not words or words[0] == "-c":
        return "python"
    name = PurePath(words[0]).name
    if name != "audit":  # the arguments of others are no matter of ours
        return printable(name)[:LONGEST]
    said = printable(" ".join((name, *words[1:])))
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"
