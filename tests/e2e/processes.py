"""Node processes and an admin's view of them, for tests that kill what they test."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

from node.data_directory import read_admin_token
from node.tls.trust import client_context

if TYPE_CHECKING:
    import ssl
    from pathlib import Path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return held.getsockname()[1]


@dataclass
class NodeProcess:
    """One `handclasp node`, as its own process."""

    name: str
    data: Path
    mqtt_url: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    instance_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def instance_url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.instance_port}"

    @property
    def scheme(self) -> str:
        return "https" if "HANDCLASP_TLS_CERT_FILE" in self.settings else "http"

    @property
    def tls(self) -> ssl.SSLContext | None:
        """What trusts the node."""
        file = self.settings.get("HANDCLASP_TLS_CERT_FILE")
        return client_context(file) if file is not None else None

    @property
    def log(self) -> Path:
        return self.data.with_suffix(".log")

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HANDCLASP_")}
        environment |= (
            {
                "HANDCLASP_NAME": self.name,
                "HANDCLASP_DATA": str(self.data),
                "HANDCLASP_LISTEN": f"127.0.0.1:{self.port}",
                "HANDCLASP_INSTANCE_LISTEN": f"127.0.0.1:{self.instance_port}",
                "HANDCLASP_NODE_URL": self.url,
                "HANDCLASP_ANNOUNCEMENTS": "anyone",
                "HANDCLASP_LOG_FORMAT": "json",
            }
            | ({"HANDCLASP_MQTT_URL": self.mqtt_url} if self.mqtt_url else {"HANDCLASP_BROKER": "none"})
            | self.settings
        )
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "node", "node"], env=environment, stdout=log, stderr=log
            )
        until(self.is_ready, f"{self.name} is ready")

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=1, context=self.tls) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self, how: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(15)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(5)

    def admin(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {read_admin_token(self.data)}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10, context=self.tls) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    def initiate(self, to: str | None, *, name: str = "a_to_b", **more: Any) -> tuple[str, str]:
        """The sys_id and the invitation code."""
        body = {"destination_url": to, "name": name, "local_short_name": "a", "remote_short_name": "b"} | more
        status, answer = self.admin("POST", "/connections", body)
        assert status == 201, answer
        return answer["connection"]["sys_id"], answer["invitation_code"]

    def accept(self, code: str) -> Any:
        status, answer = self.admin("POST", "/invitations/accept", {"code": code})
        assert status == 201, answer
        return answer["connection"]

    def status(self, sys_id: str) -> str:
        status, answer = self.admin("GET", f"/connections/{sys_id}")
        return answer["connection"]["status"] if status == 200 else "none"

    def until_active(self, sys_id: str) -> None:
        until(lambda: self.status(sys_id) == "active", f"{self.name} is active")


def until(condition, what: str, *, within_s: float = 60) -> None:
    """Poll until a condition holds; the test fails, saying what did not come, when it never does."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, f"not within {within_s} s: {what}"
        time.sleep(0.02)
