"""Logs of a day, of each format that matters: made up line by line after ``fixtures/formats``."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import ingesting

BEGIN = datetime(2024, 8, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LETTERS = string.ascii_letters + string.digits
MODELS = ("gpt-3.5-turbo-0125", "gpt-4o-2024-05-13", "gpt-4-0613", "gpt-4o-mini-2024-07-18")
TEAMS = ("search", "support", "research", "billing", "platform")
JSON_CALLS, TABLE_CALLS = 5_000, 25_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """One call; ``at`` is UTC."""

    id: str
    at: datetime
    model: str
    team: str
    sent: int
    made: int

    @property
    def usd(self) -> float:
        """What a gateway says that it cost: a made-up figure."""
        return round((self.sent + 3 * self.made) * 1e-6, 8)


def drawn(dice: random.Random, calls: int) -> Iterator[Drawn]:
    """So many calls of one day, in the order of time."""
    step = DAY / (calls + 1)
    for number in range(calls):
        yield Drawn(
            "".join(dice.choices(LETTERS, k=29)),
            BEGIN + step * number,
            dice.choice(MODELS),
            dice.choice(TEAMS),
            10 + int(dice.lognormvariate(6.3, 1)) % 100_000,
            1 + int(dice.lognormvariate(4.8, 0.9)) % 10_000,
        )


def _usage(call: Drawn) -> dict[str, int]:
    total = call.sent + call.made
    return {"prompt_tokens": call.sent, "completion_tokens": call.made, "total_tokens": total}


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _counts(call: Drawn) -> dict[str, Any]:
    return {
        "timestamp": _iso(call.at),
        "tags": {"team": call.team},
        "request": {"model": call.model, "max_tokens": 500},
        "response": {
            "id": f"chatcmpl-{call.id}",
            "object": "chat.completion",
            "created": int(call.at.timestamp()),
            "model": call.model,
            "choices": [],
            "usage": _usage(call),
        },
    }


def _litellm(call: Drawn) -> dict[str, Any]:
    return {
        "request_id": f"chatcmpl-{call.id}",
        "call_type": "acompletion",
        "spend": call.usd,
        "startTime": call.at.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "endTime": (call.at + timedelta(seconds=1)).strftime("%Y-%m-%d %H:%M:%S.%f"),
        "model": call.model,
        "model_group": "chat-small",
        "custom_llm_provider": "openai",
        **_usage(call),
        "cache_hit": "None",
        "status": "success",
        "metadata": json.dumps({"usage_object": _usage(call)}),
        "team_id": call.team,
        "user": "",
        "messages": "{}",
        "response": "{}",
    }


def _helicone(call: Drawn) -> dict[str, Any]:
    return {
        "response_id": call.id,
        "response_created_at": _iso(call.at + timedelta(seconds=1)),
        "response_status": 200,
        "request_id": call.id[::-1],
        "request_created_at": _iso(call.at),
        "request_path": "https://api.openai.com/v1/chat/completions",
        "request_user_id": "",
        "request_properties": {"team": call.team},
        "model": call.model,
        **_usage(call),
        "costUSD": call.usd,
        "provider": "OPENAI",
        "cache_reference_id": "00000000-0000-0000-0000-000000000000",
    }


def _langfuse(call: Drawn) -> dict[str, Any]:
    used = {"input": call.sent, "output": call.made, "total": call.sent + call.made}
    return {
        "id": call.id,
        "traceId": call.id[:12],
        "type": "GENERATION",
        "parentObservationId": None,
        "startTime": _iso(call.at),
        "model": call.model,
        "usageDetails": used,
        "costDetails": {"total": call.usd},
        "totalCost": call.usd,
        "metadata": {"team": call.team},
        "level": "DEFAULT",
        "statusMessage": None,
    }


def _otel(call: Drawn) -> dict[str, Any]:
    begun = int(call.at.timestamp() * 1e6) * 1000
    said: dict[str, dict[str, str]] = {
        "gen_ai.operation.name": {"stringValue": "chat"},
        "gen_ai.request.model": {"stringValue": call.model},
        "gen_ai.response.model": {"stringValue": call.model},
        "gen_ai.usage.input_tokens": {"intValue": str(call.sent)},
        "gen_ai.usage.output_tokens": {"intValue": str(call.made)},
        "gen_ai.response.id": {"stringValue": f"chatcmpl-{call.id}"},
    }
    span = {
        "traceId": call.id,
        "spanId": call.id[:16],
        "parentSpanId": "",
        "name": "chat",
        "kind": 3,
        "startTimeUnixNano": str(begun),
        "endTimeUnixNano": str(begun + 10**9),
        "attributes": [{"key": key, "value": value} for key, value in said.items()],
    }
    service = [{"key": "service.name", "value": {"stringValue": call.team}}]
    scope = {"scope": {"name": "x"}, "spans": [span]}
    return {"resourceSpans": [{"resource": {"attributes": service}, "scopeSpans": [scope]}]}


def _bedrock(call: Drawn) -> dict[str, Any]:
    model = "claude-3-haiku-20240307"
    used = {"input_tokens": call.sent, "output_tokens": call.made}
    asked = {"max_tokens": 500, "messages": [{"role": "user", "content": f"Tell {call.id}"}]}
    answer = {
        "id": f"msg_bdrk_{call.id}",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "Done"}],
        "model": model,
        "stop_reason": "end_turn",
        "usage": used,
    }
    return {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": _iso(call.at),
        "accountId": "000000000000",
        "identity": {"arn": f"arn:aws:iam::000000000000:role/{call.team}"},
        "region": "us-east-1",
        "requestId": call.id,
        "operation": "InvokeModel",
        "modelId": f"anthropic.{model}-v1:0",
        "input": {
            "inputContentType": "application/json",
            "inputBodyJson": {"anthropic_version": "bedrock-2023-05-31", **asked},
            "inputTokenCount": call.sent,
        },
        "output": {
            "outputContentType": "application/json",
            "outputBodyJson": answer,
            "outputTokenCount": call.made,
        },
    }


def _portkey(call: Drawn) -> dict[str, Any]:
    return {
        "id": call.id,
        "trace_id": call.id[:8],
        "created_at": _iso(call.at),
        "is_success": True,
        "ai_org": "openai",
        "ai_model": call.model,
        "req_units": call.sent,
        "res_units": call.made,
        "total_units": call.sent + call.made,
        "cost": round(call.usd * 100, 6),
        "cost_currency": "USD",
        "response_status_code": 200,
        "mode": "single",
        "metadata": {"team": call.team},
    }


def _azure(call: Drawn) -> str:
    return f"{call.at:%Y-%m-%d %H:%M:%S.%f}0,{call.sent},{call.made}"


def _burst(call: Drawn) -> str:
    second = (call.at - BEGIN).total_seconds()
    model = "GPT-4" if call.model.startswith("gpt-4") else "ChatGPT"
    total = call.sent + call.made
    return f"{second:.3f},{model},{call.sent},{call.made},{total},Conversation log"


RECORDS: dict[str, Callable[[Drawn], dict[str, Any]]] = {
    "captures without text": _counts,
    "litellm": _litellm,
    "helicone": _helicone,
    "langfuse": _langfuse,
    "otel-spans": _otel,
    "bedrock-invocation": _bedrock,
    "portkey": _portkey,
}
TABLES: dict[str, tuple[str, Callable[[Drawn], str]]] = {
    "azure-trace-2023": ("TIMESTAMP,ContextTokens,GeneratedTokens", _azure),
    "burstgpt": (
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type",
        _burst,
    ),
}
TEXT = "captures with text"
NAMES = (TEXT, *RECORDS, *TABLES)


def calls_of(name: str, scale: float) -> int:
    """How many calls a log of a kind has."""
    return max(round((TABLE_CALLS if name in TABLES else JSON_CALLS) * scale), 20)


def write(folder: Path, name: str, scale: float) -> Path:
    """The log of a kind (of ``NAMES``) in ``folder``, unless it is there."""
    calls = calls_of(name, scale)
    suffix = "csv" if name in TABLES else "jsonl"
    path = folder / f"{name.replace(' ', '-')}-{calls}.{suffix}"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("w", encoding="utf-8") as file:
        file.writelines(lines(name, calls))
    unfinished.replace(path)
    return path


def lines(name: str, calls: int) -> Iterator[str]:
    """The lines of a log of so many calls; what has text in it is shaped as in ``ingesting``."""
    dice = random.Random(7)
    if name == TEXT:
        yield from islice(ingesting.calls(dice), calls)
    elif name in RECORDS:
        yield from (json.dumps(RECORDS[name](call)) + "\n" for call in drawn(dice, calls))
    else:
        head, row = TABLES[name]
        yield f"{head}\n"
        yield from (f"{row(call)}\n" for call in drawn(dice, calls))
