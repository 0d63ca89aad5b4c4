"""Which encoding and which chat framing a model uses: explicit tables, unknown names stay unknown.

Sources: tiktoken/model.py 0.14.0 for the encodings, corrected where it is wrong (it gives
fine-tunes of gpt-4.1 the encoding of gpt-4); OpenAI cookbook "How to count tokens with tiktoken"
for the framing; the differences of later models were measured on recorded calls of 2024 to 2026.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

# A family covers its own name and every name that goes on with "-": gpt-4 covers gpt-4-0613 and
# gpt-4-turbo, but neither gpt-4o nor gpt-4.1.
_FAMILIES = (
    (
        "o200k_base",
        r"gpt-4o|gpt-4\.1|gpt-4\.5|gpt-5(\.[0-9]+)?|o1|o3|o4|chatgpt-4o|codex-mini",
    ),
    (
        "cl100k_base",
        r"gpt-3\.5|gpt-35-turbo|gpt-4|text-embedding-ada-002|text-embedding-3",
    ),
)
_EXACT = {
    "babbage-002": "cl100k_base",
    "davinci-002": "cl100k_base",
    # The names under which the API answers for babbage-002 and davinci-002.
    "babbage:2023-07-21-v2": "cl100k_base",
    "davinci:2023-07-21-v2": "cl100k_base",
    "text-davinci-002": "p50k_base",
    "text-davinci-003": "p50k_base",
    "text-davinci-edit-001": "p50k_base",
    "code-davinci-edit-001": "p50k_base",
    "code-davinci-001": "p50k_base",
    "code-davinci-002": "p50k_base",
    "code-cushman-001": "p50k_base",
    "code-cushman-002": "p50k_base",
    "davinci-codex": "p50k_base",
    "cushman-codex": "p50k_base",
    "ada": "r50k_base",
    "babbage": "r50k_base",
    "curie": "r50k_base",
    "davinci": "r50k_base",
    "text-ada-001": "r50k_base",
    "text-babbage-001": "r50k_base",
    "text-curie-001": "r50k_base",
    "text-davinci-001": "r50k_base",
    "text-similarity-ada-001": "r50k_base",
    "text-similarity-babbage-001": "r50k_base",
    "text-similarity-curie-001": "r50k_base",
    "text-similarity-davinci-001": "r50k_base",
    "text-search-ada-doc-001": "r50k_base",
    "text-search-babbage-doc-001": "r50k_base",
    "text-search-curie-doc-001": "r50k_base",
    "text-search-davinci-doc-001": "r50k_base",
    "text-search-ada-query-001": "r50k_base",
    "text-search-babbage-query-001": "r50k_base",
    "text-search-curie-query-001": "r50k_base",
    "text-search-davinci-query-001": "r50k_base",
    "code-search-ada-code-001": "r50k_base",
    "code-search-babbage-code-001": "r50k_base",
    "code-search-ada-text-001": "r50k_base",
    "code-search-babbage-text-001": "r50k_base",
}
_FAMILY_PATTERNS = tuple(
    (encoding, re.compile(rf"(?:{families})(?:-.+)?")) for encoding, families in _FAMILIES
)
_REASONING = re.compile(r"(?:gpt-5(?:\.[0-9]+)?(?!-chat)|o1|o3|o4|codex-mini)(?:-.+)?")
_NAMES_KEPT = 1_000  # a log has few models and many calls
_ROUTER_PREFIXES = ("openai/", "azure/")
_SNAPSHOTS_OF_SPRING_2023 = ("-0301", "-0314", "-0613")


@dataclass(frozen=True, slots=True)
class Framing:
    """Tokens that a chat model adds around the text.

    ``per_message`` for each message, ``per_name`` for a message with a name, ``per_request`` once
    (it opens the answer), ``per_call_output`` for an answer that calls one function.
    ``inline_parameters``: a function none of whose parameters has a description is rendered on one
    line.
    """

    per_message: int = 3
    per_name: int = 1
    per_request: int = 3
    per_call_output: int = 7
    inline_parameters: bool = True


_FRAMING_0301 = Framing(per_message=4, per_name=-1, per_call_output=4, inline_parameters=False)
_FRAMING_2023 = Framing(per_call_output=4, inline_parameters=False)
_FRAMING_GPT_5 = Framing(per_request=2)
_FRAMING_NOW = Framing()


@lru_cache(_NAMES_KEPT)
def encoding_for(model: str) -> str | None:
    """The name of the encoding that ``model`` is counted with, None when the model is not known.

    Understands fine-tunes (``ft:BASE:...``, ``BASE:ft-...``, Azure's ``BASE.ft-...``) and the
    prefixes ``openai/`` and ``azure/``. Names are matched by whole segments.
    """
    base = base_model(model)
    if base in _EXACT:
        return _EXACT[base]
    for encoding, pattern in _FAMILY_PATTERNS:
        if pattern.fullmatch(base):
            return encoding
    return None


@lru_cache(_NAMES_KEPT)
def framing_for(model: str) -> Framing:
    """The chat framing of ``model``, whose name should be that of a snapshot.

    An undated name gets the framing of today's models. gpt-5 was only seen with one message a
    request, where it counts one token less.
    """
    base = base_model(model)
    if base.endswith("-0301"):
        return _FRAMING_0301
    if base.endswith(_SNAPSHOTS_OF_SPRING_2023):
        return _FRAMING_2023
    if re.match(r"gpt-5(\.|-|$)", base):
        return _FRAMING_GPT_5
    return _FRAMING_NOW


@lru_cache(_NAMES_KEPT)
def reasons(model: str) -> bool:
    """Whether ``model`` may think before it answers, in tokens that are paid and never shown."""
    return _REASONING.fullmatch(base_model(model)) is not None


def base_model(model: str) -> str:
    """The model without router prefix and without the marks of a fine-tune."""
    for prefix in _ROUTER_PREFIXES:
        model = model.removeprefix(prefix)
    if model.startswith("ft:"):
        return model.split(":")[1]
    return re.split(r"[:.]ft-", model, maxsplit=1)[0]
