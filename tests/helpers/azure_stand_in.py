"""A stand-in for Azure Blob Storage, for which no server can be had as a package.

It lists and gives out blobs as Microsoft documents it (List Blobs, Get Blob): the list has ETags
without quotes, the headers have them with quotes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

HERE = "127.0.0.1"
SECRET = "YS1zZWNyZXQtdGhhdC1ub2JvZHktbWF5LXNlZQ=="
WRITTEN = "Tue, 22 Aug 2023 10:00:00 GMT"


@dataclass
class Account:
    """The blobs of one container, and what was asked."""

    container: str
    blobs: dict[str, bytes]
    port: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        return {
            "AZURE_STORAGE_ACCOUNT_NAME": "account",
            "AZURE_STORAGE_ACCOUNT_KEY": SECRET,
            "AZURE_STORAGE_ENDPOINT": f"http://{HERE}:{self.port}",
            "AZURE_ALLOW_HTTP": "true",
        }

    def listing(self, prefix: str) -> bytes:
        """The answer to List Blobs."""
        entries = "".join(
            f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{WRITTEN}</Last-Modified>"
            f"<Etag>{etag_of(body)}</Etag><Content-Length>{len(body)}</Content-Length>"
            "<Content-Type>text/plain</Content-Type><BlobType>BlockBlob</BlobType></Properties>"
            "</Blob>"
            for name, body in sorted(self.blobs.items())
            if name.startswith(prefix)
        )
        head = '<?xml version="1.0" encoding="utf-8"?><EnumerationResults>'
        return f"{head}<Blobs>{entries}</Blobs><NextMarker/></EnumerationResults>".encode()


def etag_of(body: bytes) -> str:
    return f"0x{sha256(body).hexdigest()[:15].upper()}"


class Blobs(BaseHTTPRequestHandler):
    """Answers for one account."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece: apart they wait 40 ms for each other
    account: Account

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        asked = urlsplit(self.path)
        container, _, name = unquote(asked.path).lstrip("/").partition("/")
        body = self.account.blobs.get(name) if container == self.account.container else None
        self.account.asked.append(f"{self.command} {name}")
        assert "SharedKey account:" in self.headers["authorization"]
        if container == self.account.container and not name:
            self._reply(200, self.account.listing(parse_qs(asked.query).get("prefix", [""])[0]))
        elif body is None:
            self._reply(404, b"<Error><Code>BlobNotFound</Code></Error>")
        elif self.headers.get("if-match") not in (None, f'"{etag_of(body)}"'):
            self._reply(412, b"<Error><Code>ConditionNotMet</Code></Error>")
        else:
            headers = {"ETag": f'"{etag_of(body)}"', "Last-Modified": WRITTEN}
            self._reply(200, body, headers)

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for key, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def azure(container: str, blobs: dict[str, bytes]) -> Iterator[Account]:
    """A storage account on this machine for as long as it is needed."""
    account = Account(container, blobs)
    handler = type("OwnBlobs", (Blobs,), {"account": account})
    with ThreadingHTTPServer((HERE, 0), handler) as listening:
        account.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        try:
            yield account
        finally:
            listening.shutdown()
            thread.join()
