"""Recorded streams of every provider, in small."""

from __future__ import annotations

import json
from typing import Any

import pytest

from auditor.formats.shapes import read_events, read_stream
from auditor.records import BadUsageError, Usage

USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def sse(*events: object, done: bool = True) -> str:
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return "".join(lines) + ("data: [DONE]\n\n" if done else "")


def named(*events: dict[str, Any]) -> str:
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)


def lines(*events: object) -> str:
    return "".join(json.dumps(event) + "\n" for event in events)


def chunk(*deltas: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1690000000,
        "model": "gpt-4-0613",
        "choices": [
            {"index": i, "delta": delta, "finish_reason": None} for i, delta in enumerate(deltas)
        ],
        "usage": None,
        **more,
    }


LAST = chunk(usage=USAGE)
STOP = chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])


def test_chat_stream() -> None:
    raw = sse(chunk({"role": "assistant", "content": ""}), chunk({"content": "He"}), STOP, LAST)
    answer = read_stream(raw)
    assert (answer.kind, answer.id, answer.created) == ("chat", "chatcmpl-1", 1690000000)
    assert (answer.model, answer.usage) == ("gpt-4-0613", Usage(5, 2))
    assert answer.outputs == ({"role": "assistant", "content": "He"},)
    assert answer.finish_reasons == ("stop",)
    assert not answer.interrupted


def test_a_stream_without_usage_keeps_its_text() -> None:
    answer = read_stream(sse(chunk({"content": "He"}), chunk({"content": "llo"}), STOP))
    assert (answer.usage, answer.outputs[0]["content"]) == (None, "Hello")


@pytest.mark.parametrize(
    "written",
    [
        lambda raw: raw,
        lambda raw: raw.encode(),
        lambda raw: "\ufeff" + raw,
        lambda raw: raw.replace("\n", "\r\n"),
        lambda raw: raw.replace("\n", "\r"),
        lambda raw: raw.replace("data: ", "data:"),
        lambda raw: raw.replace("data: [DONE]\n\n", ""),
        lambda raw: raw.rstrip("\n"),
        lambda raw: ": ping\n\n" + raw,
        lambda raw: raw.replace("data: {", "id: 7\nretry: 9\ndata: {"),
        lambda raw: raw.replace("\n\n", "\n"),
        lambda raw: raw.replace("data: ", ""),
        lambda raw: raw.replace(', "choices"', ',\ndata: "choices"'),
    ],
)
def test_however_it_was_written_down(written: Any) -> None:
    raw = sse(chunk({"content": "a\u2028b"}), STOP, LAST)
    answer = read_stream(written(raw))
    assert (answer.usage, answer.outputs[0]["content"]) == (Usage(5, 2), "a\u2028b")
    assert not answer.interrupted


def test_a_line_separator_inside_a_text_is_no_end_of_line() -> None:
    event = json.dumps(chunk({"content": "a\u2028b"}), ensure_ascii=False)
    assert read_stream(f"data: {event}\n\n").outputs[0]["content"] == "a\u2028b"


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_an_interrupted_stream(cut: int) -> None:
    raw = sse(chunk({"content": "He"}), chunk({"content": "llo"}), done=False)
    answer = read_stream(raw[: -2 - cut])
    assert answer.interrupted
    assert (answer.usage, answer.outputs[0]["content"]) == (None, "He")


@pytest.mark.parametrize("raw", ["", "\n\n", ": ping\n", "data: [DONE]", b"\xff\xfe", "<html>"])
def test_no_event_at_all(raw: str | bytes) -> None:
    answer = read_stream(raw)
    assert (answer.kind, answer.usage, answer.interrupted) == ("other", None, True)


def test_choices_do_not_mix() -> None:
    raw = sse(chunk({"content": "a"}, {"content": "x"}), chunk({"content": "b"}, {"content": "y"}))
    assert [m["content"] for m in read_stream(raw).outputs] == ["ab", "xy"]


def test_calls_of_tools_are_put_together() -> None:
    def call(index: int, arguments: str, **more: str) -> dict[str, Any]:
        name = {"name": more.pop("name")} if "name" in more else {}
        return {
            "tool_calls": [{"index": index, "function": {"arguments": arguments, **name}, **more}]
        }

    raw = sse(
        chunk({"content": None, **call(0, "", id="c1", type="function", name="f")}),
        chunk(call(0, '{"a"')),
        chunk(call(1, "{}", id="c2", name="g")),
        chunk(call(0, ":1}")),
    )
    first, second = read_stream(raw).outputs[0]["tool_calls"]
    assert (first["id"], first["function"]) == ("c1", {"name": "f", "arguments": '{"a":1}'})
    assert (second["id"], second["function"]) == ("c2", {"name": "g", "arguments": "{}"})


def test_a_function_call_of_2023_is_put_together() -> None:
    raw = sse(
        chunk({"function_call": {"name": "f", "arguments": ""}}),
        chunk({"function_call": {"arguments": "{}"}}),
    )
    assert read_stream(raw).outputs[0]["function_call"] == {"name": "f", "arguments": "{}"}


def test_azure_begins_with_an_empty_chunk() -> None:
    first = {"choices": [], "created": 0, "id": "", "model": "", "object": ""}
    answer = read_stream(sse(first, chunk({"content": "Hi"})))
    assert (answer.kind, answer.model, answer.created) == ("chat", "gpt-4-0613", 1690000000)


def test_groq() -> None:
    assert read_stream(sse(chunk({"content": "a"}), chunk({}, x_groq={"usage": USAGE}))).usage == (
        Usage(5, 2)
    )


def test_legacy_completion_stream() -> None:
    def piece(text: str, reason: str | None) -> dict[str, Any]:
        choice = {"index": 0, "text": text, "finish_reason": reason}
        return {"object": "text_completion", "model": "davinci-002", "choices": [choice]}

    answer = read_stream(sse(piece(" a", None), piece(" b", "length")))
    assert (answer.kind, answer.outputs[0]["content"]) == ("completion", " a b")
    assert answer.finish_reasons == ("length",)


def test_writer_streams_bare_values() -> None:
    answer = read_stream(sse({"value": "Su"}, {"value": "re"}, done=False))
    assert (answer.kind, answer.outputs[0]["content"]) == ("completion", "Sure")


def test_a_whole_body_where_a_stream_was_asked_for() -> None:
    body = chunk(
        object="chat.completion",
        usage=USAGE,
        choices=[{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    )
    for raw in (json.dumps(body), json.dumps(body, indent=2), sse(body)):
        answer = read_stream(raw)
        assert (answer.usage, answer.outputs[0]["content"]) == (Usage(5, 2), "Hi")
        assert not answer.interrupted


def test_responses_stream() -> None:
    started = {"id": "resp_1", "model": "gpt-5", "status": "in_progress", "usage": None}
    message = {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}
    ended = {
        **started,
        "status": "completed",
        "output": [message],
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
    }
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": started},
        {"type": "response.output_text.delta", "delta": "Hello"},
        {"type": "response.completed", "response": ended},
    ]
    answer = read_stream(named(*events))
    assert (answer.kind, answer.usage) == ("response", Usage(3, 2))
    assert answer.outputs[0]["content"] == "Hello"

    cut = read_stream(named(*events[:2]))
    assert (cut.id, cut.usage, cut.outputs[0]["content"]) == ("resp_1", None, "Hello")

    failed = {**started, "status": "failed", "error": {"code": "server_error", "message": "x"}}
    events[-1] = {"type": "response.failed", "response": failed}
    assert read_stream(named(*events)).failure == "server_error: x"


def anthropic(*, final: bool = True) -> list[dict[str, Any]]:
    usage = {"input_tokens": 17, "cache_read_input_tokens": 4, "output_tokens": 1}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "H"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "i"}},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
        },
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": '{"a":1}'},
        },
    ]
    if final:
        for so_far in (60, 108):
            event = {
                "type": "message_delta",
                "delta": {"stop_reason": "tool_use"},
                "usage": {"output_tokens": so_far},
            }
            events.append(event)
        events.append({"type": "message_stop"})
    return events


def test_anthropic_stream_counts_its_output_once() -> None:
    answer = read_stream(named(*anthropic()))
    assert (answer.kind, answer.id, answer.model) == ("chat", "msg_1", "claude")
    assert answer.usage == Usage(17, 108, cache_read_tokens=4)
    (message,) = answer.outputs
    assert message["content"] == "Hi"
    assert message["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a":1}'}
    assert answer.finish_reasons == ("tool_use",)


def test_an_anthropic_stream_without_its_end_has_no_usage() -> None:
    answer = read_stream(named(*anthropic(final=False)))
    assert (answer.usage, answer.outputs[0]["content"]) == (None, "Hi")


def test_anthropic_text_completions() -> None:
    events = [{"type": "completion", "completion": text} for text in (" H", "i")]
    answer = read_stream(named(*events))
    assert (answer.kind, answer.outputs[0]["content"]) == ("completion", " Hi")


def test_cohere_streams() -> None:
    billed = {"billed_units": {"input_tokens": 7, "output_tokens": 9}}
    first = lines(
        {"event_type": "stream-start", "generation_id": "g"},
        {"event_type": "text-generation", "text": "Hi"},
        {
            "event_type": "stream-end",
            "response": {"text": "Hi", "meta": billed},
            "finish_reason": "COMPLETE",
        },
    )
    second = named(
        {"type": "message-start", "id": "x", "delta": {"message": {"content": []}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "H"}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "i"}}}},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": billed}},
    )
    for raw in (first, second):
        answer = read_stream(raw)
        assert (answer.kind, answer.usage) == ("chat", Usage(7, 9))
        assert answer.outputs[0]["content"] == "Hi"


def test_ollama_streams() -> None:
    counts = {"done": True, "done_reason": "stop", "prompt_eval_count": 17, "eval_count": 2}
    chat = [{"model": "llama3", "message": {"content": t}, "done": False} for t in ("H", "i")]
    generate = [{"model": "llama3", "response": t, "done": False} for t in ("H", "i")]
    talked = read_stream(lines(*chat, {**chat[0], "message": {"content": ""}, **counts}))
    written = read_stream(lines(*generate, {**generate[0], "response": "", **counts}))
    assert (talked.kind, written.kind) == ("chat", "completion")
    for answer in (talked, written):
        assert (answer.usage, answer.outputs[0]["content"]) == (Usage(17, 2), "Hi")


def test_gemini_streams_as_events_or_as_one_array() -> None:
    events = [
        {
            "candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": reason}],
            "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": made},
            "modelVersion": "gemini-2.5-flash",
        }
        for text, reason, made in (("H", None, 1), ("i", "STOP", 2))
    ]
    for raw in (sse(*events, done=False), json.dumps(events, indent=1)):
        answer = read_stream(raw)
        assert (answer.usage, answer.outputs[0]["content"]) == (Usage(5, 2), "Hi")
        assert answer.finish_reasons == ("STOP",)


def test_converse_events() -> None:
    answer = read_events(
        [
            {"messageStart": {"role": "assistant"}},
            {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "Hi"}}},
            {"contentBlockStop": {"contentBlockIndex": 0}},
            {"messageStop": {"stopReason": "end_turn"}},
            {"metadata": {"usage": {"inputTokens": 4, "outputTokens": 1, "totalTokens": 5}}},
        ]
    )
    assert (answer.kind, answer.usage) == ("chat", Usage(4, 1))
    assert (answer.outputs[0]["content"], answer.finish_reasons) == ("Hi", ("end_turn",))


def test_a_run_of_an_assistant() -> None:
    answer = read_stream(
        sse(
            {"object": "thread.run", "id": "run_1", "status": "queued", "usage": None},
            {"object": "thread.message.delta"},
            {"object": "thread.run", "id": "run_1", "status": "completed", "usage": USAGE},
        )
    )
    assert (answer.kind, answer.id, answer.usage) == ("other", "run_1", Usage(5, 2))


@pytest.mark.parametrize(
    "raw",
    [
        sse(chunk({"content": "Hi"}), {"error": {"code": "server_error", "message": "cut"}}),
        named(*anthropic(), {"type": "error", "error": {"type": "server_error", "message": "cut"}}),
        named(
            {"type": "response.created", "response": {"id": "r"}},
            {"type": "error", "code": "server_error", "message": "cut"},
        ),
        sse({"error": {"code": "server_error", "message": "cut"}}),
        'event: error\ndata: {"code": "server_error", "message": "cut"}\n\n',
    ],
)
def test_an_error_inside_a_stream(raw: str) -> None:
    assert read_stream(raw).failure == "server_error: cut"


def test_a_contradiction_inside_a_stream_is_refused() -> None:
    with pytest.raises(BadUsageError, match="total_tokens"):
        read_stream(sse(chunk({"content": "Hi"}), chunk(usage={**USAGE, "total_tokens": 8})))
