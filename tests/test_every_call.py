"""Every call of every fixture, and of the real logs, priced by an oracle of its own.

Replay, ledger, explain, reports, the FOCUS export and the page say what ``book_oracle`` says of the
same calls, to the last digit, under every scenario that ships. The real logs lie beside the
repository (see ``test_real_logs``); without them these cases are skipped.
"""

from __future__ import annotations

import ast
import csv
import io
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import book_oracle as oracle
import pytest
import raw_logs
from helpers.pages import Page
from helpers.runs import book, question, tuning

from auditor import config, finding, scenarios
from auditor.formats import known_formats
from auditor.formats.mapped import from_mapping
from auditor.pipeline import Replay, explain, ingest, replay
from auditor.pipeline.counting import Gauge
from auditor.pipeline.reporting import Reported, chosen, focus_definitions, report
from auditor.reports import focus, manifest, page
from auditor.session.reporting import frames_of
from auditor.store import Store

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "fixtures"
DATA = ROOT.parent / "shared" / "data"
NO_LOGS = (".expected.json", ".toml")
FEW = ("small", "tuning")
REAL = ("autogpt", "openllmetry", "format_samples", "llmdrift", "azure_llm_2023", "mooncake")
MANY = ("hostile", "formats", "logs", *REAL)
CORPORA = [*FEW, *(pytest.param(name, marks=pytest.mark.slow) for name in MANY)]
EXPLAINED = 12
EVERY = scenarios.built_in()
Calls = dict[str, oracle.Call]
COLUMNS = (
    "calls", "fits", "overflows", "unpriced", "input_tokens", "output_tokens", "cost_usd",
    "compared_calls", "compared_usd", "actual_usd", "delta_usd", "ratio",
)  # fmt: skip


def files_of(corpus: str) -> list[Path]:
    """The logs of a fixture folder, or of one with real logs."""
    if corpus in REAL:
        found = sorted(file for file in (DATA / corpus).rglob("*") if file.is_file())
        return [file for file in found if file.name != "LICENSE"]
    if corpus == "tuning":
        return [FIXTURES / "tuning" / "calls.jsonl"]
    folder = FIXTURES / corpus / "logs" if corpus == "small" else FIXTURES / corpus
    return sorted(f for f in folder.rglob("*") if f.is_file() and not f.name.endswith(NO_LOGS))


@contextmanager
def holding(corpus: str) -> Iterator[tuple[Store, Calls]]:
    """A store with the calls of a corpus, and these as the oracle takes them."""
    if corpus in REAL and not DATA.is_dir():
        pytest.skip(f"no real logs in {DATA}")
    own = config.load(FIXTURES / "formats" / "mapped" / "audit.toml", FIXTURES)
    mapped = (from_mapping(name, entries, "audit.toml") for name, entries in own.formats.items())
    found = finding.find(map(str, files_of(corpus)))
    with Store.open(None) as store:
        ingest(store, found, (*known_formats(), *mapped), Gauge(book(), {}), book=book())
        yield store, calls_of(store)


def calls_of(store: Store) -> Calls:
    """Every stored call by its id."""
    found = store._connection.execute(
        "SELECT calls.*, coalesce(requests, 1) AS requests, called_at::DATE AS day "
        "FROM calls LEFT JOIN buckets USING (call_id)"
    )
    names = [column[0] for column in found.description]
    return {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}


def check_row(found: dict[str, Any], calls: Iterable[oracle.Call], name: str) -> None:
    """One row of a replay or report says what the oracle says of these calls."""
    expected = oracle.spent(calls) if name == "actual" else oracle.replayed(calls, name)
    assert {key: found[key] for key in expected} == expected, (name, found)


def check_groups(answer: Replay, key: Callable[[oracle.Call], Any], calls: Calls) -> None:
    """Each group has its row, and each row says what the oracle says of its calls."""
    groups: dict[Any, list[oracle.Call]] = {}
    for call in calls.values():
        groups.setdefault(key(call), []).append(call)
    assert [row["by_1"] or "" for row in answer.spent] == sorted(groups)
    for row in answer.spent:
        check_row(row, groups[row["by_1"] or ""], "actual")
    assert len(answer.rows) == len(groups) * len(EVERY)
    for row in answer.rows:
        check_row(row, groups[row["by_1"] or ""], row["scenario"].name)


@pytest.mark.parametrize("corpus", CORPORA)
def test_each_call_costs_what_the_oracle_says_under_every_scenario(corpus: str) -> None:
    """A tag of its own makes each call a group: the ledger, a call at a time."""
    with holding(corpus) as (store, calls):
        assert calls
        store._connection.execute("UPDATE calls SET tags = MAP {'one': call_id}")
        found = replay(store, question(scenarios=EVERY, by=("tag:one",)))
    counted = {row["by_1"] for row in found.spent}
    assert found.coverage["set_aside"] == len(calls.keys() - counted)
    kept = {id: call for id, call in calls.items() if id in counted}
    check_groups(found, lambda call: call["call_id"], kept)
    check_row(found.total, kept.values(), "actual")


@pytest.mark.slow
@pytest.mark.parametrize("corpus", (*FEW, *MANY))
def test_explain_says_what_the_oracle_says(corpus: str) -> None:
    with holding(corpus) as (store, calls):
        some = random.Random(corpus).sample(sorted(calls), min(EXPLAINED, len(calls)))
        for id in some:
            found, call = explain(store, question(scenarios=EVERY), id), calls[id]
            assert found.actual_usd == oracle.actual(call)
            if found.meters and found.actual_usd is not None:
                assert sum(row["cost_usd"] for row in found.meters) == found.actual_usd
            if oracle.is_moved(call):
                under = {
                    s.scenario.name: oracle.under(call, s.scenario.name)[1] for s in found.steps
                }
                assert {s.scenario.name: s.cost_usd for s in found.steps} == under


@pytest.mark.slow
def test_days_models_and_tags_are_the_sums_of_their_calls() -> None:
    check_dimensions("tuning", "UTC")


@pytest.mark.slow
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Chatham"])
@pytest.mark.parametrize("corpus", ["logs", "formats", "openllmetry", "llmdrift"])
def test_groups_are_the_sums_of_their_calls(corpus: str, zone: str) -> None:
    check_dimensions(corpus, zone)


def check_dimensions(corpus: str, zone: str) -> None:
    with holding(corpus) as (store, calls):
        if corpus == "formats":  # which sums count is for test_buckets to say
            store._connection.execute(
                "DELETE FROM calls WHERE call_id IN (FROM buckets SELECT call_id)"
            )
            store._connection.execute("DELETE FROM buckets")
            calls = {id: call for id, call in calls.items() if id in calls_of(store)}
        for name, key in keys_of(zone).items():
            found = replay(store, question(scenarios=EVERY, by=(name,), zone=zone))
            check_groups(found, key, calls)


def keys_of(zone: str) -> dict[str, Callable[[oracle.Call], str]]:
    def local(call: oracle.Call) -> str:
        at = call["called_at"]
        return str(at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()) if at else ""

    return {
        "day": local,
        "month": lambda call: local(call)[:7],
        "model": model,
        "tier": lambda call: call["tier"],
        "workload": lambda call: call["workload"] or "",
        "team": lambda call: (call["tags"] or {}).get("team", ""),
    }


def model(call: oracle.Call) -> str:
    return call["served_model"] or call["requested_model"] or ""


# --- reports, the export and the page

GROUPED = {
    "by_model": ("model", "model"),
    "by_team": ("team", "team"),
    "by_workload": ("workload", "workload"),
    "daily": ("day", "day"),
    "monthly": ("month", "month"),
    "summary": ("", ""),
}


@contextmanager
def reports_of(corpus: str) -> Iterator[tuple[Reported, Calls]]:
    with holding(corpus) as (store, calls):
        account = focus.Account.of({}, "")
        store.show("account", account.frame)
        wanted = (*chosen(()), *focus_definitions(account.sub_account))
        asked, tuned = question(scenarios=EVERY), tuning()
        yield report(store, asked, wanted, lambda: frames_of(store, tuned)), calls


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def amount(cell: str) -> Decimal | None:
    return Decimal(cell) if cell else None


def said_of(calls: Iterable[oracle.Call], name: str) -> dict[str, Any]:
    """A row of a report: what the oracle says in the words of its columns."""
    calls = list(calls)
    if name != "actual":
        return oracle.replayed(calls, name)
    spent = oracle.spent(calls)
    cost, priced = spent["cost_usd"], spent.pop("priced")
    return {
        **spent,
        "fits": priced,
        "overflows": 0,
        "compared_calls": priced,
        "compared_usd": cost,
        "actual_usd": cost,
        "delta_usd": None if cost is None else Decimal(0),
        "ratio": Decimal(1) if cost else None,
    }


@pytest.mark.slow
@pytest.mark.parametrize("corpus", ["tuning", "logs"])
def test_every_report_the_export_and_the_page_say_what_the_oracle_says(corpus: str) -> None:
    with reports_of(corpus) as (reported, calls):
        files = manifest.files_of(reported, ("csv",), "1.2")
        shown = Page(page.page_of(reported, "the tuned model"))
    keys = keys_of("UTC")
    expected: dict[tuple[str, int], dict[str, Any]] = {}
    for name, (column, by) in GROUPED.items():
        for place, row in enumerate(rows_of(files[f"{name}.csv"])):
            own = [call for call in calls.values() if not by or keys[by](call) == row[column]]
            said = expected[name, place] = said_of(own, row["name"])
            assert {key: amount(row[key]) for key in said} == said, (name, row)
            cents = said["cost_usd"]
            if cents is not None:
                cents = cents.quantize(Decimal("0.01"), ROUND_HALF_UP)
            assert amount(row["cost_usd_rounded"]) == cents
    check_matrix(rows_of(files["scenario_matrix.csv"]), calls)
    check_overflow(rows_of(files["overflow.csv"]), calls)
    check_bridge(rows_of(files["bridge.csv"]), calls)
    total = oracle.spent(calls.values())["cost_usd"]
    billed = [Decimal(row["BilledCost"]) for row in rows_of(files["focus.csv"])]
    assert sum(billed) == total
    charged = reported.reports["charges"].frame
    for name in ("actual", *oracle.scenarios()):
        costs = charged.filter(charged["name"] == name)["cost_usd"]
        said = said_of(calls.values(), name)["cost_usd"]
        assert oracle.total(costs) == said

    told = [one for one in shown.figures if one.at.split(":")[0] in GROUPED]
    assert len(told) > 50
    for one in told:
        of, at, column = one.at.split(":")
        said = expected[of, int(at)]
        if column in said:
            assert Decimal(one.value) == said[column], one


def check_matrix(rows: list[dict[str, str]], calls: Calls) -> None:
    assert rows
    for row in rows:
        own = [call for call in calls.values() if model(call) == row["model"]]
        for name in ("actual", *oracle.scenarios()):
            said = said_of(own, name)
            assert amount(row[f"{name}_cost_usd"]) == said["cost_usd"]
            if name != "actual":
                assert amount(row[f"{name}_delta_usd"]) == said["delta_usd"]
                assert int(row[f"{name}_left_out"]) == said["overflows"] + said["unpriced"]


def check_overflow(rows: list[dict[str, str]], calls: Calls) -> None:
    assert rows
    for row in rows:
        over = [
            call
            for call in calls.values()
            if model(call) == row["model"]
            and oracle.is_moved(call)
            and oracle.under(call, row["name"])[0] == "overflows"
        ]
        assert int(row["overflows"]) == len(over)
        assert int(row["overflow_input_tokens"] or 0) == sum(map(oracle.prompt_of, over))
        cost = oracle.total(map(oracle.actual, over)) if over else Decimal(0)
        assert amount(row["overflow_actual_usd"]) == cost


def check_bridge(rows: list[dict[str, str]], calls: Calls) -> None:
    """It starts at the actual cost, ends at the scenario's, and its parts add up to the way."""
    start = oracle.spent(calls.values())["cost_usd"]
    for name in oracle.scenarios():
        parts = [row for row in rows if row["bridge"] == "scenario" and row["to_name"] == name]
        amounts = {row["part"]: Decimal(row["amount_usd"]) for row in parts}
        end = oracle.replayed(calls.values(), name)["cost_usd"] or 0
        assert (amounts.pop("start"), amounts.pop("end")) == (start, end)
        assert start + sum(amounts.values()) == end


# --- the tokens, too, from the raw logs

RAW = {  # how many calls of each the reader of its own finds again
    "litellm/spend-logs.jsonl": 5,
    "helicone/rows.jsonl": 4,
    "batch/with-input/output.jsonl": 5,
    "batch/no-input/output.jsonl": 2,
    "openai-usage/usage.json": 2,
    "openai-usage/usage-2023.json": 1,
    "openai-usage/day-and-hours.jsonl": 3,
    "openai-usage/completions_usage.csv": 1,
    "captures/usage.jsonl": 6,
    "captures/models.jsonl": 7,
    "captures/failures.jsonl": 1,
    "langfuse/trace.json": 5,
    "home-made/table.csv": 1,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RAW)
def test_the_tokens_are_those_of_the_raw_log(name: str) -> None:
    """Read again without the tool: the same model, meters and requests, line by line."""
    file = FIXTURES / "formats" / name
    with Store.open(None) as store:
        ingest(store, finding.find([str(file)]), known_formats(), Gauge(book(), {}), book=book())
        calls = [call for call in calls_of(store).values() if call["counted_by"] == "provider"]
    raw = raw_logs.read(file)
    found = {
        call["line"]: (
            call["served_model"],
            call["input_tokens"],
            call["cache_read_tokens"],
            call["cache_write_tokens"],
            oracle.made_of(call),
            call["requests"],
        )
        for call in calls
        if call["line"] in raw and not call["audio_tokens"]
    }
    assert found == {line: raw[line] for line in found}
    assert len(found) == RAW[name]


# --- the oracle is one of its own


@pytest.mark.parametrize("module", ["oracle", "book_oracle", "raw_logs"])
def test_the_oracles_import_nothing_of_the_tool(module: str) -> None:
    """Only the standard library: no tool, no engine, no helper that imports them."""
    tree = ast.parse(Path(__file__).with_name(f"{module}.py").read_text("utf-8"))
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or ".").split(".")[0])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("__import__", "exec", "eval")
    assert imported <= set(sys.stdlib_module_names) - {"importlib"}
