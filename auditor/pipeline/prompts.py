"""What the prompts of a workload share, and what several models answered to the same prompt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from auditor.pipeline.replay import Question
from auditor.prices import resolve
from auditor.store import Store
from auditor.workload import LEVELS, Pair, measure_prefixes, observed_pairs
from auditor.workload.pairs import share_of

ALL = ""
"""The workload of a row that is of all calls together."""
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Level:
    """The longest beginning that ``level`` of 100 measured prompts have; see workload.prefix."""

    level: int
    encoding: str
    heads: int
    holding: int
    whole_messages: int
    then_tokens: int
    cut_tokens: int

    @property
    def share(self) -> Decimal:
        """The share of the measured prompts that begin so, rounded down to six decimals."""
        return Decimal(self.holding * MILLION // self.heads).scaleb(-6)


@dataclass(frozen=True, slots=True)
class Beginning:
    """The shared beginning of one workload at each level."""

    levels: tuple[Level, ...]

    @property
    def best(self) -> Level:
        """The level at which most tokens could be cut in all; of equal ones the highest."""
        return max(self.levels, key=lambda at: (at.cut_tokens * at.holding, at.level))


def beginnings_of(store: Store, base: Question, *, by_workload: bool) -> dict[str, Beginning]:
    """The shared beginnings of the prompts in a period, by workload or of all together.

    Of all together only the beginning that every measured prompt has: the sample is drawn workload
    by workload, so other shares of it are not shares of the calls.
    """
    heads = store.frame(
        "finetune/heads",
        from_date=base.from_date,
        to_date=base.to_date,
        zone=base.zone,
        by_workload=by_workload,
    )
    if heads.is_empty():
        return {}
    levels = LEVELS if by_workload else LEVELS[:1]
    measured = measure_prefixes(heads, store.frame("finetune/parts"), levels)
    found: dict[str, list[Level]] = {}
    for row in measured.iter_rows(named=True):
        workload = row.pop("workload")
        found.setdefault(workload, []).append(Level(**row))
    return {workload: Beginning(tuple(levels)) for workload, levels in found.items()}


def pairs_of(store: Store, base: Question) -> tuple[Pair, ...]:
    """The pairs of models that answered the same prompts in a period."""
    period = {"from_date": base.from_date, "to_date": base.to_date, "zone": base.zone}
    store.scan("finetune/answered", (), **period)
    answers = store.frame("finetune/answers")
    return observed_pairs(answers.drop("called_at")) if not answers.is_empty() else ()


def observed_ratios(
    pairs: Iterable[Pair], workloads: Iterable[str], target: str, base: Question
) -> Mapping[str, tuple[Decimal, bool]]:
    """How much longer the target answers, by workload, and whether that was observed.

    Measured on the prompts of the workload that the target and another model both answered; of all
    calls together on all such prompts. A workload without any keeps 1, not observed: how long an
    answer is depends on the task. Names are looked up as for prices.
    """
    sums: dict[str, tuple[int, int]] = {}
    wanted = _snapshot(target, base)
    for pair in pairs:
        if wanted == _snapshot(pair.model, base) != _snapshot(pair.base, base):
            workload = pair.workload or ALL
            made, wrote = sums.get(workload, (0, 0))
            sums[workload] = (made + pair.model_tokens, wrote + pair.base_tokens)
    ratios = {workload: share_of(*tokens) for workload, tokens in sums.items()}
    return {name: (ratios.get(name, Decimal(1)), name in ratios) for name in workloads}


def own_names(target: str, names: Iterable[str], base: Question) -> tuple[str, ...]:
    """Those of ``names`` that stand for the target."""
    wanted = _snapshot(target, base)
    return tuple(sorted({name for name in names if name and _snapshot(name, base) == wanted}))


def _snapshot(name: str, base: Question) -> str:
    """What a name stands for, itself where nobody knows."""
    found = resolve(name, base.to_date, base.book, base.names)
    return found.snapshot or name
