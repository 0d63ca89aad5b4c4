"""Fixtures made worse: bytes, lines, cells and fields that are lost, doubled, moved, retyped.

A ``Change`` is four numbers, so that hypothesis can draw and shrink it and a fuzzer can make it of
any bytes; ``changed`` does to a file what it says. The same changes of the same file give the same
bytes.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from golden_files import FIXTURES

from auditor import config
from auditor.formats import Format, known_formats
from auditor.formats.mapped import from_mapping

FORMATS = FIXTURES / "formats"
HOLE = "\ue000hole\ue000"  # where a value is put in as it is written: JSON cannot spell some
DEEP = 3_000
MOST_BYTES = 60_000  # of a seed; what is larger is cut at a line

VALUES: tuple[str, ...] = (  # as JSON, or what some take for it
    *("null", "true", "false", "0", "-0", "-1", "1", "0.5", "8.0", "1e3", "-0.0", "1e-400"),
    *("NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "1." + "3" * 400, "1e400000000"),
    *("9223372036854775807", "9223372036854775808", "18446744073709551616", "253402300800"),
    *("-9223372036854775809", "1692698400", "1692698400000000000", "621355968000000000"),
    *('""', '" "', '"0"', '"8"', '"-8"', '"1e3"', '"NaN"', '"\\u0000"', '"\\ud800"'),
    *("[]", "{}", "[[]]", "[{}]", "[null]", '{"": ""}', '{"\\ud800": 1}', "[" * 90 + "]" * 90),
    *('"1970-01-01T00:00:00Z"', '"2099-12-31T23:59:60Z"', '"2023-02-31T00:00:00Z"'),
    *('"0000-01-01"', '"9999-12-31T23:59:59-23:59"', '"10000-01-01"', '"2023-08-22T24:00:00Z"'),
    *('"\\u001b[31mred\\u001b[0m"', '"\'; DROP TABLE calls; --"', '"<script>1</script>"'),
    *('"=HYPERLINK(1)"', '"a\\r\\nb"', '"a,b;c\\td|e\\"f"', '"\\ufeff"', '"\\u202e\\u2028"'),
    *('"gpt-4-0613"', '"ft:gpt-3.5-turbo-0613:a::b"', '"data: [DONE]"', '"{\\"a\\": [1"'),
    *('{"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 11}', '{"$": 1}', "notjson"),
    *('{"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 9}', "[" * DEEP),
    *('{"a":' * DEEP + "1" + "}" * DEEP, '"\\udfff\\ud800"', "1692698400.9999999999"),
)
WORDS: tuple[bytes, ...] = (  # put between bytes, or as lines
    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n", b"\r\n", b"\n\n", b'"', b"\\", b"{", b"}"),
    *(b"[", b"]", b",", b";", b"\t", b"|", b":", b" ", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf"),
    *(b"<<<<<<< HEAD\n", b"=======\n", b">>>>>>> theirs\n", b"\n[\n", b"\n]\n", b"---\n", b"'"),
    *(b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh", b"PAR1", b"\x1b[2J", b"\x0b"),
    *(b"\x85", b"\xe2\x80\xa8", b"\xff\xfe", b"\x1c\x1d\x1e", b"data: {", b"null", b"\x0c"),
    *(b'{"a": 1}\n', b"&a [*a]", b"<<: *a\n", b"!!timestamp x\n", b"*a", b"&a "),
)


@dataclass(frozen=True)
class Seed:
    """A fixture of a format, as it is called and as it is."""

    format: Format
    name: str
    content: bytes


@dataclass(frozen=True)
class Change:
    """What is done (``kind``), where (``at`` and ``to``, of 65,536), and with what (``value``)."""

    kind: int
    at: int
    to: int
    value: int


@cache
def all_formats() -> tuple[Format, ...]:
    """Every format that ships, and those that the fixtures describe in an audit.toml."""
    own = config.load(FORMATS / "mapped" / "audit.toml", FORMATS).formats
    return (*known_formats(), *(from_mapping(name, own[name], "audit.toml") for name in own))


@cache
def seeds() -> tuple[Seed, ...]:
    """Every fixture, with each format that reads it: found by the folders, not by a list."""
    shipped = len(known_formats())
    return tuple(
        Seed(format, file.name, _shortened(file))
        for place, format in enumerate(all_formats())
        for file in sorted(
            (FORMATS / format.name).rglob("*")
            if place < shipped
            else (FORMATS / "mapped").glob(f"{format.name}.*")
        )
        if file.is_file() and not file.name.endswith((".expected.json", ".toml"))
    )


def _shortened(file: Path) -> bytes:
    content = file.read_bytes()
    if len(content) <= MOST_BYTES or b"\x00" in content:
        return content
    return content[: content.rindex(b"\n", 0, MOST_BYTES) + 1]


def changed(seed: Seed, changes: Iterable[Change]) -> bytes:
    """The seed after one change after another."""
    content = seed.content
    for change in changes:
        content = KINDS[change.kind % len(KINDS)](content, change)
    return content


def _place(at: int, size: int) -> int:
    return at * size >> 16


# --- bytes


def _flip(content: bytes, change: Change) -> bytes:
    if not content:
        return content
    at = _place(change.at, len(content))
    return content[:at] + bytes([content[at] ^ (1 << change.value % 8)]) + content[at + 1 :]


def _insert(content: bytes, change: Change) -> bytes:
    at = _place(change.at, len(content) + 1)
    return content[:at] + WORDS[change.value % len(WORDS)] + content[at:]


def _cut_out(content: bytes, change: Change) -> bytes:
    one, other = sorted(_place(at, len(content) + 1) for at in (change.at, change.to))
    return content[:one] + content[min(other, one + 1 + change.value % 99) :]


def _truncate(content: bytes, change: Change) -> bytes:
    return content[: _place(change.at, len(content) + 1)]


def _repeat_bytes(content: bytes, change: Change) -> bytes:
    one, other = sorted(_place(at, len(content) + 1) for at in (change.at, change.to))
    return content[:other] + content[one:]


# --- lines


def _of_lines(work: Callable[[list[bytes], Change], None]) -> Callable[[bytes, Change], bytes]:
    def change_lines(content: bytes, change: Change) -> bytes:
        lines = content.splitlines(keepends=True)
        if lines:
            work(lines, change)
        return b"".join(lines)

    return change_lines


def _drop_line(lines: list[bytes], change: Change) -> None:
    del lines[_place(change.at, len(lines))]


def _repeat_line(lines: list[bytes], change: Change) -> None:
    at = _place(change.at, len(lines))
    lines[at:at] = [lines[at]] * (1 + change.value % 3)


def _move_line(lines: list[bytes], change: Change) -> None:
    lines.insert(_place(change.to, len(lines)), lines.pop(_place(change.at, len(lines))))


def _put_line(lines: list[bytes], change: Change) -> None:
    lines.insert(_place(change.at, len(lines) + 1), WORDS[change.value % len(WORDS)] + b"\n")


def _splice(lines: list[bytes], change: Change) -> None:
    """A line of another fixture."""
    other = seeds()[change.value % len(seeds())].content.splitlines(keepends=True)
    if other:
        line = other[_place(change.to, len(other))]
        lines.insert(_place(change.at, len(lines) + 1), line)


# --- fields


def _of_values(
    work: Callable[[Any, Any, Change], str | None],
) -> Callable[[bytes, Change], bytes]:
    """A change of what a line, or else the file, says as JSON: of one value in it, however deep."""

    def change_value(content: bytes, change: Change) -> bytes:
        lines = content.splitlines(keepends=True)
        at = _place(change.at, len(lines)) if lines else 0
        before, after = b"".join(lines[:at]), b"".join(lines[at + 1 :])
        for part, around in (
            (b"".join(lines[at : at + 1]), (before, after)),
            (content, (b"", b"")),
        ):
            try:
                value = json.loads(part)
            except (ValueError, RecursionError):
                continue
            places = list(_places(value))
            if not places:
                return content
            holder, key = places[_place(change.to, len(places))]
            raw = work(holder, key, change)
            text = json.dumps(value)
            if raw is not None:
                text = text.replace(json.dumps(HOLE), raw)
            end = b"\n" if part.endswith(b"\n") else b""
            return around[0] + text.encode("utf-8", "surrogatepass") + end + around[1]
        return _change_cell(content, change)

    return change_value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every value in it: what holds it, and under which name or number."""
    if isinstance(value, dict | list):
        names = list(value) if isinstance(value, dict) else range(len(value))
        for name in names:
            yield value, name
            yield from _places(value[name])


def _retype(holder: Any, key: Any, change: Change) -> str:
    holder[key] = HOLE
    return VALUES[change.value % len(VALUES)]


def _drop_field(holder: Any, key: Any, _: Change) -> None:
    del holder[key]


def _rename(holder: Any, key: Any, change: Change) -> None:
    if isinstance(holder, dict):
        names = sorted(holder)
        holder[names[change.value % len(names)]] = holder.pop(key)
    else:
        holder.append(holder[key])


def _wrap(holder: Any, key: Any, change: Change) -> None:
    kind = change.value % 3
    holder[key] = [holder[key]] if kind == 0 else {"a": holder[key]}
    if kind == 2:
        holder[key] = json.dumps(holder[key])


def _say_twice(holder: Any, key: Any, change: Change) -> str | None:
    """A name twice in one object, the second with another value."""
    if not isinstance(holder, dict):
        holder.insert(key, holder[key])
        return None
    kept, holder[key] = holder[key], HOLE
    value = VALUES[change.value % len(VALUES)]
    return f"{json.dumps(kept)}, {json.dumps(key)}: {value}"


def _change_cell(content: bytes, change: Change) -> bytes:
    """A cell of a table with another value; what is no table stays as it is."""
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    at = _place(change.at, len(lines))
    try:
        text = lines[at].decode("utf-8")
        mark = max(",;\t|", key=text.count)
        cells = next(csv.reader([text], delimiter=mark), [])
    except (UnicodeDecodeError, csv.Error):
        return content
    if not cells:
        return content
    value = VALUES[change.value % len(VALUES)]
    cells[_place(change.to, len(cells))] = _unquoted(value)
    out = io.StringIO()
    csv.writer(out, delimiter=mark, lineterminator="\n").writerow(cells)
    lines[at] = out.getvalue().encode("utf-8", "surrogatepass")
    return b"".join(lines)


def _unquoted(value: str) -> str:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if isinstance(found, str) else value


KINDS: Sequence[Callable[[bytes, Change], bytes]] = (
    _of_values(_retype),
    _of_values(_drop_field),
    _of_values(_rename),
    _of_values(_wrap),
    _of_values(_say_twice),
    _of_values(_retype),
    _change_cell,
    _of_lines(_drop_line),
    _of_lines(_repeat_line),
    _of_lines(_move_line),
    _of_lines(_put_line),
    _of_lines(_splice),
    _flip,
    _insert,
    _cut_out,
    _truncate,
    _repeat_bytes,
)
