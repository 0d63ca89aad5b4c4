"""Reading captures with text: 1 GB of JSON lines, plain and compressed."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import string
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import duckdb
import zstandard

from auditor.pipeline import cores
from benchmarks import stores
from benchmarks.races import Contestant, Race, Timed, Work
from benchmarks.texts import pieces

FILES = 8
GIGABYTE = 10**9
TEMPLATES = 24
SYSTEM, QUESTION, ANSWER = (7.6, 0.7), (5.2, 1.0), (5.8, 0.9)
BAD_EVERY = 5_000
BEGIN = datetime(2023, 8, 1, tzinfo=UTC)
LETTERS = string.ascii_letters + string.digits
TEXT = {
    "timestamp": "VARCHAR",
    "status_code": "INTEGER",
    "tags": "MAP(VARCHAR, VARCHAR)",
    "request": 'STRUCT(model VARCHAR, messages STRUCT("role" VARCHAR, content VARCHAR)[], '
    "max_tokens BIGINT, temperature DOUBLE)",
    "response": 'STRUCT(id VARCHAR, "object" VARCHAR, created BIGINT, model VARCHAR, '
    'choices STRUCT("index" INTEGER, message STRUCT("role" VARCHAR, content VARCHAR), '
    "finish_reason VARCHAR)[], usage STRUCT(prompt_tokens BIGINT, completion_tokens BIGINT, "
    "total_tokens BIGINT))",
}
COUNTS = {
    "timestamp": "VARCHAR",
    "request": "STRUCT(model VARCHAR, max_tokens BIGINT)",
    "response": "STRUCT(id VARCHAR, model VARCHAR, usage STRUCT(prompt_tokens BIGINT, "
    "completion_tokens BIGINT, total_tokens BIGINT))",
}


def races(folder: Path, scale: float) -> list[Race]:
    """The rows about captures."""
    plain = folder / "captures"
    packed = {"gz": pack_gzip, "zst": pack_zstd}
    if not plain.exists():
        write(plain, int(GIGABYTE * scale))
        for name, pack in packed.items():
            compress(plain, folder / name, name, pack)

    def ours(logs: Path) -> Contestant:
        return Contestant("ingesting:ours", {"logs": str(logs), "db": str(folder / "ours.duckdb")})

    def theirs(columns: str) -> Contestant:
        given = {"logs": str(plain), "db": str(folder / "theirs.duckdb"), "columns": columns}
        return Contestant("ingesting:theirs", given)

    work = f"ingest, JSONL captures with text, {scale:g} GB"
    return [
        Race(work, "DuckDB read_json, unchecked, with text", 1.5, ours(plain), theirs("TEXT")),
        Race(work, "the same, counts alone", float("inf"), ours(plain), theirs("COUNTS")),
        *(
            Race(
                f"ingest of .{name}",
                "plain ingest, or decompression alone",
                1.2,
                ours(folder / name),
                Contestant(
                    "ingesting:plain_or_unpacked",
                    {
                        "plain": str(plain),
                        "packed": str(folder / name),
                        "db": str(folder / "ours.duckdb"),
                    },
                ),
            )
            for name in packed
        ),
    ]


def write(folder: Path, size: int) -> None:
    """``size`` bytes of captures in FILES files: templates that repeat, questions that do not."""
    dice = random.Random(7)
    folder.mkdir(parents=True)
    lines = calls(dice)
    for number in range(FILES):
        written = 0
        with (folder / f"calls-{number}.jsonl").open("w", encoding="utf-8") as file:
            while written < size / FILES:
                written += file.write(next(lines))


def calls(dice: random.Random) -> Iterator[str]:
    """A line a call, without end; every BAD_EVERY-th breaks off."""
    templates = list(islice(pieces(dice, *SYSTEM), TEMPLATES))
    said = list(islice(pieces(dice, *QUESTION), 200_000))
    answers = cycle(islice(pieces(dice, *ANSWER), 100_000))
    place = 0
    while True:
        for asked in said:
            place += 1
            line = json.dumps(call(dice, templates, f"{place} {asked}", next(answers)))
            yield (line if place % BAD_EVERY else line[: len(line) // 2]) + "\n"


def call(dice: random.Random, templates: list[str], asked: str, answer: str) -> dict[str, Any]:
    """One capture."""
    place = int(len(templates) * dice.random() ** 2)
    system = templates[place]
    model = ("gpt-3.5-turbo-0613", "gpt-4-0613")[place % 2]
    at = BEGIN + timedelta(days=31) * dice.random()
    sent, made = (len(system) + len(asked)) // 4 + 10, len(answer) // 4 + 1
    usage = {"prompt_tokens": sent, "completion_tokens": made, "total_tokens": sent + made}
    messages = [{"role": "system", "content": system}, {"role": "user", "content": asked}]
    return {
        "timestamp": at.isoformat(),
        "request": {
            "model": model,
            "messages": messages,
            "temperature": 0.2,
            "max_tokens": 500,
        },
        "response": {
            "id": "chatcmpl-" + "".join(dice.choices(LETTERS, k=29)),
            "object": "chat.completion",
            "created": int(at.timestamp()),
            "model": model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": answer},
                    "finish_reason": "stop",
                }
            ],
            "usage": usage,
        },
        "status_code": 200,
        "tags": {"team": f"team-{place % 5}"},
    }


def compress(plain: Path, packed: Path, name: str, pack: Callable[[Path, Path], None]) -> None:
    """The files of a folder, each compressed."""
    packed.mkdir()
    for file in plain.iterdir():
        pack(file, packed / f"{file.name}.{name}")


def pack_gzip(file: Path, packed: Path) -> None:
    """As ``gzip`` does."""
    with file.open("rb") as plain, gzip.open(packed, "wb", compresslevel=6) as copy:
        shutil.copyfileobj(plain, copy, 1 << 20)


def pack_zstd(file: Path, packed: Path) -> None:
    """As ``zstd`` does."""
    with file.open("rb") as plain, packed.open("wb") as copy:
        zstandard.ZstdCompressor().copy_stream(plain, copy)


def ours(logs: str, db: str) -> Work:
    """An ingest into a new store."""
    store = Path(db)
    for file in store.parent.glob(f"{store.name}*"):
        file.unlink()

    def work() -> object:
        done = stores.ingested(store, Path(logs))
        return done.calls, done.tally

    return work


def theirs(logs: str, db: str, columns: str) -> Work:
    """The same files into a table, unchecked: a line that is broken is a row of nulls."""
    Path(db).unlink(missing_ok=True)
    listed = ", ".join(f"'{name}': '{kind}'" for name, kind in globals()[columns].items())

    def work() -> object:
        with duckdb.connect(db) as connection:
            connection.execute(
                f"CREATE TABLE calls AS FROM read_json('{logs}/*', format = 'newline_delimited', "
                f"columns = {{{listed}}}, ignore_errors = true)"
            )
        return ""

    return work


def plain_or_unpacked(plain: str, packed: str, db: str) -> Work:
    """What takes longer: an ingest of the plain files, or unpacking them alone."""
    reading = ours(plain, db)
    files = [str(file) for file in Path(packed).iterdir()]

    def work() -> object:
        begun = time.perf_counter()
        reading()
        read = time.perf_counter()
        with ProcessPoolExecutor(cores()) as pool:
            list(pool.map(unpack, files))
        return Timed(max(read - begun, time.perf_counter() - read), "")

    return work


def unpack(file: str) -> int:
    """The bytes in a compressed file."""
    size = 0
    opened: Any = gzip.open if file.endswith(".gz") else zstandard.open
    with opened(file) as stream:
        while block := stream.read(1 << 20):
            size += len(block)
    return size
