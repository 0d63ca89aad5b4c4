"""Where each call belongs, and the sample of prompts that goes into the store as hashes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from auditor.pipeline.counting import NOBODY, Counted
from auditor.records import Call, clean
from auditor.store import Store
from auditor.workload import (
    WORKLOAD_TAGS,
    HashKey,
    Head,
    HeadMaker,
    HeadSample,
    Place,
    encoding_of,
    group_of,
    place_of,
    rank_of,
)

MOST_HEADS = 500
MOST_TOKENS = 1 << 19
BATCH_HEADS = 20_000
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
PART_COLUMNS = {
    "part": pl.UInt64,
    "encoding": pl.String,
    "tokens": pl.Int32,
    "links": pl.Binary,
}


class Placer:
    """Places the calls of one source after another; ``store`` gets what it keeps of them.

    Prompts are sampled unless nobody will ask what they share (``sampling``).
    """

    def __init__(
        self, store: Store, tags: Iterable[str] = WORKLOAD_TAGS, *, sampling: bool = True
    ) -> None:
        self._store = store
        self._sampling = sampling
        self.tags = tuple(tags)
        self.key = HashKey(store.hash_key)
        self._maker = HeadMaker(self.key)
        self._sample = HeadSample({}, MOST_HEADS)
        self._workloads: dict[str, Place] = {}

    def begin(self) -> None:
        """Begin a source."""
        full = self._store.rows("ingest/full_groups", **LIMITS)
        self._sample = HeadSample(
            {(r["workload"], r["month"], r["encoding"]): r["greatest_rank"] for r in full},
            MOST_HEADS,
        )
        self._workloads.clear()

    def place(self, call: Call, counted: Counted) -> Place:
        """Where a call belongs. Its prompt is sampled if it was answered."""
        place = place_of(call, self.key, self.tags)
        if place.workload is None:
            return place
        self._workloads.setdefault(place.workload, place)
        # a call without its text has nothing to sample, whatever is known of its prompt
        answered = self._sampling and not call.failed and call.text is not None
        if place.prompt is not None and answered and counted.by != NOBODY:
            self._sample_prompt(call, place.workload, place.prompt)
        return place

    def workload_of(self, tags: Mapping[str, str]) -> str | None:
        """What a chat call belongs to of which only its tags are known."""
        return self.place(Call(0, tags=dict(tags)), Counted(None, NOBODY)).workload

    def _sample_prompt(self, call: Call, workload: str, prompt: int) -> None:
        group = group_of(workload, call.called_at, encoding_of(call))
        rank = rank_of(call, prompt, self.key)
        if self._sample.wants(group, rank, prompt):
            self._sample.add(self._maker.head_of(call, workload, prompt, rank))
            if len(self._sample) >= BATCH_HEADS:
                self._stage()

    def finish(self) -> None:
        """Bring what was sampled of the source into the store."""
        self._stage()
        self._store.run("ingest/merge_heads", **LIMITS)

    def _stage(self) -> None:
        heads = self._sample.take()
        places = [
            {"workload": name, "found_by": place.found_by, "label": clean(place.label)}
            for name, place in self._workloads.items()
        ]
        parts = {(part.part, part.encoding): part for head in heads for part in head.parts}
        self._workloads.clear()
        store = self._store
        store.show("batch_workloads", pl.DataFrame(places, schema=WORKLOAD_COLUMNS))
        store.show("batch_heads", pl.DataFrame([_head_row(h) for h in heads], schema=HEAD_COLUMNS))
        store.show(
            "batch_parts",
            pl.DataFrame(
                [{name: getattr(part, name) for name in PART_COLUMNS} for part in parts.values()],
                schema=PART_COLUMNS,
            ),
        )
        store.run("ingest/stage_heads")


def _head_row(head: Head) -> dict[str, Any]:
    workload, month, encoding = head.group
    return {
        "workload": workload,
        "month": month,
        "encoding": encoding,
        "rank": head.rank,
        "prompt": head.prompt,
        "called_at": head.called_at,
        "messages": head.messages,
        "tokens": head.tokens,
        "parts": [part.part for part in head.parts],
    }
