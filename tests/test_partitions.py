"""Files of days outside the asked period are not read, and no figure of the period changes."""

from __future__ import annotations

import json
import random
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote
from zoneinfo import ZoneInfo, available_timezones

import pytest
from command import COMPLETE, ERROR, Run, audit
from helpers.logs import Line, capture, embedding, failure, uncounted, write
from helpers.object_server import ObjectServer, object_server
from helpers.sums import Asked, page
from helpers.sums import at as moment

from auditor.partitions import DEFAULT, Pruning, day_of, folder_of

DAY = timedelta(days=1)
ALLOWED = ("--allow-rejects", "100%", "--allow-unpriced", "100%")
OF_THE_FILES = ("files", "lines", "calls", "counted", "outside_period")
FIRST = date(2023, 10, 22)  # the clocks of Europe go back on the 29th
LEFT_OUT = "Left out {}: the days of their folders lie outside the period."


# --- the rule


@pytest.mark.parametrize(
    ("day", "is_outside"),
    [
        ("2023-08-12", True),
        ("2023-08-13", False),  # some of its calls were made on the 14th, east of Greenwich
        ("2023-08-14", False),
        ("2023-08-20", False),
        ("2023-08-21", False),  # and some of these on the 20th, west of it
        ("2023-08-22", True),
    ],
)
def test_a_day_at_the_edge_of_the_period_is_read(day: str, is_outside: bool) -> None:
    pruning = Pruning(date(2023, 8, 14), date(2023, 8, 21))
    assert pruning.is_outside(f"date={day}") is is_outside


@pytest.mark.parametrize(
    "folder",
    [
        DEFAULT,
        "date=",
        "date=2023-02-30",
        "date=2023-8-1",
        "date=20230801",
        "date=2023-W31-2",
        "date=2023-08-01T00",
        "date=\u0662023-08-01",
        "Date=2023-08-01",
        "day=2023-08-01",
        "2023-08-01",
    ],
)
def test_what_names_no_day_is_always_read(folder: str) -> None:
    assert day_of(folder) is None
    assert not Pruning(date(2030, 1, 1), date(2030, 2, 1)).leaves_out(f"a/{folder}/b", "p", "n")


def test_only_folders_count_and_all_of_them() -> None:
    def leaves_out(path: str) -> bool:
        return Pruning(date(2023, 8, 10), date(2023, 8, 11)).leaves_out(path, path, path)

    assert leaves_out("date=2023-08-01/a.jsonl")
    assert leaves_out("/x/date=2023-08-01/team=a/deep/a.jsonl")
    assert leaves_out("date=2023-08-01/date=2023-09-01/a.jsonl")
    assert not leaves_out("date=2023-08-01/date=2023-08-10/a.jsonl")
    assert not leaves_out(f"date=2023-08-01/{DEFAULT}/a.jsonl")
    assert not leaves_out("logs/date=2023-08-01")
    assert not leaves_out("a.jsonl")


def test_without_a_period_and_at_the_ends_of_the_calendar_nothing_goes_wrong() -> None:
    for day in (date.min, date(2023, 8, 1), date.max):
        folder = folder_of(day)
        assert day_of(folder) == day
        assert not Pruning().is_outside(folder)
        assert Pruning(date.min).is_outside(folder) is False
        assert Pruning(None, date.max).is_outside(folder) is False
    assert Pruning(date.max).is_outside(folder_of(date.min))
    assert Pruning(None, date.min).is_outside(folder_of(date.max))


def test_no_call_of_the_period_is_in_a_folder_that_is_left_out() -> None:
    dice = random.Random(20230814)
    zones = sorted(available_timezones())
    left_out = kept_beyond = 0
    for _ in range(20_000):
        at = datetime(1970, 1, 2, tzinfo=UTC) + timedelta(seconds=dice.randrange(7_000_000_000))
        there = at.astimezone(ZoneInfo(dice.choice(zones))).date()
        begins = at.date() + DAY * dice.randint(-4, 4)
        ends = begins + DAY * dice.randint(1, 4)
        is_inside = begins <= there < ends
        is_outside = Pruning(begins, ends).is_outside(folder_of(at.date()))
        assert not (is_inside and is_outside), (at, there, begins, ends)
        left_out += is_outside
        kept_beyond += not is_outside and not is_inside
    assert left_out > kept_beyond / 2  # it does leave files out


# --- the law


def traffic(seed: int, count: int = 80) -> list[Line]:
    """Calls of all kinds in sixteen days, many of them near midnight, some without a time."""
    dice = random.Random(seed)
    lines: list[Line] = []
    for number in range(count):
        hour = dice.choice((*range(24), 0, 0, 10, 11, 13, 14, 23, 23))
        at = datetime(FIRST.year, FIRST.month, FIRST.day, hour, dice.randrange(60), tzinfo=UTC)
        said = (at + DAY * dice.randrange(16)).isoformat() if dice.random() < 0.9 else None
        more: dict[str, Any] = {"team": dice.choice((None, "desk", "search"))}
        model = dice.choice(("gpt-4", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-0613", "gpt-5000"))
        sent, made = dice.randrange(1, 9_000), dice.randrange(900)
        kind = dice.choice((capture,) * 7 + (failure, uncounted, embedding))
        if kind is capture:
            text = dice.choice(("Sort this order: ", "Write a letter. ")) * 9 + str(number)
            lines.append(capture(f"{seed}-{number}", said, model, sent, made, text=text, **more))
        elif kind is embedding:
            lines.append(embedding(said, "text-embedding-ada-002", sent, **more))
        else:
            lines.append(kind(f"{seed}-{number}", said, **more))
    return lines


def by_day(folder: Path, lines: list[Line]) -> Path:
    """Lines in folders by the day (UTC) of their time."""
    days: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        day = date.fromisoformat(line["timestamp"][:10]) if line["timestamp"] else None
        days[folder_of(day)].append(line)
    for name, held in days.items():
        write(folder / name / "calls.jsonl", held)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same calls as one file, as logs by day, and converted by day."""
    folder = tmp_path_factory.mktemp("partitions")
    lines = traffic(1)
    write(folder / "whole" / "calls.jsonl", lines)
    by_day(folder / "raw", lines)
    done = audit("convert", "whole", "-o", "calls", "--partition", folder=folder)
    assert done.exit_code == COMPLETE, done
    assert len(list((folder / "calls").iterdir())) == 17
    return folder


def figures(run: Run) -> dict[str, Any]:
    """A JSON result without what is about the files that were read."""
    found: dict[str, Any] = json.loads(run.out)
    del found["run"]
    for name in OF_THE_FILES:
        found.get("coverage", {}).pop(name, None)
    return found


def unpruned(*args: str | Path, folder: Path) -> Run:
    with patch.object(Pruning, "leaves_out", lambda *_: False):
        return audit(*args, folder=folder)


def periods(seed: int, count: int) -> Iterator[tuple[str, ...]]:
    dice = random.Random(seed)
    zones = ("UTC", "Europe/Berlin", "Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu")
    for number in range(count):
        begins = FIRST + DAY * dice.randint(-2, 16)
        ends = begins + DAY * dice.randint(1, 6)
        sides = (("--from", str(begins)), ("--to", str(ends)))
        asked = sides if number % 3 else (dice.choice(sides),)
        yield (*(word for side in asked for word in side), "--tz", zones[number % len(zones)])


@pytest.mark.parametrize(
    ("logs", "count"),
    [("raw", 6), ("calls", 6), pytest.param("raw", 60, marks=pytest.mark.slow)],
)
def test_figures_of_a_period_are_the_same_with_and_without_leaving_out(
    logs: str, count: int, folders: Path
) -> None:
    scenarios = ("--scenario", "gpt-4", "--scenario", "gpt-3.5-turbo-4k")
    shape = (*scenarios, "--by", "day,team,model,workload", "--format", "json", *ALLOWED)
    left_out = calls = 0
    for period in periods(count, count):
        pruned = audit("replay", logs, *period, *shape, folder=folders)
        every = unpruned("replay", logs, *period, *shape, folder=folders)
        whole = audit("replay", "whole", *period, *shape, folder=folders)
        assert figures(pruned) == figures(every) == figures(whole), period
        assert "Left out" not in every.err
        left_out += "Left out" in pruned.err
        calls += figures(pruned)["actual"]["calls"]
    assert left_out >= count / 2 and calls > 5 * count


def test_verdicts_of_a_period_are_the_same_with_and_without_leaving_out(folders: Path) -> None:
    shape = ("--format", "csv", *ALLOWED)
    for from_to in periods(3, 2):
        period = [word.replace("--to", "--until") for word in from_to]
        pruned = audit("finetune", "raw", *period, *shape, folder=folders)
        every = unpruned("finetune", "raw", *period, *shape, folder=folders)
        assert pruned.out == every.out, period
    assert "Left out" in audit("finetune", "raw", "--until", "2023-10-24", folder=folders).err


def test_sums_of_a_provider_give_way_to_calls_outside_the_period(tmp_path: Path) -> None:
    """A bucket of the last day reaches into the days behind it: then all is read."""
    export = page([])
    export["data"] = [bucket_over(8, 12)]
    (tmp_path / "logs" / "date=2023-08-08").mkdir(parents=True)
    (tmp_path / "logs" / "date=2023-08-08" / "usage.json").write_text(json.dumps(export))
    by_day(tmp_path / "logs", [capture("a", "2023-08-11T00:00:00Z")])
    asked = ("replay", "logs", "--to", "2023-08-09", "--format", "json", *ALLOWED)
    pruned = audit(*asked, folder=tmp_path)
    assert "1 file of days outside the period are read, too." in pruned.err
    assert figures(pruned) == figures(unpruned(*asked, folder=tmp_path))
    assert figures(pruned)["coverage"]["set_aside"] == 1
    (tmp_path / "logs" / "date=2023-08-11" / "calls.jsonl").unlink()
    assert figures(audit(*asked, folder=tmp_path))["actual"]["calls"] == 1


def bucket_over(first: int, end: int) -> dict[str, Any]:
    """A bucket of several days of August 2023."""
    (bucket,) = page([Asked(moment(first), "gpt-4-0613", 100, 10)])["data"]
    return {**bucket, "end_time": int(moment(end).timestamp())}


# --- what is left out


def test_what_is_left_out_is_not_opened(tmp_path: Path) -> None:
    by_day(tmp_path / "logs", [capture("a", f"2023-08-{day:02}T10:00:00Z") for day in (1, 20)])
    (tmp_path / "logs" / "date=2023-08-01" / "calls.jsonl").write_text("dear diary\n" * 99)
    (tmp_path / "logs" / "date=2023-08-02").mkdir()
    (tmp_path / "logs" / "date=2023-08-02" / "broken.zip").write_bytes(b"PK\x03\x04 broken")
    run = audit("replay", "logs", "--from", "2023-08-10", folder=tmp_path)
    assert run.exit_code == COMPLETE, run
    assert LEFT_OUT.format("2 files") in run.err
    assert audit("replay", "logs", "--from", "2023-08-02", folder=tmp_path).exit_code == ERROR


def test_an_archive_is_judged_by_the_folder_it_lies_in(tmp_path: Path) -> None:
    line = json.dumps(capture("a", "2023-08-20T10:00:00Z"))
    for day in ("2023-08-01", "2023-08-20"):
        (tmp_path / f"date={day}").mkdir()
        with zipfile.ZipFile(tmp_path / f"date={day}" / "a.zip", "w") as archive:
            archive.writestr("date=1999-01-01/a.jsonl", line)
    run = audit("replay", ".", "--from", "2023-08-10", folder=tmp_path)
    assert "Read 1 file: 1 new call," in run.err
    assert LEFT_OUT.format("1 file") in run.err


def test_a_period_without_files_has_no_calls(tmp_path: Path) -> None:
    by_day(tmp_path / "logs", [capture("a", "2023-08-20T10:00:00Z")])
    named = "logs/date=2023-08-20/calls.jsonl"
    for logs in ("logs", named, "logs/*/*.jsonl"):
        run = audit("replay", logs, "--to", "2023-08-01", folder=tmp_path)
        assert run.exit_code == COMPLETE, run
        assert LEFT_OUT.format("1 file") in run.err
        assert "There are no calls." in run.err


def test_what_is_excluded_is_not_counted_as_left_out(tmp_path: Path) -> None:
    by_day(tmp_path / "logs", [capture(str(d), f"2023-08-{d:02}T10:00:00Z") for d in (1, 2, 20)])
    asked = ("replay", "logs", "--from", "2023-08-10", "--exclude", "*=2023-08-01/*")
    assert LEFT_OUT.format("1 file") in audit(*asked, folder=tmp_path).err
    everything = audit(*asked, "--exclude", "*08-20/*", folder=tmp_path)
    assert everything.exit_code == COMPLETE, everything


def test_a_file_that_another_path_leads_to_is_read(tmp_path: Path) -> None:
    by_day(tmp_path / "logs", [capture("a", "2023-08-01T10:00:00Z")])
    (tmp_path / "logs" / "latest.jsonl").symlink_to("date=2023-08-01/calls.jsonl")
    run = audit("replay", "logs", "--from", "2023-08-10", folder=tmp_path)
    assert "Read 1 file: 1 new call," in run.err
    assert "Left out" not in run.err


def test_sources_are_called_the_same_whatever_is_left_out(tmp_path: Path) -> None:
    for day in (1, 20):
        line = capture(str(day), f"2023-08-{day:02}T10:00:00Z")
        write(tmp_path / f"date=2023-08-{day:02}" / "logs" / "a.jsonl", [line])
    named = ("date=2023-08-01/logs", "date=2023-08-20/logs")
    asked = ("replay", *named, "--from", "2023-08-10", "--by", "source", "--format", "csv")
    pruned = audit(*asked, folder=tmp_path)
    assert "Left out" in pruned.err
    assert pruned.out == unpruned(*asked, folder=tmp_path).out


def test_no_result_takes_the_place_of_a_log_that_was_left_out(tmp_path: Path) -> None:
    by_day(tmp_path / "logs", [capture(str(d), f"2023-08-{d:02}T10:00:00Z") for d in (1, 20)])
    log = tmp_path / "logs" / "date=2023-08-01" / "calls.jsonl"
    before = log.read_bytes()
    asked = ("replay", "logs", "--from", "2023-08-10", "--format", "csv", "-o", log)
    run = audit(*asked, folder=tmp_path)
    assert run.exit_code == ERROR and "is one of the logs" in run.err
    assert log.read_bytes() == before


def test_a_store_takes_in_what_was_left_out_when_it_is_asked_for(tmp_path: Path) -> None:
    by_day(tmp_path / "logs", [capture(str(d), f"2023-08-{d:02}T10:00:00Z") for d in (1, 20)])
    asked = ("replay", "logs", "--db", "a.duckdb")
    first = audit(*asked, "--from", "2023-08-10", folder=tmp_path)
    assert "Read 1 file: 1 new call," in first.err and LEFT_OUT.format("1 file") in first.err
    second = audit(*asked, folder=tmp_path)
    assert "Read 1 file: 1 new call, 0 duplicates, 0 rejects. 1 file known already." in second.err
    assert "Left out" not in second.err


def test_a_training_set_of_a_period_reads_its_days(tmp_path: Path) -> None:
    lines = [
        capture(f"c-{n}", f"2023-08-{day:02}T10:{n:02}:00Z", text=f"Sort the order {n}.")
        for day in (1, 20)
        for n in range(day, day + 15)
    ]
    by_day(tmp_path / "logs", lines)
    judged = audit("finetune", "logs", "--format", "json", folder=tmp_path)
    (workload,) = (row["workload"] for row in json.loads(judged.out)["workloads"])
    asked = ("finetune", "dataset", workload, "logs", "--from", "2023-08-10", "-o", "t.jsonl")
    pruned = audit(*asked, folder=tmp_path)
    assert LEFT_OUT.format("1 file") in pruned.err, pruned
    written = (tmp_path / "t.jsonl").read_bytes()
    assert unpruned(*asked, folder=tmp_path).out == pruned.out
    assert (tmp_path / "t.jsonl").read_bytes() == written


@pytest.fixture
def objects() -> Iterator[ObjectServer]:
    with object_server() as running:
        yield running


def test_objects_of_other_days_are_not_fetched(objects: ObjectServer, tmp_path: Path) -> None:
    for day in (1, 19, 20):
        line = json.dumps(capture(str(day), f"2023-08-{day:02}T10:00:00Z"))
        objects.put("lake", f"calls/date=2023-08-{day:02}/a.jsonl", f"{line}\n".encode())
    asked = ("replay", "s3://lake/calls/", "--from", "2023-08-20", "--format", "csv")
    run = audit(*asked, folder=tmp_path, env=dict(objects.env))
    assert run.exit_code == COMPLETE, run
    assert LEFT_OUT.format("1 file") in run.err
    days = ("calls/date=2023-08-19/a.jsonl", "calls/date=2023-08-20/a.jsonl")
    assert sorted({unquote(key) for key in objects.fetched()}) == list(days)
