"""Logs read by hand: what each line of a file says was used, without the tool.

``read(file)`` gives {line: meters} of the lines that report whole and sensible counts. Meters are
(model, input, cache read, cache write, answered and reasoned, requests); the first three add up to
what was sent. Sources: reference/facts.md, section 6, and the exports' own manuals.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Meters = tuple[str | None, int, int, int, int, int]
Object = dict[str, Any]


def read(file: Path) -> dict[int, Meters]:
    """By the folder that the file is in, which is that of its format."""
    folder = next(parent.name for parent in file.parents if parent.name in READERS)
    return dict(READERS[folder](file))


def objects(file: Path) -> Iterator[tuple[int, Object]]:
    """The JSON objects of a file with one on each line."""
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield number, found


def of_usage(model: str | None, usage: Object) -> Meters:
    """A provider's usage: OpenAI counts the cache inside of the prompt, Anthropic beside it."""
    if "cache_creation_input_tokens" in usage or "cache_read_input_tokens" in usage:
        beside = "input_tokens" in usage
        read, written = (
            int(usage.get(f"cache_{word}_input_tokens") or 0) for word in ("read", "creation")
        )
        sent = int(usage["input_tokens"] if beside else usage["prompt_tokens"] - read - written)
        made = usage["output_tokens"] if beside else usage["completion_tokens"]
        return model, sent, read, written, int(made), 1
    asked = usage.get("prompt_tokens", usage.get("input_tokens"))
    made = usage.get("completion_tokens", usage.get("output_tokens", 0))
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    cached = int(details.get("cached_tokens") or 0)
    written = int(details.get("cache_write_tokens") or 0)
    return model, int(asked or 0) - cached - written, cached, written, int(made or 0), 1


def litellm(file: Path) -> Iterator[tuple[int, Meters]]:
    for number, row in objects(file):
        metadata = row.get("metadata")
        try:
            more = json.loads(metadata) if isinstance(metadata, str) else metadata or {}
        except ValueError:
            continue
        counts = {key: row.get(key) for key in ("prompt_tokens", "completion_tokens")}
        usage = {
            **counts,
            **(more.get("usage_object") or more.get("additional_usage_values") or {}),
        }
        if "model" in row and all(isinstance(n, int) for n in counts.values()):
            yield number, of_usage(str(row["model"]).removeprefix("anthropic/"), usage)


def helicone(file: Path) -> Iterator[tuple[int, Meters]]:
    for number, row in objects(file):
        sent, made = row.get("prompt_tokens"), row.get("completion_tokens")
        body = row.get("response_body") or {}
        if isinstance(body, dict) and body.get("usage"):
            yield number, of_usage(body["model"], body["usage"])
        elif isinstance(sent, int) and isinstance(made, int):
            read = row.get("prompt_cache_read_tokens") or 0
            written = row.get("prompt_cache_write_tokens") or 0
            inside = 0 if row.get("provider") == "ANTHROPIC" else read + written
            yield number, (row["model"], sent - inside, read, written, made, 1)


def batch(file: Path) -> Iterator[tuple[int, Meters]]:
    for number, row in objects(file):
        body = (row.get("response") or {}).get("body") or {}
        if body.get("usage"):
            yield number, of_usage(body.get("model"), body["usage"])


def openai_usage(file: Path) -> Iterator[tuple[int, Meters]]:
    """Sums: input_tokens holds the cached ones. A bucket without results has a line of its own."""
    if file.suffix == ".csv":
        with file.open(encoding="utf-8", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines), 2):
                if row.get("num_model_requests"):
                    yield number, of_sum({key: value or 0 for key, value in row.items()})
        return
    content = file.read_text("utf-8")
    texts = [content] if file.suffix == ".json" else content.splitlines()
    number = 0
    for text in texts:
        page = json.loads(text)
        for bucket in page.get("data", [page]):
            for row in bucket.get("results") or [bucket]:
                number += 1
                if "num_model_requests" in row:
                    yield number, of_sum(row)
                elif "n_requests" in row:
                    made = row["n_generated_tokens_total"]
                    sent = row["n_context_tokens_total"]
                    yield number, (row["snapshot_id"], sent, 0, 0, made, row["n_requests"])


def of_sum(row: Object) -> Meters:
    sent, cached, made, requests = (
        int(float(row.get(key) or 0))
        for key in ("input_tokens", "input_cached_tokens", "output_tokens", "num_model_requests")
    )
    return row.get("model") or None, sent - cached, cached, 0, made, requests


def captures(file: Path) -> Iterator[tuple[int, Meters]]:
    for number, row in objects(file):
        body = row.get("response")
        usage = body.get("usage") if isinstance(body, dict) else None
        if isinstance(body, dict) and isinstance(usage, dict):
            counts = [n for key, n in usage.items() if key.endswith("_tokens")]
            if counts and all(number_of(n) == int(number_of(n)) for n in counts):
                yield number, of_usage(body.get("model") or None, usage)


def number_of(value: Any) -> Any:
    return value if isinstance(value, int | float) else 0.5


def langfuse(file: Path) -> Iterator[tuple[int, Meters]]:
    """Observations with two plain counts that are all; of others nothing says what holds what."""
    document = json.loads(file.read_text("utf-8"))
    rows = document["observations"] if isinstance(document, dict) else document
    for number, row in enumerate(rows, 1):
        usage = row.get("usageDetails") or {}
        if usage.keys() <= {"input", "output", "total"} and "input" in usage:
            sent, made = usage["input"], usage.get("output", 0)
            if usage.get("total", sent + made) == sent + made:
                yield number, (row["model"], sent, 0, 0, made, 1)


def table(file: Path) -> Iterator[tuple[int, Meters]]:
    with file.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines, delimiter=";"), 2):
            counts = row["tokens_in"], row["tokens_out"]
            if all(text.replace(".", "", 1).isdigit() for text in counts):
                sent, made = (int(float(text)) for text in counts)
                yield number, (row["model"], sent, 0, 0, made, 1)


READERS: dict[str, Callable[[Path], Iterator[tuple[int, Meters]]]] = {
    "litellm": litellm,
    "helicone": helicone,
    "batch": batch,
    "openai-usage": openai_usage,
    "captures": captures,
    "langfuse": langfuse,
    "home-made": table,
}
