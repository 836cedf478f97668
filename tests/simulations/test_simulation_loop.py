"""The loop of a simulated world: virtual time, an order that the seed chooses, and machines that lose their power."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import socket

import pytest

from simulations.core.dice import Dice
from simulations.core.guard import Escaped
from simulations.core.loop import OWNER, DeadlockError, LivelockError, SimulationLoop


class Machine:
    name = "a"

    def __init__(self):
        self.alive = True

    def takes_step(self):
        return self.alive


def seeded(seed: int) -> SimulationLoop:
    stream = Dice(seed).stream("schedule")
    return SimulationLoop(lambda count: int(stream.random() * count))


def test_time_passes_only_when_nothing_is_ready_and_then_at_once():
    loop = SimulationLoop()

    async def sleeper():
        before = asyncio.get_running_loop().time()
        await asyncio.sleep(86400)
        return asyncio.get_running_loop().time() - before

    assert loop.run_until_complete(sleeper()) == 86400


def test_a_timeout_is_virtual_too():
    loop = SimulationLoop()

    async def impatient():
        async with asyncio.timeout(3600):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        loop.run_until_complete(impatient())
    assert loop.time() == 3600


@pytest.mark.parametrize("verb", ["sock_connect", "create_connection", "create_server"])
def test_a_real_socket_is_an_escape_whatever_is_asked_of_the_loop(verb):
    loop = SimulationLoop()
    asked = {
        "sock_connect": lambda sock: loop.sock_connect(sock, ("127.0.0.1", 9)),
        "create_connection": lambda sock: loop.create_connection(asyncio.Protocol, sock=sock),
        "create_server": lambda sock: loop.create_server(asyncio.Protocol, sock=sock),
    }[verb]
    with socket.socket() as real, pytest.raises(Escaped, match=verb):
        loop.run_until_complete(asked(real))


def order_of(loop: SimulationLoop) -> list[int]:
    ran: list[int] = []

    async def work(number: int) -> None:
        for _ in range(3):
            ran.append(number)
            await asyncio.sleep(0)

    async def all_of_it() -> None:
        await asyncio.gather(*(work(number) for number in range(5)))

    loop.run_until_complete(all_of_it())
    return ran


def test_a_seed_chooses_the_order_and_the_same_seed_the_same_order():
    assert order_of(seeded(1)) == order_of(seeded(1))
    assert len({tuple(order_of(seeded(seed))) for seed in range(10)}) == 10


def test_without_a_chooser_the_order_is_asyncios():

    assert order_of(SimulationLoop()) == [number for _ in range(3) for number in range(5)]


def test_a_machine_without_power_takes_no_further_step_not_even_to_clean_up():
    loop, machine, done = SimulationLoop(), Machine(), []

    async def work():
        try:
            done.append("began")
            await asyncio.sleep(10)
            done.append("went on")
        finally:
            done.append("cleaned up")

    context = contextvars.Context()
    context.run(OWNER.set, machine)
    loop.create_task(work(), context=context)
    loop.run_until(5)
    machine.alive = False
    loop.run_until(20)
    assert done == ["began"]
    loop.close()


def test_what_a_dead_machine_was_waiting_for_may_still_happen():
    loop, machine = SimulationLoop(), Machine()
    future = loop.create_future()

    async def work():
        await future

    context = contextvars.Context()
    context.run(OWNER.set, machine)
    task = loop.create_task(work(), context=context)
    loop.run_until(1)
    machine.alive = False
    future.set_result(None)
    loop.run_until(2)
    assert not task.done()
    loop.close()


def test_waiting_for_what_can_never_come_is_an_error_and_no_hang():
    loop = SimulationLoop()

    async def forever():
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError):
        loop.run_until_complete(forever())
    loop.close()


def test_an_endless_exchange_without_time_is_an_error(monkeypatch):
    monkeypatch.setattr("simulations.core.loop.IDLE_STEPS_MAX", 1000)
    loop = SimulationLoop()

    async def busy():
        while True:
            await asyncio.sleep(0)

    task = loop.create_task(busy())
    with pytest.raises(LivelockError):
        loop.run_until(1)
    assert not task.done()
    loop.close()


def test_a_callback_that_raises_ends_the_run():
    loop = SimulationLoop()
    loop.call_later(1, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        loop.run_until(2)


def test_a_task_that_failed_just_before_the_power_went_is_nobodys_fault():
    loop, machine = SimulationLoop(), Machine()

    async def fails():
        raise OSError("nobody was left to look at this")

    context = contextvars.Context()
    context.run(OWNER.set, machine)
    task = loop.create_task(fails(), context=context)
    loop.run_until(1)
    machine.alive = False
    assert loop.unnoticed() == []
    assert task.exception() is not None


def test_a_task_that_failed_unnoticed_is_found():
    loop = SimulationLoop()

    async def fails():
        raise OSError("nobody looks at this")

    task = loop.create_task(fails())
    loop.run_until(1)
    (error,) = loop.unnoticed()
    assert error is task.exception()
    assert loop.unnoticed() == []


@pytest.mark.parametrize(
    "leave",
    [
        lambda loop: loop.run_in_executor(None, print),
        lambda loop: loop.call_soon_threadsafe(print),
        lambda loop: loop.getaddrinfo("localhost", 80),
        lambda loop: loop.create_connection(asyncio.Protocol, "localhost", 80),
        lambda loop: loop.create_server(asyncio.Protocol, "localhost", 80),
        lambda loop: loop.add_signal_handler(2, print),
        lambda _loop: asyncio.to_thread(print),
    ],
    ids=["executor", "threadsafe", "getaddrinfo", "connect", "listen", "signal", "to_thread"],
)
def test_what_would_leave_the_simulation_ends_the_run_even_if_it_is_swallowed(leave):
    loop = SimulationLoop()

    async def swallows():
        with contextlib.suppress(BaseException):
            await leave(loop)
        await asyncio.sleep(1)

    loop.create_task(swallows())
    with pytest.raises(Escaped):
        loop.run_until(2)
    loop.close()


def test_what_the_loop_does_not_have_raises():
    loop = SimulationLoop()
    with pytest.raises(NotImplementedError):
        loop.add_reader(0, print)
