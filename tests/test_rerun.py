"""Reading a folder again: what is as it was is not opened, and whatever has changed is noticed."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from command import COMPLETE, ERROR, INTERRUPTED, audit
from helpers.logs import capture, write
from helpers.nights import night_folder, nightly

from auditor import archives, walking
from auditor.finding import find
from auditor.pipeline import Digests, digests
from auditor.pipeline import ingest as ingest_of
from auditor.sources import LogFile
from auditor.store import Store
from auditor.walking import Seen

KEY = {"AUDIT_HASH_KEY": "a key for the tests of re-runs"}
LONG_AGO = 10**18

needs_change_time = pytest.mark.skipif(
    not walking.HAS_CHANGE_TIME, reason="no time of change, so every file is read"
)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The files that are opened to be hashed, or to see whether they are archives."""
    opened: list[str] = []
    hashed, sniffed = LogFile.sha256, archives.is_zip

    def sha256(self: LogFile) -> str:
        opened.append(self.name)
        return hashed(self)

    def is_zip(path: Path) -> bool:
        opened.append(path.name)
        return sniffed(path)

    monkeypatch.setattr(LogFile, "sha256", sha256)
    monkeypatch.setattr(archives, "is_zip", is_zip)
    yield opened


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are taken to have been written long ago."""
    monkeypatch.setattr(digests, "CERTAIN_NS", -LONG_AGO)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        write(tmp_path / "logs" / f"{name}.jsonl", [capture(f"{name}-1"), capture(f"{name}-2")])
    return tmp_path / "logs"


def take_in(folder: Path, *args: str | Path, db: str = "s.duckdb", code: int = COMPLETE) -> str:
    done = audit("ingest", *args, "--keep-identities", "--db", db, folder=folder, env=KEY)
    assert done.exit_code == code, done
    return done.err


def calls_of(db: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(db), read_only=True) as connection:
        asked = "SELECT call_id, name, line FROM calls JOIN sources USING (source_id) ORDER BY ALL"
        return connection.sql(asked).fetchall()


def pack(path: Path, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            call = write(path.parent.parent / "unpacked.jsonl", [capture(name)])
            archive.write(call, name)


@needs_change_time
@pytest.mark.usefixtures("settled")
def test_what_is_as_it_was_is_not_opened(logs: Path, read: list[str]) -> None:
    pack(logs / "more.zip", "d.jsonl", "e.jsonl")
    first = take_in(logs.parent, "logs")
    assert "Read 5 files: 8 new calls" in first
    assert read
    read.clear()
    assert "0 rejects. 5 files known already." in take_in(logs.parent, "logs")
    assert "0 rejects. 5 files known already." in take_in(
        logs.parent, logs / ".." / "logs", "logs/a.jsonl"
    )
    assert not read


def appended(logs: Path) -> None:
    with (logs / "a.jsonl").open("ab") as file:
        file.write((logs / "b.jsonl").read_bytes().replace(b"b-", b"n-"))


def other_call_of_the_same_length(logs: Path) -> None:
    path = logs / "a.jsonl"
    path.write_bytes(path.read_bytes().replace(b"a-1", b"n-1"))


def and_its_time_put_back(logs: Path) -> None:
    path = logs / "a.jsonl"
    before = path.stat()
    other_call_of_the_same_length(logs)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced_by_a_file_as_old(logs: Path) -> None:
    path, other = logs / "a.jsonl", logs.parent / "other"
    before = path.stat()
    other.write_bytes(path.read_bytes().replace(b"a-1", b"n-1"))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def another_target_of_a_link(logs: Path) -> None:
    for name, call in (("old", "a-1"), ("new", "n-1")):
        write(logs.parent / name / "x.jsonl", [capture(call)])
    (logs / "x.jsonl").unlink(missing_ok=True)
    (logs / "x.jsonl").symlink_to(logs.parent / "new" / "x.jsonl")


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize(
    "change",
    [
        appended,
        other_call_of_the_same_length,
        and_its_time_put_back,
        replaced_by_a_file_as_old,
        another_target_of_a_link,
    ],
)
def test_a_change_is_noticed(change: Callable[[Path], None], logs: Path) -> None:
    take_in(logs.parent, "logs")
    take_in(logs.parent, "logs")
    change(logs)
    said = take_in(logs.parent, "logs")
    assert "Read 1 file: " in said
    assert "n-1" in {call for call, *_ in calls_of(logs.parent / "s.duckdb")}
    assert "Read 0 files: " in take_in(logs.parent, "logs")


@needs_change_time
@pytest.mark.usefixtures("settled")
def test_what_is_touched_moved_or_copied_is_read_and_known(logs: Path, read: list[str]) -> None:
    take_in(logs.parent, "logs")
    before = calls_of(logs.parent / "s.duckdb")
    (logs / "a.jsonl").touch()
    (logs / "b.jsonl").rename(logs / "moved.jsonl")
    shutil.copy2(logs / "c.jsonl", logs / "copy.jsonl")
    read.clear()
    said = take_in(logs.parent, "logs")
    assert "Read 0 files: 0 new calls, 0 duplicates, 0 rejects. 3 files known already." in said
    assert "logs/c.jsonl and logs/copy.jsonl are the same byte for byte" in said
    assert {"logs/a.jsonl", "logs/moved.jsonl", "logs/copy.jsonl"} == {
        name for name in read if "/" in name
    }
    assert calls_of(logs.parent / "s.duckdb") == before


@needs_change_time
@pytest.mark.usefixtures("settled")
def test_two_files_that_changed_places_are_read(logs: Path, read: list[str]) -> None:
    take_in(logs.parent, "logs")
    (logs / "a.jsonl").rename(logs / "x")
    (logs / "b.jsonl").rename(logs / "a.jsonl")
    (logs / "x").rename(logs / "b.jsonl")
    read.clear()
    take_in(logs.parent, "logs")
    assert {"logs/a.jsonl", "logs/b.jsonl"} == {name for name in read if "/" in name}


@pytest.mark.usefixtures("settled")
def test_a_second_run_says_what_a_run_that_reads_all_says(logs: Path) -> None:
    shutil.copy(logs / "a.jsonl", logs / "again.jsonl")
    (logs / "README.md").write_text("dear diary\n", encoding="utf-8")
    pack(logs / "more.zip", "LICENSE.jsonl", "d.jsonl")
    take_in(logs.parent, "logs", "--exclude", "d.jsonl")
    for given in (["--exclude", "*.zip*"], [], ["--exclude", "d.jsonl"]):
        shutil.copy(logs.parent / "s.duckdb", logs.parent / "t.duckdb")
        trusting = take_in(logs.parent, "logs", *given)
        assert trusting == take_in(logs.parent, "logs", *given, "--rehash", db="t.duckdb")
        assert "Left out logs/README.md: it is no log." in trusting
        assert "are the same byte for byte: read once." in trusting
        assert calls_of(logs.parent / "s.duckdb") == calls_of(logs.parent / "t.duckdb")
    assert "d.jsonl" in {call for call, *_ in calls_of(logs.parent / "s.duckdb")}


@pytest.mark.usefixtures("settled")
def test_what_is_found_is_the_same_with_and_without_the_store(logs: Path) -> None:
    pack(logs / "more.zip", "d.jsonl", "LICENSE", "z/e.jsonl")
    write(logs / "more.zip-1.jsonl", [capture("f")])
    (logs / "link").symlink_to(logs)
    (logs / "link.jsonl").symlink_to(logs / "a.jsonl")
    take_in(logs.parent, str(logs), "--exclude", "LICENSE")
    with Store.open(logs.parent / "s.duckdb", hash_key=KEY["AUDIT_HASH_KEY"].encode()) as store:
        known = find([str(logs)], index=Digests(store))
        assert known == find([str(logs)])
        assert [file.weight for file in known] == [file.size for file in known]
        assert [Digests(store).digest_of(file) for file in known] == [f.sha256() for f in known]


@needs_change_time
def test_a_file_that_has_just_been_written_is_read_again(logs: Path, read: list[str]) -> None:
    take_in(logs.parent, "logs")
    read.clear()
    take_in(logs.parent, "logs")
    assert {"logs/a.jsonl", "logs/b.jsonl", "logs/c.jsonl"} <= set(read)


@pytest.mark.parametrize(("age", "is_kept"), [(-1, False), (0, True)])
@pytest.mark.parametrize("newest", ["mtime_ns", "ctime_ns"])
def test_a_stamp_is_trusted_from_a_certain_age_on(
    newest: str, age: int, is_kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "HAS_CHANGE_TIME", True)
    monkeypatch.setattr(walking, "now_beside", lambda path: LONG_AGO)
    times = {"mtime_ns": 1, "ctime_ns": 1, newest: LONG_AGO - digests.CERTAIN_NS - age}
    seen = Seen("/logs/a.jsonl", True, size=3, **times)
    with Store.open(tmp_path / "s.duckdb", hash_key=b"k" * 16) as store:
        known = Digests(store)
        known.found(seen, None)
        assert (known.members_of(seen) is not None) is is_kept


@pytest.mark.usefixtures("settled")
def test_a_file_that_changes_while_it_is_hashed_is_not_trusted(
    logs: Path, monkeypatch: pytest.MonkeyPatch, read: list[str]
) -> None:
    hashed = LogFile.sha256

    def changing(self: LogFile) -> str:
        digest = hashed(self)
        if self.name == "logs/a.jsonl":
            appended(logs)
        return digest

    with monkeypatch.context() as patch:
        patch.setattr(LogFile, "sha256", changing)
        assert "changed while it was read" in take_in(logs.parent, "logs", code=ERROR)
    read.clear()
    assert "Read 3 files: 8 new calls" in take_in(logs.parent, "logs")
    assert "logs/a.jsonl" in read


@pytest.mark.usefixtures("settled")
def test_what_a_broken_off_run_did_not_store_is_read_by_the_next(
    logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules[ingest_of.__module__]
    done = module._take_in

    def broken_off(store: Store, source_id: int, *rest: object) -> None:
        done(store, source_id, *rest)
        if source_id == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_take_in", broken_off)
        patch.setattr(module, "BUNDLE_SOURCES", 1)
        take_in(logs.parent, "logs", code=INTERRUPTED)
    assert "Read 2 files: 4 new calls, 0 duplicates, 0 rejects. 1 file known already." in take_in(
        logs.parent, "logs"
    )
    take_in(logs.parent, "logs", db="undisturbed.duckdb")
    assert calls_of(logs.parent / "s.duckdb") == calls_of(logs.parent / "undisturbed.duckdb")


@needs_change_time
@pytest.mark.usefixtures("settled")
def test_two_folders_in_turn_are_both_known(logs: Path, read: list[str]) -> None:
    write(logs.parent / "other" / "a.jsonl", [capture("other")])
    for folder in ("logs", "other"):
        take_in(logs.parent, folder)
    read.clear()
    for folder in ("logs", "other", "logs"):
        assert "Read 0 files" in take_in(logs.parent, folder)
    assert not read


@pytest.mark.usefixtures("settled")
def test_a_store_of_an_older_audit_learns_it(logs: Path, read: list[str]) -> None:
    take_in(logs.parent, "logs")
    with duckdb.connect(str(logs.parent / "s.duckdb")) as connection:
        connection.execute("DROP TABLE digests")
    replayed = audit("replay", "--db", "s.duckdb", folder=logs.parent)
    assert replayed.exit_code == COMPLETE
    read.clear()
    assert "3 files known already" in take_in(logs.parent, "logs")
    assert read


@pytest.mark.usefixtures("settled")
def test_the_store_does_not_say_where_the_logs_lie(logs: Path) -> None:
    take_in(logs.parent, "logs")
    with duckdb.connect(str(logs.parent / "s.duckdb"), read_only=True) as connection:
        rows = connection.sql("SELECT * FROM digests").fetchall()
    assert len(rows) == 3
    assert str(logs.parent).encode() not in (logs.parent / "s.duckdb").read_bytes()


@pytest.mark.usefixtures("settled")
def test_without_a_time_of_change_every_file_is_read(
    logs: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "HAS_CHANGE_TIME", False)
    take_in(logs.parent, "logs")
    read.clear()
    assert "3 files known already" in take_in(logs.parent, "logs")
    assert {"logs/a.jsonl", "logs/b.jsonl", "logs/c.jsonl"} <= set(read)


@pytest.mark.usefixtures("settled")
def test_what_no_stamp_shows_is_found_by_rehash(
    logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Seen, "stamp", property(lambda seen: (seen.size,)))
    take_in(logs.parent, "logs")
    other_call_of_the_same_length(logs)
    assert "Read 0 files" in take_in(logs.parent, "logs")
    assert "Read 1 file: 1 new call, 1 duplicate" in take_in(logs.parent, "logs", "--rehash")
    other_call_of_the_same_length(logs)
    assert "3 files known already" in take_in(logs.parent, "logs")


@needs_change_time
@pytest.mark.usefixtures("settled")
def test_a_night_with_nothing_new_reads_nothing(tmp_path: Path, read: list[str]) -> None:
    folder = night_folder(tmp_path / "nights")
    assert nightly(folder).exit_code == COMPLETE
    read.clear()
    nightly(folder)
    assert not read
    nightly(folder, "--rehash")
    assert {"logs/2023-08-01.jsonl", "logs/2023-08-02.jsonl"} <= set(read)


def test_a_store_in_memory_keeps_nothing(logs: Path) -> None:
    with Store.open(None) as store:
        known = Digests(store)
        files = find([str(logs)], index=known)
        assert [known.digest_of(file) for file in files] == [file.sha256() for file in files]
        known.keep()
        assert "digests" not in {row["name"] for row in store.rows("schema/listing")}
