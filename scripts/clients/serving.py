"""What the clients are pointed at: a fresh node with demo data, or a server that knows nothing."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from node.data_directory import read_admin_token

from scripts.clients.null_server import null_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADMIN: Final = "admin"
READY_S: Final = 60.0
DEMO_DATA_S: Final = 60.0

NOTHING: Final = "nothing"
"""A password that opens nothing."""

OK: Final = 200


class NodeFailedError(Exception):
    """The node did not get ready; the text says what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server, and how one signs in to it."""

    url: str
    """https://127.0.0.1:PORT."""
    ca_file: Path | None
    """The certificate authority by which it is trusted; none: it speaks plain http."""
    user_name: str
    password: str
    client_id: str = ""
    client_secret: str = ""
    """An OAuth client; empty: none."""
    api_key: str = ""


@contextmanager
def knowing_nothing(folder: Path) -> Iterator[Target]:
    """A server that answers 404 to everything, over TLS."""
    ca_file, certificate, key = _certificate(folder)
    with null_server(certificate, key) as url:
        yield Target(
            url=url,
            ca_file=ca_file,
            user_name=ADMIN,
            password=NOTHING,
            client_id=NOTHING,
            client_secret=NOTHING,
        )


@contextmanager
def fresh_node(folder: Path, *, tls: bool = True) -> Iterator[Target]:
    """A new node with demo data as a process of its own, on free ports of 127.0.0.1; stopped at the end.

    Raises:
        NodeFailedError: it ended, or is not ready within READY_S.
    """
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        port, instance_port = one.getsockname()[1], other.getsockname()[1]
    ca_file, certificate, key = _certificate(folder) if tls else (None, None, None)
    scheme = "https" if tls else "http"
    data, log = folder / "node", folder / "node.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HANDCLASP_")} | {
        "HANDCLASP_NAME": "Clients",
        "HANDCLASP_DATA": str(data),
        "HANDCLASP_LISTEN": f"127.0.0.1:{port}",
        "HANDCLASP_INSTANCE_LISTEN": f"127.0.0.1:{instance_port}",
        "HANDCLASP_NODE_URL": f"{scheme}://127.0.0.1:{port}",
        "HANDCLASP_BROKER": "none",
        "HANDCLASP_DEMO_DATA": "1",
    }
    if tls:
        environment |= {"HANDCLASP_TLS_CERT_FILE": str(certificate), "HANDCLASP_TLS_KEY_FILE": str(key)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "node", "node"], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(f"{scheme}://127.0.0.1:{port}/readyz", ca_file, process, log)
        yield _let_in(f"{scheme}://127.0.0.1:{port}", f"{scheme}://127.0.0.1:{instance_port}", ca_file, data)
    finally:
        process.terminate()
        process.wait()


def insert(target: Target, table: str, record: dict[str, str]) -> None:
    """Make a record in the instance, as its admin."""
    credentials = b64encode(f"{target.user_name}:{target.password}".encode()).decode()
    _post(f"{target.url}/api/now/table/{table}", f"Basic {credentials}", record, target.ca_file)


def _let_in(node_url: str, instance_url: str, ca_file: Path | None, data: Path) -> Target:
    """The instance, with a program registered there as its admin does. The first request waits for the demo data."""
    token, api = f"Bearer {read_admin_token(data)}", f"{node_url}/api/v1/instance"
    client = _post(f"{api}/oauth-clients", token, {"name": "Clients", "user": ADMIN}, ca_file)
    return Target(
        url=instance_url,
        ca_file=ca_file,
        user_name=ADMIN,
        password=(data / "admin.password").read_text(encoding="utf-8").strip(),
        client_id=client["client_id"],
        client_secret=client["client_secret"],
        api_key=_post(f"{api}/api-keys", token, {"user": ADMIN}, ca_file)["api_key"],
    )


def _post(url: str, authorization: str, body: dict[str, str], ca_file: Path | None) -> dict[str, Any]:
    headers = {"Authorization": authorization, "Content-Type": "application/json"}
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers)  # noqa: S310 - a node of our own
    with urllib.request.urlopen(request, timeout=DEMO_DATA_S, context=_trusting(ca_file)) as answer:  # noqa: S310 - likewise
        answered: dict[str, Any] = json.load(answer)
        return answered


def _wait_until_ready(url: str, ca_file: Path | None, process: subprocess.Popen[bytes], log: Path) -> None:
    ends_at = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < ends_at:
        with suppress(OSError), urllib.request.urlopen(url, timeout=1, context=_trusting(ca_file)) as answer:  # noqa: S310 - a node of our own
            if answer.status == OK:
                return
        time.sleep(0.02)
    said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise NodeFailedError(f"The node did not get ready (exit status {process.poll()}). It said:\n{said}")


def _trusting(ca_file: Path | None) -> ssl.SSLContext | None:
    return None if ca_file is None else ssl.create_default_context(cafile=ca_file)


def _certificate(folder: Path) -> tuple[Path, Path, Path]:
    """An authority, a certificate of it for this machine, and its key."""
    from node.tls.authority import issue  # noqa: PLC0415 - it is heavy, and for https alone

    authority, issued = issue(["clients"], now=datetime.now(UTC), lifetime=timedelta(days=1))
    files = folder / "ca.pem", folder / "node.pem", folder / "node.key"
    for file, text in zip(files, (authority, issued["clients"].certificate, issued["clients"].key), strict=True):
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
    return files
