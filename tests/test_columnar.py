"""Tables of counts read as columns: the same calls, refusals and lines as read row by row."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from helpers.runs import book, formats
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.formats import Block, Format, Frame, columnar
from auditor.formats.mapped import from_mapping
from auditor.pipeline.counting import Gauge
from auditor.pipeline.frames import staged
from auditor.pipeline.placing import Placer
from auditor.pipeline.rows import call_frame, call_row
from auditor.records import Call, Context, Reading, Reject
from auditor.sources import LogFile

AZURE, BURST = (
    next(format for format in formats() if format.name == name)
    for name in ("azure-trace-2023", "burstgpt")
)
HEADERS = {
    "azure-trace-2023": ("TIMESTAMP", "ContextTokens", "GeneratedTokens"),
    "burstgpt": (
        "Timestamp",
        "Model",
        "Request tokens",
        "Response tokens",
        "Total tokens",
        "Log Type",
    ),
}
FULL = {
    "id": "id",
    "time": "at",
    "model": "model",
    "requested_model": "asked",
    "input": "in",
    "output": "out",
    "cached_input": "read",
    "cache_write": "wrote",
    "reasoning": "thought",
    "max_tokens": "limit",
    "cost": "usd",
    "tier": "tier",
    "status": "status",
    "failed": ["error", "429"],
    "tags": ["team", "feature", "task"],
    "input_bytes": "size",
}
COLUMNS = (
    *("id", "at", "model", "asked", "in", "out", "read", "wrote", "thought", "limit", "usd"),
    *("tier", "status", "team", "feature", "task", "size", "more"),
)
PLAIN = (
    *("call-1", "2023-08-22T10:00:00.123Z", "gpt-4-0613", "gpt-4", "100", "20", "10", "5", "3"),
    *("64", "0.0123", "batch", "ok", "desk", "search", "", "12", "x"),
)
PLAIN_ROW = dict(zip(COLUMNS, PLAIN, strict=True))

COUNTS = (
    *("0", "7", "007", "434.0", "434.", "434.00", "434.5", "-1", "+5", " 5 ", "1e3", "٣", "1_0"),
    *("", " ", "x", "1000000000000", "1000000000001", "999999999999", "9" * 17, "5\u00a0"),
)
TIMES = (
    "2023-08-22T10:00:00Z",
    "2023-08-22T10:00:00",
    "2023-08-22 10:00:00.9555000",
    "2023-02-30T10:00:00Z",
    "2023-08-22T10:00",
    "2023-08-22",
    "2023-08-22T24:00:00Z",
    "2023-08-22T23:59:60Z",
    "2023-08-22T10:00:00.Z",
    "2023-08-22T10:00:00.1234567890Z",
    "2023-08-22T10:00:00+00:00",
    "2023-08-22T10:00:00.5+02:00",
    "2023-08-22T10:00:00 UTC",
    "1969-12-31T23:59:59Z",
    "2199-12-31T23:59:59.999999Z",
    "2200-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "1692698400",
    "1692698400.123",
    "1692698400123",
    "1692698400123456",
    "638283092000000000",
    "16926984001234567890",
    "7258118400",
    "1e9",
    "-5",
    "٢023-08-22T10:00:00Z",
    "Tue 22 Aug 2023 10:00:00 GMT",
    "2023-03-12T02:30:00",
    "2023-11-05T01:30:00",
    "2023-11-05T01:30:00.25",
    "2023-8-22T10:00:00Z",
    " 2023-08-22T10:00:00Z ",
    "22/08/23 10:00",
    "99999999999",
    "soon",
    "",
)
AMOUNTS = (
    *("0.5", "00.5", "1e-7", "-1", "+1", ".5", "5.", "0", "1234567890", "0." + "1" * 25, "x"),
    *("0." + "1" * 24, "", " 1", "1,5", "NaN"),
)
TEXTS = ("", " ", "a", "é", "ok", "error", "429", "standard", "\u2028", "#", "null", "\x00", "\x85")
ODD = (
    *(
        b"",
        b"\r",
        b'"',
        b'"a"',
        b'""',
        b'"a,b"',
        b'"a\nb"',
        b'"a""b"',
        b'a"b',
        b"\xff",
        b",",
        b"\n",
    ),
    *(b"\xef\xbb\xbf", b"<<<<<<< HEAD", b"a\rb", b"\xed\xa0\x80", b'"open', b"\xc3", b"\n"),
)


@contextmanager
def table(content: bytes) -> Iterator[LogFile]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(content)
        yield LogFile(path, path.name)


class Found:
    """What is found in a table: rows of ``staged`` by line, refusals, lines that are no call."""

    def __init__(self) -> None:
        self._placer = Placer(b"key")
        self._gauge = Gauge(book(), {})
        self._frames: list[pl.DataFrame] = []
        self.rejects: list[Reject] = []
        self.context: list[Context] = []
        self.in_frames = 0

    def add(self, reading: Block | Frame | Reading) -> None:
        assert not isinstance(reading, Block)
        if isinstance(reading, Frame):
            self.in_frames += reading.calls.height
            self._frames.append(staged(reading, self._placer))
        elif isinstance(reading, Call):
            counted = self._gauge(reading)
            place = self._placer.place(reading, counted)
            row = call_row(reading, counted, place, self._placer.key, False)
            self._frames.append(call_frame([row], [reading.tags]))
        elif isinstance(reading, Reject):
            self.rejects.append(reading)
        else:
            self.context.append(reading)

    @property
    def calls(self) -> list[dict[str, Any]]:
        return pl.concat([call_frame([], []), *self._frames]).sort("line").to_dicts()

    @property
    def workloads(self) -> dict[str, Any]:
        return self._placer._workloads


def both(
    format: Format, content: bytes, block: int = 64, *, keep_text: bool = False
) -> tuple[Found, Found]:
    """What is found row by row, and in blocks of so many bytes."""
    assert format.blocks is not None
    with table(content) as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr(columnar, "BLOCK_BYTES", block)
        rows, columns = (Found() for _ in range(2))
        with file.open() as stream:
            for reading in format.read(file, stream):
                rows.add(reading)
        with file.open() as stream:
            for found in format.blocks(file, stream):
                columns.add(found)
    return rows, columns


def check_same(
    format: Format, content: bytes, block: int = 64, *, keep_text: bool = False
) -> tuple[Found, Found]:
    rows, columns = both(format, content, block)
    assert columns.calls == rows.calls
    assert sorted(columns.rejects, key=lambda one: one.line) == rows.rejects
    assert sorted(columns.context, key=lambda one: one.line) == rows.context
    assert columns.workloads == rows.workloads
    return rows, columns


def mapping(**more: Any) -> Format:
    return from_mapping("mine", {**FULL, **more}, "audit.toml")


def line(mark: str = ",", **cells: str) -> str:
    return mark.join({**PLAIN_ROW, **cells}.values()) + "\n"


HEAD = ",".join(COLUMNS) + "\n"


# --- every cell that is spelled in another way


@pytest.mark.parametrize(
    "column", ["in", "out", "read", "wrote", "thought", "limit", "size", "usd", "status"]
)
def test_every_spelling_of_a_cell(column: str) -> None:
    spellings = {"usd": AMOUNTS, "status": TEXTS}.get(column, COUNTS)
    lines = [line(**{column: text}) for text in spellings if "," not in text]
    _, columns = check_same(mapping(), (HEAD + "".join(lines)).encode(), 1 << 20)
    assert columns.in_frames


@pytest.mark.parametrize("zone", ["UTC", pytest.param("America/New_York", marks=pytest.mark.slow)])
@pytest.mark.parametrize("time_format", ["auto", "unix", "unix_ms", "%d/%m/%y %H:%M"])
def test_every_spelling_of_a_time(zone: str, time_format: str) -> None:
    """Whichever is the first, by which the others are guessed."""
    format = mapping(zone=zone, time_format=time_format)
    rest = "".join(line(at=text) for text in TIMES)
    for first in TIMES:
        check_same(format, (HEAD + line(at=first) + rest).encode(), 1 << 20)


def test_plain_lines_are_read_in_frames() -> None:
    """Else nothing is tested here, and nothing is fast."""
    content = (HEAD + line() + line(**{"in": "1"}) + line(id="", team="") + line() * 50).encode()
    _, columns = check_same(mapping(), content, 1 << 20)
    assert columns.in_frames == 52  # 1 sent is less than what was read from the cache
    assert len(columns.rejects) == 1


@pytest.mark.parametrize("outside", [[], ["cached_input"], ["cache_write", "reasoning"]])
def test_what_is_inside_what(outside: list[str]) -> None:
    lines = [
        line(**{"in": sent, "out": made})
        for sent in ["0", "1", "12", "15", "99"]
        for made in "0123"
    ]
    check_same(mapping(outside=outside), (HEAD + "".join(lines)).encode())


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_delimiter_with_and_without_a_header(mark: str, bare: bool, end: str) -> None:
    format = mapping(header=list(COLUMNS)) if bare else mapping()
    head = "" if bare else HEAD.replace(",", mark)
    content = head + line(mark) * 20 + line(mark, id="") * 3 + "\n" + line(mark)
    rows, columns = check_same(format, content.replace("\n", end).encode(), 1 << 20)
    assert len(rows.calls) == 24
    assert columns.in_frames == 24


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        "\n\n" + HEAD,
        ",,,\n" + HEAD + line(),
        HEAD.rstrip("\n"),
        HEAD + line().rstrip("\n"),
        HEAD + line() + line().rstrip("\n") + "\r",
        HEAD + line() + line().rstrip("\n") + ",",
        HEAD + line().replace(",x\n", "\n") + line().rstrip("\n") + ",",
        HEAD + line().replace(",x\n", "\n") + line().replace("x\n", "\n"),
        HEAD + "," * 17 + "\n" + line(),
        HEAD + " , " * 17 + "\n" + line(),
        HEAD.replace("more", "in") + line(more="9") + line(more=""),
        HEAD.replace("more", " in ") + line(more="9"),
        '"id"' + HEAD.removeprefix("id") + line() * 3,
        HEAD + line() + '"' + line() * 9,
        HEAD + line() + '"a\nb' + line() * 9 + line().replace("call-1", '"call\n1"') + line(),
        HEAD + line() + "\ufeff" + line() + line(),
        HEAD + "\ufeff" + line() + line(),
        HEAD + line() + line(id="a\rb") + line().replace("\n", "\r\n"),
        HEAD + line() + line(more="x\r") + line(),
        "id,in\n" + "a,1\n",
        "in\n1\n",
    ],
)
def test_tables_that_are_cut_or_joined_oddly(content: str) -> None:
    for block in (1, 40, 150, 1 << 20):
        check_same(mapping(), content.encode(), block)
        check_same(AZURE, content.encode(), block)


# --- drawn at random

cells = st.sampled_from([*COUNTS, *TIMES, *AMOUNTS, *TEXTS])


@st.composite
def hostile(draw: st.DrawFn, header: tuple[str, ...], plain: dict[str, str]) -> bytes:
    """Lines of which most are plain, with cells and bytes put where they do not belong."""
    lines: list[bytes] = []
    for _ in range(draw(st.integers(1, 12))):
        row = dict(plain)
        if draw(st.booleans()):
            row[draw(st.sampled_from(header))] = draw(cells)
        made = bytearray(",".join(row.values()).encode())
        if draw(st.integers(0, 3)) == 0:
            place = draw(st.integers(0, len(made)))
            made[place : place + draw(st.integers(0, 3))] = draw(st.sampled_from(ODD))
        lines.append(bytes(made) + draw(st.sampled_from((b"\n",) * 6 + (b"\r\n", b"\r", b"\n\n"))))
    return ",".join(header).encode() + b"\n" + b"".join(lines)


BURST_ROW = dict(
    zip(HEADERS["burstgpt"], ("5", "ChatGPT", "472", "18", "490", "API log"), strict=True)
)
AZURE_ROW = dict(
    zip(HEADERS["azure-trace-2023"], ("2023-11-16 18:01:50.9555000", "10", "4"), strict=True)
)
FEW = {"id": "id", "time": "at", "input": "in", "output": "out", "tags": ["task"]}
FEW_COLUMNS = ("id", "at", "in", "out", "task")
FEW_ROW = {name: PLAIN_ROW[name] for name in FEW_COLUMNS}


@pytest.mark.parametrize(
    ("format", "header", "plain"),
    [
        (AZURE, HEADERS["azure-trace-2023"], AZURE_ROW),
        (BURST, HEADERS["burstgpt"], BURST_ROW),
        (mapping(), tuple(COLUMNS), PLAIN_ROW),
        (from_mapping("mine", FEW, "audit.toml"), FEW_COLUMNS, FEW_ROW),
    ],
    ids=["azure", "burst", "full", "few"],
)
def test_hostile_tables(format: Format, header: tuple[str, ...], plain: dict[str, str]) -> None:
    @settings(max_examples=30, deadline=None)
    @given(hostile(header, plain), st.sampled_from((1, 60, 1 << 20)))
    def same(content: bytes, block: int) -> None:
        check_same(format, content, block)

    same()
