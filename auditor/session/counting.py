"""``audit count``."""

from __future__ import annotations

from pathlib import Path

from auditor import terminal
from auditor.pipeline.counting import Gauge
from auditor.pipeline.token_count import count_tokens
from auditor.reports import token_count
from auditor.reports.figures import counted
from auditor.session.common import check_output, format_named, logs_in, own_files, put_out
from auditor.session.known import book_of, formats_of, settings_of
from auditor.terminal import say


def count(
    logs: tuple[str, ...],
    *,
    config: Path | None,
    prices: tuple[Path, ...],
    as_format: str | None,
    exclude: tuple[str, ...],
    assume_model: str | None,
    format_: str,
    output: Path | None,
) -> None:
    """``audit count``: reads logs, stores nothing."""
    settings = settings_of(config)
    own = own_files(settings, None, *prices)
    if output is not None:
        check_output(output, own)
    known = formats_of(settings)
    chosen = format_named(known, as_format)
    gauge = Gauge(book_of(settings, prices), settings.models, assume_model=assume_model)
    with (
        logs_in(logs, exclude, own, output, limits=settings.limits) as found,
        terminal.progress(sum(file.weight for file in found)) as on_bytes,
    ):
        done = count_tokens(found, known, gauge, chosen=chosen, on_bytes=on_bytes)
    put_out(
        output,
        format_,
        lambda console: token_count.show(done, console),
        lambda: token_count.WRITERS[format_](done),
    )
    if done.rejects:
        say(f"{counted(done.rejects, 'line')} rejected, and not counted.")
