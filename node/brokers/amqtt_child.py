"""`python -m node.brokers.amqtt_child PORT`: the embedded MQTT broker, on 127.0.0.1 until SIGTERM.

Only errors reach standard error. It exits with 1 and one sentence when the port can't be had.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from typing import Final

from amqtt.errors import BrokerError

from node.brokers.amqtt_mended import MendedBroker

STOP_S_MAX: Final = 3.0
"""How long clients may hold up a stop."""


async def serve(port: int) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        amqtt.errors.BrokerError: the port can't be had.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopping.set)
    broker = MendedBroker(port)
    await broker.start()
    await stopping.wait()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP_S_MAX):
            await broker.shutdown()


def main(arguments: list[str]) -> int:
    """Serve on the port that is the one argument; return the exit status."""
    # amqtt tells each packet, and each client that leaves without a goodbye, as an event of its own.
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        (port,) = map(int, arguments)
        asyncio.run(serve(port))
    except ValueError:
        sys.stderr.write("Say the one port to listen on: python -m node.brokers.amqtt_child PORT\n")
        return 2
    except BrokerError as error:
        sys.stderr.write(f"amqtt can't listen: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
