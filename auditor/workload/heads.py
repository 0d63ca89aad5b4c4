"""Prompts as hashes, cut so finely that a shared beginning can be measured without any text.

A prompt is a row of parts, one a message. Of each part the store keeps its hash, its tokens, and
the *links*: for every token of its content the keyed hash of the content up to there. Two prompts
share a beginning just as far as their parts and then their links agree, to the token. See
``hashing`` for why this is safe.

Not every prompt is kept: of each workload, month and encoding the 500 calls with the smallest
``rank``, fewer where they are long. The rank is a hash of the call's id, so this is a fair sample;
it is all calls where there are no more. Since it is "the smallest", it does not depend on the order
or the number of files.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from heapq import heappush, heapreplace
from typing import Any

from auditor.records import Call, Text
from auditor.tokens import TextCounter, UncountableError, count_message, encode_text, encoding_for
from auditor.workload.hashing import LINK_BYTES, HashKey, plain_number
from auditor.workload.identity import leading_text

HEAD_TOKENS = 8_192
CACHED_TOKENS = 4_000_000
COUNTED_CHARACTERS = 1_000_000
UNDATED = date.min
DEFAULT_ENCODING = "cl100k_base"

Group = tuple[str, date, str]
"""Workload, first day of the month (UTC), encoding."""
Order = tuple[int, int]
"""Rank and prompt: the order in which the smallest heads are kept."""


@dataclass(frozen=True, slots=True)
class Part:
    """One message: its hash, its tokens with their frame, and the links of its content.

    ``tokens`` is None where the message holds what nobody can count (an image): it cannot be cut.
    ``links`` are those of the first HEAD_TOKENS tokens.
    """

    part: int
    encoding: str
    tokens: int | None
    links: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of one call's prompt. ``messages`` is how many it has in all."""

    workload: str
    encoding: str
    rank: int
    prompt: int
    called_at: datetime | None
    messages: int
    parts: tuple[Part, ...]

    @property
    def group(self) -> Group:
        """What the head is sampled with."""
        return group_of(self.workload, self.called_at, self.encoding)

    @property
    def tokens(self) -> int:
        """Tokens that the store keeps links of."""
        return sum(len(part.links) for part in self.parts) // LINK_BYTES


@dataclass(frozen=True, slots=True)
class Sampled:
    """A call whose prompt is in the sample, before it is cut into a head.

    ``length`` is that of its text (``length_of``).
    """

    text: Text
    group: Group
    rank: int
    prompt: int
    called_at: datetime | None
    length: int


def length_of(text: Text) -> int:
    """How long the messages of a prompt are, roughly, in characters."""
    contents = (message.get("content") for message in _messages(text))
    return sum(len(content) for content in contents if isinstance(content, str | list))


def group_of(workload: str, called_at: datetime | None, encoding: str) -> Group:
    """The group in which a call is sampled."""
    month = _first_day(called_at.year, called_at.month) if called_at else UNDATED
    return workload, month, encoding


@lru_cache(maxsize=1_000)
def _first_day(year: int, month: int) -> date:
    return date(year, month, 1)


def rank_of(call: Call, prompt: int, key: HashKey) -> int:
    """The place of a call in the order of sampling: 63 bits.

    By its id where the log has one; else by all that the log says of it, hashed with the key.
    """
    if call.id:
        return rank_of_id(call.id)
    usage = str(call.usage)
    models = [call.requested_model, call.served_model]
    rest = [call.max_tokens, call.recorded_usd, sorted(call.tags.items()), prompt]
    return key.number_of(b"rank", [str(call.called_at), models, usage, rest]) >> 1


def rank_of_id(name: str) -> int:
    """The place in the order of sampling of a call that the log has an id of."""
    return plain_number(name) >> 1


def encoding_of(call: Call) -> str:
    """The encoding in which a call's prompt is measured: its model's, else that of 2023."""
    return encoding_of_model(call.served_model or call.requested_model)


@lru_cache(maxsize=1_000)
def encoding_of_model(name: str | None) -> str:
    """The same by the name of the model."""
    return (encoding_for(name) if name else None) or DEFAULT_ENCODING


class HeadMaker:
    """Makes heads; a message that many prompts repeat is cut into links once."""

    def __init__(self, key: HashKey) -> None:
        self._key = key
        self._parts: OrderedDict[tuple[int, str], Part] = OrderedDict()
        self._held = 0
        self._count = TextCounter(COUNTED_CHARACTERS)

    def head_of(self, call: Sampled) -> Head:
        """The head of a call."""
        workload, _, encoding = call.group
        messages = _messages(call.text)
        parts = tuple(self._parts_of(messages, encoding))
        return Head(
            workload, encoding, call.rank, call.prompt, call.called_at, len(messages), parts
        )

    def _parts_of(self, messages: Iterable[Mapping[str, Any]], encoding: str) -> Iterator[Part]:
        """The parts up to the one that passes HEAD_TOKENS tokens."""
        left = HEAD_TOKENS
        for message in messages:
            part = self._part(message, encoding)
            yield part
            left -= len(part.links) // LINK_BYTES
            if left <= 0:
                return

    def _part(self, message: Mapping[str, Any], encoding: str) -> Part:
        name = self._key.number_of_part(message), encoding
        if name in self._parts:
            self._parts.move_to_end(name)
            return self._parts[name]
        part = self._parts[name] = Part(*name, *self._cut(message, encoding))
        self._held += len(part.links)
        while self._held > CACHED_TOKENS * LINK_BYTES:
            _, oldest = self._parts.popitem(last=False)
            self._held -= len(oldest.links)
        return part

    def _cut(self, message: Mapping[str, Any], encoding: str) -> tuple[int | None, bytes]:
        """Tokens and links of a message."""
        text = leading_text(message)
        try:
            tokens = encode_text(text, encoding)
        except UncountableError:
            return None, b""
        start = [message.get("role"), message.get("name")]
        links = self._key.links(start, tokens[:HEAD_TOKENS])
        return self._tokens_of(message, text, len(tokens), encoding), links

    def _tokens_of(
        self, message: Mapping[str, Any], text: str, length: int, encoding: str
    ) -> int | None:
        """The tokens of a message with its frame, ``text`` in it being ``length`` long."""

        def count(part: str, encoding: str) -> int:
            return length if part == text else self._count(part, encoding)

        try:
            return count_message(message, encoding, count=count)
        except UncountableError:
            return None


def _messages(text: Text) -> tuple[Mapping[str, Any], ...]:
    """What was sent, a message each; a prompt of a completion is a message without a role."""
    return text.messages or tuple({"content": prompt} for prompt in text.prompts)


class HeadSample:
    """The calls of some sources whose heads may be among the smallest of the store.

    ``full`` holds, for the groups that have all their heads in the store, the greatest rank there;
    ``most`` is how many a group may have. Texts are held until they are taken, so that only those
    that stay are cut into heads.
    """

    def __init__(self, full: Mapping[Group, int], most: int) -> None:
        self._full = full
        self._most = most
        self._kept: dict[Group, list[Order]] = {}
        self._calls: dict[tuple[Group, Order], Sampled] = {}
        self.characters = 0

    def __len__(self) -> int:
        return len(self._calls)

    def wants(self, group: Group, rank: int, prompt: int) -> bool:
        """Whether a call of that rank and prompt is not here yet and could be kept."""
        if rank > self._full.get(group, rank) or (group, (rank, prompt)) in self._calls:
            return False
        kept = self._kept.get(group, [])
        return len(kept) < self._most or (-rank, -prompt) > kept[0]

    def add(self, call: Sampled) -> None:
        """Keep a call that is wanted, in place of the greatest if its group has its ``most``."""
        group, order = call.group, (call.rank, call.prompt)
        kept = self._kept.setdefault(group, [])
        self._calls[group, order] = call
        self.characters += call.length
        if len(kept) < self._most:
            heappush(kept, (-call.rank, -call.prompt))
        else:
            rank, prompt = heapreplace(kept, (-call.rank, -call.prompt))
            self.characters -= self._calls.pop((group, (-rank, -prompt))).length

    def orders(self) -> Iterator[tuple[Group, Order]]:
        """The group and the order of each call that is kept."""
        return iter(self._calls)

    def take(self, least: Mapping[Group, int]) -> tuple[Sampled, ...]:
        """The calls that are kept, those above the ``least`` rank of their group left out.

        The sample is empty afterwards.
        """
        calls = tuple(
            call
            for (group, (rank, _)), call in self._calls.items()
            if rank <= least.get(group, rank)
        )
        self._kept.clear()
        self._calls.clear()
        self.characters = 0
        return calls
