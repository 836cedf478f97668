"""Delta debugging: the fewest of some things that still do what all of them do.

After Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (IEEE TSE 28/2, 2002), ddmin: none of
what is left can be left out alone. That is the least there is for any one step, not the least of all subsets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def fewest(things: Sequence[T], still: Callable[[Sequence[T]], bool]) -> list[T]:
    """The fewest things for which `still` is true, in their order.

    Args:
        things: all of them, for which it is true; it is not asked about these again.
        still: asked about some of them; the same ones are asked about once.
    """
    asked: dict[tuple[T, ...], bool] = {tuple(things): True}

    def holds(some: Sequence[T]) -> bool:
        key = tuple(some)
        if key not in asked:
            asked[key] = still(key)
        return asked[key]

    left = list(things)
    if not left or holds(()):
        return []
    parts = 2
    while len(left) > 1:
        size = -(-len(left) // parts)
        pieces = [left[first : first + size] for first in range(0, len(left), size)]
        smaller = next((piece for piece in pieces if holds(piece)), None)
        if smaller is not None:
            left, parts = list(smaller), 2
            continue
        rests = ([one for piece in pieces if piece is not out for one in piece] for out in pieces)
        rest = next((rest for rest in rests if holds(rest)), None)
        if rest is not None:
            left, parts = rest, max(parts - 1, 2)
        elif size == 1:
            break
        else:
            parts = min(2 * parts, len(left))
    return left
