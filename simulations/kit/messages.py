"""What can be done to the messages between the nodes of a world."""

from __future__ import annotations

from itertools import pairwise, permutations
from typing import TYPE_CHECKING, Final

from simulations.calls import Ruling
from simulations.kit import given
from simulations.kit.errors import NOT_OPEN, WorldError
from simulations.kit.script import Scripted

if TYPE_CHECKING:
    from simulations.kit.nodes import Node
    from simulations.kit.script import MessageKind, Script
    from simulations.world import World as SeededWorld

_PARTIES_MIN: Final = 2


class Messages:
    """A world's verbs for messages.

    Attributes:
        script: what was written down so far; none: the world is not open.
    """

    def __init__(self) -> None:
        self.script: Script | None = None
        self._engine: SeededWorld | None = None
        self._is_open = False
        self._nodes: dict[str, Node] = {}

    def drop(
        self,
        kind: MessageKind | None = None,
        *,
        answer: bool = False,
        sender: Node | str | None = None,
        recipient: Node | str | None = None,
        nth: int = 1,
        times: float = 1,
    ) -> Scripted:
        """Lose messages between nodes.

        Args:
            kind: questions of that kind: `initiate` (the announcement), `accept`, `status`, or `node-info` (the look at
                a destination); none: any.
            answer: not the question, but its answer: what was asked is done then, and who asked does not know.
            sender: only messages that this node sends, given itself or by its name.
            recipient: only messages to this node; a program of yours is given by its host name.
            nth: the how many-th of those from now on, counted from 1. What is said again is another message.
            times: how many in a row; `math.inf`: all from then on.

        Returns:
            The fault; its `count` says how many messages it has befallen.

        Raises:
            WorldError: the kind, the sender or the recipient does not exist, or a number is below 1.
        """
        ruling = Ruling(is_lost=True)
        return self._befall(ruling, kind, answer=answer, between=(sender, recipient), nth=nth, times=times)

    def delay(
        self,
        kind: MessageKind | None = None,
        *,
        by_s: float,
        answer: bool = False,
        sender: Node | str | None = None,
        recipient: Node | str | None = None,
        nth: int = 1,
        times: float = 1,
    ) -> Scripted:
        """Let messages arrive `by_s` seconds late; who asked gives up after 5 s, and asks again. See `drop`."""
        given.seconds(by_s=by_s)
        ruling = Ruling(late_s=by_s)
        return self._befall(ruling, kind, answer=answer, between=(sender, recipient), nth=nth, times=times)

    def duplicate(
        self,
        kind: MessageKind | None = None,
        *,
        after_s: float = 1.0,
        sender: Node | str | None = None,
        recipient: Node | str | None = None,
        nth: int = 1,
        times: float = 1,
    ) -> Scripted:
        """Let questions arrive once more, `after_s` seconds after they were sent. The rest: see `drop`."""
        given.seconds(after_s=after_s)
        ruling = Ruling(again_s=after_s)
        return self._befall(ruling, kind, answer=False, between=(sender, recipient), nth=nth, times=times)

    def _befall(
        self,
        ruling: Ruling,
        kind: MessageKind | None,
        *,
        answer: bool,
        between: tuple[Node | str | None, Node | str | None],
        nth: int,
        times: float,
    ) -> Scripted:
        if self.script is None:
            raise WorldError(NOT_OPEN)
        sender, recipient = (None if node is None else self._party(node) for node in between)
        scripted = Scripted(
            kind=kind, is_answer=answer, sender=sender, recipient=recipient, nth=nth, times=times, ruling=ruling
        )
        return self.script.add(scripted)

    def partition(self, *nodes: Node | str, one_way: bool = False) -> None:
        """From now on none of these nodes reaches another of them, until `mend_partition`.

        Messages that are under way are cut off, too. `one_way`: each does not reach the next one, and that is all. A
        program of yours takes part by its host name.

        Raises:
            WorldError: these are not two or more, all different; or the world has no such node or program.
        """
        names = [self._party(node) for node in nodes]
        if len(names) < _PARTIES_MIN or len(set(names)) < len(names):
            raise WorldError("A partition is between two nodes or more, each named once.")
        self._world.network.cut_by_hand.update(pairwise(names) if one_way else permutations(names, 2))

    def mend_partition(self) -> None:
        """All nodes reach each other again."""
        self._world.network.cut_by_hand.clear()

    @property
    def _lived(self) -> SeededWorld:
        if self._engine is None:
            raise WorldError(NOT_OPEN)
        return self._engine

    @property
    def _world(self) -> SeededWorld:
        if not self._is_open:
            raise WorldError(NOT_OPEN)
        return self._lived

    def _party(self, node: Node | str) -> str:
        name = node if isinstance(node, str) else node.name
        known = [*self._nodes, *self._world.machines.strangers]
        if name not in known:
            raise WorldError(f"This world has no {name!r}; it has {', '.join(known) or 'nothing yet'}.")
        return name
