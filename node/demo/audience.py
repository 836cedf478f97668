"""Who follows the demo beside its terminal: nobody, or the live stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.demo.seen import Seen


class Audience:
    """Nobody. Whoever listens overrides what they want to hear.

    Attributes:
        is_there: whether somebody follows, so that each step is given time.
    """

    is_there = False

    def step(self, who: str, screen: str, *, side: str | None) -> None:
        """A step begins: who acts, on which screen; `side` names the actor's node, if it is one alone."""

    def said(self, text: str) -> None:
        """A line of the present step."""

    def seen(self, one: Seen) -> None:
        """An act, or what befell a process. Events are no part of it: who wants them subscribes to the broker."""

    def looks(self, side: str, path: str) -> None:
        """An admin opens that page of their console."""
