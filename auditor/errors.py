"""The errors a person can meet. Imports nothing of the project.

Facts about data are rows (rejects, unpriced calls). Facts about the run are exceptions: every one
takes data, builds its own sentence, and must give a hint. The terminal translates them in one
place, ``cli.main``.
"""

from __future__ import annotations

from typing import Any


def printable(text: str) -> str:
    """Text fit for a terminal: control characters (colours, line ends) are written out."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


class AuditError(Exception):
    """The run cannot go on. ``str()`` says what is wrong, ``hint`` what to do about it."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint

    def __reduce__(self) -> Any:
        """As it is, from one process to another: what made it need not be told again."""
        return _again, (type(self), self.args, self.__dict__)


class LineError(AuditError):
    """A file that the user gave is wrong at one place: ``file:line: problem``."""

    def __init__(self, file: str, line: int | None, problem: str, *, hint: str) -> None:
        named = printable(file)  # a line end in it would begin a sentence of its own
        place = named if line is None else f"{named}:{line}"
        super().__init__(f"{place}: {problem}", hint=hint)
        self.file = file
        self.line = line
        self.problem = problem


class PriceBookError(LineError):
    """A price book or a table of names cannot be trusted as it stands."""


class ScenarioError(LineError):
    """A scenario file cannot be used as it stands."""


class ConfigError(LineError):
    """audit.toml cannot be used as it stands."""


class SourceError(LineError):
    """A log file cannot be read (missing, broken archive, not recognised)."""


class LimitError(SourceError):
    """A log file is beyond a limit, which ``key`` of ``[limits]`` in audit.toml sets."""

    def __init__(self, file: str, line: int | None, problem: str, *, key: str) -> None:
        hint = (
            f"If the file is honest, set {key} under [limits] in audit.toml higher; else leave it "
            "out with --exclude. Nothing of it was stored."
        )
        super().__init__(file, line, problem, hint=hint)
        self.key = key


class StoreError(AuditError):
    """The DuckDB file cannot be used (locked, newer, damaged, not ours)."""


class StoreBusyError(StoreError):
    """Another process has the DuckDB file open."""


class TokenizerError(AuditError):
    """An encoding cannot be loaded or does not match its published checksum."""


def _again(kind: type[AuditError], args: tuple[Any, ...], state: dict[str, Any]) -> AuditError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error
