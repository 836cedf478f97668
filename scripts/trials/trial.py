"""What a trial is: real processes are put through something, and it is looked whether what must hold does hold."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from pathlib import Path
    from random import Random

POLL_S = 0.05


class NotHeldError(Exception):
    """What must hold does not; the text says what was expected, of whom, and what was seen instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What held: a sentence with its figures, and the figures for programs."""

    sentence: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a trial is given.

    Attributes:
        folder: for everything that it writes.
        rounds: how often it does what it does.
        random: draws its random acts and moments.
        away_s: for how many seconds a source is down where a trial lets it be down for long.
        advance: tells that one more round is done.
    """

    folder: Path
    rounds: int
    random: Random
    away_s: float
    advance: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One trial.

    Attributes:
        name: as `--only` and the printed line have it.
        rounds: how many rounds make a full run.
        counted: what a round is, in the plural.
        steps: how often `advance` is told in one round.
        run: raises NotHeldError, or what a process that does not start raises.
    """

    name: str
    rounds: int
    counted: str
    run: Callable[[Stage], Awaitable[Held]]
    steps: int = 1


@contextmanager
def during(what: str) -> Iterator[None]:
    """Say in what does not hold when it was.

    Raises:
        NotHeldError: what was raised below, also where several tasks at once failed; their first counts.
    """
    try:
        yield
    except (NotHeldError, ExceptionGroup) as error:
        first = first_of(error)
        raise (NotHeldError(f"{what}: {first}") if isinstance(first, NotHeldError) else first) from error


def first_of(error: Exception) -> Exception:
    """The first error of a group of groups."""
    return first_of(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


def require(condition: object, sentence: str) -> None:
    """Go on only if something holds.

    Raises:
        NotHeldError: it does not.
    """
    if not condition:
        raise NotHeldError(sentence)


async def until(look: Callable[[], Awaitable[str]], *, within_s: float) -> None:
    """Look again and again until nothing is missing; `look` says what still is, or an empty text.

    Raises:
        NotHeldError: something still is after `within_s` seconds.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    while missing := await look():
        if loop.time() >= end:
            raise NotHeldError(f"not within {within_s:.0f} s: {missing}")
        await asyncio.sleep(POLL_S)
