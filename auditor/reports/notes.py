"""What a reader must know of the figures of a replay, a sentence each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from auditor.errors import printable
from auditor.pipeline.replay import Replay
from auditor.reports.figures import counted, n, usd

SHOWN_NAMES = 6
BASES = {
    "exact": "its exact name",
    "alias": "the date, for an alias whose version the log does not tell",
    "azure": "an Azure name",
    "router": "a name with a router's prefix",
    "mapped": "the [models] table of audit.toml",
}


def notes_of(result: Replay, rows: Iterable[dict[str, Any]], places: int) -> Iterator[str]:
    """The notes for ``rows`` of a result whose amounts are shown with ``places`` decimals."""
    shown = tuple(rows)
    yield (
        f"each figure is rounded by itself, to {places} decimals, for reading; --format json and "
        "csv hold every digit."
    )
    for row in result.training:
        yield (
            f"{row['scenario'].name}: training on {n(row['training_tokens'])} billed tokens, "
            f"{usd(row['training_usd'], places)} USD, is in neither cost nor delta; with it the "
            f"scenario comes to {usd(row['total_usd'], places)} USD."
        )
    if any(row["overflows"] for row in shown):
        yield (
            "overflows: calls whose prompt and requested answer outgrow the window. They are no "
            "saving: cost, delta and ratio are of the calls that fit."
        )
    if is_partly_compared(shown):
        yield (
            "compared: the cost of those calls that fit and whose actual cost is known. actual, "
            "delta and ratio are of the same calls."
        )
    yield from _of_buckets(result)
    yield from _left_out(result, places)
    yield from _missing_workloads(result)
    yield from _why_unpriced(result)
    yield from _what_it_rests_on(result, places)
    yield from _of_scenarios(result)
    yield from _of_books(result)


def is_partly_compared(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether some call fits a scenario and has no actual cost to compare with."""
    return any(row["compared_calls"] < row["fits"] for row in rows)


def _of_buckets(result: Replay) -> Iterator[str]:
    """What figures of sums rest on, and which sums are in no figure."""
    coverage = result.coverage
    aside = coverage["set_aside"]
    summed = coverage["buckets"] - aside
    if summed:
        requests = counted(coverage["summed_requests"], "request")
        yield (
            f"{counted(summed, 'bucket')} of {requests}: sums of the provider's own export, "
            "priced as sums. Whether a request fits is judged by the average request of its bucket."
        )
    if aside:
        why = (
            "there are single calls of the same days, or another export has the same requests in "
            "other buckets"
            if coverage["calls"]
            else "another export here has the same requests in other buckets"
        )
        requests = counted(coverage["set_aside_requests"], "request")
        yield (
            f"{counted(aside, 'bucket')} of {requests} set aside, in no figure: {why}. "
            "`audit reconcile` compares sums with calls."
        )


def _left_out(result: Replay, places: int) -> Iterator[str]:
    total, undated = result.total, result.coverage["undated"]
    if undated and (result.question.from_date or result.question.to_date):
        yield f"{counted(undated, 'call')} without a date: outside any period."
    if total["not_moved"]:
        yield (
            f"{counted(total['not_moved'], 'call')} of a kind that no chat or completion model "
            "answers (embeddings and the like): in the actual cost "
            f"({usd(total['not_moved_usd'], places)} USD), in no scenario."
        )
    if total["undated"]:
        yield (
            f"{counted(total['undated'], 'call')} without a date, so without a dated price: "
            "replayed only where the scenario fixes the date."
        )


def _missing_workloads(result: Replay) -> Iterator[str]:
    """Moves of what these logs do not have: their scenario leaves all calls in place."""
    workloads, models = ({kind[place] for kind in result.kinds} for place in (0, 1))
    for scenario in result.question.scenarios:
        moves = scenario.moves
        if missing := [w for move in moves for w in move.workloads if w not in workloads]:
            yield (
                f"{scenario.name}: no call here belongs to {_some(missing, ', ')}; ids depend on "
                "the hash key of the store."
            )
        if missing := [m for move in moves for m in move.served if m not in models]:
            yield f"{scenario.name}: no call here was answered by {_some(missing, ', ')}."


def _why_unpriced(result: Replay) -> Iterator[str]:
    """Why scenarios could not price some calls: what they have in common, then what not."""
    asked = [scenario.name for scenario in result.question.scenarios]
    by_reason: dict[str, list[str]] = {}
    for row in result.why_unpriced:
        line = f"{counted(row['calls'], 'call')}: {printable(row['reason'])}"
        by_reason.setdefault(line, []).append(row["scenario"].name)
    by_names: dict[str, list[str]] = {}
    for line, names in by_reason.items():
        where = "every scenario" if len(asked) > 1 and names == asked else ", ".join(names)
        by_names.setdefault(where, []).append(line)
    for where, lines in by_names.items():
        yield f"unpriced in {where}: {_some(lines, '; ')}."


def _what_it_rests_on(result: Replay, places: int) -> Iterator[str]:
    for row in result.basis:
        if row["basis"] != "exact":
            yield (
                f"{counted(row['calls'], 'call')} ({usd(row['cost_usd'], places)} USD of the "
                f"actual cost) priced by {BASES[row['basis']]}."
            )
    yield from _from_fallbacks(result, places)
    if doubtful := result.total["doubtful_calls"]:
        yield (
            f"{counted(doubtful, 'call')} ({usd(result.total['doubtful_usd'], places)} USD of the "
            "actual cost) priced by rows that the book marks as likely, not certain."
        )


def _from_fallbacks(result: Replay, places: int) -> Iterator[str]:
    """What is priced by books that are asked last, and what these say they were made of."""
    for priced in result.books:
        if said := fallback_sources(result, priced["book"]):
            yield (
                f"{counted(priced['calls'], 'call')} ({usd(priced['cost_usd'], places)} USD of the "
                f"actual cost) priced by {priced['book']}, where our book has no price: "
                f"{_some(said, '; ')}."
            )


def fallback_sources(result: Replay, book: str) -> list[str]:
    """What the rows of a book say they were made of, if it is one that is asked last; sorted."""
    layers = (prices.book.fallback for prices in result.question.card.prices.values())
    return sorted(
        {row.source for layer in layers if layer for row in layer.rows if row.book == book}
    )


def _of_scenarios(result: Replay) -> Iterator[str]:
    by_note: dict[str, list[str]] = {}
    for scenario in result.question.scenarios:
        for note in scenario.notes:
            by_note.setdefault(note, []).append(scenario.name)
    for note, names in by_note.items():
        yield f"{', '.join(names)}: {note}."


def _of_books(result: Replay) -> Iterator[str]:
    """Which rates of ours a user's book has replaced."""
    by_book: dict[str, list[str]] = {}
    for override in result.question.book.overridden:
        models = by_book.setdefault(override.by.book, [])
        if override.row.model not in models:
            models.append(override.row.model)
    for book, models in by_book.items():
        yield f"prices of {book} stand in place of ours for {_some(models, ', ')}."


def _some(items: list[str], between: str) -> str:
    more = len(items) - SHOWN_NAMES
    shown = between.join(items[:SHOWN_NAMES])
    return f"{shown}{between}and {more} more" if more > 0 else shown
