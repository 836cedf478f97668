"""Places that are taken in turn: one who leaves while waiting takes none along, and leaves none behind."""

from __future__ import annotations

import asyncio

from node.instance.places import Places


async def waiting(places: Places) -> asyncio.Task[None]:
    task = asyncio.create_task(places.take())
    await asyncio.sleep(0)
    return task


async def left(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_who_waits_longest_is_next_and_whoever_leaves_is_passed_over() -> None:
    places = Places(1)
    await places.take()
    first, second, third = [await waiting(places) for _ in range(3)]
    assert not places.take_now()
    await left(first)
    assert (places.free, places.waiting) == (0, 2)
    places.give_back()
    await asyncio.wait_for(second, 10)
    assert (places.free, places.waiting, third.done()) == (0, 1, False)
    places.give_back()
    await asyncio.wait_for(third, 10)
    places.give_back()
    assert places.free == 1


async def test_who_leaves_in_the_moment_of_being_next_gives_the_place_on() -> None:
    places = Places(1)
    await places.take()
    first, second = [await waiting(places) for _ in range(2)]
    places.give_back()
    await left(first)
    await asyncio.wait_for(second, 10)
    places.give_back()
    assert places.free == 1
