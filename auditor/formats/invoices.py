"""What a provider billed: amounts of a costs export or of a small table, or sums of usage.

- OpenAI's costs export (JSON, or CSV of the dashboard) and its billing answer of 2023, and usage
  exports: see ``openai_usage``. OpenRouter's activity: sums whose cost is the seller's own.
- A table of one's own: CSV with the columns ``day`` (2023-08-31, or a month, 2023-08), ``line``
  (what the invoice calls it; may be missing or empty: everything), ``amount`` (USD), and
  ``currency`` if it is to be checked. Amounts below zero are credits.

An invoice is read wholly or not at all: a line that cannot be read is an error with its number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from auditor.errors import SourceError
from auditor.formats import openai_usage
from auditor.formats.base import Format, csv_records, delimiter_of, sample
from auditor.formats.cells import read_money
from auditor.formats.words import currency_shown, shown
from auditor.records import Call, Context, Reading, Reject
from auditor.sources import LogFile

COLUMNS = ("day", "amount")
USD, CENTS = "usd", "cents"
HINT = (
    "An invoice is a costs or usage export of OpenAI, OpenRouter's activity, or a CSV with the "
    "columns day, line and amount."
)


@dataclass(frozen=True, slots=True)
class Amount:
    """One amount of an invoice: for when, for what, and the exact text in USD.

    Moments are UTC where ``in_utc``, else the midnights of days of whatever zone is asked for.
    ``decimals`` is how many the invoice has written.
    """

    begins_at: datetime
    ends_at: datetime
    in_utc: bool
    line: str
    usd: str
    decimals: int


def amounts_in(file: LogFile) -> tuple[Amount, ...] | None:
    """The amounts of an invoice; None where it holds sums of usage, or is none.

    Raises SourceError when it is an invoice that cannot be read.
    """
    delimiter = delimiter_of(sample(file), COLUMNS)
    if delimiter is not None:
        return tuple(_table(file, delimiter))
    if not openai_usage.claims(sample(file)):
        return None
    found = tuple(_of_openai(file))
    return found or None


def period_of(file: LogFile) -> tuple[datetime, datetime] | None:
    """From when to when an export of OpenAI speaks, billed or not (UTC); None for anything else.

    A bucket in which there was nothing says that nothing was billed then. Raises SourceError when
    the export says itself that it goes on.
    """
    if not openai_usage.claims(sample(file)):
        return None
    if openai_usage.goes_on(file):
        raise SourceError(
            file.name,
            None,
            "it goes on on a further page (has_more), which is not in the file",
            hint="Export all pages, one after the other into one file.",
        )
    times = [
        moment
        for _, item, problem in openai_usage.sums_in(file)
        if problem is None
        for moment in openai_usage.times_of(item)
        if moment is not None
    ]
    return (min(times), max(times)) if times else None


def check_sums(file: LogFile, formats: Iterable[Format]) -> Format:
    """The format under which a file holds sums of usage and nothing else. Raises SourceError."""
    for known in sorted(formats, key=lambda one: one.fallback):  # the last resort comes last
        if not known.claims(sample(file)):
            continue
        with file.open() as stream:
            sums = 0
            for reading in known.read(file, stream):
                if isinstance(reading, Reject):
                    raise _bad(file, reading.line, reading.reason)
                if isinstance(reading, Call) and reading.bucket is None:
                    raise SourceError(
                        file.name,
                        reading.line,
                        "single calls are no invoice",
                        hint="Ingest them into the store; " + HINT[:1].lower() + HINT[1:],
                    )
                sums += isinstance(reading, Call)
        if sums:
            return known
        raise SourceError(file.name, None, "it bills nothing", hint=HINT)
    raise SourceError(file.name, None, "this is no invoice", hint=HINT)


def _table(file: LogFile, delimiter: str) -> Iterator[Amount]:
    found: list[Amount] = []

    def row(number: int, cells: Mapping[str, str], lines: int) -> Reading:
        currency = cells.get("currency", "").strip().lower() or USD
        begins_at, ends_at = _days(cells["day"].strip())
        found.append(
            _amount(
                (begins_at, ends_at),
                cells.get("line", "").strip(),
                cells["amount"].strip(),
                currency,
                in_utc=False,
            )
        )
        return Context(number, lines)

    with file.open() as stream:
        for reading in csv_records(stream, delimiter, row):
            if isinstance(reading, Reject):
                raise _bad(file, reading.line, reading.reason)
            yield from found
            found.clear()


def _days(text: str) -> tuple[datetime, datetime]:
    """A day, or a month as 2023-08. Raises ValueError."""
    is_month = len(text) == len("2023-08")
    try:
        if not is_month and len(text) != len("2023-08-31"):
            raise ValueError
        begins_at = datetime.strptime(text, "%Y-%m" if is_month else "%Y-%m-%d")  # noqa: DTZ007
        if not is_month:
            return begins_at, begins_at + timedelta(days=1)
    except (ValueError, OverflowError):
        raise ValueError(
            f"its day, {shown(text)}, is no day such as 2023-08-31, nor a month"
        ) from None
    first_of_next = (begins_at.replace(day=28) + timedelta(days=4)).replace(day=1)
    return begins_at, first_of_next


def _of_openai(file: LogFile) -> Iterator[Amount]:
    for number, item, problem in openai_usage.sums_in(file):
        try:
            if problem:
                raise ValueError(problem)
            found = openai_usage.amount_of(item)
            if found is None:
                continue
            if found.begins_at is None:
                raise ValueError("an amount that does not say of which day")
            yield _amount(
                (found.begins_at, found.ends_at or found.begins_at + timedelta(days=1)),
                found.line,
                found.amount,
                found.currency,
                in_utc=True,
            )
        except ValueError as error:
            raise _bad(file, number, str(error)) from None


def _amount(
    times: tuple[datetime, datetime],
    line: str,
    text: str,
    currency: str,
    *,
    in_utc: bool,
) -> Amount:
    amount = read_money(text)
    if amount is None:
        raise ValueError("the amount is missing")
    if currency not in (USD, CENTS):
        raise ValueError(f"an amount in {currency_shown(currency)}, where USD is reckoned with")
    sign, digits = ("-", amount[1:]) if amount[0] == "-" else ("", amount.lstrip("+"))
    if currency == CENTS:
        digits = _hundredth(digits)
    return Amount(*times, in_utc, line, sign + digits, len(digits.partition(".")[2]))


def _hundredth(digits: str) -> str:
    """An amount in cents as USD: its point moved by two, every digit kept."""
    whole, _, fraction = digits.partition(".")
    whole = whole.rjust(3, "0")
    return f"{whole[:-2]}.{whole[-2:]}{fraction}"


def _bad(file: LogFile, line: int, reason: str) -> SourceError:
    return SourceError(
        file.name, line, reason, hint="Mend the line: an invoice is read wholly or not at all."
    )
