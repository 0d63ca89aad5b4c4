"""OpenTelemetry spans of model calls: OTLP JSON, one export a line or one document.

``resourceSpans[].scopeSpans[].spans[]`` with ``traceId``, ``spanId``, ``parentSpanId``,
``startTimeUnixNano`` (text), ``attributes`` (key and typed value; ``intValue`` is TEXT, and
``{low, high}`` in JavaScript's dumps), ``status``. What is numbered are spans, not lines.
Dialects:

- GenAI conventions: ``gen_ai.operation.name``, ``gen_ai.request.model``,
  ``gen_ai.response.model``, ``gen_ai.response.id``, ``gen_ai.usage.input_tokens`` and
  ``output_tokens`` (once ``prompt_tokens``, ``completion_tokens``), ``gen_ai.usage.cost``
  (openlit).
- OpenInference: ``openinference.span.kind``, ``llm.model_name``, ``llm.token_count.*``,
  ``llm.cost.*``.
- Vercel AI SDK: ``ai.operationId``, ``ai.model.id``, ``ai.usage.*``.

What is inside what: the conventions say that cached and reasoning tokens are inside the input and
output counts; libraries that pass Anthropic's or Gemini's numbers on have them outside. A total
decides it. Without one they are inside; a cache larger than the input can only be outside it.

A span that wraps others repeats or sums their usage, so it is Context wherever a span below it in
the file has usage. (A tool between two model calls ends that: what a tool asks is not what the
model that called it was asked.) ``ai.generateText`` and its kin, and agents that are no client of
a remote one, are always wrappers: without their inner spans in the file they are refused, and said
so. (A chat span around a chat span of another file cannot be told from a call: have whole traces in
one file.) Spans that are no model call are Context. A call is known by its answer's id, else by
trace and span.

The parents are read in a first pass and kept: about 200 bytes of memory a span. Sure: attribute
names and the traps (Langfuse's OTLP mapping and tests, the conventions). Likely: where the cache
is. Texts of spans are not read: without counts, or with half of them, a call is listed as
unpriced (an embedding makes no output).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from auditor.formats.base import Format, Sample, decode, decode_exactly, refused
from auditor.formats.cells import half_of_counts, known, read_count, read_money
from auditor.formats.documents import documents, entries_at, no_object
from auditor.formats.shapes.terms import bodies_at, body_at, text_at
from auditor.formats.times import read_time
from auditor.records import Call, Context, Reading, Usage
from auditor.sources import LogFile

GENERATION, AGENT, WRAPPER, TOOL, OTHER = "generation", "agent", "wrapper", "tool", "other"
INPUT = (
    "llm.token_count.prompt",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "ai.usage.tokens",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.usage.prompt_tokens",
)
OUTPUT = (
    "llm.token_count.completion",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.usage.completion_tokens",
)
TOTAL = (
    "llm.token_count.total",
    "ai.usage.totalTokens",
    "gen_ai.usage.total_tokens",
    "llm.usage.total_tokens",
)
CACHE_READ = (
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.cachedInputTokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.input_cached_tokens",
    "gen_ai.usage.details.cache_read_tokens",
)
CACHE_WRITE = (
    "llm.token_count.prompt_details.cache_write",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
)
REASONING = (
    "llm.token_count.completion_details.reasoning",
    "ai.usage.reasoningTokens",
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
)
REQUESTED = ("gen_ai.request.model", "ai.model.id", "llm.model_name", "embedding.model_name")
SERVED = ("gen_ai.response.model", "ai.response.model")
IDS = ("gen_ai.response.id", "ai.response.id")
COSTS = ("gen_ai.usage.cost", "llm.cost.total")
MODEL_OPERATIONS = ("chat", "text_completion", "generate_content", "embeddings", "completion")
AGENT_OPERATIONS = ("invoke_agent", "create_agent", "invoke_workflow")
LONE = "it wraps model calls that are not in this file: they are counted where they are"
UNCOUNTED = "the span holds no token counts"
CLIENT = (3, "3", "SPAN_KIND_CLIENT")
FAILED = (2, "2", "STATUS_CODE_ERROR")
TAGS = {
    "session": ("session.id", "gen_ai.conversation.id"),
    "user": ("user.id", "enduser.id"),
    "agent": ("gen_ai.agent.name",),
    "team": ("team",),
}


def claims(start: Sample) -> bool:
    """True where an object holds resourceSpans, on a line or as the document itself."""
    if start.objects:
        return any("resourceSpans" in line for line in start.objects)
    return start.head.lstrip()[:1] == b"{" and b'"resourceSpans"' in start.head[:200]


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every span as a Call, as Context where it wraps others or calls no model, or as a Reject."""
    wrapping = _wrapping(file)
    number = 0
    for raw, document, problem in documents(stream, decode_exactly):
        if problem is None and not (isinstance(document, dict) and "resourceSpans" in document):
            problem = "no object with resourceSpans"
        if problem is not None:
            number += 1
            yield refused(number, raw, problem)
            continue
        for resource, span in _spans(document):
            number += 1
            is_span = isinstance(span, Mapping)
            yield _reading(number, resource, span, wrapping) if is_span else no_object(number, span)


def _spans(document: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Every span, and what stands in the place of one, with the attributes of its resource."""
    for resource in bodies_at(document, "resourceSpans"):
        about = attributes(body_at(resource, "resource"))
        for scope in (
            *bodies_at(resource, "scopeSpans"),
            *bodies_at(resource, "instrumentationLibrarySpans"),
        ):
            for span in entries_at(scope, "spans"):
                yield about, span


def _reading(
    number: int, resource: Mapping[str, Any], span: Mapping[str, Any], wrapping: set[str]
) -> Reading:
    found = attributes(span)
    kind = kind_of(found)
    try:
        usage = usage_of(found)
        counted = usage is not None
        if _key(span) in wrapping or kind in (TOOL, OTHER) or (not counted and kind != GENERATION):
            return Context(number)
        if kind == WRAPPER or (kind == AGENT and span.get("kind") not in CLIENT):
            raise ValueError(LONE)
        return _call(number, resource, span, found, usage)
    except ValueError as error:
        name = text_at(span, "name") or ""
        head = f"{name} {text_at(span, 'traceId')}/{text_at(span, 'spanId')}"
        return refused(number, head.encode("utf-8", "backslashreplace"), str(error))


def _call(
    number: int,
    resource: Mapping[str, Any],
    span: Mapping[str, Any],
    found: Mapping[str, Any],
    usage: Usage | None,
) -> Call:
    status = body_at(span, "status")
    failed = status.get("code") in FAILED
    problem = (text_at(status, "message") or "the span ended in an error") if failed else None
    limit = read_count(found.get("gen_ai.request.max_tokens")) if _is_limit(found) else None
    tags = {tag: _text(found, *names) for tag, names in TAGS.items()}
    tags["app"] = _text(resource, "service.name")
    started = _integer(span.get("startTimeUnixNano"))
    return Call(
        number,
        id=_text(found, *IDS) or _key(span) or None,
        called_at=read_time(started),
        requested_model=_text(found, *REQUESTED),
        served_model=_text(found, *SERVED),
        endpoint=_endpoint(found),
        usage=usage,
        failed=failed,
        problem=problem or (None if usage else _half(found) or UNCOUNTED),
        max_tokens=limit,
        recorded_usd=read_money(_first(found, *COSTS)),
        tags={tag: value for tag, value in tags.items() if value},
    )


def _half(found: Mapping[str, Any]) -> str | None:
    model = _text(found, *SERVED, *REQUESTED)
    return half_of_counts(_count(found, INPUT), _count(found, OUTPUT), _endpoint(found), model)


def _endpoint(found: Mapping[str, Any]) -> str:
    operation = f"{found.get('gen_ai.operation.name')} {found.get('ai.operationId')}".lower()
    if "embed" in operation or found.get("openinference.span.kind") == "EMBEDDING":
        return "embedding"
    return "completion" if operation.startswith("text_completion") else "chat"


def _is_limit(found: Mapping[str, Any]) -> bool:
    """Some libraries write -1 for no limit."""
    return not str(found.get("gen_ai.request.max_tokens", "")).startswith("-")


def usage_of(found: Mapping[str, Any]) -> Usage | None:
    """The tokens that a span's attributes count; None where they count none, or half of them.

    Raises ValueError where parts exceed their whole and no total explains it.
    """
    sent, made = _count(found, INPUT), _count(found, OUTPUT)
    if sent is None or _half(found):
        return None
    made = made or 0
    read_, written = _count(found, CACHE_READ) or 0, _count(found, CACHE_WRITE) or 0
    thought = _count(found, REASONING) or 0
    total = _count(found, TOTAL)
    cached = read_ + written
    beyond = 0 if total is None else total - sent - made
    cache_outside = bool(cached) and (beyond in (cached, cached + thought) or cached > sent)
    thought_outside = bool(thought) and beyond in (thought, cached + thought)
    explained = cached * cache_outside + thought * thought_outside
    if total and beyond not in (0, explained):
        raise ValueError(f"total tokens {total} are not {sent} + {made}")
    if thought > made and not thought_outside:
        raise ValueError(f"reasoning tokens {thought} are more than the {made} of the output")
    return known(
        Usage(
            input_tokens=sent if cache_outside else sent - cached,
            output_tokens=made if thought_outside else made - thought,
            cache_read_tokens=read_,
            cache_write_tokens=written,
            reasoning_tokens=thought,
        )
    )


def kind_of(found: Mapping[str, Any]) -> str:
    """What a span is: a model call, an agent, a wrapper of the AI SDK, a tool, or another."""
    operation = str(found.get("gen_ai.operation.name") or "")
    sdk = str(found.get("ai.operationId") or "")
    kind = str(found.get("openinference.span.kind") or "").upper()
    if operation == "execute_tool" or kind == "TOOL" or sdk == "ai.toolCall":
        return TOOL
    if sdk:
        return GENERATION if ".do" in sdk else WRAPPER
    if operation in AGENT_OPERATIONS or kind in ("AGENT", "CHAIN"):
        return AGENT
    counted = any(name in found for name in INPUT)
    asked = operation in MODEL_OPERATIONS or "llm.request.type" in found
    return GENERATION if asked or counted or kind in ("LLM", "EMBEDDING") else OTHER


def _wrapping(file: LogFile) -> set[str]:
    """The spans of a file that stand above one with usage."""
    parents: dict[str, str] = {}
    kinds: dict[str, str] = {}
    counted: set[str] = set()
    with file.open() as stream:
        for _, document, _ in documents(stream, decode):
            for _, span in _spans(document if isinstance(document, dict) else {}):
                if not isinstance(span, Mapping):
                    continue
                key, parent = _key(span), text_at(span, "parentSpanId")
                found = attributes(span)
                if parent:
                    parents[key] = f"{text_at(span, 'traceId')}-{parent}"
                if (kind := kind_of(found)) != OTHER:
                    kinds[key] = kind
                if kind not in (TOOL, OTHER) and _has_counts(found):
                    counted.add(key)
    return {above for key in counted for above in _above(key, parents, kinds)}


def _above(key: str, parents: Mapping[str, str], kinds: Mapping[str, str]) -> list[str]:
    """The ancestors whose usage is made of this span's; none where parents go in a circle."""
    found: list[str] = []
    visited = {key}
    beyond_tool = False
    while key := parents.get(key, ""):
        if key in visited:
            return []
        visited.add(key)
        kind = kinds.get(key, OTHER)
        beyond_tool = beyond_tool or kind == TOOL
        if not (beyond_tool and kind == GENERATION):
            found.append(key)
    return found


def _has_counts(found: Mapping[str, Any]) -> bool:
    return any(found.get(name) not in (None, 0, "0", "") for name in (*INPUT, *OUTPUT))


def _key(span: Mapping[str, Any]) -> str:
    own = text_at(span, "spanId")
    return f"{text_at(span, 'traceId')}-{own}" if own else ""


def attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a span or resource by name, their values without the type around."""
    listed = holder.get("attributes")
    if isinstance(listed, dict):
        return listed
    pairs: Iterable[Any] = bodies_at(holder, "attributes")
    return {str(pair.get("key")): _value(pair.get("value")) for pair in pairs}


def _value(typed: Any) -> Any:
    if not isinstance(typed, dict):
        return typed
    if "intValue" in typed:
        return _integer(typed["intValue"])
    return next(iter(typed.values()), None)


def _integer(value: Any) -> Any:
    """A 64-bit number that JavaScript wrote in two halves, put together; else as it is."""
    if isinstance(value, dict) and type(value.get("low")) is int and type(value.get("high")) is int:
        return (value["high"] << 32) + (value["low"] & 0xFFFFFFFF)
    return value


def _count(found: Mapping[str, Any], names: Iterable[str]) -> int | None:
    return next((n for name in names if (n := read_count(found.get(name))) is not None), None)


def _first(found: Mapping[str, Any], *names: str) -> Any:
    return next((found[name] for name in names if found.get(name) is not None), None)


def _text(found: Mapping[str, Any], *names: str) -> str | None:
    return next((v for name in names if isinstance(v := found.get(name), str) and v), None)


FORMAT = Format(
    "otel-spans",
    "OpenTelemetry GenAI, OpenInference and Vercel AI SDK spans",
    claims,
    read,
    container="OTLP JSON, JSON lines",
    unit="span",
    ids="`gen_ai.response.id`, else trace and span",
    times="`startTimeUnixNano`",
    counts="`gen_ai.usage.*`, `llm.token_count.*`, `ai.usage.*`",
    note="a span that wraps others in its file is not counted again",
)
