"""An environment of its own for each client, with exactly the versions of its lock file.

They stand below .venv, made when they are first asked for and made anew when their lock file changes; `make clean`
takes them away. Nothing of ours is installed in them: to the clients a node is an address.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scripts.environment import ROOT, VENV, python_id
from scripts.environment_build import MISLEADING_VARIABLES, NETWORK_SIGNS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCKS = ROOT / "requirements" / "clients"
ENVIRONMENTS = VENV / "clients"

CLIENTS = tuple(sorted(path.stem for path in LOCKS.glob("*.lock")))
"""The clients that there are lock files for."""

PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "--retries=1")


class ClientMissingError(Exception):
    """A client can't be installed; the text is a sentence that says why."""


class IndexUnreachableError(ClientMissingError):
    """It can't be, on a machine without a package index."""


def client_python(client: str) -> Path:
    """The Python of the environment that holds `client`, which is made or made anew if need be.

    Raises:
        IndexUnreachableError: the package index can't be reached.
        ClientMissingError: it can't be installed for another reason.
    """
    lock = LOCKS / f"{client}.lock"
    folder = ENVIRONMENTS / client
    python, mark = folder / "bin" / "python", folder / "handclasp.txt"
    wanted = f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {python_id(sys.base_prefix)}"
    with _one_at_a_time(client):
        if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            _run(sys.executable, "-m", "venv", "--without-pip", str(folder), what=f"an environment for {client}")
            _run(
                sys.executable, *PIP, "--python", str(python), "install", "--no-deps", "--require-hashes",
                "--requirement", str(lock), what=str(lock.relative_to(ROOT)),
            )  # fmt: skip
            mark.write_text(wanted, encoding="utf-8")
    return python


@contextmanager
def _one_at_a_time(client: str) -> Iterator[None]:
    """Keep two test processes from making the same environment at once."""
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    with (ENVIRONMENTS / f"{client}.lock").open("wb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _run(*command: str, what: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in MISLEADING_VARIABLES}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        output = done.stdout + done.stderr
        last = ([line for line in output.splitlines() if "ERROR" in line] or output.splitlines() or ["(nothing)"])[-1]
        if NETWORK_SIGNS.search(output):
            raise IndexUnreachableError(
                f"{what} could not be installed: the package index can't be reached. pip said: {last.strip()}"
            )
        raise ClientMissingError(f"{what} could not be installed. pip said: {last.strip()}")
