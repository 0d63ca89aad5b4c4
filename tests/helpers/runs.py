"""Runs of the tool through its Python API: logs in, one JSON document out."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from auditor import finding, scenarios
from auditor.formats import Format, known_formats
from auditor.pipeline import Ingested, Question, Replay, ingest, replay
from auditor.pipeline.counting import Counted, Gauge
from auditor.pipeline.tuning import TuningQuestion
from auditor.prices import Book, open_book
from auditor.records import Call
from auditor.reports.files import as_json
from auditor.scenarios import Scenario
from auditor.store import Store
from helpers.logs import Line, write

Document = dict[str, Any]
BASE_WORDS = ("from_date", "to_date", "zone", "names", "book", "assume_model")


@cache
def book() -> Book:
    """The price book that ships with the tool."""
    return open_book(())


@cache
def formats() -> tuple[Format, ...]:
    return known_formats()


@cache
def august_2023() -> tuple[Scenario, ...]:
    """The scenarios of a run that asks for none."""
    return scenarios.choose(scenarios.built_in(), ())


def question(**asked: Any) -> Question:
    """What the command line asks when it is given nothing but ``asked``."""
    return Question(**{"book": book(), "scenarios": august_2023(), **asked})


def tuning(**asked: Any) -> TuningQuestion:
    """What ``audit finetune`` asks when it is given nothing but ``asked``."""
    known = {one.name: one for one in scenarios.built_in()}
    base = question(scenarios=(), **{k: asked.pop(k) for k in BASE_WORDS if k in asked})
    for word in ("target", "against"):
        if isinstance(asked.get(word), str):
            asked[word] = known[asked[word]]
    given = {"target": known["ft-gpt-3.5-turbo"], "today": date(2023, 9, 1), **asked}
    return TuningQuestion(base=base, **given)


def take_in(
    store: Store,
    *named: Path,
    gauge: Callable[[Call], Counted] | None = None,
    keep_identities: bool = True,
) -> Ingested:
    """``audit ingest --keep-identities`` of files and folders: tests know calls by short names."""
    found = finding.find(map(str, named))
    gauge = gauge or Gauge(book(), {})
    return ingest(store, found, formats(), gauge, book=book(), keep_identities=keep_identities)


@contextmanager
def stored(*named: Path) -> Iterator[Store]:
    """A store in memory that holds these files and folders."""
    with Store.open(None) as store:
        take_in(store, *named)
        yield store


def answer(*named: Path, **asked: Any) -> Replay:
    """``audit replay`` of files and folders."""
    with stored(*named) as store:
        return replay(store, question(**asked))


def document(*named: Path, **asked: Any) -> Document:
    """``audit replay --format json`` of files and folders."""
    return parsed(answer(*named, **asked))


def document_of(store: Store, **asked: Any) -> Document:
    """``audit replay --db FILE --format json``."""
    return parsed(replay(store, question(**asked)))


def parsed(result: Replay) -> Document:
    document: Document = json.loads(as_json(result))
    return document


def replayed(*files: Iterable[Line | str], **asked: Any) -> Document:
    """As ``document``, of one capture file for each of the given lists of lines."""
    with tempfile.TemporaryDirectory() as folder:
        for number, lines in enumerate(files):
            write(Path(folder) / f"{number:03}.jsonl", lines)
        return document(Path(folder), **asked)


def figures(document: Document) -> Document:
    """What must not depend on how the calls lie in files: all but the reading of them."""
    kept = {key: document[key] for key in ("period", "actual", "scenarios", "unpriced")}
    reading = ("files", "lines", "duplicates", "rejects", "context")
    coverage = {key: n for key, n in document["coverage"].items() if key not in reading}
    return {**kept, "coverage": coverage}
