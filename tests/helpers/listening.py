"""HTTP servers on this machine, in a thread of the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HERE = "127.0.0.1"


class Answering(BaseHTTPRequestHandler):
    """Keeps connections open, answers without headers of its own, and says nothing."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece: apart they wait 40 ms for each other

    def answer(self) -> None:
        """Answer the request, whether it is a GET or a HEAD."""
        raise NotImplementedError

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Answer a request; that of a HEAD has no body."""
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """A server on a free port, which is given, for as long as it is needed."""
    with ThreadingHTTPServer((HERE, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
