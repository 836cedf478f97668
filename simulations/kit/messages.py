"""What can be done to the messages between the nodes of a world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulations.calls import Ruling
from simulations.kit.errors import NOT_OPEN, WorldError
from simulations.kit.script import Scripted

if TYPE_CHECKING:
    from simulations.kit.nodes import Node
    from simulations.kit.script import MessageKind, Script


class Messages:
    """A world's verbs for messages.

    Attributes:
        script: what was written down so far; none: the world is not open.
    """

    def __init__(self) -> None:
        self.script: Script | None = None

    def drop(
        self,
        kind: MessageKind | None = None,
        *,
        answer: bool = False,
        sender: Node | None = None,
        recipient: Node | None = None,
        nth: int = 1,
        times: float = 1,
    ) -> Scripted:
        """Lose messages between nodes.

        Args:
            kind: questions of that kind: `initiate` (the announcement), `accept`, `status`, or `node-info` (the look at
                a destination); none: any.
            answer: not the question, but its answer: what was asked is done then, and who asked does not know.
            sender: only messages that this node sends.
            recipient: only messages to this node.
            nth: the how many-th of those from now on, counted from 1. What is said again is another message.
            times: how many in a row; `math.inf`: all from then on.

        Returns:
            The fault; its `count` says how many messages it has befallen.

        Raises:
            WorldError: the kind does not exist, or a number is below 1.
        """
        ruling = Ruling(is_lost=True)
        return self._befall(ruling, kind, answer=answer, between=(sender, recipient), nth=nth, times=times)

    def delay(
        self,
        kind: MessageKind | None = None,
        *,
        by_s: float,
        answer: bool = False,
        sender: Node | None = None,
        recipient: Node | None = None,
        nth: int = 1,
        times: float = 1,
    ) -> Scripted:
        """Let messages arrive `by_s` seconds late; who asked gives up after 5 s, and asks again. See `drop`."""
        ruling = Ruling(late_s=by_s)
        return self._befall(ruling, kind, answer=answer, between=(sender, recipient), nth=nth, times=times)

    def duplicate(
        self,
        kind: MessageKind | None = None,
        *,
        after_s: float = 1.0,
        sender: Node | None = None,
        recipient: Node | None = None,
        nth: int = 1,
        times: float = 1,
    ) -> Scripted:
        """Let questions arrive once more, `after_s` seconds after they were sent. The rest: see `drop`."""
        ruling = Ruling(again_s=after_s)
        return self._befall(ruling, kind, answer=False, between=(sender, recipient), nth=nth, times=times)

    def _befall(
        self,
        ruling: Ruling,
        kind: MessageKind | None,
        *,
        answer: bool,
        between: tuple[Node | None, Node | None],
        nth: int,
        times: float,
    ) -> Scripted:
        if self.script is None:
            raise WorldError(NOT_OPEN)
        sender, recipient = (None if node is None else node.name for node in between)
        scripted = Scripted(
            kind=kind, is_answer=answer, sender=sender, recipient=recipient, nth=nth, times=times, ruling=ruling
        )
        return self.script.add(scripted)
