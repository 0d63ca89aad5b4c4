"""Nothing is imported that is not declared, and what is in an extra only when it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from declared import (
    APART,
    DEVELOPERS,
    ROOT,
    RUN,
    Requirement,
    declared,
    extras_together,
    normalized,
    user_extras,
)

import auditor

SMALL = ROOT / "fixtures" / "small" / "logs"
PACKAGE = Path(auditor.__file__).parent
# rivals in the benchmarks, which leave out what is not installed
RIVALS = {"litellm"}
# what no module names: zoneinfo reads tzdata by itself, and there is no extra of it
UNNAMED = {"tzdata"}
# its releases are dates, and none of them is expected to break anything
DATED = {"tzdata"}
OURS = {path.stem for folder in ("tests", "fixtures") for path in (ROOT / folder).glob("*.py")} | {
    *("auditor", "benchmarks", "fixtures", "helpers", "tansy_rill")
}


@cache
def distributions() -> dict[str, set[str]]:
    """The distributions, by the names of what they let import; those of ``APART`` in any case.

    Both bring pyarrow, of releases that they know, and hand over data as it has them.
    """
    installed = {name: set(map(normalized, of)) for name, of in packages_distributions().items()}
    return {**installed, **dict.fromkeys(("pyspark", "pyarrow"), packages(*APART))}


def strange(names: set[str], allowed: set[str]) -> set[str]:
    """The names that neither the standard library, nor we, nor the allowed packages have."""
    foreign = names - sys.stdlib_module_names - OURS
    return {name for name in foreign if not distributions().get(name, {normalized(name)}) & allowed}


def packages(*extras: str) -> set[str]:
    return {one.name for one in declared() if one.extra in extras}


def imported(path: Path, *, at_once: bool = False) -> set[str]:
    """First parts of what a file imports, anywhere, or ``at_once``: when it is imported itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        name.partition(".")[0]
        for node in (_run_at_once(tree) if at_once else ast.walk(tree))
        for name in _names(node)
    }


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if called in ("import_module", "__import__", "find_spec", "importorskip", "needed"):
            yield str(node.args[0].value)


def _run_at_once(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below ``node`` that no function and no question about types holds back."""
    for below in ast.iter_child_nodes(node):
        held = isinstance(below, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if held or (isinstance(below, ast.If) and "TYPE_CHECKING" in ast.unparse(below.test)):
            continue
        yield below
        yield from _run_at_once(below)


def files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_a_module_imports_at_once_only_what_everybody_has() -> None:
    found = {path: strange(imported(path, at_once=True), packages(RUN)) for path in _package()}
    assert not {path: names for path, names in found.items() if names}


def test_a_module_imports_only_what_is_declared() -> None:
    allowed = packages(RUN, *user_extras())
    found = {path: strange(imported(path), allowed) for path in _package()}
    assert not {path: names for path, names in found.items() if names}


@pytest.mark.parametrize("folder", ["tests", "benchmarks", "fixtures"])
def test_what_tests_and_benchmarks_import_is_declared(folder: str) -> None:
    allowed = packages(RUN, *user_extras(), *DEVELOPERS)
    found = {path: strange(imported(path), allowed) - RIVALS for path in files(folder)}
    assert found
    assert not {path: names for path, names in found.items() if names}


def test_everything_declared_for_users_is_used() -> None:
    named = {name for path in _package() for name in imported(path)}
    used = {package for name in named for package in distributions().get(name, ())}
    assert packages(RUN, *user_extras()) - UNNAMED <= used


def _package() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("one", declared(), ids=lambda one: f"{one.extra}-{one.name}")
def test_a_range_has_two_ends(one: Requirement) -> None:
    assert one.low
    assert one.high or one.name in DATED


WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

absent = set(sys.argv[1].split(","))
sys.meta_path.insert(0, Absent())
sys.argv = ["audit", *sys.argv[2:]]
from auditor.cli import main
main()
"""


def importable(extra: str) -> str:
    """What only the packages of an extra let import."""
    own = packages(extra) - packages(RUN)
    return ",".join(sorted(name for name, of in distributions().items() if of & own))


def audit_without(extra: str, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", WITHOUT, importable(extra), *words]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True)


# what asks for the packages of each extra
NEEDS = {
    "cloud": ("replay", "s3://bucket/logs"),
    "genai-prices": ("prices", "import", "genai-prices", "-o", "book.csv"),
    "page": ("report", "--db", "no.duckdb", "--html", "-o", "page.html"),
    "redact": ("finetune", "dataset", "any", str(SMALL), "-o", "made.jsonl", "--redact"),
    "spark": ("replay", str(SMALL), "--engine", "spark"),
    "vcr": ("replay", str(ROOT / "fixtures/formats/vcr/vcrpy.yaml")),
}
# what is merely faster with them
FASTER = {"fast": ("replay", str(SMALL))}


def test_every_extra_is_tried() -> None:
    assert {*extras_together(), "spark"} == NEEDS.keys() | FASTER.keys()


@pytest.mark.parametrize("extra", NEEDS)
def test_without_an_extra_the_error_names_it(extra: str, tmp_path: Path) -> None:
    ended = audit_without(extra, *NEEDS[extra], folder=tmp_path)
    assert ended.returncode == 1, ended
    assert ended.stdout == ""
    assert f"pip install 'auditor[{extra}]'" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extra", FASTER)
def test_without_what_is_merely_faster_it_runs(extra: str, tmp_path: Path) -> None:
    ended = audit_without(extra, *FASTER[extra], folder=tmp_path)
    assert ended.returncode in (0, 3), ended
    assert ended.stdout


def test_the_oldest_releases_are_tried_with_every_extra() -> None:
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert f"\nextras={','.join(extras_together())}\n" in run


def test_every_extra_apart_is_tried_in_an_environment_of_its_own() -> None:
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for extra in APART:
        assert f"'.[{extra}]'" in run
