"""A pair in the foreground: start, say that it is ready, watch the children, stop them in order."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from node.brokers.children import BrokerKind
from node.local_pair.keeping import Keeper
from node.local_pair.notes import Notes
from node.local_pair.processes import LocalPair, PairFailedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from node.local_pair.certificates import PairCertificates
    from node.local_pair.state import PairState


async def run(
    directory: Path,
    state: PairState,
    *,
    certificates: PairCertificates | None,
    connect: bool,
    has_demo_data: bool,
    ready: Callable[[LocalPair, dict[str, Any] | None], None],
    tell: Callable[[str], None],
) -> None:
    """Run the pair until SIGINT or SIGTERM, and start again what dies meanwhile; a second signal kills what is left.

    Args:
        directory: the pair's, locked by this process.
        state: what the pair is made of.
        certificates: of a pair that speaks https.
        connect: whether the first two nodes are to be connected.
        has_demo_data: whether new instances get a demo company.
        ready: is called once everything can be used.
        tell: takes a sentence about each process that died, and what became of it.

    Raises:
        PairStartError: it can't start; nothing is left running.
        PairFailedError: the nodes can't be connected, or every process was given up; nothing is left running.
    """
    asked = asyncio.Event()
    pair = LocalPair(
        directory,
        names=state.names,
        broker_kind=BrokerKind(state.broker_kind),
        ports=state.ports,
        certificates=certificates,
        has_demo_data=has_demo_data,
    )

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
        ready(pair, await asyncio.to_thread(_connect, pair) if connect else None)
        await keep(Keeper(pair, notes=Notes(directory), tell=tell), asked)
    finally:
        await pair.stop()


def _connect(pair: LocalPair) -> dict[str, Any]:
    from node.local_pair.connecting import handshake  # noqa: PLC0415 - what it loads, a start need not wait for

    return handshake(pair)


def kill(pair: LocalPair) -> None:
    """End everything at once."""
    for node in pair.nodes:
        node.kill()
    if pair.broker.pid is not None:
        os.kill(pair.broker.pid, signal.SIGKILL)


async def keep(keeper: Keeper, asked: asyncio.Event) -> None:
    """Keep a pair up until that is asked to end.

    Raises:
        PairFailedError: every process of it was given up.
    """
    keeping = asyncio.create_task(keeper.keep())
    asking = asyncio.create_task(asked.wait())
    await asyncio.wait({keeping, asking}, return_when=asyncio.FIRST_COMPLETED)
    if asked.is_set():
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        return
    asking.cancel()
    keeping.result()
    raise PairFailedError("Nothing of the pair is left running: each process of it was given up.")
