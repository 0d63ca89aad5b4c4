"""Model names lead to encodings by whole segments; what is not known stays unknown."""

from __future__ import annotations

import pytest

from auditor.tokens import encoding_for
from auditor.tokens.models import framing_for

CL100K = (
    "gpt-3.5",
    "gpt-3.5-turbo",
    "gpt-3.5-turbo-0301",
    "gpt-3.5-turbo-16k-0613",
    "gpt-3.5-turbo-instruct",
    "gpt-35-turbo",
    "gpt-35-turbo-16k",
    "gpt-4",
    "gpt-4-0613",
    "gpt-4-32k-0314",
    "gpt-4-1106-preview",
    "gpt-4-turbo-2024-04-09",
    "babbage-002",
    "davinci-002",
    "davinci:2023-07-21-v2",
    "text-embedding-ada-002",
    "text-embedding-ada-002-v2",
    "text-embedding-3-small",
    "text-embedding-3-large",
    "ft:gpt-3.5-turbo-0613:acme::abc123",
    "ft:gpt-3.5-turbo:acme",
    "ft:gpt-4-0613:acme:suffix:abc123",
    "ft:davinci-002:acme::abc123:ckpt-step-80",
    "gpt-35-turbo-0613.ft-0123abcd-suffix",
    "openai/gpt-4",
    "azure/gpt-35-turbo",
)
O200K = (
    "gpt-4o",
    "gpt-4o-2024-08-06",
    "gpt-4o-mini-2024-07-18",
    "chatgpt-4o-latest",
    "gpt-4.1",
    "gpt-4.1-nano-2025-04-14",
    "gpt-4.5-preview",
    "gpt-5",
    "gpt-5-nano-2025-08-07",
    "gpt-5.1",
    "gpt-5.2-pro",
    "o1",
    "o1-mini",
    "o3-mini-2025-01-31",
    "o4-mini",
    "codex-mini-latest",
    "ft:gpt-4o-2024-08-06:acme::abc123",
    "ft:gpt-4.1-2025-04-14:acme::abc123",
    "ft:gpt-4.1-mini-2025-04-14:acme::abc123",
    "ft:o4-mini-2025-04-16:acme::abc123",
    "openai/gpt-4o",
)
P50K = ("text-davinci-002", "text-davinci-003", "code-davinci-002", "code-cushman-001")
R50K = (
    "ada",
    "babbage",
    "curie",
    "davinci",
    "text-ada-001",
    "text-davinci-001",
    "text-similarity-ada-001",
    "text-search-curie-query-001",
    "code-search-ada-code-001",
    "curie:ft-acmeco-2021-03-03-21-44-20",
    "davinci:ft-personal-2022-01-01-00-00-00",
)
UNKNOWN = (
    "",
    "ft:",
    "gpt",
    "gpt-4x",
    "gpt-4.10",
    "gpt-40",
    "gpt-6-turbo",
    "gpt-50",
    "gpt-oss-120b",
    "gpt-image-1",
    "o2",
    "o1x",
    "claude-sonnet-4-5-20250929",
    "llama3-8b-8192",
    "meta-llama/gpt-4",
    "mistral-embed",
    "davinci-003",
    "text-davinci-004",
    "adanother",
)


@pytest.mark.parametrize(
    ("model", "encoding"),
    [(model, "cl100k_base") for model in CL100K]
    + [(model, "o200k_base") for model in O200K]
    + [(model, "p50k_base") for model in P50K]
    + [(model, "r50k_base") for model in R50K]
    + [(model, None) for model in UNKNOWN],
)
def test_encoding_of(model: str, encoding: str | None) -> None:
    assert encoding_for(model) == encoding


def test_framing_follows_the_snapshot_and_survives_fine_tuning() -> None:
    assert framing_for("gpt-3.5-turbo-0301").per_message == 4
    assert framing_for("gpt-3.5-turbo-0613").per_message == 3
    assert framing_for("ft:gpt-3.5-turbo-0613:acme::1") == framing_for("gpt-4-0613")
    assert framing_for("gpt-4-0613") != framing_for("gpt-4-1106-preview")
