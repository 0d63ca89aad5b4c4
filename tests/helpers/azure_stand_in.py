"""A stand-in for Azure Blob Storage, for which no server can be had as a package.

It lists and gives out blobs as Microsoft documents it (List Blobs, Get Blob): the list has ETags
without quotes, the headers have them with quotes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from helpers.listening import HERE, Answering, listening

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


class Blobs(Answering):
    """Answers for one account."""

    account: Account

    def answer(self) -> None:
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
        self.reply(status, body, {**(headers or {}), "Content-Length": str(len(body))})


@contextmanager
def azure(container: str, blobs: dict[str, bytes]) -> Iterator[Account]:
    """A storage account on this machine for as long as it is needed."""
    account = Account(container, blobs)
    handler = type("OwnBlobs", (Blobs,), {"account": account})
    with listening(handler) as account.port:
        yield account
