"""One request on its way between machines, and those whom it concerns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from node.causes import Cause
    from node.ports import HttpAnswer
    from simulations.faults import Fault
    from simulations.network import Network
    from simulations.wire import Said


class Asker(Protocol):
    """Where an answer goes: a caller's future, or the end of a link that a real client reads from."""

    def is_waiting(self) -> bool:
        """Whether the answer still has somebody to go to."""
        ...

    def take(self, answer: HttpAnswer) -> None:
        """The answer arrives, or what goes for one."""
        ...

    def take_part(self, answer: HttpAnswer, share: float) -> bool:
        """That share of the answer arrives, and no more comes; whether the asker may take it for the whole."""
        ...

    def break_off(self, cause: Cause, sentence: str) -> None:
        """No answer will come, and the asker is told so at once."""
        ...


class NoAsker:
    """Nobody waits: the request is one that the network itself repeats."""

    def is_waiting(self) -> bool:
        """See `Asker`."""
        return False

    def take(self, answer: HttpAnswer) -> None:
        """See `Asker`."""

    def take_part(self, answer: HttpAnswer, share: float) -> bool:  # noqa: ARG002 - none of it is looked at
        """See `Asker`."""
        return False

    def break_off(self, cause: Cause, sentence: str) -> None:
        """See `Asker`."""


@dataclass(slots=True, eq=False, kw_only=True)
class Call:
    """One request on its way.

    Attributes:
        raw: the request as it stands on the wire; empty at the direct level.
        linked_to: the machine at the other end of the link that it goes over; none: whoever is at the address.
        asker: where its answer goes.
        befallen: the faults that struck it.
    """

    network: Network
    source: str
    target: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    said: Said | None
    name: str
    remote: str
    asker: Asker = field(default_factory=NoAsker)
    raw: bytes = b""
    linked_to: Destination | None = None
    asked_at: str = ""
    number: int = 0
    is_repeated: bool = False
    befallen: set[Fault] = field(default_factory=set)

    def answered(self, answer: HttpAnswer) -> None:
        """The machine that it arrived at answers."""
        self.network.send_back(self, answer)


class Destination(Protocol):
    """A machine that requests arrive at."""

    name: str
    stays_away: bool

    def is_reachable(self) -> bool:
        """Whether anything listens there now."""
        ...

    def receive(self, call: Call) -> None:
        """Take a request in; `call.answered` is told what comes of it, unless the power goes before."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What is to befall one message.

    Attributes:
        is_lost: it never arrives.
        late_s: it arrives so much later.
        again_s: it arrives a second time, so long after it was sent; none: it does not. Answers are not repeated.
    """

    is_lost: bool = False
    late_s: float = 0.0
    again_s: float | None = None


class Meddler(Protocol):
    """Somebody who decides by hand what befalls messages, beside the faults that a seed draws."""

    def rules(self, call: Call, *, is_answer: bool) -> Ruling:
        """What befalls this request, or its answer; asked once for each."""
        ...


class Directory(Protocol):
    """Who is at which address."""

    def at(self, url_host: str) -> Destination | None:
        """The machine at an address now."""
        ...

    def another(self, name: str, number: float) -> Destination | None:
        """Some other machine than that one, chosen by a number in [0, 1)."""
        ...


class NetworkOverseer(Protocol):
    """Who is told what passes."""

    def said(self, by: str, said: Said) -> None:
        """A node lets a message leave."""
        ...

    def passed(self, data: bytes) -> None:
        """A request or an answer leaves a machine: its body, or at the http level all of it."""
        ...

    def arrived(self, at: str, call: Call) -> None:
        """A request has reached a machine."""
        ...

    def told_answer(self, call: Call) -> None:
        """An answer, or what goes for one, reaches whoever asked."""
        ...

    def failed(self, call: Call, cause: Cause) -> None:
        """The caller of a request was told that there is no answer."""
        ...
