"""What a folder of reports says of itself: manifest.json, schema ``audit.report/1``.

The same run gives the same bytes: there is no clock in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from auditor.pipeline.reporting import FOCUS, Report, Reported
from auditor.reports import focus
from auditor.reports.figures import digits, plain
from auditor.reports.files import books_of, csv_text, parquet_bytes, run_of, texts
from auditor.reports.folder import MANIFEST, REPORTS

SCHEMA = "audit.report/1"
FORMATS = ("csv", "json", "parquet")


def files_of(
    reported: Reported,
    formats: tuple[str, ...],
    focus_version: str | None = None,
    further: Mapping[str, bytes] | None = None,
    holds: str = REPORTS,
) -> dict[str, bytes]:
    """The files of the reports in these formats, ``further`` ones, and the manifest of all.

    With ``focus_version`` those of the FOCUS export are among them.
    """
    contents: dict[str, bytes] = dict(further or {})
    listed: dict[str, dict[str, Any]] = {}
    for report in reported.reports.values():
        if report.definition.section == FOCUS:
            continue
        for format_ in ("parquet",) if report.definition.is_parquet else formats:
            name = f"{report.definition.name}.{format_}"
            contents[name] = written(report, format_)
            listed[name] = {
                "report": report.definition.name,
                "rows": report.frame.height,
                "columns": report.frame.columns,
            }
    if focus_version is None:
        return with_manifest(reported, contents, listed, holds=holds)
    charged, columns = focus.files_of(reported, focus_version)
    more = {"focus": focus.summary_of(reported, focus_version)}
    return with_manifest(reported, contents | charged, listed | columns, more, holds=holds)


def with_manifest(
    reported: Reported,
    contents: dict[str, bytes],
    listed: Mapping[str, Mapping[str, Any]],
    more: Mapping[str, Any] | None = None,
    *,
    holds: str = REPORTS,
) -> dict[str, bytes]:
    """The files, and the manifest that names them with what is ``listed`` of each, and ``more``.

    ``holds`` says what the folder is for: only a run of that kind replaces it.
    """
    summary = summary_of(reported)
    manifest = {
        "schema": summary["schema"],
        "holds": holds,
        **summary,
        **(more or {}),
        "files": {
            name: {
                **listed.get(name, {}),
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for name, content in sorted(contents.items())
        },
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    return {**contents, MANIFEST: text.encode()}


def summary_of(reported: Reported) -> dict[str, Any]:
    """All of the manifest but its files: with what, from what, of when, how much."""
    question, whole, total = reported.question, reported.whole, reported.whole.total
    begins, ends = reported.period
    coverage = whole.coverage
    counts = (
        *("files", "lines", "calls", "buckets", "duplicates", "rejects", "context"),
        *("counted", "summed_requests", "set_aside", "set_aside_requests", "outside_period"),
    )
    return {
        "schema": SCHEMA,
        "run": run_of(question, question.scenarios, whole.sources),
        "period": {
            "from": begins.isoformat() if begins else None,
            "to": ends.isoformat() if ends else None,
            "asked_from": question.from_date.isoformat() if question.from_date else None,
            "asked_to": question.to_date.isoformat() if question.to_date else None,
            "timezone": question.zone,
        },
        "by": list(question.by),
        "coverage": {
            **{name: coverage[name] for name in counts},
            **{name: total[name] for name in ("failed", "priced", "unpriced", "undated")},
        },
        "actual_usd": plain(total["cost_usd"]),
        "basis": [texts(row) for row in whole.basis],
        "books": books_of(whole),
    }


def written(report: Report, format_: str) -> bytes:
    """The rows of a report as a file of that format."""
    frame = report.frame
    if format_ == "parquet":
        return parquet_bytes(frame)
    rows = frame.rows(named=True)
    if format_ == "csv":
        return csv_text(frame.columns, rows).encode()
    document = [{name: _json(value) for name, value in row.items()} for row in rows]
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _json(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int) else digits(value)
