"""One provider usage object to our disjoint meters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditor.formats.shapes.families import FAMILIES
from auditor.records import Usage


def read_usage(usage: Mapping[str, Any], *, model: str | None = None) -> Usage | None:
    """The tokens of one call, each on exactly one meter.

    ``usage`` is the object that a provider calls ``usage``, ``usageMetadata`` or ``meta``, or the
    whole body where the counts stand in it (Ollama, Titan, Llama). Which shape it has is told by
    its keys; each is documented, with its source, in its module of ``families``. ``model`` is
    the model that answered: one rule depends on it (thinking that Gemini hides from OpenAI's
    shape), and so does an Anthropic iteration on another model.

    None if there is nothing to read: no known count, all null, or only half of the counts.
    Raises BadUsageError if a count is no whole number of tokens (1083.0 is one), a part exceeds its
    whole, or a total is not the sum of its parts.
    """
    for family in FAMILIES:
        if family.usage is not None and family.counts(usage):
            return family.usage(usage, model)
    return None
