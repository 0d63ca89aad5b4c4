"""What an import of prices brought, where our book says something else, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from auditor.errors import printable
from auditor.prices import Agreement, Package
from auditor.prices.book import STANDARD
from auditor.reports.figures import NOTHING, counted, n, named, plain
from auditor.reports.layout import plain_table, print_whole


def show(package: Package, found: Iterable[Agreement], console: Console) -> None:
    """The sums, the agreement with our book by name, and what was left out by reason."""
    names = {row.model for row in package.rows}
    sources = {row.source for row in package.rows}
    what = f"{n(len(package.rows))} rows of {n(len(names))} names"
    _say(f"{what}, from {', '.join(sorted(sources))}.", console)
    _say(f"Sellers: {', '.join(package.sellers)}.", console)
    _periods(package, console)
    if package.asked:
        has = f"of which {n(package.found)} have a row now"
        _say(f"Names in the store: {n(package.asked)}, {has}.", console)
        for name, sellers in package.elsewhere:
            _say(f"- {named(name)}: no row; known to {', '.join(sellers)} (--provider).", console)
    _say(
        f"{counted(package.ruled, 'model')} also known by rules (starts_with, contains, regex). "
        "A book has exact names: what only a rule matches has a row if the calls of --db bear it, "
        "and upper and lower case count.",
        console,
    )
    agreements = tuple(found)
    _agreement(agreements, console)
    _left_out(package, console)


def _periods(package: Package, console: Console) -> None:
    """From when the rows hold, by what that rests on: the first words of their notes."""
    rests: dict[str, int] = {}
    for row in package.rows:
        words = row.note.partition("; ")[0]
        rests[words] = rests.get(words, 0) + 1
    for words, rows in sorted(rests.items()):
        _say(f"- {n(rows)} rows: {words}.", console)


def _agreement(found: tuple[Agreement, ...], console: Console) -> None:
    """Where our book prices the same names: it has the word, and this is a check of both."""
    differing = [one for one in found if one.differences]
    console.print()
    if not found:
        _say("Our book prices none of the names on a day that both know.", console)
        return
    _say(
        f"Our book prices {n(len({one.name for one in found}))} of the names, too, and has the "
        f"word there. Names and tiers that agree: {n(len(found) - len(differing))}; "
        f"that differ: {n(len(differing))}.",
        console,
    )
    agreeing: dict[str, list[str]] = {}
    for one in found:
        if not one.differences:
            agreeing.setdefault(one.name, []).append(one.tier)
    if agreeing:
        shown = (_tiers(name, tiers) for name, tiers in agreeing.items())
        _say(f"Agree: {', '.join(shown)}.", console)
    if not differing:
        return
    table = plain_table("differs", "on")
    table.title = Text("USD per 1,000 tokens, where the two first differ", style="bold")
    for name in ("ours", "imported"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in differing:
        for difference in one.differences:
            long = f", {n(difference.prompt_tokens)} tokens" if difference.prompt_tokens else ""
            table.add_row(
                printable(f"{_tiers(one.name, [one.tier])}: {difference.meter}{long}"),
                str(difference.on),
                _rate(difference.our_rate),
                _rate(difference.their_rate),
            )
    print_whole(table, console)


def _left_out(package: Package, console: Console) -> None:
    """What the book cannot state, by reason, with every name."""
    if not package.left_out:
        return
    console.print()
    reasons: dict[str, list[str]] = {}
    for one in package.left_out:
        reasons.setdefault(one.reason, []).append(f"{one.seller} {one.model}")
    models = {(one.seller, one.model) for one in package.left_out}
    console.print(Text(f"Left out, of {counted(len(models), 'model')}", style="bold"))
    for reason, names in reasons.items():
        _say(f"{reason} ({n(len(names))})", console)
        console.print(Padding(Text(printable(", ".join(names))), (0, 0, 0, 2)))


def _tiers(name: str, tiers: Iterable[str]) -> str:
    """The name, with its tiers unless the standard one is all."""
    listed = list(tiers)
    return name if listed == [STANDARD] else f"{name} ({', '.join(listed)})"


def _rate(rate: Decimal | None) -> str:
    return plain(rate) or NOTHING


def _say(text: str, console: Console) -> None:
    console.print(Text(printable(text)))
