"""simonw/llm: its database logs.db (SQLite), and ``llm logs --json`` (an array).

A row of ``responses``, and an entry of the JSON: ``id``, ``model`` (as asked), ``resolved_model``
(as served, newer versions), ``prompt_json`` (the request body), ``response``, ``response_json``
(the answer's body, without its text), ``conversation_id``, ``datetime_utc`` (UTC),
``input_tokens``, ``output_tokens``, ``token_details`` (what else the provider counted, as JSON).
What is numbered are rows, in the order of their ids.

What is inside what follows the provider whose names ``token_details`` uses: OpenAI's cached and
reasoning tokens are inside the counts, Anthropic's cache is outside. Counts are NULL in old rows
and for some plugins: the text is then counted where ``prompt_json`` still has all messages. A call
is known by the id of its answer if there is one, else by llm's own.

A database whose last changes are still in a ``-wal`` file beside it is refused, because they would
be missing. Rows of the newer table ``turns`` are not read, and refused so that they are seen.

Sure: columns, read in llm's documentation. Likely: ``token_details`` of plugins.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from shutil import copyfileobj
from typing import Any, BinaryIO

from auditor import leftovers
from auditor.errors import SourceError
from auditor.formats.base import Format, Sample, decode, refused
from auditor.formats.cells import known, read_count
from auditor.formats.documents import documents
from auditor.formats.shapes import read_request, read_usage
from auditor.formats.shapes.terms import body_at, compact, text_at
from auditor.formats.times import read_time
from auditor.records import Call, Reading, Text, Usage
from auditor.sources import BUFFER_BYTES, LogFile

SQLITE = b"SQLite format 3\x00"
COLUMNS = frozenset({"prompt_json", "response_json", "datetime_utc", "model"})
IS_PLAIN_TABLE = """
    SELECT 1 FROM sqlite_master
    WHERE name = 'responses' AND type = 'table' AND sql NOT LIKE 'create virtual%'
"""
UNCOUNTED = "llm logged no token counts"
IN_ANTHROPICS_WORDS = ("cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation")


def claims(start: Sample) -> bool:
    """True for a SQLite file with llm's tables near its beginning, and for its JSON."""
    if start.head.startswith(SQLITE):
        return b"responses" in start.head and b"prompt_json" in start.head
    if start.objects:
        return any(line.keys() >= COLUMNS for line in start.objects)
    return start.head.lstrip()[:1] == b"[" and all(
        f'"{name}"'.encode() in start.head for name in COLUMNS
    )


def read(file: LogFile, stream: BinaryIO) -> Iterator[Reading]:
    """Every row as a Call or a Reject. Raises SourceError where rows would be missing."""
    rows = _from_database(file, stream) if _is_database(file) else _from_json(stream)
    for number, (row, problem) in enumerate(rows, 1):
        try:
            if row is None:
                raise ValueError(problem)
            yield _call(number, row)
        except ValueError as error:
            head = str(row.get("id") or "") if row else ""
            yield refused(number, head.encode("utf-8", "backslashreplace"), str(error))


def _is_database(file: LogFile) -> bool:
    with file.open() as stream:
        return stream.read(len(SQLITE)) == SQLITE


Rows = Iterator[tuple[Mapping[str, Any] | None, str]]


def _from_json(stream: BinaryIO) -> Rows:
    for _, value, problem in documents(stream):
        if problem is not None:
            yield None, problem
            continue
        for row in value if isinstance(value, list) else [value]:
            if isinstance(row, dict) and row.keys() >= COLUMNS:
                yield row, ""
            else:
                yield None, "no entry of llm's logs"


def _from_database(file: LogFile, stream: BinaryIO) -> Rows:
    own = file.name.rpartition("/")[2]
    beside = () if file.member else file.beside()
    if any(one.name.rpartition("/")[2] == f"{own}-wal" and one.stamp[0] for one in beside):
        raise SourceError(
            file.name,
            None,
            f"has changes that are still in {own}-wal",
            hint=f"Close what uses it, or write them: `sqlite3 {own} 'VACUUM'`.",
        )
    with leftovers.elsewhere() as folder:
        path = folder / "logs.db"
        with path.open("wb") as copy:
            copyfileobj(stream, copy, BUFFER_BYTES)
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as database:
                database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, file.limits.max_line_bytes)
                yield from _rows(database, file.name)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise SourceError(
                file.name,
                None,
                f"is no whole SQLite database: {error}",
                hint="Copy it again while nothing writes to it; nothing of it was stored.",
            ) from error


def _rows(database: sqlite3.Connection, name: str) -> Rows:
    database.row_factory = sqlite3.Row
    database.text_factory = lambda raw: raw.decode("utf-8", "replace")
    database.execute("PRAGMA trusted_schema = OFF")
    if not database.execute(IS_PLAIN_TABLE).fetchone():
        raise SourceError(
            name,
            None,
            "its responses are no plain table: a view may compute anything, without end",
            hint="Export it with `llm logs --json`; nothing of it was stored.",
        )
    for row in database.execute("SELECT * FROM responses ORDER BY id"):
        yield dict(row), ""
    if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'turns'").fetchone():
        turns = database.execute("SELECT count(*) FROM turns").fetchone()[0]
        if turns:
            yield None, f"{turns} rows of the table turns, which is not read yet"


def _call(number: int, row: Mapping[str, Any]) -> Call:
    sent, received = _object(row.get("prompt_json")), _object(row.get("response_json"))
    asked = read_request(sent)
    usage = _usage(row)
    text = None
    if asked.messages and '"$"' not in compact(sent):
        said = {"role": "assistant", "content": row.get("response")}
        text = Text(asked.messages, (), (said,), asked.extras)
    tags = {"session": text_at(row, "conversation_id"), "app": "llm"}
    return Call(
        number,
        id=text_at(received, "id") or text_at(row, "id"),
        called_at=read_time(row.get("datetime_utc")),
        requested_model=text_at(row, "model"),
        served_model=text_at(row, "resolved_model") or text_at(received, "model"),
        usage=usage,
        problem=None if usage or text else UNCOUNTED,
        max_tokens=asked.max_tokens
        or read_count(_object(row.get("options_json")).get("max_tokens")),
        tags={name: value for name, value in tags.items() if value},
        text=text,
    )


def _object(value: Any) -> Mapping[str, Any]:
    """An object, or the text of one, as the database has it; empty for anything else."""
    if isinstance(value, str) and value:
        try:
            value = decode(value.encode("utf-8", "surrogatepass"))
        except ValueError:
            return {}
    return body_at({"": value}, "")


def _usage(row: Mapping[str, Any]) -> Usage | None:
    sent, made = read_count(row.get("input_tokens")), read_count(row.get("output_tokens"))
    if sent is None or made is None:
        return None
    details = _object(row.get("token_details"))
    if any(name in details for name in IN_ANTHROPICS_WORDS):
        counts = {**details, "input_tokens": sent, "output_tokens": made}
    else:
        counts = {"prompt_tokens": sent, "completion_tokens": made}
        for ours, theirs in (("prompt", "input"), ("completion", "output")):
            found = details.get(f"{ours}_tokens_details") or details.get(f"{theirs}_tokens_details")
            counts[f"{ours}_tokens_details"] = found
    usage = read_usage(counts)
    return known(usage) if usage else None


FORMAT = Format(
    "llm-logs",
    "simonw/llm: logs.db, or `llm logs --json`",
    claims,
    read,
    container="SQLite, JSON",
    unit="row",
    ids="`id` of the answer, else `id`",
    times="`datetime_utc`",
    counts="`input_tokens`, `output_tokens`, else the text",
)
