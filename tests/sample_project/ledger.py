"""Somebody's own program: it counts, for an invoice, how often each side of a connection became active.

It knows nothing of Handclasp but the topics and the JSON on them, and is given its MQTT client.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter

import aiomqtt

TOPICS = "handclasp/v1/nodes/+/connections/+/status"
RECONNECT_S = 1.0


class Ledger:
    """Counts activations by (node, connection); each event once, for each has a number of its own."""

    def __init__(self):
        self.activations = Counter()
        self._seen = {}

    async def run(self, new_client):
        """Listen for ever; `new_client` makes a client for each link."""
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                async with new_client() as client:
                    await client.subscribe(TOPICS, qos=1)
                    async for message in client.messages:
                        if message.payload:
                            self.take(json.loads(message.payload)["data"])
            await asyncio.sleep(RECONNECT_S)

    def take(self, data):
        side = data["node"], data["connection"]
        if self.is_new(side, data["seq"]) and data["status"] == "active":
            self.activations[side] += 1

    def is_new(self, side, seq):
        if seq <= self._seen.get(side, 0):
            return False
        self._seen[side] = seq
        return True


class CarelessLedger(Ledger):
    """The planted bug: it takes each message for an event of its own, and QoS 1 says "at least once"."""

    def is_new(self, side, seq):
        return True
