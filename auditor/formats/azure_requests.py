"""Azure OpenAI diagnostic logs, category RequestResponse: JSON lines WITHOUT token counts.

Fields of a line: ``time`` (UTC, 7 decimals), ``category``, ``operationName`` (like
ChatCompletions_Create), ``resultSignature`` (the HTTP status as text), ``correlationId``,
``resourceId`` and ``properties``, an object or the text of one (both occur in one file), with
``modelDeploymentName``, ``modelName``, ``modelVersion``, ``requestLength`` and ``responseLength``
(BYTES of the bodies, filter results and framing included) and ``objectId`` (the answer's id where
Azure fills it in).

There are no tokens in it. A call is listed as unpriced; ``--estimate`` takes four bytes a token,
which is far too high, since most of an answer's body is no text. Prefer APIM's logs (formats
``apim-gateway``, ``apim-llm``), and do not read both: their ids differ, so one call would be two.
Threads, files and the other categories of the file are Context.

Sure: read in elastic/integrations' test log. Likely: the list of operations that are calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from auditor.formats.base import Format, Sample, decode, json_lines
from auditor.formats.cells import read_count
from auditor.formats.shapes.terms import text_at
from auditor.formats.times import read_time
from auditor.records import Call, Context, Reading
from auditor.sources import LogFile

CATEGORY = "RequestResponse"
SNAPSHOT = re.compile(r"\d{4}(?:-\d\d-\d\d)?")  # 0613, 2024-08-06; embeddings count 1, 2
BYTES_ONLY = "Azure's log holds bytes and no tokens"
ENDPOINTS = (
    ("chatcompletion", "chat"),
    ("embedding", "embedding"),
    ("completion", "completion"),
    ("response", "response"),
)


def claims(start: Sample) -> bool:
    """True where a line is of the category RequestResponse and names its operation."""
    return any(
        line.get("category") == CATEGORY and "operationName" in line for line in start.objects
    )


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every line as a Call, as Context where it is no call of a model, or as a Reject."""
    return json_lines(stream, _call)


def _call(number: int, line: Mapping[str, Any]) -> Reading:
    operation = str(line["operationName"])
    details = object_in(line.get("properties"))
    model = text_at(details, "modelName")
    endpoint = next((kind for word, kind in ENDPOINTS if word in operation.lower()), "other")
    if line.get("category") != CATEGORY or (endpoint == "other" and model is None):
        return Context(number)
    version = text_at(details, "modelVersion") or ""
    status = read_count(line.get("resultSignature"))
    failed = status is not None and status >= 400
    sent, made = read_count(details.get("requestLength")), read_count(details.get("responseLength"))
    return Call(
        number,
        id=text_at(details, "objectId") or text_at(line, "correlationId"),
        called_at=read_time(line.get("time")),
        requested_model=text_at(details, "modelDeploymentName") or model,
        served_model=f"{model}-{version}" if model and SNAPSHOT.fullmatch(version) else model,
        endpoint=endpoint,
        failed=failed,
        problem=f"HTTP {status}" if failed else BYTES_ONLY,
        tags=named_tags({"resource": line.get("resourceId"), "region": line.get("location")}),
        sizes=None if sent is None or made is None else (sent, made),
    )


def object_in(value: Any) -> Mapping[str, Any]:
    """An object, or the text of one. Raises ValueError for anything else that is not null."""
    if isinstance(value, str):
        value = decode(value.encode("utf-8", "surrogatepass"))
    if not isinstance(value, dict | None):
        raise ValueError("its properties are no object")
    return value or {}


def named_tags(values: Mapping[str, Any]) -> dict[str, str]:
    """The values that are texts with something in them."""
    return {name: value for name, value in values.items() if isinstance(value, str) and value}


FORMAT = Format(
    "azure-requests",
    "Azure OpenAI diagnostic log, category RequestResponse",
    claims,
    read,
    by_line=True,
    container="JSON lines",
    ids="`objectId`, else `correlationId`",
    times="`time`",
    counts="none; `--estimate` takes bytes",
    note="has no tokens, so its calls are unpriced",
)
