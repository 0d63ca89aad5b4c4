"""Every format reads its fixtures: the readings lie beside each input as ``NAME.expected.json``.

The inputs name their cases: the id of a call, or the name of the file, says what is tried.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from golden_files import FIXTURES, assert_golden

from auditor import config
from auditor.formats import known_formats, recognise
from auditor.formats.base import Format
from auditor.formats.mapped import from_mapping
from auditor.records import Reading
from auditor.sources import LogFile

FORMATS = FIXTURES / "formats"
OWN = config.load(FORMATS / "mapped" / "audit.toml", FORMATS)
INPUTS = sorted(
    file
    for file in FORMATS.rglob("*")
    if file.is_file() and not file.name.endswith((".expected.json", ".toml"))
)


def name_of(file: Path) -> str:
    return file.relative_to(FORMATS).as_posix()


def log_file(file: Path) -> LogFile:
    return LogFile(file, file.name)


def all_formats() -> tuple[Format, ...]:
    own = (from_mapping(name, entries, "audit.toml") for name, entries in OWN.formats.items())
    return (*known_formats(), *own)


def readings_of(file: Path, format: Format) -> list[Reading]:
    log = log_file(file)
    with log.open() as stream:
        return list(format.read(log, stream))


def in_short(reading: Reading) -> dict[str, Any]:
    """A reading by the name of its class, without the fields that say nothing."""
    shown = {}
    for field in fields(reading):
        if not field.compare:
            continue
        value = getattr(reading, field.name)
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if value != default:
            shown[field.name] = plain(value)
    return {type(reading).__name__.lower(): shown}


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if hasattr(value, "__dataclass_fields__"):
        return in_short(value)[type(value).__name__.lower()]
    return value


@pytest.mark.parametrize("file", INPUTS, ids=name_of)
def test_a_fixture_is_recognised_and_read_as_expected(file: Path) -> None:
    format = recognise(log_file(file), all_formats())
    lines = [json.dumps(in_short(r), ensure_ascii=False) for r in readings_of(file, format)]
    listed = ",\n".join(lines)
    actual = f'{{"format": "{format.name}", "readings": [\n{listed}\n]}}\n'
    assert_golden(actual, file.with_name(f"{file.name}.expected.json"))


@pytest.mark.parametrize("file", INPUTS, ids=name_of)
def test_every_physical_line_is_read_once(file: Path) -> None:
    format = recognise(log_file(file), all_formats())
    readings = readings_of(file, format)
    spans = [range(reading.line, reading.line + reading.lines) for reading in readings]
    read = [line for span in spans for line in span]
    lines = len(file.read_bytes().splitlines()) if format.unit == "line" else len(readings)
    assert read == list(range(1, lines + 1))


@pytest.mark.parametrize("file", INPUTS, ids=name_of)
def test_a_fixture_is_claimed_by_the_format_of_its_folder(file: Path) -> None:
    folder = file.relative_to(FORMATS).parts[0]
    expected = OWN.formats.keys() if folder == "mapped" else {folder}
    assert recognise(log_file(file), all_formats()).name in expected


@pytest.mark.parametrize("format", known_formats(), ids=lambda format: format.name)
def test_every_format_has_a_folder_of_inputs_with_calls_and_rejects_expected(
    format: Format,
) -> None:
    expected = [
        reading
        for file in (FORMATS / format.name).rglob("*.expected.json")
        for reading in json.loads(file.read_text("utf-8"))["readings"]
    ]
    kinds = {kind for reading in expected for kind in reading}
    if format.holds == "nothing":
        assert kinds
        assert "call" not in kinds
    else:
        assert {"call", "reject"} <= kinds


@pytest.mark.parametrize("format", known_formats(), ids=lambda format: format.name)
def test_every_format_says_what_a_reader_must_know(format: Format) -> None:
    assert all((format.title, format.container, format.ids, format.times, format.counts))
    assert format.holds in ("a call", "a sum", "a call, or a sum", "nothing")
