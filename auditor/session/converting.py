"""``audit convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from auditor.config import Allowance
from auditor.reports import files
from auditor.reports.figures import counted
from auditor.reports.partitioned import check_partitions, write_partitions
from auditor.session.common import allowance_of, check_output, own_files, say_rejects, take_in
from auditor.session.known import book_of, settings_of
from auditor.store import Store
from auditor.terminal import say


def convert(
    logs: tuple[str, ...],
    output: Path,
    *,
    partition: bool,
    config: Path | None,
    prices: tuple[Path, ...],
    allow_rejects: str | None,
    hash_key: bytes | None,
    **reading: Any,
) -> bool:
    """``audit convert``: a file, or with ``partition`` a folder of one a day of UTC.

    Returns whether all lines were read, within the allowance.
    """
    settings = settings_of(config)
    allowed: Allowance = allowance_of("--allow-rejects", allow_rejects, settings.allow_rejects)
    own = own_files(settings, None, *prices)
    if partition:
        check_partitions(output)
    else:
        check_output(output, own)
    with Store.open(None, hash_key=hash_key) as store:
        book = book_of(settings, prices)
        reading |= {"sampling": False, "shows_ids": True}
        done = take_in(store, logs, settings, book, own, output, **reading)
        if done.tally.rejects:
            say_rejects(store, None, done.tally.rejects)
        buckets = store.rows("replay/sums")[0]["buckets"]
        calls = store.frame("ingest/converted", keyed=hash_key is not None)
    private = reading["keep_text"]
    if partition:
        parts = write_partitions(output, calls, private=private)
        say(f"Wrote {counted(calls.height, 'call')} to {output}: {counted(parts, 'partition')}.")
    else:
        files.write(output, files.parquet_bytes(calls), private=private)
        say(f"Wrote {counted(calls.height, 'call')} to {output}.")
    if buckets:
        say(f"{counted(buckets, 'bucket')} left out: sums of a provider's export are no calls.")
    if allowed.allows(done.tally.rejects, done.tally.lines):
        return True
    say(
        f"Incomplete: {counted(done.tally.rejects, 'line')} rejected, which the file does not hold."
    )
    return False
