"""What a test gives to the kit, refused at once where it can't be meant."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Coroutine
from typing import TYPE_CHECKING

from simulations.faults import Fault
from simulations.kit.errors import WorldError
from simulations.levels import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


def seed(given: object) -> int:
    """A world's seed.

    Raises:
        WorldError: it is no whole number, or below 0.
    """
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise WorldError(f"A seed is a whole number, 0 or more, and {given!r} is none.")
    return given


def level(given: Level | str) -> Level:
    """A world's level.

    Raises:
        WorldError: there is no such level.
    """
    try:
        return Level(given)
    except ValueError:
        raise WorldError(f"{given!r} is no level; there are {', '.join(Level)}.") from None


def faults(given: Collection[Fault]) -> frozenset[Fault]:
    """Kinds of random faults.

    Raises:
        WorldError: a kind does not exist, or they are not given as a collection.
    """
    if isinstance(given, str):
        raise WorldError(f"faults takes a collection of kinds: write faults=[{given!r}].")
    try:
        return frozenset(Fault(kind) for kind in given)
    except ValueError as error:
        raise WorldError(f"{error}: there are {', '.join(Fault)}.") from None


def seconds(*, is_endless: bool = False, **given: float) -> None:
    """Refuse delays and durations that can't be; `is_endless`: infinitely long is possible.

    Raises:
        WorldError: one is negative, or no number; the text names it.
    """
    for name, value in given.items():
        if not value >= 0 or (math.isinf(value) and not is_endless):
            raise WorldError(f"{name} counts seconds, 0 or more, and {value!r} is not possible.")


def plain(callback: Callable[[], object]) -> None:
    """Refuse a coroutine function, whose body would never run.

    Raises:
        WorldError: it is one.
    """
    if inspect.iscoroutinefunction(callback):
        raise WorldError("later() takes a plain function, and this one is `async`: let it create a task.")


def told_by(holds: Callable[[], object]) -> bool:
    """Whether it holds.

    Raises:
        WorldError: what it returns would have to be awaited, and would count as true unasked.
    """
    told = holds()
    if inspect.isawaitable(told):
        _let_go(told)
        raise WorldError("until() takes a plain function that returns whether it holds, and this one is `async`.")
    return bool(told)


def _let_go(awaitable: object) -> None:
    """So that nobody is warned of what was never awaited."""
    match awaitable:
        case Coroutine():
            awaitable.close()
        case asyncio.Future():
            awaitable.cancel()
