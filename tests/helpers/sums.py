"""A provider's own sums of calls, as OpenAI's usage export has them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from helpers.logs import Line, capture

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
GROUPS = ("model", "batch")
ZERO = {"input_tokens": 0, "input_cached_tokens": 0, "output_tokens": 0, "num_model_requests": 0}


@dataclass(frozen=True)
class Asked:
    """One request: when, of whom, and with what."""

    at: datetime
    model: str
    sent: int
    made: int
    cached: int = 0
    project: str = "p"

    def line(self, number: int) -> Line:
        """It as a line of a capture."""
        at = self.at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return capture(f"call-{number}", at, self.model, self.sent, self.made, cached=self.cached)


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of August 2023."""
    return datetime(2023, 8, day, hour, minute, tzinfo=UTC)


def page(
    calls: Iterable[Asked], width: timedelta = DAY, groups: tuple[str, ...] = GROUPS
) -> dict[str, Any]:
    """The sums of these calls, in buckets of ``width``, told apart by ``groups``."""
    summed: dict[tuple[datetime, Any, Any], dict[str, int]] = defaultdict(lambda: dict(ZERO))
    for call in calls:
        midnight = call.at.replace(hour=0, minute=0, second=0)
        begins = midnight + width * ((call.at - midnight) // width)
        key = (
            begins,
            call.model if "model" in groups else None,
            call.project if "project_id" in groups else None,
        )
        sums = summed[key]
        sums["input_tokens"] += call.sent
        sums["input_cached_tokens"] += call.cached
        sums["output_tokens"] += call.made
        sums["num_model_requests"] += 1
    buckets = [
        {
            "object": "bucket",
            "start_time": int(begins.timestamp()),
            "end_time": int((begins + width).timestamp()),
            "results": [
                {
                    "object": "organization.usage.completions.result",
                    **sums,
                    "model": model,
                    "project_id": project,
                    "batch": False if "batch" in groups else None,
                }
            ],
        }
        for (begins, model, project), sums in summed.items()
    ]
    return {"object": "page", "data": buckets, "has_more": False}


def write_page(path: Path, *pages: dict[str, Any]) -> Path:
    """A file of such pages, one a line."""
    path.write_text("".join(f"{json.dumps(one)}\n" for one in pages), encoding="utf-8")
    return path
