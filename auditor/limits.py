"""How much of a hostile file is taken in: the longest line, and how far a file may unpack.

Both are keys of ``[limits]`` in audit.toml; their defaults, and the limits that are no keys, have
their one home here. A line that is too long does not stop a file: it is swallowed while it is read,
a few bytes stand in its place, and those every format refuses (see ``refusal_of``). A file that
unpacks to too much stops, for nobody can know what else is in it. Imports nothing of the project.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LINE_BYTES = 256 << 20
"""A request with pictures is up to 50 MB, the HAR of a long session of a browser some 100 MB."""
MAX_DEFLATED_RATIO = 500
"""gzip and zip: logs whose prompts repeat come to 80, nothing comes to more than 1,032."""
MAX_RATIO = 5_000
"""zstd and the like: logs that ask of one long document come to 1,800, nothing to 33,000."""
FREE_BYTES = 256 << 20
"""Below this no ratio harms."""
MAX_DOCUMENT_BYTES = 512 << 20
"""A document of several lines that is read at once."""
MAX_YAML_BYTES = 64 << 20
"""YAML takes some twenty times its size."""
MAX_BODY_BYTES = 64 << 20
"""A body that is packed inside a log."""

KEYS = ("max_line_bytes", "max_decompressed_ratio")
# No UTF-8, no JSON, and no quote or delimiter of a table: a line that no format takes for a call.
STAND_IN = b"\xff\xfe audit: a line of %d bytes is over %d \xfe\xff"
STOOD_IN = re.compile(rb"\xff\xfe audit: a line of (\d{1,19}) bytes is over (\d{1,19}) \xfe\xff")


@dataclass(frozen=True, slots=True)
class Limits:
    """What ``[limits]`` of audit.toml says. ``max_decompressed_ratio`` None: by what packed it."""

    max_line_bytes: int = MAX_LINE_BYTES
    max_decompressed_ratio: int | None = None

    def ratio_of(self, *, deflated: bool) -> int:
        """How many times its size a file may unpack to, once that is more than FREE_BYTES."""
        if self.max_decompressed_ratio is not None:
            return self.max_decompressed_ratio
        return MAX_DEFLATED_RATIO if deflated else MAX_RATIO


class BeyondLimitError(ValueError):
    """A file is beyond a limit: ``str()`` says how, ``line`` where, ``key`` which."""

    def __init__(self, problem: str, key: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.key = key
        self.line = line


def unpacks_to_too_much(
    unpacked: int, packed: int, ratio: int, what: str = "", line: int | None = None
) -> BeyondLimitError:
    """The error of a file, or of ``what`` in it, whose ``packed`` bytes unpack to so many."""
    return BeyondLimitError(
        f"{what or 'it'} unpacks to {unpacked:,} bytes or more out of {packed:,}, "
        f"over {ratio:,} times its size",
        KEYS[1],
        line,
    )


def stand_in(size: int, most: int) -> bytes:
    """What stands for a line of ``size`` bytes."""
    return STAND_IN % (size, most)


def refusal_of(raw: bytes) -> str | None:
    """Why a line that stands for one that is too long is refused; None for any other."""
    if (found := STOOD_IN.search(raw)) is None:
        return None
    size, most = (int(digits) for digits in found.groups())
    return too_long(size, most)


def too_long(size: int, most: int, what: str = "line") -> str:
    """The reason of a Reject that is too long."""
    return (
        f"a {what} of {size:,} bytes, over max_line_bytes = {most} ([limits] in audit.toml): "
        "it was not read"
    )
