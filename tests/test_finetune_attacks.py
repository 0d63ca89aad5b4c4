"""What an attacker tried on workloads, keys and ``audit finetune``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command import COMPLETE, ERROR, INCOMPLETE, audit
from helpers.logs import Line, capture, failure, write
from helpers.runs import question, stored, take_in
from helpers.tunes import chat, tuned

from auditor.errors import StoreError
from auditor.pipeline.prompts import beginnings_of
from auditor.pipeline.replay import kinds_of
from auditor.secret import beside
from auditor.store import Store
from auditor.workload import HashKey

GPT_4: dict[str, Any] = {"model": "gpt-4-0613", "sent": 1000, "made": 10}


def asking(text: Any) -> list[Line]:
    return [{"role": "user", "content": text}]


def paying(count: int = 12) -> list[Line]:
    """GPT-4 calls, for which training pays back."""
    return [chat(f"c{n}", asking(f"Classify {n}"), task="t", **GPT_4) for n in range(count)]


def test_odd_prompts_are_judged_and_harm_nobody() -> None:
    """Whatever was sent: each call is in one row, and the sound workload is judged as ever."""
    odd: list[Any] = [
        [{"role": "system", "content": ""}, *asking("after an empty system message")],
        [{"role": "system", "content": None}, *asking(None)],
        [{"role": "system", "content": "  "}, *asking("\n\n")],
        asking("\ud800\x00 NUL and half a pair \udfff"),
        asking("many words " * 30_000),
        asking([{"type": "image_url", "image_url": {"url": "x"}}, "text", 5, None]),
        [{"role": ["a"], "content": {"x": 1}}, {}, {"role": 5, "content": 5}],
        ["no object", 1, None],
        [],
        "no list",
    ]
    lines = [chat(f"odd-{n}", [], **GPT_4) for n in range(len(odd))]
    for line, messages in zip(lines, odd, strict=True):
        line["request"]["messages"] = messages
    named = chat("named", asking("tagged"), task="two\nlines\x00\ud800\x1b[31m", **GPT_4)
    blank = chat("blank", asking("tagged with blanks"), task=" \t ", **GPT_4)
    alone, usual = tuned(paying())["workloads"], tuned([*lines, named, blank, *paying()])
    assert usual["total"]["calls"] == len(odd) + 2 + 12
    assert sum(row["calls"] for row in usual["workloads"]) == usual["total"]["calls"]
    found = {row["name"]: row for row in usual["workloads"]}
    assert found["t"] == alone[0]
    assert "two\nlines\x00\\ud800\x1b[31m" in found
    assert {row["verdict"] for row in usual["workloads"]} == {"pays_back", "too_few_calls"}


def test_a_log_of_failures_has_no_verdict() -> None:
    found = tuned([failure(f"f{n}", "2023-08-22T10:00:00Z") for n in range(20)])
    assert (found["total"], found["workloads"], found["grid"], found["mix"]) == (
        None,
        [],
        None,
        None,
    )


def test_equal_prompts_are_one_example_and_all_of_them_is_shared() -> None:
    (row,) = tuned([chat(f"c{n}", asking("Is it so?"), **GPT_4) for n in range(20)])["workloads"]
    assert (row["examples"], row["epochs"], row["verdict"]) == (1, 25, "too_few_calls")
    assert row["possible_cut_tokens"] == 4 and row["measured_calls"] == 20


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--write-scenario", "a.jsonl"), "a.jsonl is one of the logs"),
        (("--write-scenario", "x.toml", "-o", "x.toml"), "-o and --write-scenario are both"),
        (("--from", "2023-09-01", "--until", "2023-09-01"), "is not before --until 2023-09-01"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(
    given: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    log = write(tmp_path / "a.jsonl", paying())
    before = log.read_bytes()
    run = audit("finetune", "a.jsonl", *given, folder=tmp_path)
    assert run.exit_code == ERROR and said in run.err
    assert log.read_bytes() == before and list(tmp_path.iterdir()) == [log]


def test_calls_without_an_actual_cost_make_a_run_incomplete(tmp_path: Path) -> None:
    """As in audit replay; compared with a scenario nothing is missing."""
    unknown = capture("x", model="house-model-7")
    log = write(tmp_path / "a.jsonl", [*paying(), unknown])
    run = audit("finetune", log, "--format", "csv", folder=tmp_path)
    assert run.exit_code == INCOMPLETE and "1 call without an actual cost" in run.err
    against = audit("finetune", log, "--against", "gpt-4", "--format", "csv", folder=tmp_path)
    assert against.exit_code == COMPLETE


# The key of a store


@pytest.mark.parametrize("key", [None, b"", b" \n", b"another"], ids=repr)
def test_without_its_key_a_store_is_read_but_not_added_to(
    key: bytes | None, tmp_path: Path
) -> None:
    db, log = tmp_path / "s.duckdb", write(tmp_path / "a.jsonl", paying())
    with Store.open(db) as store:
        take_in(store, log)
    saved = beside(db).read_bytes()
    assert beside(db).stat().st_mode & 0o077 == 0
    beside(db).unlink()
    if key is not None:
        beside(db).write_bytes(key)
    held = db.read_bytes()
    with pytest.raises(StoreError), Store.open(db):
        pass
    assert db.read_bytes() == held
    with Store.open(db, to_read=True) as store:
        assert len({workload for workload, _ in kinds_of(store)}) == 1
    with Store.open(db, hash_key=saved.strip()) as store:
        take_in(store, write(tmp_path / "b.jsonl", [chat("new", asking("Classify 99"), task="t")]))
        assert len({workload for workload, _ in kinds_of(store)}) == 1


def test_two_stores_tell_their_prompts_apart(tmp_path: Path) -> None:
    """No id and no hash of one store occurs in another with a key of its own."""
    log = write(tmp_path / "a.jsonl", paying())
    found = []
    for name in ("one.duckdb", "two.duckdb"):
        with Store.open(tmp_path / name) as store:
            take_in(store, log)
            rows = store._connection.sql("SELECT workload, prompt, parts[1] FROM heads").fetchall()
            found.append({value for row in rows for value in row})
    assert len(found[0]) == len(found[1]) == 25 and not found[0] & found[1]


def test_a_key_of_any_length_is_used_in_full() -> None:
    keys = [b"k" * size for size in (1, 63, 64, 65, 128, 1000)]
    assert len({HashKey(key).id_of("x") for key in keys}) == len(keys)
    assert HashKey(b"k" * 64 + b"a").links("s", [1]) != HashKey(b"k" * 64 + b"b").links("s", [1])


def test_who_has_no_key_cannot_confirm_a_guess_of_a_prompt(tmp_path: Path) -> None:
    """The store says when and how long; whoever guesses prompt and answer hashes them alike."""
    line = chat("", asking("Is Quittenbaum to be dismissed?"), made=1)
    log = write(tmp_path / "a.jsonl", [line | {"response": {**line["response"], "id": None}}])
    found = []
    for key in (b"the key of the store", b"no key at all"):
        with Store.open(tmp_path / f"{key[:3].decode()}.duckdb", hash_key=key) as store:
            take_in(store, log)
            found.append(store._connection.sql("SELECT call_id FROM calls").fetchall())
    assert found[0] != found[1]


# What one call is measured as


def measured(*files: list[Line], folder: Path) -> int:
    """How many prompts the beginning of all calls is measured on."""
    paths = [write(folder / f"{n}.jsonl", lines) for n, lines in enumerate(files)]
    with stored(*paths) as store:
        found = beginnings_of(store, question(), by_workload=False)
        return found[""].best.heads


def test_a_call_in_two_exports_is_measured_once(tmp_path: Path) -> None:
    """One of the exports has no times: its heads lie in another month."""
    dated = [chat(f"c{n}", asking(f"Classify {n}")) for n in range(12)]
    undated = [{**line, "timestamp": None} for line in dated]
    assert measured(dated, undated, folder=tmp_path) == 12


def test_a_tag_that_one_export_has_is_kept(tmp_path: Path) -> None:
    """'{}' sorts after '{task=t}': the reading that knows less wins, in either order."""
    plain = [chat("c", asking("Classify it"))]
    tagged = [chat("c", asking("Classify it"), task="t")]
    paths = [write(tmp_path / f"{n}.jsonl", lines) for n, lines in enumerate((plain, tagged))]
    with stored(*paths) as store:
        tags = store._connection.sql("SELECT tags::VARCHAR FROM calls").fetchall()
    assert tags == [("{task=t}",)]


def test_text_behind_different_images_is_no_shared_beginning(tmp_path: Path) -> None:
    def picture(number: int) -> dict[str, Any]:
        return {"type": "image_url", "image_url": {"url": f"https://x/{number}.png"}}

    text = {"type": "text", "text": "What is in this picture?"}
    lines = [chat(f"c{n}", asking([picture(n), text])) for n in range(12)]
    with stored(write(tmp_path / "a.jsonl", lines)) as store:
        assert beginnings_of(store, question(), by_workload=True).popitem()[1].best.cut_tokens == 0


def test_a_call_without_the_shared_beginning_fits_no_better_without_it() -> None:
    """Five of 100 prompts begin otherwise and are too long for the window: they stay too long."""
    shared = "Classify the following ticket with exactly one of the words of the manual. " * 10
    fits = [chat(f"c{n}", asking(f"{shared}{n}"), task="t", **GPT_4) for n in range(95)]
    long = [chat(f"l{n}", asking(f"{n}"), task="t", **{**GPT_4, "sent": 4150}) for n in range(5)]
    (row,) = tuned(fits + long, drop=True)["workloads"]
    assert row["beginnings"][-1]["holding_calls"] == 95
    assert row["overflows"] == 5


def test_the_scenario_of_one_store_moves_nothing_in_another_and_says_so(tmp_path: Path) -> None:
    """Ids depend on the key; that nothing was moved must not pass unseen."""
    log = write(tmp_path / "a.jsonl", paying())
    assert audit("finetune", log, "--write-scenario", "m.toml", folder=tmp_path).exit_code == 0
    assert audit("ingest", log, "--db", "s.duckdb", folder=tmp_path).exit_code == COMPLETE
    asked = ("--db", "s.duckdb", "--scenarios", "m.toml", "--scenario", "m")
    run = audit("replay", *asked, "--format", "json", folder=tmp_path)
    (row,) = json.loads(run.out)["scenarios"]
    assert row["cost_usd"] == row["actual_usd"]
    assert "no call here belongs to" in audit("replay", *asked, folder=tmp_path).out
