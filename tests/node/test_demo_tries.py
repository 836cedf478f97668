"""What the demo makes of an admin's looks at a connection that waits."""

import asyncio
from datetime import UTC, datetime

import pytest

from node.cli.failures import CommandError
from node.demo import tries as tries_module
from node.demo.seen import Attempt
from node.demo.tries import Tries


class Console:
    """An admin who sees one view after the other, and the last one for ever."""

    side, name = "b", "Admin B"

    def __init__(self, *tries: int | None) -> None:
        self._views = [view(count) for count in tries]

    def connection(self, sys_id: str):
        return {"connection": self._views.pop(0) if len(self._views) > 1 else self._views[0]}


class Clock:
    """It shows one second more each time."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        self._now += 1
        return self._now


def view(count: int | None):
    if count is None:
        return {"waiting": None}
    next_at = datetime.fromtimestamp(100 + count, UTC).isoformat()
    return {"waiting": {"cause": "unreachable", "sentence": "x can't be reached.", "tries": count, "next_at": next_at}}


def looking(*counts: int | None) -> Tries:
    return Tries(Console(*counts), "x", partner="a", clock=Clock())


async def test_a_try_is_new_once_and_dated_before_the_look_that_showed_it():
    tries = looking(None, 1, 1)
    assert await tries.look() == []
    assert await tries.look() == [
        Attempt(at_s=2.0, sender="b", recipient="a", number=1, cause="unreachable", next_at_s=101.0)
    ]
    assert await tries.look() == []


async def test_tries_between_two_looks_are_all_told_and_only_the_last_says_when_the_next_is():
    told = await looking(3).look()
    assert [(one.number, one.next_at_s) for one in told] == [(1, None), (2, None), (3, 103.0)]


async def test_a_count_that_begins_anew_is_told_anew():
    tries, told = looking(2, None, 1), []
    for _ in range(3):
        told += await tries.look()
    assert [one.number for one in told] == [1, 2, 1]


async def test_it_waits_for_so_many_tries():
    told = []
    await asyncio.wait_for(looking(None, 1, 2, 3).until(3, told.append), 5)
    assert [one.number for one in told] == [1, 2, 3]


async def test_tries_that_do_not_come_are_an_error_in_a_sentence(monkeypatch):
    monkeypatch.setattr(tries_module, "TRIES_S_MAX", 0.05)
    with pytest.raises(CommandError, match="Admin B should have seen 2 tries"):
        await looking(1).until(2, lambda _one: None)
