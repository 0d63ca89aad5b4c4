"""Langfuse: a trace as its page downloads it, and the batch export of observations as JSON.

A download is ``{trace, observations: []}``; a batch export is an array of observations, or one a
line; as CSV it is ``langfuse_csv``. What is numbered are observations, not lines. Fields: id,
traceId, type, parentObservationId, startTime (UTC), model, modelParameters, usageDetails (counts
by name), totalCost or costDetails.total (USD, cut off after 12 decimals; 0 where unknown), level,
statusMessage. What was taken out of ClickHouse itself has them under names_with_underscores.

Only GENERATION and EMBEDDING are calls. An AGENT, SPAN or TOOL that has usage repeats or sums what
lies below it: Context if that is in the file, else refused. So is a generation that wraps others;
a TOOL between two generations ends that, for what a tool asks is a call of its own. (Seen: an outer
generation over the same seconds and the same answer, whose counts Langfuse guessed from its text.)

usageDetails are flat: Langfuse takes its details out of ``input`` and ``output``, but libraries
that write over OpenTelemetry leave them inside. The total decides. Where Gemini's total is larger
than all its parts, the rest is its hidden thinking. A count of a name that is not known here, or a
total that fits neither reading, is refused. An update has the id of what it updates.

Sure: seen in downloads; the batch export's columns are read in Langfuse's code. Texts are not read:
without counts, or with half of them, a call is listed as unpriced. The parents are read in a first
pass and kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from auditor.formats.base import Format, Sample, decode_exactly, refused
from auditor.formats.cells import half_of_counts, known, read_count, read_money
from auditor.formats.documents import documents
from auditor.formats.shapes.terms import text_at
from auditor.formats.times import read_time
from auditor.records import BadUsageError, Call, Context, Reading, Usage
from auditor.sources import LogFile

CALLS = {"GENERATION": "chat", "EMBEDDING": "embedding"}
CACHE_READ = (
    "prompt_details.cache_read",
    "input_cached_tokens",
    "input_cache_read",
    "cache_read_input_tokens",
)
CACHE_WRITE = ("input_cache_creation", "cache_creation_input_tokens")
REASONING = ("completion_details.reasoning", "output_reasoning", "output_reasoning_tokens")
AUDIO_IN = ("prompt_details.audio", "input_audio", "input_audio_tokens")
AUDIO_OUT = ("completion_details.audio", "output_audio", "output_audio_tokens")
KNOWN = {"input", "output", "total"}.union(CACHE_READ, CACHE_WRITE, REASONING, AUDIO_IN, AUDIO_OUT)
OLD_COUNTS = {"input": "inputUsage", "output": "outputUsage", "total": "totalUsage"}
IN_CLICKHOUSE = {
    "trace_id": "traceId",
    "parent_observation_id": "parentObservationId",
    "start_time": "startTime",
    "provided_model_name": "model",
    "usage_details": "usageDetails",
    "cost_details": "costDetails",
    "total_cost": "totalCost",
    "status_message": "statusMessage",
}
LONE = "it wraps model calls that are not in this file: they are counted where they are"
HEAD = 4000


def claims(start: Sample) -> bool:
    """True where an object is an observation or a trace with its observations."""
    if start.objects and any(_is_ours(line) for line in start.objects):
        return True
    head = start.head.lstrip()
    if head[:1] == b"{":
        return head[1:].lstrip().startswith(b'"trace"') and b'"projectId"' in head[:HEAD]
    return head[:1] == b"[" and b'"usageDetails"' in head and b'"traceId"' in head


def _is_ours(line: Mapping[str, Any]) -> bool:
    whole = "trace" in line and "observations" in line
    return whole or any({"id", trace, "type"} <= line.keys() for trace in ("traceId", "trace_id"))


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every observation as a Call, as Context, or as a Reject."""
    with file.open() as beginning:
        found = (entry for _, entry, problem in _entries(beginning) if problem is None)
        above = wrapping(found)
    for number, (raw, observation, problem) in enumerate(_entries(stream), 1):
        if problem is not None:
            yield refused(number, raw, problem)
            continue
        try:
            yield reading(number, observation, above)
        except ValueError as error:
            yield refused(number, str(observation.get("id")).encode(), str(error))


def _entries(stream: BinaryIO) -> Iterator[tuple[bytes, dict[str, Any], str | None]]:
    """Every observation of every document; what is none has a problem."""
    for raw, document, problem in documents(stream, decode_exactly):
        found = document.get("observations") if isinstance(document, dict) else None
        whole = found if isinstance(found, list) else document
        for entry in whole if isinstance(whole, list) else [whole]:
            if problem is None and isinstance(entry, dict) and "type" in entry:
                yield raw, named_as_exported(entry), None
            else:
                yield raw, {}, problem or "no observation of Langfuse"


def named_as_exported(entry: dict[str, Any]) -> dict[str, Any]:
    """An observation under the names of the export, whichever it came with."""
    if "trace_id" not in entry:
        return entry
    return {IN_CLICKHOUSE.get(name, name): value for name, value in entry.items()}


def wrapping(observations: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The ids of the observations below which another call has usage."""
    above: dict[str, tuple[str | None, str]] = {}
    counted = []
    for entry in observations:
        if id := text_at(entry, "id"):
            above[id] = (text_at(entry, "parentObservationId"), str(entry["type"]))
            if above[id][1] in CALLS and _has_counts(entry):
                counted.append(id)
    found: set[str] = set()
    for id in counted:
        parent = above[id][0]
        while parent in above and parent not in found and above[parent][1] != "TOOL":
            found.add(parent)
            parent = above[parent][0]
    return frozenset(found)


def _counts(entry: Mapping[str, Any]) -> dict[str, int]:
    """The counts by name, without those that are null."""
    details = entry.get("usageDetails")
    if not isinstance(details, dict) or not details:
        details = {name: entry.get(field) for name, field in OLD_COUNTS.items()}
    counts = ((name, read_count(value)) for name, value in details.items())
    return {name: count for name, count in counts if count is not None}


def _lack(counts: Mapping[str, int], *about: object) -> str | None:
    """Why half of the counts is none; None where both sides are there, or neither."""
    sides = (("input", *CACHE_READ, *CACHE_WRITE, *AUDIO_IN), ("output", *REASONING, *AUDIO_OUT))
    found = ([counts[name] for name in side if name in counts] for side in sides)
    sent, made = (sum(side) if side else None for side in found)
    return half_of_counts(sent, made, *about)


def _has_counts(entry: Mapping[str, Any]) -> bool:
    try:
        return any(_counts(entry).values())
    except ValueError:
        return True


def reading(
    number: int, entry: Mapping[str, Any], above: frozenset[str], lines: int = 1
) -> Reading:
    """One observation, ``above`` being the ids of those that wrap others. Raises ValueError."""
    id = text_at(entry, "id")
    kind = str(entry["type"])
    if id in above or (kind not in CALLS and not _has_counts(entry)):
        return Context(number, lines)
    if kind not in CALLS:
        raise ValueError(LONE)
    model = text_at(entry, "model")
    counts = _counts(entry)
    lack = _lack(counts, CALLS[kind], model)
    usage = None if lack else _usage(counts, model or "")
    failed = entry.get("level") == "ERROR"
    unknown = None if usage else lack or "the observation holds no token counts"
    return Call(
        number,
        id=id,
        called_at=read_time(entry.get("startTime")),
        requested_model=model,
        served_model=model,
        endpoint=CALLS[kind],
        usage=usage,
        failed=failed,
        problem=(text_at(entry, "statusMessage") or "ERROR") if failed else unknown,
        recorded_usd=_cost(entry),
        tags={"trace": trace} if (trace := text_at(entry, "traceId")) else {},
        lines=lines,
    )


def _cost(entry: Mapping[str, Any]) -> str | None:
    details = entry.get("costDetails")
    cost = read_money(entry.get("totalCost"))
    if cost is None and isinstance(details, dict):
        cost = read_money(details.get("total"))
    return cost if cost and cost.strip("0.") else None


def _usage(counts: Mapping[str, int], model: str) -> Usage | None:
    if not any(counts.values()):
        return None
    if any(count and name not in KNOWN for name, count in counts.items()):
        raise BadUsageError("nothing says what some of its tokens are part of: a name not known")

    def part(names: tuple[str, ...]) -> int:
        return max((counts.get(name, 0) for name in names), default=0)

    read, written, thought = part(CACHE_READ), part(CACHE_WRITE), part(REASONING)
    heard, spoken = part(AUDIO_IN), part(AUDIO_OUT)
    sent, made = counts.get("input", 0), counts.get("output", 0)
    beside_input, beside_output = read + written + heard, thought + spoken
    total = counts.get("total") or sent + made + beside_input + beside_output
    if total == sent + made:  # the details are inside: they are taken out
        if beside_input > sent or beside_output > made:
            raise BadUsageError(f"its details are more than input {sent} or output {made}")
        sent, made = sent - beside_input, made - beside_output
    elif total != sent + made + beside_input + beside_output:
        if "gemini" not in model or thought or total < sent + made + beside_input + beside_output:
            raise BadUsageError(f"its total is {total}, but its parts add up to {sent + made}")
        thought = total - sent - made - beside_input - beside_output
    return known(Usage(sent, made, read, written, thought, heard + spoken))


FORMAT = Format(
    "langfuse",
    "Langfuse trace downloads and batch exports of observations",
    claims,
    read,
    container="JSON, JSON lines",
    unit="observation",
    ids="`id`",
    times="`startTime`",
    counts="`usageDetails`",
    note="what wraps other observations is not counted again",
)
