"""What a call belongs to, and the keyed hashes that say so without saying what was said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.logs import capture, write
from helpers.runs import stored

from auditor import secret
from auditor.errors import StoreError
from auditor.records import Call, Text
from auditor.store import Store
from auditor.workload import HashKey, Place, Places
from auditor.workload.identity import opening_of

KEY = HashKey(b"a secret of the tests")


def call(*messages: dict[str, Any], tags: dict[str, str] | None = None, **more: Any) -> Call:
    return Call(1, tags=tags or {}, text=Text(messages=messages) if messages else None, **more)


def system(text: str) -> dict[str, Any]:
    return {"role": "system", "content": text}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def place(*messages: dict[str, Any], **more: Any) -> Place:
    return Places(KEY).of(call(*messages, **more))


def test_a_tag_comes_before_the_system_message_and_that_before_the_opening() -> None:
    by_tag = place(system("Be brief."), user("Hello"), tags={"task": "greet"})
    by_system = place(system("Be brief."), user("Hello"))
    by_opening = place(user("Hello"))
    assert (by_tag.found_by, by_tag.label) == ("tag task", "greet")
    assert (by_system.found_by, by_system.label) == ("system message", "")
    assert (by_opening.found_by, by_opening.label) == ("opening", "")
    assert len({by_tag.workload, by_system.workload, by_opening.workload}) == 3


def test_the_first_configured_tag_that_a_call_has_decides() -> None:
    tagged = call(user("x"), tags={"task": "a", "workload": "b", "team": "c"})
    assert Places(KEY).of(tagged).label == "b"
    assert Places(KEY, ["team", "task"]).of(tagged).label == "c"
    assert Places(KEY, ["missing"]).of(tagged).found_by == "opening"


def test_equal_values_of_different_tags_are_different_workloads() -> None:
    one, other = place(tags={"task": "x"}), place(tags={"feature": "x"})
    assert one.workload != other.workload


@pytest.mark.parametrize("role", ["system", "developer"])
def test_calls_with_one_system_message_belong_together(role: str) -> None:
    first = place({"role": role, "content": "You sort mail."}, user("A"))
    second = place({"role": role, "content": "You sort mail."}, user("B"))
    assert first.workload == second.workload
    assert first.prompt != second.prompt


def test_an_empty_system_message_is_none() -> None:
    assert place(system(""), user("Hello there")).found_by == "opening"


def test_the_opening_takes_numbers_and_blanks_as_one() -> None:
    asked = ["Is 17077 a prime number? Think", "Is  3 a prime\nnumber? Thinking helps"]
    assert len({place(user(text)).workload for text in asked}) == 1
    assert opening_of("Is 17077 a prime number? Think") == "Is 0 a prime number? Thi"
    assert place(user("Was 3 a prime number? Think")).workload != place(user(asked[0])).workload


def test_a_call_without_tag_and_text_belongs_nowhere() -> None:
    assert place() == Place()


def test_an_embedding_is_no_work_for_a_chat_model() -> None:
    assert place(user("x"), endpoint="embedding", tags={"task": "search"}) == Place()


def test_a_completion_is_told_by_its_prompt() -> None:
    text = Text(prompts=("Once upon a time there was",))
    found = Places(KEY).of(Call(1, text=text, endpoint="completion"))
    assert found.found_by == "opening"
    assert found.prompt is not None


def test_an_id_is_twelve_hexadecimal_digits_and_depends_on_the_key_alone() -> None:
    one = place(user("Hello")).workload
    assert one is not None
    assert len(one) == 12
    assert int(one, 16) >= 0
    assert one == Places(HashKey(b"a secret of the tests")).of(call(user("Hello"))).workload
    assert one != Places(HashKey(b"another")).of(call(user("Hello"))).workload


def test_the_order_of_keys_in_a_message_does_not_matter() -> None:
    one = place({"role": "user", "content": "Hi"})
    other = place({"content": "Hi", "role": "user"})
    assert one == other


@pytest.mark.parametrize("content", ["\ud800 half a pair", "NUL \x00", "x" * 100_000, 10**400])
def test_hostile_content_has_a_place(content: Any) -> None:
    found = place(system("S"), {"role": "user", "content": content}, tags={"task": "a\ud800"})
    assert found.workload is not None
    assert found.prompt is not None


def test_links_agree_as_far_as_tokens_and_the_start_do() -> None:
    one, other = KEY.links(["user"], [1, 2, 3, 4]), KEY.links(["user"], [1, 2, 9, 4])
    assert one[:8] == other[:8]
    assert one[8:12] != other[8:12]
    assert one[12:] != other[12:], "what follows a difference differs too"
    assert KEY.links(["system"], [1])[:4] != one[:4]


def key_file(db: Path) -> Path:
    return db.with_name(f"{db.name}.key")


def test_a_new_store_gets_a_key_beside_it_that_only_its_owner_reads(tmp_path: Path) -> None:
    db = tmp_path / "a.duckdb"
    with Store.open(db) as store:
        key = store.hash_key
    assert key_file(db).read_bytes().strip() == key
    assert key_file(db).stat().st_mode & 0o777 == 0o600
    assert key not in db.read_bytes()
    with Store.open(db) as store:
        assert store.hash_key == key


def test_a_store_is_read_without_its_key_and_not_added_to(tmp_path: Path) -> None:
    db = tmp_path / "a.duckdb"
    with Store.open(db):
        pass
    key_file(db).unlink()
    with Store.open(db, to_read=True) as store:
        assert store.rows("ingest/sources") == []
    with pytest.raises(StoreError, match="cannot be read"), Store.open(db):
        pass


@pytest.mark.parametrize("given", [b"some other key", None])
def test_a_store_is_not_filled_with_another_key(tmp_path: Path, given: bytes | None) -> None:
    db = tmp_path / "a.duckdb"
    with Store.open(db):
        pass
    key_file(db).write_text("0123\n")
    with (
        pytest.raises(StoreError, match="filled with another hash key"),
        Store.open(db, hash_key=given),
    ):
        pass


def test_a_given_key_takes_the_place_of_the_file(tmp_path: Path) -> None:
    db = tmp_path / "a.duckdb"
    with Store.open(db, hash_key=b"given") as store:
        assert store.hash_key == b"given"
    assert not key_file(db).exists()
    with Store.open(db, hash_key=b"given") as store:
        assert store.hash_key == b"given"


def test_an_empty_key_file_is_refused(tmp_path: Path) -> None:
    key_file(tmp_path / "a.duckdb").write_text("\n")
    with pytest.raises(StoreError, match="is empty"), Store.open(tmp_path / "a.duckdb"):
        pass


def test_the_key_cannot_be_had_from_what_the_store_remembers() -> None:
    assert secret.check_of(b"a") != secret.check_of(b"b")
    assert len(secret.check_of(b"a")) == 16


def test_a_better_reading_without_text_keeps_what_the_other_one_knows(tmp_path: Path) -> None:
    told = capture("c", text="Sort this mail: hello")
    bare = {**told, "request": {"model": "gpt-3.5-turbo"}}
    bare["response"]["usage"] = {**told["response"]["usage"], "completion_tokens": 900}
    bare["response"]["usage"]["total_tokens"] = 1900
    found = set()
    for order in ((told, bare), (bare, told)):
        logs = [write(tmp_path / str(id(order)) / f"{n}.jsonl", [x]) for n, x in enumerate(order)]
        with stored(*logs) as store:
            row = store._connection.execute(
                "SELECT workload, prompt, output_tokens FROM calls"
            ).fetchall()
            found.add(tuple(row))
    assert len(found) == 1
    ((workload, prompt, output),) = found.pop()
    assert workload is not None
    assert prompt is not None
    assert output == 900
