"""Every line of every sample of an export, and of openllmetry, ends somewhere, and why is known.

The samples are not part of the repository; without them these tests are skipped. What became of
each is pinned, so that a sample that is read otherwise, or a new one, is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import document, formats
from test_real_logs import check_lines

from auditor.formats import recognise
from auditor.records import Call, Context, Reading, Reject
from auditor.sources import LogFile

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
SAMPLES = DATA / "format_samples"
OPENLLMETRY = DATA / "openllmetry" / "calls.jsonl"

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no samples in {SAMPLES}")

# The reasons for which a line of these files may be refused. There is no other.
REASONS = (
    # OpenAI's usage of 2023: 5 minutes in one row
    r"a bucket of \d+ requests with \d+ input and \d+ output tokens: it is a sum over time.*",
    # Langfuse's conversations by observation: the traces beside them have the calls
    r"chat messages without a model, a time or counts: no record of a call",
)

# format, then calls, duplicates, rejects and context
BECAME = {
    "azure_apim_gatewaylogs_elastic_trimmed.log": ("apim-gateway", 2, 0, 0, 0),
    # a request, the same request as text in the next line, a thread that was made
    "azure_openai_requestresponse_elastic.log": ("azure-requests", 1, 1, 0, 1),
    "bedrock_invocation_log_trimmed.jsonl": ("bedrock-invocation", 1, 0, 0, 0),
    "homegrown_logs_samples.jsonl": ("home-made", 4, 0, 0, 0),
    "litellm_spend_log_row_trimmed.json": ("litellm", 1, 0, 0, 0),
    "litellm_standard_logging_payload_trimmed.json": ("litellm", 1, 0, 0, 0),
    "openpipe_export.jsonl": ("openpipe", 2, 0, 0, 0),
    "openrouter_generation_api.json": ("openrouter", 1, 0, 0, 0),
    "agno-2025-06-11": ("langfuse", 2, 0, 0, 4),
    "autogen-2025-06-06": ("langfuse", 1, 0, 0, 1),
    "beeai-2025-08-01": ("langfuse", 5, 0, 0, 24),
    "claude-agent-2025-12-22": ("langfuse", 4, 0, 0, 3),
    "crewai-2025-07-11": ("langfuse", 1, 0, 0, 5),
    "csharp-agent-with-gemini-2026-03-09": ("langfuse", 3, 0, 0, 5),
    "google-adk-2025-08-28": ("langfuse", 2, 0, 0, 3),
    "google-gemini-2025-08-01": ("langfuse", 1, 0, 0, 0),
    "google-vertex-tools-langchain-2025-09-19": ("langfuse", 1, 0, 0, 0),
    "koog-2025-08-26": ("langfuse", 2, 0, 0, 9),
    "langgraph-2025-08-22": ("langfuse", 2, 0, 0, 7),
    "langgraph-js-2025-10-30": ("langfuse", 2, 0, 0, 18),
    "langgraph-python-2025-08-22": ("langfuse", 2, 0, 0, 7),
    "llamaindex-2025-06-05": ("langfuse", 1, 0, 0, 1),
    "microsoft-agent-2025-10-14": ("langfuse", 2, 0, 0, 2),
    "microsoft-agent-2025-12-17": ("langfuse", 2, 0, 0, 2),
    "openai-agents-2025-09-30": ("langfuse", 2, 0, 0, 3),
    "openai-assistants-2024-05-29": ("langfuse", 1, 0, 0, 3),
    "pydantic-ai-2025-06-06": ("langfuse", 1, 0, 0, 2),
    "pydantic-ai-tools-2025-06-06": ("langfuse", 1, 0, 0, 2),
    "pydantic-ai-tools-2025-12-04": ("langfuse", 4, 0, 0, 8),
    "pydantic-ai-with-gemini-2025-12-24": ("langfuse", 1, 0, 0, 0),
    # generateText around doGenerate
    "vercel-aisdk-2025-11-17": ("langfuse", 1, 0, 0, 2),
    "vertex-ai-2025-08-01": ("langfuse", 1, 0, 0, 0),
}
SUMS = "openai_v1_usage_2023_excerpt.json"


def files() -> list[Path]:
    return [*sorted(path for path in SAMPLES.rglob("*") if path.is_file()), OPENLLMETRY]


def sample_files() -> Iterator[Any]:
    for path in files():
        yield pytest.param(path, id=path.name)


def key(path: Path) -> str:
    traces = path.name.removesuffix(".json").removesuffix(".trace")
    return traces if path.parent != SAMPLES else path.name


def readings(path: Path) -> tuple[str, list[Reading]]:
    file = LogFile(path, path.name)
    format = recognise(file, formats())
    with file.open() as stream:
        return format.unit, list(format.read(file, stream))


@pytest.mark.parametrize("path", list(sample_files()))
def test_every_line_ends_as_a_call_context_or_a_reject_with_a_known_reason(path: Path) -> None:
    unit, found = readings(path)
    assert all(isinstance(reading, Call | Context | Reject) for reading in found)
    spans = [range(reading.line, reading.line + reading.lines) for reading in found]
    numbered = [line for span in spans for line in span]
    with LogFile(path, path.name).open() as stream:
        lines = sum(1 for _ in stream) if unit == "line" else len(found)
    assert numbered == list(range(1, lines + 1))
    reasons = {reading.reason for reading in found if isinstance(reading, Reject)}
    unknown = [why for why in reasons if not any(re.fullmatch(known, why) for known in REASONS)]
    assert not unknown


@pytest.mark.parametrize("path", list(sample_files()))
def test_nothing_is_lost_between_the_file_and_the_report(path: Path) -> None:
    found = document(path)
    check_lines(found)
    coverage = found["coverage"]
    states = ("priced", "unpriced", "failed")
    assert coverage["counted"] == sum(coverage[state] for state in states)
    if path not in (OPENLLMETRY, SAMPLES / SUMS):  # pinned in test_real_logs; no calls, but sums
        parts = ("calls", "duplicates", "rejects", "context")
        assert tuple(coverage[part] for part in parts) == outcome_of(path)[1:]


def outcome_of(path: Path) -> tuple[str, int, int, int, int]:
    if path.name.endswith(".chatml.json"):
        return ("messages-only", 0, 0, 1, 0)
    return BECAME[key(path)]


def test_every_sample_is_of_the_format_that_it_should_be_and_all_are_there() -> None:
    names = set()
    for path in files():
        if path not in (OPENLLMETRY, SAMPLES / SUMS):
            file = LogFile(path, path.name)
            assert recognise(file, formats()).name == outcome_of(path)[0]
            names.add(key(path))
    assert BECAME.keys() == {name for name in names if not name.endswith(".chatml")}


@pytest.mark.slow
def test_the_traces_of_both_folders_are_the_same_calls() -> None:
    """Most traces lie in both folders, one of them in files that are the same byte for byte."""
    folders = (SAMPLES / "langfuse_ui_traces", SAMPLES / "langfuse_chatml_traces")
    alone = [document(folder) for folder in folders]
    both = document(*folders)
    calls = [found["coverage"]["calls"] for found in (*alone, both)]
    sent = [found["actual"]["input_tokens"] for found in (*alone, both)]
    assert calls == [26, 38, 42]  # not 64
    assert sent == [4_696, 11_814, 13_719]  # not 16,510
