"""``audit --engine spark`` on a real cluster says and stores what it does without, byte for byte.

``pytest -m spark -n0`` in an environment with the extra ``spark-local`` (and Java 17), or with
``spark`` and pysail: what cannot be begun there is skipped.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from command import Run
from helpers.cluster import (
    Cluster,
    cluster_of,
    connect_server,
    sail_server,
    why_no_sail,
    why_no_spark,
)
from helpers.logs import capture, write
from helpers.processes import HERE, free_ports
from helpers.runs import formats
from helpers.spark_runs import audit, tables, uncounted

from auditor.errors import AuditError
from auditor.finding import find
from auditor.formats import recognise

pytestmark = pytest.mark.spark
NO_SPARK, NO_SAIL = why_no_spark(), why_no_sail()
spark = pytest.mark.skipif(NO_SPARK is not None, reason=str(NO_SPARK))
sail = pytest.mark.skipif(NO_SAIL is not None, reason=str(NO_SAIL))
either = pytest.mark.skipif(bool(NO_SPARK and NO_SAIL), reason=f"{NO_SPARK}; {NO_SAIL}")
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
LOGS, SMALL = FIXTURES / "logs", FIXTURES / "small" / "logs"
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_of(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def check_same(cluster: Cluster, *words: str | Path, folder: Path) -> Run:
    """Both say the same, to the byte. Returns what is said."""
    here = audit(*words, folder=folder)
    spread = audit(*words, *on(cluster), folder=folder, env=cluster.driver().env)
    assert spread == here
    return here


def on(cluster: Cluster) -> tuple[str, ...]:
    return "--engine", "spark", "--master", cluster.url


@spark
def test_a_month_replayed(cluster: Cluster, tmp_path: Path) -> None:
    shutil.copytree(LOGS, tmp_path / "logs")
    zone = ("--by", "team,day", "--tz", "Europe/Berlin")
    said = check_same(cluster, "replay", "logs", "--format", "csv", *zone, folder=tmp_path)
    assert said.exit_code == 0 and said.out.count("\n") > 50


@spark
def test_a_month_stored(cluster: Cluster, tmp_path: Path) -> None:
    here = audit("ingest", LOGS, "--db", "here.duckdb", folder=tmp_path)
    words: tuple[str | Path, ...] = ("ingest", LOGS, "--db", "spread.duckdb", *on(cluster))
    assert audit(*words, folder=tmp_path, env=cluster.driver().env) == here
    one, other = tmp_path / "here.duckdb", tmp_path / "spread.duckdb"
    assert tables(other) == tables(one)
    assert uncounted(other) == []

    by = ("replay", "--format", "csv", "--by", "workload", "--db")
    figures = audit(*by, one, folder=tmp_path)
    assert figures.exit_code == 0 and figures.out.count("\n") > 5
    assert audit(*by, other, *on(cluster), folder=tmp_path, env=cluster.driver().env) == figures
    for asked in (by, ("show", "rejects", "--db"), ("finetune", "--format", "csv", "--db")):
        assert audit(*asked, other, folder=tmp_path) == audit(*asked, one, folder=tmp_path)


@spark
def test_every_format_and_what_is_hostile(cluster: Cluster, tmp_path: Path) -> None:
    """All that can be read together, and the real logs where they are."""
    logs = tmp_path / "logs"
    for name in ("formats", "hostile"):
        shutil.copytree(FIXTURES / name, logs / name)
    if DATA.is_dir():
        shutil.copytree(DATA, logs / "data")
    known = tuple(formats())
    has_yaml = find_spec("yaml") is not None
    for file in find([str(logs)]):
        try:
            recognise(file, known)
            is_readable = has_yaml or file.path.suffix not in (".yaml", ".yml")
        except AuditError:
            is_readable = False
        if not is_readable:
            file.path.unlink(missing_ok=True)
    kinds = {path.parent.name for path in logs.rglob("*") if path.is_file()}
    assert {"captures", "weave", "llm-logs", "otel-spans", "hostile"} <= kinds
    by = ("--by", "source", "--format", "csv")
    said = check_same(cluster, "replay", "logs", *by, folder=tmp_path)
    assert said.exit_code == 3 and "rejected" in said.err


@spark
def test_what_is_poisoned_is_refused_and_no_job_is_lost(cluster: Cluster, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    for name in ("first", "last"):
        write(logs / f"{name}.jsonl", [capture(f"{name}-{n}") for n in range(100)])
    good = "".join(f"{line}\n" for line in ('{"a": 1}', "{not json"))
    nested = b"[" * 100_000 + b"]" * 100_000
    poison = (os.urandom(5_000).replace(b"\n", b""), nested, b"\xff\xfe{}", b"\x00" * 2_000)
    data = (logs / "first.jsonl").read_bytes().replace(b"first-", b"poisoned-")
    (logs / "poisoned.jsonl").write_bytes(data + b"\n".join(poison) + b"\n" + good.encode() + data)
    words = ("ingest", "logs", "--db")
    here = audit(*words, "here.duckdb", folder=tmp_path)
    assert here.exit_code == 3 and "300 new calls" in here.err, here
    env = cluster.driver().env
    spread = audit(*words, "spread.duckdb", *on(cluster), folder=tmp_path, env=env)
    assert spread.err.replace("spread.duckdb", "here.duckdb") == here.err
    assert spread.exit_code == here.exit_code
    assert tables(tmp_path / "spread.duckdb") == tables(tmp_path / "here.duckdb")


@spark
def test_a_broken_file_ends_the_run_with_its_error(cluster: Cluster, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    for name in "ac":
        write(logs / f"{name}.jsonl", [capture(f"{name}-{n}") for n in range(100)])
    packed = gzip.compress((logs / "a.jsonl").read_bytes(), mtime=0)
    (logs / "b.jsonl.gz").write_bytes(packed[:-20])
    here = audit("ingest", "logs", "--db", "here.duckdb", folder=tmp_path)
    words = ("ingest", "logs", "--db", "spread.duckdb", *on(cluster))
    assert audit(*words, folder=tmp_path, env=cluster.driver().env) == here
    assert here.exit_code == 1 and "b.jsonl.gz: the compressed file is broken" in here.err
    one, other = tmp_path / "here.duckdb", tmp_path / "spread.duckdb"
    assert one.exists() == other.exists()
    if one.exists():
        assert tables(one) == tables(other)


def environment_of_workers(folder: Path, *left_out: str) -> Path:
    """A Python that has all that we have, but neither auditor nor what is ``left_out``."""
    command = [sys.executable, "-m", "venv", "--without-pip", str(folder / "env")]
    subprocess.run(command, check=True)
    python = folder / "env" / "bin" / "python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    for name in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(name).iterdir():
            ours = entry.name.startswith(("auditor", "_auditor")) or entry.suffix == ".pth"
            target = Path(place.stdout.strip()) / entry.name
            if not ours and entry.name not in left_out and not target.exists():
                target.symlink_to(entry)
    assert subprocess.run([python, "-c", "import auditor"], cwd=folder, check=False).returncode
    return python


@spark
def test_workers_need_the_packages_and_get_the_code(cluster: Cluster, tmp_path: Path) -> None:
    """The code is that of this environment: a checkout, or a wheel as .ci/run installs it."""
    python = environment_of_workers(tmp_path)
    words = ("replay", SMALL, "--format", "csv", "--by", "model")
    conf = ("--spark-conf", f"spark.pyspark.python={python}")
    env = cluster.driver().env
    here = audit(*words, folder=tmp_path)
    assert audit(*words, *on(cluster), *conf, folder=tmp_path, env=env) == here


@spark
def test_a_package_that_workers_lack_is_named(cluster: Cluster, tmp_path: Path) -> None:
    python = environment_of_workers(tmp_path, "polars")
    conf = ("--spark-conf", f"spark.pyspark.python={python}")
    env = cluster.driver().env
    failed = audit("replay", SMALL, *on(cluster), *conf, folder=tmp_path, env=env)
    check_said(failed, "a worker of the cluster has no package polars", "pip install auditor")


def check_said(failed: Run, sentence: str, hint: str) -> None:
    """It ended with one sentence and a hint, and nothing of Spark's own talk."""
    assert failed.exit_code == 1 and failed.out == "", failed
    error, told, *others = failed.err.splitlines()
    assert error.startswith(f"Error: {sentence}"), failed
    assert told.startswith("Hint: ") and hint in told
    assert others == []
    assert "Traceback" not in failed.err and "\tat " not in failed.err


@either
@pytest.mark.parametrize(
    ("where", "sentence", "hint"),
    [
        pytest.param(
            ("--master", "nonsense"),
            "--master names no cluster",
            "spark://HOST:7077",
            marks=spark,
        ),
        pytest.param(
            ("--master", f"spark://{HERE}:{{}}"),
            f"nobody answers at spark://{HERE}:",
            "--master",
            marks=spark,
        ),
        pytest.param(
            ("--master", "local"),
            "only the client of Spark Connect is installed here",
            "auditor[spark-local]",
            marks=sail,
        ),
        (("--remote", f"sc://{HERE}:{{}}"), f"nobody answers at sc://{HERE}:", "--remote"),
        (("--remote", "http://host"), "--remote http://host is no address", "sc://HOST:15002"),
    ],
)
def test_what_is_no_cluster_is_said(
    where: tuple[str, str], sentence: str, hint: str, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    option, address = where
    engine = ("--engine", "spark", option, address.format(port))
    failed = audit("replay", SMALL, *engine, folder=tmp_path)
    check_said(failed, sentence, hint)


@spark
def test_without_java_the_error_says_so(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "JAVA_HOME"}
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "env", "ls", "uname"):
        (tools / name).symlink_to(str(shutil.which(name)))
    for path in ("", str(tools)):
        failed = audit(
            "replay", SMALL, "--engine", "spark", folder=tmp_path, env=env | {"PATH": path}
        )
        check_said(failed, "Spark cannot be begun here, for want of Java", "Java 17")


@spark
def test_this_machine_alone(tmp_path: Path) -> None:
    words = ("replay", SMALL, "--format", "csv", "--by", "model")
    here = audit(*words, folder=tmp_path)
    assert audit(*words, "--engine", "spark", folder=tmp_path) == here
    assert here.out.count("\n") > 10


@spark
def test_a_server_of_connect(tmp_path: Path) -> None:
    with connect_server(tmp_path) as server:
        check_remote(server.url, tmp_path)


@sail
def test_a_server_of_sail(tmp_path: Path) -> None:
    with sail_server(tmp_path) as server:
        check_remote(server.url, tmp_path)


def check_remote(url: str, folder: Path) -> None:
    words = ("replay", LOGS, "--format", "csv", "--by", "team,day")
    here = audit(*words, folder=folder)
    assert here.exit_code == 0
    assert audit(*words, "--engine", "spark", "--remote", url, folder=folder) == here
