"""A real Spark cluster on this machine, of which a worker can be destroyed, and Connect servers.

It is the standalone cluster that the package ``pyspark`` carries: a master and two workers, each
with local folders of its own, as on machines of their own. A driver finds all it needs in the
environment ``cluster.driver().env``: begin the program under test with it, whatever it sets by
itself, and ask ``driver.status`` what it is doing::

    with cluster_of(folder, workers=2) as cluster:
        driver = cluster.driver()
        ...begin a program with env=driver.env that goes to cluster.url...
        stage = driver.status.wait_for_stage(0, done=1, active=1)
        cluster.destroy(cluster.worker_of(driver.status.executors_of(stage)[0]))
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from helpers.processes import HERE, Session, answers, begin, free_ports, until
from helpers.spark_status import History, Status, told

MASTER = "org.apache.spark.deploy.master.Master"
WORKER = "org.apache.spark.deploy.worker.Worker"
EXECUTOR = "org.apache.spark.executor.CoarseGrainedExecutorBackend"
CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"

# Sail 0.7 refuses newer clients: "unsupported PySpark version: 4.3.0"
NEWEST_FOR_SAIL = (4, 2)

# small and quick to start: nothing here is measured
JAVA = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData"
DAEMON = {
    "SPARK_DAEMON_MEMORY": "192m",
    # a lost worker is noticed by its closed connection; this is for one that is silent
    "SPARK_DAEMON_JAVA_OPTS": f"{JAVA} -Dspark.worker.timeout=10",
}
DRIVER = {
    "spark.driver.bindAddress": HERE,
    "spark.driver.host": HERE,
    "spark.driver.memory": "512m",
    "spark.driver.extraJavaOptions": JAVA,
    # 450 MB is the least that Spark lets an executor have
    "spark.executor.memory": "512m",
    "spark.executor.extraJavaOptions": JAVA,
    # Status asks it
    "spark.ui.enabled": "true",
    "spark.ui.showConsoleProgress": "false",
    # what is told is what is: else the last news wait for the next
    "spark.ui.liveUpdate.period": "0",
    # History reads it when the driver has ended; plain, so that it can be read at any time
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false",
    "spark.eventLog.rolling.enabled": "false",
    # a silent executor is given up after 20 s instead of 120, a closed connection at once
    "spark.executor.heartbeatInterval": "2s",
    "spark.network.timeout": "20s",
    "spark.network.timeoutInterval": "5s",
    # blocks of a lost executor are asked for once more after a second, not three times after five
    "spark.shuffle.io.maxRetries": "1",
    "spark.shuffle.io.retryWait": "1s",
}
ON_THE_CLUSTER = {
    "spark.executor.cores": "1",
    # the first tasks are handed out when all executors are there: each of them takes part
    "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    "spark.scheduler.maxRegisteredResourcesWaitingTime": "60s",
    # a task is kept on a free executor rather than waiting for a better one
    "spark.locality.wait": "0s",
}


def why_no_spark() -> str | None:
    """Why no cluster can be begun here; None where it can."""
    if not sys.platform.startswith("linux"):
        return "processes are found in /proc"
    if _home() is None:
        return "needs the package pyspark with its jars: pip install '.[spark-local]'"
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        return "needs Java 17"
    return None


def why_no_sail() -> str | None:
    """Why no server of Sail can be begun here; None where it can."""
    if not sys.platform.startswith("linux"):
        return "processes are found in /proc"
    try:
        client, _ = version("pyspark-client"), version("pysail")
    except PackageNotFoundError:
        return "needs the client alone and a server: pip install '.[spark]' pysail"
    if tuple(map(int, client.split(".")[:2])) > NEWEST_FOR_SAIL:
        return f"Sail may not know pyspark-client {client} yet"
    return None


def _home() -> Path | None:
    """The folder of the package pyspark, where it is the one with the jars."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    return home if (home / "bin" / "spark-class").exists() else None


@dataclass
class Worker:
    """A worker with its executors and their Python, and the folder of its local files."""

    session: Session
    local: Path
    host: str
    port: int

    def executors(self) -> set[tuple[str, str]]:
        """Application and number of each executor that lives on this worker."""
        return {
            (words[words.index("--app-id") + 1], words[words.index("--executor-id") + 1])
            for words in self.session.commands().values()
            if EXECUTOR in words and "--executor-id" in words
        }


@dataclass
class Driver:
    """The environment of a driver, what it tells while it runs, and what it wrote of it."""

    env: dict[str, str]
    status: Status
    history: History


@dataclass
class Cluster:
    """A master and the workers that live."""

    folder: Path
    port: int
    page: int
    cores: int
    master: Session
    workers: list[Worker] = field(default_factory=list)
    _made: int = 0

    @property
    def url(self) -> str:
        return f"spark://{HERE}:{self.port}"

    def add_worker(self) -> Worker:
        """Begin one more worker, on which executors begin as soon as there is need of them."""
        self._made += 1
        name = f"worker-{self._made}"
        # a host of its own: with a lost worker Spark gives up what others have on the same host,
        # and executors of one host read each other's files instead of fetching
        host = f"127.0.0.{self._made + 1}"
        local = self.folder / name
        local.mkdir()
        (port,) = free_ports(1)
        command = [*_java(WORKER), "--host", host, "--port", str(port), "--webui-port", "0"]
        command += ["-c", "1", "-m", "1g", "--work-dir", str(local / "work"), self.url]
        env = _env(self.folder, local) | DAEMON | {"SPARK_LOCAL_IP": host}
        worker = Worker(begin(command, self.folder / f"{name}.log", local, env), local, host, port)
        self.workers.append(worker)
        return worker

    def wait_for_workers(self) -> None:
        """Return when the master knows all workers that live, and no others."""
        programs = [self.master, *(worker.session for worker in self.workers)]

        def registered() -> bool:
            known = told(f"http://{HERE}:{self.page}/json/") or {"workers": ()}
            alive = [one for one in known["workers"] if one["state"] == "ALIVE"]
            return {(one["host"], one["port"]) for one in alive} == {
                (worker.host, worker.port) for worker in self.workers
            }

        until(registered, "the workers", *programs)

    def driver(self, settings: Mapping[str, str] | None = None) -> Driver:
        """What a driver needs, with ``settings`` of Spark besides."""
        cores = {"spark.cores.max": str(self.cores)}
        return _driver(self.folder, {**ON_THE_CLUSTER, **cores, **(settings or {})})

    def worker_of(self, status: Status, executor: str) -> Worker:
        """The worker on which an executor of the driver runs. Raises LookupError for none."""
        wanted = (status.application(), executor)
        for worker in self.workers:
            if wanted in worker.executors():
                return worker
        raise LookupError(f"no worker has executor {executor}")

    def destroy(self, worker: Worker) -> None:
        """As if its machine burned down: all of its processes and all of its files are gone.

        Without the files gone, others would read the shuffle files that it left.
        """
        worker.session.kill()
        shutil.rmtree(worker.local)
        self.workers.remove(worker)


@contextmanager
def cluster_of(folder: Path, *, workers: int = 2) -> Iterator[Cluster]:
    """A cluster in an empty folder, with one core a worker. Nothing of it is left behind."""
    port, page = free_ports(2)
    command = [*_java(MASTER), "--host", HERE, "--port", str(port), "--webui-port", str(page)]
    env = _env(folder, folder / "master") | DAEMON
    master = begin(command, folder / "master.log", folder, env)
    cluster = Cluster(folder, port, page, workers, master)
    try:
        until(lambda: answers(port), "the master", master)
        for _ in range(workers):
            cluster.add_worker()
        cluster.wait_for_workers()
        yield cluster
    finally:
        for worker in cluster.workers:
            worker.session.kill()
        master.kill()


@dataclass
class Server:
    """A server of Spark Connect, and the driver that it is where it is Spark itself."""

    url: str
    session: Session
    driver: Driver | None = None


@contextmanager
def connect_server(folder: Path, cluster: Cluster | None = None) -> Iterator[Server]:
    """Spark's own server, which is the driver; its tasks run in it, or on the cluster."""
    (port,) = free_ports(1)
    binding = {
        "spark.connect.grpc.binding.address": HERE,
        "spark.connect.grpc.binding.port": str(port),
    }
    if cluster is None:
        driver = _driver(folder, binding | {"spark.master": "local[2]"})
    else:
        driver = cluster.driver(binding | {"spark.master": cluster.url})
    home = _home()
    assert home is not None
    command = [str(home / "bin" / "spark-submit"), "--class", CONNECT, "--name", "connect"]
    session = begin(command, folder / "connect.log", folder, driver.env)
    with _serving(Server(f"sc://{HERE}:{port}", session, driver), port) as server:
        yield server


@contextmanager
def sail_server(folder: Path) -> Iterator[Server]:
    """Sail's server of Spark Connect: no Java, and up at once."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "pysail", "spark", "server", "--ip", HERE, "--port", str(port)]
    session = begin(command, folder / "sail.log", folder, os.environ)
    with _serving(Server(f"sc://{HERE}:{port}", session), port) as server:
        yield server


@contextmanager
def _serving(server: Server, port: int) -> Iterator[Server]:
    try:
        until(lambda: answers(port), "the server", server.session)
        yield server
    finally:
        server.session.end()


def _driver(folder: Path, settings: Mapping[str, str]) -> Driver:
    """Settings go into a file of defaults: what the program sets by itself comes first."""
    (ui,) = free_ports(1)
    conf = folder / f"driver-{ui}"
    events, local = conf / "events", conf / "local"
    for made in (events, local):
        made.mkdir(parents=True)
    own = {"spark.ui.port": str(ui), "spark.eventLog.dir": events.as_uri()}
    lines = {**DRIVER, **settings, **own}.items()
    text = "".join(f"{name} {value}\n" for name, value in lines)
    (conf / "spark-defaults.conf").write_text(text, encoding="utf-8")
    env = _env(folder, local) | {"SPARK_CONF_DIR": str(conf)}
    return Driver(env, Status(f"http://{HERE}:{ui}/api/v1"), History(events))


def _java(name: str) -> list[str]:
    home = _home()
    assert home is not None
    return [str(home / "bin" / "spark-class"), name]


def _env(folder: Path, local: Path) -> dict[str, str]:
    """Ours, without what leads to another Spark; nothing is reached from other machines."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")}
    return others | {
        "SPARK_HOME": str(_home()),
        "SPARK_LOCAL_IP": HERE,
        "SPARK_LOCAL_DIRS": str(local),
        "SPARK_LOG_DIR": str(folder),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }
