"""Mistakes of whoever writes a test are refused where they are made, and the text says what would be right."""

from __future__ import annotations

import asyncio
import inspect
import math

import pytest

from simulations.kit import BrokerOutage, Crash, Fault, Partition, World, WorldError, run, simulated


def test_a_world_outside_virtual_time_says_what_to_do():
    async def opened():
        async with World():
            pass

    with pytest.raises(WorldError, match="decorate the test with @simulated"):
        asyncio.run(opened())
    with pytest.raises(WorldError, match="async with"):
        World().drop()


@simulated
async def test_one_run_has_one_world():
    async with World():
        with pytest.raises(WorldError, match="One run has one world"):
            await World().__aenter__()


def test_a_function_that_is_not_async_is_told_so():
    with pytest.raises(WorldError, match="async def"):
        run(lambda: 3)


@simulated
async def test_a_message_that_does_not_exist_can_not_be_dropped():
    async with World() as w:
        with pytest.raises(WorldError, match="is no kind of message"):
            w.drop("acept")
        with pytest.raises(WorldError, match="count from 1"):
            w.drop("accept", nth=0)


WRONG_WORLDS = {
    "seed, a float": ({"seed": 1.5}, "A seed is a whole number, 0 or more, and 1.5"),
    "seed, below 0": ({"seed": -1}, "A seed is a whole number"),
    "seed, none": ({"seed": None}, "A seed is a whole number"),
    "level": ({"level": "htpp"}, "'htpp' is no level; there are direct, http"),
    "fault": ({"faults": ["crash"]}, "'crash' is not a valid Fault: there are request-lost, "),
    "one fault": ({"faults": Fault.DELAY}, "takes a collection"),
}


@pytest.mark.parametrize("wrong", WRONG_WORLDS)
def test_a_world_that_can_not_be_is_refused_at_once(wrong):
    arguments, text = WRONG_WORLDS[wrong]
    with pytest.raises(WorldError, match=text):
        World(**arguments)


async def never():
    return False


WRONG_VERBS = {
    "delay": (lambda w: w.delay(by_s=-1), "by_s counts seconds, 0 or more"),
    "duplicate": (lambda w: w.duplicate(after_s=math.nan), "after_s counts seconds"),
    "later": (lambda w: w.later(-1, print), "after_s counts seconds"),
    "later, async": (lambda w: w.later(1, never), "later.. takes a plain function"),
    "sleep": (lambda w: w.sleep(-1), "s counts seconds"),
    "until": (lambda w: w.until(lambda: True, within_s=-1), "within_s counts seconds"),
    "until, async": (lambda w: w.until(never), "until.. takes a plain function"),
    "quiet": (lambda w: w.quiet(within_s=-0.1), "within_s counts seconds"),
    "times": (lambda w: w.drop(times=math.nan), "count from 1"),
    "repeat": (lambda w: w.repeat_broadcasts(0), "counts from 1"),
    "sender": (lambda w: w.drop(sender="c"), "This world has no 'c'; it has a, b"),
    "recipient": (lambda w: w.delay(by_s=1, recipient="a.test"), "This world has no 'a.test'"),
    "partition of one": (lambda w: w.partition("a"), "between two nodes or more"),
    "partition of one, twice": (lambda w: w.partition("a", "a"), "each named once"),
    "partition of strangers": (lambda w: w.partition("a", "z"), "has no 'z'"),
    "planned partition": (lambda _: Partition(lasts_s=-1), "lasts_s counts seconds"),
    "planned crash": (lambda _: Crash(at_s=-1), "at_s counts seconds"),
    "planned outage": (lambda _: BrokerOutage(lasts_s=math.inf), "lasts_s counts seconds"),
}


@simulated
async def test_what_can_not_be_meant_is_refused_where_it_is_written():
    async with World() as w:
        await w.nodes("a", "b")
        for wrong, (verb, text) in WRONG_VERBS.items():
            with pytest.raises(WorldError, match=text):
                made = verb(w)
                assert inspect.isawaitable(made), wrong
                await made


@simulated
async def test_who_acts_after_the_end_is_told_that_the_world_is_not_open():
    async with World() as w:
        (a,) = await w.nodes("a")
        await a.initiate()
        await w.quiet()
    for act in (
        lambda: w.drop("accept"),
        lambda: w.partition("a", a),
        w.mend,
        w.mqtt,
        lambda: w.later(1, print),
        a.crash,
        a.restart,
        lambda: a.set_clock(ahead_s=1),
    ):
        with pytest.raises(WorldError, match="not open"):
            act()
    for act in (w.quiet, a.initiate, lambda: w.nodes("b"), lambda: a.act("withdraw"), lambda: w.subscribe(print)):
        with pytest.raises(WorldError, match="not open"):
            await act()
    assert a.status == "pending", "it can still be looked at"
    assert w.now_s > 0
    assert "initiate" in w.trace()
