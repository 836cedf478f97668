"""How each process of a pair is, as `handclasp pair status` tells it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from node.cli.failures import CommandError
from node.cli.places import running_on
from node.data_directory import read_runtime
from node.local_pair.keeping import BROKER
from node.local_pair.notes import ChildState, Note, read_notes

if TYPE_CHECKING:
    from pathlib import Path

    from node.local_pair.state import PairState

STATE_STYLES: Final = {
    ChildState.RUNNING: "green",
    ChildState.STARTING_AGAIN: "yellow",
    ChildState.GIVEN_UP: "red",
    ChildState.STOPPED: "dim",
    ChildState.NOT_ANSWERING: "red",
}

ANSWER_S_MAX: Final = 3.0
"""How long a node may take to tell its connections before it is said not to answer."""

_NONE: Final = Note(state=ChildState.STOPPED, said="", death_count=0)


def nodes_and_broker(directory: Path, state: PairState, pid: int | None) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The nodes and the broker: where each is, its state, and how often it died in this run.

    Args:
        directory: the pair's.
        state: what it is made of.
        pid: the process that runs it; none if it does not run.
    """
    notes = read_notes(directory, pid=pid) if pid is not None else {}
    alive = Note(state=ChildState.RUNNING, said="", death_count=0)
    broker = notes.get(BROKER, alive) if pid is not None else _NONE
    return (
        [_node(directory, state, name, notes.get(name, _NONE)) for name in state.names],
        state.to_json()["broker"] | _noted(broker, broker.state),
    )


def _node(directory: Path, state: PairState, name: str, note: Note) -> dict[str, Any]:
    ports = dict(zip(state.names, state.ports.nodes, strict=True))[name]
    runtime = read_runtime(directory / name)
    shown: dict[str, Any] = {
        "name": name,
        "node_url": f"{state.scheme}://127.0.0.1:{ports.node}",
        "instance_url": f"{state.scheme}://127.0.0.1:{ports.instance}",
        "pid": runtime.pid if runtime is not None else None,
        "connections": {},
    }
    place = running_on(directory / name, name)
    if place is None:
        down = note.state if note.state is not ChildState.RUNNING else ChildState.STOPPED
        return shown | _noted(note, down)
    from node.cli.client import AdminClient  # noqa: PLC0415 - only where a node runs

    client = AdminClient(place, answer_s_max=ANSWER_S_MAX)
    try:
        counts = Counter(one["status"] for one in client.connections())
    except CommandError as error:
        return shown | _noted(replace(note, said=str(error)), ChildState.NOT_ANSWERING)
    return shown | {"connections": dict(counts)} | _noted(note, ChildState.RUNNING)


def _noted(note: Note, state: ChildState) -> dict[str, Any]:
    return {"state": state.value, "death_count": note.death_count, "said": note.said}
