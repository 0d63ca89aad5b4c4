"""Response and request bodies of every provider, in small."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.formats.shapes import read_request, read_response
from auditor.records import BadUsageError, Usage


def says(text: str | None, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **more}


def function(name: str, arguments: str, identity: object = "c1") -> dict[str, Any]:
    return {
        "id": identity,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def chat(**more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1690000000,
        "model": "gpt-4-0613",
        "choices": [{"index": 0, "message": says("Hi"), "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
        **more,
    }


def test_chat_completion() -> None:
    answer = read_response(chat())
    assert (answer.kind, answer.id, answer.created) == ("chat", "chatcmpl-1", 1690000000)
    assert (answer.model, answer.tier, answer.usage) == ("gpt-4-0613", "standard", Usage(5, 1))
    assert answer.outputs == (says("Hi"),)
    assert answer.finish_reasons == ("stop",)
    assert answer.failure is None
    assert not answer.interrupted


def test_each_choice_is_an_output_and_calls_of_functions_are_kept() -> None:
    calling = says(None, function_call={"name": "f", "arguments": "{}"})
    body = chat(choices=[{"message": calling}, {"message": says("b")}])
    assert read_response(body).outputs == (calling, says("b"))


@pytest.mark.parametrize(
    ("word", "tier"),
    [
        (None, "standard"),
        ("default", "standard"),
        ("auto", "standard"),
        ("flex", "flex"),
        ("priority", "priority"),
        (7, "standard"),
    ],
)
def test_tier(word: object, tier: str) -> None:
    assert read_response(chat(service_tier=word)).tier == tier
    assert read_request({"service_tier": word}).tier == tier


@pytest.mark.parametrize(
    ("created", "read"),
    [
        (1778228371.25, 1778228371.25),
        ("1715361795", 1715361795),
        (1702666185703, 1702666185703),
        ("2024-05-24T20:57:43.5Z", 1716584263.5),
        ("2024-05-24T20:57:43", None),
        ("yesterday", None),
        (True, None),
        (-1, None),
        (10**400, None),
        (float("nan"), None),
    ],
)
def test_created_stays_as_the_provider_wrote_it(created: object, read: float | None) -> None:
    assert read_response(chat(created=created)).created == read


@pytest.mark.parametrize("name", ["text_completion", "text.completion", "edit"])
def test_legacy_completions(name: str) -> None:
    answer = read_response({"object": name, "choices": [{"text": " yes"}]})
    assert (answer.kind, answer.outputs) == ("completion", (says(" yes"),))


def test_choices_without_object() -> None:
    assert read_response({"choices": [{"text": "a"}], "model": "m"}).kind == "completion"
    assert read_response({"choices": [{"message": says("a")}], "object": ""}).kind == "chat"


def test_groq_may_hide_usage() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    assert read_response(chat(usage=None, x_groq={"usage": usage})).usage == Usage(1, 2)


def test_the_model_of_the_body_decides_about_hidden_thinking() -> None:
    usage = {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109}
    answer = read_response(chat(model="gemini-2.5-pro", usage=usage))
    assert answer.usage == Usage(35, 12, reasoning_tokens=62)
    with pytest.raises(BadUsageError):
        read_response(chat(usage=usage))


def test_a_usage_that_is_no_object_is_refused() -> None:
    with pytest.raises(BadUsageError, match="usage is a list"):
        read_response(chat(usage=[1]))


def test_responses() -> None:
    body = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1778228371.5,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": "gpt-5",
        "service_tier": "priority",
        "output": [
            {"type": "reasoning", "summary": []},
            {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
        ],
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
    }
    answer = read_response(body)
    assert (answer.kind, answer.created, answer.tier) == ("response", 1778228371.5, "priority")
    assert answer.usage == Usage(3, 2)
    assert answer.outputs == (says("Hi", tool_calls=[function("f", '{"a":1}')]),)
    assert (answer.finish_reasons, answer.failure) == (("completed",), None)


def test_responses_that_end_badly() -> None:
    failed = {"object": "response", "status": "failed", "error": {"code": "x", "message": "no"}}
    assert read_response(failed).failure == "x: no"
    assert read_response({"object": "response", "status": "cancelled"}).failure == "cancelled"
    cut = {
        "object": "response",
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [{"content": [{"type": "refusal", "refusal": "I will not"}]}],
    }
    answer = read_response(cut)
    assert (answer.failure, answer.finish_reasons) == (None, ("max_output_tokens",))
    assert answer.outputs == (says(None, refusal="I will not"),)


EMBEDDING = {"object": "embedding", "index": 0, "embedding": [0.1]}


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (
            {
                "object": "list",
                "data": [EMBEDDING],
                "usage": {"prompt_tokens": 4, "total_tokens": 4},
            },
            Usage(4, 0),
        ),
        ({"object": "list", "data": [EMBEDDING], "usage": {"total_tokens": 12}}, Usage(12, 0)),
        ({"embedding": [0.1], "inputTextTokenCount": 5}, Usage(5, 0)),
        ({"embeddings": [[0.1]], "prompt_eval_count": 6}, Usage(6, 0)),
        ({"embeddings": [[0.1]], "meta": {"billed_units": {"input_tokens": 7}}}, Usage(7, 0)),
        ({"embedding": {"values": []}, "usageMetadata": {"promptTokenCount": 8}}, Usage(8, 0)),
        ({"embedding": [0.1]}, None),
    ],
)
def test_embeddings(body: dict[str, Any], usage: Usage | None) -> None:
    answer = read_response(body)
    assert (answer.kind, answer.usage, answer.outputs) == ("embedding", usage, ())


@pytest.mark.parametrize(
    "body",
    [
        {"object": "list", "data": [{"object": "thread.message"}]},
        {"object": "list", "data": [{"object": "model"}]},
        {"object": "list", "data": []},
        *(
            {"object": name}
            for name in (
                "thread",
                "thread.message",
                "assistant",
                "file",
                "model",
                "batch",
                "fine_tuning.job",
                "vector_store",
                "response.deleted",
                "response.input_tokens",
            )
        ),
        {"object": "thread.run", "status": "queued", "usage": None},
        {"object": "thread.run.step", "usage": {"prompt_tokens": 1, "completion_tokens": 1}},
    ],
)
def test_what_is_not_a_call(body: dict[str, Any]) -> None:
    answer = read_response(body)
    assert (answer.kind, answer.usage) == ("not_a_call", None)


def test_a_run_with_usage_is_a_call() -> None:
    body = {
        "object": "thread.run",
        "id": "run_1",
        "created_at": 1717841555,
        "status": "failed",
        "model": "gpt-4o",
        "last_error": {"code": "server_error", "message": "oops"},
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
    }
    answer = read_response(body)
    assert (answer.kind, answer.usage) == ("other", Usage(9, 2))
    assert answer.failure == "server_error: oops"


def test_anthropic() -> None:
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [
            {"type": "thinking", "thinking": "hm"},
            {"type": "text", "text": "Hi"},
            {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 3, "output_tokens": 2, "service_tier": "batch"},
    }
    answer = read_response(body)
    assert (answer.kind, answer.tier, answer.usage) == ("chat", "batch", Usage(3, 2))
    assert answer.outputs == (
        says("Hi", tool_calls=[function("f", '{"a":1}')], reasoning_content="hm"),
    )
    old = read_response({"type": "completion", "completion": " Hi", "stop_reason": "max_tokens"})
    assert (old.kind, old.outputs) == ("completion", (says(" Hi"),))


def test_gemini() -> None:
    body = {
        "responseId": "r",
        "modelVersion": "gemini-2.5-flash",
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"text": "hm", "thought": True},
                        {"text": "Hi"},
                        {"functionCall": {"name": "f", "args": {"a": 1}}},
                    ]
                },
                "finishReason": "STOP",
            }
        ],
        "usageMetadata": {
            "promptTokenCount": 5,
            "candidatesTokenCount": 2,
            "totalTokenCount": 7,
            "trafficType": "ON_DEMAND_FLEX",
        },
    }
    answer = read_response(body)
    assert (answer.kind, answer.id, answer.model) == ("chat", "r", "gemini-2.5-flash")
    assert (answer.tier, answer.usage) == ("flex", Usage(5, 2))
    assert answer.outputs == (
        says("Hi", tool_calls=[function("f", '{"a":1}', None)], reasoning_content="hm"),
    )
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"trafficType": "X"}}
    assert read_response(blocked).failure == "prompt blocked: SAFETY"


@pytest.mark.parametrize(
    ("body", "kind", "text", "usage"),
    [
        (
            {
                "output": {"message": {"content": [{"text": "Hi"}]}},
                "stopReason": "end_turn",
                "usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9},
            },
            "chat",
            "Hi",
            Usage(7, 2),
        ),
        (
            {"inputTextTokenCount": 9, "results": [{"tokenCount": 17, "outputText": "Hi"}]},
            "completion",
            "Hi",
            Usage(9, 17),
        ),
        (
            {
                "generation": "Hi",
                "prompt_token_count": 4,
                "generation_token_count": 1,
                "stop_reason": "stop",
            },
            "completion",
            "Hi",
            Usage(4, 1),
        ),
        ({"outputs": [{"text": "Hi", "stop_reason": "stop"}]}, "completion", "Hi", None),
        (
            {"id": 1234, "prompt": {}, "completions": [{"data": {"text": "Hi"}}]},
            "completion",
            "Hi",
            None,
        ),
        (
            {
                "text": "Hi",
                "generation_id": "g",
                "finish_reason": "COMPLETE",
                "meta": {"billed_units": {"input_tokens": 5, "output_tokens": 1}},
            },
            "chat",
            "Hi",
            Usage(5, 1),
        ),
        (
            {
                "id": "x",
                "message": {"content": [{"type": "text", "text": "Hi"}]},
                "finish_reason": "COMPLETE",
                "usage": {"billed_units": {"input_tokens": 5, "output_tokens": 1}},
            },
            "chat",
            "Hi",
            Usage(5, 1),
        ),
        ({"id": "x", "generations": [{"text": "Hi"}]}, "completion", "Hi", None),
        (
            {
                "model": "llama3",
                "message": says("Hi"),
                "done": True,
                "prompt_eval_count": 3,
                "eval_count": 1,
            },
            "chat",
            "Hi",
            Usage(3, 1),
        ),
        (
            {"model": "llama3", "response": "Hi", "done": True, "eval_count": 1},
            "completion",
            "Hi",
            None,
        ),
    ],
)
def test_other_providers(body: dict[str, Any], kind: str, text: str, usage: Usage | None) -> None:
    answer = read_response(body)
    assert (answer.kind, answer.usage) == (kind, usage)
    assert [message["content"] for message in answer.outputs] == [text]


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (
            {"error": {"message": "gone", "type": "invalid", "code": "not_found"}},
            "not_found: gone",
        ),
        ({"error": {"message": "slow down", "code": 429, "type": None}}, "slow down"),
        (
            {"error": {"code": 400, "message": "bad", "status": "INVALID_ARGUMENT"}},
            "INVALID_ARGUMENT: bad",
        ),
        ({"error": "model not found"}, "model not found"),
        ({"error": {"a": 1}}, "error"),
        (
            {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}},
            "overloaded_error: busy",
        ),
        ({"object": "error", "message": "too long", "code": 400}, "too long"),
        ({"id": "x", "message": "removed"}, "removed"),
        ({"Message": "denied"}, "denied"),
        ({"detail": "no such model"}, "no such model"),
    ],
)
def test_errors(body: dict[str, Any], failure: str) -> None:
    answer = read_response(body)
    assert (answer.kind, answer.failure, answer.usage) == ("error", failure, None)


def test_an_error_beside_an_answer_is_its_failure() -> None:
    answer = read_response(chat(error={"message": "cut"}))
    assert (answer.kind, answer.failure, answer.usage) == ("chat", "cut", Usage(5, 1))


def test_a_failure_stays_short() -> None:
    assert len(read_response({"error": {"message": "x" * 9999}}).failure or "") == 200


def test_unknown_bodies() -> None:
    assert read_response({}).kind == "other"
    assert read_response({"object": ["odd"], "usage": None}).kind == "other"
    home_made = read_response({"model": "m", "usage": {"input_tokens": 1, "output_tokens": 2}})
    assert (home_made.kind, home_made.model, home_made.usage) == ("other", "m", Usage(1, 2))


# -- requests --------------------------------------------------------------------------------------


def test_no_request() -> None:
    assert read_request(None) == read_request({})


def test_chat_request() -> None:
    messages = [{"role": "user", "content": "Hi"}]
    asked = read_request(
        {
            "model": "gpt-4",
            "messages": messages,
            "functions": [{"name": "f"}],
            "tools": None,
            "max_tokens": 7,
            "n": 2,
            "user": "u",
            "stream": True,
            "metadata": {"team": "a", "row": 3, "more": [1, "é"]},
            "service_tier": "flex",
        }
    )
    assert (asked.model, asked.messages, asked.prompts) == ("gpt-4", tuple(messages), ())
    assert asked.extras == {"functions": [{"name": "f"}]}
    assert (asked.max_tokens, asked.n, asked.user) == (7, 2, "u")
    assert (asked.stream, asked.tier) == (True, "flex")
    assert asked.metadata == {"team": "a", "row": "3", "more": '[1,"é"]'}


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        ({"max_completion_tokens": 5}, 5),
        ({"max_output_tokens": 5}, 5),
        ({"max_tokens": None, "max_completion_tokens": 5}, 5),
        ({"generationConfig": {"maxOutputTokens": 5}}, 5),
        ({"inferenceConfig": {"maxTokens": 5}}, 5),
        ({"textGenerationConfig": {"maxTokenCount": 5}}, 5),
        ({"options": {"num_predict": -1}}, None),
        ({"max_tokens": 0}, 0),
        ({"max_tokens": -1}, None),
        ({"max_tokens": "5"}, None),
        ({"max_tokens": True}, None),
        ({"max_tokens": 10**400}, None),
    ],
)
def test_max_tokens(body: dict[str, Any], limit: int | None) -> None:
    assert read_request(body).max_tokens == limit


@pytest.mark.parametrize(
    ("body", "prompts"),
    [
        ({"prompt": "a"}, ("a",)),
        ({"prompt": ["a", "b"]}, ("a", "b")),
        ({"prompt": [1, 2, 3]}, ([1, 2, 3],)),
        ({"prompt": [[1, 2], [3]]}, ([1, 2], [3])),
        ({"input": "a", "model": "text-embedding-ada-002"}, ("a",)),
        ({"input": ["a", "b"]}, ("a", "b")),
        ({"input": [[1, 2]]}, ([1, 2],)),
        ({"inputText": "a"}, ("a",)),
        ({"prompt": {"odd": 1}}, ()),
    ],
)
def test_prompts_are_kept_as_sent(body: dict[str, Any], prompts: tuple[object, ...]) -> None:
    asked = read_request(body)
    assert (asked.prompts, asked.messages) == (prompts, ())


def test_the_answer_settles_what_a_lone_input_is() -> None:
    body = {"model": "gpt-5", "input": "Say hello"}
    hello = {"role": "user", "content": "Say hello"}
    assert read_request(body, kind="response").messages == (hello,)
    assert read_request(body, kind="embedding").prompts == ("Say hello",)
    assert read_request({**body, "instructions": "Be kind"}).messages == (
        {"role": "system", "content": "Be kind"},
        hello,
    )


def test_responses_input_list() -> None:
    asked = read_request(
        {
            "input": [
                {"role": "user", "content": "Hi"},
                {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c1", "output": "42"},
            ]
        }
    )
    assert asked.messages == (
        {"role": "user", "content": "Hi"},
        says(None, tool_calls=[function("f", "{}")]),
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
    )


@pytest.mark.parametrize(
    "body",
    [
        {"system": "Be kind", "messages": [{"role": "user", "content": "Hi"}]},
        {"system": [{"text": "Be kind"}], "messages": [{"role": "user", "content": "Hi"}]},
        {
            "systemInstruction": {"parts": [{"text": "Be kind"}]},
            "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        },
        {"preamble": "Be kind", "message": "Hi"},
        {"system": "Be kind", "prompt": "Hi"},
    ],
)
def test_a_system_prompt_beside_the_messages(body: dict[str, Any]) -> None:
    assert read_request(body).messages == (
        {"role": "system", "content": "Be kind"},
        {"role": "user", "content": "Hi"},
    )


def test_converse_parts_get_their_type() -> None:
    asked = read_request({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]})
    assert asked.messages == ({"role": "user", "content": [{"type": "text", "text": "Hi"}]},)


def test_cohere_history() -> None:
    history = [{"role": "CHATBOT", "message": "Yes?"}]
    asked = read_request({"message": "Hi", "chat_history": history})
    assert asked.messages == (says("Yes?"), {"role": "user", "content": "Hi"})
