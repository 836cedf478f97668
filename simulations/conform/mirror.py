"""What an implementation must hold of one connection, and therefore say: the shipped tables, run beside it.

The runner tells an implementation something and tells its mirror the same; the rows of the tables are deterministic,
so the mirror knows the one answer that is right. It has no clock, no dice and no I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from protocol.events import Code as CodeEvent
from protocol.events import Heard, Offer
from protocol.machine import act, hear
from protocol.proof import is_good_proof
from protocol.records import DestinationRecord, Record, kind_of, speak
from protocol.vocabulary import Details, Phase, Preview, Role, Statement

if TYPE_CHECKING:
    from protocol.envelope import Message
    from protocol.invitation import Code
    from protocol.machine import Step
    from protocol.tables import Act

ANY_PROOF = bytes(64)
"""Stands in the mirror of a destination until its first word has shown the proof that it made."""


class Mirror:
    """One side of one connection as it must be.

    Attributes:
        record: what must be stored.
        spoken: what it may have said since it was last heard: a question may have been built before the last change.
    """

    def __init__(self, role: Role, *, code: Code | None) -> None:
        self.role = role
        self.record: Record | None = None
        self.spoken: list[Statement] = []
        self.code = code

    def act(self, wanted: Act, *, now: float, addressee: bytes | None = None, ask_me: bool = False) -> None:
        """Do an admin's act.

        Raises:
            LocalProtocolError: it is not possible now.
        """
        offer = code = None
        if self.code is not None:
            invitation = self.code.invitation
            offer = Offer(
                serial=invitation.serial, expires_at=invitation.expires_at, addressee=addressee, ask_me=ask_me
            )
            code = CodeEvent(serial=invitation.serial, expires_at=invitation.expires_at, proof=ANY_PROOF)
        self._is_now(act(self.role, self.record, wanted, now=now, offer=offer, code=code).record)

    def foresee(self, sender: bytes, said: Statement, *, is_answer: bool, now: float, allowed: bool = False) -> Step:
        """What hearing this would do; nothing is changed."""
        heard = Heard(
            sender=sender,
            statement=said,
            is_answer=is_answer,
            proof_good=self.role is Role.SOURCE and self.is_proof_good(said, destination=sender),
            announcement_allowed=allowed,
        )
        return hear(self.role, self.record, heard, now=now)

    def take(self, step: Step) -> None:
        """Let it be as a step has left it."""
        self._is_now(step.record)

    @property
    def is_proof_unknown(self) -> bool:
        """Whether the implementation has made a proof that was not heard yet."""
        return isinstance(self.record, DestinationRecord) and self.record.proof == ANY_PROOF

    def learn_proof(self, proof: bytes | None) -> None:
        """Keep the proof that the implementation has made: from now on it must be in all that it says."""
        if isinstance(self.record, DestinationRecord):
            self.record = msgspec.structs.replace(self.record, proof=proof)
            self.spoken = [msgspec.structs.replace(one, proof=proof) for one in self.spoken]

    def is_proof_good(self, said: Statement, *, destination: bytes) -> bool:
        """Whether a statement's proof is by this connection's code for that destination."""
        if self.code is None:
            return False
        invitation = self.code.invitation
        return is_good_proof(
            said.proof,
            invitation_key=self.code.key.public,
            connection=invitation.connection,
            serial=invitation.serial,
            source_key=invitation.source_key,
            destination_key=destination,
            public_digest=self.code.public_digest,
        )

    def question_fault(self, asked: Message) -> str | None:
        """What is wrong with a question of the implementation; none: it says what it is."""
        if self.record is None:
            return "it has no such connection, and says something of one"
        fits = [one for one in self.spoken if is_same(one, asked.statement)]
        if not fits:
            return f"it must say {described(speak(self.record))}, and says {described(asked.statement)}"
        kind = kind_of(self.record)
        if is_same(speak(self.record), asked.statement) and asked.kind is not kind:
            return f"its kind must be {kind}, and is {asked.kind}"
        return details_fault(asked)

    def heard_out(self) -> None:
        """It has said its present side: nothing older may follow."""
        self.spoken = [speak(self.record)] if self.record is not None else []

    def _is_now(self, record: Record | None) -> None:
        self.record = record
        if record is not None and (now := speak(record)) not in self.spoken:
            self.spoken.append(now)


def is_same(wanted: Statement, said: Statement) -> bool:
    """Whether a statement says what it must; the details are another matter."""
    return msgspec.structs.replace(wanted, details=None) == msgspec.structs.replace(said, details=None)


def details_fault(message: Message) -> str | None:
    """What is wrong with a message's details; none: they are those of its kind and phase."""
    told, phase = message.statement.details, message.statement.side.phase
    if phase is Phase.ACCEPTED:
        return None if isinstance(told, Details) else "an accepted statement must carry its details"
    if isinstance(told, Preview) and not message.is_answer and phase is Phase.PENDING:
        return None
    if phase is Phase.PENDING and not message.is_answer:
        return "an initiate must carry its preview"
    return None if told is None else f"a statement that says {phase} carries no details"


def described(said: Statement) -> str:
    """A statement in words, for a report."""
    side, echo = said.side, said.echo
    reason = f"({side.reason})" if side.reason is not None else ""
    echoed = "no echo" if echo is None else f"echo {echo.phase} rev {echo.revision} {_switch(echo.enabled)}"
    proof = "no proof" if said.proof is None else f"proof {said.proof[:4].hex()}…"
    return f"{side.phase}{reason} rev {side.revision} {_switch(side.enabled)}, {echoed}, {proof}"


def _switch(on: bool) -> str:  # noqa: FBT001 - a switch is what it shows
    return "on" if on else "off"
