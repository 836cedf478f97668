"""rules.json: each row of the four tables with situations in which it fires, and what it leaves behind."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from protocol.errors import LocalProtocolError
from protocol.events import Code, Heard, Offer
from protocol.limits import JUMP_LIMIT
from protocol.machine import act, hear, state_of
from protocol.modes import Mode
from protocol.records import DestinationRecord, Record, SourceRecord
from protocol.tables import Act
from protocol.vocabulary import PHASES_SAID, PHASES_SWITCHED_ON, Echo, Phase, Preview, Reason, Role, Side, Statement

from scripts.vectors.material import ACME, AT, EXPIRES_AT, GLOBEX, INITECH, plain, record_view, statement_view

if TYPE_CHECKING:
    from collections.abc import Iterator

PROOF = bytes(range(64))
PREVIEW = Preview("Incidents", "ACME", "Globex", Mode.SCRIPT, ACME.node_url, EXPIRES_AT)
NOW = AT + 60
REVISION = 3
"""Of every record here: an echo can be lower, equal and higher."""


def rules() -> dict[str, Any]:
    """The whole file."""
    return {
        "heard": [case for role in Role for case in _heard(role)],
        "acted": [case for role in Role for case in _acted(role)],
    }


def side_of(phase: str, revision: int) -> Side:
    """A side in that phase."""
    said = Phase(phase)
    if said is Phase.NONE:
        return Side(0, said)
    reason = Reason.REMOVED if said is Phase.CLOSED else None
    return Side(revision, said, enabled=said in PHASES_SWITCHED_ON, reason=reason)


def records(role: Role) -> Iterator[Record | None]:
    """Every record of a role that the rows tell apart."""
    yield None
    if role is Role.SOURCE:
        yield from _source_records()
        return
    for phase in (Phase.ANNOUNCED, Phase.ACCEPTED, Phase.CLOSED):
        heard = (Phase.PENDING,) if phase is Phase.ANNOUNCED else (None, Phase.PENDING, Phase.AWAITING, Phase.ACTIVE)
        for theirs in heard:
            yield DestinationRecord(
                serial=AT,
                mine=side_of(phase, REVISION),
                theirs=side_of(theirs, 2) if theirs is not None else None,
                owed=phase is not Phase.ANNOUNCED,
                proof=None if phase is Phase.ANNOUNCED else PROOF,
                expires_at=EXPIRES_AT,
            )


def _source_records() -> Iterator[SourceRecord]:
    for phase, addressee, ask_me in product(
        (Phase.PENDING, Phase.AWAITING, Phase.ACTIVE, Phase.CLOSED),
        (None, GLOBEX.key, INITECH.key),
        (False, True),
    ):
        partners = {
            Phase.PENDING: (None,),
            Phase.CLOSED: (None, GLOBEX.key, INITECH.key),
        }.get(phase, (GLOBEX.key, INITECH.key))
        reasons = (Reason.REMOVED, Reason.EXPIRED) if phase is Phase.CLOSED else (None,)
        for partner, reason, expires_at in product(partners, reasons, (EXPIRES_AT, NOW)):
            if ask_me and phase is not Phase.PENDING:
                continue
            yield SourceRecord(
                serial=AT,
                mine=Side(REVISION, phase, enabled=phase in PHASES_SWITCHED_ON, reason=reason),
                theirs=side_of(Phase.ACCEPTED, 2) if partner is not None else None,
                partner=partner,
                owed=True,
                addressee=addressee,
                expires_at=expires_at,
                ask_me=ask_me,
            )


def echoes_of(record: Record | None, role: Role) -> Iterator[Echo | None]:
    """No echo; one lower than what I am, equal, equal but in switch or phase, higher, too high to jump past."""
    yield None
    if record is None:
        return
    mine = record.mine
    for revision in (REVISION - 1, REVISION, REVISION + 4, JUMP_LIMIT):
        yield Echo(revision, mine.phase, mine.enabled)
    if mine.phase in PHASES_SWITCHED_ON:
        yield Echo(REVISION, mine.phase, not mine.enabled)
    yield Echo(REVISION, {Role.SOURCE: Phase.PENDING, Role.DESTINATION: Phase.ANNOUNCED}[role], enabled=False)


def situations(role: Role) -> Iterator[tuple[Record | None, Heard, int]]:
    """Everything that can be heard in every record, by what the rows tell apart; with the instant at which it is."""
    sender = GLOBEX.key if role is Role.SOURCE else ACME.key
    for record in records(role):
        for phase, serial, echo, is_answer, good, revision in product(
            sorted(PHASES_SAID[role.other]),
            (AT, AT - 1, AT + 1),
            echoes_of(record, role),
            (False, True),
            (True, False),
            (REVISION, 1),
        ):
            statement = Statement(
                serial=serial,
                side=side_of(phase, revision),
                echo=echo,
                details=PREVIEW if phase is Phase.PENDING and role is Role.DESTINATION else None,
            )
            heard = Heard(
                sender=sender, statement=statement, is_answer=is_answer, proof_good=good, announcement_allowed=good
            )
            yield record, heard, NOW


def _difference(before: Record | None, after: Record | None) -> tuple[object, ...]:
    """What can be told apart of what a statement did."""
    if before is None or after is None:
        return (state_of(before), state_of(after))
    return (
        state_of(after),
        after.serial - before.serial,
        after.mine.revision - before.mine.revision,
        after.theirs != before.theirs,
        after.owed,
    )


def _heard(role: Role) -> Iterator[dict[str, Any]]:
    """For each row the first situation of each outcome that can be told apart."""
    seen = set()
    for record, heard, now in situations(role):
        step = hear(role, record, heard, now=now)
        outcome = (step.row, state_of(record), _difference(record, step.record), step.answer is None)
        if outcome in seen:
            continue
        seen.add(outcome)
        told = {"proof_good": heard.proof_good} if role is Role.SOURCE else {"allowed": heard.announcement_allowed}
        yield {
            "role": role.value,
            "row": step.row,
            "now": now,
            "record": record_view(record),
            "sender": plain(heard.sender),
            "is_answer": heard.is_answer,
            **told,
            "statement": statement_view(heard.statement),
            "record_after": record_view(step.record),
            "answer": statement_view(step.answer) if step.answer is not None else None,
            "notice": step.notice.value if step.notice is not None else None,
        }


OFFER = Offer(serial=AT + 1, expires_at=EXPIRES_AT + 1, addressee=None, ask_me=False)


def tried(role: Role) -> Iterator[tuple[Record | None, Act, Code | None]]:
    """Every act in every record, possible or not; those that take a code with an older, the same and a newer one."""
    for record, wanted, serial in product(list(records(role)), Act, (AT - 1, AT, AT + 1)):
        has_code = wanted in {Act.ACCEPT, Act.DECLINE_CODE}
        if has_code or serial == AT:
            code = Code(serial=serial, expires_at=EXPIRES_AT, proof=PROOF) if has_code else None
            yield record, wanted, code


def done(role: Role, record: Record | None, wanted: Act, code: Code | None) -> tuple[bool, Record | None]:
    """Whether an act is possible, and the record after it."""
    offer = OFFER if wanted in {Act.INITIATE, Act.NEW_CODE} else None
    try:
        return True, act(role, record, wanted, now=NOW, offer=offer, code=code).record
    except LocalProtocolError:
        return False, record


def _acted(role: Role) -> Iterator[dict[str, Any]]:
    """For each act and state the first outcome of each kind, and each state in which it is not possible."""
    seen = set()
    for record, wanted, code in tried(role):
        possible, after = done(role, record, wanted, code)
        theirs = record.theirs.phase if record is not None and record.theirs is not None else None
        owed, serial = after is not None and after.owed, code.serial if code is not None else AT
        outcome = (wanted, state_of(record), theirs if role is Role.DESTINATION else None, serial, possible, owed)
        if outcome in seen:
            continue
        seen.add(outcome)
        offer = OFFER if wanted in {Act.INITIATE, Act.NEW_CODE} else None
        yield {
            "role": role.value,
            "act": wanted.value,
            "now": NOW,
            "record": record_view(record),
            "code": {"serial": serial, "expires_at": EXPIRES_AT, "proof": PROOF.hex()} if code is not None else None,
            "offer": _offer_view(offer),
            "possible": possible,
            "record_after": record_view(after),
        }


def _offer_view(offer: Offer | None) -> dict[str, Any] | None:
    if offer is None:
        return None
    return {
        "serial": offer.serial,
        "expires_at": offer.expires_at,
        "addressee": plain(offer.addressee),
        "ask_me": offer.ask_me,
    }
