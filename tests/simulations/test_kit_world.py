"""The scriptable world: in ten lines, on virtual time, with every verb that befalls it."""

from __future__ import annotations

import asyncio
import math

import pytest

from simulations.kit import (
    Fault,
    Level,
    NoAnswerError,
    NotQuietError,
    Partition,
    RefusedError,
    ViolationError,
    World,
    WorldError,
    run,
    simulated,
)
from simulations.observer import Observer
from simulations.told_logs import logs_told


@pytest.mark.parametrize("level", Level)
@simulated
async def test_ten_lines(level):
    async with World(seed=7, level=level) as w:
        a, b = await w.nodes("a", "b")
        code = await a.initiate(b)
        lost = w.drop(kind="accept", nth=1)
        await b.accept(code)
        await w.quiet()
        assert a.status == b.status == "active"
        assert lost.count == 1


async def test_a_world_of_the_plugin_is_open_and_its_time_is_virtual(handclasp_world):
    (acme,) = await handclasp_world.nodes("acme")
    began_s = handclasp_world.now_s
    await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(7200))
    assert handclasp_world.now_s == pytest.approx(began_s + 7200)
    assert acme.status is None


async def story(seed, **how):
    async with World(seed, **how) as w:
        a, b = await w.nodes("a", "b")
        code = await a.initiate(b, ask_me=True)
        await asyncio.gather(b.accept(code), a.act("withdraw"), return_exceptions=True)
        await w.quiet()
        return w.trace()


def test_one_seed_is_one_trace_and_another_seed_is_another():
    assert run(lambda: story(3)) == run(lambda: story(3)) != run(lambda: story(4))


def test_a_schedule_is_an_order_of_its_own():
    assert run(lambda: story(3, schedule=())) == run(lambda: story(3, schedule=(0, 0)))
    assert run(lambda: story(3, schedule=(1,) * 200)) != run(lambda: story(3, schedule=()))


# Messages


@simulated
async def test_an_answer_that_is_lost_has_been_done():
    async with World() as w:
        a, b = await w.nodes("a", "b")
        code = await a.initiate()
        lost = w.drop(kind="accept", answer=True)
        other = w.drop(kind="accept", answer=True, sender=b)
        await b.accept(code)
        await w.until(lambda: lost.count == 1)
        assert (a.status, b.status) == ("active", "accepting")
        await w.quiet()
        assert b.status == "active"
        assert other.count == 0, "a answers, and not b"


@simulated
async def test_all_from_the_nth_on_can_be_lost_and_mended():
    async with World() as w:
        a, b = await w.nodes("a", "b")
        await b.accept(await a.initiate(b))
        await w.quiet()
        lost = w.drop("status", sender=b, nth=2, times=math.inf)
        await b.act("deactivate")
        await w.quiet()
        await b.act("activate")
        with pytest.raises(NotQuietError, match="still owes its statement"):
            await w.quiet(within_s=600)
        assert lost.count > 2
        assert (a.status, b.status) == ("deactivated-there", "active")
        w.mend()
        await w.quiet()
        assert a.status == b.status == "active"


@simulated
async def test_a_message_comes_late_and_a_message_comes_twice():
    async with World() as w:
        a, b = await w.nodes("a", "b")
        late = w.delay("accept", by_s=3.0)
        twice = w.duplicate("initiate", after_s=0.5)
        code = await a.initiate(b)
        await w.until(lambda: w.trace().count("hears      kind=initiate") == 2)
        began_s = w.now_s
        await b.accept(code)
        await w.quiet()
        assert w.now_s > began_s + 3.0
        assert (late.count, twice.count) == (1, 1)


@simulated
async def test_who_does_not_hear_of_the_other_looks_at_a_destination_in_vain():
    async with World() as w:
        a, b = await w.nodes("a", "b")
        w.drop("node-info", times=math.inf)
        with pytest.raises(RefusedError) as caught:
            await a.initiate(b)
        assert (caught.value.problem, caught.value.status) == ("check-failed", 409)
        assert "unreachable" in str(caught.value.document["outcome"])


@simulated
async def test_a_partition_of_one_way_and_of_both_ways_ends():
    async with World() as w:
        a, b = await w.nodes("a", "b")
        code = await a.initiate()
        w.partition(b, a, one_way=True)
        await b.accept(code)
        await asyncio.sleep(600)
        assert (a.status, b.status) == ("pending", "accepting")
        w.mend_partition()
        await w.quiet()
        w.partition(a, b)
        await asyncio.gather(a.act("deactivate"), b.act("deactivate"))
        await asyncio.sleep(600)
        assert (a.status, b.status) == ("deactivated-here", "deactivated-here")
        w.mend_partition()
        await w.quiet()
        assert a.status == b.status == "deactivated-both"


# Machines


@simulated
async def test_a_node_that_crashes_keeps_what_it_committed_and_stays_off_until_it_is_turned_on():
    async with World() as w:
        a, b = await w.nodes("a", "b")
        code = await a.initiate(b)
        a.crash()
        assert not a.is_on
        await b.accept(code)
        await asyncio.sleep(3600)
        assert not a.is_on
        assert a.status == "pending"
        with pytest.raises(NoAnswerError, match="It is off"):
            await a.act("withdraw")
        a.restart()
        await w.quiet()
        assert a.status == b.status == "active"


@simulated
async def test_a_code_is_judged_by_its_sources_clock():
    async with World() as w:
        a, b = await w.nodes("a", "b")
        code = await a.initiate(lifetime_s=600)
        a.set_clock(ahead_s=601)
        await b.accept(code)
        await w.quiet()
        assert (a.status, b.status) == ("closed", "closed")
        assert (a.connections[0].reason, b.connections[0].reason) == ("expired", "expired")


@simulated
async def test_random_faults_strike_until_all_is_mended():
    async with World(5, faults=(Fault.REQUEST_LOST, Fault.CRASH_AFTER_COMMIT, Fault.DUPLICATE)) as w:
        a, b = await w.nodes("a", "b")
        for _ in range(5):
            await b.accept(await a.initiate())
        assert "fault      fault=request-lost" in w.trace()
        w.mend()
        await w.quiet()
        assert {one.status for one in (*a.connections, *b.connections)} == {"active"}


# Admins


@simulated
async def test_every_act_of_an_admin():
    async with World() as w:
        a, b = await w.nodes("a", "b")
        old = await a.initiate(b, name="first", ask_me=True)
        code = await a.new_code()
        with pytest.raises(RefusedError, match="code"):
            await b.accept(f"Dear B,\n{code.text[:200]}")
        await b.accept(f"Dear B,\n{code.text}\nYours, A")
        await w.quiet()
        assert a.status == b.status == "awaiting-approval"
        assert "approve" in a.connections[0].possible_acts
        await a.act("approve", a.connections[0])
        await w.quiet()
        assert (await b.act("deactivate")).status == "deactivated-here"
        assert (await b.act("remove")).reason == "removed"
        await w.quiet()
        assert await b.act("remove") is None, "it has left the list"
        assert (a.status, b.status) == ("closed", None)
        assert (old.serial, a.connections[0].reason) < (code.serial, "removed")
        other = await b.initiate(a)
        assert (await a.decline(other)).reason == "declined"
        assert (await a.api("GET", "/node"))["name"] == "a"


async def test_a_name_that_can_not_be_a_nodes_is_refused(handclasp_world):
    for names in (("A",), ("a b",), ("a", "a")):
        with pytest.raises(WorldError, match="can't name a node"):
            await handclasp_world.nodes(*names)


# What goes wrong


@simulated
async def test_a_node_can_be_given_by_its_name():
    async with World() as w:
        a, b = await w.nodes("a", "b")
        lost = w.drop("accept", sender="b", recipient="a")
        w.partition("a", b)
        code = await a.initiate()
        await b.accept(code)
        await asyncio.sleep(600)
        assert (a.status, b.status) == ("pending", "accepting")
        w.mend_partition()
        await w.quiet()
        assert lost.count == 1
        assert a.status == b.status == "active"


@simulated
async def test_a_planned_partition_does_nothing_to_one_node():
    async with World() as w:
        await w.nodes("a")
        w.plan([Partition(at_s=1.0)])
        await asyncio.sleep(100)


def test_what_a_subscriber_raises_comes_out_of_the_test_with_seed_and_trace():
    def raises(_delivery):
        raise ZeroDivisionError("mine")

    async def main():
        async with World(seed=11) as w:
            (a,) = await w.nodes("a")
            await w.subscribe(raises)
            await a.initiate()
            await w.quiet()

    with pytest.raises(ZeroDivisionError, match="mine") as caught:
        run(main)
    (note,) = caught.value.__notes__
    assert note.startswith("The world was World(seed=11, level='direct'); the last of ")
    assert "published" in note


def test_a_task_of_the_test_that_fails_unnoticed_is_told():
    async def main():
        async def fails():
            raise ZeroDivisionError("mine")

        async with World():
            task = asyncio.create_task(fails())
            await asyncio.sleep(1)
            assert task.done()

    with pytest.raises(ViolationError, match="ZeroDivisionError and nobody noticed: mine"):
        run(main)


def test_a_fault_of_the_nodes_ends_the_test(monkeypatch):
    from simulations.checks.secrets import Secrets

    monkeypatch.setattr(Secrets, "committed", lambda self, _host: self.violated("it is told."))
    assert Observer.committed is not Secrets.committed

    async def main():
        async with World(seed=2) as w:
            (a,) = await w.nodes("a")
            await a.initiate()

    with pytest.raises(ViolationError, match="Secrets: it is told") as caught:
        run(main)
    assert "World(seed=2" in caught.value.__notes__[0]


def test_what_a_subscriber_raises_is_not_buried_by_what_the_nodes_say_while_they_unwind():
    def raises(_delivery):
        raise ZeroDivisionError("mine")

    async def main():
        async with World(seed=11) as w:
            a, b = await w.nodes("a", "b")
            await w.subscribe(raises)
            await a.initiate(b)
            await w.quiet()

    said = []
    with logs_told(said.append), pytest.raises(ZeroDivisionError, match="mine"):
        run(main)
    assert said == []
