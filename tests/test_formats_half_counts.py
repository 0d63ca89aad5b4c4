"""Half of the counts is no count: what a log does not say that a model made is not nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import document

from auditor.formats import known_formats, recognise
from auditor.records import Call
from auditor.sources import LogFile

MODEL = "gpt-4o-mini"
EMBEDDER = "text-embedding-3-small"
AT = "2025-03-01T09:00:00Z"
Line = dict[str, Any]


def otel(sent: int | None, made: int | None, *, embeds: bool = False) -> Line:
    told = {
        "gen_ai.operation.name": "embeddings" if embeds else "chat",
        "gen_ai.request.model": EMBEDDER if embeds else MODEL,
        "gen_ai.usage.input_tokens": sent,
        "gen_ai.usage.output_tokens": made,
    }
    found = [
        {"key": name, "value": {"stringValue" if isinstance(value, str) else "intValue": value}}
        for name, value in told.items()
        if value is not None
    ]
    span = {"traceId": "t", "spanId": "s", "startTimeUnixNano": "1740819600000000000"}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [{**span, "attributes": found}]}]}]}


def helicone(sent: int | None, made: int | None, *, embeds: bool = False) -> Line:
    return {
        "response_id": "r",
        "response_status": 200,
        "request_created_at": AT,
        "request_path": f"https://api.openai.com/v1/{'embeddings' if embeds else 'chat'}",
        "model": EMBEDDER if embeds else MODEL,
        "prompt_tokens": sent,
        "completion_tokens": made,
    }


def portkey(sent: int | None, made: int | None, *, embeds: bool = False) -> Line:
    model = EMBEDDER if embeds else MODEL
    return {"id": "p", "created_at": AT, "ai_model": model, "req_units": sent, "res_units": made}


def langfuse(sent: int | None, made: int | None, *, embeds: bool = False) -> Line:
    return {
        "id": "o",
        "traceId": "t",
        "type": "EMBEDDING" if embeds else "GENERATION",
        "startTime": AT,
        "model": EMBEDDER if embeds else MODEL,
        "usageDetails": {"input": sent, "output": made, "total": (sent or 0) + (made or 0)},
    }


def langsmith(sent: int | None, made: int | None, *, embeds: bool = False) -> Line:
    return {
        "id": "run",
        "run_type": "embedding" if embeds else "llm",
        "start_time": AT,
        "extra": {"invocation_params": {"model": EMBEDDER if embeds else MODEL}},
        "prompt_tokens": sent,
        "completion_tokens": made,
        "total_tokens": (sent or 0) + (made or 0),
    }


def apim_llm(sent: int | None, made: int | None, *, embeds: bool = False) -> Line:
    return {
        "TimeGenerated": AT,
        "CorrelationId": "c",
        "OperationName": "Embeddings_Create" if embeds else "ChatCompletions_Create",
        "ModelName": EMBEDDER if embeds else MODEL,
        "PromptTokens": sent,
        "CompletionTokens": made,
    }


def litellm(sent: int | None, made: int | None, *, embeds: bool = False) -> Line:
    return {
        "request_id": "l",
        "call_type": "aembedding" if embeds else "acompletion",
        "startTime": AT,
        "spend": 0,
        "model": EMBEDDER if embeds else MODEL,
        "prompt_tokens": sent,
        "completion_tokens": made,
        "total_tokens": (sent or 0) + (made or 0),
    }


WRITERS = (otel, helicone, portkey, langfuse, langsmith, apim_llm, litellm)


def call_in(folder: Path, line: Line) -> Call:
    path = folder / "log.jsonl"
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    file = LogFile(path, path.name)
    with file.open() as stream:
        (reading,) = recognise(file, known_formats()).read(file, stream)
    assert isinstance(reading, Call), reading
    return reading


@pytest.mark.parametrize("writer", WRITERS)
def test_a_chat_without_a_count_of_its_output_is_unpriced(writer: Any, tmp_path: Path) -> None:
    call = call_in(tmp_path, writer(100, None))
    assert call.usage is None
    assert call.problem == "the log holds its input tokens, but not its output tokens"
    coverage = document(tmp_path)["coverage"]
    assert (coverage["calls"], coverage["rejects"]) == (1, 0)
    assert document(tmp_path)["actual"]["input_tokens"] == 0


@pytest.mark.parametrize("writer", WRITERS)
def test_a_chat_without_a_count_of_its_input_is_unpriced(writer: Any, tmp_path: Path) -> None:
    call = call_in(tmp_path, writer(None, 20))
    assert call.usage is None
    assert call.problem == "the log holds its output tokens, but not its input tokens"


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(("made", "embeds"), [(0, False), (20, False), (None, True), (0, True)])
def test_a_zero_is_a_count_and_an_embedding_needs_none(
    writer: Any, made: int | None, embeds: bool, tmp_path: Path
) -> None:
    call = call_in(tmp_path, writer(100, made, embeds=embeds))
    assert call.usage is not None and call.problem is None
    assert (call.usage.input_tokens, call.usage.output_tokens) == (100, made or 0)


@pytest.mark.parametrize(
    ("call_type", "tier"),
    [
        ("aretrieve_batch", "batch"),
        ("retrieve_batch", "batch"),
        ("acreate_batch", "batch"),
        ("acompletion", "standard"),
        ("batch_completion", "standard"),
    ],
)
def test_litellm_prices_a_batch_as_one(call_type: str, tier: str, tmp_path: Path) -> None:
    """``batch_completion`` asks several times at once, at the usual price."""
    assert call_in(tmp_path, {**litellm(100, 20), "call_type": call_type}).tier == tier


def test_where_the_answer_is_there_it_is_counted_from_its_text(tmp_path: Path) -> None:
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "Which peas climb?"}]}
    said = {"index": 0, "message": {"role": "assistant", "content": "Tall ones."}}
    answer = {"id": "c", "object": "chat.completion", "model": MODEL, "choices": [said]}
    bodies = {"request_body": asked, "response_body": answer}
    assert call_in(tmp_path, {**helicone(100, None), **bodies}).problem is None
    actual = document(tmp_path)["actual"]
    assert actual["input_tokens"] < 100 and actual["output_tokens"] > 0
