"""The rooms of the house: who may import whom, how long a module is, what is forbidden."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import auditor

PACKAGE = Path(auditor.__file__).parent
MODULES = {
    ".".join(("auditor", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
MAX_LINES = 400

# A room may import itself and these. Leaves first.
LEAVES = {"errors", "records", "budgets", "limits"}
PACKED = {"bounded", "compression", "containers", "archives"}
BASE = {
    *LEAVES,
    *PACKED,
    "leftovers",
    "processes",
    "objects",
    "sql",
    "secret",
    "store",
    "walking",
    "partitions",
    "sources",
    "finding",
}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "records": set(),
    "budgets": set(),
    "sql": {"errors"},
    "leftovers": set(),
    "secret": {"errors", "leftovers"},
    "processes": {"errors"},
    "store": {"errors", "leftovers", "processes", "sql", "secret"},
    "limits": set(),
    "bounded": {"limits"},
    "compression": {"bounded", "limits"},
    "containers": {"bounded", "limits"},
    "archives": {"containers", "limits"},
    "objects": {"errors", "leftovers"},
    "walking": set(),
    "partitions": set(),
    "sources": {*PACKED, "errors", "leftovers", "limits", "objects", "walking"},
    "finding": {"errors", "limits", "objects", "partitions", "sources", "walking"},
    "config": {"errors", "budgets", "limits"},
    "terminal": {"errors"},
    "tokens": {*BASE},
    "workload": {*BASE, "tokens"},
    "privacy": {"records", "workload"},
    "prices": {*BASE},
    "formats": {*BASE},
    "scenarios": {*BASE, "prices"},
    "finetune": {*BASE, "tokens", "prices"},
    "pipeline": {
        *BASE,
        "formats",
        "tokens",
        "workload",
        "privacy",
        "scenarios",
        "prices",
        "finetune",
    },
    "engines": {
        *BASE,
        *PACKED,
        "formats",
        "prices",
        "pipeline",
    },
    "reports": {
        *BASE,
        "formats",
        "tokens",
        "workload",
        "scenarios",
        "prices",
        "finetune",
        "pipeline",
    },
    "session": {
        *BASE,
        "config",
        "terminal",
        "formats",
        "tokens",
        "workload",
        "scenarios",
        "prices",
        "finetune",
        "pipeline",
        "engines",
        "reports",
    },
    "cli": {"errors", "session"},
    "entry": {"cli"},
    "__main__": {"entry"},
}
ONLY_IN = {
    "duckdb": "store",
    "tiktoken": "tokens",
    "toktok": "tokens",
    "click": "cli",
    "filelock": "session",
    "obstore": "objects",
    "pyarrow": "engines",
    "pyspark": "engines",
}
# what reaches for the clock, the environment or the terminal
FORBIDDEN_BELOW_CLI = {
    "print",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "os.environ",
    "os.getenv",
    "random.random",
}


def tree_of(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def room_of(module: str) -> str:
    """``auditor.formats.base`` is in ``formats``; the package itself is in none."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imported_by(name: str) -> Iterator[str]:
    """Full names of what a module imports, wherever in it."""
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def project_imports(name: str) -> set[str]:
    rooms = {room_of(full) for full in imported_by(name) if full.split(".")[0] == "auditor"}
    return {room for room in rooms if room in MAY_IMPORT} - {room_of(name)}


def dotted(node: ast.expr) -> str:
    """``a.b`` of an attribute or a name, else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def test_every_room_is_known() -> None:
    rooms = {room_of(name) for name in MODULES} - {""}
    assert rooms == MAY_IMPORT.keys()


@pytest.mark.parametrize("name", MODULES)
def test_imports_run_one_way(name: str) -> None:
    if room_of(name):
        assert project_imports(name) <= MAY_IMPORT[room_of(name)]


def test_no_two_rooms_import_each_other() -> None:
    order = list(MAY_IMPORT)
    for room, allowed in MAY_IMPORT.items():
        assert all(order.index(other) < order.index(room) for other in allowed)


@pytest.mark.parametrize("name", MODULES)
def test_a_library_of_one_room_stays_in_it(name: str) -> None:
    libraries = {full.split(".")[0] for full in imported_by(name)}
    strangers = {lib for lib in libraries & ONLY_IN.keys() if ONLY_IN[lib] != room_of(name)}
    assert not strangers


@pytest.mark.parametrize("name", sorted(f"auditor.{leaf}" for leaf in LEAVES))
def test_a_leaf_imports_only_the_standard_library(name: str) -> None:
    libraries = {full.split(".")[0] for full in imported_by(name)}
    assert libraries <= sys.stdlib_module_names


@pytest.mark.parametrize("name", MODULES)
def test_a_module_fits_in_the_mind(name: str) -> None:
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def is_mutable(value: ast.expr) -> bool:
    if isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return True
    makers = {"list", "dict", "set", "bytearray", "defaultdict", "Counter", "deque"}
    return isinstance(value, ast.Call) and dotted(value.func).split(".")[-1] in makers


def is_constant_name(target: ast.expr) -> bool:
    name = dotted(target)
    return name.strip("_").isupper() or name == "__all__"


@pytest.mark.parametrize("name", MODULES)
def test_a_module_holds_no_state(name: str) -> None:
    """Lists, dicts and sets at module level are constants, in capitals."""
    state = []
    for node in tree_of(name).body:
        if isinstance(node, ast.Global):
            state.append("global")
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign) and "Mapping" not in ast.unparse(node.annotation):
            targets = [node.target]
        value = getattr(node, "value", None)
        if value is not None and is_mutable(value):
            state += [dotted(target) for target in targets if not is_constant_name(target)]
    assert not state


@pytest.mark.parametrize("name", MODULES)
def test_no_function_rebinds_a_name_of_its_module(name: str) -> None:
    assert not [node for node in ast.walk(tree_of(name)) if isinstance(node, ast.Global)]


@pytest.mark.parametrize(
    "name", [name for name in MODULES if room_of(name) not in ("cli", "__main__")]
)
def test_no_clock_no_environment_no_print_below_the_command_line(name: str) -> None:
    used = {
        dotted(node)
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.Name | ast.Attribute)
    }
    last_two = {".".join(use.split(".")[-2:]) for use in used}
    assert not last_two & FORBIDDEN_BELOW_CLI
