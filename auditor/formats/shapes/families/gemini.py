"""Google's Gemini, on AI Studio and Vertex.

Source: 455 real usage objects and 2 whole bodies (formats.md 0.3): in all of them
``totalTokenCount`` = prompt + candidates + thoughts + toolUsePrompt. ``promptTokenCount`` includes
``cachedContentTokenCount``; ``thoughtsTokenCount`` lies OUTSIDE of ``candidatesTokenCount`` and is
billed as output; ``toolUsePromptTokenCount`` lies outside of the prompt and is billed as input.
Speech has a price of its own and goes to the audio meter, cached or not. Images in the answer also
have one, but there is no meter for them: they stay in the output [5 real bodies].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.formats.shapes.counts import adds_up, count, within
from auditor.formats.shapes.terms import (
    CHAT,
    Answer,
    Body,
    Family,
    Message,
    Said,
    assistant,
    bodies_at,
    body_at,
    epoch,
    failure_of,
    text_at,
    texts_at,
    tier_of,
    tool_call,
)
from auditor.records import Usage


def _counts(usage: Body) -> bool:
    return "promptTokenCount" in usage or "totalTokenCount" in usage


def _usage(usage: Body, model: str | None) -> Usage | None:
    sent = count(usage, "promptTokenCount")
    if sent is None:
        return None
    cached = count(usage, "cachedContentTokenCount") or 0
    tools = count(usage, "toolUsePromptTokenCount") or 0
    made = count(usage, "candidatesTokenCount") or 0
    thoughts = count(usage, "thoughtsTokenCount") or 0
    within("cachedContentTokenCount", cached, "promptTokenCount", sent)
    adds_up(usage, "totalTokenCount", sent + tools + made + thoughts)

    cached_speech = _speech(usage, "cacheTokensDetails")
    sent_speech = _speech(usage, "promptTokensDetails")
    tool_speech = _speech(usage, "toolUsePromptTokensDetails")
    made_speech = _speech(usage, "candidatesTokensDetails")
    within("cached audio", cached_speech, "cachedContentTokenCount", min(cached, sent_speech))
    fresh_speech = sent_speech - cached_speech
    within("audio", fresh_speech, "the uncached prompt", sent - cached)
    within("audio", tool_speech, "toolUsePromptTokenCount", tools)
    within("audio", made_speech, "candidatesTokenCount", made)
    return Usage(
        input_tokens=sent - cached - fresh_speech + tools - tool_speech,
        output_tokens=made - made_speech,
        cache_read_tokens=cached - cached_speech,
        reasoning_tokens=thoughts,
        audio_tokens=sent_speech + tool_speech + made_speech,
    )


def _speech(usage: Body, key: str) -> int:
    parts = bodies_at(usage, key)
    return sum(count(p, "tokenCount") or 0 for p in parts if p.get("modality") == "AUDIO")


def _claims(body: Body) -> bool:
    return "object" not in body and ("candidates" in body or "promptFeedback" in body)


def _answer(body: Body, usage: Usage | None) -> Answer:
    candidates = bodies_at(body, "candidates")
    blocked = text_at(body_at(body, "promptFeedback"), "blockReason")
    return Answer(
        kind=CHAT,
        id=text_at(body, "responseId"),
        created=epoch(body.get("createTime")),
        model=text_at(body, "modelVersion"),
        tier=_tier(body_at(body, "usageMetadata")),
        usage=usage,
        outputs=tuple(_output(body_at(candidate, "content")) for candidate in candidates),
        failure=failure_of(body) or (f"prompt blocked: {blocked}" if blocked else None),
        finish_reasons=texts_at(candidates, "finishReason"),
    )


def _tier(usage: Body) -> str:
    """``serviceTier`` (AI Studio) or ``trafficType`` (Vertex: ON_DEMAND, ON_DEMAND_FLEX)."""
    word = text_at(usage, "serviceTier") or text_at(usage, "trafficType") or ""
    return tier_of(word.lower().removeprefix("on_demand_"))


def _output(content: Body) -> Message:
    parts = bodies_at(content, "parts")
    calls = [body_at(part, "functionCall") for part in parts if "functionCall" in part]
    return assistant(
        "".join(texts_at([p for p in parts if not p.get("thought")], "text")) or None,
        tool_calls=[tool_call(c.get("id"), c.get("name"), c.get("args", {})) for c in calls],
        reasoning="".join(texts_at([p for p in parts if p.get("thought")], "text")),
    )


def _join(events: Sequence[Body]) -> Body:
    """Parts pile up by candidate; the last usage counts, earlier ones are its beginnings."""
    body: dict[str, Any] = {}
    candidates: dict[int, dict[str, Any]] = {}
    for event in events:
        body.update((key, value) for key, value in event.items() if value is not None)
        for candidate in bodies_at(event, "candidates"):
            index = candidate.get("index")
            whole = candidates.setdefault(index if isinstance(index, int) else 0, {"parts": []})
            whole["parts"] += bodies_at(body_at(candidate, "content"), "parts")
            whole["finishReason"] = candidate.get("finishReason") or whole.get("finishReason")
    body["candidates"] = [
        {"content": {"parts": whole["parts"]}, "finishReason": whole["finishReason"]}
        for whole in candidates.values()
    ]
    return body


def _said(request: Body, kind: str | None) -> Said | None:
    contents = bodies_at(request, "contents")
    if not contents:
        return None
    system = body_at(request, "systemInstruction") or body_at(request, "system_instruction")
    messages = [{"role": "system", "content": _text(system)}] if system else []
    for content in contents:
        role = "assistant" if content.get("role") == "model" else "user"
        messages.append({"role": role, "content": _text(content)})
    return tuple(messages), ()


def _text(content: Body) -> str:
    return "".join(texts_at(bodies_at(content, "parts"), "text"))


FAMILY = Family(
    claims=_claims,
    usage_in=lambda body: body.get("usageMetadata"),
    answer=_answer,
    counts=_counts,
    usage=_usage,
    streams=_claims,
    join=_join,
    said=_said,
)
