"""Hypothesis strategies: what nodes say, what people paste, what admins do, what goes wrong, in which order things run.

They are stable: what one of them generates stays valid input, and each shrinks to the simplest that still fails.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from protocol.envelope import envelope_bytes, seal
from protocol.identity import SigningKey
from protocol.invitation import Invitation, write_code
from protocol.limits import CODE_LIFETIME_S_MAX, COUNTER_LIMIT, INSTANT_LIMIT
from protocol.modes import Mode
from protocol.vocabulary import (
    PHASES_SAID,
    PHASES_SWITCHED_ON,
    Details,
    Kind,
    Phase,
    Preview,
    Reason,
    Role,
    Side,
    Statement,
)
from simulations.kit.acts import ACTS, AdminAct
from simulations.kit.plans import BrokerOutage, Crash, Delay, Drop, Duplicate, Partition, RepeatedBroadcasts

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

    from simulations.kit.plans import PlannedFault

KEYS: Final = tuple(SigningKey(bytes([number]) * 32) for number in (1, 2, 3))
CHOICES_MAX: Final = 64
WEIGHTED_ACTS: Final = ("initiate", "accept", "accept", *ACTS)

_COUNTERS: Final = st.integers(1, COUNTER_LIMIT - 1)
_IDS: Final = st.binary(min_size=16, max_size=16)
_TEXTS: Final = (
    st.text(st.sampled_from(string.printable[:95] + "äßЖ東🤝"), min_size=1, max_size=64)
    .filter(str.strip)
    .map(str.strip)
)
_URLS: Final = st.from_regex(
    r"https?://[a-z]{1,9}(\.[a-z]{1,9}){0,3}(:[1-9][0-9]{3})?(/[a-z]{1,9}){0,3}", fullmatch=True
)
_MESSAGES: Final = st.sampled_from((None, "accept", "status", "initiate", "node-info"))
_NTH: Final = st.integers(1, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A question as it goes over the wire, and what stands in it.

    Attributes:
        data: the bytes of the envelope.
        sender: who signed it.
        recipient: the public key of whom it is for, 32 bytes.
        kind: `initiate`, `accept` or `status`.
        role: of the sender.
        connection: the connection's id, 16 bytes.
        time_ms: when it was said, in Unix milliseconds.
        statement: what the sender says of itself and of the other.
    """

    data: bytes
    sender: SigningKey
    recipient: bytes
    kind: Kind
    role: Role
    connection: bytes
    time_ms: int
    statement: Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationCode:
    """An invitation code, and what stands in it.

    Attributes:
        text: what is pasted.
        invitation: what it says.
        seed: its secret, 16 bytes.
        source: the key of the node that made it.
    """

    text: str
    invitation: Invitation
    seed: bytes
    source: SigningKey


def envelopes(role: Role | str | None = None) -> SearchStrategy[Envelope]:
    """Envelopes that every node must read without a refusal: signed questions with anything that may be said.

    Args:
        role: of the sender; none: either.
    """
    roles = st.sampled_from(Role) if role is None else st.just(Role(role))
    return roles.flatmap(_envelopes)


@st.composite
def _envelopes(draw: DrawFn, role: Role) -> Envelope:
    sender, recipient = draw(st.permutations(KEYS))[:2]
    statement, kind = draw(_statements(role))
    connection, time_ms = draw(_IDS), draw(st.integers(0, COUNTER_LIMIT - 1))
    sealed = seal(
        statement,
        kind=kind,
        role=role,
        recipient=recipient.public,
        connection=connection,
        time_ms=time_ms,
        in_reply_to=None,
        key=sender,
    )
    return Envelope(
        data=envelope_bytes(sealed),
        sender=sender,
        recipient=recipient.public,
        kind=kind,
        role=role,
        connection=connection,
        time_ms=time_ms,
        statement=statement,
    )


@st.composite
def _statements(draw: DrawFn, role: Role) -> tuple[Statement, Kind]:
    side, echoed = draw(_sides(role)), draw(st.none() | _sides(role.other))
    serial = draw(st.integers(1, INSTANT_LIMIT - 1))
    kind = Kind.STATUS
    details: Preview | Details | None = None
    if side.phase is Phase.PENDING and draw(st.booleans()):
        kind = Kind.INITIATE
        latest = min(serial + CODE_LIFETIME_S_MAX, INSTANT_LIMIT - 1)
        details = Preview(
            draw(_TEXTS), draw(_TEXTS), draw(_TEXTS), Mode.SCRIPT, draw(st.none() | _URLS), draw(st.integers(1, latest))
        )
    elif side.phase is Phase.ACCEPTED:
        kind = draw(st.sampled_from((Kind.ACCEPT, Kind.STATUS)))
        details = Details(
            draw(_IDS),
            draw(_TEXTS),
            draw(st.none() | _URLS),
            draw(st.none() | _URLS),
            *(draw(_TEXTS) for _ in range(4)),
        )
    proofs = st.none() | st.binary(min_size=64, max_size=64)
    statement = Statement(
        serial=serial,
        side=side,
        echo=echoed.echo if echoed is not None else None,
        proof=draw(proofs) if role is Role.DESTINATION else None,
        details=details,
    )
    return statement, kind


@st.composite
def _sides(draw: DrawFn, role: Role) -> Side:
    phase = draw(st.sampled_from(sorted(PHASES_SAID[role])))
    revision = 0 if phase is Phase.NONE else draw(_COUNTERS)
    enabled = phase in PHASES_SWITCHED_ON and draw(st.booleans())
    reason = draw(st.sampled_from(Reason)) if phase is Phase.CLOSED else None
    return Side(revision, phase, enabled, reason)


@st.composite
def invitation_codes(draw: DrawFn) -> InvitationCode:
    """Invitation codes that every node must read: of any connection, bound or not, of any lifetime, past or to come."""
    source, seed = draw(st.sampled_from(KEYS)), draw(_IDS)
    serial = draw(_COUNTERS)
    invitation = Invitation(
        connection=draw(_IDS),
        serial=serial,
        source_id=draw(_IDS),
        source_key=source.public,
        node_url=draw(_URLS),
        mode=draw(st.sampled_from(Mode)),
        name=draw(_TEXTS),
        source_short_name=draw(_TEXTS),
        destination_short_name=draw(_TEXTS),
        expires_at=draw(st.integers(1, min(serial + CODE_LIFETIME_S_MAX, INSTANT_LIMIT - 1))),
        bound=draw(st.none() | _IDS),
        versions=(1, *draw(st.lists(st.integers(2, 255), max_size=7))),
    )
    return InvitationCode(text=write_code(invitation, source, seed), invitation=invitation, seed=seed, source=source)


def schedules() -> SearchStrategy[tuple[int, ...]]:
    """Orders in which callbacks run that are ready at once, for `World(schedule=…)`; the simplest is asyncio's."""
    return st.lists(st.integers(0, 3), max_size=CHOICES_MAX).map(tuple)


def fault_plans(*, within_s: float = 600.0, max_size: int = 4) -> SearchStrategy[tuple[PlannedFault, ...]]:
    """Plans of what goes wrong, for `World.plan`; the simplest is that nothing does, and every fault of one ends.

    Args:
        within_s: in how many seconds the lasting ones begin, at most.
        max_size: how many faults a plan has at most.
    """
    begins, lasts = st.floats(0, within_s, width=16), st.floats(0.125, within_s, width=16)
    one: SearchStrategy[Any] = st.one_of(
        st.builds(Drop, kind=_MESSAGES, answer=st.booleans(), nth=_NTH),
        st.builds(Delay, kind=_MESSAGES, answer=st.booleans(), nth=_NTH, by_s=lasts),
        st.builds(Duplicate, kind=_MESSAGES, nth=_NTH, after_s=lasts),
        st.builds(Crash, node=st.integers(0, 2), at_s=begins, away_s=lasts),
        st.builds(Partition, at_s=begins, lasts_s=lasts),
        st.builds(BrokerOutage, at_s=begins, lasts_s=lasts, forgets=st.booleans()),
        st.builds(RepeatedBroadcasts, times=st.integers(1, 3)),
    )
    return st.lists(one, max_size=max_size).map(tuple)


def admin_acts() -> SearchStrategy[AdminAct]:
    """Acts of admins, for `World.perform`; those that make connections are likelier."""
    return st.builds(
        AdminAct,
        act=st.sampled_from(WEIGHTED_ACTS),
        node=st.integers(0, 2),
        pick=st.integers(0, 3),
        is_bound=st.booleans(),
        ask_me=st.booleans(),
        lifetime_s=st.sampled_from((None, 60, 3600)),
    )
