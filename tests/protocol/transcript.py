"""Words for transcripts of the machine: who says what, and the records of both sides."""

from protocol.events import Heard
from protocol.machine import hear
from protocol.modes import Mode
from protocol.records import (
    DestinationRecord,
    SourceRecord,
)
from protocol.vocabulary import (
    Details,
    Phase,
    Preview,
    Reason,
    Role,
    Side,
    Statement,
)

D, E = b"d" * 32, b"e" * 32
NOW, EXPIRY, SERIAL = 1_000.0, 2_000, 7
PROOF = b"p" * 64
SOURCE, DESTINATION = Role.SOURCE, Role.DESTINATION

PREVIEW = Preview("a_to_b", "a", "b", Mode.SCRIPT, "http://127.0.0.1:1", EXPIRY)
DETAILS = Details(b"n" * 16, "b", None, "http://127.0.0.1:2", "a_to_b", "a", "b", "handclasp 0.1.0")


def side(phase, revision=1, *, enabled=None, reason=None):
    if phase is Phase.CLOSED and reason is None:
        reason = Reason.REMOVED
    on = phase in {Phase.AWAITING, Phase.ACTIVE, Phase.ACCEPTED} if enabled is None else enabled
    return Side(revision, phase, enabled=on, reason=reason)


def said(phase, revision=1, *, echo=None, serial=SERIAL, enabled=None, details=None):
    return Statement(serial=serial, side=side(phase, revision, enabled=enabled), echo=echo, details=details)


def by(sender, statement, *, answer=False, proof=False, allowed=False):
    return Heard(sender=sender, statement=statement, is_answer=answer, proof_good=proof, announcement_allowed=allowed)


def source_record(phase=Phase.PENDING, revision=1, **fields):
    taken = phase in {Phase.AWAITING, Phase.ACTIVE}
    standing = {
        "serial": SERIAL,
        "mine": side(phase, revision),
        "expires_at": EXPIRY,
        "partner": D if taken else None,
        "theirs": side(Phase.ACCEPTED) if taken else None,
    }
    return SourceRecord(**standing | fields)


def destination_record(phase=Phase.ACCEPTED, revision=1, **fields):
    standing = {"serial": SERIAL, "mine": side(phase, revision), "expires_at": EXPIRY, "proof": PROOF}
    return DestinationRecord(**standing | fields)


def source_hears(record, heard, now=NOW):
    return hear(SOURCE, record, heard, now=now)


def destination_hears(record, heard, now=NOW):
    return hear(DESTINATION, record, heard, now=now)


def answered(step):
    return step.answer.side.phase, step.answer.side.reason
