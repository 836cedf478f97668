"""What must hold: in each step of one node, in each world, and when everything has been said and heard.

The first sentence that is broken is told; none is: it holds. Where a backup was put back without its node noticing,
a code may live again (the operator's guide says so), and only steps and the end are judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from protocol.events import Heard
from protocol.machine import hear
from protocol.records import DestinationRecord, Record, SourceRecord, Status, status_of
from protocol.tables import Act
from protocol.vocabulary import Phase, Reason, Role, Side, Statement
from simulations.exploring.rules import DESTINATIONS, Who, expiry_of

if TYPE_CHECKING:
    from collections.abc import Iterator

TAKEN: Final = frozenset({Phase.AWAITING, Phase.ACTIVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The records of a world, and who in it is a node and no liar."""

    source: SourceRecord | None
    destinations: tuple[DestinationRecord | None, DestinationRecord | None]
    nodes: tuple[Who, ...]

    def of(self, key: bytes | None) -> DestinationRecord | None:
        """The record of the destination with this key."""
        return next((own for who, own in zip(DESTINATIONS, self.destinations, strict=True) if who.key == key), None)

    def has_to_do_with_a_liar(self) -> bool:
        """Whether the source speaks to one who is no node."""
        return self.source is not None and self.source.recipient in {who.key for who in Who if who not in self.nodes}


def broken_by_step(before: Record | None, after: Record | None, cause: Act | Heard, *, passed: int) -> str | None:
    """What one step of one node breaks, whatever the others are."""
    if after is None:
        is_allowed = before is None or cause is Act.FORGET
        return None if is_allowed else "A record went that nobody chose to forget."
    if isinstance(after, DestinationRecord):
        is_new = before is None or before.mine.phase is not Phase.ACCEPTED or before.serial != after.serial
        if is_new and after.mine.phase is Phase.ACCEPTED and cause is not Act.ACCEPT:
            return "A destination accepted without its admin's act."
    elif not isinstance(before, DestinationRecord):
        broken = _broken_by_use(before, after, cause) or _broken_by_taking(before, after, cause, passed)
        if broken is not None:
            return broken
    return _broken_by_going_back(before, after) if before is not None else None


def _broken_by_use(before: SourceRecord | None, after: SourceRecord, cause: Act | Heard) -> str | None:
    if after.addressee is not None and after.partner not in {None, after.addressee}:
        return "A code was used up by one whom it is not bound to."
    if after.partner is None or (before is not None and before.partner == after.partner):
        return None
    if not isinstance(cause, Heard) or cause.sender != after.partner:
        return "A partner was pinned that did not speak."
    is_declined = cause.sender == after.addressee and cause.statement.side.phase is Phase.CLOSED
    return None if cause.proof_good or is_declined else "A code was used up without a proof of it."


def _broken_by_taking(before: SourceRecord | None, after: SourceRecord, cause: Act | Heard, passed: int) -> str | None:
    if after.mine.phase not in TAKEN:
        return None
    if before is None:
        return "A code was taken that was never offered."
    if before.mine.phase not in TAKEN:
        if before.mine.phase is not Phase.PENDING or before.serial != after.serial:
            return "A code was taken that was no longer offered."
        if passed >= expiry_of(after.serial):
            return "A code was taken past its expiry."
    became_active = after.mine.phase is Phase.ACTIVE and before.mine.phase is not Phase.ACTIVE
    if became_active and after.ask_me and cause is not Act.APPROVE:
        return "The source became active without its admin's approval."
    return None


def _broken_by_going_back(before: Record, after: Record) -> str | None:
    if after.serial < before.serial:
        return "A record went back to an older code."
    partner = before.partner if isinstance(before, SourceRecord) else None
    if after.serial > before.serial:
        return "A code was replaced that had been taken." if partner is not None else None
    if before.mine.phase is Phase.CLOSED and after.mine != before.mine:
        return "What was closed came back."
    if after.mine.revision < before.mine.revision:
        return "A revision went back."
    if before.mine.phase is Phase.ANNOUNCED and after.theirs is None:
        return None  # the code was pasted: a new record
    if after.mine != before.mine and after.mine.revision == before.mine.revision:
        return "A side changed under the same revision."
    if isinstance(after, SourceRecord) and partner is not None and after.partner != partner:
        return "The partner was exchanged."
    return _broken_by_older_word(before.theirs, after.theirs)


def _broken_by_older_word(before: Side | None, after: Side | None) -> str | None:
    if before is None or after is None or after == before:
        return None
    if before.phase is Phase.CLOSED:
        return "The partner's closed was overwritten."
    if after.phase is not Phase.CLOSED and after.revision <= before.revision:
        return "An older word of the partner was taken for a newer one."
    return None


def broken_by_world(known: Known) -> str | None:
    """What is wrong with the records of a world in which no backup was put back."""
    source = known.source
    named = list(zip(DESTINATIONS, known.destinations, strict=True))
    active = [(who, own) for who, own in named if own is not None and holds_active(own)]
    if len(active) > 1:
        return "Two destinations are active."
    for who, own in active:
        if source is not None and (source.partner, source.serial) != (who.key, own.serial):
            return f"{who} is active, but the source never was with it."
    for who, record in named:
        broken = _broken_by_closing(source, who, record)
        if broken is not None:
            return broken
    if source is not None and source.partner is not None and not known.has_to_do_with_a_liar():
        return _broken_by_partner(source, known.of(source.partner))
    return None


def _broken_by_closing(source: SourceRecord | None, who: Who, record: DestinationRecord | None) -> str | None:
    if record is None or record.mine.phase is not Phase.CLOSED or record.mine.reason is not Reason.BY_PARTNER:
        return None
    if source is None or source.serial > record.serial or source.mine.phase is Phase.CLOSED:
        return None
    stands_for_another = (source.partner or source.addressee) not in {None, who.key}
    return None if stands_for_another else f"{who} was closed by a source that still stands for this code."


def _broken_by_partner(source: SourceRecord, partner: DestinationRecord | None) -> str | None:
    if partner is None:
        return "The source has a partner that never had a record."
    is_later = partner.serial > source.serial
    if source.mine.phase in TAKEN:
        has_accepted = partner.serial == source.serial and partner.proof is not None
        return None if is_later or has_accepted else "A code was taken by one who never accepted it."
    if source.mine.reason is Reason.BY_PARTNER and not is_later and partner.mine.phase is not Phase.CLOSED:
        return "The source was closed by a partner that is not closed."
    return None


def broken_by_clearing(who: Who, known: Known) -> str | None:
    """Whether a node just stopped telling the other something that the other does not know."""
    source = known.source
    if who is not Who.SOURCE:
        own = known.of(who.key)
        return None if own is None or _is_known(source, who, own) else f"{who} owes nothing any more, unheard."
    if source is None or known.has_to_do_with_a_liar():
        return None
    told = known.of(source.recipient)
    if told is None or told.serial < source.serial:
        is_nothing_to_keep = source.mine.phase in {Phase.PENDING, Phase.CLOSED}
        return None if is_nothing_to_keep else "The source owes nothing any more, but its partner has no record."
    rests_on_it = told.mine.phase is Phase.ACCEPTED  # a late invitation may stand until the resync: it is only shown
    is_known = not rests_on_it or told.owed or _holds(told, source.mine)
    return None if is_known else "The source owes nothing any more, unheard."


def _is_known(source: SourceRecord | None, who: Who, own: DestinationRecord) -> bool:
    is_closed = own.mine.phase is Phase.CLOSED
    if source is None:
        return True  # it chose to forget
    if source.serial != own.serial:
        return is_closed
    stands_for_another = (source.partner or source.addressee) not in {None, who.key}
    return source.mine.phase is Phase.CLOSED or _holds(source, own.mine) or (stands_for_another and is_closed)


def _holds(record: Record, side: Side) -> bool:
    return record.theirs is not None and record.theirs.echo == side.echo


def holds_active(record: DestinationRecord) -> bool:
    """Whether this destination takes itself for active, switched on or off."""
    return record.mine.phase is Phase.ACCEPTED and record.theirs is not None and record.theirs.phase is Phase.ACTIVE


def broken_by_rest(known: Known) -> str | None:
    """What is wrong when all was said and heard: somebody owes, waits for ever, or holds what is not so."""
    source, is_lied_to = known.source, known.has_to_do_with_a_liar()
    for who, record in zip(Who, (source, *known.destinations), strict=True):
        if record is not None and record.owed and not (who is Who.SOURCE and is_lied_to):
            return f"At rest {who} still owes what nobody will take."
    for who, own in zip(DESTINATIONS, known.destinations, strict=True):
        broken = _broken_at_destination(source, who, own) if own is not None else None
        if broken is not None:
            return broken
    if source is not None and source.mine.phase in TAKEN and not is_lied_to:
        partner = known.of(source.partner)
        if partner is None or partner.mine.phase is not Phase.ACCEPTED:
            return "At rest the source is alone in what it takes for a connection."
    return None


def _broken_at_destination(source: SourceRecord | None, who: Who, own: DestinationRecord) -> str | None:
    if own.mine.phase is Phase.CLOSED:
        return None
    if source is None:
        return f"At rest {who} waits for a source that has no record."
    if own.mine.phase is Phase.ANNOUNCED:
        is_offered = source.mine.phase is Phase.PENDING
        return None if is_offered else f"At rest {who} is invited to what is no longer offered."
    if status_of(own) is Status.ACCEPTING:
        return f"At rest {who} still waits for the source's word."
    if source.partner != who.key or source.serial != own.serial:
        return f"At rest {who} is connected to a source that stands for another."
    if source.mine != own.theirs or source.theirs != own.mine:
        return f"At rest the source and {who} do not hold the same."
    return None


def broken_by_stranger(source: SourceRecord | None) -> str | None:
    """Whether someone without key or proof changes a source's record, or learns anything from its answer."""
    for statement in _of_a_stranger(source):
        heard = Heard(sender=b"stranger", statement=statement, is_answer=False)
        step = hear(Role.SOURCE, source, heard, now=0)
        if step.record != source:
            return f"A stranger that said {statement.side.phase} changed the source's record."
        told = step.answer.side.reason if step.answer is not None else None
        if told is not _word_for_strangers(source, statement.serial):
            return f"A stranger was told {told}."
    return None


def _word_for_strangers(source: SourceRecord | None, serial: int) -> Reason:
    """What they are told depends on the code they name and on nothing else, lest they learn something."""
    if source is None or serial > source.serial:
        return Reason.UNKNOWN
    return Reason.REPLACED if serial < source.serial else Reason.BAD_PROOF


def _of_a_stranger(source: SourceRecord | None) -> Iterator[Statement]:
    serial = source.serial if source is not None else 1
    for near in (serial - 1, serial, serial + 1):
        for phase in (Phase.NONE, Phase.ANNOUNCED, Phase.ACCEPTED, Phase.CLOSED):
            reason = Reason.CANCELLED if phase is Phase.CLOSED else None
            for revision in (0, 99):
                yield Statement(serial=near, side=Side(revision, phase, phase is Phase.ACCEPTED, reason))
