"""Finds what texts have in common: every run of N characters of one text that is in others.

A run of N characters holds a block of ``(N + 1) // 2`` characters that begins at a multiple of that
length. So the blocks of the texts that are searched are an index, every character of a text that
is looked for is asked for there, and what is found is followed to both sides. Nothing is missed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

SHORTEST = 6
BETWEEN = "\x00\x01"
"""Between texts: no run goes from one to the next, for no log is read as having it."""
MOMENT = r"\d{4}-\d\d-\d\d(?:[T ]\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
BREAKS = re.compile(rf'{MOMENT}|["{{}}\[\]\\\n]+')
"""A run is taken apart at times, and at what is JSON and no text: the outputs have that as well."""


@dataclass(frozen=True, slots=True)
class Searched:
    """A text that is searched, and what it is called."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """Characters that a text has in common with one that was searched, and where that has them."""

    characters: str
    place: str
    at: int


class Haystack:
    """Texts, in which runs of ``length`` characters and more are found."""

    def __init__(self, texts: Sequence[Searched], length: int) -> None:
        self._length = length
        self._block = (length + 1) // 2
        self._places = [one.place for one in texts]
        self._begins: list[int] = []
        parts, size = [], 0
        for one in texts:
            self._begins.append(size)
            parts += [one.text, BETWEEN]
            size += len(one.text) + len(BETWEEN)
        self._text = "".join(parts)
        self._index: dict[str, list[int]] = defaultdict(list)
        text, size, around = self._text, self._block, length - self._block
        seen: set[int] = set()
        for at in range(0, len(text) - size + 1, size):
            block = text[at : at + size]
            # of places with the same text around them, as far as a run reaches, one will do
            context = hash(text[max(at - around, 0) : at + length])
            if context not in seen and len(set(block)) > 1:  # a row of blanks says nothing
                seen.add(context)
                self._index[block].append(at)
        self._index.default_factory = None

    def runs(self, wanted: str) -> Iterator[Run]:
        """The longest runs that ``wanted`` shares with the texts, one behind the other."""
        index, size = self._index, self._block
        at = 0
        while at <= len(wanted) - size:
            places = index.get(wanted[at : at + size])
            if places is not None:
                first, last, place = self._longest(wanted, at, places)
                if last - first >= self._length:
                    yield self._run(wanted[first:last], place)
                    at = max(at, last - size)
            at += 1

    def _longest(self, wanted: str, at: int, places: Iterable[int]) -> tuple[int, int, int]:
        text, size = self._text, self._block
        best = (at, at, 0)
        for place in places:
            before = 0
            while (
                before < at
                and before < place
                and wanted[at - before - 1] == text[place - before - 1]
            ):
                before += 1
            end, last = at + size, place + size
            while end < len(wanted) and last < len(text) and wanted[end] == text[last]:
                end, last = end + 1, last + 1
            if end - at + before > best[1] - best[0]:
                best = (at - before, end, place - before)
        return best

    def _run(self, characters: str, place: int) -> Run:
        low, high = 0, len(self._begins)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._begins[middle] <= place else (low, middle)
        begins = self._begins[low]
        return Run(characters, self._places[low], self._text.count("\n", begins, place) + 1)


class Vocabulary:
    """What may be found: words of audit itself, and what it is meant to show."""

    def __init__(self, values: Iterable[str], ours: str, length: int) -> None:
        self._values = sorted({value for value in values if len(value) >= 3}, key=len, reverse=True)
        self._known = frozenset(self._values)
        self._text = ours + BETWEEN + BETWEEN.join(self._values)
        self._length = length
        self.explains = lru_cache(1 << 16)(self._explains)

    def has(self, value: str) -> bool:
        """Whether a value is meant to be shown as a whole."""
        return value in self._known

    def _explains(self, run: str) -> bool:
        """Whether what is left of a run without known pieces is shorter than a finding."""
        if run in self._text:
            return True
        for left in BREAKS.split(run):
            if len(left) >= self._length and self._left_of(left):
                return False
        return True

    def _left_of(self, run: str) -> bool:
        """Whether so many characters in a row are left."""
        at = since = 0
        while at < len(run):
            end = at + self._length
            if end <= len(run) and run[at:end] in self._text:
                while end < len(run) and run[at : end + 1] in self._text:
                    end += 1
                if _says_something(run[since:at], self._length):
                    return True
                at = since = end
            else:
                at += 1
        return _says_something(run[since:], self._length)


def _says_something(text: str, length: int) -> bool:
    said = text.strip()
    return len(said) >= length and len(set(said)) > 2


def masked(text: str) -> str:
    """What a run is called where it must not be shown: its first and last two characters."""
    shown = "".join(letter if letter.isprintable() else "·" for letter in text)
    return f"{shown[:2]}…{shown[-2:]} ({len(text)} characters)"
