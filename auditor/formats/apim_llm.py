"""Azure API Management's table ApiManagementGatewayLlmLog: token counts, CSV or JSON lines.

Columns: ``TimeGenerated`` (UTC), ``CorrelationId``, ``DeploymentName``, ``ModelName``,
``PromptTokens``, ``CompletionTokens``, ``TotalTokens``, ``SequenceNumber``, ``RequestMessages``,
``ResponseMessages``, ``Region``, ``OperationName``. The table has no column for cached tokens, so
they are priced as plain input: the actual cost is then an upper bound.

One call may be several rows: messages above 32 kB go on in rows with a higher ``SequenceNumber``,
and the counts stand on one row or are repeated on all. ``CorrelationId`` is the call; a row that
repeats it is a duplicate, a further row without counts is Context. A naive sum counts it once a
row. The messages are pieces and are not read.

Documented (Microsoft Learn, table reference); no real row was seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from auditor.formats.azure_requests import named_tags
from auditor.formats.base import Format, Sample, csv_records, delimiter_of, json_lines, sample
from auditor.formats.cells import half_of_counts, known, read_count
from auditor.formats.shapes.terms import text_at
from auditor.formats.times import read_time
from auditor.records import Call, Context, Reading, Usage
from auditor.sources import LogFile

COLUMNS = ("CorrelationId", "PromptTokens", "CompletionTokens", "ModelName")
TIMES = ("TimeGenerated", "TimeGenerated [UTC]")
UNCOUNTED = "the gateway counted no tokens for it"


def claims(start: Sample) -> bool:
    """True where the columns are those of the table."""
    wanted = set(COLUMNS)
    return delimiter_of(start, COLUMNS) is not None or any(
        wanted <= line.keys() for line in start.objects
    )


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every row as a Call, as Context where it goes on with another, or as a Reject."""
    delimiter = delimiter_of(sample(file), COLUMNS)
    if delimiter is None:
        return json_lines(stream, _row)
    return csv_records(stream, delimiter, _row)


def _row(number: int, row: Mapping[str, Any], lines: int = 1) -> Reading:
    sent, made = read_count(row["PromptTokens"]), read_count(row["CompletionTokens"])
    if not sent and not made and read_count(row.get("SequenceNumber")):
        return Context(number, lines)
    operation = str(row.get("OperationName") or "").lower()
    endpoint = "embedding" if "embedding" in operation else "chat"
    lack = half_of_counts(sent, made, endpoint, text_at(row, "ModelName"))
    usage = None if lack else known(Usage(sent or 0, made or 0))
    total = read_count(row.get("TotalTokens"))
    if usage is not None and total and total != usage.input_tokens + usage.output_tokens:
        raise ValueError(f"TotalTokens {total} are not {sent} + {made or 0}")
    time = next((row[name] for name in TIMES if row.get(name)), None)
    tags = {"region": row.get("Region"), "deployment": row.get("DeploymentName")}
    return Call(
        number,
        id=text_at(row, "CorrelationId"),
        called_at=read_time(time),
        requested_model=text_at(row, "DeploymentName") or text_at(row, "ModelName"),
        served_model=text_at(row, "ModelName"),
        endpoint=endpoint,
        usage=usage,
        problem=None if usage else lack or UNCOUNTED,
        tags=named_tags(tags),
        lines=lines,
    )


FORMAT = Format(
    "apim-llm",
    "Azure API Management LLM log table",
    claims,
    read,
    container="CSV, JSON lines",
    ids="`CorrelationId`",
    times="`TimeGenerated`",
    counts="`PromptTokens`, `CompletionTokens`",
    note="has no cached tokens, so the cost is an upper bound",
)
