"""Kills ``audit`` at random moments, looks at what is left, and lets the next run finish.

A story is a command in a folder. It is killed several times on its way, then left alone. After
every kill the store opens, its sources are the first so many of an undisturbed run, each with all
its calls or not there, and a result is the old one or the new one, never a part. In the end the
folder holds what an undisturbed run leaves, byte for byte, and nothing else.
"""

from __future__ import annotations

import gzip
import json
import random
import shutil
import signal
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from auditor.errors import StoreError
from auditor.finding import find
from auditor.pipeline import ingest, replay
from auditor.pipeline.counting import Gauge
from auditor.reports.files import as_csv, as_json
from auditor.reports.folder import MANIFEST
from auditor.store import Store
from helpers.logs import capture, write
from helpers.nights import KEY, add_day, night_folder
from helpers.runs import book, formats, question
from helpers.starter import Ended, Starter

DB = "s.duckdb"
SAME_ANYWHERE = ("sources", "calls", "rejects", "buckets", "texts")
FORGOTTEN = ("digests", "fetched")  # what a file is known by depends on when it was made
KEYED = ("calls", "workloads", "heads", "parts", "fingerprints")  # hold hashes of what is in logs
SAID = "Interrupted. What was stored before stays.\n"
CODES = {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143}
Rows = dict[str, list[str]]

INGEST = ("ingest", "logs", "--db", DB, "--jobs", "1", "--allow-rejects", "100%")
ALLOWED = ("--allow-rejects", "100%", "--allow-unpriced", "100%")
REPLAY = ("replay", "--scenario", "gpt-4", *ALLOWED)
DAYS = ("convert", "logs/a.jsonl", "-o", "days", "--partition", "--allow-rejects", "100%")


@dataclass(frozen=True)
class Story:
    """A command in a folder that the commands ``before`` it have made.

    ``fills`` is the store that it takes logs into, ``closes`` the one of which it closes a month,
    ``result`` what it writes, a file or folder. ``weight`` says how often it is told.
    """

    name: str
    command: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()
    fills: str | None = None
    closes: str | None = None
    result: str | None = None
    parted: bool = False
    keyed: bool = True
    nights: int = 0
    weight: int = 2


STORIES = (
    Story("ingest", INGEST, fills=DB, weight=8),
    Story("ingest, new hash key", INGEST, fills=DB, keyed=False, weight=4),
    Story("ingest, 2 jobs", (*INGEST[:5], "2", *INGEST[6:]), fills=DB, parted=True, weight=2),
    Story("ingest --keep-text", (*INGEST, "--keep-text"), fills=DB, weight=1),
    Story("replay --db", (*REPLAY, "--db", DB, "-o", "r.csv", "--format", "csv"), (INGEST,),
          result="r.csv"),
    Story("replay LOGS", (*REPLAY, "logs", "-o", "r.json", "--format", "json"), result="r.json"),
    Story("replay LOGS --db", (*REPLAY, "logs", "--db", DB, "-o", "r.json", "--format", "json"),
          fills=DB, result="r.json"),
    Story("report", ("report", "daily", "by_model", "summary", *ALLOWED, "--db", DB, "-o", "out"),
          (INGEST, ("report", "monthly", *ALLOWED, "--db", DB, "-o", "out")), result="out",
          weight=4),
    Story("report --html", ("report", "--html", *ALLOWED, "--db", DB, "-o", "page.html"), (INGEST,),
          result="page.html", weight=1),
    Story("close", ("close", "2023-08", "--db", DB, "--allow-unpriced", "100%"), (INGEST,),
          closes=DB, weight=4),
    Story("convert", ("convert", "logs", "-o", "c.parquet", "--allow-rejects", "100%"),
          result="c.parquet"),
    Story("convert --partition", (*DAYS[:1], "logs", *DAYS[2:]), (DAYS,), result="days"),
    Story("first night", ("nightly",), fills="audit.duckdb", result="reports", nights=3, weight=2),
    Story("next night", ("nightly",), (("nightly",),), fills="audit.duckdb", result="reports",
          nights=2, weight=4),
)  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """An undisturbed run: the folder before and after it, what it ends with, and its ``moments``.

    These are shares of its time at which files or the store change. ``states`` are the store with
    the first none, one, two … of the logs.
    """

    template: Path
    code: int
    moments: list[float]
    before: dict[str, bytes]
    after: dict[str, bytes]
    rows: dict[str, Rows]
    figures: str
    states: list[Rows]


@dataclass
class Told:
    """What the kills came to: how many of each story struck in which phase, and what went wrong."""

    phases: Counter[tuple[str, str]] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    finished: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return self.phases.total()

    def lines(self) -> Iterator[str]:
        for name in dict.fromkeys(name for name, _ in self.phases):
            found = {phase: n for (story, phase), n in self.phases.items() if story == name}
            in_words = ", ".join(f"{n} {phase}" for phase, n in sorted(found.items()))
            yield (
                f"{name}: {sum(found.values())} struck ({in_words}); {self.late[name]} came too "
                f"late; {self.finished[name]} times finished"
            )
        yield f"{self.kills} struck, {self.finished.total()} times finished"
        yield f"{len(self.failures)} failures"
        yield from self.failures


def logs_in(folder: Path) -> None:
    """Logs of several kinds, with rejects, blank lines, duplicates and fuller readings."""

    def day(n: int) -> str:
        return f"2023-08-{n % 28 + 1:02}T10:00:00Z"

    some = [capture(f"a-{n}", day(n), team="abc"[n % 3]) for n in range(40)]
    write(folder / "a.jsonl", [*some, "{not json", "", '{"neither": 1}'])
    again = [*some[30:], *(capture(f"b-{n}", day(n), "gpt-4-0613") for n in range(20))]
    packed = "".join(json.dumps(line) + "\n" for line in again).encode()
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(packed, mtime=0))
    (folder / "c.csv").write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-08-16 18:17:03.9799600,374,44\n"
        "2023-08-16 18:17:04.0319600,396,109\n"
    )
    with zipfile.ZipFile(folder / "d.zip", "w") as archive:
        for name, first in (("x", 0), ("y", 5)):
            lines = [capture(f"d-{n}", day(n), "no-such-model") for n in range(first, first + 10)]
            info = zipfile.ZipInfo(f"{name}.jsonl", (2023, 9, 1, 0, 0, 0))
            archive.writestr(info, "".join(json.dumps(one) + "\n" for one in lines))
    write(folder / "e.jsonl", [capture(f"a-{n}", day(n), sent=2000, made=500) for n in range(5)])


class Harness:
    """Tells stories in a folder of its own."""

    def __init__(self, folder: Path, starter: Starter, dice: random.Random) -> None:
        self._folder = folder
        self._starter = starter
        self._dice = dice
        self._known: dict[str, Reference] = {}
        self._seconds: dict[str, float] = {}  # how long a run took lately, on this machine
        self._start = 1.0  # until what is imported is there

    def tell(
        self,
        story: Story,
        told: Told,
        *,
        how: signal.Signals = signal.SIGKILL,
        cold: float = 0.1,
    ) -> None:
        """A story with one to six kills, some (a share of ``cold``) of a process from nothing."""
        reference = self._reference(story)
        folder = self._folder / "told"
        shutil.copytree(reference.template, folder)
        done: list[str] = []
        try:
            for _ in range(self._dice.randint(1, 6)):
                is_cold = self._dice.random() < cold
                after = self._moment(story, reference, is_cold)
                done.append(f"{how.name} after {after:.4f}{' from nothing' if is_cold else ''}")
                ended = self._run(story, folder, after=after, how=how, cold=is_cold)
                phase = self._look(story, reference, folder)
                done[-1] += f" ({ended.code}, {phase})"
                if ended.code == reference.code:
                    told.late[story.name] += 1
                    break
                told.phases[story.name, phase] += 1
                check_end(ended, how)
                if phase == "closed":  # which cannot be done again
                    break
                if how != signal.SIGKILL:
                    found, fine = set(listing(folder)), {*reference.before, *reference.after}
                    assert found <= fine, f"it leaves {found - fine}"
                elif (story.fills or story.closes) and self._dice.random() < 0.25:
                    self._read_between(story, folder, self._dice.choice((None, 0.05, 0.1, 0.2)))
            self._finish(story, reference, folder)
            told.finished[story.name] += 1
        except (AssertionError, duckdb.Error, StoreError) as error:
            told.failures.append(f"{story.name}: {'; '.join(done)}: {str(error)[-3000:]}")
        finally:
            shutil.rmtree(folder)

    def _run(self, story: Story, folder: Path, **how: Any) -> Ended:
        return self._starter.run(
            folder, story.command, parted=story.parted, keyed=story.keyed, **how
        )

    def _moment(self, story: Story, reference: Reference, cold: bool) -> float:
        """When to strike: at any moment, or, as often, where files and the store change."""
        start, seconds = self._start if cold else 0.0, self._seconds[story.name]
        if self._dice.random() < 0.5:
            return self._dice.uniform(0, start + seconds)
        share = self._dice.choice(reference.moments) + self._dice.gauss(0, 0.01)
        return max(0.0, start + seconds * share)

    def _undisturbed_run(self, story: Story, folder: Path, **how: Any) -> float:
        """Run to the end. Returns the seconds it took."""
        ended = self._run(story, folder, **how)
        assert ended.code == 0, f"an undisturbed run ends with {ended}"
        return ended.seconds

    def _read_between(self, story: Story, folder: Path, after: float | None = None) -> None:
        """A run that only reads, perhaps killed too, changes nothing of what is to come."""
        db = ("--db", str(story.fills or story.closes))
        ended = self._starter.run(folder, (*REPLAY, *db, "--format", "csv"), after=after)
        is_empty = ended.code == 1 and "Fill" in ended.said
        assert ended.code in (0, -9) or is_empty, f"reading: {ended}"

    def _reference(self, story: Story) -> Reference:
        if story.name not in self._known:
            self._known[story.name] = self._undisturbed(story)
        return self._known[story.name]

    def _undisturbed(self, story: Story) -> Reference:
        template = self._folder / "templates" / story.name
        template.mkdir(parents=True)
        (template / "tmp").mkdir()
        if story.nights:
            night_folder(template, range(1, story.nights + 1))
        else:
            logs_in(template / "logs")
        for command in story.before:
            ended = self._starter.run(template, command, keyed=story.keyed)
            assert ended.code == 0, ended
        if story.before and story.nights:
            add_day(template, story.nights + 1)
        if story.before and story.result and (template / story.result / MANIFEST).is_file():
            (template / story.result / "notes.txt").write_text("ours\n")
        folder, moments = self._folder / "undisturbed", self._folder / "moments"
        shutil.copytree(template, folder)
        seconds = self._undisturbed_run(story, folder, moments=moments)
        shutil.rmtree(folder)
        shutil.copytree(template, folder)
        self._seconds[story.name] = self._undisturbed_run(story, folder)
        stores = stores_of(folder)
        reference = Reference(
            template=template,
            code=0,
            moments=[moment / seconds for moment in json.loads(moments.read_text())],
            before=listing(template),
            after=listing(folder),
            rows={name: rows_of(folder / name) for name in stores},
            figures="".join(figures_of(folder / name) for name in stores),
            states=self._states(story, template) if story.fills else [],
        )
        shutil.rmtree(folder)
        return reference

    def _states(self, story: Story, template: Path) -> list[Rows]:
        db = self._folder / "state.duckdb"
        keep_text = "--keep-text" in story.command
        files = find([str(template / "logs")])
        states = []
        for count in range(len(files) + 1):
            with Store.open(db, hash_key=KEY.encode()) as store:
                gauge = Gauge(book(), {})
                ingest(store, files[:count], formats(), gauge, book=book(), keep_text=keep_text)
            states.append(rows_of(db, SAME_ANYWHERE))
            db.unlink()
        return states

    def _look(self, story: Story, reference: Reference, folder: Path) -> str:
        """Which phase the kill struck in. Raises AssertionError where something is half done."""
        phases = []
        if story.fills:
            phases.append(self._filled(story, reference, folder / story.fills))
        if story.closes:
            with copied(folder / story.closes) as copy:
                rows = rows_of(copy)
            is_closed = rows == reference.rows[story.closes]
            still_open = {**reference.rows[story.closes], "closings": [], "closed_books": []}
            assert is_closed or rows == still_open, "the month is half closed"
            phases.append("closed" if is_closed else "open")
        if story.result:
            found = within(listing(folder), story.result)
            is_new = found == within(reference.after, story.result)
            assert is_new or found == within(reference.before, story.result), (
                f"{story.result} is half written: {sorted(found)}"
            )
            phases.append("result new" if is_new else "result old")
        return ", ".join(phases)

    def _filled(self, story: Story, reference: Reference, db: Path) -> str:
        if not db.exists():
            return "no store"
        with copied(db) as copy:
            found = rows_of(copy, SAME_ANYWHERE)
        count = len(found["sources"])
        assert without_hashes(story, found) == without_hashes(story, reference.states[count]), (
            f"the first {count} sources are not what they are"
        )
        most = len(reference.states) - 1
        return (
            f"{count} of {most} sources in"
            if 0 < count < most
            else ("all sources in" if count else "no source in")
        )

    def _finish(self, story: Story, reference: Reference, folder: Path) -> None:
        """The next run ends as if nothing had been."""
        if story.closes and self._look(story, reference, folder) == "closed":
            self._read_between(story, folder)  # there is nothing left to close
        else:
            seconds = self._undisturbed_run(story, folder)
            self._seconds[story.name] = (self._seconds[story.name] + seconds) / 2
        found = listing(folder)
        names, wanted = set(found), set(reference.after)
        assert names == wanted, f"left: {names - wanted}, missing: {wanted - names}"
        assert found == reference.after, "files are not what an undisturbed run writes"
        for name in stores_of(folder):
            rows = rows_of(folder / name)
            for table, expected in reference.rows[name].items():
                if story.keyed or table not in (*KEYED, "about"):
                    assert rows[table] == expected, f"the table {table} is another"
        if self._dice.random() < 0.5:  # what follows from the rows
            return
        figures = "".join(figures_of(folder / name) for name in stores_of(folder))
        assert figures == reference.figures, "the figures are others"


def check_end(ended: Ended, how: signal.Signals) -> None:
    """Raises AssertionError where a process did not end as its signal says."""
    assert ended.code == CODES[how], f"it ended with {ended}"
    if how != signal.SIGKILL:
        assert "Traceback" not in ended.said and "ignored" not in ended.said, ended.said
        is_told = ended.said.endswith(SAID) and ended.said.count(SAID) == 1
        is_silent = how == signal.SIGTERM and SAID not in ended.said
        assert is_told or is_silent, ended.said


def stores_of(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.name for path in folder.glob("*.duckdb")))


def listing(folder: Path) -> dict[str, bytes]:
    """What lies in a folder, by path; of stores, what belongs to them and folders the names."""
    return {
        path.relative_to(folder).as_posix(): b""
        if path.is_dir() or ".duckdb" in path.name
        else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def within(found: dict[str, bytes], name: str) -> dict[str, bytes]:
    """What of a listing is a file or in a folder."""
    return {path: what for path, what in found.items() if f"{path}/".startswith(f"{name}/")}


def without_hashes(story: Story, rows: Rows) -> Rows:
    """Rows that do not depend on the hash key."""
    return rows if story.keyed else {k: rows for k, rows in rows.items() if k not in KEYED}


def rows_of(db: Path, tables: tuple[str, ...] = ()) -> Rows:
    """The rows of tables of a store, of all that say something where none is named."""
    with duckdb.connect(str(db), read_only=True) as connection:
        listed = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        names = tables or tuple(name for (name,) in listed if name not in FORGOTTEN)
        return {
            name: sorted(map(repr, connection.execute(f"FROM {name}").fetchall())) for name in names
        }


def figures_of(db: Path) -> str:
    """What a replay of a store says, as JSON and CSV."""
    with Store.open(db, to_read=True) as store:
        result = replay(store, question())
    return as_json(result) + as_csv(result)


@contextmanager
def copied(db: Path) -> Iterator[Path]:
    """A store as it lies there, with the log of its last steps, once we have opened it.

    All its lines are accounted for. Raises StoreError when it does not open.
    """
    folder = db.parent.parent / "copy"
    folder.mkdir()
    try:
        for name in (db.name, f"{db.name}.wal"):
            with suppress(FileNotFoundError):
                shutil.copy(db.with_name(name), folder / name)
        with Store.open(folder / db.name, to_read=True) as store:
            lost = store.rows("checks/lines_add_up")
        assert not lost, f"lines: {lost}"
        yield folder / db.name
    finally:
        shutil.rmtree(folder)
