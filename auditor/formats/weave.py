"""W&B Weave: calls of traced functions, one a line, as its client and its page export them.

Fields: id, op_name, trace_id, parent_id, started_at (UTC), exception, output, and
``summary.usage``, in which the MODEL IS A KEY: ``{model: {requests, prompt_tokens, …}}``, all but
``requests`` being the usage object as the provider wrote it, whose keys tell what is inside what.

A function has the sum of the calls below it, by model: Context where one of them is in the file.
Without them it is refused if it sums several requests or models, for a sum is no call, and read
where it has one request of one model. A function without usage is Context. A call is known by its
answer's id, where the output was kept as the provider gave it, else by Weave's.

The parents are read in a first pass and kept. Likely: general knowledge of the client's code, no
export of it was at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from auditor.formats.base import Format, Sample, decode, json_lines
from auditor.formats.cells import known, read_count
from auditor.formats.shapes import read_usage
from auditor.formats.shapes.terms import body_at, text_at
from auditor.formats.times import read_time
from auditor.records import BadUsageError, Call, Context, Reading
from auditor.sources import LogFile

FIELDS = frozenset({"id", "op_name", "trace_id", "started_at"})


def claims(start: Sample) -> bool:
    """True where a line is a call of Weave."""
    return any(line.keys() >= FIELDS for line in start.objects)


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every line as a Call, as Context, or as a Reject."""
    above = _above(file)
    return json_lines(stream, lambda number, line: _reading(number, line, above))


def _above(file: LogFile) -> frozenset[str]:
    """The ids of the functions that a call with usage lies below."""
    parents: dict[str, str | None] = {}
    counted = []
    with file.open() as stream:
        for raw in stream:
            try:
                line = decode(raw) if raw.strip() else None
            except ValueError:
                continue
            if isinstance(line, dict) and (id := text_at(line, "id")):
                parents[id] = text_at(line, "parent_id")
                if _usages(line):
                    counted.append(id)
    return frozenset(above for id in counted for above in _line_up(id, parents))


def _line_up(id: str, parents: Mapping[str, str | None]) -> list[str]:
    """The ancestors of a call; none where parents go in a circle."""
    found: list[str] = []
    above = parents.get(id)
    while above:
        if above == id or above in found:
            return []
        found.append(above)
        above = parents.get(above)
    return found


def _usages(line: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The usage objects of a call by model, without those that are empty."""
    told = body_at(body_at(line, "summary"), "usage")
    return {model: usage for model, usage in told.items() if isinstance(usage, Mapping) and usage}


def _reading(number: int, line: Mapping[str, Any], above: frozenset[str]) -> Reading:
    if not line.keys() >= FIELDS:
        raise ValueError("no call of Weave")
    usages = _usages(line)
    if not usages or text_at(line, "id") in above:
        return Context(number)
    if len(usages) > 1:
        raise ValueError(f"it sums {len(usages)} models, whose calls are not in this file")
    ((model, told),) = usages.items()
    requests = read_count(told.get("requests")) or 1
    if requests > 1:
        raise ValueError(f"it sums {requests} requests, which are not in this file")
    usage = read_usage({key: n for key, n in told.items() if key != "requests"}, model=model)
    if usage is None and any(read_count(n) for key, n in told.items() if key != "requests"):
        raise BadUsageError("its usage has counts under no name that is known")
    usage = None if usage is None else known(usage)
    failure = text_at(line, "exception")
    trace = text_at(line, "trace_id")
    return Call(
        number,
        id=text_at(body_at(line, "output"), "id") or text_at(line, "id"),
        called_at=read_time(line["started_at"]),
        requested_model=text_at(body_at(line, "inputs"), "model") or model,
        served_model=model,
        usage=usage,
        failed=failure is not None,
        problem=failure.splitlines()[0][:200]
        if failure
        else (None if usage else "the call holds no token counts"),
        tags={"trace": trace} if trace else {},
    )


FORMAT = Format(
    "weave",
    "W&B Weave calls of functions",
    claims,
    read,
    container="JSON lines",
    ids="`output.id`, else `id`",
    times="`started_at`",
    counts="`summary.usage`, by model",
    note="functions have the sum of what is below them, which is not counted again",
)
