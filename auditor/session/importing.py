"""``audit prices import``."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from auditor.errors import AuditError, PriceBookError
from auditor.pipeline.replay import kinds_of
from auditor.prices import Book, book_text, compare, load_book, open_book, price, read_package
from auditor.prices.loader import FALLBACK
from auditor.reports import files, price_import
from auditor.session.common import check_output, own_files
from auditor.session.known import settings_of
from auditor.session.locking import opened
from auditor.terminal import say, show


def import_package(
    output: Path,
    *,
    config: Path | None,
    prices: tuple[Path, ...],
    db: Path | None,
    lock_timeout: str,
    sellers: tuple[str, ...],
    snapshot: date,
    since: date | None,
) -> None:
    """``audit prices import genai-prices``: a book of the installed package, and what it lacks."""
    settings = settings_of(config)
    if since is not None and since >= snapshot:
        raise AuditError(
            f"--since {since} is not before the snapshot of {snapshot}",
            hint="--since takes back what is known for the day of the snapshot.",
        )
    _check_target(output, own_files(settings, db, *prices))
    asked: tuple[str, ...] = ()
    if db is not None:
        with opened(db, lock_timeout, to_read=True) as store:
            asked = tuple(model for _, model in kinds_of(store))
    package = read_package(snapshot, since=since, sellers=sellers, asked=asked)
    if not package.rows:
        raise AuditError(
            "a book can state no price of these sellers",
            hint="Name other sellers with --provider, or none.",
        )
    others = (path for path in (*settings.prices, *prices) if path.resolve() != output.resolve())
    ours = open_book(others)
    if output.stem in {file.name for file in ours.files}:
        raise AuditError(
            f"-o {output} has the name of another price book",
            hint="Name it otherwise: the name is shown beside every rate taken from it.",
        )
    files.write(output, book_text(package.rows, FALLBACK))
    theirs = load_book(output).fallback
    assert theirs is not None
    found = compare(ours, theirs)
    sold = tuple((name, by) for name, by in package.elsewhere if not _prices(ours, name))
    package = replace(package, elsewhere=sold)
    show(lambda console: price_import.show(package, found, console))
    say(f"Wrote {output}: use it with --prices {output}, or name it in `prices` of audit.toml.")


def _prices(book: Book, name: str) -> bool:
    """Whether the book has a price for the name on some day."""
    return any(price(book, name, day).row for day in book.boundaries())


def _check_target(output: Path, own: frozenset[Path]) -> None:
    """Refuse what no book should be written to: only an import is written over by the next one."""
    check_output(output, own - {output.resolve()})
    if output.suffix != ".csv":
        raise AuditError(f"-o {output} is no name for a price book", hint="Let it end in .csv.")
    if not output.exists():
        return
    try:
        is_import = not load_book(output).rows
    except PriceBookError:
        is_import = False
    if not is_import:
        raise AuditError(
            f"-o {output} is there and is no imported book", hint="Write the import elsewhere."
        )
