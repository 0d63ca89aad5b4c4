"""Tables that audit.toml describes: which columns mean what, to the last digit."""

from __future__ import annotations

import json
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from command import COMPLETE, audit

from auditor.errors import ConfigError
from auditor.formats.base import sample
from auditor.formats.mapped import KEYS, TableMapping, from_mapping
from auditor.records import Call, Reading, Reject
from auditor.sources import LogFile

COUNTS = {"input": "in", "output": "out"}


def read(tmp_path: Path, content: str, **mapping: Any) -> list[Reading]:
    """What the format that ``mapping`` describes reads out of a file."""
    path = tmp_path / "table"
    path.write_text(content, encoding="utf-8")
    file = LogFile(path, path.name)
    format = from_mapping("mine", mapping, "audit.toml")
    with file.open() as stream:
        return list(format.read(file, stream))


def only_call(readings: list[Reading]) -> Call:
    (call,) = [reading for reading in readings if isinstance(reading, Call)]
    return call


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_any_common_delimiter_is_found(mark: str, tmp_path: Path) -> None:
    call = only_call(read(tmp_path, f"in{mark}out\n7{mark}3\n", **COUNTS))
    assert call.usage is not None
    assert (call.usage.input_tokens, call.usage.output_tokens) == (7, 3)


def test_every_key_of_a_mapping_is_explained() -> None:
    assert KEYS.keys() == {field.name for field in fields(TableMapping)}


@pytest.mark.parametrize(
    ("line", "column", "found"),
    [
        ({"in": 7, "out": 3}, "in", 7),
        ({"usage": {"in": 7}, "out": 3}, "usage.in", 7),
        ({"usage.in": 7, "usage": {"in": 9}, "out": 3}, "usage.in", 7),
        ({"a": {"b": {"c": "7"}}, "out": 3}, "a.b.c", 7),
    ],
)
def test_a_dotted_name_reaches_into_objects(
    line: dict[str, Any], column: str, found: int, tmp_path: Path
) -> None:
    call = only_call(read(tmp_path, json.dumps(line), input=column, output="out"))
    assert call.usage is not None
    assert call.usage.input_tokens == found


@pytest.mark.parametrize("cost", ["0.1", "1e-7", "0.30000000000000004", "1.2345678901234567e-7"])
@pytest.mark.parametrize("quoted", [False, True])
def test_a_recorded_cost_of_json_keeps_its_digits(cost: str, quoted: bool, tmp_path: Path) -> None:
    written = f'"{cost}"' if quoted else cost
    line = f'{{"in": 7, "out": 3, "usd": {written}}}'
    call = only_call(read(tmp_path, line, **COUNTS, cost="usd"))
    assert call.recorded_usd is not None
    assert Decimal(call.recorded_usd) == Decimal(cost)


def test_recorded_costs_add_up_to_the_last_digit(tmp_path: Path) -> None:
    costs = ["0.1", "0.2", "1e-7", "0.00000000000000000003"]
    lines = (f'{{"in": 7, "out": 3, "usd": {cost}, "at": {n}}}' for n, cost in enumerate(costs, 1))
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    (tmp_path / "audit.toml").write_text(
        '[formats.mine]\ninput = "in"\noutput = "out"\ncost = "usd"\ntime = "at"\n'
    )
    args = ("replay", "log.jsonl", "--format", "json", "--allow-unpriced", "100%")
    run = audit(*args, folder=tmp_path)
    assert run.exit_code == COMPLETE
    assert json.loads(run.out)["actual"]["recorded_usd"] == str(sum(map(Decimal, costs)))


def test_a_file_needs_every_column_that_is_named(tmp_path: Path) -> None:
    rejects = read(tmp_path, "in\n7\n", **COUNTS)
    assert [type(reading) for reading in rejects if reading.line != 1] == [Reject]


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ({}, "names no counts"),
        ({"input": "in"}, "names no counts"),
        ({"input": "in", "answer": "text"}, "names no counts"),
        ({**COUNTS, "colour": "red"}, "has a key we do not know: colour"),
        ({**COUNTS, "model": ""}, "model must be the name of a column"),
        ({**COUNTS, "failed": [1]}, "failed must be a list of texts"),
        ({**COUNTS, "outside": ["input"]}, "outside may hold cached_input, cache_write, reasoning"),
        ({**COUNTS, "header": ["in"]}, "header lacks the column out"),
        ({**COUNTS, "zone": "Nowhere"}, "zone 'Nowhere' is no time zone we know"),
        ({**COUNTS, "zone": "../etc/passwd"}, "is no time zone we know"),
        ({**COUNTS, "time_format": "%Q"}, "is no pattern that strptime can read"),
        ({**COUNTS, "time_format": "iso"}, "is neither auto, unix, unix_ms nor a pattern"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(mapping: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as refused:
        from_mapping("mine", mapping, "audit.toml")
    assert str(refused.value).startswith("audit.toml: [formats.mine] ")


@pytest.mark.parametrize(
    ("outside", "meters"),
    [
        ([], (30, 4, 60, 10, 6)),
        (["cached_input"], (90, 4, 60, 10, 6)),
        (["cached_input", "cache_write"], (100, 4, 60, 10, 6)),
        (["reasoning"], (30, 10, 60, 10, 6)),
    ],
)
def test_what_is_inside_what_is_for_the_mapping_to_say(
    outside: list[str], meters: tuple[int, ...], tmp_path: Path
) -> None:
    parts = {"cached_input": "read", "cache_write": "wrote", "reasoning": "thought"}
    table = "in,out,read,wrote,thought\n100,10,60,10,6\n"
    usage = only_call(read(tmp_path, table, **COUNTS, **parts, outside=outside)).usage
    assert usage is not None
    assert meters == (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )


def test_a_table_without_header_is_known_by_its_width_and_counts(tmp_path: Path) -> None:
    mapping = from_mapping("mine", {**COUNTS, "header": ["in", "out", "what"]}, "audit.toml")
    claimed = {}
    for content in ("7,3,x\n", "7;3;x\n", "in,out,what\n", "7,3\n", "7,x,3\n", ""):
        path = tmp_path / "table"
        path.write_text(content, encoding="utf-8")
        claimed[content] = mapping.claims(sample(LogFile(path, path.name)))
    assert [content for content, claim in claimed.items() if claim] == ["7,3,x\n", "7;3;x\n"]
    readings = read(tmp_path, "7,3,x\n8,4,y\n", **COUNTS, header=["in", "out", "what"])
    assert [type(reading) for reading in readings] == [Call, Call]
