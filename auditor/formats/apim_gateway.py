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
from auditor.formats.base import Format, Sample, json_lines
from auditor.formats.http_bodies import http_call
from auditor.formats.shapes.terms import text_at
from auditor.records import Call, Context, Reading
from auditor.sources import LogFile

CATEGORY = "GatewayLogs"


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
    reading = http_call(
        number,
        url=text_at(seen, "url") or text_at(seen, "backendUrl") or "",
        status=seen.get("responseCode") or seen.get("backendResponseCode"),
        time=line.get("time"),
        sent=text_at(seen, "requestBody") or text_at(seen, "backendRequestBody"),
        received=text_at(seen, "responseBody") or text_at(seen, "backendResponseBody"),
    )
    if not isinstance(reading, Call):
        return reading
    tags = {"region": line.get("location"), "api": seen.get("apiId")}
    tags |= {"subscription": seen.get("apimSubscriptionId"), "product": seen.get("productId")}
    own_id = reading.id or text_at(line, "correlationId")
    return replace(reading, id=own_id, tags={**reading.tags, **named_tags(tags)})


FORMAT = Format(
    "apim-gateway",
    "Azure API Management gateway log with bodies",
    claims,
    read,
    by_line=True,
    container="JSON lines",
    ids="`id` of the answer, else `correlationId`",
    times="`time`",
    counts="usage of the answer, else its text",
    note="a body that is logged twice is one call",
)
