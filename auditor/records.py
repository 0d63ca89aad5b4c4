"""The records that pass between rooms. Imports nothing of the project."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class BadUsageError(ValueError):
    """A usage object contradicts itself; ``str()`` is the reason shown with the reject."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call on disjoint meters: every token is counted on exactly one of them.

    ``input_tokens`` are prompt tokens that were neither read from nor written to a cache,
    ``output_tokens`` are answer tokens without the hidden reasoning, ``audio_tokens`` are spoken
    tokens of either direction, which no row of the price book rates.
    """

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    audio_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        """All tokens sent, cached or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def produced_tokens(self) -> int:
        """All tokens generated, seen or hidden."""
        return self.output_tokens + self.reasoning_tokens

    @property
    def is_zero(self) -> bool:
        """Whether no meter holds a token."""
        return not (self.prompt_tokens or self.produced_tokens or self.audio_tokens)


@dataclass(frozen=True, slots=True)
class Text:
    """What a call said, as far as the log has it. Used to count tokens, stored only when asked.

    ``messages`` are chat messages as sent (dicts), ``prompts`` the strings of a legacy completion
    or an embedding, ``outputs`` the answer messages (one for each choice, dicts with ``content``
    and possibly ``tool_calls`` or ``function_call``). ``extras`` holds the request fields that
    cost prompt tokens: ``functions``, ``function_call``, ``tools``, ``tool_choice``,
    ``response_format``.
    """

    messages: tuple[dict[str, Any], ...] = ()
    prompts: tuple[Any, ...] = ()
    outputs: tuple[dict[str, Any], ...] = ()
    extras: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """What was found out about a call when it was first read, by a log that is a copy of a store.

    ``counted_by`` is who counted its tokens, ``workload`` to ``prompt`` are those of
    ``workload.Place``; the rest is what the text would tell.
    """

    counted_by: str
    whole_answer: bool
    uses_tools: bool
    workload: str | None = None
    found_by: str = ""
    label: str = ""
    prompt: int | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """What makes a Call the sum of many: how many requests a provider's own export added up.

    The bucket begins at the call's ``called_at`` and ends at ``ends_at`` (naive UTC). ``kind`` is
    what is summed, ``grouped_by`` the names by which the export tells buckets of one time apart:
    buckets of one kind that are cut otherwise are sums of the same requests.
    """

    requests: int
    ends_at: datetime
    kind: str
    grouped_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One API request and its answer, as a format module read it from its source.

    ``line`` is the 1-based physical line where it begins, ``lines`` how many it spans. ``id`` is
    the provider's own id, None where the log has none: the call is then known by its fields, to
    which ``fingerprint`` adds whatever else tells it from its neighbours. ``called_at`` is naive
    UTC. ``endpoint`` is one of ``chat``, ``completion``, ``response``, ``embedding``, ``other``.
    ``tier`` is ``standard``, ``batch`` or the provider's own word. ``failed`` means that the
    provider refused or broke off the call, ``problem`` says why it failed or was not counted.
    ``cut_off`` means that the provider answered and stopped early (length, filter, broken stream).
    ``usage`` is what the provider reported; None lets the text be counted. ``sizes`` are request
    and answer in bytes, for logs that hold nothing better. ``max_tokens`` is the number of answer
    tokens that the request asked for. ``recorded_usd`` is the cost that the log itself claims, as
    the exact text of a decimal number. ``bucket`` is there where this is no call of its own but the
    sum of many.
    """

    line: int
    id: str | None = None
    called_at: datetime | None = None
    requested_model: str | None = None
    served_model: str | None = None
    endpoint: str = "chat"
    usage: Usage | None = None
    tier: str = "standard"
    failed: bool = False
    problem: str | None = None
    max_tokens: int | None = None
    cut_off: bool = False
    recorded_usd: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    text: Text | None = None
    sizes: tuple[int, int] | None = None
    fingerprint: str = ""
    lines: int = 1
    kept: Kept | None = None
    bucket: Bucket | None = None

    @property
    def uses_tools(self) -> bool:
        """Whether functions or tools were declared, called or answered for."""
        if self.kept is not None:
            return self.kept.uses_tools
        text = self.text
        if text is None:
            return False
        declared = any(text.extras.get(name) for name in ("functions", "tools"))
        return declared or any(map(_has_call, (*text.messages, *text.outputs)))

    @property
    def has_whole_answer(self) -> bool:
        """Whether there is one answer, and all of it: what a model could learn from."""
        if self.kept is not None:
            return self.kept.whole_answer
        if self.failed or self.cut_off or self.bucket:
            return False
        if self.text is None or not self.text.outputs:
            return True  # nobody kept it: the counts alone say that there was one
        first, *others = self.text.outputs
        return not others and bool(first.get("content") or _has_call(first))


def _has_call(message: dict[str, Any]) -> bool:
    called = any(message.get(name) for name in ("function_call", "tool_calls"))
    return called or message.get("role") in ("function", "tool")


@dataclass(frozen=True, slots=True)
class Reject:
    """Lines that were refused: where they begin, how many, why (one sentence), the first bytes.

    The reason quotes no value of the log (see ``formats.words``). ``digest`` is the hash of all of
    what was refused, for `fingerprints`; of the first bytes where there is none.
    """

    line: int
    reason: str
    head: bytes
    lines: int = 1
    digest: bytes = field(default=b"", compare=False)


@dataclass(frozen=True, slots=True)
class Context:
    """``lines`` physical lines that are rightly no call: blank, headers, parts of another line."""

    line: int
    lines: int = 1


Reading = Call | Reject | Context


def clean(text: str | None) -> Any:
    """Text that UTF-8 can hold: lone surrogates, which JSON may spell, are written out."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
