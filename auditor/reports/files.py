"""JSON, CSV, Markdown and Parquet of a replay. The same run gives the same bytes."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from auditor import __version__, leftovers
from auditor.errors import AuditError, printable
from auditor.pipeline.replay import Question, Replay, period_of
from auditor.reports.figures import digits, plain
from auditor.reports.notes import fallback_sources
from auditor.reports.rows import (
    SPENT_COLUMNS,
    dimension_columns,
    result_frame,
    result_rows,
    result_schema,
)
from auditor.scenarios import Scenario

SCHEMA = "audit.replay/1"
# After OWASP's list; the wide ones begin a formula in an East Asian Excel. Where a spreadsheet
# parts cells at semicolons or tabs, a formula could begin behind one, too.
FORMULA = re.compile("(^'*|[;\t\r\n])(?=[=+@\t\r\n\uff1d\uff0b\uff0d\uff20-])")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def as_json(result: Replay) -> str:
    """One object, schema ``audit.replay/1``. Money is a decimal string, unknown money null."""
    coverage, total = result.coverage, result.total
    period = period_of(result)
    document = {
        "schema": SCHEMA,
        "run": run_of(result.question, result.question.scenarios, result.sources),
        "period": {
            "from": period[0].isoformat() if period[0] else None,
            "to": period[1].isoformat() if period[1] else None,
            "timezone": result.question.zone,
        },
        "coverage": {
            **{
                name: coverage[name]
                for name in (
                    *("files", "lines", "calls", "buckets", "duplicates", "rejects", "context"),
                    *(
                        "counted",
                        "summed_requests",
                        "set_aside",
                        "set_aside_requests",
                        "outside_period",
                    ),
                )
            },
            **{name: total[name] for name in ("failed", "priced", "unpriced", "undated")},
            "not_moved": total["not_moved"],
            "counted_by": {
                who: total[f"counted_by_{who}"] for who in ("provider", "tokenizer", "estimate")
            },
        },
        "actual": {
            "calls": total["calls"],
            "unpriced": total["unpriced"],
            "input_tokens": total["input_tokens"],
            "output_tokens": total["output_tokens"],
            "cost_usd": plain(total["cost_usd"]),
            "recorded_calls": total["recorded_calls"],
            "recorded_usd": plain(total["recorded_usd"]),
            "recorded_actual_usd": plain(total["recorded_actual_usd"]),
            "doubtful_calls": total["doubtful_calls"],
            "doubtful_usd": plain(total["doubtful_usd"]),
            "basis": [texts(row) for row in result.basis],
            "books": books_of(result),
            "by": [texts(_group(result, row)) for row in result.spent],
        },
        "scenarios": [texts(row) for row in result_rows(result)],
        "training": [texts({**row, "scenario": row["scenario"].name}) for row in result.training],
        "notes": {s.name: list(s.notes) for s in result.question.scenarios if s.notes},
        "unpriced": [texts(row) for row in result.unpriced],
        "unpriced_in_scenarios": [
            {"name": row["scenario"].name, "reason": row["reason"], "calls": row["calls"]}
            for row in result.why_unpriced
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def books_of(result: Replay) -> list[dict[str, Any]]:
    """What each price book priced; ``sources`` of one that is asked last is what it is made of."""
    return [
        {
            **texts(row),
            **({"sources": said} if (said := fallback_sources(result, row["book"])) else {}),
        }
        for row in result.books
    ]


def run_of(
    question: Question, scenarios: Iterable[Scenario], sources: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """What the figures were made with and from."""
    return {
        "tool": f"audit {__version__}",
        "prices": [{"name": book.name, "sha256": book.sha256} for book in question.book.files],
        "scenarios": [{"name": one.name, "sha256": one.sha256} for one in scenarios],
        "models": dict(sorted(question.names.items())),
        "assume_model": question.assume_model,
        "sources": [{name: row[name] for name in ("name", "format", "sha256")} for row in sources],
    }


def _group(result: Replay, row: dict[str, Any]) -> dict[str, Any]:
    by = dimension_columns(result.question.by)
    return {
        **{name: row[f"by_{place}"] for place, name in enumerate(by, 1)},
        **{name: row[name] for name in SPENT_COLUMNS},
    }


def texts(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for JSON: money as decimal strings."""
    return {k: digits(v) if isinstance(v, Decimal) else v for k, v in row.items()}


def as_csv(result: Replay) -> str:
    """``result_rows`` as RFC 4180 with ``\\n``; no text can be taken for a formula."""
    return csv_text(result_schema(result), result_rows(result))


def csv_text(
    columns: Iterable[str],
    rows: Iterable[Mapping[str, Any]],
    number: Callable[[Any], str | None] = digits,
) -> str:
    """Rows as RFC 4180 with ``\\n``: every digit, and no text that could be taken for a formula.

    ``number`` writes what is no text.
    """
    names = tuple(columns)
    out = io.StringIO()
    writer = csv.writer(_Lines(out), lineterminator="\r\n")
    writer.writerow([_cell(name, number) for name in names])
    writer.writerows([_cell(row[name], number) for name in names] for row in rows)
    return out.getvalue()


class _Lines:
    """Ends lines with ``\\n``; the writer must believe in ``\\r\\n`` to quote both of them."""

    def __init__(self, out: io.StringIO) -> None:
        self._out = out

    def write(self, line: str) -> None:
        self._out.write(line.removesuffix("\r\n") + "\n")


def _cell(value: Any, number: Callable[[Any], str | None]) -> str:
    return safe(value) if isinstance(value, str) else number(value) or ""


def safe(text: str) -> str:
    """Text for a cell: a `'` before what would begin a formula, control characters written out."""
    shown = CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    return FORMULA.sub(r"\1'", shown)


def as_markdown(result: Replay) -> str:
    """``result_rows`` as a Markdown table, numbers in full."""
    shown = [name for name in result_schema(result) if name != "title"]
    return markdown_text(
        shown, (*dimension_columns(result.question.by), "name"), result_rows(result)
    )


def markdown_text(
    columns: Iterable[str], words: Collection[str], rows: Iterable[Mapping[str, Any]]
) -> str:
    """Rows as a Markdown table: the columns of ``words`` to the left, numbers to the right."""
    names = tuple(columns)
    lines = [
        "| " + " | ".join(names) + " |",
        "|" + "|".join(" --- " if name in words else " ---: " for name in names) + "|",
    ]
    for row in rows:
        cells = [printable(plain(row[name]) or "").replace("|", "\\|") for name in names]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def as_parquet(result: Replay) -> bytes:
    """``result_frame`` as Parquet."""
    return parquet_bytes(result_frame(result))


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    """A frame as Parquet."""
    out = io.BytesIO()
    frame.write_parquet(out, statistics=False)
    return out.getvalue()


WRITERS: dict[str, Callable[[Replay], str | bytes]] = {
    "json": as_json,
    "csv": as_csv,
    "md": as_markdown,
    "parquet": as_parquet,
}


def write(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Put the content at ``path`` at once: it is there as a whole or not at all.

    Its owner alone may read what is ``private``. A link stays and its target is written; a device
    or pipe is written to as it is. Raises AuditError when it cannot be written; an earlier file
    then stays as it was.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    target = path.resolve()
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        leftovers.clear(target)
        with leftovers.beside(target) as folder:
            new = folder / "new"
            with new.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            new.chmod(0o600 if private else 0o644)
            new.replace(target)
    except OSError as error:
        raise AuditError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="Check the folder, its permissions and the space on the disk.",
        ) from error
