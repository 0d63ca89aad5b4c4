"""Laws of ``audit finetune`` and of scenarios with moves, and figures known beforehand."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest
from command import audit
from finetune_oracle import Line
from helpers.books import with_rates
from helpers.logs import write
from helpers.runs import Document, document_of, question, stored, take_in
from helpers.tunes import chat, judged, traffic, tuned, tuned_store

from auditor import scenarios
from auditor.finetune import default_epochs
from auditor.pipeline import explain, placing, replay
from auditor.pipeline.replay import kinds_of, price_cells
from auditor.prices import open_book
from auditor.scenarios import Levers, Move, Scenario
from auditor.store import Store

ASKED: tuple[dict[str, Any], ...] = (
    {"against": "gpt-4", "drop": True},
    {"kept": Decimal("0.1"), "output": Decimal("0.75")},
)
EPOCHS = {
    1: 25, 4: 25, 5: 20, 10: 10, 20: 5, 33: 3, 34: 3, 100: 3, 8333: 3, 8334: 2, 12500: 2, 12501: 1,
    25000: 1, 30000: 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Calls of several workloads, some of which pay back."""
    return write(tmp_path_factory.mktemp("logs") / "a.jsonl", traffic(3, (38, 35, 20, 14)))


@pytest.fixture(scope="module")
def store(log: Path) -> Iterator[Store]:
    with stored(log) as store:
        yield store


@pytest.fixture(scope="module")
def documents(store: Store) -> list[Document]:
    return [tuned_store(store, **asked) for asked in ASKED]


def asking(number: int, task: str, sent: int, made: int, **more: Any) -> Line:
    """A call of a task; all of its prompts differ."""
    said = [{"role": "user", "content": f"{number} of {task}"}]
    return chat(f"{task}-{number}", said, task=task, sent=sent, made=made, **more)


def by_name(document: Document) -> dict[str, Document]:
    return {row["name"]: row for row in document["workloads"]}


@pytest.mark.parametrize("examples", EPOCHS)
def test_epochs_are_those_of_the_guide(examples: int) -> None:
    """Facts 4.4: three; at most 25 for few; 25,000 // n for very many."""
    assert default_epochs(examples) == EPOCHS[examples]


def test_the_article_trains_100_000_tokens_three_times_for_2_40_usd() -> None:
    """100 examples of 899 prompt tokens, 100 answered ones and the role of the answer."""
    (row,) = tuned([asking(n, "a", 899, 100) for n in range(100)])["workloads"]
    assert (row["examples"], row["epochs"], row["training_tokens"]) == (100, 3, 300_000)
    assert row["training_usd"] == "2.4"


def test_the_cut_that_input_alone_needs_and_gpt_4_that_pays_without() -> None:
    """Facts 0.7 and 0.8. Answers of no token leave the input alone.

    0.0015 / 0.012 = 12.5 % may stay against 4K, 0.003 / 0.012 = 25 % against 16K. GPT-4: 12 x
    (1000 x 0.03 + 100 x 0.06) / 1000 = 0.432 USD, fine-tuned 12 x (12 + 1.6) / 1000 = 0.1632.
    """
    models = {"4k": "gpt-3.5-turbo-0613", "16k": "gpt-3.5-turbo-16k-0613"}
    lines = [asking(n, task, 1000, 0, model=models[task]) for task in models for n in range(12)]
    dear = [asking(n, "dear", 1000, 100, model="gpt-4-0613") for n in range(12)]
    rows = by_name(tuned(lines + dear))
    assert rows["4k"]["required_cut_share"] == "0.875"
    assert rows["16k"]["required_cut_share"] == "0.75"
    found = rows["dear"]
    assert (found["verdict"], found["required_cut_share"]) == ("pays_back", "0")
    assert (found["against_usd"], found["replayed_usd"]) == ("0.432", "0.1632")


def test_at_the_claimed_cut_of_90_percent_prompts_must_be_46_7_times_as_long() -> None:
    """Facts 0.7: 0.0012 x I + 0.016 x O < 0.0015 x I + 0.002 x O from I > 140 where O is 3."""
    sizes = {"139": "needs_cut", "140": "needs_cut", "141": "pays_back"}
    lines = [asking(n, size, int(size), 3) for size in sizes for n in range(12)]
    rows = by_name(tuned(lines, kept=Decimal("0.1")))
    assert {name: row["verdict"] for name, row in rows.items()} == sizes
    assert rows["140"]["required_cut_share"] == "0.9"
    assert rows["140"]["saving_usd_per_1k_calls"] == "0"


def test_the_call_before_break_even_loses_and_that_one_pays(documents: list[Document]) -> None:
    paying = [
        row for document in documents for row in document["workloads"] if row["break_even_calls"]
    ]
    assert paying
    for row in paying:
        price, calls = Fraction(row["training_usd"]), row["break_even_calls"]
        saving = Fraction(row["against_usd"]) - Fraction(row["replayed_usd"])
        assert (calls - 1) * saving < price * row["compared_calls"] <= calls * saving


def test_the_cost_on_the_flip_line_is_that_compared_with(documents: list[Document]) -> None:
    for document in documents:
        cost = {
            (cell["output_ratio"], cell["prompt_kept"]): Fraction(cell["replayed_usd"])
            for cell in document["grid"]["cells"]
        }
        against = Fraction(document["total"]["against_usd"])
        for flip in document["grid"]["flip_line"]:
            ratio = flip["output_ratio"]
            full, none = cost[ratio, "1"], cost[ratio, "0"]
            kept = Fraction(int(flip["over"]), int(flip["under"]))
            assert none + (full - none) * kept == against
            assert abs(kept - Fraction(flip["prompt_kept"])) <= Fraction(1, 2 * 10**6)
            # and the figures between the ends lie on one line
            assert none + (full - none) / 8 == cost[ratio, "0.125"]


def test_a_cut_as_deep_as_required_costs_the_same(store: Store, documents: list[Document]) -> None:
    """Rounded up to a millionth: that deep a cut does not lose, one of a millionth less does."""
    row = next(r for r in documents[1]["workloads"] if 0 < float(r["required_cut_share"]) < 1)
    cut = Decimal(row["required_cut_share"])
    for kept, pays in ((1 - cut, True), (1 - cut + Decimal("0.000001"), False)):
        asked = {**ASKED[1], "kept": kept, "only": (row["workload"],)}
        (found,) = tuned_store(store, **asked)["workloads"]
        if found["compared_calls"] == row["compared_calls"]:
            assert (Fraction(found["saving_usd_per_1k_calls"]) >= 0) == pays


def moved(name: str, *moves: Move) -> Scenario:
    plain = next(one for one in scenarios.built_in() if one.name == "ft-gpt-3.5-turbo")
    return Scenario(name, name, (), plain.prices_at, plain.tier, "user", (), "", moves)


def mix_of(store: Store) -> Scenario:
    """Workloads moved with all levers, one with none, the rest where it is."""
    kinds = (workload for workload, _ in kinds_of(store))
    names = list(dict.fromkeys(name for name in kinds if name))
    tuned_model, day = ("ft:gpt-3.5-turbo-0613",), date(2023, 8, 22)
    odd = Levers(kept=Decimal("0.333333"), output=Decimal("1.25"))
    cut = Levers(cut_tokens=333, cut_calls=Decimal("0.9"), output=Decimal("0.999999"))
    return moved(
        "mix",
        Move((names[0],), tuned_model, odd, 1_000, day),
        Move((names[1],), tuned_model, cut, 20_000, day),
        Move((names[2], names[3]), ("gpt-4-0613", "gpt-4-32k")),
    )


def test_what_is_sent_and_what_is_cut_is_what_was_logged(store: Store) -> None:
    """In the ledger, cell by cell and in sum, for every lever."""
    asked = question(scenarios=(mix_of(store),))
    price_cells(store, asked, (0,))
    levers = {place: move.levers for place, move in enumerate(asked.scenarios[0].moves)}
    rows = store._connection.sql(
        "SELECT move, outcome, ledger.prompt_tokens, ledger.produced_tokens, replayed_usd,"
        " ledger.actual_usd, actual.prompt_tokens, actual.produced_tokens, cut_input_tokens,"
        " prompt_usd, cut_usd, output_usd FROM ledger JOIN actual USING (cell)"
    ).fetchall()
    assert {row[0] for row in rows} == {-1, 0, 1, 2}
    for move, outcome, sent, made, cost, paid, logged, answered, cut, *money in rows:
        if move < 0 or outcome != "fits":
            assert (sent, made) == (logged, answered)
            assert cost == (paid if move < 0 else None)
            continue
        lever = levers[move]
        assert sent == logged * lever.kept - cut * lever.cut_calls
        assert made == answered * lever.output
        assert cost == money[0] * lever.kept - money[1] + money[2] * lever.output
    drawn = "SELECT sum(input_tokens), sum(output_tokens), count(*) FROM calls WHERE NOT failed"
    (calls,) = store._connection.sql(drawn).fetchall()
    assert calls == (sum(r[6] for r in rows), sum(r[7] for r in rows), calls[2])


def test_a_cut_takes_what_came_from_the_cache_first(tmp_path: Path) -> None:
    """A cache holds the front of a prompt. 1,000 tokens, 300 of them cached, and 100 in answer.

    At 0.0025, 0.00125 and 0.01 USD: 0.003125. 400 tokens off, 300 cached: 0.000625 less, and half
    of that where half of the calls begin so.
    """
    asked = [("a", "1", "0.0025"), ("b", "0.5", "0.0028125")]
    more = {"model": "gpt-4o-2024-08-06", "at": "2024-10-05T10:00:00Z", "cached": 300}
    lines = [asking(1, task, 1000, 100, **more) for task, _, _ in asked]
    with stored(write(tmp_path / "a.jsonl", lines)) as store:
        names = {row["label"]: row["workload"] for row in store.rows("finetune/labels")}
        moves = [
            Move(
                (names[task],),
                ("gpt-4o-2024-08-06",),
                Levers(cut_tokens=400, cut_calls=Decimal(share)),
            )
            for task, share, _ in asked
        ]
        mix = replace(moved("cut", *moves), prices_at=None)
        found = document_of(store, scenarios=(mix,), by=("task",))["scenarios"]
    assert {row["task"]: row["cost_usd"] for row in found} == {
        task: cost for task, _, cost in asked
    }


def test_a_move_without_levers_is_the_plain_scenario(store: Store) -> None:
    plain = tuple(one for one in scenarios.built_in() if one.name in ("gpt-4", "ft-gpt-3.5-turbo"))
    moves = tuple(moved(f"moved-{one.name}", Move((), one.models)) for one in plain)
    found = document_of(store, scenarios=(*plain, *moves), by=("model",))
    rows: dict[str, list[Document]] = {one.name: [] for one in (*plain, *moves)}
    for row in found["scenarios"]:
        rows[row["name"]].append({k: v for k, v in row.items() if k not in ("name", "title")})
    for one in plain:
        assert rows[one.name] == rows[f"moved-{one.name}"] != []


def test_a_mix_is_the_sum_of_its_workloads(store: Store) -> None:
    """Each workload costs in the mix what it costs moved alone, or what it cost."""
    mix = mix_of(store)
    alone = [moved(f"only-{place}", move) for place, move in enumerate(mix.moves)]
    found = document_of(store, scenarios=(mix, *alone), by=("workload",))
    cost = {(row["name"], row["workload"]): row for row in found["scenarios"]}
    takers = {name: place for place, move in enumerate(mix.moves) for name in move.workloads}
    groups = {name for _, name in cost}
    for name in groups:
        row = cost["mix", name]
        if name in takers:
            other = cost[f"only-{takers[name]}", name]
            assert row["cost_usd"] == other["cost_usd"]
        else:
            assert row["cost_usd"] == row["actual_usd"] and row["overflows"] == 0
    whole = replay(store, question(scenarios=(mix,)))
    parts = [
        Decimal(row["cost_usd"])
        for (name, _), row in cost.items()
        if name == "mix" and row["cost_usd"]
    ]
    assert sum(parts) == whole.rows[0]["cost_usd"]
    assert whole.training[0]["training_usd"] == Decimal("0.168")
    assert whole.training[0]["total_usd"] == sum(parts) + Decimal("0.168")


def test_calls_explained_one_by_one_add_up_to_the_mix(log: Path, tmp_path: Path) -> None:
    few = write(tmp_path / "few.jsonl", log.read_text(encoding="utf-8").splitlines()[:20])
    with stored(few) as store:
        asked = question(scenarios=(mix_of(store),))
        ids = [id for (id,) in store._connection.sql("SELECT call_id FROM calls").fetchall()]
        steps = [step for id in ids for step in explain(store, asked, id).steps]
        costs = [step.cost_usd for step in steps if step.cost_usd is not None]
        whole = replay(store, asked).rows[0]
    told = [step for step in steps if step.meters]
    assert told and len(costs) == whole["fits"] > len(told)
    for step in told:
        assert sum(row["cost_usd"] for row in step.meters) == step.cost_usd
    assert sum(costs) == whole["cost_usd"]


# How calls lie in files, and which key they are hashed with, decides nothing


@pytest.fixture(scope="module")
def lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def usual(lines: list[str]) -> Document:
    return judged(tuned(lines, drop=True, output=None))


def without_ids(document: Document) -> str:
    """The figures of a document, without ids of workloads and in an order that needs none."""

    def bare(row: Document) -> str:
        return json.dumps({**row, "workload": row["workload"] is None}, sort_keys=True)

    lists = {key: sorted(map(bare, document[key])) for key in ("workloads", "pairs")}
    return json.dumps({**document, **lists}, sort_keys=True)


@pytest.mark.parametrize("parts", [1, 3])
def test_shuffled_and_split_calls_are_judged_alike(
    parts: int, lines: list[str], usual: Document
) -> None:
    shuffled = random.Random(parts).sample(lines, len(lines))
    split = [shuffled[part::parts] for part in range(parts)]
    assert judged(tuned(*split, drop=True, output=None)) == usual


def test_files_taken_in_one_by_one_with_any_key_are_judged_alike(
    lines: list[str], usual: Document, tmp_path: Path
) -> None:
    """Read again, too: the judgement is of the store, and reading it needs no key."""
    files = [write(tmp_path / f"{n}.jsonl", lines[n::4]) for n in range(4)]
    with Store.open(tmp_path / "s.duckdb", hash_key=b"another key") as store:
        for file in reversed(files):
            take_in(store, file)
        take_in(store, tmp_path / "0.jsonl")
    with Store.open(tmp_path / "s.duckdb", to_read=True) as store:
        found = judged(tuned_store(store, drop=True, output=None))
    ids = [[row["workload"] for row in one["workloads"]] for one in (found, usual)]
    assert not {*ids[0]} & {*ids[1]} - {None}
    assert without_ids(found) == without_ids(usual)


def heads_of(store: Store) -> list[Any]:
    found = store._connection.sql(
        "SELECT workload, month, encoding, rank, prompt, parts FROM heads ORDER BY ALL"
    )
    return found.fetchall()


def parts_of(store: Store) -> list[Any]:
    return store._connection.sql("SELECT * FROM parts ORDER BY ALL").fetchall()


@pytest.mark.parametrize("limits", [(5, 1 << 19), (500, 60)], ids=["calls", "tokens"])
def test_the_sample_is_of_the_smallest_ranks_however_calls_arrive(
    limits: tuple[int, int], lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stored(write(tmp_path / "all.jsonl", lines)) as store:
        everything = heads_of(store)
        cost = dict(
            store._connection.sql("SELECT part, octet_length(links) // 4 FROM parts").fetchall()
        )
    most, tokens = limits
    expected = []
    seen: dict[Any, tuple[int, int]] = {}
    for head in everything:  # sorted by group and rank
        count, before = seen.get(head[:3], (0, 0))
        if count < most and before < tokens:
            expected.append(head)
        seen[head[:3]] = (count + 1, before + sum(cost[part] for part in head[5]))
    assert 10 < len(expected) < len(everything)

    monkeypatch.setattr(placing, "MOST_HEADS", most)
    monkeypatch.setattr(placing, "LIMITS", {"most_heads": most, "most_tokens": tokens})
    monkeypatch.setattr(placing, "BATCH_HEADS", 7)
    found = []
    for parts in (1, 5):
        shuffled = random.Random(parts).sample(lines, len(lines))
        folder = tmp_path / str(parts)
        for part in range(parts):
            write(folder / f"{part}.jsonl", shuffled[part::parts])
        with stored(folder) as store:
            assert heads_of(store) == expected
            found.append(parts_of(store))
    assert found[0] == found[1]
    assert {row[0] for row in found[0]} == {part for head in expected for part in head[5]}


def test_twice_the_rates_is_twice_the_money_and_the_same_verdict(
    log: Path, documents: list[Document], tmp_path: Path
) -> None:
    twice = open_book((with_rates(tmp_path / "twice.csv", lambda rate: rate * 2),))
    with stored(log) as store:
        doubly = tuned_store(store, book=twice, **ASKED[0])
    for once, dear in zip(documents[0]["workloads"], doubly["workloads"], strict=True):
        assert {k: v for k, v in once.items() if k != "why" and not k.endswith("_usd")} == {
            **{k: v for k, v in dear.items() if k != "why" and not k.endswith("_usd")},
            "saving_usd_per_1k_calls": once["saving_usd_per_1k_calls"],
        }
        for column in (column for column in once if column.endswith("_usd")):
            if once[column] is not None:
                assert Decimal(dear[column]) == 2 * Decimal(once[column])


@pytest.mark.parametrize(
    "given",
    [
        "--keep-prompt 0.1 --output-ratio 0.75 --retrain-every 20 --examples 10 --epochs 1",
        "--drop shared-prefix --epochs 1",
        "--output-ratio observed --examples 10",
    ],
    ids=["keep", "drop", "observed"],
)
def test_the_scenario_that_is_written_replays_to_the_same_figures(
    given: str, log: Path, tmp_path: Path
) -> None:
    options = ("--allow-unpriced", "100%", "--format", "json")
    asked = ("--against", "gpt-4", *given.split(), "--write-scenario", "mix-1.toml")
    made = audit("finetune", log, *asked, *options, folder=tmp_path)
    assert made.exit_code == 0, made
    run = audit(
        "replay", log, "--scenarios", "mix-1.toml", "--scenario", "mix-1", *options, folder=tmp_path
    )
    assert run.exit_code == 0, run
    told, found = json.loads(made.out), json.loads(run.out)
    (row,) = found["scenarios"]
    (training,) = found["training"]
    mix = told["mix"]
    assert mix["moved"]
    assert {key: mix[key] for key in ("calls", "actual_usd", "cost_usd")} == {
        key: row[key] for key in ("calls", "actual_usd", "cost_usd")
    }
    for key in ("training_tokens", "training_usd", "total_usd"):
        assert training[key] == mix[key]


# What the store must not tell


def test_no_piece_of_a_prompt_lies_in_the_store(tmp_path: Path) -> None:
    secrets = [
        "Zugangscode-Quittenbaum-4711-Xylophon",
        "violet hippopotamus accountancy ledgers",
        "秘密の合言葉は紫陽花です、誰にも言わないで",
        "\u0000\u0001NULbytes and \ud800 lone surrogates kept secret",
        '"quoted\\"; DROP TABLE calls; -- secretly injected',
    ]
    lines = []
    for number in range(30):
        secret = secrets[number % len(secrets)]
        said: list[Line] = [
            {"role": "system", "content": f"{secret} system {secret}"},
            {"role": "user", "name": "Quittenbaum", "content": [{"type": "text", "text": secret}]},
            {"role": "user", "content": f"{secret} {number}"},
        ]
        line = chat(f"id-{number}", said if number % 2 else said[2:], made=12)
        line["response"]["choices"][0]["message"]["content"] = f"{secret} is the answer"
        if number % 3 == 0:
            line["response"]["id"] = None
        if number % 5 == 0:
            line["response"] = None
        lines.append(line)
    path = tmp_path / "s.duckdb"
    assert (
        audit("ingest", write(tmp_path / "a.jsonl", lines), "--db", path, folder=tmp_path).exit_code
        == 0
    )
    with duckdb.connect(str(path)) as raw:
        raw.execute("CHECKPOINT")
        rows = repr(
            [
                raw.sql(f"FROM {t}").fetchall()
                for t in ("calls", "heads", "parts", "workloads", "rejects")
            ]
        )
    held = b"".join(p.read_bytes() for p in tmp_path.iterdir() if p.name != "a.jsonl")
    assert (tmp_path / "s.duckdb.key").exists()
    for secret in secrets:
        for at in range(len(secret) - 7):
            piece = secret[at : at + 8]
            assert piece not in rows
            assert piece.encode("utf-8", "surrogatepass") not in held
            assert piece.encode("utf-16-le", "surrogatepass") not in held
