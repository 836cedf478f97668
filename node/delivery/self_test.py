"""The start-up self-test of broadcasting: does the broker let this node's own presence through?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from node.logs import get_logger
from node.ports import BrokerDownError

if TYPE_CHECKING:
    from node.ports import BrokerLink, Publication

SELF_TEST_S_MAX: Final = 5.0
"""How long the broker may take to give a message back."""

_log = get_logger(__name__)


async def see_own_presence(link: BrokerLink, online: Publication) -> None:
    """Read the node's own `online` back from the broker; if it does not come, log a warning and nothing else.

    A PUBACK would not tell: a broker's access rules drop a QoS 1 message silently (MQTT 3.1.1, 3.3.5).
    Cancel it when the link is lost.
    """
    try:
        async with asyncio.timeout(SELF_TEST_S_MAX):
            await _wait_for(link, online)
    except TimeoutError:
        _log.warning(
            "broadcasts_not_seen",
            explanation="The MQTT broker did not give this node's own presence back within "
            f"{SELF_TEST_S_MAX:.0f} s: it probably refuses this node's topics. "
            f"Let this node's user read and write {online.topic} and what stands beside it.",
        )


async def _wait_for(link: BrokerLink, online: Publication) -> None:
    try:
        await link.subscribe(online.topic)
        async for message in link.messages():
            if message.payload == online.payload:
                return
    except BrokerDownError:
        # Refused, so that nothing will come; or the link is lost, and the caller cancels this.
        await asyncio.Event().wait()
