"""Running a test on virtual time.

The body of a test runs on the same loop as the simulated nodes. So `asyncio.sleep(3600)` takes no time, `gather` and
`create_task` mean what they always mean, and one seed is one run. No plugin for asyncio is asked: what pytest calls is
a plain function.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import inspect
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from simulations.core.guard import Escaped
from simulations.core.loop import SimulationLoop
from simulations.kit.errors import WorldError
from simulations.told_logs import logs_told

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from simulations.kit.world import World

T = TypeVar("T")
P = ParamSpec("P")


class KitLoop(SimulationLoop):
    """The loop of one run.

    Attributes:
        world: the world that lives on it, once there is one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine function to its end on a new loop of virtual time; its result.

    `run(lambda: story(seed=7))` passes arguments. Within, one `World` can be opened. It must not be called while
    another loop runs in this thread.

    Raises:
        WorldError: `main` is no coroutine function.
        ViolationError: a property that must hold of every world did not; the exception's notes name seed and level.
        DeadlockError: `main` waits for what can never come.
        Escaped: something reached for a real clock, real randomness, a thread or a socket while the world was open.
        BaseException: whatever `main` raised.
    """
    __tracebackhide__ = True
    loop = KitLoop()
    with _no_garbage():
        try:
            result: T = loop.run_until_complete(_work_of(main))
        except BaseException as error:
            if loop.world is not None:
                error.add_note(loop.world.where())
                with contextlib.suppress(Escaped):  # it is the error, or is another one's consequence
                    loop.world.close(well=False)
            raise
        finally:
            with logs_told(lambda _event: None):  # what unwinds now has nothing to tell
                loop.close()
    return result


class Steps:
    """A world that is lived step by step, from code that is not async: for state machines.

    Between two steps the thread has its clocks, its randomness and its sockets; no time passes in the world then.

    Attributes:
        world: it is open.
    """

    def __init__(self, world: World) -> None:
        """Open it."""
        self.world = world
        self._loop = KitLoop()
        self._between = contextlib.ExitStack()
        with _no_garbage():
            self._loop.run_until_complete(world.__aenter__())
        self._between.enter_context(world.at_rest())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end; its result.

        Raises:
            ViolationError, DeadlockError, Escaped, BaseException: as `run` does.
        """
        self._between.close()
        try:
            with _no_garbage():
                result: T = self._loop.run_until_complete(work)
        except BaseException as error:
            error.add_note(self.world.where())
            raise
        finally:
            self._between.enter_context(self.world.at_rest())
        return result

    def close(self, *, well: bool) -> None:
        """End the world; see `World.close`."""
        self._between.close()
        try:
            self.world.close(well=well)
        finally:
            with _no_garbage(), logs_told(lambda _event: None):
                self._loop.close()


def _work_of(main: Callable[[], Coroutine[Any, Any, T]]) -> Coroutine[Any, Any, T]:
    work = main()
    if not inspect.iscoroutine(work):
        raise WorldError(f"run() takes an `async def` function, and {main!r} is none.")
    return work


def simulated(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Make a plain function of an `async def`, which runs it on virtual time; see `run`.

    Decorate a test with it, below Hypothesis' `@given` if there is one. Parameters and fixtures stay what they are.
    """

    @functools.wraps(test)
    def plain(*arguments: P.args, **named: P.kwargs) -> T:
        __tracebackhide__ = True
        return run(lambda: test(*arguments, **named))

    return plain


@contextlib.contextmanager
def _no_garbage() -> Iterator[None]:
    """Finalisers would run at moments of their own."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
