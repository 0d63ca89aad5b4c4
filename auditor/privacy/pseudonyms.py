"""Pseudonyms in place of names: the same name has the same one, and only the key tells which.

``user-3f9a0c21d7b4`` is the kind of identity and 48 bits of a keyed hash with a domain of its own
(as the ids of workloads; 40 would make one in three stores of a million users confuse two of them).
The id of a call that is of no provider's form is ``call-`` and 128 bits, for two calls must never
be taken for one. Without the key nobody can even confirm a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from auditor.privacy.identities import is_of_a_provider, kind_by_look, kind_of_tag
from auditor.privacy.problems import in_known_words
from auditor.records import Call, Kept, clean
from auditor.workload import HashKey

NAME_DIGITS, ID_DIGITS = 12, 32
MOST_REMEMBERED = 1 << 16
OURS = re.compile(r"[a-z]{2,8}-[0-9a-f]{12}")
TAG = "tag "


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be stored as logged: ``identities``, and the ``text`` of calls and errors."""

    identities: bool = False
    text: bool = False


class Pseudonyms:
    """Takes names out of what was read, unless they are to be kept (``shown``).

    Ids of calls are made with ``key_of_ids``, or as names with ``key``.
    """

    def __init__(self, key: HashKey, shown: Shown, key_of_ids: HashKey | None = None) -> None:
        self._key = key
        self._key_of_ids = key_of_ids or key
        self.shown = shown
        self.salt = self._key_of_ids.pseudonym_of("fingerprint", "", digits=ID_DIGITS)
        self.tag_value = lru_cache(MOST_REMEMBERED)(self._tag_value)
        self.tag_name = lru_cache(MOST_REMEMBERED)(self._tag_name)
        self._tags = lru_cache(MOST_REMEMBERED)(self._of_items)

    def call(self, call: Call) -> Call:
        """A call without the names that it is not to show."""
        problem = self.problem(call.problem, call.failed)
        kept = call.kept
        if self.shown.identities:
            return call if problem == call.problem else replace(call, problem=problem)
        again = kept is not None
        id, tags = self.id(call.id), self.tags(call.tags, again=again)
        fingerprint = self.fingerprint(call.fingerprint)
        kept = self._kept(kept) if kept else None
        if (id, problem, tags, fingerprint, kept) == (
            call.id,
            call.problem,
            call.tags,
            call.fingerprint,
            call.kept,
        ):
            return call
        return replace(call, id=id, problem=problem, tags=tags, fingerprint=fingerprint, kept=kept)

    def id(self, id: str | None) -> str | None:
        """The id of a call: as it is if a machine made it, we or a provider."""
        if id is None or self.shown.identities or is_of_a_provider(id):
            return id
        return f"call-{self._key_of_ids.pseudonym_of('call', str(clean(id)), digits=ID_DIGITS)}"

    def tags(self, tags: Mapping[str, str], *, again: bool = False) -> dict[str, str]:
        """The tags of a call. ``again``: values may be pseudonyms of ours already."""
        if not tags or self.shown.identities:
            return dict(tags)
        return self._tags(tuple(tags.items()), again)

    def _of_items(self, items: tuple[tuple[str, str], ...], again: bool) -> dict[str, str]:
        """Calls share what is returned: nobody writes to the tags of a call."""
        return {self.tag_name(name): self.tag_value(name, value, again) for name, value in items}

    def _tag_value(self, name: str, value: str, again: bool = False) -> str:
        """A value of the tag ``name``."""
        if self.shown.identities or not value or (again and OURS.fullmatch(value)):
            return value
        kind = kind_of_tag(name, value)
        return value if kind is None else self._name(kind, value)

    def _tag_name(self, name: str) -> str:
        """The name of a tag: mostly as it is."""
        if self.shown.identities or (kind := kind_by_look(name)) is None:
            return name
        return self._name(kind, name)

    def _name(self, kind: str, value: str) -> str:
        said = str(clean(value))
        return f"{kind}-{self._key.pseudonym_of(kind, said, digits=NAME_DIGITS)}"

    def fingerprint(self, fingerprint: str) -> str:
        """What tells a call without an id from its neighbours, made what nobody can guess.

        It is not stored: an id is made of it, a hash without a key (macro row_id).
        """
        return self.salt + fingerprint if fingerprint and not self.shown.identities else fingerprint

    def problem(self, problem: str | None, failed: bool) -> str | None:
        """Why a call failed, in known words; why none could count it is said in ours."""
        if problem is None or not failed or self.shown.text:
            return problem
        return in_known_words(problem)

    def _kept(self, kept: Kept) -> Kept:
        """The label of a workload is the value of a tag."""
        if not kept.found_by.startswith(TAG):
            return kept
        name = kept.found_by.removeprefix(TAG)
        return replace(
            kept,
            found_by=TAG + self.tag_name(name),
            label=self.tag_value(name, kept.label, True),
        )
