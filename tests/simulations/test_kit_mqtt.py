"""The broker of a scripted world, as your own programs see it."""

from __future__ import annotations

import asyncio

import aiomqtt
import pytest

from simulations.kit import NotQuietError, World, simulated


@simulated
async def test_a_subscriber_hears_decoded_events_through_an_outage():
    heard = []
    async with World() as w:
        a, b = await w.nodes("a", "b")
        await w.subscribe(heard.append, "handclasp/v1/nodes/+/connections/+/status")
        await b.accept(await a.initiate(b))
        await w.quiet()
        w.stop_broker()
        await a.act("deactivate")
        await asyncio.sleep(60)
        assert [one.event.data.status for one in heard if one.event.data.node == a.node_id] == ["pending", "active"]
        w.start_broker()
        await w.until(lambda: any(one.event.data.status == "deactivated-here" for one in heard), within_s=600)
        assert any(one.is_retained for one in heard), "it subscribed anew"
        for _ in range(2):  # it ends, and then it leaves the list
            await a.act("remove")
            await w.quiet()
        assert any(one.event is None and a.node_id in one.topic for one in heard)


async def last_status(client, node_id):
    """A program that could be anybody's: it is given an aiomqtt.Client in real life."""
    async with client:
        await client.subscribe(f"handclasp/v1/nodes/{node_id}/connections/+/status", qos=1)
        async for message in client.messages:
            return message.topic.value, bytes(message.payload), message.retain


@simulated
async def test_a_program_written_for_aiomqtt_takes_the_simulated_client():
    async with World() as w:
        a, _ = await w.nodes("a", "b")
        await a.initiate()
        await w.quiet()
        _, payload, retain = await last_status(w.mqtt("mine"), a.node_id)
        assert retain
        assert b'"status":"pending"' in payload
        client, other = w.mqtt(), w.mqtt(will=aiomqtt.Will("mine/last", "gone", retain=True))
        with pytest.raises(aiomqtt.MqttError, match="not connected"):
            await client.publish("mine/first", 1)
        async with client, other:
            await client.subscribe([("mine/#", 0), ("theirs", 1)])
            await other.publish("mine/first", "hello", qos=1, retain=True)
            live = await anext(client.messages)
            assert (live.payload, live.retain) == (b"hello", False)
            await client.unsubscribe("mine/#")
            w.stop_broker()
            with pytest.raises(aiomqtt.MqttError):
                await anext(client.messages)
        with pytest.raises(aiomqtt.MqttError):
            async with client:
                pass
        w.start_broker()
        async with client:
            await client.subscribe("mine/first")
            assert (await anext(client.messages)).retain


@simulated
async def test_it_is_quiet_when_a_subscriber_that_lost_its_link_has_caught_up():
    heard = []
    async with World() as w:
        (a,) = await w.nodes("a")
        await w.subscribe(lambda delivery: heard.append(delivery.event.data.seq), "handclasp/+/nodes/+/connections/#")
        async with w.mqtt("program-1"):  # a second link with the same id ends the first
            await a.initiate()
        await w.quiet()
        assert heard == [1]
        w.stop_broker()
        await w.quiet()  # whom nothing can reach is not waited for
        w.start_broker()
        await w.quiet()
        assert heard == [1, 1]


@simulated
async def test_it_is_quiet_when_a_subscriber_is_through_with_what_it_was_sent():
    begun, done = [], []

    async def slow(delivery):
        begun.append(delivery.topic)
        await asyncio.sleep(5)
        done.append(delivery.topic)

    async with World() as w:
        (a,) = await w.nodes("a")
        await w.subscribe(slow, "handclasp/+/nodes/+/connections/#")
        await a.initiate()
        await a.initiate()
        await w.quiet()
        assert len(done) == len(begun) == 2


@simulated
async def test_who_never_gets_through_is_named_and_who_was_cancelled_is_not_waited_for():
    async with World() as w:
        (a,) = await w.nodes("a")
        cancelled = []

        async def gives_up(_delivery):
            cancelled.append(asyncio.current_task().cancel())
            await asyncio.sleep(0)

        await w.subscribe(gives_up, "handclasp/+/nodes/+/connections/#")
        await a.initiate()
        await w.quiet()
        assert cancelled
        await w.subscribe(lambda _delivery: asyncio.Event().wait(), "handclasp/+/nodes/#")
        with pytest.raises(NotQuietError, match=r"what subscribed to handclasp/\+/nodes/# is not through"):
            await w.quiet(within_s=600)


@simulated
async def test_a_status_can_be_handed_on_twice():
    heard = []
    async with World() as w:
        (a,) = await w.nodes("a")
        await w.subscribe(lambda delivery: heard.append(delivery.event.data.seq), "handclasp/+/nodes/+/connections/#")
        w.repeat_broadcasts()
        await a.initiate()
        await w.quiet()
        await a.act("withdraw")
        await w.quiet()
        assert heard == [1, 1, 2]
