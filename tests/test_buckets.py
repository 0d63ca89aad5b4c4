"""Sums of a provider's own export: priced as sums, and never beside the calls that they sum."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from command import COMPLETE, audit
from helpers.logs import write
from helpers.runs import document, figures, question, stored
from helpers.sums import DAY, GROUPS, HOUR, Asked, at, page, write_page

from auditor.errors import AuditError
from auditor.pipeline import replay
from auditor.pipeline.closing import close
from auditor.pipeline.spans import month_of
from auditor.store import Store

MODELS = ("gpt-3.5-turbo-0613", "gpt-4-0613", "gpt-4o-2024-08-06", "gpt-5000")


def traffic(seed: int = 1, count: int = 60) -> list[Asked]:
    dice = random.Random(seed)
    return [
        Asked(
            at(dice.randrange(20, 30), dice.randrange(24), dice.randrange(60)),
            dice.choice(MODELS),
            sent := dice.randrange(1, 3_000),
            dice.randrange(1, 500),
            dice.choice((0, 0, sent // 2)),
            dice.choice("pq"),
        )
        for _ in range(count)
    ]


def logs(folder: Path, calls: Sequence[Asked]) -> Path:
    return write(folder / "logs.jsonl", [call.line(n) for n, call in enumerate(calls)])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("width", [DAY, HOUR, timedelta(minutes=1)])
def test_sums_cost_what_their_calls_cost(tmp_path: Path, seed: int, width: timedelta) -> None:
    calls = traffic(seed)
    sums = document(write_page(tmp_path / "usage.json", page(calls, width)), by=("day", "model"))
    single = document(logs(tmp_path, calls), by=("day", "model"))
    assert sums["actual"] == single["actual"]
    assert sums["unpriced"] == single["unpriced"]
    assert sums["scenarios"] == single["scenarios"]
    assert sums["coverage"]["counted"] == len(calls)
    assert sums["coverage"]["calls"] == 0
    assert sums["coverage"]["buckets"] == sums["coverage"]["lines"] <= len(calls)


def test_beside_single_calls_sums_are_set_aside(tmp_path: Path) -> None:
    calls = traffic()
    single, sums = logs(tmp_path, calls), write_page(tmp_path / "usage.json", page(calls))
    alone, summed, both = document(single), document(sums), document(single, sums)
    assert both["actual"] == alone["actual"]
    assert both["scenarios"] == alone["scenarios"]
    naive = int(alone["actual"]["input_tokens"]) + int(summed["actual"]["input_tokens"])
    assert naive == 2 * alone["actual"]["input_tokens"]
    coverage = both["coverage"]
    assert coverage["calls"] == coverage["counted"] == len(calls)
    assert coverage["set_aside"] == coverage["buckets"] == summed["coverage"]["buckets"]
    assert coverage["set_aside_requests"] == len(calls)
    done = audit("replay", str(single), str(sums), folder=tmp_path)
    said = " ".join(done.out.split())
    assert f"buckets of {len(calls)} requests set aside, in no figure: there are single" in said


def test_sums_of_days_without_calls_are_counted_beside_calls(tmp_path: Path) -> None:
    calls = traffic()
    early = [call for call in calls if call.at.day < 25]
    late = [call for call in calls if call.at.day >= 25]
    single = logs(tmp_path, early)
    sums = write_page(tmp_path / "usage.json", page(calls))
    (tmp_path / "whole").mkdir()
    both, whole = document(single, sums), document(logs(tmp_path / "whole", calls))
    assert both["actual"] == whole["actual"]
    coverage = both["coverage"]
    assert (coverage["counted"], coverage["summed_requests"]) == (len(calls), len(late))
    assert coverage["set_aside_requests"] == len(early)
    assert coverage["calls"] == len(early)


@pytest.mark.parametrize(
    "zone", ["America/Los_Angeles", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago"]
)
def test_a_day_of_utc_stays_that_day_in_every_zone(tmp_path: Path, zone: str) -> None:
    calls = [Asked(at(day, 12), MODELS[0], 100 * day, 10) for day in range(20, 26)]
    sums = write_page(tmp_path / "usage.json", page(calls))
    asked = {"by": ("day",), "zone": zone}
    assert document(sums, **asked)["actual"] == document(sums, by=("day",))["actual"]
    one = document(sums, **asked, from_date=date(2023, 8, 23), to_date=date(2023, 8, 24))
    assert one["actual"]["input_tokens"] == 2_300


def test_exports_that_are_cut_otherwise_are_the_same_requests(tmp_path: Path) -> None:
    calls = traffic()
    pages = [
        page(calls),
        page(calls, HOUR),
        page(calls, HOUR, (*GROUPS, "project_id")),
        page(calls, DAY, ("batch",)),
    ]
    right = document(write_page(tmp_path / "usage.json", pages[0]))
    for number, order in enumerate(list(itertools.permutations(range(len(pages))))[::5]):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        for place, chosen in enumerate(order):
            write_page(folder / f"{place}.json", pages[chosen])
        found = document(folder)
        for part in ("actual", "unpriced", "scenarios"):
            assert found[part] == right[part], order
        assert found["coverage"]["counted"] == len(calls)
        assert found["coverage"]["set_aside_requests"] == len(calls) * 3


def test_of_two_exports_of_a_day_the_fuller_counts(tmp_path: Path) -> None:
    calls = [Asked(at(21, hour), MODELS[0], 100, 10) for hour in range(24)]
    hours = page([call for call in calls if call.at.hour < 9], HOUR)
    found = document(write_page(tmp_path / "usage.json", hours, page(calls)))
    assert found["actual"]["input_tokens"] == 2_400
    assert found["coverage"]["set_aside"] == 9


def test_a_bucket_of_a_later_export_takes_the_place_of_itself(tmp_path: Path) -> None:
    calls = [Asked(at(21, hour), MODELS[0], 100, 10) for hour in range(24)]
    early = write_page(tmp_path / "a.json", page(calls[:10]))
    late = write_page(tmp_path / "b.json", page(calls))
    assert figures(document(early, late)) == figures(document(late))
    assert document(early, late)["coverage"]["duplicates"] == 1
    with stored(late, early) as store:
        assert store.rows("replay/sums") == [{"buckets": 1}]
        assert replay(store, question()).coverage["counted"] == 24


def test_rows_that_are_alike_but_for_their_sums_are_several(tmp_path: Path) -> None:
    one = page([Asked(at(21), MODELS[0], 100, 10)])
    one["data"][0]["results"] *= 2
    assert document(write_page(tmp_path / "usage.json", one))["actual"]["input_tokens"] == 200


def test_a_page_that_is_there_twice_is_one(tmp_path: Path) -> None:
    one = page(traffic())
    twice = document(write_page(tmp_path / "usage.json", one, one))
    assert twice["actual"] == document(write_page(tmp_path / "once.json", one))["actual"]
    assert twice["coverage"]["duplicates"] == twice["coverage"]["buckets"]


def test_whether_a_bucket_fits_is_judged_by_its_average_request(tmp_path: Path) -> None:
    short = [Asked(at(21), MODELS[0], 4_000, 96)] * 7
    long = [Asked(at(22), MODELS[0], 4_000, 97)] * 7
    found = document(write_page(tmp_path / "usage.json", page([*short, *long])))
    small = next(row for row in found["scenarios"] if row["name"] == "gpt-3.5-turbo-4k")
    assert (small["calls"], small["fits"], small["overflows"]) == (14, 7, 7)
    assert document(logs(tmp_path, [*short, *long]))["scenarios"] == found["scenarios"]


def test_reports_count_requests(tmp_path: Path) -> None:
    calls = traffic()
    write_page(tmp_path / "usage.json", page(calls))
    audit("ingest", "usage.json", "--db", "sums.duckdb", folder=tmp_path)
    asked = ("monthly", "coverage", "daily")
    audit("report", *asked, "--db", "sums.duckdb", "-o", "out", folder=tmp_path)
    rows = (tmp_path / "out" / "monthly.csv").read_text().splitlines()
    cells = dict(zip(rows[0].split(","), rows[1].split(","), strict=True))
    assert cells["calls"] == str(len(calls))
    assert ",0," in (tmp_path / "out" / "coverage.csv").read_text().splitlines()[1]


def test_a_bucket_is_explained_as_a_sum(tmp_path: Path) -> None:
    write_page(tmp_path / "usage.json", page([Asked(at(21), MODELS[0], 4_000, 97)] * 7))
    audit("ingest", "usage.json", "--db", "sums.duckdb", folder=tmp_path)
    done = audit("explain", "usage.json:1", "--db", "sums.duckdb", folder=tmp_path)
    assert done.exit_code == COMPLETE
    assert "a sum of 7 requests of completions, until 2023-08-22 00:00:00 UTC" in done.out
    average = "28,000 sent + 679 produced by 7 requests = 4,097 tokens each on the average"
    small = audit(
        *("explain", "usage.json:1", "--db", "sums.duckdb", "--scenario", "gpt-3.5-turbo-4k"),
        folder=tmp_path,
    )
    assert f"{average}: more than any of its windows" in small.out
    assert f"{average}, fits the window of 16,384" in done.out


def test_no_model_is_trained_on_sums(tmp_path: Path) -> None:
    with stored(write_page(tmp_path / "usage.json", page(traffic()))) as store:
        store.run("finetune/usable", from_date=None, to_date=None, zone="UTC")
        assert store._connection.execute("SELECT count(*) FROM usable").fetchall() == [(0,)]


def test_a_store_of_sums_is_not_closed(tmp_path: Path) -> None:
    with stored(write_page(tmp_path / "usage.json", page(traffic()))) as store:
        with pytest.raises(AuditError, match="closed by the provider"):
            close(store, question(), month_of("2023-08"), date(2023, 9, 1), lambda *_: True)
        assert store.rows("close/closings") == []


def test_a_closed_month_of_calls_stays_when_sums_arrive(tmp_path: Path) -> None:
    calls = traffic()
    path = tmp_path / "store.duckdb"
    audit("ingest", str(logs(tmp_path, calls)), "--db", str(path), folder=tmp_path)
    audit("close", "2023-08", "--db", str(path), "--allow-unpriced", "100%", folder=tmp_path)
    write_page(tmp_path / "usage.json", page(calls))
    words = ("replay", "usage.json", "--db", str(path), "--allow-unpriced", "60")
    done = audit(*words, folder=tmp_path)
    assert done.exit_code == COMPLETE, done.err
    with Store.open(path, to_read=True) as store:
        assert replay(store, question()).coverage["counted"] == len(calls)


def test_converted_calls_hold_no_sums(tmp_path: Path) -> None:
    write_page(tmp_path / "usage.json", page(traffic()))
    logs(tmp_path, traffic(2))
    done = audit("convert", ".", "-o", "calls.parquet", folder=tmp_path)
    assert done.exit_code == COMPLETE
    assert "Wrote 60 calls" in done.err
    assert "left out: sums of a provider's export are no calls" in done.err
    (tmp_path / "usage.json").unlink()
    single = document(tmp_path / "logs.jsonl")
    assert document(tmp_path / "calls.parquet")["actual"] == single["actual"]


def test_a_store_of_before_has_no_sums_and_takes_some(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    sums = write_page(tmp_path / "usage.json", page(traffic()))
    audit("ingest", str(logs(tmp_path, traffic())), "--db", str(path), folder=tmp_path)
    with Store.open(path) as store:
        expected = replay(store, question()).rows
        store._connection.execute("DROP TABLE buckets")
        store._connection.execute("UPDATE about SET schema_version = 3")
    content = path.read_bytes()
    with Store.open(path, to_read=True) as store:
        assert replay(store, question()).rows == expected
    assert path.read_bytes() == content
    audit("ingest", str(sums), "--db", str(path), folder=tmp_path)
    with Store.open(path, to_read=True) as store:
        assert store.rows("schema/about")[0]["schema_version"] == 6
        assert replay(store, question()).rows == expected
        assert replay(store, question()).coverage["set_aside"] > 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"input_cached_tokens": 101}, "cached tokens 101 are more than the 100 of the input"),
        ({"input_audio_tokens": 101}, "audio tokens 101 are more than the input has room for"),
        ({"output_audio_tokens": 11}, "audio tokens 11 are more than the 10 of the output"),
        ({"num_model_requests": 0}, "a sum of tokens that does not say of how many requests"),
        ({"input_tokens": "many"}, "a text of 4 characters is no count of tokens"),
        ({"input_tokens": -1}, "-1 is no count of tokens"),
    ],
)
def test_a_bucket_that_contradicts_itself_is_refused(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    broken = page([Asked(at(21), MODELS[0], 100, 10)])
    broken["data"][0]["results"][0].update(change)
    with stored(write_page(tmp_path / "usage.json", broken)) as store:
        assert [row["reason"] for row in store.rows("ingest/rejects", most=10)] == [reason]


def test_sums_of_something_else_are_refused_one_by_one(tmp_path: Path) -> None:
    """The answer of 2023 has sibling lists beside its tokens."""
    image = {"timestamp": 1692662400, "num_images": 2, "image_size": "1024x1024"}
    sums = {
        "aggregation_timestamp": 1692662400,
        "n_requests": 1,
        "snapshot_id": MODELS[0],
        "n_context_tokens_total": 100,
        "n_generated_tokens_total": 10,
    }
    answer = {"object": "list", "data": [sums], "dalle_api_data": [image], "ft_data": []}
    with stored(write_page(tmp_path / "usage.json", answer)) as store:
        assert [row["reason"] for row in store.rows("ingest/rejects", most=10)] == [
            "a sum of dalle_api_data, which no row of the book rates"
        ]


def test_audio_of_a_bucket_has_no_rate(tmp_path: Path) -> None:
    heard = page([Asked(at(21), MODELS[0], 100, 10)])
    heard["data"][0]["results"][0].update(input_audio_tokens=40, output_audio_tokens=5)
    found = document(write_page(tmp_path / "usage.json", heard))
    assert found["actual"]["unpriced"] == 1
    assert found["actual"]["cost_usd"] is None


def test_the_tier_of_a_bucket_is_what_it_is_grouped_by(tmp_path: Path) -> None:
    asked = [Asked(at(21), "gpt-4o-2024-08-06", 1_000, 100)]
    batch = page(asked)
    batch["data"][0]["results"][0]["batch"] = True
    found = document(write_page(tmp_path / "usage.json", batch), by=("tier",))
    assert [row["tier"] for row in found["actual"]["by"]] == ["batch"]


def test_an_export_of_a_time_without_requests_holds_nothing(tmp_path: Path) -> None:
    write_page(tmp_path / "usage.json", page([]))
    done = audit("replay", "usage.json", folder=tmp_path)
    assert done.exit_code == COMPLETE
    assert "There are no calls." in done.err
