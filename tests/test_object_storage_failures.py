"""What goes wrong with object storage is said by address, with what to do, and without secrets."""

from __future__ import annotations

import builtins
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from command import COMPLETE, ERROR, Run, audit
from helpers.logs import capture
from helpers.object_server import Door, ObjectServer, object_server

from auditor.errors import AuditError, SourceError
from auditor.objects import asking, is_address
from auditor.objects.address import address_of

LINE = f"{json.dumps(capture('a', '2023-08-22T10:00:00Z'))}\n".encode()


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectServer]:
    with object_server() as running:
        running.put("logs", "a.jsonl", LINE)
        yield running


@pytest.fixture
def objects(server: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> ObjectServer:
    soon = {
        "max_retries": 2,
        "retry_timeout": timedelta(seconds=10),
        "backoff": {"init_backoff": timedelta(milliseconds=1)},
    }
    monkeypatch.setattr(asking, "RETRIES", soon)
    server.asked.clear()
    server.faults.clear()
    return server


def replay(
    objects: ObjectServer, folder: Path, named: str, env: Mapping[str, str] | None = None
) -> Run:
    settings = {**objects.env, **(env or {})}
    return audit("replay", named, "--scenario", "gpt-4", folder=folder, env=settings)


def failing(
    status: int, times: int = 1000, code: str = "SlowDown", key: str = "a.jsonl"
) -> Callable[[Door, str, str], bool]:
    """A fault that answers so many requests for an object with an error."""
    left = [times]

    def fault(door: Door, how: str, path: str) -> bool:
        if how != "GET" or key not in path or not left[0]:
            return False
        left[0] -= 1
        body = f"<Error><Code>{code}</Code><Message>said by the server</Message></Error>"
        door.reply(status, body.encode(), {"Content-Length": str(len(body))})
        return True

    return fault


def test_a_passing_failure_is_tried_again(objects: ObjectServer, tmp_path: Path) -> None:
    objects.faults.append(failing(503, times=2))
    done = replay(objects, tmp_path, "s3://logs/a.jsonl")
    assert done.exit_code == COMPLETE, done
    assert objects.fetched() == ["a.jsonl"] * 3


@pytest.mark.parametrize(
    ("status", "code", "problem"),
    [
        (503, "SlowDown", "the store answers HTTP 503 (SlowDown)"),
        (403, "AccessDenied", "access is denied (AccessDenied)"),
        (403, "InvalidAccessKeyId", "access is denied (InvalidAccessKeyId)"),
        (301, "PermanentRedirect", "the bucket is elsewhere"),
        (404, "NoSuchKey", "vanished after it was listed"),
        (412, "PreconditionFailed", "changed after it was listed"),
    ],
)
def test_a_lasting_failure_names_the_address_and_what_to_do(
    objects: ObjectServer, tmp_path: Path, status: int, code: str, problem: str
) -> None:
    objects.faults.append(failing(status, code=code))
    done = replay(objects, tmp_path, "s3://logs/")
    assert done.exit_code == ERROR, done
    assert f"Error: s3://logs/a.jsonl: {problem}" in done.err
    assert "Hint: " in done.err
    assert "said by the server" not in done.err
    assert str(objects.port) not in done.err


def test_an_object_that_changes_between_listing_and_reading_is_an_error(
    objects: ObjectServer, tmp_path: Path
) -> None:
    def change(door: Door, how: str, path: str) -> bool:
        if "moving.jsonl" in path:
            objects.put("moves", "moving.jsonl", LINE * 2)
        return False

    objects.put("moves", "moving.jsonl", LINE)
    objects.faults.append(change)
    done = replay(objects, tmp_path, "s3://moves/")
    assert done.exit_code == ERROR
    assert "s3://moves/moving.jsonl: changed after it was listed" in done.err


def test_one_that_ignores_the_etag_is_found_out(objects: ObjectServer, tmp_path: Path) -> None:
    def other(door: Door, how: str, path: str) -> bool:
        if how != "GET" or "a.jsonl" not in path:
            return False
        door.reply(200, LINE, {"Content-Length": str(len(LINE)), "ETag": '"another"',
                               "Last-Modified": "Tue, 22 Aug 2023 10:00:00 GMT"})  # fmt: skip
        return True

    objects.faults.append(other)
    done = replay(objects, tmp_path, "s3://logs/")
    assert "s3://logs/a.jsonl: changed after it was listed" in done.err


def test_an_object_that_vanishes_is_an_error(objects: ObjectServer, tmp_path: Path) -> None:
    def vanish(door: Door, how: str, path: str) -> bool:
        if "gone.jsonl" in path:
            objects.delete("vanish", "gone.jsonl")
        return False

    objects.put("vanish", "gone.jsonl", LINE)
    objects.faults.append(vanish)
    done = replay(objects, tmp_path, "s3://vanish/")
    assert "s3://vanish/gone.jsonl: vanished after it was listed" in done.err


def test_an_answer_that_breaks_off_is_an_error_and_stores_nothing(
    objects: ObjectServer, tmp_path: Path
) -> None:
    def cut(door: Door, how: str, path: str) -> bool:
        if how != "GET" or "a.jsonl" not in path:
            return False
        etag = f'"{hashlib.md5(LINE, usedforsecurity=False).hexdigest()}"'
        door.reply(200, LINE[:100], {"Content-Length": str(len(LINE)), "ETag": etag,
                                     "Last-Modified": "Tue, 22 Aug 2023 10:00:00 GMT"})  # fmt: skip
        door.close_connection = True
        return True

    objects.faults.append(cut)
    done = audit("ingest", "s3://logs/", "--db", "a.duckdb", folder=tmp_path, env=dict(objects.env))
    assert done.exit_code == ERROR, done
    assert "s3://logs/a.jsonl: " in done.err
    assert "broke off" in done.err
    objects.faults.clear()
    done = audit("ingest", "s3://logs/", "--db", "a.duckdb", folder=tmp_path, env=dict(objects.env))
    assert "Read 1 file: 1 new call" in done.err


def test_a_store_that_cannot_be_reached(objects: ObjectServer, tmp_path: Path) -> None:
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = replay(objects, tmp_path, "s3://logs/", nowhere)
    assert "s3://logs/: the store cannot be reached" in done.err
    assert "Check the network and the endpoint" in done.err


def test_an_endpoint_without_tls_must_be_allowed(objects: ObjectServer, tmp_path: Path) -> None:
    done = replay(objects, tmp_path, "s3://logs/", {"AWS_ALLOW_HTTP": "false"})
    assert "the endpoint is one without TLS\nHint: Set AWS_ALLOW_HTTP=true" in done.err


def test_a_bucket_or_object_that_is_not_there(objects: ObjectServer, tmp_path: Path) -> None:
    assert "there is no such bucket" in replay(objects, tmp_path, "s3://nobody/").err
    done = replay(objects, tmp_path, "s3://logs/no")
    assert "s3://logs/no: there is no object here, and none below it" in done.err


def test_the_words_of_an_address_are_no_reason(objects: ObjectServer, tmp_path: Path) -> None:
    objects.put("redirect", "credential/account.jsonl", LINE)
    objects.faults.append(failing(500, code="InternalError", key="account.jsonl"))
    done = replay(objects, tmp_path, "s3://redirect/")
    assert "s3://redirect/credential/account.jsonl: the store answers HTTP 500" in done.err
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = replay(objects, tmp_path, "s3://redirect/credential/", nowhere)
    assert "the store cannot be reached" in done.err


def test_a_neighbour_that_tells_what_was_asked_must_be_fetched(
    objects: ObjectServer, tmp_path: Path
) -> None:
    folder = Path(__file__).resolve().parents[1] / "fixtures" / "formats" / "batch"
    found = [path for path in sorted(folder.rglob("*.jsonl")) if path.is_file()]
    pair = next(
        (one, two) for one in found for two in found
        if one.parent == two.parent and one != two and b'"response"' in one.read_bytes()
        and b'"method"' in two.read_bytes()
    )  # fmt: skip
    objects.put("pair", "output.jsonl", pair[0].read_bytes())
    objects.put("pair", "input.jsonl", pair[1].read_bytes())
    objects.faults.append(failing(503, key="input.jsonl"))
    done = replay(objects, tmp_path, "s3://pair/output.jsonl")
    assert "s3://pair/input.jsonl: the store answers HTTP 503" in done.err


def test_a_key_with_an_empty_part_is_named_as_what_it_is(
    objects: ObjectServer, tmp_path: Path
) -> None:
    objects.put("odd", "logs//a.jsonl", LINE)
    done = replay(objects, tmp_path, "s3://odd/")
    assert "s3://odd/: a key here has an empty part" in done.err


@pytest.mark.skipif(os.name != "posix", reason="needs SIGTERM")
def test_a_run_that_is_told_to_end_leaves_nothing_behind(
    objects: ObjectServer, tmp_path: Path
) -> None:
    reached = threading.Event()

    def slow(door: Door, how: str, path: str) -> bool:
        if "b.jsonl" in path:
            reached.set()
            time.sleep(0.5)
        return False

    objects.put("ended", "a.jsonl", LINE)
    objects.put("ended", "b.jsonl", LINE)
    objects.faults.append(slow)
    with subprocess.Popen(
        (sys.executable, "-m", "auditor", "replay", "s3://ended/"),
        cwd=tmp_path,
        env={**os.environ, **objects.env, "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
    ) as run:
        assert reached.wait(30)
        assert len(list(tmp_path.glob("audit-*/*"))) == 1
        run.send_signal(signal.SIGTERM)
        _, said = run.communicate(timeout=30)
    assert run.returncode == 143, said
    assert not list(tmp_path.iterdir())


def test_only_the_named_bucket_is_asked(objects: ObjectServer, tmp_path: Path) -> None:
    assert replay(objects, tmp_path, "s3://logs/").exit_code == COMPLETE
    assert {path.split("/")[1].partition("?")[0] for _, path in objects.asked} == {"logs"}


@pytest.mark.parametrize(
    "named",
    [
        "s3://someone:hunter2@logs/a.jsonl",
        "s3://hunter2@logs/",
        "https://logs.s3.amazonaws.com/a.jsonl?X-Amz-Signature=hunter2",
        "s3://logs/a.jsonl?X-Amz-Credential=x&X-Amz-Signature=hunter2",
        "az://logs/a.jsonl?sv=2023&sig=hunter2",
        "s3://logs?AWSAccessKeyId=hunter2",
        "https://someone:hunter2@example.org/a.jsonl",
    ],
)
def test_an_address_with_a_secret_is_refused_and_not_repeated(named: str, tmp_path: Path) -> None:
    done = audit("replay", named, folder=tmp_path)
    assert done.exit_code == ERROR
    assert "the address holds a user, a password or a signature" in done.err
    assert "hunter2" not in done.err + done.out


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ("https://example.org/logs", "audit does not read from such an address"),
        ("file:///logs", "audit does not read from such an address"),
        ("s3://", "the address names no bucket"),
        ("s3:///key", "the address names no bucket"),
        ("gs://no bucket/", "the address names no bucket"),
    ],
)
def test_a_wrong_address_is_an_error(named: str, problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        address_of(named)


@pytest.mark.parametrize(
    ("named", "parts"),
    [
        ("s3://logs", ("s3", "logs", "")),
        ("gs://a_b.c/2023/", ("gs", "a_b.c", "2023/")),
        ("AZ://$logs/a b.jsonl", ("az", "$logs", "a b.jsonl")),
        ("s3://logs/user@host.jsonl", ("s3", "logs", "user@host.jsonl")),
        ("s3://logs/day-?.jsonl", ("s3", "logs", "day-?.jsonl")),
    ],
)
def test_the_parts_of_an_address(named: str, parts: tuple[str, str, str]) -> None:
    address = address_of(named)
    assert (address.scheme, address.bucket, address.key) == parts


@pytest.mark.parametrize("path", ["logs", "C:\\logs", "a/s3:/b", "-", "://x", "s3:/b"])
def test_a_path_is_no_address(path: str) -> None:
    assert not is_address(path)


def test_azure_without_an_account_says_what_to_set(objects: ObjectServer, tmp_path: Path) -> None:
    done = replay(objects, tmp_path, "az://logs/")
    assert "az://logs/: the store is not set up" in done.err
    assert "AZURE_STORAGE_ACCOUNT_NAME" in done.err


def test_a_signature_in_the_environment_is_not_said(objects: ObjectServer, tmp_path: Path) -> None:
    azure = {
        "AZURE_STORAGE_ACCOUNT_NAME": "account",
        "AZURE_STORAGE_SAS_TOKEN": "sv=2023-08-03&sp=rl&sig=hunter2",
        "AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:9",
        "AZURE_ALLOW_HTTP": "true",
    }
    done = replay(objects, tmp_path, "az://logs/", azure)
    assert "az://logs/: the store cannot be reached" in done.err
    assert "hunter2" not in done.err + done.out


def test_without_the_extra_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: object) -> object:
        if name.split(".")[0] == "obstore":
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(AuditError) as error:
        asking.check_installed()
    assert error.value.hint == "pip install 'auditor[cloud]'"
    done = audit("replay", "s3://logs/", folder=tmp_path)
    assert "reading from object storage needs the package obstore" in done.err
    (tmp_path / "a.jsonl").write_bytes(LINE)
    assert audit("replay", "a.jsonl", folder=tmp_path).exit_code == COMPLETE
