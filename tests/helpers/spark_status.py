"""What a driver of Spark tells of its stages, tasks and executors.

At the port of its page while it runs, and in its log of events when it has ended.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from helpers.processes import Session, until

# no proxy of the environment stands between us and this machine
_DIRECT = build_opener(ProxyHandler({}))


def told(url: str) -> Any:
    """What is answered, from JSON; None where nobody answers, or with an error."""
    with suppress(OSError, HTTPException, ValueError), _DIRECT.open(url, timeout=5) as answer:
        return json.load(answer)
    return None


@dataclass(frozen=True)
class Stage:
    """An attempt at a stage: how many of its tasks there are, run now, were done, were lost."""

    number: int
    attempt: int
    state: str
    tasks: int
    active: int
    done: int
    failed: int

    @property
    def begun(self) -> bool:
        return self.state not in ("PENDING", "SKIPPED")


@dataclass(frozen=True)
class Status:
    """A driver, by the root of its REST interface; it answers as long as the driver lives."""

    api: str

    def application(self) -> str:
        """The name that the cluster gave the driver; waited for."""
        first = until(lambda: told(f"{self.api}/applications"), "the driver's status")[0]
        return str(first["id"])

    def stages(self) -> list[Stage]:
        """All attempts at stages in their order; those of which the driver no longer knows not."""
        found = told(f"{self.api}/applications/{self.application()}/stages") or ()
        stages = (
            Stage(
                number=one["stageId"],
                attempt=one["attemptId"],
                state=one["status"],
                tasks=one["numTasks"],
                active=one["numActiveTasks"],
                done=one["numCompleteTasks"],
                failed=one["numFailedTasks"] + one["numKilledTasks"],
            )
            for one in found
        )
        return sorted(stages, key=lambda stage: (stage.number, stage.attempt))

    def wait_for_stage(
        self, begun: int, *programs: Session, done: int = 0, active: int = 1, seconds: float = 120
    ) -> Stage:
        """The stage that began as number ``begun``, from 0, when so many tasks are done and run.

        Stages that were skipped, since what they make is there, do not count. Of a job that reads
        and repartitions, 0 reads (and writes the shuffle) and 1 reduces. Tasks do not begin in the
        order of their partitions: those without input come last. Raises TooLateError after
        ``seconds``, AssertionError with the end of its log where one of ``programs`` has ended.
        """

        def there() -> Stage | None:
            first = [one for one in self.stages() if one.begun and one.attempt == 0]
            fits = (one for one in first[begun : begun + 1] if one.done >= done)
            return next((one for one in fits if one.active >= active), None)

        what = f"stage {begun} with {done} done and {active} active"
        return until(there, what, *programs, seconds=seconds)

    def tasks(self, stage: Stage) -> list[dict[str, Any]]:
        """All attempts at the tasks of a stage, as Spark tells them."""
        where = f"stages/{stage.number}/{stage.attempt}/taskList?length=100000"
        return list(told(f"{self.api}/applications/{self.application()}/{where}") or ())

    def executors_of(self, stage: Stage, state: str = "SUCCESS") -> list[str]:
        """The executors with tasks of a stage in this state (SUCCESS, RUNNING, FAILED, …).

        Those with SUCCESS in a stage that writes a shuffle hold its files.
        """
        return sorted({one["executorId"] for one in self.tasks(stage) if one["status"] == state})


@dataclass(frozen=True)
class History:
    """What a driver wrote of its run; whole when it has ended."""

    folder: Path

    def _events(self, kind: str) -> Iterator[dict[str, Any]]:
        for path in sorted(self.folder.iterdir()):
            for line in path.read_text(encoding="utf-8").splitlines():
                event = json.loads(line)
                if event["Event"] == f"SparkListener{kind}":
                    yield event

    def removed(self) -> dict[str, str]:
        """The executors that were lost, and why."""
        found = self._events("ExecutorRemoved")
        return {event["Executor ID"]: event["Removed Reason"] for event in found}

    def endings(self) -> Counter[tuple[int, str]]:
        """How the attempts at tasks ended, by the number of the stage.

        Success; ExecutorLostFailure: it ran on what was lost; Resubmitted: it was done, and what
        it made was lost; FetchFailed: it did not get what it reads.
        """
        found = self._events("TaskEnd")
        return Counter((one["Stage ID"], one["Task End Reason"]["Reason"]) for one in found)

    def attempts(self) -> list[tuple[int, int, int]]:
        """Number, attempt and count of tasks of each stage, in the order in which they began."""
        infos = (event["Stage Info"] for event in self._events("StageSubmitted"))
        return [(one["Stage ID"], one["Stage Attempt ID"], one["Number of Tasks"]) for one in infos]
