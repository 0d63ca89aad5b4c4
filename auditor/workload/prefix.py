"""The beginning that the prompts of a workload share, measured on their heads.

Message by message, then within the first message that differs at token granularity. A level of 0.99
asks for the longest beginning that at least 99 of 100 heads have: such a beginning is unique as
long as the level is above one half. A message is shared whole only where it is not the last of its
call: what remains must be a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import polars as pl

from auditor.workload.hashing import LINK_BYTES

LEVELS = (Fraction(1), Fraction(99, 100), Fraction(90, 100))


def measure_prefixes(
    heads: pl.DataFrame, parts: pl.DataFrame, levels: Iterable[Fraction] = LEVELS
) -> pl.DataFrame:
    """The shared beginning of each workload at each level (``level``: 100, 99, 90).

    ``heads``: one row a sampled call: workload, encoding, messages (how many it has), parts (list
    of hashes). ``parts``: part, encoding, tokens (None: cannot be cut), links (four bytes a token).
    A workload with several encodings is measured in the one with most heads; those in another are
    among ``heads`` and never among ``holding``.

    Columns: workload, level, encoding, heads (measured), holding (those that begin so),
    whole_messages, then_tokens (of the next message), cut_tokens (their sum in tokens, with the
    frames of the whole messages: the upper bound of what can be cut off each holding call).
    """
    chosen = _one_encoding(heads)
    measured = [_measure(chosen, parts, level) for level in levels]
    return pl.concat(measured).sort("workload", "level", descending=[False, True])


def _one_encoding(heads: pl.DataFrame) -> pl.DataFrame:
    """The heads of each workload in its most frequent encoding, and how many it has in all."""
    counts = heads.group_by("workload", "encoding").len()
    first = counts.sort(["workload", "len", "encoding"], descending=[False, True, False])
    kept = first.unique("workload", keep="first", maintain_order=True).drop("len")
    totals = counts.group_by("workload").agg(pl.col("len").sum().cast(pl.Int64).alias("all_heads"))
    return heads.join(kept, on=["workload", "encoding"]).join(totals, on="workload")


def _measure(heads: pl.DataFrame, parts: pl.DataFrame, level: Fraction) -> pl.DataFrame:
    """One row a workload."""
    needed = heads.group_by("workload", "encoding", pl.col("all_heads").alias("heads")).agg(
        pl.len().cast(pl.Int64).alias("holding"),
        _needed(pl.len().cast(pl.Int64), level).alias("needed"),
    )
    state = needed.with_columns(
        pl.lit(0, pl.Int32).alias("whole_messages"),
        pl.lit(0, pl.Int64).alias("whole_tokens"),
    )
    on_path = heads
    for shared, survivors in _whole_messages(heads, parts, needed):
        state = state.update(shared, on="workload")
        on_path = pl.concat([on_path.join(shared, on="workload", how="anti"), survivors])
    deeper = _tokens_of_next(on_path, parts, state)
    return (
        state.update(deeper.select("workload", "holding"), on="workload")
        .join(deeper.drop("holding"), on="workload", how="left")
        .with_columns(pl.col("then_tokens").fill_null(0))
        .select(
            "workload",
            pl.lit(int(level * 100), pl.Int32).alias("level"),
            "encoding",
            "heads",
            "holding",
            "whole_messages",
            "then_tokens",
            (pl.col("whole_tokens") + pl.col("then_tokens")).alias("cut_tokens"),
        )
    )


def _needed(count: pl.Expr, level: Fraction) -> pl.Expr:
    """The smallest number of heads that is at least the level's share of all."""
    return (count * level.numerator + level.denominator - 1) // level.denominator


def _whole_messages(
    heads: pl.DataFrame, parts: pl.DataFrame, needed: pl.DataFrame
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Message by message: the workloads that share one more, and their heads that have it."""
    tokens = parts.select("part", "encoding", "tokens")
    on_path = heads
    totals = needed.select("workload", pl.lit(0, pl.Int64).alias("whole_tokens"))
    place = 0
    while True:
        here = on_path.filter(
            (pl.col("messages") > place + 1) & (pl.col("parts").list.len() > place)
        ).with_columns(pl.col("parts").list.get(place, null_on_oob=True).alias("part"))
        shared = (
            here.group_by("workload", "encoding", "part")
            .agg(pl.len().cast(pl.Int64).alias("holding"))
            .join(needed.select("workload", "needed"), on="workload")
            .filter(pl.col("holding") >= pl.col("needed"))
            .join(tokens, on=["part", "encoding"])
            .filter(pl.col("tokens").is_not_null())
        )
        if shared.is_empty():
            return
        on_path = here.join(shared.select("workload", "part"), on=["workload", "part"]).drop("part")
        totals = shared.join(totals, on="workload").select(
            "workload",
            "holding",
            (pl.col("whole_tokens") + pl.col("tokens")).alias("whole_tokens"),
            pl.lit(place + 1, pl.Int32).alias("whole_messages"),
        )
        yield totals, on_path
        place += 1


def _tokens_of_next(
    on_path: pl.DataFrame, parts: pl.DataFrame, state: pl.DataFrame
) -> pl.DataFrame:
    """How far the next message is shared: workload, then_tokens, holding, where that is at all.

    That some link at a depth is shared by enough heads can only become false as the depth grows, so
    the greatest depth is found by halving, for all workloads at once.
    """
    next_part = (
        on_path.join(state.select("workload", "whole_messages", "needed"), on="workload")
        .with_columns(
            pl.col("parts").list.get(pl.col("whole_messages"), null_on_oob=True).alias("part")
        )
        .join(parts.select("part", "encoding", "links"), on=["part", "encoding"])
        .select("workload", "needed", "links")
        .with_columns((pl.col("links").bin.size() // LINK_BYTES).cast(pl.Int32).alias("length"))
    )
    bounds = next_part.group_by("workload").agg(
        pl.lit(0, pl.Int32).alias("low"),
        pl.col("length").max().alias("high"),
        pl.lit(0, pl.Int64).alias("holding"),
    )
    while not (open_ := bounds.filter(pl.col("low") < pl.col("high"))).is_empty():
        middle = open_.select(
            "workload", ((pl.col("low") + pl.col("high") + 1) // 2).alias("depth")
        )
        shared = (
            next_part.join(middle, on="workload")
            .filter(pl.col("length") >= pl.col("depth"))
            .group_by(
                "workload",
                "depth",
                "needed",
                pl.col("links").bin.slice((pl.col("depth") - 1) * LINK_BYTES, LINK_BYTES),
            )
            .agg(pl.len().cast(pl.Int64).alias("count"))
            .filter(pl.col("count") >= pl.col("needed"))
            .select("workload", "count")
        )
        bounds = (
            bounds.join(middle, on="workload", how="left")
            .join(shared, on="workload", how="left")
            .select(
                "workload",
                pl.when(pl.col("count").is_not_null())
                .then(pl.col("depth"))
                .otherwise(pl.col("low"))
                .alias("low"),
                pl.when(pl.col("depth").is_not_null() & pl.col("count").is_null())
                .then(pl.col("depth") - 1)
                .otherwise(pl.col("high"))
                .alias("high"),
                pl.coalesce("count", "holding").alias("holding"),
            )
        )
    return bounds.filter(pl.col("low") > 0).select(
        "workload", pl.col("low").alias("then_tokens"), "holding"
    )
