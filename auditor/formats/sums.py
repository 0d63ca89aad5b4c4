"""What modules of providers' own sums share: a bucket as a Call, with an identity of its own."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from auditor.records import Bucket, Call, Usage


class Buckets:
    """Makes the Calls that stand for the buckets of one table or page.

    A bucket is known by what is summed, from when to when and for whom; so the same bucket in a
    later export is the same, with more in it. Buckets of one table or page that are alike in all of
    that are several, which their order tells apart.
    """

    def __init__(self, seller: str) -> None:
        self._seller = seller
        self._seen: Counter[str] = Counter()

    def call(
        self,
        line: int,
        begins_at: datetime,
        bucket: Bucket,
        usage: Usage,
        names: Mapping[str, Any],
        **fields: Any,
    ) -> Call:
        """The bucket as a Call; ``names`` are what the export tells it apart by, as it says it."""
        told = [self._seller, bucket.kind, begins_at, bucket.ends_at, *sorted(names.items())]
        name = hashlib.sha256(repr(told).encode("utf-8", "backslashreplace")).hexdigest()[:24]
        self._seen[name] += 1
        return Call(
            line,
            id=f"bucket-{name}-{self._seen[name]}",
            called_at=begins_at,
            usage=usage,
            bucket=bucket,
            **fields,
        )
