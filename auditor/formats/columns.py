"""Which column of a table holds what, and how columns of cells become columns of calls.

Only what every reader would read alike is read here: plain digits, plain amounts, ISO times and
whole numbers since 1970. A row with anything else is for the reader of rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from auditor.formats.times import END_OF_REACH, EPOCH

if TYPE_CHECKING:
    import polars as pl

COUNT = r"^[0-9]{1,12}(?:\.0)?$"
AMOUNT = r"^(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,24})?$"
METERS = (  # a part, its meter, and the meter of the whole
    ("cached_input", "cache_read_tokens", "input_tokens"),
    ("cache_write", "cache_write_tokens", "input_tokens"),
    ("reasoning", "reasoning_tokens", "output_tokens"),
)
NUMBER = r"^[0-9]{1,16}$"
SECONDS_BELOW, MILLISECONDS_BELOW = 10**11, 10**14  # as in formats.times.UNITS
DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
ISO = f"{DAY}[T ]{CLOCK}(?:[.]([0-9]+))?"
IN_UTC = "(?:Z|[+]00:00)"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table of counts; None where it has none. Each row is a chat call.

    ``input`` and ``output`` are what the provider counted, ``parts`` what is counted besides
    (``cached_input``, ``cache_write``, ``reasoning``), ``outside`` those of them that the two leave
    out. ``tags`` are columns by the name of the tag. ``read_time`` reads a cell of ``time`` as the
    reader of rows does; ``time_format`` and ``utc`` (times without an offset are UTC) say what it
    reads. ``checked`` are counts of which nothing is made, ``total`` is input and output together.
    Rows in which a cell of ``needed`` is empty, or with ``answered`` those without output, are for
    the reader of rows.
    """

    input: str
    output: str
    read_time: Callable[[Any], datetime | None]
    time: str | None = None
    time_format: str = "auto"
    utc: bool = True
    id: str | None = None
    model: str | None = None
    requested_model: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    outside: tuple[str, ...] = ()
    max_tokens: str | None = None
    cost: str | None = None
    tier: str | None = None
    status: str | None = None
    failed: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str | None = None
    checked: tuple[str, ...] = ()
    total: str | None = None
    needed: tuple[str, ...] = ()
    answered: bool = False

    @property
    def used(self) -> frozenset[str]:
        """Every column that is looked at."""
        single = (self.input, self.output, self.time, self.id, self.model, self.requested_model)
        more = (self.max_tokens, self.cost, self.tier, self.status, self.fingerprint, self.total)
        several = (*self.parts.values(), *self.tags.values(), *self.checked, *self.needed)
        return frozenset(column for column in (*single, *more, *several) if column is not None)


def calls_of(cells: pl.DataFrame, columns: Columns) -> pl.DataFrame:
    """The calls in rows of cells, which are texts, '' where empty.

    The frame has the columns of ``staged`` (queries/ingest/begin.sql) that the table knows of, but
    for ``line``; the tag NAME is in ``tag NAME``. ``ok`` says whether the row could be read: what
    else stands in a row that is not ok means nothing.
    """
    import polars as pl

    counts = cells.select(_counts(columns))
    plain = cells.select(pl.all_horizontal(_checks(columns)).alias("plain")).to_series()
    right = counts.select(pl.all_horizontal(_sums(columns)).alias("right")).to_series()
    frame = counts.select(_disjoint(columns)).hstack(cells.select(_texts(columns)))
    ok = plain & right
    if columns.time is not None:
        moments = _moments(cells[columns.time], columns)
        frame = frame.with_columns(moments.alias("called_at"))
        ok = ok & (moments.is_not_null() | (cells[columns.time] == ""))
    return frame.with_columns(ok.fill_null(False).alias("ok"))


def _count(column: str) -> pl.Expr:
    """A count; null where the cell is empty, or no plain count."""
    import polars as pl

    return pl.col(column).str.strip_suffix(".0").cast(pl.Int64, strict=False)


def _is_count(column: str, *, optional: bool = False) -> pl.Expr:
    import polars as pl

    plain = pl.col(column).str.contains(COUNT)
    return plain | (pl.col(column) == "") if optional else plain


def _texts(columns: Columns) -> Iterator[pl.Expr]:
    """What is taken as it is written."""
    import polars as pl

    def text(column: str) -> pl.Expr:
        return pl.when(pl.col(column) != "").then(pl.col(column))

    taken = {
        "id": columns.id,
        "requested_model": columns.requested_model,
        "served_model": columns.model,
        "recorded": columns.cost,
        **{f"tag {name}": column for name, column in columns.tags.items()},
    }
    for name, column in taken.items():
        if column is not None:
            yield text(column).alias(name)
    if columns.tier is not None:
        yield text(columns.tier).fill_null("standard").alias("tier")
    if columns.fingerprint is not None:
        yield pl.col(columns.fingerprint).alias("fingerprint")
    if columns.max_tokens is not None:
        yield _count(columns.max_tokens).alias("max_tokens")
    if columns.status is not None:
        failed = pl.col(columns.status).is_in([word for word in columns.failed if word])
        yield failed.alias("failed")
        yield pl.when(failed).then(pl.col(columns.status)).alias("problem")


def _checks(columns: Columns) -> Iterator[pl.Expr]:
    """Whether the cells of a row are written plainly."""
    import polars as pl

    yield _is_count(columns.input)
    yield _is_count(columns.output)
    for column in (*columns.parts.values(), *columns.checked, columns.max_tokens, columns.total):
        if column is not None:
            yield _is_count(column, optional=True)
    if columns.cost is not None:
        yield pl.col(columns.cost).str.contains(AMOUNT) | (pl.col(columns.cost) == "")
    for column in columns.needed:
        yield pl.col(column) != ""


def _counts(columns: Columns) -> Iterator[pl.Expr]:
    """What was counted, as it was counted."""
    yield _count(columns.input).alias("input_tokens")
    yield _count(columns.output).alias("output_tokens")
    for part, meter, _ in METERS:
        if (column := columns.parts.get(part)) is not None:
            yield _count(column).fill_null(0).alias(meter)
    if columns.total is not None:
        yield _count(columns.total).alias("total")


def _disjoint(columns: Columns) -> Iterator[pl.Expr]:
    """The meters: a part that is inside of the whole is taken off it."""
    import polars as pl

    wholes = {name: pl.col(name) for name in ("input_tokens", "output_tokens")}
    for part, meter, whole in METERS:
        if part in columns.parts:
            yield pl.col(meter)
            if part not in columns.outside:
                wholes[whole] = wholes[whole] - pl.col(meter)
    yield from (left.alias(whole) for whole, left in wholes.items())


def _sums(columns: Columns) -> Iterator[pl.Expr]:
    """Whether what was counted adds up, and is something."""
    import polars as pl

    meters = tuple(_disjoint(columns))
    yield pl.all_horizontal([meter >= 0 for meter in meters])
    yield pl.sum_horizontal(meters) > 0
    if columns.answered:
        yield pl.col("output_tokens") > 0
    if columns.total is not None:
        both = pl.col("input_tokens") + pl.col("output_tokens")
        yield pl.col("total").is_null() | (pl.col("total") == both)


def _moments(cells: pl.Series, columns: Columns) -> pl.Series:
    """The moments, as naive UTC; null where a cell is empty or names none.

    What is in no spelling that is read as a column is read a text at a time, each once.
    """
    import polars as pl

    cell, moment = pl.col("cell"), pl.col("moment")
    frame = pl.select(cell=cells, moment=pl.lit(None, pl.Datetime("us")))
    is_left = moment.is_null() & (cell != "")
    first = cells[0] if len(cells) else ""
    for quick in _quick(first, columns):
        read = frame.select(quick.alias("moment"))
        within = pl.when(moment.is_between(EPOCH, END_OF_REACH, closed="left")).then(moment)
        frame = frame.with_columns(moment.fill_null(read.select(within).to_series()))
        if not frame.select(is_left.any()).item():
            return frame["moment"]
    known = {text: _read(columns, text) for text in frame.filter(is_left)["cell"].unique()}
    singly = cell.replace_strict(
        list(known), list(known.values()), default=None, return_dtype=pl.Datetime("us")
    )
    return frame.select(moment.fill_null(singly)).to_series()


def _read(columns: Columns, text: str) -> datetime | None:
    try:
        return columns.read_time(text)
    except ValueError:
        return None


def _quick(first: str, columns: Columns) -> Iterator[pl.Expr]:
    """Readers of the column ``cell`` for spellings such as the first has; null where it is not so.

    One after the other, as long as there is something left to read.
    """
    import polars as pl

    cell = pl.col("cell")
    number = pl.when(cell.str.contains(NUMBER)).then(cell.cast(pl.Int64, strict=False))
    seconds = pl.when(number < SECONDS_BELOW).then(number * 1_000_000)
    milliseconds = pl.when(number < MILLISECONDS_BELOW).then(number * 1_000)
    if columns.time_format == "unix":
        yield seconds.cast(pl.Datetime("us"))
    elif columns.time_format == "unix_ms":
        yield milliseconds.cast(pl.Datetime("us"))
    elif columns.time_format == "auto" and first.isdigit():
        yield pl.coalesce(seconds, milliseconds, number).cast(pl.Datetime("us"))
    elif columns.time_format == "auto" and first[10:11] in ("T", " "):
        if match := re.fullmatch(f"{ISO}({IN_UTC}?)", first):
            decimals, zone = match.groups(default="")
            if zone or columns.utc:
                yield _iso(first[10], re.escape(zone), len(decimals))
        yield _iso(first[10], f"{IN_UTC}?" if columns.utc else IN_UTC)


def _iso(between: str, zone: str, decimals: int | None = None) -> pl.Expr:
    """A moment in ISO 8601 to the second, with so many decimals or any, of which six count."""
    import polars as pl

    cell = pl.col("cell")
    fraction = "(?:[.][0-9]+)?" if decimals is None else f"[.][0-9]{{{decimals}}}" * bool(decimals)
    plain = cell.str.contains(f"^{DAY}{between}{CLOCK}{fraction}{zone}$")
    moment = cell.str.slice(0, 19).str.to_datetime(
        f"%Y-%m-%d{between}%H:%M:%S", time_unit="us", strict=False
    )
    if decimals is None:
        rest = cell.str.slice(20).str.strip_suffix("Z").str.strip_suffix("+00:00")
        micros = rest.str.slice(0, 6).str.pad_end(6, "0").cast(pl.Int64, strict=False)
        micros = pl.when(cell.str.slice(19, 1) == ".").then(micros).otherwise(0)
        moment = moment + pl.duration(microseconds=micros, time_unit="us")
    elif decimals:
        micros = cell.str.slice(20, min(decimals, 6)).cast(pl.Int64, strict=False)
        micros = micros * 10 ** max(6 - decimals, 0)
        moment = moment + pl.duration(microseconds=micros, time_unit="us")
    return pl.when(plain).then(moment)
