"""secret-leak: the invitation's secret is nowhere but in the code, whatever is searched."""

import base64
import json
import os
import signal
import urllib.request
from pathlib import Path

import pytest

from protocol.invitation import read_code
from tests.e2e.processes import NodeProcess


def everything_written(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def process_list() -> bytes:
    found = b""
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            for part in ("cmdline", "environ"):
                try:
                    found += (process / part).read_bytes()
                except OSError:
                    continue
    return found


@pytest.mark.mosquitto
def test_secret_leak(tmp_path, broker, subscribe):
    nodes = [
        NodeProcess(name=name, data=tmp_path / name, mqtt_url=broker.url, settings={"HANDCLASP_LOG_LEVEL": "debug"})
        for name in ("a", "b")
    ]
    a, b = nodes
    codes = []
    try:
        for node in nodes:
            node.start()
        watching = subscribe()
        for name in ("accepted", "pending", "unreachable"):
            sys_id, code = a.initiate(b.url if name != "pending" else None, name=name)
            codes.append(code)
            a.admin("GET", f"/connections/{sys_id}/invitation")
            b.admin("POST", "/invitations/show", {"code": code})
            b.admin("POST", "/invitations/accept", {"code": code[:-1]})
            b.admin("POST", "/invitations/accept", {"code": code, "unknown": 1})
            if name == "accepted":
                b.accept(code)
                b.until_active(sys_id)
                watching.until('"status":"active"')
            if name == "unreachable":
                a.stop(signal.SIGKILL)
                b.accept(code)
        shown = b""
        for path in ("/metrics", "/readyz", "/.well-known/handclasp"):
            with urllib.request.urlopen(b.url + path, timeout=5) as answer:
                shown += answer.read()
        processes = process_list()
        _, listed = b.admin("GET", "/connections")
        b.stop(signal.SIGKILL)
    finally:
        for node in nodes:
            node.close()

    places = everything_written(tmp_path) | {
        "metrics and health": shown,
        "process list": processes,
        "listed connections": repr(listed).encode(),
        "what was broadcast": "\n".join(watching.lines).encode(),
    }
    assert any(name.endswith(("node.db-wal", "node.db")) for name in places)
    for code in codes:
        seed = read_code(code).seed
        secrets = (code[-32:].encode(), code[-32:].upper().encode(), seed, seed.hex().encode(), base64.b64encode(seed))
        for name, content in places.items():
            assert not any(secret in content for secret in secrets), f"the secret of a code stands in: {name}"


def test_stolen_database_neither_file_alone_opens_a_code(tmp_path, handclasp):
    node = NodeProcess(name="a", data=tmp_path / "a")
    try:
        node.start()
        _, code = node.initiate(None)
    finally:
        node.close()
    key = json.loads((tmp_path / "a" / "node.key").read_bytes())
    token, password = ((tmp_path / "a" / name).read_text().strip() for name in ("admin.token", "admin.password"))
    secrets = [base64.b64decode(key["signing_seed"]), base64.b64decode(key["master_secret"]), read_code(code).seed]
    secrets += [secret.hex().encode() for secret in secrets] + [base64.b64encode(secret) for secret in secrets]
    stolen = b"".join(file.read_bytes() for file in (tmp_path / "a").glob("node.db*"))
    assert not [secret for secret in [*secrets, token.encode(), password.encode()] if secret in stolen]
    (tmp_path / "a" / "node.key").unlink()
    flags = ["--data", tmp_path / "a", "--broker", "none", "--listen", "127.0.0.1:0", "--instance-listen", "none"]
    assert "node.key" in handclasp.here("node", *flags).refused(2)
