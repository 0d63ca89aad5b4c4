"""Puts a mark of its own into each text of a log: values, and names of fields that nobody knows."""

from __future__ import annotations

import copy
import csv
import hashlib
import io
import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

MARK = re.compile(rb"zq7k[0-9]{6}xw")
TABLES = "SELECT name FROM sqlite_master WHERE type='table'"
IDS = frozenset(
    {
        *("id", "Id", "request_id", "requestId", "response_id", "call_id", "correlationId"),
        *("CorrelationId", "spanId", "span_id", "objectId", "gen_ai.response.id", "hash", "run_id"),
        *("generation_id", "operation_Id", "Request ID", "completion_id"),
    }
)
"""Fields that tell calls apart: each planted record gets ids of its own, or it would be a copy."""
ID_IN_TEXT = re.compile(r"(\"(?:id|request_id)\": ?\")[^\"]*\"|chatcmpl-[A-Za-z0-9_-]+")
NEW_FIELD = "a new field"
Path_ = tuple[Any, ...]


@dataclass
class Marks:
    """The marks that were handed out, and where each was put."""

    places: dict[str, str] = field(default_factory=dict)

    def new(self, place: str) -> str:
        mark = f"zq7k{len(self.places):06}xw"
        self.places[mark] = place
        return mark


def marks_in(content: bytes) -> set[str]:
    """The marks in bytes, whatever their case."""
    return {found.decode() for found in MARK.findall(content.lower())}


def plant(source: Path, target: Path, marks: Marks, name: str) -> None:
    """A copy of a log with records beside its own, in each of which one text is a mark."""
    content = source.read_bytes()
    if content.startswith(b"SQLite"):
        _plant_sqlite(source, target, marks, name)
    elif source.suffix == ".csv":
        target.write_text(_planted_csv(content.decode("utf-8-sig"), marks, name), "utf-8")
    elif source.suffix in (".yaml", ".yml"):
        _plant_yaml(content, target, marks, name)
    else:
        documents = list(_documents(content.decode("utf-8-sig", "replace")))
        lines = [json.dumps(document) for document in documents]
        for document in documents:
            lines += [json.dumps(one) for one in _variants(document, marks, name)]
        target.write_text("\n".join(lines) + "\n", "utf-8")


def _documents(text: str) -> Iterator[Any]:
    try:
        value = json.loads(text)
        yield from value if isinstance(value, list) else [value]
    except ValueError:
        for line in text.splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue


def _variants(document: Any, marks: Marks, name: str) -> Iterator[Any]:
    """A large document with more entries; a small one as often as it has texts."""
    longest = max(_lists(document), key=lambda path: _size(_at(document, path)), default=None)
    if longest is None or _size(document) < 3_000 or not _at(document, longest):
        yield from _with_marks(document, marks, name)
        return
    entries = _at(document, longest)
    few = _replaced(document, longest, entries[:1])
    yield from _with_marks(few, marks, name, but=longest)
    grown = [one for entry in entries for one in _variants(entry, marks, name)]
    yield _replaced(document, longest, [*entries, *grown])


def _with_marks(document: Any, marks: Marks, name: str, but: Path_ | None = None) -> Iterator[Any]:
    for path, value in _leaves(document, ()):
        if but is not None and path[: len(but)] == but:
            continue
        place = f"{name}:{'.'.join(map(str, path))}"
        for new in (marks.new(place), f"{value} {marks.new(place)}"):
            yield _replaced(_with_own_ids(document, new, but=path), path, new)
    for path in _objects(document, ()):
        if but is None or path[: len(but)] != but:
            place = f"{name}:{'.'.join(map(str, (*path, NEW_FIELD)))}"
            own = _with_own_ids(document, str(len(marks.places)), but=None)
            yield _replaced(own, path, {**_at(own, path), marks.new(place): marks.new(place)})


def _own_id(seed: str) -> str:
    return f"chatcmpl-{hashlib.sha256(seed.encode()).hexdigest()[:24]}"


def _with_own_ids(document: Any, seed: str, but: Path_ | None) -> Any:
    """The document with ids of its own, but at one place."""
    for path, value in list(_leaves(document, ())):
        if path == but:
            continue
        if path and path[-1] in IDS:
            document = _replaced(document, path, _own_id(f"{seed} {path}"))
        elif ID_IN_TEXT.search(value):
            document = _replaced(document, path, _own_ids_in(value, seed))
    return document


def _own_ids_in(text: str, seed: str) -> str:
    id = _own_id(seed)
    return ID_IN_TEXT.sub(lambda found: f'{found[1]}{id}"' if found[1] else id, text)


def _leaves(value: Any, path: Path_) -> Iterator[tuple[Path_, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _leaves(part, (*path, name))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _leaves(part, (*path, place))


def _objects(value: Any, path: Path_) -> Iterator[Path_]:
    if isinstance(value, dict):
        yield path
    if isinstance(value, dict | list):
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _objects(part, (*path, name))


def _lists(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    if isinstance(value, dict):
        for name, part in value.items():
            if isinstance(part, list):
                yield (*path, name)
            yield from _lists(part, (*path, name))


def _at(value: Any, path: Path_) -> Any:
    for name in path:
        value = value[name]
    return value


def _size(value: Any) -> int:
    return len(json.dumps(value))


def _replaced(document: Any, path: Path_, new: Any) -> Any:
    if not path:
        return new
    made = copy.copy(document)
    made[path[0]] = _replaced(document[path[0]], path[1:], new)
    return made


def _planted_csv(text: str, marks: Marks, name: str) -> str:
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t|", key=first.count)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerows(rows)
    for row in rows[1:]:
        for place, cell in enumerate(row):
            where = f"{name}:{rows[0][place] if place < len(rows[0]) else place}"
            for new in (marks.new(where), f"{cell} {marks.new(where)}"):
                own = [
                    _own_id(new) if title in IDS else _own_ids_in(other, new)
                    for title, other in zip_longest(rows[0], row, fillvalue="")
                ][: len(row)]
                writer.writerow([*own[:place], new, *own[place + 1 :]])
            if cell[:1] == "{":
                for one in _variants(_object(cell), marks, where):
                    writer.writerow([*row[:place], json.dumps(one), *row[place + 1 :]])
    return out.getvalue()


def _object(cell: str) -> Any:
    try:
        return json.loads(cell)
    except ValueError:
        try:
            return json.loads(cell.replace('""', '"'))
        except ValueError:
            return {}


def _plant_yaml(content: bytes, target: Path, marks: Marks, name: str) -> None:
    import yaml

    document = yaml.safe_load(content)
    for key, part in document.items():
        if isinstance(part, list):
            grown = [one for entry in part for one in _with_marks(entry, marks, f"{name}:{key}")]
            document[key] = [*part, *grown]
    target.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")


def _plant_sqlite(source: Path, target: Path, marks: Marks, name: str) -> None:
    shutil.copyfile(source, target)
    with sqlite3.connect(source) as base:
        tables = [
            row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        columns = [
            (table, row[1])
            for table in tables
            for row in base.execute(f'PRAGMA table_info("{table}")')
            if row[2].upper() == "TEXT"
        ]
    for place, (table, column) in enumerate(columns):
        copy_ = target.with_name(f"{place}-{target.name}")
        shutil.copyfile(source, copy_)
        with sqlite3.connect(copy_) as planted:
            mark = marks.new(f"{name}:{table}.{column}")
            try:
                planted.execute(f'UPDATE OR IGNORE "{table}" SET "{column}" = ?', (mark,))
            except sqlite3.Error:  # a table of the full text search, which its triggers fill
                continue
        planted.close()
    base.close()
