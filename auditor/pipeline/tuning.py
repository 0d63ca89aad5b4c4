"""What is asked of fine-tuning, and what the answer holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from auditor.finetune import DEFAULT_EXAMPLES, Rule, takes_tools
from auditor.pipeline.replay import Question
from auditor.scenarios import Scenario
from auditor.workload import Pair

Row = dict[str, Any]


@dataclass(frozen=True)
class TuningQuestion:
    """What is asked: which model to train, against what, and the levers.

    ``target`` is a scenario with one fine-tuned model, ``against`` one to compare with (None: the
    actual cost). ``kept`` is the share of each prompt still sent; ``drop`` cuts the shared
    beginning off instead. ``output`` is the length of answers in logged ones, None: as observed
    where the log has the same prompt answered by both models. ``epochs`` None: the provider's
    default. ``retrain_days``: train again that often. ``today`` decides whether advice can be
    followed.
    """

    base: Question
    target: Scenario
    today: date
    against: Scenario | None = None
    kept: Decimal = Decimal(1)
    drop: bool = False
    output: Decimal | None = Decimal(1)
    examples: int = DEFAULT_EXAMPLES
    epochs: int | None = None
    retrain_days: int | None = None
    only: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The model that is trained."""
        return self.target.models[0]


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open, in days of the zone; None where no call has a date."""

    begins: date | None
    ends: date | None
    days: int | None


@dataclass(frozen=True, slots=True)
class Training:
    """What is trained, at the price of which day; ``limit`` is in tokens of one example."""

    model: str
    on: date
    usd_per_token: Decimal
    rule: Rule | None
    limit: int

    @property
    def takes_tools(self) -> bool:
        """Whether calls with functions or tools can be trained on."""
        return takes_tools(self.model, self.on)


@dataclass(frozen=True, slots=True)
class Tuning:
    """The answer. Rows are those of queries/finetune/verdicts.sql; money is Decimal.

    ``total`` is the whole traffic as if it were one workload. Each row has besides: ``name`` (the
    user's, else the tag's value, else None), ``found_by``, ``beginnings`` (the shared beginning at
    each level), ``observed`` (whether its output ratio was). ``grid`` is of ``grid_of``, a row of
    these. Break-even counts from the end of the period. ``mix_scenario`` moves what pays back and
    leaves the rest, ``mix`` (mix.sql) is what that costs. ``past``: why the advice cannot be
    followed today.
    """

    question: TuningQuestion
    rows: tuple[Row, ...]
    total: Row | None
    grid: tuple[Row, ...]
    grid_of: Row | None
    coverage: Row
    period: Period
    training: Training
    past: str | None
    mix_scenario: Scenario | None
    mix: Row | None
    pairs: tuple[Pair, ...]
    sources: tuple[Row, ...]
