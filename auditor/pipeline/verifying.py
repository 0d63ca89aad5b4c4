"""Verify: no text of the logs is in the store or in what was made of it, but what is meant to be.

Meant to be there are names of models, tiers and files, ids that providers gave, and tags that name
no person, as ``auditor.privacy`` judges them; and the words of audit itself.
"""

from __future__ import annotations

import csv
import gzip
import html
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import zstandard

from auditor.errors import AuditError, SourceError
from auditor.formats import Format, recognise
from auditor.privacy.identities import is_of_a_provider, kind_by_look, kind_of_tag
from auditor.privacy.searching import Haystack, Searched, Vocabulary, masked
from auditor.privacy.strings import leaves_of, strings_of
from auditor.records import Call
from auditor.sources import LogFile
from auditor.store import Store

SEGMENT_CHARACTERS = 1 << 23
READ_BYTES = 1 << 22
SHORTEST_NAME = 3
PACKAGE = Path(__file__).parent.parent
OUR_WORDS = frozenset(
    {
        *("audit", "chat", "completion", "response", "embedding", "other", "standard", "batch"),
        *("provider", "tokenizer", "estimate", "nobody", "system message", "opening"),
    }
)
"""What stands in columns of the store by itself."""
OURS = ("*.py", "*.sql", "*.csv", "*.toml", "*.css", "*.js", "*.html", "*.json")


@dataclass(frozen=True, slots=True)
class Finding:
    """A text of a log that is where it must not be; ``what`` is masked."""

    source: str
    found_in: str
    what: str


@dataclass(slots=True)
class Verified:
    """What was searched for what, and what was found."""

    length: int
    sources: int = 0
    strings: int = 0
    names: int = 0
    places: list[str] = field(default_factory=list)
    searched: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class _Known:
    """What calls say: what may be shown, and names that may not be, with where they stand."""

    shown: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)


def verify(
    logs: Iterable[LogFile],
    formats: Iterable[Format],
    store: Store | None,
    outputs: Iterable[Path],
    length: int,
) -> Verified:
    """Search the store, its file and the outputs for every string of the logs.

    A run of ``length`` characters and more is a finding; a name (a tag that is an identity, an id
    of a call that is of no provider's form) of any length is one where it is a whole value.
    """
    files = [part for file in logs for part in file.parts()]
    known_formats = tuple(formats)
    known = _known(files, known_formats)
    known.shown |= {*OUR_WORDS, *(format.name for format in known_formats)}
    vocabulary = Vocabulary(known.shown, _ours(), length)
    done = Verified(length, sources=len(files), names=len(known.names))
    whole: dict[str, str] = {}
    for segment in _segments(_texts(store, tuple(outputs), whole, done)):
        done.searched += sum(len(one.text) for one in segment)
        _search(files, Haystack(segment, length), vocabulary, done)
    for name, place in known.names.items():
        if name in whole and not vocabulary.has(name):
            done.findings.append(Finding(place, whole[name], masked(name)))
    return done


def _known(files: Iterable[LogFile], formats: tuple[Format, ...]) -> _Known:
    known = _Known()
    for file in files:
        known.shown.update((file.name, *Path(file.name).parts))
        try:
            format = recognise(file, formats)
        except SourceError:
            if file.is_document:
                continue  # a licence or the like, which an ingest leaves out
            raise
        with file.open() as stream:
            for reading in format.read(file, stream):
                if isinstance(reading, Call):
                    _know(known, reading, f"{file.name}:{reading.line}")
    return known


def _know(known: _Known, call: Call, place: str) -> None:
    shown = (call.requested_model, call.served_model, call.tier)
    known.shown.update(value for value in shown if value)
    values = [("id", call.id, None if call.id and is_of_a_provider(call.id) else "call")]
    for name, value in call.tags.items():
        kind = kind_of_tag(name, value)
        values.append((f"tag {name}" if kind_by_look(name) is None else "a tag", value, kind))
        if kind_by_look(name) is None:
            known.shown.add(name)
    for name, said, kind in values:
        if said and kind is None:
            if not (" " in said and said in _written(call)):  # what stands in a message is no label
                known.shown.add(said)
        elif said and len(said) >= SHORTEST_NAME:
            known.names.setdefault(said, f"{place}:{name}")


def _written(call: Call) -> str:
    """What was sent and answered."""
    text = call.text
    said = (*text.messages, *text.prompts, *text.outputs) if text is not None else ()
    return "\n".join(string for part in said for _, string in leaves_of(part))


def _search(
    files: Iterable[LogFile], haystack: Haystack, vocabulary: Vocabulary, done: Verified
) -> None:
    seen: set[int] = set()
    for file in files:
        with file.open() as stream:
            for line, name, text in strings_of(stream):
                if len(text) < done.length or (mark := hash(text)) in seen:
                    continue
                seen.add(mark)
                if vocabulary.has(text):
                    continue
                for run in haystack.runs(text):
                    if not vocabulary.explains(run.characters):
                        place = f"{file.name}:{line}:{name}"
                        found_in = f"{run.place}:{run.at}"
                        done.findings.append(Finding(place, found_in, masked(run.characters)))
                        break
    if not done.strings:
        done.strings = len(seen)


def _ours() -> str:
    """The text of audit itself: sentences, queries, the price book."""
    places = (PACKAGE, PACKAGE.parent / "queries")
    files = sorted({file for place in places for one in OURS for file in place.rglob(one)})
    return "\n".join(file.read_text("utf-8", "replace") for file in files)


def _segments(texts: Iterable[Searched]) -> Iterator[list[Searched]]:
    held: list[Searched] = []
    size = 0
    for one in texts:
        held.append(one)
        size += len(one.text)
        if size >= SEGMENT_CHARACTERS:
            yield held
            held, size = [], 0
    if held:
        yield held


def _texts(
    store: Store | None, outputs: tuple[Path, ...], whole: dict[str, str], done: Verified
) -> Iterator[Searched]:
    """All that is searched, in pieces; values that stand by themselves go into ``whole``."""
    if store is not None and store.path is not None:
        for column, values in store.texts():
            place = f"{store.path.name}:{column}"
            for value in values:
                whole.setdefault(value, place)
            yield Searched(place, "\x00\x01".join(values))
        done.places.append(f"{store.path} (texts of all tables)")
        for path in (store.path, store.path.with_name(f"{store.path.name}.wal")):
            if path.exists():
                done.places.append(f"{path} (its bytes)")
                yield from _raw(path, done.length)
    for output in outputs:
        if not output.exists():
            raise AuditError(
                f"there is no {output}", hint="Name files or folders that audit wrote."
            )
        for path in sorted(output.rglob("*")) if output.is_dir() else [output]:
            if path.is_file():
                done.places.append(str(path))
                yield from _views(str(path), path.read_bytes(), whole)


def _raw(path: Path, length: int) -> Iterator[Searched]:
    """The bytes of a file as text, in pieces that overlap by more than a finding."""
    before = b""
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            yield Searched(f"{path.name}, bytes", (before + block).decode("utf-8", "replace"))
            before = block[-8 * length :]


def _views(place: str, data: bytes, whole: dict[str, str]) -> Iterator[Searched]:
    """A file as its text, and as what its text means: unpacked, without escapes, its cells."""
    if data.startswith(b"\x1f\x8b"):
        yield from _views(f"{place} (unpacked)", gzip.decompress(data), whole)
    elif data.startswith(b"\x28\xb5\x2f\xfd"):
        unpacked = zstandard.ZstdDecompressor().decompressobj().decompress(data)
        yield from _views(f"{place} (unpacked)", unpacked, whole)
    elif data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for name in packed.namelist():
                yield Searched(place, name)
                yield from _views(f"{place}/{name}", packed.read(name), whole)
    elif data.startswith(b"PAR1"):
        frame = pl.read_parquet(io.BytesIO(data))
        for row in frame.columns:
            said = list(_strings(frame[row].unique().to_list()))
            whole.update(dict.fromkeys(said, f"{place}:{row}"))
            yield Searched(f"{place}:{row}", "\x00\x01".join(said))
    text = data.decode("utf-8", "replace")
    yield Searched(place, text)
    if place.endswith((".html", ".svg")) or "&" in text:
        yield Searched(place, html.unescape(text))
    said = list(_cells(place, text))
    whole.update(dict.fromkeys(said, place))
    if "\\" in text:
        yield Searched(place, "\x00\x01".join(said))


def _cells(place: str, text: str) -> Iterator[str]:
    """The strings of JSON or JSON lines, the cells of a CSV."""
    if place.endswith(".csv"):
        for row in csv.reader(io.StringIO(text)):
            yield from row
        return
    for document in (text, *text.splitlines()) if text[:1] in ("{", "[") else ():
        try:
            yield from _strings(json.loads(document))
        except (ValueError, RecursionError):
            continue
        if document is text:
            return


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield str(name)
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
