"""A real S3 server (moto) on this machine, behind a door that counts, and fails when told to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from helpers.listening import HERE, Answering, listening

SECRET = "a-secret-that-nobody-may-see"
SERVER = """
import sys
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""
# moto lets in whom nobody vouches for; Google's requests come without a signature
SIGNED = {
    "authorization": "AWS4-HMAC-SHA256 Credential=somebody/20230822/us-east-1/s3/aws4_request"
}
HOP_BY_HOP = ("connection", "transfer-encoding", "content-length", "keep-alive")

Fault = Callable[["Door", str, str], bool]
"""Sees a request (handler, method, path); answers it itself and says True, or lets it through."""


@dataclass
class ObjectServer:
    """The server, what it was asked, and the environment that leads to it."""

    port: int
    behind: int
    asked: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    _made: set[str] = field(default_factory=set)

    @property
    def env(self) -> dict[str, str]:
        endpoint = f"http://{HERE}:{self.port}"
        return {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "GOOGLE_BASE_URL": endpoint,
            "GOOGLE_SKIP_SIGNATURE": "true",
        }

    def fetched(self) -> list[str]:
        """The keys that were fetched since the last time this was asked, in their order."""
        got = [path.partition("?")[0].split("/", 2) for how, path in self.asked if how == "GET"]
        self.asked.clear()
        return [parts[2] for parts in got if len(parts) == 3 and parts[2]]

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object; the bucket is made when it is not there."""
        if bucket not in self._made:
            self._client.create_bucket(Bucket=bucket)
            self._made.add(bucket)
        self._client.put_object(Bucket=bucket, Key=key, Body=body)

    def put_folder(self, bucket: str, prefix: str, folder: Path) -> None:
        """Write all files of a folder."""
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            self.put(bucket, f"{prefix}{path.relative_to(folder).as_posix()}", path.read_bytes())

    def delete(self, bucket: str, key: str) -> None:
        """Take an object away."""
        self._client.delete_object(Bucket=bucket, Key=key)

    @cached_property
    def _client(self) -> Any:
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=f"http://{HERE}:{self.behind}",
            region_name="us-east-1",
            aws_access_key_id="somebody",
            aws_secret_access_key=SECRET,
        )


class Door(Answering):
    """Passes a request on and its answer back."""

    objects: ObjectServer

    def answer(self) -> None:
        self.objects.asked.append((self.command, self.path))
        if any(fault(self, self.command, self.path) for fault in self.objects.faults):
            return
        behind = HTTPConnection(HERE, self.objects.behind)
        behind.request(self.command, self.path, headers={**SIGNED, **dict(self.headers.items())})
        answer = behind.getresponse()
        body = answer.read()
        headers = {k: v for k, v in answer.getheaders() if k.lower() not in HOP_BY_HOP}
        length = answer.getheader("content-length") if self.command == "HEAD" else str(len(body))
        self.reply(answer.status, body, {**headers, "Content-Length": length or "0"})


@contextmanager
def object_server() -> Iterator[ObjectServer]:
    """The server for as long as it is needed: half a second to start."""
    with subprocess.Popen(
        (sys.executable, "-c", SERVER),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as moto:
        assert moto.stdout is not None
        server = ObjectServer(0, int(moto.stdout.readline()))
        door = type("OwnDoor", (Door,), {"objects": server})
        try:
            with listening(door) as server.port:
                yield server
        finally:
            moto.communicate()
