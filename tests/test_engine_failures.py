"""What Spark says when it fails, as it was recorded (Spark 4.3), in words that tell what to do."""

from __future__ import annotations

import pytest

from auditor.engines.spark.failures import LONGEST, in_words
from auditor.engines.spark.shipping import OTHER_CODE
from auditor.errors import AuditError

STACK = "\n\tat org.apache.spark.util.SparkThreadUtils$.awaitResult(SparkThreadUtils.scala:70)" * 9
GATEWAY = "[JAVA_GATEWAY_EXITED] Java gateway process exited before sending its port number."
NO_POLARS = """An exception was thrown from the Python worker:
Traceback (most recent call last):
  File "./auditor.zip/auditor/engines/spark/cluster.py", line 14, in <module>
    from auditor.engines.spark.rows import SCHEMA, Row, as_batches, rows_of
  File "./auditor.zip/auditor/engines/spark/rows.py", line 14, in <module>
    import polars as pl
ModuleNotFoundError: No module named 'polars'"""
OTHER_PYTHON = """An exception was thrown from the Python worker:
Traceback (most recent call last):
  File "pyspark.zip/pyspark/worker_util.py", line 93, in check_python_version
    raise PySparkRuntimeError(
pyspark.errors.exceptions.base.PySparkRuntimeError: [PYTHON_VERSION_MISMATCH] Python in worker has \
different version: 3.12 than that in driver: 3.11, PySpark cannot run with different minor versions.
Please check environment variables PYSPARK_PYTHON and PYSPARK_DRIVER_PYTHON are correctly set."""
NO_PYTHON = f"""An error occurred while calling o90.getResult.
: org.apache.spark.SparkException: Exception thrown in awaitResult: {STACK}
Caused by: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 0.0 \
failed 4 times, most recent failure: Lost task 0.3 in stage 0.0 (TID 3) (127.0.0.3 executor 0): \
java.io.IOException: Cannot run program "/no/bin/python": error=2, No such file or directory{STACK}
Caused by: java.io.IOException: error=2, No such file or directory{STACK}

Driver stacktrace:{STACK}"""
STOPPED = f"""An error occurred while calling None.org.apache.spark.sql.classic.SparkSession.
: java.lang.IllegalStateException: Cannot call methods on a stopped SparkContext.
This stopped SparkContext was created at:

org.apache.spark.api.java.JavaSparkContext.<init>(JavaSparkContext.scala:61){STACK}"""
NO_MASTER = f"""WARNING: Using incubator modules: jdk.incubator.vector
Exception in thread "main" org.apache.spark.SparkException: Master must either be yarn or start \
with spark, k8s, or local{STACK}"""
NO_BASH = "/usr/bin/env: \u2018bash\u2019: No such file or directory\n"
OLD_JAVA = """Error: A JNI error has occurred, please check your installation and try again
Exception in thread "main" java.lang.UnsupportedClassVersionError: org/apache/spark/launcher/Main \
has been compiled by a more recent version of the Java Runtime (class file version 61.0)"""
STRANGE = f"""An error occurred while calling o90.getResult.
: org.apache.spark.SparkException: Exception thrown in awaitResult: {STACK}
Caused by: java.lang.IllegalArgumentException: what nobody has seen before{STACK}"""


@pytest.mark.parametrize(
    ("text", "said", "message", "hint"),
    [
        (NO_POLARS, "", "a worker of the cluster has no package polars", "pip install auditor"),
        (NO_POLARS.replace("polars", "auditor"), "", "takes no code from us", "Install"),
        (f"RuntimeError: {OTHER_CODE}", "", OTHER_CODE, "the release of auditor"),
        (OTHER_PYTHON, "", "the workers run Python 3.12, this is Python 3.11", "the same Python"),
        (NO_PYTHON, "", "a worker of the cluster has no program /no/bin/python", "spark.archives"),
        (STOPPED, "", "the master of the cluster does not answer", "--master"),
        (GATEWAY, NO_MASTER, "--master names no cluster", "spark://HOST:7077"),
        (
            GATEWAY,
            "/usr/bin/env: \u2018bash\u2019: No such file or directory\n",
            "want of Java",
            "Java 17",
        ),
        (GATEWAY, "bin/spark-class: line 97: java: command not found", "want of Java", "Java 17"),
        (GATEWAY, "JAVA_HOME is not set\n", "want of Java", "Java 17"),
        (GATEWAY, OLD_JAVA, "want of Java", "Java 17"),
        (GATEWAY, "", "Spark cannot be begun here: [JAVA_GATEWAY_EXITED]", "java -version"),
        (STRANGE, "", "Spark failed: java.lang.IllegalArgumentException: what nobody", "the log"),
        ("", "", "Spark failed: it says nothing", "the log"),
    ],
)
def test_it_is_said_in_words(text: str, said: str, message: str, hint: str) -> None:
    error = in_words(RuntimeError(text), said)
    assert message in str(error)
    assert hint in error.hint
    assert "\n" not in str(error) and "\tat" not in str(error)


def test_the_words_have_an_end() -> None:
    error = in_words(RuntimeError("java.lang.Exception: " + "long " * 10_000))
    assert len(str(error)) < LONGEST + 100


def test_an_error_of_ours_stays_as_it_is() -> None:
    ours = AuditError("it is so", hint="Do this.")
    assert in_words(ours) is ours
