"""The pair's directory: what it is made of, and who is running it now.

pair.json   names and ports, so that every URL stays the same from one start to the next
pair.lock   locked while the pair runs; holds its process id
pair.tls/   certificates of a pair that speaks https
NAME/       a node's data directory; NAME.log beside it
broker/     the broker's memory
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from node.local_pair.processes import NodePorts, PairPorts
from node.private_files import read_text, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATE_FILE = "pair.json"
LOCK_FILE = "pair.lock"
STATE_VERSION = 1
PID_CHARACTERS_MAX = 20


class PairStateError(Exception):
    """The pair's directory can't be used; the text is a sentence, and nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairState:
    """What a pair is made of."""

    names: tuple[str, ...]
    ports: PairPorts
    broker_kind: str
    tls: bool = False

    @property
    def scheme(self) -> str:
        """What its nodes speak."""
        return "https" if self.tls else "http"

    def to_json(self) -> dict[str, Any]:
        """As it stands in pair.json; other commands find nodes and broker by it."""
        return {
            "version": STATE_VERSION,
            "nodes": {
                name: {"data": name, "port": ports.node, "instance_port": ports.instance}
                for name, ports in zip(self.names, self.ports.nodes, strict=True)
            },
            "broker": {
                "kind": self.broker_kind,
                "port": self.ports.broker,
                "url": f"mqtt://127.0.0.1:{self.ports.broker}",
            },
            "tls": self.tls,
        }


def load(directory: Path) -> PairState | None:
    """The pair in a directory; none if there is none yet.

    Raises:
        PairStateError: it is damaged, or of a newer version.
    """
    text = read_text(directory / STATE_FILE)
    if text is None:
        return None
    try:
        content = json.loads(text)
        version = int(content["version"])
        if version <= STATE_VERSION:
            return _state(content)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise PairStateError(
            f"{directory / STATE_FILE} is damaged. "
            "Begin anew with --reset, which deletes this pair, or name another --data."
        ) from None
    raise PairStateError(
        f"The pair in {directory} was made by a newer version of Handclasp. Start that one, or name another --data."
    )


def _state(content: dict[str, Any]) -> PairState:
    nodes = content["nodes"]
    return PairState(
        names=tuple(nodes),
        ports=PairPorts(
            nodes=tuple(NodePorts(node=int(row["port"]), instance=int(row["instance_port"])) for row in nodes.values()),
            broker=int(content["broker"]["port"]),
        ),
        broker_kind=str(content["broker"]["kind"]),
        tls=bool(content.get("tls", False)),
    )


def save(directory: Path, state: PairState) -> None:
    """Write what the pair is made of."""
    write_atomically(directory / STATE_FILE, json.dumps(state.to_json(), indent=2) + "\n")


def reset(directory: Path) -> None:
    """Delete a pair and all its data, but nothing that is no pair.

    Raises:
        PairStateError: the directory holds something else.
    """
    if not directory.exists():
        return
    if not (directory / LOCK_FILE).exists():
        raise PairStateError(f"{directory} holds no pair, so --reset leaves it alone. Name the directory of a pair.")
    for path in directory.iterdir():
        if path.name == LOCK_FILE:
            continue  # it is locked by this process at this moment
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the pair for this process.

    Raises:
        PairStateError: another process runs it, or the directory can't be used.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (directory / LOCK_FILE).exists() and any(directory.iterdir()):
            raise PairStateError(f"{directory} holds something else than a pair. Name an empty directory with --data.")
        descriptor = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise PairStateError(
            f"The pair's directory {directory} can't be used ({error.strerror}). Name another with --data."
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PairStateError(
                f"The pair in {directory} is already running (process {_holder(descriptor)}). "
                "Use it, stop it with `handclasp pair stop`, or name another --data."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def running_pid(directory: Path) -> int | None:
    """The process that runs the pair; none if it does not run."""
    try:
        descriptor = os.open(directory / LOCK_FILE, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _holder(descriptor)
        return int(holder) if holder.isdecimal() else None
    finally:
        os.close(descriptor)
    return None


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, PID_CHARACTERS_MAX, 0).decode(errors="replace").strip() or "unknown"
