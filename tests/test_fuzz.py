"""Every fixture of every format, made worse at random: nothing breaks, no line is lost.

The formats and their fixtures are found, not listed: a new one is tried as soon as it is there.
``pytest -m slow tests/test_fuzz.py`` draws more; FUZZ_DRAWS=100000 as many as one likes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.mutations import KINDS, VALUES, Change, Seed, all_formats, changed, seeds
from helpers.soundness import KEY, in_full, ingest_soundly, read_as_recognised, read_soundly
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from auditor.formats import known_formats
from auditor.pipeline import readers
from auditor.store import Store

DRAWS = int(os.environ.get("FUZZ_DRAWS", "0"))
PLACES = st.integers(0, (1 << 16) - 1)
CHANGES = st.lists(
    st.builds(
        Change,
        kind=st.integers(0, len(KINDS) - 1),
        at=PLACES,
        to=PLACES,
        value=st.integers(0, 2 * len(VALUES)),
    ),
    min_size=1,
    max_size=6,
)
NAMES = sorted({seed.format.name for seed in seeds()})


def of_format(name: str) -> tuple[Seed, ...]:
    return tuple(seed for seed in seeds() if seed.format.name == name)


def draws(few: int, many: int) -> settings:
    """A few the same every time, or many others; what fails is made smaller where one asked."""
    phases = set(Phase) if DRAWS else {Phase.explicit, Phase.generate}
    return settings(
        phases=phases,
        max_examples=DRAWS or (many if few == 0 else few),
        deadline=None,
        derandomize=few > 0,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def test_every_format_is_tried() -> None:
    assert {format.name for format in all_formats()} == set(NAMES)
    assert {format.name for format in known_formats()} <= set(NAMES)


def read_changed(name: str, place: int, changes: list[Change]) -> None:
    known = of_format(name)
    seed = known[place * len(known) >> 16]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / seed.name
        path.write_bytes(changed(seed, changes))
        read_soundly(seed.format, path)


@pytest.mark.parametrize("name", NAMES)
@draws(4, 4)
@given(PLACES, CHANGES)
def test_a_changed_file_is_read_or_refused_line_by_line(
    name: str, place: int, changes: list[Change]
) -> None:
    read_changed(name, place, changes)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@draws(0, 150)
@given(PLACES, CHANGES)
def test_many_changed_files_are_read_or_refused_line_by_line(
    name: str, place: int, changes: list[Change]
) -> None:
    read_changed(name, place, changes)


def taken_in(place: int, changes: list[Change]) -> None:
    """Recognised or refused; then as the format that it was, in columns and with its text."""
    seed = seeds()[place * len(seeds()) >> 16]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / seed.name
        path.write_bytes(changed(seed, changes))
        with Store.open(None, hash_key=KEY) as store:
            ingest_soundly(store, path, all_formats())
        told = []
        for keep_text in (False, True):
            with Store.open(None, hash_key=KEY) as store:
                ingest_soundly(store, path, all_formats(), chosen=seed.format, keep_text=keep_text)
                told.append(in_full(store))
        assert told[0] == told[1]


@draws(2, 2)
@given(PLACES, CHANGES)
def test_a_changed_file_is_taken_in_or_refused(place: int, changes: list[Change]) -> None:
    taken_in(place, changes)


@pytest.mark.slow
@draws(0, 150)
@given(PLACES, CHANGES)
def test_many_changed_files_are_taken_in_or_refused(place: int, changes: list[Change]) -> None:
    taken_in(place, changes)


@pytest.fixture
def small_tasks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if a few bytes were worth another process, and a file worth several."""
    monkeypatch.setattr(readers, "WORTH_BYTES", 0)
    monkeypatch.setattr(readers, "PART_BYTES", 600)
    yield


@pytest.mark.usefixtures("small_tasks")
@pytest.mark.parametrize(
    ("start", "few"), [(1, True), *(pytest.param(n, False, marks=pytest.mark.slow) for n in (1, 2))]
)
def test_two_processes_take_changed_files_in_as_one_does(
    start: int, few: bool, tmp_path: Path
) -> None:
    """A file of each fixture or of every tenth, those left out that are refused as a whole."""
    logs = tmp_path / "logs"
    logs.mkdir()
    for number, seed in enumerate(seeds()):
        if few and number % 10:
            continue
        place = (number * 7919 + start * 104_729) % 65_536
        one = Change(number * start, place, (place * 31) % 65_536, number + start)
        other = Change(number + start, (place * 17) % 65_536, place, number * start)
        path = logs / f"{number:03}-{seed.name}"
        path.write_bytes(changed(seed, [one, other]))
        if read_as_recognised(path, all_formats()) is None:
            path.unlink()
    told = []
    for jobs in (1, 2):
        with Store.open(None, hash_key=KEY) as store:
            done = ingest_soundly(store, logs, all_formats(), jobs=jobs)
            assert done is not None and done.tally.rejects and done.calls
            told.append(in_full(store))
    assert told[0] == told[1]


@pytest.mark.slow
def test_the_fuzzer_that_is_guided_by_coverage_runs_and_finds_nothing(tmp_path: Path) -> None:
    """Ten seconds of it, where atheris is there; by hand it goes on as long as one likes."""
    pytest.importorskip("atheris")
    command = [sys.executable, str(Path(__file__).with_name("coverage_fuzz.py"))]
    run = subprocess.run(
        [*command, "-max_total_time=10", "-rss_limit_mb=4096"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2_000:]
    runs = int(run.stderr.rpartition("Done ")[2].partition(" ")[0])
    assert runs > len(seeds())
