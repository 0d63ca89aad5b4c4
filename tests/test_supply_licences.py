"""The README lists the licence of every package that audit brings, and of the data it ships.

``AUDIT_WRITE_README=1 pytest tests/test_supply_licences.py`` writes the tables from what is
installed; then read the difference before it is committed. Rows of an extra that goes into an
environment of its own are written there, with ``-m spark``, and stay as they are elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from declared import (
    APART,
    DEVELOPERS,
    ROOT,
    RUN,
    declared,
    extras_together,
    normalized,
    project,
    user_extras,
)
from packaging.requirements import Requirement

import auditor

README = ROOT / "README.md"
DATA = Path(auditor.__file__).parent / "tokens" / "data"
BEGIN = "<!-- dependencies: written by tests/test_supply_licences.py from what is installed -->\n"
END = "<!-- end of dependencies -->\n"
BLOCK = re.compile(f"(?<={re.escape(BEGIN)}).*?(?={re.escape(END)})", re.DOTALL)

# who says it in words of the classifiers of PyPI; "BSD License" is one of several
CLASSIFIED = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
OSI = "License :: OSI Approved :: "
SPDX = re.compile(r"(?!UNKNOWN)[A-Z][A-Za-z0-9.]+(-[A-Za-z0-9.]+)*( (AND|OR) [\w.-]+)*")
# only on Windows: its licence is as its own metadata say there
ELSEWHERE = {"tzdata": "Apache-2.0"}
FAMILIAR = {
    *("Apache-2.0", "Apache-2.0 AND CNRI-Python", "BSD-2-Clause", "BSD-3-Clause", "MIT"),
    *("MPL-2.0", "PSF-2.0"),
    # numpy, with the pieces of others in it
    "BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0",
}


# on a newer Python less is needed, and the list is the same
OLDEST = {"python_version": "3.11", "python_full_version": "3.11.0"}


def licence_of(package: Distribution) -> str:
    """As an SPDX expression. Raises ValueError where the metadata do not say it."""
    said = {name: _values(package, name) for name in ("License-Expression", "License")}
    classified = [
        value.removeprefix(OSI) for value in _values(package, "Classifier") if value.startswith(OSI)
    ]
    for values in said.values():
        if values and SPDX.fullmatch(values[0]):
            return values[0]
    if any(text.startswith("MIT License") for text in said["License"]):
        return "MIT"
    if said["License"] == ["3-Clause BSD License"]:
        return "BSD-3-Clause"
    if classified == ["BSD License"]:
        three = "neither the name of" in _licence_text(package).lower()
        return "BSD-3-Clause" if three else "BSD-2-Clause"
    if len(classified) == 1 and classified[0] in CLASSIFIED:
        return CLASSIFIED[classified[0]]
    raise ValueError(f"the licence of {package.name} {package.version} is not clear: {classified}")


def _values(package: Distribution, field: str) -> list[str]:
    return [str(value) for value in package.metadata.get_all(field) or ()]


def _licence_text(package: Distribution) -> str:
    files = [file for file in package.files or () if file.name.upper().startswith("LICENSE")]
    return "".join(" ".join(file.read_text(encoding="utf-8").split()) for file in files)


def brought(extras: tuple[str, ...]) -> dict[str, Distribution]:
    """All that the oldest Python needs for the project with these extras, by name, but itself."""
    found: dict[str, Distribution] = {}
    asked: set[tuple[str, tuple[str, ...]]] = set()

    def walk(name: str, extras: tuple[str, ...]) -> None:
        if (name, extras) in asked:
            return
        asked.add((name, extras))
        found[name] = distribution(name)
        for needed in map(Requirement, found[name].requires or ()):
            marker = needed.marker
            if any(marker is None or marker.evaluate(OLDEST | {"extra": e}) for e in ("", *extras)):
                walk(normalized(needed.name), tuple(sorted(needed.extras)))

    walk(str(project()["name"]), extras)
    del found[str(project()["name"])]
    return found


def licences_table(readme: str, installed: tuple[str, ...]) -> str:
    """A row for everybody and for each extra and licence; as it was where not ``installed``."""
    rows: list[str] = []
    for extra in (RUN, *user_extras()):
        rows += rows_of(extra) if extra in installed else written(extra, readme)
    return f"{_table(('for', 'licence', 'packages'), [])}{''.join(rows)}"


def written(extra: str, readme: str) -> list[str]:
    """The rows of an extra in the table of the README."""
    table = "".join(BLOCK.findall(readme))
    return re.findall(rf"^\| {re.escape(_label(extra))} \| .*\n", table, re.MULTILINE)


def _label(extra: str) -> str:
    return f"`{extra}`" if extra else "every run"


def rows_of(extra: str) -> list[str]:
    """The rows of an extra, or of what everybody gets; our own ranges in brackets."""
    ranges = {one.name: _range(one.low, one.high) for one in declared() if one.extra == extra}
    everybody = brought(())
    new = brought((extra,)).keys() - everybody.keys() if extra else everybody.keys()
    licences = {name: licence_of(distribution(name)) for name in new}
    if extra == RUN:
        licences |= ELSEWHERE
    rows = []
    for licence in sorted(set(licences.values())):
        names = sorted(name for name, its in licences.items() if its == licence)
        cells = ", ".join(f"{name}{ranges.get(name, '')}" for name in names)
        rows.append(f"| {_label(extra)} | {licence} | {cells} |\n")
    return rows


def _range(low: str, high: str) -> str:
    return f" ({high})" if high.startswith("==") else f" (>={low}{',' if high else ''}{high})"


def data_table() -> str:
    """A row for each file of others that audit ships."""
    rows: list[tuple[str, ...]] = [
        (f"`{path.relative_to(DATA.parents[1].parent).as_posix()}`", "MIT", f"`{_digest(path)}`")
        for path in sorted(DATA.glob("*.xz"))
    ]
    return _table(("data", "licence", "SHA-256"), rows)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def test_the_readme_lists_what_is_brought() -> None:
    the_readme_lists(RUN, *extras_together())


@pytest.mark.spark
@pytest.mark.parametrize("extra", APART)
def test_the_readme_lists_what_an_extra_apart_brings(extra: str) -> None:
    try:
        packages = brought((extra,)).values()
    except PackageNotFoundError as missing:
        pytest.skip(f"{missing.name} is not installed")
    the_readme_lists(extra)
    assert {licence_of(one) for one in packages} <= FAMILIAR


def the_readme_lists(*installed: str) -> None:
    readme = README.read_text(encoding="utf-8")
    now = f"{licences_table(readme, installed)}\n{data_table()}"
    if os.environ.get("AUDIT_WRITE_README"):
        readme = BLOCK.sub(lambda _: now, readme)
        README.write_text(readme, encoding="utf-8")
    assert BLOCK.findall(readme) == [now]
    assert all(written(extra, readme) for extra in installed)


@pytest.mark.parametrize("extra", APART)
def test_the_readme_lists_our_own_range_of_an_extra_apart(extra: str) -> None:
    told = "".join(written(extra, README.read_text(encoding="utf-8")))
    for one in declared():
        if one.extra == extra:
            assert f"{one.name}{_range(one.low, one.high)}" in told


def test_every_licence_is_one_we_know() -> None:
    licences = {licence_of(one) for one in brought(extras_together()).values()}
    assert licences <= FAMILIAR


def test_all_data_of_others_is_told_of_beside_it() -> None:
    told = (DATA / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in DATA.iterdir()} - {"README.md", "__init__.py", "__pycache__"}
    assert files == set(re.findall(r"^\| `(.+?)`", told, re.MULTILINE))
    assert "**Licence.** MIT" in told


def test_what_is_needed_elsewhere_alone_is_not_installed_here() -> None:
    """Else its licence is to be read, like that of the others."""
    assert not ELSEWHERE.keys() & brought(()).keys()
    assert ELSEWHERE.keys() == {
        one.name for one in declared() if one.marker and one.extra not in DEVELOPERS
    }
