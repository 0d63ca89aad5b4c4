"""Whether anybody answers at an address: Spark itself asks for minutes before it gives up."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from auditor.errors import AuditError

MASTER = "spark"
MASTER_PORT = 7077
SECONDS = 20
TRIES = "and that its port can be reached from here."


def check_master(master: str) -> None:
    """Raise AuditError where none of the hosts of ``spark://HOST:PORT,HOST:PORT`` answers."""
    scheme, mark, hosts = master.partition("://")
    if not mark or scheme != MASTER:
        return
    for host in hosts.split(","):
        with suppress(OSError, ValueError):  # a port that is no number
            parts = urlsplit(f"//{host}")
            where = parts.hostname or "", parts.port or MASTER_PORT
            with socket.create_connection(where, timeout=SECONDS):
                return
    raise AuditError(
        f"nobody answers at {master}", hint=f"Check the address after --master, {TRIES}"
    )


def check_remote(remote: str) -> None:
    """Raise AuditError where ``sc://HOST:PORT`` is no address of a server, or none answers."""
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.client import DefaultChannelBuilder

    try:
        channel = DefaultChannelBuilder(remote).toChannel()
    except (PySparkException, ValueError) as error:
        raise AuditError(
            f"--remote {_host(remote)} is no address of Spark Connect",
            hint="Give sc://HOST:15002, with its parameters after /; if it has any.",
        ) from error
    is_ready = threading.Event()

    def heard(state: Any) -> None:
        if state.name == "READY":
            is_ready.set()

    channel.subscribe(heard, try_to_connect=True)
    try:
        if not is_ready.wait(SECONDS):
            raise AuditError(
                f"nobody answers at {_host(remote)}",
                hint=f"Check the address after --remote (sc://HOST:15002), {TRIES}",
            )
    finally:
        channel.unsubscribe(heard)
        channel.close()


def _host(remote: str) -> str:
    """An address without its parameters, of which one may be a password."""
    return remote.partition("/;")[0]
