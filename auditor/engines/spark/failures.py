"""What Spark says when it fails, in words that tell what to do."""

from __future__ import annotations

import re

from auditor.engines.spark.shipping import NAME, OTHER_CODE
from auditor.errors import AuditError, printable

LONGEST = 400
MISSING = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")
VERSIONS = re.compile(r"PYTHON_VERSION_MISMATCH\].*?(\d+\.\d+).*?(\d+\.\d+)", re.DOTALL)
NO_PYTHON = re.compile(r'Cannot run program "([^"]+)"')
RAISED = re.compile(
    r"^(?:: |Caused by: |Exception in thread \S+ )?([\w.]*(?:Error|Exception)\b.*)$", re.MULTILINE
)
ENVIRONMENT = (
    "Give the workers an environment in which `pip install auditor` was run, of the same Python: "
    "install it there, or pack one and name it with --spark-conf spark.archives=env.tar.gz#env "
    "--spark-conf spark.pyspark.python=env/bin/python."
)

INSTALLED = "Install the release of auditor there that is installed here, for the same Python."


def in_words(error: BaseException, said: str = "") -> AuditError:
    """The error of a job or of a session that could not be had, as one of ours.

    ``said`` is what the driver said besides.
    """
    if isinstance(error, AuditError):
        return error
    text = f"{error}\n{said}"
    if OTHER_CODE in text:
        return AuditError(f"{OTHER_CODE} than ours", hint=f"It takes no code from us. {INSTALLED}")
    found = MISSING.search(text)
    if found and found[1].partition(".")[0] == NAME:
        return AuditError("the server takes no code from us, and has no auditor", hint=INSTALLED)
    if found:
        return AuditError(
            f"a worker of the cluster has no package {found[1]}",
            hint=f"The code of audit is sent along, what it needs is not. {ENVIRONMENT}",
        )
    if found := VERSIONS.search(text):
        return AuditError(
            f"the workers run Python {found[1]}, this is Python {found[2]}",
            hint=ENVIRONMENT,
        )
    if found := NO_PYTHON.search(text):
        return AuditError(f"a worker of the cluster has no program {found[1]}", hint=ENVIRONMENT)
    for words, message, hint in KNOWN:
        if re.search(words, text, re.IGNORECASE):
            return AuditError(f"{message}: {_short(text)}", hint=hint)
    return AuditError(
        f"Spark failed: {_short(text)}",
        hint="Look at the log of the driver and of the executors. Nothing of this run was stored.",
    )


KNOWN = (
    (
        r"Could not parse Master URL|Master must (?:either )?be",
        "--master names no cluster",
        "Give local[*], spark://HOST:7077, yarn, k8s://https://HOST, or --remote sc://HOST.",
    ),
    (
        r"JAVA_HOME is not set|java: (?:command )?not found|UnsupportedClassVersionError|"
        r"env: .{0,3}bash|No such file or directory: '?java",
        "Spark cannot be begun here, for want of Java",
        "Install Java 17 or newer (Debian: openjdk-17-jre-headless) and have it on PATH, or use a "
        "cluster that speaks Spark Connect: --remote sc://HOST.",
    ),
    (
        r"JAVA_GATEWAY_EXITED",
        "Spark cannot be begun here",
        "Check --spark-conf, SPARK_HOME, SPARK_CONF_DIR, that `java -version` says 17 or newer.",
    ),
    (
        r"All masters are unresponsive|Cannot call methods on a stopped SparkContext|"
        r"SparkContext was shut down|failed to connect to (?:the )?master",
        "the master of the cluster does not answer, or has ended the session",
        "Check the address after --master, and that its port can be reached from here.",
    ),
    (
        r"UNAVAILABLE|failed to connect to all addresses|Connection refused|DNS resolution failed",
        "nobody answers at that address",
        "Check the address after --remote (sc://HOST:15002) or --master, and that its port can be "
        "reached from here.",
    ),
    (
        r"UNIMPLEMENTED|unsupported.{0,40}version|InvalidClassException|serialVersionUID",
        "the cluster and this machine have different releases of Spark",
        "Install the release here that the cluster has: pip install 'pyspark==X.Y.*'.",
    ),
    (
        r"No space left on device",
        "a machine of the cluster has no space left",
        "Give its spark.local.dir or the folder of calls more, or add machines.",
    ),
    (
        r"OutOfMemoryError|exceeding.{0,20}memory limits|OOMKilled|exit code 137",
        "a machine of the cluster ran out of memory",
        "Give more with --spark-conf spark.executor.memoryOverhead=4g, or begin a store with more "
        "--buckets.",
    ),
)


def _short(text: str) -> str:
    """The sentence in what Spark says: the last error named in it, else how it begins."""
    named = RAISED.findall(text)
    lines = (line for line in text.splitlines() if line.strip())
    line = named[-1] if named else next(lines, "it says nothing")
    return printable(line.strip())[:LONGEST]
