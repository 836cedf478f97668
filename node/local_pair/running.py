"""A pair in the foreground: start, say that it is ready, watch the children, stop them in order."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from node.brokers.children import BrokerKind
from node.cli.client import AdminClient
from node.cli.places import Place
from node.data_directory import read_admin_token
from node.local_pair.processes import LocalPair, NodeChild

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from node.local_pair.state import PairState

LOOK_S = 0.2
ACTIVE_S_MAX = 15.0


class ChildDiedError(Exception):
    """A process of the pair ended by itself; the text is a sentence."""


def client_of(node: NodeChild) -> AdminClient:
    """The admin client of a node of this pair."""
    token = read_admin_token(node.data)
    if token is None:
        raise ChildDiedError(f"The node {node.name} has no admin token: it never started.")
    return AdminClient(Place(title=f"node {node.name} of the pair", url=node.node_url, token=token))


async def run(
    directory: Path, state: PairState, *, connect: bool, ready: Callable[[LocalPair, dict[str, Any] | None], None]
) -> None:
    """Run the pair until SIGINT or SIGTERM; a second one kills what is left.

    Raises:
        PairStartError: it can't start; nothing is left running.
        ChildDiedError: a process ended by itself; the others were stopped.
    """
    asked = asyncio.Event()
    pair = LocalPair(directory, names=state.names, broker_kind=BrokerKind(state.broker_kind), ports=state.ports)

    def ask() -> None:
        if asked.is_set():
            kill(pair)
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ask)
    starting = asyncio.create_task(pair.start())
    interrupted = asyncio.create_task(asked.wait())
    await asyncio.wait({starting, interrupted}, return_when=asyncio.FIRST_COMPLETED)
    interrupted.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await pair.stop()
        return
    starting.result()
    try:
        ready(pair, await asyncio.to_thread(handshake, pair) if connect else None)
        await _until_asked_or_dead(pair, asked)
    finally:
        await pair.stop()


def kill(pair: LocalPair) -> None:
    """End everything at once."""
    for node in pair.nodes:
        node.kill()
    if pair.broker.pid is not None:
        os.kill(pair.broker.pid, signal.SIGKILL)


async def _until_asked_or_dead(pair: LocalPair, asked: asyncio.Event) -> None:
    while not asked.is_set():
        dead = [node for node in pair.nodes if not node.is_running]
        if dead:
            raise ChildDiedError(
                f"The node {dead[0].name} ended by itself: {dead[0].last_words()}. Its log is {dead[0].log_path}."
            )
        if not pair.broker.is_running:
            raise ChildDiedError(f"The broker ended by itself. Its log is {pair.broker.log_path}.")
        try:
            async with asyncio.timeout(LOOK_S):
                await asked.wait()
        except TimeoutError:
            continue


def handshake(pair: LocalPair) -> dict[str, Any]:
    """Connect the first two nodes, unless they are connected already; the source's connection.

    Raises:
        CommandError: a node refused.
        ChildDiedError: it did not become Active.
    """
    import time  # noqa: PLC0415 - a real process waits for real ones

    source, destination = pair.nodes[0], pair.nodes[1]
    admin, other = client_of(source), client_of(destination)
    for one in admin.connections(status="active"):
        if one["partner"]["node_url"] == destination.node_url:
            return one
    names = {one["name"] for one in [*admin.connections(), *other.connections()]}
    base = f"{source.name}_to_{destination.name}"
    name = next(name for name in (base, *(f"{base}_{n}" for n in range(2, 1000))) if name not in names)
    offered = admin.initiate(
        {
            "destination_url": destination.instance_url,
            "name": name,
            "local_short_name": source.name,
            "remote_short_name": destination.name,
        }
    )
    other.accept({"code": offered["invitation_code"]})
    deadline = time.monotonic() + ACTIVE_S_MAX
    while time.monotonic() < deadline:
        shown = [client.connection(offered["connection"]["sys_id"])["connection"] for client in (admin, other)]
        if all(one["status"] == "active" for one in shown):
            return dict(shown[0])
        time.sleep(0.02)  # noqa: TID251 - likewise
    raise ChildDiedError(f'The connection "{name}" did not become Active within {ACTIVE_S_MAX:.0f} s.')
