"""What happens in a world, as whoever watches it is told: the checks, and what counts how much was covered."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.causes import Cause
    from node.ports import HttpAnswer, Publication
    from simulations.admins import Asked
    from simulations.calls import Call
    from simulations.host import Host
    from simulations.rows import Change
    from simulations.wire import Said
    from simulations.world import World


class ViolationError(Exception):
    """A property that must always hold does not: the world is a counterexample, and its text names the check."""


class Observer:
    """Is told everything and does nothing; those who watch override what they need.

    Whatever is told has just happened, and is not over. An observer that ends the world does so by `loop.fail`: an
    exception of its own may come out within the node's code, and be swallowed there.
    """

    def __init__(self, world: World) -> None:
        self.world = world

    def booted(self, host: Host) -> None:
        """A machine is on; what its disk held is in `host.running.rows`."""

    def crashed(self, host: Host) -> None:
        """A machine lost its power."""

    def rewound(self, host: Host, *, marked: bool) -> None:
        """A machine's memory is not the continuation of what it was: an older one, or another one's copy.

        `marked`: the node can tell that it is a backup which was put back.
        """

    def changed(self, host: Host, change: Change) -> None:
        """What a unit of work did to a connection was committed; those of one transaction in their order."""

    def unit(self, host: Host, result: object, changes: list[Change]) -> None:
        """A unit of work was committed, whether it changed a connection or, as most do, none."""

    def committed(self, host: Host) -> None:
        """A transaction was committed, and its units were told."""

    def commit_failed(self, host: Host, error: Exception) -> None:
        """Nothing of a transaction was kept."""

    def said(self, by: str, said: Said) -> None:
        """A message leaves a node."""

    def passed(self, data: bytes) -> None:
        """The body of a request or an answer between nodes leaves one of them."""

    def arrived(self, at: str, call: Call) -> None:
        """A request has reached a machine."""

    def told_answer(self, call: Call) -> None:
        """An answer, or what goes for one, reaches whoever asked."""

    def failed(self, call: Call, cause: Cause) -> None:
        """A request brought no answer."""

    def attempted(self, host: Host, cause: Cause | None) -> None:
        """A node counts a try to deliver: answered, or why it counts it as not answered."""

    def heard(self, host: Host, kind: str, result: str) -> None:
        """A node counts an envelope: its kind, and the row that fired or why it was refused."""

    def published(self, client_id: str, link: int, publication: Publication) -> None:
        """The broker took a message."""

    def logged(self, host: str, event: dict[str, object], error: BaseException | None) -> None:
        """A node wrote a line of its log, perhaps about an error."""

    def asked(self, host: Host, asked: Asked) -> None:
        """An admin is about to ask something of a node."""

    def answered(self, host: Host, asked: Asked, answer: HttpAnswer | None) -> None:
        """The node answered its admin, or did not."""

    def unsettled(self) -> str | None:
        """In a mended world: what it still waits for, as a sentence; none: it could end now."""
        return None

    def came_to_rest(self) -> None:
        """Faults are over and the time to agree has passed, or all was agreed before."""
