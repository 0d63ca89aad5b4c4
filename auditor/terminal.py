"""What a run says and draws: results to standard output, everything else to standard error."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

from auditor.errors import printable

if TYPE_CHECKING:
    from rich.progress import TaskID

Render = Callable[[Console], None]


def show(render: Render) -> None:
    """Print what ``render`` draws: in colour to a terminal, else without trailing blanks."""
    console = Console(highlight=False)
    if console.is_terminal:
        render(console)
    else:
        sys.stdout.write(_captured(render, console))
        sys.stdout.flush()


def drawn(render: Render, width: int) -> str:
    """What ``render`` draws for a file of that width."""
    file = io.StringIO()  # is UTF-8, whatever the terminal is
    return _captured(render, Console(file=file, highlight=False, width=width, no_color=True))


def _captured(render: Render, console: Console) -> str:
    with console.capture() as captured:
        render(console)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def put(line: str) -> None:
    """One line of result on standard output."""
    sys.stdout.write(f"{printable(line)}\n")
    sys.stdout.flush()


def say(sentence: str) -> None:
    """One sentence on standard error."""
    Console(stderr=True, highlight=False).print(printable(sentence), markup=False, soft_wrap=True)


@contextmanager
def tasks() -> Iterator[Callable[[str, int, int], None]]:
    """Bars on standard error of what machines do: words, tasks done, tasks in all.

    Nothing where that is no terminal.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda *_: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        begun: dict[str, TaskID] = {}

        def told(words: str, done: int, total: int) -> None:
            if words not in begun:
                begun[words] = bar.add_task(words)
            bar.update(begun[words], completed=done, total=total or None)

        yield told


@contextmanager
def progress(total: int) -> Iterator[Callable[[int], None] | None]:
    """A bar on standard error while ``total`` bytes are read; None where that is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("read", total=total)
        yield lambda count: bar.advance(task, count)
