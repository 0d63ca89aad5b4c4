"""Names out of calls that were read in columns, as ``Pseudonyms.call`` takes them out of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import polars as pl

from auditor.formats import Block, Frame
from auditor.privacy import Pseudonyms
from auditor.privacy.identities import OF_A_PROVIDER
from auditor.records import clean


def unnamed_block(block: Block, names: Pseudonyms) -> Block:
    """The calls of a block. All of them were answered: there is no problem."""
    if names.shown.identities:
        return block
    ids = [names.id(id) for id in block.columns["id"]]
    tags = [names.tags(tags) if tags else tags for tags in block.tags]
    return replace(block, columns={**block.columns, "id": ids}, tags=tags)


def unnamed_frame(frame: Frame, names: Pseudonyms) -> Frame:
    """The calls of a table."""
    calls = frame.calls
    if "problem" in calls.columns and not names.shown.text:
        calls = _replaced(calls, "problem", partial(names.problem, failed=True))
    if names.shown.identities:
        return replace(frame, calls=calls)
    if "id" in calls.columns:
        calls = _replaced(calls, "id", names.id, unless=f"^{OF_A_PROVIDER}$")
    if "fingerprint" in calls.columns:
        told = pl.col("fingerprint")
        salted = pl.concat_str(pl.lit(names.salt), told)
        calls = calls.with_columns(pl.when(told != "").then(salted).otherwise(told))
    renamed = {}
    for tag in frame.tags:
        value_of = partial(names.tag_value, tag)
        calls = _replaced(calls, f"tag {tag}", value_of)
        renamed[f"tag {tag}"] = f"tag {names.tag_name(tag)}"
    return Frame(calls.rename(renamed), tuple(map(names.tag_name, frame.tags)))


def _replaced(
    calls: pl.DataFrame,
    column: str,
    new: Callable[[str], str | None],
    *,
    unless: str | None = None,
) -> pl.DataFrame:
    """The frame with each text of a column replaced, but for those that match ``unless``."""
    texts = calls[column].unique().drop_nulls()
    if unless is not None:
        texts = texts.filter(~texts.str.contains(unless))
    changed = {text: made for text in texts if (made := clean(new(clean(text)))) != text}
    if not changed:
        return calls
    return calls.with_columns(pl.col(column).replace(list(changed), list(changed.values())))
