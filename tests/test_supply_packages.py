"""What is built for others: the files that belong in it and no others, the same bytes each time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from declared import ROOT, project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (ROOT / ".git").exists() or shutil.which("git") is None, reason="needs the checkout"
    ),
]

NAME = f"auditor-{project()['version']}"
WHEEL = f"{NAME}-py3-none-any.whl"
SDIST = f"{NAME}.tar.gz"
# in pyproject.toml: the lower end, and what is newest
BUILDERS = ("hatchling==1.25.0", "hatchling")
IN_SDIST = ("auditor", "benchmarks", "queries", "fixtures", "tests", "README.md", "CHANGELOG.md")
ADDED_TO_SDIST = {".gitignore", "PKG-INFO", "pyproject.toml"}
DIST_INFO = {"METADATA", "RECORD", "WHEEL", "entry_points.txt"}
# what a used checkout has lying about
LITTER = (
    "auditor/__pycache__/store.cpython-311.pyc",
    "auditor/august.duckdb",
    "auditor/august.duckdb.key",
    "queries/replay/build/old.sql",
    "tests/.hypothesis/examples/1",
    "tests/.pytest_cache/README.md",
    "fixtures/logs/august.duckdb.wal",
    "notes.txt",
    ".env",
    ".venv/pyvenv.cfg",
)


@dataclass(frozen=True)
class Built:
    """The two files, and which builder made them."""

    wheel: Path
    sdist: Path


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return listed.stdout.decode("utf-8").split("\0")[:-1]


def copied(folder: Path, *, litter: bool) -> Path:
    """The tracked files as they lie in the checkout, with or without what must not be built."""
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name, follow_symlinks=False)
    for name in LITTER if litter else ():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("secret", encoding="utf-8")
    return folder


def environment(folder: Path, *packages: str) -> Path:
    """The Python of a new environment that holds these packages."""
    venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True, env=plain())
    return python


def plain(**more: str) -> dict[str, str]:
    """The variables of this process without those of another environment's packages."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more}


def build(python: Path, checkout: Path) -> Built:
    subprocess.run(
        [python, "-m", "hatchling", "build"],
        cwd=checkout,
        env=plain(SOURCE_DATE_EPOCH="1577836800"),
        check=True,
        capture_output=True,
    )
    return Built(checkout / "dist" / WHEEL, checkout / "dist" / SDIST)


@pytest.fixture(scope="module", params=BUILDERS)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Built]:
    """Built in two places: from the tracked files, and from a checkout that was used."""
    folder = tmp_path_factory.mktemp("build")
    python = environment(folder / "builder", request.param)
    places = (copied(folder / "clean", litter=False), copied(folder / "used", litter=True))
    return [build(python, place) for place in places]


def below(names: Iterable[str]) -> set[str]:
    """The tracked files that are one of ``names`` or below it."""
    chosen = tuple(names)
    return {name for name in tracked() if name.split("/")[0] in chosen}


def test_the_wheel_holds_the_package_and_its_queries(both: list[Built]) -> None:
    info = f"{NAME}.dist-info"
    expected = {
        *below(["auditor"]),
        *(f"auditor/{name}" for name in below(["queries"])),
        *(f"{info}/{name}" for name in DIST_INFO),
    }
    for built in both:
        with zipfile.ZipFile(built.wheel) as wheel:
            assert sorted(wheel.namelist()) == sorted(expected)
            for name in sorted(expected):
                if not name.startswith(info):
                    source = name.removeprefix("auditor/") if "/queries/" in name else name
                    assert wheel.read(name) == (ROOT / source).read_bytes()


def test_the_sdist_holds_what_pyproject_says(both: list[Built]) -> None:
    expected = {f"{NAME}/{name}" for name in below(IN_SDIST) | ADDED_TO_SDIST}
    for built in both:
        with tarfile.open(built.sdist) as sdist:
            members = sdist.getmembers()
        assert sorted(member.name for member in members) == sorted(expected)
        assert all(member.isfile() for member in members)


def test_the_same_bytes_wherever_it_is_built(both: list[Built]) -> None:
    clean, used = both
    assert clean.wheel.read_bytes() == used.wheel.read_bytes()
    assert clean.sdist.read_bytes() == used.sdist.read_bytes()


@pytest.mark.parametrize("both", BUILDERS[-1:], indirect=True)
def test_what_the_sdist_installs_says_what_the_checkout_says(
    both: list[Built], tmp_path: Path
) -> None:
    python = environment(tmp_path / "installed", str(both[0].sdist))
    checked = subprocess.run([python, "-m", "pip", "check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    command = ["-m", "auditor", "replay", str(ROOT / "fixtures" / "logs"), "--format", "json"]
    said = [
        subprocess.run([one, *command], cwd=folder, env=plain(), capture_output=True, check=True)
        for one, folder in ((python, tmp_path), (Path(sys.executable), ROOT))
    ]
    assert said[0].stdout == said[1].stdout
    assert said[0].stdout
