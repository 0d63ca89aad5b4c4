"""Partitions: folders such as ``date=2023-08-14``, each with the calls of one day of UTC.

Hive named folders so; Spark, DuckDB, Athena and others read and write them. A call that began on a
day of UTC began, in any zone, on that day, the one before or the one after: no clock is more than a
day from UTC. So a partition may be left unread if all three lie outside the period that is asked
for, and only then. What its name does not tell, ``__HIVE_DEFAULT_PARTITION__`` or no real date, is
always read.
"""

from __future__ import annotations

import re
from datetime import date

KEY = "date="
DEFAULT = f"{KEY}__HIVE_DEFAULT_PARTITION__"
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def folder_of(day: date | None) -> str:
    """The folder of the calls of a day of UTC; None are those without a time."""
    return DEFAULT if day is None else f"{KEY}{day.isoformat()}"


def day_of(folder: str) -> date | None:
    """The day that a folder is named by, None where it is named by none."""
    text = folder.removeprefix(KEY)
    if text == folder or not DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:  # 2023-02-30
        return None


def is_partition(folder: str) -> bool:
    """Whether ``folder_of`` gives such a name."""
    return folder == DEFAULT or day_of(folder) is not None


class Pruning:
    """Leaves out files that lie wholly outside a period, and keeps which: their places and names.

    The period is half-open, of days of any zone; None is no limit.
    """

    def __init__(self, from_date: date | None = None, to_date: date | None = None) -> None:
        self._from, self._to = from_date, to_date
        self.left_out: dict[str, str] = {}

    def leaves_out(self, path: str, place: str, name: str) -> bool:
        """Whether a file is in a partition outside the period, by the folders of its ``path``.

        Where partitions lie in one another all must be outside, for no rule says which one counts.
        """
        folders = [part for part in path.split("/")[:-1] if part.startswith(KEY)]
        if not folders or not all(map(self.is_outside, folders)):
            return False
        self.left_out[place] = name
        return True

    def is_outside(self, folder: str) -> bool:
        """Whether no call of this partition can be of the period."""
        day = day_of(folder)
        if day is None:
            return False
        # differences, for neither end of the calendar has a day beyond it
        is_before = self._from is not None and (self._from - day).days > 1
        is_after = self._to is not None and (day - self._to).days >= 1
        return is_before or is_after
