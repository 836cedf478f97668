"""What admins do in a world: a story that the seed draws, or one that is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from simulations.admins import Admins
    from simulations.core.dice import Dice
    from simulations.shape import Shape


async def one_handshake(admins: Admins) -> None:
    """A initiates, B accepts: the story that all others vary."""
    code = await admins.initiate("a", to="b", called="a_to_b", ask_me=False)
    if code is not None:
        await admins.accept("b", code)


def drawn_story(dice: Dice, shape: Shape) -> Callable[[Admins], Awaitable[None]]:  # noqa: ARG001 - the seed's own comes
    """The story of a seed."""
    return one_handshake
