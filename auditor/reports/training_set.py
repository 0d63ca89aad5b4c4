"""What there is to say of a training set: what is in it, what was left out, what it costs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.errors import printable
from auditor.finetune import Example, is_completion_model
from auditor.pipeline.dataset import Dataset
from auditor.reports.figures import counted, n, plain, usd
from auditor.reports.files import texts
from auditor.reports.table import bullet
from auditor.reports.tuning import NOT_SAID

SCHEMA = "audit.finetune.dataset/1"
PLACES = 6
MODERATED = "training data passes OpenAI's moderation; what it refuses, no log can tell"
FAULTS = {
    "too_few_examples": "{found:,} examples; OpenAI asks for {allowed:,}",
    "file_too_large": "the file has {found:,} bytes; at most {allowed:,} were taken",
    "example_too_long": "{found:,} examples are longer than {allowed:,} tokens: {tokens_cut:,} "
    "tokens are cut off their ends",
}


def show(result: Dataset, console: Console) -> None:
    """Print what was written."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for label, text in _facts(result):
        grid.add_row(Text(label, style="bold"), Text(text))
    console.print(grid)
    console.print()
    for note in _notes(result):
        console.print(bullet(note))


def _facts(result: Dataset) -> Iterator[tuple[str, str]]:
    said = result.said
    yield "Workload", f"{said['workload'] or '(neither tag nor text)'} {said['name'] or ''}".strip()
    yield "Train", result.tuning.question.model
    yield "Training", _lengths(result.training)
    yield "Validation", f"{_lengths(result.validation)}; not billed"
    yield (
        "Cost",
        f"{n(result.training_tokens)} billed tokens in {counted(result.epochs, 'epoch')}: "
        f"{usd(result.training_usd, PLACES)} USD",
    )


def _lengths(examples: tuple[Example, ...]) -> str:
    lengths = sorted(example.tokens for example in examples)
    if not lengths:
        return "no examples"
    middle = lengths[len(lengths) // 2]
    return (
        f"{counted(len(lengths), 'example')}, {n(sum(lengths))} tokens; the shortest "
        f"{n(lengths[0])}, the median {n(middle)}, the longest {n(lengths[-1])}"
    )


def _notes(result: Dataset) -> Iterator[str]:
    yield f"{agreement(result)}."
    if len(result.answered_by) > 1:
        models = ", ".join(
            f"{n(count)} of {printable(name)}" for name, count in result.answered_by.items()
        )
        yield f"the answers are of several models: {models}."
    if not result.validation and result.question.validation:
        yield "no examples are left for validation: a lower --limit leaves some."
    for name, count in result.errors.items():
        yield f"{counted(count, 'drawn call')} left out: {name}."
    for fault in fault_sentences(result):
        yield f"{fault}."
    for name, count in result.unlearnt.items():
        yield f"{name} of {counted(count, 'call')} is left out: no training file can hold it."
    if result.question.tuning.drop:
        shared = (
            f"prompts are without the {n(result.said['possible_cut_tokens'])} tokens they share"
        )
        whole = f"{counted(result.kept_whole, 'drawn prompt')} that begin otherwise are whole"
        yield f"{shared}; {whole}." if result.kept_whole else f"{shared}."
    if result.question.redact:
        found = ", ".join(f"{n(count)} {kind}" for kind, count in result.redacted.items() if count)
        yield (
            f"redacted in the drawn calls: {found or 'nothing'}; tokens are those of before; read "
            "the file before sending it."
        )
    yield result.rendering
    if is_completion_model(result.tuning.training.model):
        yield "tokens are those of the chat as logged and of the marks; the text is a bit shorter."
    yield f"{MODERATED}."
    yield f"{NOT_SAID}."
    if result.tuning.past:
        yield f"{result.tuning.past}."


def agreement(result: Dataset) -> str:
    """Whether the file comes to what ``audit finetune`` says, and why not."""
    said = result.said
    same = (result.epochs, result.training_tokens) == (said["epochs"], said["training_tokens"])
    if same:
        return "the same tokens, epochs and cost as `audit finetune` says"
    return (
        f"`audit finetune` says {n(said['training_tokens'])} tokens in "
        f"{counted(said['epochs'], 'epoch')}, {usd(said['training_usd'], PLACES)} USD: lines that "
        "the provider would refuse are replaced by the next ones, and prompts that do not begin as "
        "the others stay whole"
    )


def fault_sentences(result: Dataset) -> tuple[str, ...]:
    """What is wrong with the training file as a whole."""
    return tuple(
        FAULTS[fault.name].format(
            found=fault.found, allowed=fault.allowed, tokens_cut=fault.tokens_cut
        )
        for fault in result.faults
    )


def as_json(result: Dataset, files: Mapping[str, str]) -> str:
    """One object, schema ``audit.finetune.dataset/1``; the tokens of each line are under lines."""
    said = result.said
    document = {
        "schema": SCHEMA,
        "workload": said["workload"],
        "name": said["name"],
        "model": result.tuning.question.model,
        "files": files,
        "examples": len(result.training),
        "validation_examples": len(result.validation),
        "epochs": result.epochs,
        "training_tokens": result.training_tokens,
        "training_usd": plain(result.training_usd),
        "finetune_says": texts(
            {name: said[name] for name in ("examples", "epochs", "training_tokens", "training_usd")}
        ),
        "errors": result.errors,
        "faults": list(fault_sentences(result)),
        "not_in_the_file": result.unlearnt,
        "shortened_by_tokens": said["possible_cut_tokens"] if result.question.tuning.drop else 0,
        "kept_whole": result.kept_whole,
        "answered_by": result.answered_by,
        "redacted": result.redacted if result.question.redact else None,
        "rendering": result.rendering,
        "notes": [MODERATED, NOT_SAID],
        "history": result.tuning.past,
        "lines": [
            *_lines("training", result.training),
            *_lines("validation", result.validation),
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _lines(file: str, examples: tuple[Example, ...]) -> list[dict[str, Any]]:
    return [
        {"file": file, "line": line, "call_id": example.call_id, "tokens": example.tokens}
        for line, example in enumerate(examples, 1)
    ]
