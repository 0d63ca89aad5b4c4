"""LangSmith: runs, as the bulk export writes them (Parquet) or its API and SDK give them (JSON).

What is numbered are runs: rows of Parquet, one object a line, an array, or ``{runs: []}`` with
``child_runs`` inside each other. Fields: id, run_type, start_time (UTC), trace_id, dotted_order,
parent_run_id, parent_run_ids, status (success, error, pending), error, inputs, outputs, extra (in
Parquet the texts of objects), prompt_tokens, completion_tokens, total_tokens, prompt_token_details,
completion_token_details, total_cost (USD, a text in the API), session_id (the project).

Only run_type llm and embedding are calls. A chain, tool, retriever, prompt or parser has the SUM of
the runs below it: Context if one of them is in the file, else refused. So is an llm run around
another, as where a wrapped client lies below a chat model; a tool between two ends that.

prompt_tokens and usage_metadata (``input_tokens``, ``input_token_details``) include what was read
from and written to a cache, whoever answered; completion_tokens include the reasoning. The
provider's own body or ``llm_output`` in outputs wins, in its own terms: with several answers to one
call LangSmith adds the same usage up once for each. Where columns and usage_metadata disagree, the
run is refused. LangChain's own cache gives an answer again with a total_cost of 0 in its message's
usage_metadata: no provider was asked, so it is Context. A call is known by its answer's id, else
by the run's. An update, as of a pending run, has the same id.

The model that answered is in outputs (response_metadata, llm_output, the body), the one asked for
in extra (invocation_params, metadata.ls_model_name). Texts are read from providers' bodies alone:
LangChain's messages without counts, or with half of them, are listed as unpriced.

Sure: fields and run types (the run data format, the SDK's schema), sums on parents, the cache (the
documentation of UsageMetadata, LangChain's code). Likely: objects as texts in Parquet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from auditor.formats.base import Format, Sample, decode, decode_exactly, refused
from auditor.formats.captures import to_call
from auditor.formats.cells import half_of_counts, known, read_count, read_money
from auditor.formats.documents import documents, entries_at
from auditor.formats.shapes import Answer, read_request, read_response, read_usage
from auditor.formats.shapes.terms import bodies_at, body_at, text_at, tier_of
from auditor.formats.times import read_time
from auditor.records import BadUsageError, Context, Reading, Usage
from auditor.sources import LogFile

CALLS = {"llm": "chat", "embedding": "embedding"}
FIELDS = frozenset({"id", "run_type", "start_time"})
PARSED = ("inputs", "outputs", "extra", "prompt_token_details", "completion_token_details")
WRITTEN_SINCE = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
REQUESTED = ("model", "model_name", "model_id", "azure_deployment", "deployment_name")
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
TAGS = (("user_id", "user"), ("thread_id", "session"), ("session_id", "session"), ("team", "team"))
LONE = "it sums runs that are not in this file: they are counted where they are"
HEAD = 4000
ERROR_CHARACTERS = 200


def claims(start: Sample) -> bool:
    """True where an object is a run, or holds runs."""
    if any(line.keys() >= FIELDS or _holds_runs(line) for line in start.objects):
        return True
    head = start.head.lstrip()[:HEAD]
    return head[:1] == b"{" and b'"runs"' in head and b'"run_type"' in head


def _holds_runs(line: Mapping[str, Any]) -> bool:
    return any(run.keys() >= FIELDS for run in bodies_at(line, "runs"))


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every run as a Call, as Context, or as a Reject."""
    summed = _summed(file)
    for number, (raw, run, problem) in enumerate(_entries(stream, decode_exactly), 1):
        if problem is not None:
            yield refused(number, raw, problem)
            continue
        try:
            yield _reading(number, run, summed)
        except ValueError as error:
            yield refused(number, str(run["id"]).encode("utf-8", "replace"), str(error))


def _entries(
    stream: BinaryIO, decode: Callable[[bytes], Any]
) -> Iterator[tuple[bytes, dict[str, Any], str | None]]:
    """Every run of every document, those inside others after them; what is none has a problem."""
    for raw, document, problem in documents(stream, decode):
        if problem is not None:
            yield raw, {}, problem
            continue
        held = document.get("runs") if isinstance(document, dict) else None
        found = held if isinstance(held, list) else [document]
        open_runs = list(reversed(found))
        while open_runs:
            run = open_runs.pop()
            if isinstance(run, dict) and run.keys() >= FIELDS:
                yield raw, run, None
                open_runs.extend(reversed(entries_at(run, "child_runs")))
            else:
                yield json.dumps(run, default=str).encode(), {}, "no run of LangSmith"


def _summed(file: LogFile) -> frozenset[str]:
    """The ids of the runs whose counts are those of a call below them in the file."""
    kinds: dict[str, str] = {}
    parents: dict[str, str] = {}
    counted: list[tuple[str, tuple[str, ...]]] = []
    with file.open() as stream:
        for _, run, problem in _entries(stream, decode):
            if problem is not None:
                continue
            id, above = str(run["id"]), _named_above(run)
            kinds[id] = str(run["run_type"])
            if above:
                parents[id] = above[-1]
            if kinds[id] in CALLS and _has_counts(run):
                counted.append((id, above))
    found: set[str] = set()
    for id, named in counted:
        beyond_tool = False
        for ancestor in _nearest_first(id, named, parents):
            kind = kinds.get(ancestor, "")
            beyond_tool = beyond_tool or kind == "tool"
            if not (beyond_tool and kind in CALLS):
                found.add(ancestor)
    return frozenset(found)


def _named_above(run: Mapping[str, Any]) -> tuple[str, ...]:
    """The runs that a run says lie above it, the topmost first."""
    listed = _parsed(run.get("parent_run_ids"))
    if isinstance(listed, list) and listed:
        return tuple(map(str, listed))
    order = text_at(run, "dotted_order") or ""
    if "." in order:  # a time and an id for each: 20250502T092046100000Zb9a0…
        return tuple(part.partition("Z")[2] for part in order.split(".")[:-1])
    parent = text_at(run, "parent_run_id")
    return (parent,) if parent else ()


def _nearest_first(id: str, named: tuple[str, ...], parents: Mapping[str, str]) -> list[str]:
    """The ancestors of a run; none where parents go in a circle.

    A run may name but its parent: the rest is found through the parents of that.
    """
    found = dict.fromkeys(reversed(named))  # in that order, and quick to look up
    last = named[0] if named else ""
    while above := parents.get(last):
        if above == id or above in found:
            return []
        found[above] = None
        last = above
    return [] if id in found else list(found)


def _has_counts(run: Mapping[str, Any]) -> bool:
    try:
        columns = ("prompt_tokens", "completion_tokens", "total_tokens")
        return any(map(read_count, map(run.get, columns))) or _usage(_unpacked(run)) is not None
    except ValueError:
        return True


def _unpacked(run: Mapping[str, Any]) -> dict[str, Any]:
    """The run with objects where Parquet has their texts."""
    return {**run, **{name: _parsed(run.get(name)) for name in PARSED}}


def _parsed(value: Any) -> Any:
    """The object or list that a text is; anything else as it stands."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return decode(value.encode("utf-8", "surrogatepass"))
        except ValueError:
            return value
    return value


def _reading(number: int, packed: Mapping[str, Any], summed: frozenset[str]) -> Reading:
    kind = str(packed["run_type"])
    id = str(packed["id"])
    if id in summed or (kind not in CALLS and not _has_counts(packed)):
        return Context(number)
    if kind not in CALLS:
        raise ValueError(LONE)
    run = _unpacked(packed)
    outputs, extra = body_at(run, "outputs"), body_at(run, "extra")
    message = _message(outputs)
    if _is_free(message.get("usage_metadata")):
        return Context(number)  # LangChain's own cache answered
    answer = _body(outputs)
    asked = read_request(dict(body_at(run, "inputs")), kind=answer.kind if answer else None)
    call = to_call(number, {}, asked, answer)
    about, settings = body_at(message, "response_metadata"), body_at(extra, "invocation_params")
    metadata = body_at(extra, "metadata")
    requested = _first(settings, *REQUESTED) or text_at(metadata, "ls_model_name")
    usage = _usage(run)
    failed = bool(run.get("error")) or run.get("status") == "error"
    limits = (*map(settings.get, LIMITS), metadata.get("ls_max_tokens"))
    tags = {tag: str(metadata[name]) for name, tag in TAGS if _is_plain(metadata.get(name))}
    named = {"trace": run.get("trace_id"), "project": run.get("session_id")}
    return replace(
        call,
        id=call.id or text_at(about, "id") or id,
        called_at=read_time(run["start_time"]),
        requested_model=call.requested_model or requested,
        served_model=call.served_model
        or _first(about, "model_name", "model")
        or _first(body_at(outputs, "llm_output"), "model_name", "model")
        or text_at(metadata, "ls_model_name")
        or requested,
        endpoint=call.endpoint if answer else CALLS[kind],
        usage=usage,
        tier=call.tier if answer else tier_of(about.get("service_tier")),
        failed=failed,
        problem=_error(run) if failed else None if usage or call.text else _uncounted(run),
        max_tokens=call.max_tokens or next((n for n in limits if type(n) is int and n > 0), None),
        recorded_usd=_cost(run),
        tags=tags | {tag: str(value) for tag, value in named.items() if value},
    )


def _message(outputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first answer as LangChain keeps it: the fields of its message."""
    lists = outputs.get("generations")
    first = lists[0] if isinstance(lists, list) and lists else None
    first = first[0] if isinstance(first, list) and first else first
    message = body_at(first, "message") if isinstance(first, Mapping) else {}
    return body_at(message, "kwargs") or message


def _answers(outputs: Mapping[str, Any]) -> int:
    lists = outputs.get("generations")
    listed = lists if isinstance(lists, list) else []
    return sum(len(one) if isinstance(one, list) else 1 for one in listed)


def _body(outputs: Mapping[str, Any]) -> Answer | None:
    """The provider's own answer, where a wrapped client wrote it down."""
    if not outputs or "generations" in outputs:
        return None
    answer = read_response(outputs)
    return None if answer.kind in ("other", "error", "not_a_call") else answer


def _usage(run: Mapping[str, Any]) -> Usage | None:
    """The tokens of an unpacked run, from whoever is nearest to the provider.

    None where it holds none, or half of them.
    """
    outputs = body_at(run, "outputs")
    answer = _body(outputs)
    if answer is not None and answer.usage is not None:
        return known(answer.usage)
    own = body_at(outputs, "llm_output")
    model = _first(own, "model_name", "model")
    for name in ("token_usage", "usage"):
        if (found := read_usage(body_at(own, name), model=model)) is not None:
            return known(found)
    counts = _told(run)
    return None if _half(run, counts) else _standard(counts)


def _told(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """The counts in LangChain's terms: of the answer where it has them, else the columns."""
    outputs = body_at(run, "outputs")
    columns = {
        "input_tokens": run.get("prompt_tokens"),
        "output_tokens": run.get("completion_tokens"),
        "total_tokens": run.get("total_tokens"),
        "input_token_details": run.get("prompt_token_details"),
        "output_token_details": run.get("completion_token_details"),
    }
    for holder in (_message(outputs), outputs):
        told = body_at(holder, "usage_metadata")
        if told:
            if _answers(outputs) <= 1:
                _check(told, columns)
            return told
    return columns


def _half(run: Mapping[str, Any], counts: Mapping[str, Any]) -> str | None:
    sent, made = read_count(counts.get("input_tokens")), read_count(counts.get("output_tokens"))
    extra = body_at(run, "extra")
    settings, metadata = body_at(extra, "invocation_params"), body_at(extra, "metadata")
    model = _first(settings, *REQUESTED) or text_at(metadata, "ls_model_name")
    return half_of_counts(sent, made, text_at(run, "run_type"), model)


def _check(told: Mapping[str, Any], columns: Mapping[str, Any]) -> None:
    for name in ("input_tokens", "output_tokens"):
        here, there = read_count(columns[name]), read_count(told.get(name))
        if here and there and here != there:
            raise BadUsageError(f"its {name} are {here}, but {there} in its usage_metadata")


def _standard(counts: Mapping[str, Any]) -> Usage | None:
    """Counts in LangChain's terms: every detail is inside its whole."""
    sent, made = read_count(counts.get("input_tokens")), read_count(counts.get("output_tokens"))
    total = read_count(counts.get("total_tokens"))
    if not sent and not made and not total:
        return None
    sent, made = sent or 0, made or 0
    if total and total != sent + made:
        raise BadUsageError(f"its total is {total}, but its parts add up to {sent + made}")
    into, out = (body_at(counts, f"{side}_token_details") for side in ("input", "output"))

    def part(details: Mapping[str, Any], name: str) -> int:
        return read_count(details.get(name)) or 0

    read_, heard = part(into, "cache_read"), part(into, "audio")
    written = max(part(into, "cache_creation"), sum(part(into, name) for name in WRITTEN_SINCE))
    thought, spoken = part(out, "reasoning"), part(out, "audio")
    if read_ + written + heard > sent or thought + spoken > made:
        raise BadUsageError(f"its details are more than input {sent} or output {made}")
    return known(
        Usage(
            sent - read_ - written - heard,
            made - thought - spoken,
            read_,
            written,
            thought,
            heard + spoken,
        )
    )


def _is_free(told: Any) -> bool:
    cost = told.get("total_cost") if isinstance(told, Mapping) else None
    return not isinstance(cost, bool) and cost is not None and not str(cost).strip("0.")


def _cost(run: Mapping[str, Any]) -> str | None:
    cost = read_money(run.get("total_cost"))
    return cost if cost and cost.strip("0.") else None


def _error(run: Mapping[str, Any]) -> str:
    lines = str(run.get("error") or "").strip().splitlines()
    return lines[0][:ERROR_CHARACTERS] if lines else "error"


def _uncounted(run: Mapping[str, Any]) -> str:
    pending = run.get("status") == "pending"
    half = _half(run, _told(run)) or "the run holds no token counts"
    return "the run had not ended: pending" if pending else half


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def _first(body: Mapping[str, Any], *names: str) -> str | None:
    return next((text for name in names if (text := text_at(body, name))), None)


FORMAT = Format(
    "langsmith",
    "LangSmith runs: bulk export, or as its API and SDK give them",
    claims,
    read,
    container="Parquet, JSON, JSON lines",
    unit="run",
    ids="`id` of the answer, else `id`",
    times="`start_time`",
    counts="usage of the answer, else `usage_metadata`, `*_tokens`",
    note="what sums other runs is not counted again",
)
