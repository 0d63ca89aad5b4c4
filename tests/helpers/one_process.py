"""A cluster of one process: tasks run one after another, rows are shuffled in a dictionary.

It does with the steps of a job what Spark does with them, and sends every task and row through
pickle, so that nothing is shared which another machine would not have.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from auditor.engines.spark.rows import Row

Step = tuple[Callable[[Iterable[Row]], Iterator[Row]], int]


class DiedError(Exception):
    """The end of a driver."""


@dataclass
class OneProcess:
    """``slots`` is how many tasks it pretends to do at once, ``jobs`` the words of those done.

    The driver dies when it has got so many rows of a result (``dies_after``).
    """

    slots: int = 4
    seed: int = 7
    dies_after: int | None = None
    jobs: list[tuple[str, int]] = field(default_factory=list)

    def run(
        self,
        first: Callable[[Any], Iterator[Row]],
        tasks: Sequence[Any],
        words: str,
        then: Sequence[Step] = (),
    ) -> Iterator[Row]:
        """See ``engines.spark.cluster.Runner``."""
        self.jobs.append((words, len(tasks)))
        dice = random.Random(self.seed)
        rows = [row for task in tasks for row in first(_sent(task))]
        for step, parts in then:
            held: list[list[Row]] = [[] for _ in range(parts)]
            dice.shuffle(rows)  # who is first over the network nobody knows
            for row in rows:
                held[row[0] * 2_654_435_761 % parts].append(_sent(row))
            rows = [row for part in held for row in _sent(step)(sorted(part, key=_order))]
        for number, row in enumerate(rows):
            if number == self.dies_after:
                raise DiedError
            yield row


def _order(row: Row) -> tuple[int, str, int]:
    return row[:3]


def _sent(what: Any) -> Any:
    return pickle.loads(pickle.dumps(what))


@contextmanager
def connected(*_: object) -> Iterator[OneProcess]:
    """In the place of ``engines.spark.connecting.connected``."""
    yield OneProcess()
