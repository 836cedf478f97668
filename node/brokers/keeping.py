"""A node's own broker is kept up: whenever it dies it is started again, on the same port, for as long as the node runs.

Broadcasts wait meanwhile, and nothing else does. Unlike a pair, which tells whoever watches it and gives up after a
few deaths, a node has nobody beside it: it goes on trying, after ever longer waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from node.endings import ending, last_words
from node.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from node.brokers.children import BrokerChild

LOOK_S: Final = 0.5
WAIT_S_FIRST: Final = 1.0
WAIT_S_MAX: Final = 60.0
STEADY_S: Final = 10.0
"""Whoever lived that long did not die at once: the waits begin anew."""

_log = get_logger(__name__)


@contextlib.asynccontextmanager
async def kept_up(child: BrokerChild, *, wait_s_first: float = WAIT_S_FIRST) -> AsyncIterator[None]:
    """Meanwhile, start a broker again whenever it dies.

    Enter it in the main thread (see `BrokerChild.start`).

    Args:
        child: runs already; at the end it is left as it is.
        wait_s_first: how long it stays down after a death, in seconds; twice as long after each further one at once.
    """
    keeping = asyncio.create_task(_keep(child, child.pid, wait_s_first))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _keep(child: BrokerChild, pid: int | None, wait_s_first: float) -> None:
    clock, wait_s = asyncio.get_running_loop().time, wait_s_first
    while True:
        began = clock()
        while child.is_running:  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(LOOK_S)
        if clock() - began >= STEADY_S:
            wait_s = wait_s_first
        words = last_words(child.log_path, since=0)  # each start begins its log anew
        why = ending(f"The broker ({child.kind})", child.exit_status, words)
        _log.warning("broker_died", kind=child.kind.value, url=child.url, pid=pid, why=why, next_start_s=wait_s)
        has_started = False
        while not has_started:
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, WAIT_S_MAX)
            has_started = await _start(child, next_start_s=wait_s)
        pid = child.pid


async def _start(child: BrokerChild, *, next_start_s: float) -> bool:
    try:
        await child.start()
    except Exception as error:  # noqa: BLE001 - whatever it is, the node goes on without a broker and tries again
        why = str(error) or type(error).__name__
        _log.warning("broker_not_started", kind=child.kind.value, url=child.url, why=why, next_start_s=next_start_s)
        return False
    _log.info("broker_started", kind=child.kind.value, url=child.url, pid=child.pid)
    return True
