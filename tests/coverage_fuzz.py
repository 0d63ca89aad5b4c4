"""Fuzzes the format modules guided by what of them was run: ``pip install 'auditor[fuzz]'``.

``python tests/coverage_fuzz.py FOLDER -max_total_time=900`` goes on for 900 seconds, without that
until it is stopped. FOLDER keeps what found new ways, for the next time; the other options are
libFuzzer's. An input is the number of a format in one byte, and a file. What breaks is written to
``crash-*`` in the current folder, and ``python tests/coverage_fuzz.py crash-FILE`` tries it again.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parent)]

with atheris.instrument_imports(include=["auditor"]):
    from helpers.mutations import KINDS, Change, Seed, all_formats, changed, seeds
    from helpers.soundness import read_untimed

    FORMATS = all_formats()  # which imports them
    seeds()

PLACE = 1 << 16
LARGEST = 48_000


def inputs() -> dict[str, bytes]:
    """The fixtures as inputs, by a name."""
    numbers = {format.name: number for number, format in enumerate(FORMATS)}
    return {
        f"{seed.format.name}-{seed.name}": bytes([numbers[seed.format.name]]) + seed.content
        for seed in seeds()
        if len(seed.content) < LARGEST
    }


def try_one(path: Path, data: bytes) -> None:
    """Raises where a format breaks, or loses a line."""
    if data:
        path.write_bytes(data[1:])
        read_untimed(FORMATS[data[0] % len(FORMATS)], path)


def mutated(data: bytes, most: int, seed: int) -> bytes:
    """By bytes as libFuzzer does, or by lines, cells and fields."""
    rng = random.Random(seed)
    if len(data) < 2 or rng.random() < 0.4:
        found: bytes = atheris.Mutate(data, most)
        return found
    change = Change(
        rng.randrange(len(KINDS)), rng.randrange(PLACE), rng.randrange(PLACE), rng.randrange(1_000)
    )
    format = FORMATS[data[0] % len(FORMATS)]
    return (data[:1] + changed(Seed(format, "", data[1:]), [change]))[:most]


def main() -> None:
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="audit-fuzz-", dir=memory) as folder:
        path = Path(folder) / "log"
        own = Path(folder) / "fixtures"
        own.mkdir()
        for name, data in inputs().items():
            (own / name).write_bytes(data)
        one = any(Path(word).is_file() for word in sys.argv[1:])
        more = [] if one else [str(own), f"-max_len={LARGEST}", "-timeout=60"]
        atheris.Setup([*sys.argv, *more], lambda data: try_one(path, data), custom_mutator=mutated)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
