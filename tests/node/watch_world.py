"""A running `handclasp watch` and what tests publish for it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import signal
import sys

import pytest

from node.delivery.broker_url import BrokerUrl
from node.delivery.events import presence_event, presence_topic, status_event, status_topic
from node.delivery.mqtt import MqttBroker
from node.ports import Publication
from tests.node.mqtt_world import PATIENCE_S, eventually

A, B = "node-a", "node-b"
ONE, TWO = f"{1:032x}", f"{2:032x}"
VIEW = {
    "role": "source", "status": "active", "phase": "active", "reason": None, "enabled_here": True,
    "enabled_there": True, "mode": "script", "revision": 1, "partner": None, "name": "a_to_b",
    "local_short_name": "a", "remote_short_name": "b",
}  # fmt: skip
OTHER_SIDE = {"role": "destination", "phase": "accepted", "local_short_name": "b", "remote_short_name": "a"}
CLOSED = {"status": "closed", "phase": "closed", "reason": "removed"}
SETTLED = "That is how it stands."
EMPTY = "No node has told anything there yet."

ids = (f"{number:08x}-0000-4000-8000-000000000000" for number in itertools.count())


def status(seq, *, node=A, connection=ONE, **data):
    payload = status_event(event_id=next(ids), at=0, node=node, connection=connection, seq=seq, **VIEW | data)
    return Publication(topic=status_topic(node, connection), payload=payload, retain=True)


def presence(state="online", *, node=A, session=1):
    payload = presence_event(
        event_id=next(ids), at=0, node=node, state=state, session=f"{session:08x}-0000-4000-8000-00000000000a"
    )
    return Publication(topic=presence_topic(node), payload=payload, retain=True)


def gone(node=A, connection=ONE):
    return Publication(topic=status_topic(node, connection), payload=b"", retain=True)


BOTH_SIDES = (presence(), presence(node=B), status(3), status(2, node=B, **OTHER_SIDE))


async def publish(child, *publications):
    async with MqttBroker(BrokerUrl.parse(child.url)).connect("publisher") as link:
        for each in publications:
            await link.publish(each)


def put(child, *publications):
    """The same for a test that has no loop of its own."""
    asyncio.run(publish(child, *publications))


class Watch:
    """A running `handclasp watch`."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        self.errors = []
        self._reading = [
            asyncio.create_task(self._read(process.stdout, self.lines)),
            asyncio.create_task(self._read(process.stderr, self.errors)),
        ]

    @staticmethod
    async def _read(stream, lines):
        async for line in stream:
            lines.append(line.decode().rstrip("\n"))

    def has(self, text):
        return any(text in line for line in self.lines)

    async def until(self, text):
        try:
            await eventually(lambda: self.has(text))
        except TimeoutError:
            pytest.fail(f"never said {text!r}, but {self.lines} and {self.errors}")

    @property
    def changes(self):
        return [json.loads(line) for line in self.lines]

    async def stop(self, how=signal.SIGINT):
        self.process.send_signal(how)
        async with asyncio.timeout(PATIENCE_S):
            code = await self.process.wait()
            await asyncio.gather(*self._reading)
        return code


@contextlib.asynccontextmanager
async def watching(handclasp, *arguments, **variables):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "node", "watch", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=handclasp.environment(PYTHONUNBUFFERED="", **variables), cwd=handclasp.home,
    )  # fmt: skip
    watch = Watch(process)
    try:
        yield watch
        if process.returncode is None:
            assert await watch.stop() == 0
        assert "Traceback" not in "\n".join(watch.lines + watch.errors)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def once(command, child, *arguments):
    return command("watch", "--once", "--mqtt-url", child.url, *arguments)


def cells(line):
    return re.split(r"\s{2,}", line.strip())
