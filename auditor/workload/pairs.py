"""The same prompt answered by two models: how much longer does one answer than the other?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import polars as pl

PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Pair:
    """What ``model`` answered where ``base`` had the same prompt.

    ``workload`` is None for all of them together. Token counts are sums over ``prompts`` prompts,
    of the first answer of each model to each. ``ratio`` is of the sums, rounded to six decimals;
    ``low``, ``median`` and ``high`` are the quartiles of the ratios of the single prompts.
    """

    workload: str | None
    base: str
    model: str
    prompts: int
    base_tokens: int
    model_tokens: int
    ratio: Decimal
    low: float
    median: float
    high: float


def observed_pairs(answers: pl.DataFrame) -> tuple[Pair, ...]:
    """The pairs in ``answers``: workload, prompt, model, output_tokens (first answer, above 0).

    Sorted by workload (all together first), base and model; each pair stands in both directions.
    """
    both = (
        answers.join(answers, on=["workload", "prompt"], nulls_equal=True, suffix="_other")
        .filter(pl.col("model") != pl.col("model_other"))
        .with_columns(
            (pl.col("output_tokens_other") / pl.col("output_tokens")).alias("single"),
        )
    )
    return (*_summed(both, ()), *_summed(both.drop_nulls("workload"), ("workload",)))


def _summed(both: pl.DataFrame, by: tuple[str, ...]) -> Iterator[Pair]:
    rows = (
        both.group_by(*by, "model", "model_other")
        .agg(
            pl.len().alias("prompts"),
            pl.col("output_tokens").sum().alias("base_tokens"),
            pl.col("output_tokens_other").sum().alias("model_tokens"),
            *(
                pl.col("single").quantile(share, "nearest").alias(name)
                for name, share in (("low", 0.25), ("median", 0.5), ("high", 0.75))
            ),
        )
        .sort(*by, "model", "model_other")
    )
    for row in rows.iter_rows(named=True):
        yield Pair(
            workload=row.get("workload"),
            base=row["model"],
            model=row["model_other"],
            prompts=row["prompts"],
            base_tokens=row["base_tokens"],
            model_tokens=row["model_tokens"],
            ratio=share_of(row["model_tokens"], row["base_tokens"]),
            low=row["low"],
            median=row["median"],
            high=row["high"],
        )


def share_of(part: int, whole: int) -> Decimal:
    """``part / whole`` to six decimals, a tie to the even digit."""
    with localcontext(prec=60):
        return (Decimal(part) / Decimal(whole)).quantize(PLACES, ROUND_HALF_EVEN)
