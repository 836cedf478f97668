"""The acts of an admin on a connection that exists, as commands tell them: one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.tables import Act


@dataclass(frozen=True, slots=True, kw_only=True)
class TaughtAct:
    """One act, with the words that teach it.

    Attributes:
        purpose: the first sentence of its help, and its line in the list of commands.
        more: what it does, to whom, and when it is possible.
        example: what stands behind the command's name.
        following: what happens next, or what to do.
        asks: what a person on a terminal is asked first, with a place for the connection's name; none: nothing.
    """

    act: Act
    purpose: str
    more: str
    example: str
    following: str
    asks: str | None = None

    @property
    def name(self) -> str:
        """The command, which is the act's name in the admin API too."""
        return self.act.value

    @property
    def help(self) -> str:
        """The text of --help."""
        return (
            f"{self.purpose}\n\n{self.more}\n\n\b\nExample:\n"
            f"  handclasp connections {self.name} {self.example}\n\nNext: {self.following}\n"
        )


TAUGHT_ACTS: Final = (
    TaughtAct(
        act=Act.WITHDRAW,
        purpose="Withdraw the invitation code of a pending connection.",
        more="The code dies at once: whoever uses it from now on is told that it was withdrawn, and a destination "
        "that sees the invitation is told as soon as it can be reached. Only the source can do it.",
        example="a_to_b",
        following="the connection is closed. `handclasp connections initiate` makes a new one; `remove` takes this "
        "one off the list.",
        asks='The invitation code of "{name}" dies for good.',
    ),
    TaughtAct(
        act=Act.APPROVE,
        purpose="Let the destination in that accepted and waits for you.",
        more="Compare its fingerprint with the other admin first: `handclasp connections show ID` tells it. "
        "Only the source can do it.",
        example="a_to_b",
        following="your side is Active, and the other one as soon as it is told.",
    ),
    TaughtAct(
        act=Act.REFUSE,
        purpose="Turn the destination away that accepted and waits for you.",
        more="Do it if you don't know its fingerprint: somebody else used the code. The connection closes on both "
        "sides. Only the source can do it.",
        example="a_to_b",
        following="`handclasp connections initiate --to URL` makes a code that only the right node can use.",
    ),
    TaughtAct(
        act=Act.CANCEL,
        purpose="Take your acceptance back before the connection is Active.",
        more="The source is told as soon as it can be reached, and the code is used up. Only the destination can do "
        "it; of a connection that is Active already, use `remove`.",
        example="a_to_b",
        following="ask the source's admin for a new code if you change your mind.",
    ),
    TaughtAct(
        act=Act.ACTIVATE,
        purpose="Switch this side of a connection on again.",
        more="Each side has a switch of its own; the connection is Active while both are on.",
        example="a_to_b",
        following="`handclasp connections show ID` tells how the other side's switch stands.",
    ),
    TaughtAct(
        act=Act.DEACTIVATE,
        purpose="Switch this side of a connection off without closing it.",
        more="Each side has a switch of its own; the connection is Active while both are on. The other admin sees "
        "that it was switched off here.",
        example="a_to_b",
        following="`handclasp connections activate ID` switches it on again, whenever you like.",
    ),
    TaughtAct(
        act=Act.REMOVE,
        purpose="Close a connection; take a closed one off the list.",
        more="An Active one closes on both sides; of a pending one the code is withdrawn; one that waits for your "
        "approval is refused. Of a closed one the line goes, while late messages are still answered and the other side "
        "is still told; `forget` ends that too.",
        example="a_to_b --yes",
        following="the other side is told as soon as it can be reached. A new connection needs a new code.",
        asks='"{name}" can\'t be opened again.',
    ),
    TaughtAct(
        act=Act.FORGET,
        purpose="Forget a closed connection; nothing more is told.",
        more="For a partner that is gone for good. At the source everything about the connection goes; at the "
        "destination what is owed goes, so that nothing is tried any more.",
        example="a_to_b --yes",
        following="should the partner come back after all, it is answered that the connection is closed.",
        asks='What "{name}" has not told its partner is never told.',
    ),
)
"""In the order in which they are learnt. Decline, new code and description take more than an ID."""
