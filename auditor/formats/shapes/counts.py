"""Token counts out of usage objects: whole numbers, parts within their wholes, totals that add up.

Every refusal is a ``BadUsageError`` whose text names the figures; it becomes the reason of a
reject. Counts are tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditor.formats.words import shown
from auditor.records import BadUsageError, Usage

LIMIT = 10**12
"""No call has more tokens: a million times the largest window. Sums of such counts stay exact."""

_NOTHING: Mapping[str, Any] = {}


def count(usage: Mapping[str, Any], key: str) -> int | None:
    """The count at ``key``; None if it is absent or null.

    1083.0 is accepted (floats come out of AlpacaEval, Titan and dataframes). A fraction, a bool, a
    string, a negative or not finite number and anything above ``LIMIT`` raise BadUsageError.
    """
    value = usage.get(key)
    if value is None:
        return None
    if type(value) is int:
        if 0 <= value <= LIMIT:
            return value
        reason = "negative" if value < 0 else "beyond 10^12"
        raise BadUsageError(f"{key} is {reason}")
    if type(value) is float and value.is_integer() and 0 <= value <= LIMIT:
        return int(value)
    raise BadUsageError(f"{key} is {shown(value)}, not a whole number of tokens")


def agreed(*sources: tuple[Mapping[str, Any], str]) -> int:
    """One count that servers write under several names: 0 if under none of them.

    A zero beside a figure is a filled-in default. Two figures that differ raise BadUsageError.
    """
    found: int = 0
    where = ""
    for usage, key in sources:
        value = count(usage, key)
        if value and not found:
            found, where = value, key
        elif value and value != found:
            raise BadUsageError(f"{where} is {found}, but {key} is {value}")
    return found


def details(usage: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The breakdown at the first of ``keys`` that is there; empty if all are absent or null."""
    for key in keys:
        value = usage.get(key)
        if value is None:
            continue
        if not isinstance(value, Mapping):
            raise BadUsageError(f"{key} is not an object")
        return value
    return _NOTHING


def within(part_name: str, part: int, whole_name: str, whole: int) -> None:
    """Raise BadUsageError if a part is larger than its whole."""
    if part > whole:
        raise BadUsageError(f"{part_name} {part} is more than {whole_name} {whole}")


def adds_up(usage: Mapping[str, Any], key: str, total: int) -> None:
    """Raise BadUsageError if a total is given and is not the sum of its parts."""
    given = count(usage, key)
    if given is not None and given != total:
        raise BadUsageError(f"{key} is {given}, but its parts add up to {total}")


def inclusive(
    usage: Mapping[str, Any],
    *,
    prompt: str,
    completion: str,
    prompt_details: Mapping[str, Any],
    completion_details: Mapping[str, Any],
    model: str | None,
) -> Usage | None:
    """Usage whose prompt count includes the cache and whose completion includes the reasoning.

    OpenAI's rule for chat, completions, embeddings (no completion count) and Responses (openapi
    ``CompletionUsage``, ``ResponseUsage``; facts 6.1 to 6.5), followed by nearly all compatible
    servers. Accepted and rejected prediction tokens are billed as output and stay there (6.6).

    Cached tokens also go by ``prompt_cache_hit_tokens`` (DeepSeek), ``cached_tokens`` (Moonshot,
    Together) and ``num_cached_tokens`` (Mistral) beside the prompt count [seen in real bodies, all
    within it], and ``cache_read_input_tokens`` / ``cache_creation_input_tokens`` (LiteLLM, which
    adds Anthropic's cache to prompt_tokens [known, not verified]; hence the check of the parts).

    ``total_tokens`` is prompt + completion. Where it is larger, two cases are understood: it
    exceeds by exactly the stated reasoning tokens, which then lie outside the completion count
    (xAI: docs.x.ai "counted separately from completion_tokens, but in total_tokens"; vercel/ai
    pull 12425); or the model is a Gemini, whose thinking OpenAI-compatible endpoints hide
    [2 real bodies, pydantic-ai]. Anything else raises BadUsageError.

    None if the prompt count is absent: half a usage is no usage, the text can be counted.
    """
    sent = count(usage, prompt)
    if sent is None:
        return None
    made = count(usage, completion) or 0
    cached = agreed(
        (prompt_details, "cached_tokens"),
        (usage, "cached_tokens"),
        (usage, "num_cached_tokens"),
        (usage, "prompt_cache_hit_tokens"),
        (usage, "cache_read_input_tokens"),
    )
    written = agreed(
        (prompt_details, "cache_write_tokens"),
        (prompt_details, "cache_creation_tokens"),
        (usage, "cache_creation_input_tokens"),
    )
    spoken = count(prompt_details, "audio_tokens") or 0
    answered = count(completion_details, "audio_tokens") or 0
    reasoning = count(completion_details, "reasoning_tokens") or 0
    within("cached tokens", cached, prompt, sent)
    within("audio tokens", spoken, prompt, sent)

    total = count(usage, "total_tokens")
    outside = 0 if total is None else total - sent - made
    hidden_by_gemini = not reasoning and model is not None and "gemini" in model.lower()
    if outside and outside != reasoning and not (outside > 0 and hidden_by_gemini):
        raise BadUsageError(f"total_tokens is {total}, but its parts add up to {sent + made}")
    if outside:
        reasoning = outside
        made += outside
    within("reasoning tokens", reasoning, completion, made)
    within("reasoning and audio tokens", reasoning + answered, completion, made)

    # cached speech is counted as speech and as cached: it stays on the audio meter
    cached_speech = count(details(prompt_details, "cached_tokens_details"), "audio_tokens") or 0
    within("cached audio tokens", cached_speech, "cached tokens", min(cached, spoken))
    cached -= cached_speech
    within("cached, cache write and audio tokens", cached + written + spoken, prompt, sent)
    return Usage(
        input_tokens=sent - cached - written - spoken,
        output_tokens=made - reasoning - answered,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
        audio_tokens=spoken + answered,
    )
