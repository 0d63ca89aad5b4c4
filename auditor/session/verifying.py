"""``audit verify-privacy``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from auditor.pipeline.verifying import Verified, verify
from auditor.reports.figures import counted
from auditor.session.common import logs_in, own_files
from auditor.session.known import formats_of, settings_of
from auditor.session.locking import opened
from auditor.terminal import put

SHOWN = 50


def run(
    outputs: tuple[Path, ...],
    *,
    logs: tuple[str, ...],
    db: Path | None,
    lock_timeout: str,
    length: int,
    exclude: tuple[str, ...],
    config: Path | None,
) -> bool:
    """Search, say what was searched and what was found. Returns whether nothing was."""
    settings = settings_of(config)
    own = own_files(settings, db)
    with ExitStack() as stack:
        store = stack.enter_context(opened(db, lock_timeout, to_read=True)) if db else None
        found = stack.enter_context(logs_in(logs, exclude, own, limits=settings.limits))
        done = verify(found, formats_of(settings), store, outputs, length)
    put(_searched(done))
    for place in done.places:
        put(f"  {place}")
    for finding in done.findings[:SHOWN]:
        put(f"{finding.source} is in {finding.found_in}: {finding.what}")
    if len(done.findings) > SHOWN:
        put(f"and {len(done.findings) - SHOWN:,} more")
    put("Nothing found." if not done.findings else f"{counted(len(done.findings), 'finding')}.")
    return not done.findings


def _searched(done: Verified) -> str:
    return (
        f"Looked for {counted(done.strings, 'string')} of {counted(done.sources, 'source')} in "
        f"runs of {done.length} characters and more, and for {counted(done.names, 'name')} as "
        f"whole values, in {done.searched:,} characters of:"
    )
