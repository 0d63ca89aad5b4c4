"""Pseudonyms in place of names, and who may read a store."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from command import audit
from helpers.logs import capture, write
from helpers.runs import take_in

from auditor.privacy import Pseudonyms, Shown, in_known_words, is_of_a_provider
from auditor.privacy.identities import kind_by_look, kind_by_name
from auditor.privacy.searching import Haystack, Searched, Vocabulary
from auditor.store import Store
from auditor.workload import HashKey

KEY = {"AUDIT_HASH_KEY": "a key for the tests of names"}
NAMED = HashKey(b"k" * 32)
SECRET = "Anna's tumour is back, tell nobody"


def call(id: str, user: str, **more: object) -> dict[str, object]:
    return {**capture(id), "user": user, "team": "support", **more}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("user", "user"),
        ("end_user", "user"),
        ("enduser.id", "user"),
        ("userEmail", "user"),
        ("user-id", "user"),
        ("USER_ID", "user"),
        ("customer_email", "customer"),
        ("api_key_id", "key"),
        ("key", "key"),
        ("session", "session"),
        ("thread_id", "session"),
        ("traceId", "trace"),
        ("accountId", "account"),
        ("ip", "address"),
        ("team", None),
        ("project", None),
        ("workload", None),
        ("prompt_name", None),
        ("model", None),
        ("environment", None),
        ("monkey", None),
        ("reuse", None),
    ],
)
def test_a_tag_is_an_identity_by_a_word_of_its_name(name: str, kind: str | None) -> None:
    assert kind_by_name(name) == kind


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("jane.doe@example.com", "email"),
        ("by jane@example.co.uk today", "email"),
        ("sk-proj-abcdef0123456789abcdef", "key"),
        ("sk-1234567890", "key"),
        ("Bearer abc", "key"),
        ("AKIAIOSFODNN7EXAMPLE", "key"),
        ("ghp_0123456789abcdef0123", "key"),
        ("88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b", "key"),
        ("+49 30 1234567", "phone"),
        ("(212) 555-0123", "phone"),
        ("192.168.0.12", "address"),
        ("2001:db8:0:0:1:2:3:4", "address"),
        (SECRET * 3, "text"),
        ("one two three four five six", "text"),
        ("gsk_abcdEFGH1234567890ab", "key"),
        ("npm_abcdEFGH1234567890ab", "key"),
        ("SG.abcdEFGH1234567890.ab", "key"),
        ("Basic dXNlcjpwYXNz", "key"),
        ("password=hunter2", "key"),
        ("88dc28d0f030c55ed4ab77ed8faf0981", "key"),
        ("0171 5512399", "phone"),
        ("(0171) 55-12399", "phone"),
        ("030/1234567", "phone"),
        ("1-800-555-9999", "phone"),
        ("555.123.9999", "phone"),
        ("4111 1111 1111 1111", "number"),
        ("DE89 3704 0044 0532 0130 00", "number"),
        ("078-05-1120", "number"),
        ("one two three four five", None),
        ("1690000000", None),
        ("support", None),
        ("2023-08-22T10:00:00Z", None),
        ("gpt-4-0613", None),
        ("v1.2.3", None),
        ("10.5.1", None),
        ("2023-08-22", None),
        ("us-east-1", None),
        ("/subscriptions/a/resourceGroups/b", None),
    ],
)
def test_a_value_is_an_identity_by_its_looks(value: str, kind: str | None) -> None:
    assert kind_by_look(value) == kind


@pytest.mark.parametrize(
    ("id", "known"),
    [
        ("chatcmpl-7ia5W3JdJMJqjCFafK5iYOd8XOUuq", True),
        ("cmpl-7ia5W3JdJMJqjCFafK5iYOd8XOUuq", True),
        ("resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b", True),
        ("msg_01XFDUDYJgAACzvnptvVoYEL", True),
        ("gen-1712345678-abcdefghijklmnop", False),
        ("gen-abcdefghijklmnop12", True),
        ("3f9a0c21-d7b4-4c1e-9d6a-0123456789ab", True),
        ("4bf92f3577b34da6a3ce929d0e0e4736/00f067aa0ba902b7", True),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", True),
        (f"row-{'0' * 32}-1", True),
        ("jane.doe", False),
        ("jane-1985", False),
        ("JaneDoe1985BerlinMitte", False),
        ("4917012345678", False),
        ("tell-anna-that-her-tumour-is-back", False),
        ("chatcmpl-jane doe", False),
    ],
)
def test_an_id_is_kept_if_a_machine_made_it(id: str, known: bool) -> None:
    assert is_of_a_provider(id) is known
    names = Pseudonyms(NAMED, Shown())
    assert (names.id(id) == id) is known


def test_an_error_is_told_in_known_words() -> None:
    said = f"429 litellm.RateLimitError: rate_limit_exceeded: Slow down, jane@x.org. {SECRET}"
    assert in_known_words(said) == "429: RateLimitError: rate_limit_exceeded"
    assert in_known_words("HTTP 503") == "HTTP 503"
    assert in_known_words(SECRET) == "an error (its words are not kept)"


def test_names_are_pseudonyms_and_the_same_in_every_run_of_a_key(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [call("chatcmpl-1", "jane@example.com"), call("chatcmpl-2", "bob")])
    write(tmp_path / "b.jsonl", [call("chatcmpl-3", "bob")])
    by = ("--by", "tag:user", "--format", "json", "--scenario", "gpt-4")

    def users(*words: str, env: dict[str, str] | None = None) -> list[str]:
        run = audit("replay", *words, *by, folder=tmp_path, env=env)
        assert "jane" not in run.out + run.err
        return [row["tag:user"] for row in json.loads(run.out)["actual"]["by"]]

    one, two = users("a.jsonl", env=KEY), users("a.jsonl", "b.jsonl", env=KEY)
    assert one == two
    assert all(user.startswith("user-") and len(user) == 17 for user in one)
    assert users("a.jsonl") == users("a.jsonl") != one
    assert users("a.jsonl", "b.jsonl") == users("b.jsonl", "a.jsonl") != users("a.jsonl")
    kept = audit("replay", "a.jsonl", *by, "--keep-identities", folder=tmp_path)
    assert "jane@example.com" in kept.out
    # who has the report, with the digests of its sources, has not the key
    digests = [one["sha256"] for one in json.loads(kept.out)["run"]["sources"]]
    for digest in digests:
        for secret in (digest.encode(), bytes.fromhex(digest)):
            guess = Pseudonyms(HashKey(secret), Shown()).tag_value("user", "bob")
            assert guess not in users("a.jsonl")


@pytest.mark.slow
def test_every_way_of_reading_makes_the_same_pseudonyms(tmp_path: Path) -> None:
    """In columns, as a capture line by line, as rows of a table, and as calls converted before."""
    plain = [capture(f"chatcmpl-{n}") | {"user": f"user {n % 3}"} for n in range(6)]
    odd = [{**line, "url": 5} for line in plain]  # not plain: the long way
    (tmp_path / "audit.toml").write_text(
        '[formats.mine]\nid = "id"\ntime = "at"\nmodel = "model"\ninput = "in"\noutput = "out"\n'
        'tags = ["user", "jane@example.com"]\n'
    )
    rows = [f"chatcmpl-{n},2023-08-22T10:00:00Z,gpt-4-0613,1,2,user {n % 3},x" for n in range(6)]
    head = "id,at,model,in,out,user,jane@example.com"
    quoted = [row.replace("user", '"user').replace(",x", '",x') for row in rows]
    (tmp_path / "columns.csv").write_text("\n".join([head, *rows]) + "\n")
    (tmp_path / "rows.csv").write_text("\n".join([head, *quoted]) + "\n")
    write(tmp_path / "plain.jsonl", plain)
    write(tmp_path / "odd.jsonl", odd)
    found = {}
    for name in ("plain.jsonl", "odd.jsonl", "columns.csv", "rows.csv"):
        audit("convert", name, "-o", f"{name}.parquet", folder=tmp_path, env=KEY)
        for source in (name, f"{name}.parquet"):
            db = f"{source}.duckdb"
            run = audit("ingest", source, "--db", db, folder=tmp_path, env=KEY)
            assert "6 new calls" in run.err
            with Store.open(tmp_path / db, to_read=True) as store:
                calls = store.rows("ingest/converted", keyed=False)
            found[source] = {
                row["call_id"]: {tag["key"]: tag["value"] for tag in row["tags"]}["user"]
                for row in calls
            }
            tags = {tag["key"] for row in calls for tag in row["tags"]}
            assert not any("jane" in tag for tag in tags)
    assert len({json.dumps(users, sort_keys=True) for users in found.values()}) == 1
    assert len(set(found["plain.jsonl"].values())) == 3


def test_a_call_without_id_is_found_again_in_the_same_store(tmp_path: Path) -> None:
    rows = [f"2023-08-22T10:00:0{n}Z,gpt-4,1,2,user {n}" for n in range(4)]
    head = "time,model,input_tokens,output_tokens,user"
    (tmp_path / "a.csv").write_text("\n".join([head, *rows]) + "\n")
    (tmp_path / "b.csv").write_text("\n".join([head, *rows[::-1], rows[0][:-1] + "9"]) + "\n")
    for keep in ((), ("--keep-identities",)):
        db = f"s{len(keep)}.duckdb"
        audit("ingest", "a.csv", "--db", db, *keep, folder=tmp_path)
        run = audit("ingest", "b.csv", "--db", db, *keep, folder=tmp_path)
        assert "1 new call, 4 duplicates" in run.err


def test_a_store_goes_on_as_it_was_begun(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [call("chatcmpl-1", "jane")])
    write(tmp_path / "b.jsonl", [call("chatcmpl-2", "jane")])
    begun = audit("ingest", "a.jsonl", "--db", "s.duckdb", folder=tmp_path)
    assert begun.exit_code == 0
    run = audit("ingest", "b.jsonl", "--db", "s.duckdb", "--keep-identities", folder=tmp_path)
    assert run.exit_code == 1
    assert "holds pseudonyms in place of identities" in run.err
    audit("ingest", "a.jsonl", "--db", "k.duckdb", "--keep-identities", folder=tmp_path)
    run = audit("ingest", "b.jsonl", "--db", "k.duckdb", folder=tmp_path)
    assert run.exit_code == 1
    assert "k.duckdb keeps identities" in run.err


def test_a_store_of_before_keeps_identities(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    log = write(tmp_path / "a.jsonl", [call("chatcmpl-1", "jane")])
    with Store.open(path) as store:
        take_in(store, log, keep_identities=True)
        for table in ("keeping", "fingerprints"):
            store._connection.execute(f"DROP TABLE {table}")
        store._connection.execute("UPDATE about SET schema_version = 4")
    write(tmp_path / "b.jsonl", [call("chatcmpl-2", "jane")])
    run = audit("ingest", "b.jsonl", "--db", "s.duckdb", folder=tmp_path)
    assert (run.exit_code, "keeps identities" in run.err) == (1, True)
    run = audit("ingest", "b.jsonl", "--db", "s.duckdb", "--keep-identities", folder=tmp_path)
    assert "1 new call" in run.err
    assert audit("show", "rejects", "--db", "s.duckdb", folder=tmp_path).exit_code == 0


def test_explain_finds_a_call_by_the_id_of_the_log(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [call("janes call", "jane")])
    audit("ingest", "a.jsonl", "--db", "s.duckdb", folder=tmp_path)
    found = audit("explain", "janes call", "--db", "s.duckdb", folder=tmp_path)
    assert found.exit_code == 0
    assert "jane" not in found.out
    (tmp_path / "s.duckdb.key").unlink()
    assert audit("explain", "janes call", "--db", "s.duckdb", folder=tmp_path).exit_code == 1
    assert audit("explain", "a.jsonl:1", "--db", "s.duckdb", folder=tmp_path).exit_code == 0


def test_a_refused_line_is_a_keyed_hash_unless_text_is_kept(tmp_path: Path) -> None:
    usage = {"prompt_tokens": SECRET, "completion_tokens": 1}
    body = {"object": "chat.completion", "choices": [], "usage": usage}
    line = json.dumps({"response": body, "request": {"model": "gpt-4"}})
    write(tmp_path / "a.jsonl", [call("chatcmpl-1", "jane"), line, line, line + " "])
    told = []
    for keep in ((), ("--keep-text",)):
        db = f"s{len(keep)}.duckdb"
        audit("ingest", "a.jsonl", "--db", db, *keep, folder=tmp_path, env=KEY)
        run = audit("show", "rejects", "--db", db, folder=tmp_path)
        assert "prompt_tokens is a text of 34 characters, not a whole number" in run.out
        assert (SECRET[:6] in run.out) is bool(keep)
        with Store.open(tmp_path / db, to_read=True) as store:
            told.append([r["fingerprint"] for r in store.rows("ingest/rejects", most=None)])
    assert told[0] == told[1]
    assert len(set(told[0])) == 2
    assert told[0][0] == told[0][1]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_what_holds_text_is_its_owners_alone(tmp_path: Path) -> None:
    def mode(name: str) -> int:
        return stat.S_IMODE((tmp_path / name).stat().st_mode)

    write(tmp_path / "a.jsonl", [call("chatcmpl-1", "jane")])
    write(tmp_path / "b.jsonl", [call("chatcmpl-2", "jane")])
    before = os.umask(0o022)
    try:
        audit("ingest", "a.jsonl", "--db", "bare.duckdb", folder=tmp_path)
        assert (mode("bare.duckdb"), mode("bare.duckdb.key")) == (0o644, 0o600)
        audit("ingest", "a.jsonl", "--db", "text.duckdb", "--keep-text", folder=tmp_path)
        assert mode("text.duckdb") == 0o600
        # a store that is there is narrowed before text comes into it, and stays so
        audit("ingest", "b.jsonl", "--db", "bare.duckdb", "--keep-text", folder=tmp_path)
        assert mode("bare.duckdb") == 0o600
        with Store.open(tmp_path / "bare.duckdb") as store:
            store._connection.execute("CHECKPOINT")
            store._connection.execute("SET wal_autocheckpoint = '1GB'")
            more = write(tmp_path / "c.jsonl", [call("chatcmpl-3", "jane")])
            take_in(store, more, keep_identities=False)
            assert mode("bare.duckdb.wal") == 0o600
        audit("convert", "a.jsonl", "-o", "a.parquet", "--keep-text", folder=tmp_path)
        audit("convert", "a.jsonl", "-o", "b.parquet", folder=tmp_path)
        assert (mode("a.parquet"), mode("b.parquet")) == (0o600, 0o644)
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_verify_privacy_finds_what_is_there_and_shows_none_of_it(tmp_path: Path) -> None:
    message = [{"role": "user", "content": SECRET}]
    line = call("chatcmpl-1", "jane.doe")
    line["request"] = {**line["request"], "messages": message}  # type: ignore[dict-item]
    write(tmp_path / "a.jsonl", [line])
    for name, keep in (("bare", ()), ("text", ("--keep-text",)), ("named", ("--keep-identities",))):
        audit("ingest", "a.jsonl", "--db", f"{name}.duckdb", *keep, folder=tmp_path)
    (tmp_path / "out.html").write_text(f"<p>{SECRET[3:20].replace(chr(39), '&#39;')}</p>")

    def verify(*words: str) -> tuple[int, str]:
        run = audit("verify-privacy", "--logs", "a.jsonl", *words, folder=tmp_path)
        assert SECRET[:8] not in run.out
        assert "jane" not in run.out
        return run.exit_code, run.out

    assert verify("--db", "bare.duckdb")[0] == 0
    code, out = verify("--db", "text.duckdb")
    assert code == 1
    assert "a.jsonl:1:request.messages.content is in text.duckdb" in out
    code, out = verify("--db", "named.duckdb")
    assert code == 1
    assert "a.jsonl:1:tag user is in named.duckdb:calls.tags: ja…oe (8 characters)" in out
    code, out = verify("out.html")
    assert code == 1
    assert "a.jsonl:1:request.messages.content is in out.html:1" in out
    assert verify("out.html", "--length", "18")[0] == 0


def test_a_tag_that_repeats_a_message_is_a_finding(tmp_path: Path) -> None:
    line = call("chatcmpl-1", "jane.doe")
    said = [{"role": "user", "content": "Of the merger with Globex Corporation say nothing."}]
    line["request"] = {**line["request"], "messages": said}  # type: ignore[dict-item]
    line["tags"] = {"step": "the merger with Globex", "use_case": "press releases"}
    write(tmp_path / "a.jsonl", [line])
    audit("ingest", "a.jsonl", "--db", "s.duckdb", folder=tmp_path)
    found = audit("verify-privacy", "--logs", "a.jsonl", "--db", "s.duckdb", folder=tmp_path)
    assert found.exit_code == 1
    assert "a.jsonl:1:tags.step is in s.duckdb" in found.out
    assert "press" not in found.out


def test_every_run_of_the_length_is_found() -> None:
    text = "the quick brown fox jumps over the lazy dog and runs away from it"
    for length in (6, 7, 12):
        for at in range(len(text) - length + 1):
            piece = text[at : at + length]
            for before in range(length):
                searched = Haystack([Searched("here", "~" * before + piece + "#")], length)
                found = [run.characters for run in searched.runs(text)]
                assert piece in found, (length, at, before)
    assert not list(Haystack([Searched("here", "~~the quick b~~")], 12).runs(text[:11]))


def test_what_is_ours_or_meant_to_be_shown_is_no_finding() -> None:
    words = Vocabulary(["gpt-3.5-turbo-0613"], "reported by the provider", 12)
    assert words.explains("gpt-3.5-turbo-0613, 2023-08-22 10:00:00")
    assert words.explains("reported by the provider: gpt-3.5-turbo-0613")
    assert not words.explains("gpt-3.5-turbo-0613 told Anna that")


def test_a_budget_of_a_user_is_found_under_the_pseudonym(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [call("chatcmpl-1", "jane"), call("chatcmpl-2", "bob")])
    (tmp_path / "audit.toml").write_text(
        '[nightly]\nlogs = ["a.jsonl"]\ndb = "s.duckdb"\noutput = "out"\nreports = ["summary"]\n'
        '[[budget]]\nname = "b"\nperiod = "month"\nlimit_usd = "0.001"\nwhere = { user = "jane" }\n'
    )
    run = audit("nightly", "--today", "2023-08-23", folder=tmp_path)
    assert run.exit_code == 4, run
    assert '"calls": 1' in (tmp_path / "out" / "nightly.json").read_text()
