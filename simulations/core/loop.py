"""An event loop with virtual time and a seeded scheduler.

Time moves only when nothing is ready, and then to the next timer at once. What is ready runs in an order that the
seed chooses (or in asyncio's own order, first in first out). What the loop can't simulate raises: a thread, a socket,
a subprocess, a signal. Waiting for what can never come ends the run with `DeadlockError` instead of a hang.

A callback belongs to the *owner* in whose context it was made, and is run only if the owner takes the step. Once an
owner is dead (the machine lost its power) none of its callbacks runs again: not its `finally`, not its cancellation.
Its tasks are kept, unrun, until `close`.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import heapq
import socket
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from simulations.core.guard import Escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

IDLE_STEPS_MAX = 1_000_000
"""So many steps without time passing are an endless exchange."""


class Owner(Protocol):
    """Whoever callbacks belong to."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it ever takes a step again."""
        ...

    def takes_step(self) -> bool:
        """Asked before each of its callbacks: whether it may run. From the first no on, none ever runs again."""
        ...


OWNER: contextvars.ContextVar[Owner | None] = contextvars.ContextVar("owner", default=None)
"""Whose code is running; tasks and callbacks inherit it."""


class DeadlockError(Exception):
    """Nothing is ready, and no timer will ever make anything ready."""


class LivelockError(Exception):
    """The world does not come to rest though no time passes."""


class SimulatedSocket:
    """What stands for a socket; whoever builds a network in memory says what its verbs do.

    None has all of them: a client's connects, a server's listens, and the loop asks each for no more than that.
    """

    family = socket.AF_INET

    async def connect(self, address: tuple[str, int]) -> None:
        """Reach somebody.

        Raises:
            OSError: nobody is there.
        """
        raise NotImplementedError

    def attach(self, factory: Callable[[], asyncio.BaseProtocol]) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Give it, connected, to a protocol."""
        raise NotImplementedError

    def listen(self, factory: Callable[[], asyncio.BaseProtocol]) -> asyncio.AbstractServer:
        """Take whoever connects, each with a protocol of its own."""
        raise NotImplementedError

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - as the socket module has it
        """It never blocks."""

    def close(self) -> None:
        """There is nothing to give back."""


class Step:
    """What asyncio calls a handle: a callback that runs once, unless it is cancelled before.

    Asyncio's own does more than a world needs, and a world takes a thousand steps.
    """

    __slots__ = ("_when", "arguments", "callback", "context", "is_cancelled", "owner")

    def __init__(
        self,
        callback: Callable[..., object],
        arguments: tuple[Any, ...],
        context: contextvars.Context,
        when: float = 0.0,
    ) -> None:
        self.callback = callback
        self.arguments = arguments
        self.context = context
        self.owner = context.get(OWNER)
        self.is_cancelled = False
        self._when = when

    def cancel(self) -> None:
        """See `asyncio.Handle.cancel`."""
        self.is_cancelled = True
        self.callback, self.arguments = _nothing, ()  # what they hold on to may be let go

    def cancelled(self) -> bool:
        """See `asyncio.Handle.cancelled`."""
        return self.is_cancelled

    def when(self) -> float:
        """See `asyncio.TimerHandle.when`."""
        return self._when


def _nothing() -> None:
    pass


_Loop: Any = asyncio.AbstractEventLoop
"""Its methods raise NotImplementedError: what a world does not need, it does not have."""


class SimulationLoop(_Loop):  # type: ignore[misc]
    """The loop of one world; it is used once.

    Attributes:
        choose: given how many callbacks are ready, which one runs next; none: the one that waits longest.
        steps: how many callbacks have run.
        failure: what ends the run, once something does.
    """

    def __init__(self, choose: Callable[[int], int] | None = None) -> None:
        """Begin at the instant 0; for `choose` see the class."""
        self.choose = choose
        self._now = 0.0
        self._ready: deque[Step] = deque()
        self._timers: list[tuple[float, int, Step]] = []
        self._numbers = count()
        self._tasks: list[tuple[asyncio.Task[Any], Owner | None]] = []
        self._running = False
        self._closed = False
        self.steps = 0
        self.failure: BaseException | None = None

    # Running

    def run_until(self, instant: float, *, done: Callable[[], bool] | None = None) -> bool:
        """Run until that instant, or until `done` says so before time would move on; whether it did.

        Raises:
            BaseException: whatever `fail` was given, at once.
            LivelockError: see there.
        """
        self._running = True
        before = asyncio._get_running_loop()  # noqa: SLF001 - for implementers of loops, says asyncio's source
        asyncio._set_running_loop(self)  # noqa: SLF001 - likewise
        try:
            while True:
                self._run_ready()
                if done is not None and done():
                    return True
                if not self._timers or self._timers[0][0] > instant:
                    self._now = max(self._now, instant)
                    return False
                self._now = max(self._now, self._timers[0][0])
                while self._timers and self._timers[0][0] <= self._now:
                    self._ready.append(heapq.heappop(self._timers)[2])
        finally:
            asyncio._set_running_loop(before)  # noqa: SLF001 - likewise
            self._running = False

    def run_until_complete(self, future: Coroutine[Any, Any, Any] | asyncio.Future[Any]) -> Any:
        """Run until the future is done, however much virtual time that takes.

        Raises:
            DeadlockError: it can't ever be done.
        """
        task = asyncio.ensure_future(future, loop=self)
        while not task.done():
            if not self.run_until(self._timers[0][0] if self._timers else self._now, done=task.done) and not (
                self._ready or self._timers or task.done()
            ):
                raise DeadlockError(f"Nothing will ever wake {task!r}.")
        return task.result()

    def _run_ready(self) -> None:
        ready, choose, limit = self._ready, self.choose, self.steps + IDLE_STEPS_MAX
        while ready:
            if choose is not None and len(ready) > 1:
                chosen = choose(len(ready))
                ready[0], ready[chosen] = ready[chosen], ready[0]
            step = ready.popleft()
            if step.is_cancelled or ((owner := step.owner) is not None and not owner.takes_step()):
                continue
            self.steps += 1
            try:
                step.context.run(step.callback, *step.arguments)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - as asyncio does: it is told, and the loop goes on
                self.fail(error)
            if self.failure is not None:
                raise self.failure
            if self.steps > limit:
                raise LivelockError(f"{IDLE_STEPS_MAX:,} steps were taken at the instant {self._now}.")

    def fail(self, failure: BaseException) -> None:
        """End the run with this, after the present step; the first one counts."""
        self.failure = self.failure or failure

    # What asyncio asks of a loop

    def time(self) -> float:
        """The virtual instant, in seconds since the world began."""
        return self._now

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> Step:
        """See asyncio; in which order is the seed's to say."""
        step = Step(callback, args, context if context is not None else contextvars.copy_context())
        if not self._closed:
            self._ready.append(step)
        return step

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> Step:
        """See asyncio."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> Step:
        """See asyncio; a timer that was cancelled is passed over when its time comes."""
        step = Step(callback, args, context if context is not None else contextvars.copy_context(), when)
        if not self._closed:
            heapq.heappush(self._timers, (when, next(self._numbers), step))
        return step

    def create_future(self) -> asyncio.Future[Any]:
        """See asyncio."""
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: contextvars.Context | None = None
    ) -> asyncio.Task[Any]:
        """See asyncio; the task is kept until `close`, so that no finaliser runs at a moment of its own choice."""
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name or "task", context=context)
        owner = context.get(OWNER) if context is not None else OWNER.get()
        self._tasks.append((task, owner))
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """A callback raised, or a task's exception was never looked at: both are faults of the simulated code."""
        error = context.get("exception")
        self.fail(error if error is not None else RuntimeError(context.get("message")))

    def expect_success(self, task: asyncio.Task[Any]) -> None:
        """For `add_done_callback`: a task of the simulator's that fails ends the run."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    def unnoticed(self) -> list[BaseException]:
        """What tasks failed with that nobody has looked at; where the power went, nobody could."""
        return [
            error
            for task, owner in self._tasks
            if (owner is None or owner.alive)
            and task.done()
            and task._log_traceback  # noqa: SLF001 - looking at the exception would unset it
            and (error := task.exception()) is not None
        ]

    def is_running(self) -> bool:
        """See asyncio."""
        return self._running

    def is_closed(self) -> bool:
        """See asyncio."""
        return self._closed

    def get_debug(self) -> bool:
        """See asyncio."""
        return False

    def close(self) -> None:
        """Let everything go; what was still waiting is unwound, and nothing that it does then has an effect."""
        self._closed = True
        self._ready.clear()
        self._timers.clear()
        asyncio._set_running_loop(self)  # noqa: SLF001 - likewise: what unwinds may look for its loop
        try:
            for task, _ in self._tasks:
                if not task.done():
                    task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - as asyncio.gather does
                    coroutine = task.get_coro()
                    with contextlib.suppress(BaseException):
                        coroutine.close()
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001 - likewise
        self._tasks.clear()

    # What would leave the simulation

    def _escape(self, what: str) -> NoReturn:
        escaped = Escaped(f"{what} was asked for: no port of the simulation.")
        self.fail(escaped)
        raise escaped

    def call_soon_threadsafe(self, *_args: Any, **_more: Any) -> NoReturn:
        """There is one thread."""
        self._escape("call_soon_threadsafe")

    def run_in_executor(self, *_args: Any, **_more: Any) -> NoReturn:
        """There is one thread."""
        self._escape("run_in_executor")

    async def getaddrinfo(self, *_args: Any, **_more: Any) -> NoReturn:
        """There is no network but the simulated one."""
        self._escape("getaddrinfo")

    async def sock_connect(self, sock: object, address: tuple[str, int]) -> None:
        """Connect a simulated socket; there are no others."""
        if not isinstance(sock, SimulatedSocket):
            self._escape("sock_connect")
        await sock.connect(address)

    async def create_connection(
        self, factory: Callable[[], asyncio.BaseProtocol], *_args: Any, sock: object = None, **_more: Any
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Let a protocol use a simulated socket that is connected; there are no others."""
        if not isinstance(sock, SimulatedSocket):
            self._escape("create_connection")
        return sock.attach(factory)

    async def create_server(
        self, factory: Callable[[], asyncio.BaseProtocol], *_args: Any, sock: object = None, **_more: Any
    ) -> asyncio.AbstractServer:
        """Listen at a simulated socket; there are no others."""
        if not isinstance(sock, SimulatedSocket):
            self._escape("create_server")
        return sock.listen(factory)

    def add_signal_handler(self, *_args: Any, **_more: Any) -> NoReturn:
        """Signals come from outside."""
        self._escape("add_signal_handler")
