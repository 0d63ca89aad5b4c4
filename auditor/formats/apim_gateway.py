"""Azure API Management, category GatewayLogs: the bodies that went through a gateway, a line each.

Fields of a line: ``time`` (UTC, 7 decimals), ``category``, ``correlationId``, ``properties``, an
object or the text of one, with ``url``, ``responseCode``, ``requestBody`` and ``responseBody``: the
provider's JSON or event stream as text. ``backendRequestBody`` and ``backendResponseBody`` hold the
same bodies once more, as the gateway passed them on: they are read only where the client's are not
logged, and never added.

Usage is the body's own, so what is inside what is known by ``shapes``. A gateway cuts bodies at a
limit (``truncated``): such a call is listed without usage. A line without bodies is a call if its
address is one of a model, else Context: gateways serve other things too. An answer of 400 with
``content_filter`` has no usage and counts as failed; Azure may bill its prompt.

Sure: read in elastic/integrations' test log; the backend fields are documented, not seen filled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from auditor.formats.azure_requests import named_tags, object_in
from auditor.formats.base import Format, Sample, decode, json_lines
from auditor.formats.captures import to_call
from auditor.formats.shapes import Answer, read_request, read_response, read_stream
from auditor.formats.shapes.terms import text_at
from auditor.records import Context, Reading
from auditor.sources import LogFile

CATEGORY = "GatewayLogs"
CUT = "the gateway cut its answer off, and the usage with it"
NO_BODY = "the gateway did not log its body"
MODEL_PATHS = ("/chat/completions", "/completions", "/embeddings", "/responses", "/messages")


def claims(start: Sample) -> bool:
    """True where a line is of the category GatewayLogs."""
    return any(line.get("category") == CATEGORY for line in start.objects)


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every line as a Call, as Context where it is no call of a model, or as a Reject."""
    return json_lines(stream, _call)


def _call(number: int, line: Mapping[str, Any]) -> Reading:
    if line.get("category") != CATEGORY:
        return Context(number)
    seen = object_in(line.get("properties"))
    sent = text_at(seen, "requestBody") or text_at(seen, "backendRequestBody")
    received = text_at(seen, "responseBody") or text_at(seen, "backendResponseBody")
    url = text_at(seen, "url") or text_at(seen, "backendUrl") or ""
    answer, cut = body_received(received)
    if not _is_of_a_model(url, sent, answer):
        return Context(number)
    asked = read_request(body_sent(sent), kind=answer.kind if answer else None)
    envelope = {
        "timestamp": line.get("time"),
        "url": url,
        "status_code": seen.get("responseCode") or seen.get("backendResponseCode"),
    }
    call = to_call(number, envelope, asked, answer)
    if not call.failed and (answer is None or cut):
        call = replace(call, problem=CUT if cut else NO_BODY)
    tags = {"region": line.get("location"), "api": seen.get("apiId")}
    tags |= {"subscription": seen.get("apimSubscriptionId"), "product": seen.get("productId")}
    return replace(
        call,
        id=call.id or text_at(line, "correlationId"),
        tags={**call.tags, **named_tags(tags)},
    )


def _is_of_a_model(url: str, sent: str | None, answer: Answer | None) -> bool:
    """Whether the address, the request or the answer is that of a model's API."""
    if answer is not None and answer.kind not in ("other", "not_a_call", "error"):
        return True
    asked = body_sent(sent) or {}
    asks = "model" in asked and bool(asked.keys() & {"messages", "prompt", "input"})
    return asks or any(url.partition("?")[0].endswith(path) for path in MODEL_PATHS)


def body_sent(text: str | None) -> dict[str, Any] | None:
    """The object that a request body spells; None where it is none or was cut off."""
    try:
        value = decode((text or "").encode("utf-8", "surrogatepass"))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def body_received(text: str | None) -> tuple[Answer | None, bool]:
    """What an answer's body says, JSON or an event stream; and whether it was cut off."""
    if not text or not text.strip():
        return None, False
    if text.lstrip()[:1] == "{":
        body = body_sent(text)
        return (None, True) if body is None else (read_response(body), False)
    answer = read_stream(text)
    known = answer.kind != "other" or answer.usage is not None
    return (answer, answer.interrupted) if known else (None, True)


FORMAT = Format("apim-gateway", "Azure API Management gateway log with bodies", claims, read)
