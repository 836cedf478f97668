"""What is real is kept out of a world; all of it where the world looks deep."""

from __future__ import annotations

import datetime as dt
import sys
import time
from time import monotonic as imported_monotonic

import pytest

from simulations.kit import Level, World, run


async def story(level, *, deep):
    async with World(3, level=level, deep=deep) as w, w.session() as session:
        a, b = await w.nodes("a", "b")
        await b.accept(await a.initiate(b))
        async with session.get(f"{a.node_url}/healthz") as answer:
            assert answer.ok
        await w.quiet()
        return w.trace()


def test_who_reaches_for_the_real_world_is_told_for_what():
    async def main():
        async with World():
            time.monotonic()

    with pytest.raises(BaseException, match=r"time\.monotonic: the simulated code reached for the real world"):
        run(main)
    assert time.monotonic() > 0


HOLES = {"datetime": lambda: dt.datetime.now(dt.UTC), "a clock imported by name": imported_monotonic}


@pytest.mark.parametrize("hole", HOLES)
def test_a_deep_world_sees_the_two_ways_out_that_another_does_not_see(hole):
    async def main(*, deep):
        async with World(3, deep=deep) as w:
            a, b = await w.nodes("a", "b")
            await b.accept(await a.initiate(b))
            await w.quiet()
            HOLES[hole]()

    run(lambda: main(deep=False))
    with pytest.raises(BaseException, match="reached for the real world") as caught:
        run(lambda: main(deep=True))
    assert "World(seed=3, level='direct', deep=True)" in caught.value.__notes__[0]
    assert sys.getprofile() is None


@pytest.mark.parametrize("level", Level)
def test_a_deep_world_is_the_same_world(level):
    assert run(lambda: story(level, deep=True)) == run(lambda: story(level, deep=False))
