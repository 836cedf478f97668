"""Clients from the package index, each in an environment of its own, before a real node with demo data."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scripts.clients.environments import IndexUnreachableError, client_python
from scripts.clients.serving import fresh_node, insert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripts.clients.serving import Target

SCRIPTS = Path(__file__).parent / "scripts"
STORY_SECONDS_MAX = 60

OTHER = {"user_name": "no.roles", "last_name": "Roles", "user_password": "nobody knows this one"}
"""A user without any role."""


@pytest.fixture(scope="module")
def http_node(tmp_path_factory) -> Iterator[Target]:
    with fresh_node(tmp_path_factory.mktemp("http"), tls=False) as target:
        insert(target, "sys_user", OTHER)
        yield target


@pytest.fixture(scope="module")
def https_node(tmp_path_factory) -> Iterator[Target]:
    with fresh_node(tmp_path_factory.mktemp("https")) as target:
        insert(target, "sys_user", OTHER)
        yield target


@pytest.fixture
def tell_story(tmp_path, leave_out) -> Callable[[str, str, Target], dict[str, Any]]:
    """Run a client's script against a node, in the client's environment, and give what it saw."""

    def run(client: str, script: str, target: Target) -> dict[str, Any]:
        try:
            python = client_python(client)
        except IndexUnreachableError as error:
            leave_out(str(error))
        trust = (
            {"OAUTHLIB_INSECURE_TRANSPORT": "1"}
            if target.ca_file is None
            else {"REQUESTS_CA_BUNDLE": str(target.ca_file), "SSL_CERT_FILE": str(target.ca_file)}
        )
        done = subprocess.run(
            [python, SCRIPTS / script],
            input=json.dumps(_told(target, tmp_path)),
            env=os.environ | trust | {"NO_PROXY": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=STORY_SECONDS_MAX,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def _told(target: Target, folder: Path) -> dict[str, str]:
    return {
        "url": target.url,
        "user_name": target.user_name,
        "password": target.password,
        "client_id": target.client_id,
        "client_secret": target.client_secret,
        "other_name": OTHER["user_name"],
        "other_password": OTHER["user_password"],
        "folder": str(folder),
    }
