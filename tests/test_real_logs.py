"""The issue's "done when, on real logs": public logs in a folder beside the repository.

The folder ``shared/data`` is not part of the repository; without it these tests are skipped.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import Document, document, document_of, stored

from auditor.formats.base import MAX_CELL_CHARACTERS
from auditor.store import Store

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
AZURE = DATA / "azure_llm_2023" / "AzureLLMInferenceTrace_conv.csv"
MOONCAKE = DATA / "mooncake" / "conversation_trace.jsonl"
PRIME = DATA / "llmdrift" / "PRIME_FULL_EVAL.csv"
LEETCODE = DATA / "llmdrift" / "LEETCODE_EASY_EVAL.csv"
AUTOGPT = DATA / "autogpt" / "calls.jsonl"
OPENLLMETRY = DATA / "openllmetry" / "calls.jsonl"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real logs in {DATA}")

Tokens = tuple[int, int]
"""Prompt tokens and produced tokens."""


def stored_tokens(store: Store) -> dict[int, Tokens]:
    """The tokens of every stored call whose provider counted them, by its line."""
    rows = store._connection.execute(
        "SELECT line, input_tokens + cache_read_tokens + cache_write_tokens, "
        "output_tokens + reasoning_tokens FROM calls "
        "WHERE counted_by = 'provider' AND audio_tokens = 0"
    ).fetchall()
    return {line: (sent, made) for line, sent, made in rows}


def stored_lines(store: Store) -> set[int]:
    """The lines that the stored calls were read from."""
    return {line for (line,) in store._connection.execute("SELECT line FROM calls").fetchall()}


def check_lines(found: Document) -> None:
    """Every line is a call, a sum, a duplicate, a reject or context."""
    coverage = found["coverage"]
    parts = ("calls", "buckets", "duplicates", "rejects", "context")
    assert coverage["lines"] == sum(coverage[part] for part in parts)


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8") as lines:
        yield from enumerate(map(json.loads, lines), 1)


# --- the Azure trace of November 2023: token counts and nothing else

AZURE_CALLS, AZURE_SENT, AZURE_MADE = 19_366, 22_361_870, 4_088_665
AZURE_COSTS = {  # fits, overflows, USD
    "gpt-3.5-turbo-4k": (17_754, 1_612, "31.342068"),
    "gpt-3.5-turbo-16k": (19_366, 0, "83.44027"),
    "gpt-3.5-turbo": (19_366, 0, "52.098202"),
    "gpt-4-8k": (19_365, 1, "915.75216"),
    "gpt-4-32k": (19_366, 0, "1832.352"),
    "gpt-4": (19_366, 0, "916.59984"),
    "ft-gpt-3.5-turbo": (17_754, 1_612, "250.736544"),
    "ft-davinci-002": (19_366, 0, "317.40642"),
    "ft-babbage-002": (19_366, 0, "42.320856"),
    "davinci-002": (19_366, 0, "52.90107"),
    "babbage-002": (19_366, 0, "10.580214"),
}


def test_the_azure_trace_costs_what_the_issue_says_to_the_last_digit() -> None:
    found = document(AZURE)
    actual = found["actual"]
    assert actual["calls"] == actual["unpriced"] == AZURE_CALLS  # no model: no actual cost
    assert (actual["input_tokens"], actual["output_tokens"]) == (AZURE_SENT, AZURE_MADE)
    costs = {r["name"]: (r["fits"], r["overflows"], r["cost_usd"]) for r in found["scenarios"]}
    assert costs == AZURE_COSTS
    assert {r["calls"] for r in found["scenarios"]} == {AZURE_CALLS}
    assert {(r["unpriced"], r["actual_usd"], r["ratio"]) for r in found["scenarios"]} == {
        (0, None, None)
    }
    check_lines(found)
    assert (found["coverage"]["lines"], found["coverage"]["context"]) == (AZURE_CALLS + 1, 1)


def test_with_a_model_assumed_the_azure_trace_has_an_actual_cost() -> None:
    found = document(AZURE, assume_model="gpt-3.5-turbo-16k-0613")
    assert found["actual"]["unpriced"] == 0
    assert found["actual"]["cost_usd"] == AZURE_COSTS["gpt-3.5-turbo-16k"][2]
    same = next(row for row in found["scenarios"] if row["name"] == "gpt-3.5-turbo-16k")
    assert (same["delta_usd"], same["ratio"]) == ("0", "1")


# --- LLMDrift of July 2023: text and what each call is said to have cost

JULY_2023 = {  # USD per 1,000 tokens, input and output
    "openaichat/gpt-3.5-turbo-0301": ("0.0015", "0.002"),
    "openaichat/gpt-3.5-turbo-0613": ("0.0015", "0.002"),
    "openaichat/gpt-4-0314": ("0.03", "0.06"),
    "openaichat/gpt-4-0613": ("0.03", "0.06"),
}
BEFORE_JUNE_13 = Decimal("0.000002")  # USD per token of GPT-3.5 Turbo, input and output alike

# Calls that were billed more output tokens than the logged answer has. Its own column answer_token
# holds the length of the logged text as well, so what was billed is not in the file.
BILLED_MORE = {
    ("openaichat/gpt-4-0314", "123"): 13,
    ("openaichat/gpt-4-0314", "261"): 3,
    ("openaichat/gpt-4-0314", "351"): 21,
    ("openaichat/gpt-4-0314", "498"): 5,
}

# So were 107 calls of GPT-3.5 Turbo, mostly 2 tokens. Where an answer ran into its max_tokens of
# 1,000 the file holds 998 of them: the white space at an edge of the answer was cut when logged.
GPT_35_BILLED_MORE = {  # additional tokens: calls
    PRIME: {
        "openaichat/gpt-3.5-turbo-0301": {0: 993, 2: 7},
        "openaichat/gpt-3.5-turbo-0613": {0: 900, 2: 87, 3: 3, 4: 8, 5: 2},
    },
    LEETCODE: {
        "openaichat/gpt-3.5-turbo-0301": {0: 50},
        "openaichat/gpt-3.5-turbo-0613": {0: 50},
    },
}


def llmdrift_rows(path: Path) -> list[tuple[dict[str, str], Tokens]]:
    """Every row of the file with the tokens that the tool counted, told apart by their lines."""
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    with stored(path) as store:
        counted = store._connection.execute(
            "SELECT line, input_tokens, output_tokens FROM calls ORDER BY line"
        ).fetchall()
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(counted)
    return [(row, (sent, made)) for row, (_, sent, made) in zip(rows, counted, strict=True)]


def cost(model: str, tokens: Tokens) -> Decimal:
    sent, made = (Decimal(rate) / 1000 for rate in JULY_2023[model])
    return tokens[0] * sent + tokens[1] * made


def recorded(row: dict[str, str]) -> Decimal:
    """The cost in the file, which holds binary fractions: 0.0010999999999999 stands for 0.0011."""
    return Decimal(row["cost"]).quantize(Decimal("0.000001"))


@pytest.mark.parametrize("path", [PRIME, LEETCODE], ids=lambda path: path.stem)
def test_every_llmdrift_call_is_priced_by_its_dated_row(path: Path) -> None:
    rows = llmdrift_rows(path)
    found = document(path, by=("model",))
    assert (found["coverage"]["priced"], found["actual"]["unpriced"]) == (len(rows), 0)
    check_lines(found)
    for group in found["actual"]["by"]:
        own = [(row, tokens) for row, tokens in rows if row["model"] == group["model"]]
        assert group["calls"] == len(own)
        costs = (cost(group["model"], tokens) for _, tokens in own)
        assert Decimal(group["cost_usd"]) == sum(costs, Decimal(0))
        claims = (Decimal(row["cost"]) for row, _ in own)
        assert Decimal(group["recorded_usd"]) == sum(claims, Decimal(0))


@pytest.mark.parametrize("path", [PRIME, LEETCODE], ids=lambda path: path.stem)
def test_the_recorded_cost_of_gpt_4_agrees_to_the_last_digit(path: Path) -> None:
    unexplained = {}
    for row, tokens in llmdrift_rows(path):
        if "gpt-4" in row["model"]:
            more = recorded(row) - cost(row["model"], tokens)
            if more:
                unexplained[row["model"], row["id"]] = more
    per_token = Decimal(JULY_2023["openaichat/gpt-4-0314"][1]) / 1000
    expected = BILLED_MORE if path == PRIME else {}
    assert unexplained == {call: tokens * per_token for call, tokens in expected.items()}


def test_what_was_billed_beyond_the_logged_answer_is_not_in_the_file() -> None:
    lengths = {
        (row["model"], row["id"]): (row["answer_token"], str(made))
        for row, (_, made) in llmdrift_rows(PRIME)
    }
    for call in BILLED_MORE:
        logged, counted = lengths[call]
        assert logged == counted


@pytest.mark.parametrize("path", [PRIME, LEETCODE], ids=lambda path: path.stem)
def test_the_file_charges_gpt_35_the_price_before_june_2023(path: Path) -> None:
    """0.002 for all tokens, where input was 0.0015 by then: visible as recorded against actual."""
    more: dict[str, Counter[int]] = {}
    for row, tokens in llmdrift_rows(path):
        if "gpt-3.5" in row["model"]:
            billed = recorded(row) / BEFORE_JUNE_13
            assert billed == int(billed)
            more.setdefault(row["model"], Counter())[int(billed) - sum(tokens)] += 1
    assert more == GPT_35_BILLED_MORE[path]
    for group in document(path, by=("model",))["actual"]["by"]:
        if "gpt-3.5" in group["model"]:
            claim = Decimal(group["recorded_usd"]).quantize(Decimal("0.000001"))
            beyond = sum(tokens * rows for tokens, rows in more[group["model"]].items())
            excess = claim - Decimal(group["recorded_actual_usd"]) - beyond * BEFORE_JUNE_13
            assert excess == group["input_tokens"] * Decimal("0.0000005")


# --- recorded HTTP calls: every call with usage is counted from it


def usage_of(line: dict[str, Any]) -> Tokens | None:
    """Prompt and produced tokens that the answer of a line reports, read here and not by the tool.

    OpenAI's cached and reasoning tokens are inside of the two counts; Anthropic's, Bedrock's and
    Gemini's are beside them.
    """
    found = None
    for body in bodies_of(line):
        found = reported_in(body) or found
    return found


def bodies_of(line: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The answer of a line, or the events of its stream; Anthropic's usage is put together."""
    if isinstance(line["response"], dict):
        yield line["response"]
    usage: dict[str, Any] = {}
    for row in (line.get("response_stream") or "").splitlines():
        text = row.removeprefix("data:").strip()
        event = json.loads(text) if text.startswith("{") else {}
        if event.get("type") == "message_start":
            usage |= event["message"]["usage"]
        elif event.get("type") == "message_delta":
            usage |= {key: n for key, n in event["usage"].items() if n is not None}
            yield {"usage": usage}
        else:
            inner = event.get("response") or event.get("delta")
            yield inner if isinstance(inner, dict) else event


def reported_in(body: dict[str, Any]) -> Tokens | None:
    places = (body.get(key) for key in ("usage", "x_groq", "usageMetadata", "meta"))
    usage = next((place for place in places if place), body)
    usage = usage.get("usage") or usage.get("billed_units") or usage

    def count(*names: str) -> int:
        return sum(int(usage.get(name) or 0) for name in names)

    for sent, made in SPELLINGS:
        if sent[0] in usage and (made[0] in usage or made[0] in MAY_BE_ABSENT):
            return count(*sent), count(*made)
    if "inputTextTokenCount" in usage:
        return count("inputTextTokenCount"), sum(int(r["tokenCount"]) for r in body["results"])
    return None


SPELLINGS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("prompt_tokens",), ("completion_tokens",)),
    (
        ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
        ("output_tokens",),
    ),
    (("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"), ("outputTokens",)),
    (("promptTokenCount",), ("candidatesTokenCount", "thoughtsTokenCount")),
    (("prompt_eval_count",), ("eval_count",)),
    (("prompt_token_count",), ("generation_token_count",)),
    (("total_tokens",), ("completion_tokens",)),
)
MAY_BE_ABSENT = ("completion_tokens", "output_tokens")  # embeddings produce none


@pytest.mark.parametrize("path", [AUTOGPT, OPENLLMETRY], ids=lambda path: path.parent.name)
def test_every_call_with_usage_is_counted_from_it(path: Path) -> None:
    with stored(path) as store:
        counted, lines = stored_tokens(store), stored_lines(store)
    reported = {number: usage_of(line) for number, line in json_lines(path)}
    assert counted == {n: tokens for n, tokens in reported.items() if tokens and n in lines}


def test_every_line_of_autogpt_is_a_call_with_usage() -> None:
    with stored(AUTOGPT) as store:
        assert len(stored_tokens(store)) == 139
        found = document_of(store)
    check_lines(found)
    coverage, actual = found["coverage"], found["actual"]
    assert (coverage["lines"], coverage["calls"], coverage["priced"]) == (139, 139, 139)
    assert coverage["not_moved"] == 30  # embeddings
    assert (actual["input_tokens"], actual["output_tokens"]) == (107_371, 18_235)
    assert actual["cost_usd"] == "1.1540234"


def test_every_line_of_openllmetry_went_somewhere() -> None:
    with stored(OPENLLMETRY) as store:
        found, kept = document_of(store), stored_lines(store)
    check_lines(found)
    coverage = found["coverage"]
    places = ("lines", "calls", "duplicates", "rejects", "context")
    assert [coverage[place] for place in places] == [1_112, 738, 341, 0, 33]
    states = ("priced", "unpriced", "failed")
    assert coverage["calls"] == sum(coverage[state] for state in states)
    assert coverage["counted_by"] == {"provider": 560, "tokenizer": 99, "estimate": 0}
    assert sum(row["calls"] for row in found["unpriced"]) == coverage["unpriced"]

    # What is no call of its own repeats a call or is a listing or a file: it carries no usage.
    bodies = {
        n: (json.dumps(answer_in(line)), usage_of(line)) for n, line in json_lines(OPENLLMETRY)
    }
    calls = {bodies[n][0] for n in kept}
    others = [bodies[n] for n in bodies.keys() - kept]
    assert Counter(body in calls for body, _ in others) == {True: 341, False: 33}
    assert all(tokens is None for body, tokens in others if body not in calls)


def answer_in(line: dict[str, Any]) -> Any:
    return line["response"] or line.get("response_stream")


# --- what is recognised today, and what is refused


def test_mooncake_is_read_without_dates_and_models() -> None:
    found = document(MOONCAKE)
    check_lines(found)
    rows = [line for _, line in json_lines(MOONCAKE)]
    coverage, actual = found["coverage"], found["actual"]
    assert coverage["calls"] == coverage["undated"] == coverage["unpriced"] == len(rows) == 12_031
    assert actual["input_tokens"] == sum(row["input_length"] for row in rows)
    assert actual["output_tokens"] == sum(row["output_length"] for row in rows)
    assert (found["period"]["from"], found["period"]["to"]) == (None, None)
