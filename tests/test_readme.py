"""The README is run: every console block prints what it says it prints.

Its table of formats is made from the formats. ``AUDIT_WRITE_README=1 pytest tests/test_readme.py``
writes the real output, and the table, into it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

import click
import pytest
from command import audit
from helpers import formats_table

from auditor.cli import cli
from auditor.formats import known_formats
from auditor.secret import IN_MEMORY

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.DOTALL | re.MULTILINE)
TOML = re.compile(r"(?<=^```toml\n)(.*?)(?=^```$)", re.DOTALL | re.MULTILINE)
TESTS = "pip install '.[test]' && pytest"
INSTALL = "pip install . && "


@pytest.fixture(scope="module")
def run_readme(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The README with the output of its commands as they print it now."""
    folder = tmp_path_factory.mktemp("readme")
    for name in ("logs", "home-made", "invoices"):
        shutil.copytree(ROOT / "fixtures" / name, folder / "fixtures" / name)
    shutil.copy(ROOT / "fixtures" / "home-made.toml", folder / "fixtures")
    (settings,) = (text for text in TOML.findall(README.read_text("utf-8")) if "[nightly]" in text)
    (folder / "audit.toml").write_text(settings, encoding="utf-8")
    listed = formats_table.formats_table(known_formats())
    readme = formats_table.BLOCK.sub(lambda _: listed, README.read_text("utf-8"))
    return BLOCK.sub(lambda block: _run_block(block[1], folder), readme)


def _run_block(block: str, folder: Path) -> str:
    commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"$ {command}\n{_output(command, folder)}" for command in commands)


def _output(command: str, folder: Path) -> str:
    if command == TESTS:
        return ""
    words = command.removeprefix(INSTALL)
    assert words.startswith("audit "), f"the README runs something else: {command}"
    # else the ids of workloads would be new in every store
    kept = "--db" in words or words == "audit nightly"
    environment = {"AUDIT_HASH_KEY": IN_MEMORY.decode()} if kept else {}
    _, *asked = shlex.split(words)
    done = audit(*asked, folder=folder, columns=80, env=environment, merged=True)
    assert done.exit_code == 0, f"{command} exits {done.exit_code}:\n{done.out}"
    return done.out


def test_the_readme_shows_what_its_commands_print(run_readme: str) -> None:
    if os.environ.get("AUDIT_WRITE_README"):
        README.write_text(run_readme, encoding="utf-8")
    assert README.read_text("utf-8") == run_readme


def test_the_readme_has_one_table_of_formats() -> None:
    assert len(formats_table.BLOCK.findall(README.read_text("utf-8"))) == 1


def test_the_readme_begins_with_a_run_of_the_shipped_month() -> None:
    first = BLOCK.search(README.read_text("utf-8"))
    assert first is not None
    assert first[1].startswith("$ pip install . && audit replay fixtures/logs\n")


def test_ci_runs_the_commands_of_the_readme() -> None:
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    readme = README.read_text("utf-8")
    assert "audit replay fixtures/logs" in ci
    assert ci.replace("--quiet ", "").splitlines()[-1] == TESTS
    assert f"$ {TESTS}\n" in readme


def _commands(group: click.Group, path: str) -> list[tuple[str, click.Command]]:
    found = []
    for name, command in group.commands.items():
        found.append((f"{path} {name}", command))
        if isinstance(command, click.Group):
            found += _commands(command, f"{path} {name}")
    return found


@pytest.mark.parametrize(("path", "command"), _commands(cli, "audit"))
def test_every_command_has_help_and_stands_in_the_readme(path: str, command: click.Command) -> None:
    readme = README.read_text("utf-8")
    assert command.help
    assert path in readme or f"`{path.split()[-1]}`" in readme
    for parameter in command.params:
        if isinstance(parameter, click.Option) and "--help" not in parameter.opts:
            assert parameter.help or parameter.opts == ["--format"], parameter.opts


def test_the_readme_names_every_option_and_exit_code() -> None:
    readme = README.read_text("utf-8")
    missing = {
        option
        for _, command in _commands(cli, "audit")
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if option.startswith("--") and option not in readme
    }
    assert missing <= {"--help", "--output"}
