"""The training set of one workload: the calls that ``finetune`` drew, in the provider's format."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import polars as pl

from auditor.errors import AuditError
from auditor.finetune import (
    CHAT_SENTENCE,
    Example,
    FileFault,
    Material,
    SharedPrefix,
    chat_errors,
    choose_markers,
    completion_errors,
    count_errors,
    deduplicated,
    default_epochs,
    encode_line,
    file_faults,
    frame_of,
    is_completion_model,
    left_out,
    redact_all,
    render_chat,
    render_completion,
    shorten_all,
    split,
)
from auditor.pipeline.finetune import tune
from auditor.pipeline.prompts import Beginning
from auditor.pipeline.tuning import Row, Tuning, TuningQuestion
from auditor.store import Store

SPARE = 100


@dataclass(frozen=True, slots=True)
class DatasetQuestion:
    """Which workload, and what to do with its prompts.

    ``tuning`` names the one workload in ``only``, the number of training examples in ``examples``,
    and with ``drop`` shortens the prompts. ``validation`` is the share of further examples that
    are not trained on.
    """

    tuning: TuningQuestion
    validation: Decimal
    redact: bool = False


@dataclass(frozen=True, slots=True)
class Dataset:
    """The two files and what there is to say of them.

    ``tokens``: the length of each line of both, by call id, as it is billed up to the limit of the
    model. ``errors``: lines that the provider would refuse, by its names, left out. ``unlearnt``:
    fields of requests that no training file holds, by how many calls. ``faults`` of the training
    file as a whole. ``answered_by``: whose answers are trained on. ``said`` is the row of ``audit
    finetune``, ``epochs``, ``training_tokens`` and ``training_usd`` are of the file itself.
    """

    question: DatasetQuestion
    tuning: Tuning
    said: Row
    training: tuple[Example, ...]
    validation: tuple[Example, ...]
    errors: Mapping[str, int]
    unlearnt: Mapping[str, int]
    faults: tuple[FileFault, ...]
    redacted: Mapping[str, int]
    answered_by: Mapping[str, int]
    kept_whole: int
    rendering: str
    epochs: int
    training_tokens: int
    training_usd: Decimal

    @property
    def training_file(self) -> bytes:
        return _encoded(self.training)

    @property
    def validation_file(self) -> bytes:
        return _encoded(self.validation)


def dataset(store: Store, texts: Store, question: DatasetQuestion) -> Dataset:
    """The training set of a workload. ``texts`` is the store that has the text, often the same.

    Raises AuditError when there is no such workload, when it has several names, or when the text of
    its calls is in neither the store nor the logs that were given again.
    """
    asked = question.tuning
    validated = int(asked.examples * question.validation)
    tuning = tune(store, asked)
    said = _one(tuning)
    training = tuning.training
    store.run(
        "finetune/draw",
        by_workload=True,
        most=asked.examples + validated + SPARE,
        tools=training.takes_tools,
    )
    lines = store.rows(
        "finetune/lines",
        workload=said["workload"],
        cut_tokens=said["possible_cut_tokens"] if asked.drop else 0,
        frame=frame_of(training.model),
    )
    materials, kept_whole = _shortened(_materials(texts, lines), lines, said, asked.drop)
    redacted: Mapping[str, int] = {}
    if question.redact:
        materials, redacted = redact_all(materials)
    examples, errors, rendering = _rendered(materials, training.model, training.on)
    if not examples:
        raise AuditError(
            f"no call of {said['name'] or said['workload']} makes an example for {training.model}: "
            + _why_none(said, errors),
            hint="`audit finetune --workload ID` says what the verdict rests on.",
        )
    parts = split(deduplicated(examples), asked.examples, question.validation)
    epochs = asked.epochs or default_epochs(len(parts.training))
    billed = sum(min(example.tokens, training.limit) for example in parts.training)
    chosen = {example.call_id for example in (*parts.training, *parts.validation)}
    trained = {example.call_id for example in parts.training}
    cost = store.rows(
        "finetune/training_cost",
        training_tokens=billed * epochs,
        training_usd=training.usd_per_token,
    )
    return Dataset(
        question=question,
        tuning=tuning,
        said=said,
        training=parts.training,
        validation=parts.validation,
        errors=errors,
        unlearnt=_tally(
            name for one in materials if one.call_id in chosen for name in left_out(one)
        ),
        faults=file_faults(
            [example.tokens for example in parts.training],
            len(_encoded(parts.training)),
            on=training.on,
            longest=training.limit,
        ),
        redacted=redacted,
        answered_by=_tally(line["model"] for line in lines if line["call_id"] in trained),
        kept_whole=kept_whole,
        rendering=rendering,
        epochs=epochs,
        training_tokens=billed * epochs,
        training_usd=cost[0]["training_usd"],
    )


def _one(tuning: Tuning) -> Row:
    if len(tuning.rows) != 1:
        raise AuditError(
            f"{len(tuning.rows)} workloads go by {', '.join(tuning.question.only)}",
            hint="Give the id of one: " + ", ".join(row["workload"] for row in tuning.rows) + ".",
        )
    return tuning.rows[0]


def _why_none(said: Row, errors: Mapping[str, int]) -> str:
    """Why not one line is left."""
    reasons = [f"{count:,} x {name}" for name, count in errors.items()]
    if said["with_tools"]:
        reasons.append(f"{said['with_tools']:,} calls use functions or tools")
    return ", ".join(reasons) or "none has a whole answer of its own"


def _materials(texts: Store, lines: list[Row]) -> list[Material]:
    """The drawn calls with their text, in the order of the lines."""
    ids = [line["call_id"] for line in lines]
    texts.show("wanted", pl.DataFrame({"call_id": ids}, schema={"call_id": pl.String}))
    said = {row["call_id"]: row for row in texts.rows("finetune/texts")}
    if missing := [name for name in ids if name not in said]:
        raise AuditError(
            f"the text of {len(missing):,} of {len(ids):,} calls is not kept, such as {missing[0]}",
            hint="Name the logs again, after the workload, or ingest them with --keep-text into a "
            "new store.",
        )
    return [_material(said[line["call_id"]], line["tokens"]) for line in lines]


def _material(row: Row, tokens: int) -> Material:
    request = json.loads(row["request_json"])
    answers = json.loads(row["answer_json"])
    return Material(
        call_id=row["call_id"],
        messages=tuple(request.pop("messages", ())),
        prompts=tuple(request.pop("prompts", ())),
        extras=request,
        answer=answers[0] if answers else {},
        tokens=tokens,
    )


def _shortened(
    materials: list[Material], lines: list[Row], said: Row, drop: bool
) -> tuple[tuple[Material, ...], int]:
    """Without what their prompts share, if so asked, and how many do not begin so."""
    levels = said["beginnings"]
    if not drop or not levels:
        return tuple(materials), 0
    best = Beginning(levels).best
    prefix = SharedPrefix(best.whole_messages, best.then_tokens, best.encoding)
    shortened, kept_whole = shorten_all(materials, prefix)
    return (
        tuple(
            replace(after, tokens=line["cut_tokens"]) if after is not before else after
            for before, after, line in zip(materials, shortened, lines, strict=True)
        ),
        kept_whole,
    )


def _rendered(
    materials: tuple[Material, ...], model: str, on: Any
) -> tuple[list[Example], dict[str, int], str]:
    """The lines that the provider takes, the errors of the others, and the rendering in words."""
    errors_of: Callable[[object], tuple[str, ...]]
    if is_completion_model(model):
        markers = choose_markers(materials)
        lines = [render_completion(material, markers) for material in materials]
        rendering = markers.sentence()

        def errors_of(line: object) -> tuple[str, ...]:
            return completion_errors(line, markers)

    else:
        lines = [render_chat(material) for material in materials]
        rendering = CHAT_SENTENCE

        def errors_of(line: object) -> tuple[str, ...]:
            return chat_errors(line, on)

    good = [example for example in lines if not errors_of(example.line)]
    return good, count_errors((example.line for example in lines), errors_of), rendering


def _encoded(examples: Iterable[Example]) -> bytes:
    """A file of the provider: a line for each example."""
    return b"".join(encode_line(example.line) for example in examples)


def _tally(names: Iterable[str]) -> dict[str, int]:
    """How often each name occurs, by name."""
    return dict(sorted(Counter(names).items()))
