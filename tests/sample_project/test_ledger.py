"""The ledger's tests: what anybody would write with the test kit."""

from __future__ import annotations

import asyncio
import os

import aiomqtt
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from ledger import CarelessLedger, Ledger

from simulations.kit import BrokerOutage, HandshakeMachine, World, fault_plans, simulated

new_ledger = {"careful": Ledger, "careless": CarelessLedger}[os.environ.get("LEDGER", "careful")]


async def told(node):
    """How often the node says that it became active, by its own log."""
    counts = {}
    for connection in node.connections:
        log = await node.api("GET", f"/connections/{connection.sys_id}/events")
        count = sum(event["data"]["status"] == "active" for event in log["events"])
        if count:
            counts[node.node_id, connection.sys_id] = count
    return counts


async def test_a_day_on_which_nothing_goes_wrong(handclasp_world):
    w, ledger = handclasp_world, new_ledger()
    listening = asyncio.create_task(ledger.run(w.mqtt))
    a, b = await w.nodes("a", "b")
    await b.accept(await a.initiate(b))
    await w.quiet()
    assert ledger.activations == await told(a) | await told(b)
    assert not listening.done()


def is_survivable(fault):
    """What a client misses while the broker is away it can't know from the broker: it would have to ask the nodes."""
    return not isinstance(fault, BrokerOutage)


@settings(max_examples=40, deadline=None, phases=(Phase.generate, Phase.shrink))
@given(seed=st.integers(0, 999), plan=fault_plans(within_s=30))
@simulated
async def test_each_activation_is_counted_once_whatever_goes_wrong(seed, plan):
    ledger = new_ledger()
    async with World(seed) as w:
        a, b = await w.nodes("a", "b")
        listening = asyncio.create_task(ledger.run(w.mqtt))
        await asyncio.sleep(1)
        w.plan(filter(is_survivable, plan))
        await b.accept(await a.initiate())
        await w.quiet()
        await a.act("deactivate")
        await a.act("activate")
        await w.quiet()
        assert ledger.activations == await told(a) | await told(b)
        assert not listening.done()


class Ledgers(HandshakeMachine):
    """Random admins, too."""

    async def begun(self):
        self.ledger = new_ledger()
        self.listening = asyncio.create_task(self.ledger.run(self.world.mqtt))

    def may_strike(self, fault):
        return is_survivable(fault)

    async def at_rest(self):
        for node in self.nodes:
            for side, count in (await told(node)).items():
                assert self.ledger.activations[side] == count


TestLedgers = Ledgers.TestCase
TestLedgers.settings = settings(max_examples=10, stateful_step_count=15, deadline=None, phases=(Phase.generate,))


async def test_with_real_nodes_and_a_real_broker(handclasp_pair):
    a, b = handclasp_pair
    ledger = new_ledger()
    listening = asyncio.create_task(ledger.run(lambda: aiomqtt.Client("127.0.0.1", handclasp_pair.mqtt_port)))
    connection = b.accept(a.initiate(b))
    async with asyncio.timeout(30):
        while len(ledger.activations) < 2:
            await asyncio.sleep(0.05)
    assert {sys_id for _, sys_id in ledger.activations} == {connection.sys_id}
    assert set(ledger.activations.values()) == {1}
    listening.cancel()
