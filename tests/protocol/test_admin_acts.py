"""What this side's admin and timers may do, and what comes of it."""

import pytest
from msgspec.structs import replace

from protocol.errors import LocalProtocolError
from protocol.events import Code, Offer
from protocol.machine import act, possible_acts
from protocol.records import Status, speak, status_of
from protocol.tables import Act
from protocol.vocabulary import Phase, Reason, Side
from tests.protocol.transcript import (
    DESTINATION,
    EXPIRY,
    NOW,
    PROOF,
    SERIAL,
    SOURCE,
    D,
    destination_record,
    side,
    source_record,
)

OFFER = Offer(serial=SERIAL, expires_at=EXPIRY, addressee=None, ask_me=False)
BOUND = replace(OFFER, addressee=D)
CODE = Code(serial=SERIAL, expires_at=EXPIRY, proof=PROOF)


def source_acts(record, wanted, now=NOW, offer=None):
    return act(SOURCE, record, wanted, now=now, offer=offer).record


def destination_acts(record, wanted, code=None):
    return act(DESTINATION, record, wanted, now=NOW, code=code).record


def test_initiating_owes_only_a_known_addressee():
    assert source_acts(None, Act.INITIATE, offer=OFFER) == source_record()
    assert source_acts(None, Act.INITIATE, offer=BOUND) == source_record(addressee=D, owed=True)


def test_a_new_code_begins_anew_unless_somebody_took_the_old_one():
    newer = replace(OFFER, serial=SERIAL + 1)
    for mine in (side(Phase.PENDING), side(Phase.CLOSED, 2, reason=Reason.EXPIRED)):
        record = source_acts(source_record(mine=mine, theirs=None), Act.NEW_CODE, offer=newer)
        assert record == source_record(serial=SERIAL + 1)
    for stopped in (
        source_record(Phase.CLOSED, mine=side(Phase.CLOSED, reason=Reason.WITHDRAWN)),
        source_record(Phase.CLOSED, mine=side(Phase.CLOSED, reason=Reason.EXPIRED), partner=D),
    ):
        with pytest.raises(LocalProtocolError, match="not possible now: the status is closed"):
            source_acts(stopped, Act.NEW_CODE, offer=newer)


@pytest.mark.parametrize(
    ("wanted", "reason", "now"),
    [
        (Act.WITHDRAW, Reason.WITHDRAWN, NOW),
        (Act.REMOVE, Reason.WITHDRAWN, NOW),
        (Act.EXPIRE, Reason.EXPIRED, EXPIRY),
        (Act.RESTORE, Reason.RESTORED, NOW),
    ],
)
@pytest.mark.parametrize("addressee", [None, D])
def test_a_pending_code_dies_and_its_addressee_is_told(wanted, reason, now, addressee):
    record = source_acts(source_record(addressee=addressee), wanted, now=now)
    assert record.mine == Side(2, Phase.CLOSED, reason=reason)
    assert record.owed == (addressee is not None)


def test_a_code_does_not_expire_early():
    with pytest.raises(LocalProtocolError):
        source_acts(source_record(), Act.EXPIRE)


def test_approval_makes_it_active_and_refusal_closes_it():
    awaiting = source_record(Phase.AWAITING, 2)
    approved = source_acts(awaiting, Act.APPROVE)
    assert (approved.mine, approved.owed) == (Side(3, Phase.ACTIVE, enabled=True), True)
    for wanted in (Act.REFUSE, Act.REMOVE):
        refused = source_acts(awaiting, wanted)
        assert (refused.mine.reason, refused.owed) == (Reason.REFUSED, True)


def test_each_side_has_its_own_switch():
    active = source_record(Phase.ACTIVE, 2)
    off = source_acts(active, Act.DEACTIVATE)
    assert (off.mine, off.owed) == (Side(3, Phase.ACTIVE, enabled=False), True)
    assert status_of(off) is Status.DEACTIVATED_HERE
    assert source_acts(off, Act.DEACTIVATE) == off
    on = source_acts(off, Act.ACTIVATE)
    assert (on.mine.revision, status_of(on)) == (4, Status.ACTIVE)
    there = destination_record(theirs=side(Phase.ACTIVE, enabled=False))
    both = destination_acts(there, Act.DEACTIVATE)
    assert status_of(both) is Status.DEACTIVATED_BOTH
    assert status_of(destination_acts(both, Act.ACTIVATE)) is Status.DEACTIVATED_THERE


def test_no_switch_reaches_the_end_of_the_counter():
    last = source_record(Phase.ACTIVE, 2**53 - 1)
    assert source_acts(last, Act.DEACTIVATE) == last


def test_removing_closes_then_hides_and_forgetting_lets_the_source_row_go():
    removed = source_acts(source_record(Phase.ACTIVE), Act.REMOVE)
    assert (removed.mine.reason, removed.owed, removed.hidden) == (Reason.REMOVED, True, False)
    assert source_acts(removed, Act.REMOVE).hidden
    assert source_acts(removed, Act.FORGET) is None
    active = destination_record(theirs=side(Phase.ACTIVE))
    gone = destination_acts(active, Act.REMOVE)
    assert (gone.mine.reason, gone.owed) == (Reason.REMOVED, True)
    assert destination_acts(gone, Act.REMOVE).hidden
    assert destination_acts(gone, Act.FORGET) == replace(gone, owed=False)


@pytest.mark.parametrize(
    "before",
    [
        None,
        destination_record(Phase.ANNOUNCED, proof=None, theirs=side(Phase.PENDING)),
        destination_record(Phase.CLOSED, serial=SERIAL - 1),
        destination_record(serial=SERIAL - 1, theirs=side(Phase.PENDING)),
        destination_record(serial=SERIAL - 1),
    ],
)
def test_a_code_is_accepted_or_declined_over_anything_that_is_not_further(before):
    assert destination_acts(before, Act.ACCEPT, CODE) == destination_record(owed=True)
    declined = destination_acts(before, Act.DECLINE_CODE, CODE)
    assert declined == destination_record(Phase.CLOSED, mine=Side(1, Phase.CLOSED, reason=Reason.DECLINED), owed=True)


@pytest.mark.parametrize(
    "before",
    [
        destination_record(Phase.CLOSED),
        destination_record(),
        destination_record(serial=SERIAL + 1),
        destination_record(serial=SERIAL - 1, theirs=side(Phase.ACTIVE)),
        destination_record(serial=SERIAL - 1, theirs=side(Phase.AWAITING)),
    ],
)
@pytest.mark.parametrize("wanted", [Act.ACCEPT, Act.DECLINE_CODE])
def test_a_code_is_refused_at_once_where_it_can_do_nothing(before, wanted):
    with pytest.raises(LocalProtocolError):
        destination_acts(before, wanted, CODE)


def test_an_announcement_is_declined_without_a_proof():
    declined = destination_acts(
        destination_record(Phase.ANNOUNCED, proof=None, theirs=side(Phase.PENDING)), Act.DECLINE
    )
    assert (declined.mine.reason, declined.owed, declined.proof) == (Reason.DECLINED, True, None)


def test_a_cancel_carries_the_proof_and_is_for_what_is_not_active_yet():
    cancelled = destination_acts(destination_record(theirs=side(Phase.AWAITING)), Act.CANCEL)
    assert (cancelled.mine.reason, cancelled.owed) == (Reason.CANCELLED, True)
    assert speak(cancelled).proof == PROOF
    with pytest.raises(LocalProtocolError, match="the status is active"):
        destination_acts(destination_record(theirs=side(Phase.ACTIVE)), Act.CANCEL)


def test_an_act_without_a_connection_is_told_so():
    with pytest.raises(LocalProtocolError, match="there is no such connection"):
        source_acts(None, Act.NEW_CODE, offer=OFFER)
    with pytest.raises(LocalProtocolError, match="there is no such connection"):
        destination_acts(None, Act.CANCEL)


@pytest.mark.parametrize(
    ("record", "acts"),
    [
        (source_record(), [Act.NEW_CODE, Act.WITHDRAW, Act.REMOVE]),
        (source_record(Phase.AWAITING), [Act.APPROVE, Act.REFUSE, Act.REMOVE]),
        (source_record(Phase.ACTIVE), [Act.DEACTIVATE, Act.REMOVE]),
        (source_record(Phase.CLOSED), [Act.REMOVE, Act.FORGET]),
        (source_record(Phase.CLOSED, hidden=True, owed=True), [Act.FORGET]),
        (destination_record(Phase.CLOSED), [Act.REMOVE, Act.FORGET]),
        (destination_record(Phase.CLOSED, hidden=True, owed=True), [Act.FORGET]),
        (destination_record(Phase.ANNOUNCED), [Act.DECLINE]),
        (destination_record(), [Act.CANCEL]),
        (
            destination_record(mine=side(Phase.ACCEPTED, enabled=False), theirs=side(Phase.ACTIVE)),
            [Act.ACTIVATE, Act.REMOVE],
        ),
    ],
)
def test_an_admin_is_offered_what_is_possible(record, acts):
    assert possible_acts(record, now=NOW) == acts
