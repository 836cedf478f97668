"""A server that knows nothing: what a client's tests pass against it says nothing about a node."""

from __future__ import annotations

import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWER = json.dumps({"error": {"message": "No Record found", "detail": None}, "status": "failure"}).encode()


class _NotFound(BaseHTTPRequestHandler):
    """Answers 404 to everything, in the form that ServiceNow documents."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Read the request to its end, so that the connection can be used again, and know nothing."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the library asks for these names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def null_server(certificate: Path, key: Path) -> Iterator[str]:
    """Serve 404 over TLS on a free port of 127.0.0.1; yields the URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), _NotFound) as server:
        # The handshake belongs to each connection's own thread: a client that stalls in it holds up nobody else.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
