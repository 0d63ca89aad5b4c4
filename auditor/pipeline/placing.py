"""Where each call belongs, and the sample of prompts that goes into the store as hashes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from auditor.formats import Block
from auditor.pipeline.counting import NOBODY, Counted
from auditor.pipeline.rows import frame_of, listed
from auditor.records import Call, Text, clean
from auditor.store import Store
from auditor.workload import (
    WORKLOAD_TAGS,
    Group,
    HashKey,
    Head,
    HeadMaker,
    HeadSample,
    Place,
    Places,
    Sampled,
    encoding_of,
    encoding_of_model,
    group_of,
    length_of,
    rank_of,
    rank_of_id,
)

MOST_HEADS = 500
MOST_TOKENS = 1 << 19
BATCH_HEADS, BATCH_CHARACTERS = 20_000, 1 << 26
Full = Mapping[Group, int]
LIMITS = {"most_heads": MOST_HEADS, "most_tokens": MOST_TOKENS}

WORKLOAD_COLUMNS = {"workload": pl.String, "found_by": pl.String, "label": pl.String}
HEAD_COLUMNS: dict[str, Any] = {
    "workload": pl.String,
    "month": pl.Date,
    "encoding": pl.String,
    "rank": pl.Int64,
    "prompt": pl.UInt64,
    "called_at": pl.Datetime("us"),
    "messages": pl.Int32,
    "tokens": pl.Int64,
    "parts": pl.List(pl.UInt64),
}
GROUP = ("workload", "month", "encoding")
RANK_COLUMNS = {name: HEAD_COLUMNS[name] for name in (*GROUP, "rank", "prompt")}
PART_ROWS = {"place": pl.UInt32, "parts": pl.UInt64}
PART_COLUMNS = {
    "part": pl.UInt64,
    "encoding": pl.String,
    "tokens": pl.Int32,
    "links": pl.Binary,
}


@dataclass(frozen=True, slots=True)
class Placed:
    """Workloads, sampled prompts and their parts: ``WORKLOAD_``, ``HEAD_`` and ``PART_COLUMNS``."""

    workloads: pl.DataFrame
    heads: pl.DataFrame
    parts: pl.DataFrame

    def stage(self, store: Store) -> None:
        """Beside what is staged of the source already."""
        store.show("batch_workloads", self.workloads)
        store.show("batch_heads", self.heads)
        store.show("batch_parts", self.parts)
        store.run("ingest/stage_heads")


class Ranks:
    """The smallest ranks of what was sampled so far, in a store that has ``full`` groups."""

    def __init__(self, full: Full) -> None:
        self._full = full
        self._smallest = pl.DataFrame(schema=RANK_COLUMNS)

    def add(self, ranks: pl.DataFrame) -> None:
        """Take in ``RANK_COLUMNS`` of sampled prompts."""
        both = pl.concat([self._smallest, ranks.select(*RANK_COLUMNS)])
        self._smallest = both.unique().filter(
            pl.col("rank").rank("ordinal").over(*GROUP) <= MOST_HEADS
        )

    def least(self) -> Full:
        """The groups that take a new prompt only in place of a greater, as ``full_groups``."""
        own = (
            self._smallest.group_by(*GROUP)
            .agg(pl.len().alias("heads"), pl.col("rank").max())
            .filter(pl.col("heads") >= MOST_HEADS)
        )
        least = dict(self._full)
        for workload, month, encoding, rank in own.select(*GROUP, "rank").iter_rows():
            group = workload, month, encoding
            least[group] = min(rank, least.get(group, rank))
        return least


def full_groups(store: Store) -> Full:
    """The groups that take a new prompt only in place of a greater, and the greatest rank there."""
    rows = store.rows("ingest/full_groups", **LIMITS)
    return {(r["workload"], r["month"], r["encoding"]): r["greatest_rank"] for r in rows}


def merge_placed(store: Store) -> None:
    """Bring what was staged of the source into the store."""
    store.run("ingest/merge_heads", **LIMITS)


class Placer:
    """Places the calls of one source after another, and samples their prompts.

    Prompts are sampled unless nobody will ask what they share (``sampling``). They are cut into
    heads when the sample is taken: the more sources there were, the fewer of each.
    """

    def __init__(
        self, secret: bytes, tags: Iterable[str] = WORKLOAD_TAGS, *, sampling: bool = True
    ) -> None:
        self._samples = sampling
        self.key = HashKey(secret)
        self.tags = tuple(tags)
        self._places = Places(self.key, self.tags)
        self._maker = HeadMaker(self.key)
        self._sample = HeadSample({}, MOST_HEADS)
        self._workloads: dict[str, Place] = {}

    def begin(self, full: Full) -> None:
        """Begin a sample; ``full`` are the groups that take only smaller ranks."""
        self._sample = HeadSample(full, MOST_HEADS)
        self._workloads.clear()

    def place(self, call: Call, counted: Counted) -> Place:
        """Where a call belongs. Its prompt is sampled if it was answered."""
        place = self._places.of(call)
        if place.workload is None:
            return place
        self._workloads.setdefault(place.workload, place)
        # a call without its text has nothing to sample, whatever is known of its prompt
        answered = not call.failed and counted.by != NOBODY
        if self._samples and answered and call.text is not None and place.prompt is not None:
            rank = rank_of(call, place.prompt, self.key)
            said = call.text.messages, call.text.prompts
            self._sample_prompt(place, *said, call.called_at, encoding_of(call), rank)
        return place

    def workload_of(self, tags: Mapping[str, str]) -> str | None:
        """What a chat call belongs to of which only its tags are known."""
        return self.place(Call(0, tags=dict(tags)), Counted(None, NOBODY)).workload

    def place_block(self, block: Block) -> list[Place]:
        """Where the calls of a block belong. All of them were answered."""
        columns = block.columns
        known = (columns[name] for name in ("id", "called_at", "served_model"))
        places = []
        for messages, tags, name, called_at, model in zip(
            block.messages, block.tags, *known, strict=True
        ):
            place = self._places.of_said(messages, (), tags)
            places.append(place)
            if place.workload is None:
                continue
            self._workloads.setdefault(place.workload, place)
            if place.prompt is not None and self._samples:
                encoding = encoding_of_model(model)
                self._sample_prompt(place, messages, (), called_at, encoding, rank_of_id(name))
        return places

    def _sample_prompt(
        self,
        place: Place,
        messages: Sequence[dict[str, Any]],
        prompts: Sequence[Any],
        called_at: datetime | None,
        encoding: str,
        rank: int,
    ) -> None:
        assert place.workload is not None and place.prompt is not None
        group = group_of(place.workload, called_at, encoding)
        if self._sample.wants(group, rank, place.prompt):
            text = Text(tuple(messages), tuple(prompts))
            self._sample.add(Sampled(text, group, rank, place.prompt, called_at, length_of(text)))

    @property
    def is_loaded(self) -> bool:
        """Whether so many prompts are held that they should be taken."""
        held = self._sample
        return len(held) >= BATCH_HEADS or held.characters >= BATCH_CHARACTERS

    def ranks(self) -> pl.DataFrame:
        """``RANK_COLUMNS`` of the prompts that are held."""
        rows = [(*group, *order) for group, order in self._sample.orders()]
        return pl.DataFrame(rows, schema=RANK_COLUMNS, orient="row")

    def take(self, least: Full | None = None) -> Placed:
        """What was placed since it was last taken; of the prompts those of the ``least`` ranks."""
        heads = tuple(map(self._maker.head_of, self._sample.take(least or {})))
        places = [
            {"workload": name, "found_by": place.found_by, "label": clean(place.label)}
            for name, place in self._workloads.items()
        ]
        parts = {(part.part, part.encoding): part for head in heads for part in head.parts}
        self._workloads.clear()
        return Placed(
            frame_of(places, WORKLOAD_COLUMNS),
            _head_frame(heads),
            pl.DataFrame(
                {name: [getattr(part, name) for part in parts.values()] for name in PART_COLUMNS},
                schema=PART_COLUMNS,
            ),
        )


def _head_frame(heads: Sequence[Head]) -> pl.DataFrame:
    """The heads, their parts put together in bulk: polars makes a series of each list it gets."""
    known = {name: kind for name, kind in HEAD_COLUMNS.items() if name not in (*GROUP, "parts")}
    groups = [head.group for head in heads]
    columns = {name: [group[n] for group in groups] for n, name in enumerate(GROUP)}
    columns |= {name: [getattr(head, name) for head in heads] for name in known}
    places = [place for place, head in enumerate(heads) for _ in head.parts]
    parts = [part.part for head in heads for part in head.parts]
    return listed(
        pl.DataFrame(columns, schema={name: HEAD_COLUMNS[name] for name in columns}),
        pl.DataFrame({"place": places, "parts": parts}, schema=PART_ROWS),
    ).select(*HEAD_COLUMNS)
