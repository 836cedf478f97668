"""What a record is called and shown as, and what only a programming error brings about."""

import pytest

from protocol import destination, machine, source
from protocol.machine import act, hear
from protocol.records import Status, kind_of, reason_of, role_of, status_of
from protocol.tables import Act, Condition, Effect, Reply
from protocol.vocabulary import Kind, Phase, Reason
from tests.protocol.transcript import (
    DESTINATION,
    NOW,
    SOURCE,
    D,
    E,
    by,
    destination_record,
    said,
    side,
    source_record,
)


@pytest.mark.parametrize(
    ("record", "status", "kind"),
    [
        (source_record(), Status.PENDING, Kind.INITIATE),
        (source_record(Phase.AWAITING), Status.AWAITING_APPROVAL, Kind.STATUS),
        (source_record(Phase.ACTIVE), Status.ACTIVE, Kind.STATUS),
        (source_record(Phase.CLOSED), Status.CLOSED, Kind.STATUS),
        (destination_record(Phase.ANNOUNCED), Status.INVITED, Kind.STATUS),
        (destination_record(), Status.ACCEPTING, Kind.ACCEPT),
        (destination_record(theirs=side(Phase.PENDING)), Status.ACCEPTING, Kind.ACCEPT),
        (destination_record(theirs=side(Phase.AWAITING)), Status.AWAITING_APPROVAL, Kind.ACCEPT),
        (destination_record(theirs=side(Phase.ACTIVE)), Status.ACTIVE, Kind.STATUS),
    ],
)
def test_a_record_has_a_shown_status_and_a_kind_of_question(record, status, kind):
    assert (status_of(record), kind_of(record)) == (status, kind)


def test_a_record_knows_its_role_and_the_shown_reason():
    assert (role_of(source_record()), role_of(destination_record())) == (SOURCE, DESTINATION)
    closed = destination_record(Phase.CLOSED, mine=side(Phase.CLOSED, reason=Reason.BY_PARTNER))
    assert reason_of(closed) is Reason.BY_PARTNER
    assert SOURCE.other is DESTINATION
    assert DESTINATION.other is SOURCE


def test_a_source_speaks_to_its_partner_or_else_to_its_addressee():
    assert source_record().recipient is None
    assert source_record(addressee=E).recipient == E
    assert source_record(Phase.ACTIVE, addressee=E).recipient == D


# What only a programming error brings about


def test_records_and_roles_are_not_mixed():
    with pytest.raises(TypeError, match="source's table"):
        hear(SOURCE, destination_record(), by(D, said(Phase.ACCEPTED)), now=NOW)
    with pytest.raises(TypeError, match="destination's table"):
        act(DESTINATION, source_record(), Act.CANCEL, now=NOW)


def test_effects_without_their_record_offer_or_code_are_errors():
    heard = by(D, said(Phase.ACCEPTED))
    with pytest.raises(TypeError):
        source.perform(Effect.INITIATE, None, None)
    with pytest.raises(TypeError):
        destination.perform(Effect.ACCEPT, None, None)
    for call in (
        lambda: source.apply(Effect.TAKE, None, heard),
        lambda: source.apply(Effect.ANNOUNCE, source_record(), heard),
        lambda: source.perform(Effect.WITHDRAW, None, None),
        lambda: source.perform(Effect.CANCEL, source_record(), None),
        lambda: destination.apply(Effect.MERGE, None, heard),
        lambda: destination.apply(Effect.TAKE, destination_record(), heard),
        lambda: destination.perform(Effect.CANCEL, None, None),
        lambda: destination.perform(Effect.APPROVE, destination_record(), None),
        lambda: machine._answer(Reply.MINE, None, said(Phase.ACTIVE)),
        lambda: destination.holds(Condition.STRANGER, destination_record(), heard, NOW),
    ):
        with pytest.raises(AssertionError):
            call()
    assert not source.allows(Condition.EXPIRED, None, NOW)
